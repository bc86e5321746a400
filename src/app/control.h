/*
 * The control socket: the API for whoever may command this program, on this machine, without a web
 * server. One request a connection (app/control_request.h); the reply is a line
 *
 *     STATUS TYPE LENGTH
 *
 * and the body; of a stream, as /api/v1/events is one, LENGTH is "-", and it goes on to the end of
 * the connection.
 *
 * Who asks is known by SO_PEERCRED: root, the user that this process runs as, and the members of
 * `group` may ask all; nobody else anything. A thread of its own serves, so many connections at
 * once and each for seconds alone: one more is told so, and closed. Answers that take their time
 * (api_route.waits) are waited for on threads of their own, a few of them (api/wait.h).
 */
#ifndef SPILE_APP_CONTROL_H
#define SPILE_APP_CONTROL_H

#include <sys/types.h>

#include "api/route.h"

struct control;

/* The section `control` of the configuration; rows: control_section. */
struct control_settings {
    bool enabled;
    char *path; /* NULL: the usual one */
    mode_t mode;
    char *group; /* NULL: none */
};

enum {
    CONTROL_MODE = 0660,      /* unless the configuration says otherwise */
    CONTROL_DESCRIPTORS = 8,  /* that it needs to start, a few connections among them */
    CONTROL_CONNECTIONS = 64, /* at most */
    CONTROL_CONNECTIONS_LEAST = 4,
};

/* Whether there is to be one; `settings` may be NULL: those by default. */
static inline bool control_is_wanted(const struct control_settings *settings)
{
    return !settings || settings->enabled;
}

/* Listens, but serves nobody yet. `settings` may be NULL: those by default. So many connections it
 * may have at once; the context is looked at from control_start on. It is to follow the one
 * `before` (NULL: none), whose path it may have. NULL: err. */
struct control *control_open(const struct control_settings *settings, size_t connections,
                             const struct api_context *context, const struct control *before,
                             struct error *err);
int control_start(struct control *control, struct error *err);
/* True when its socket is just what the settings say. */
bool control_is(const struct control *control, const struct control_settings *settings);
/* Nobody comes to it any more, but to the one that follows it, if there is one. Waits for nobody.
 */
void control_leave(struct control *control, struct control *next);
/* Of one that has left: waits until all are answered who have asked, for some seconds at most, and
 * as long as nobody is in a hurry. */
void control_settle(struct control *control, const atomic_bool *hurry);
/* Ends at once: open requests are cut. NULL is fine. */
void control_stop(struct control *control);

#endif
