/*
 * What stands around a service's engine: statistics and their history, what watches events for who
 * asks, the web server, the control socket.
 *
 * A configuration that follows another has parts of its own. They are made beside those at work:
 * what is to go on as it is is taken over, and what is new is started, so all that may fail fails
 * while nothing has changed. Then those that are no more leave, answer who has asked them, and end.
 * Each server shows what its own context says, which never changes.
 */
#ifndef SPILE_APP_PARTS_H
#define SPILE_APP_PARTS_H

#include "app/control.h"
#include "core/engine.h"
#include "http/server.h"

struct desk;
struct site;

/* NULL: there is none. */
struct parts {
    struct stats *stats;
    struct history *history; /* where there are statistics */
    struct live *live;
    struct watches *watches;
    struct site *site; /* the web server */
    struct desk *desk; /* the control socket */
};

/* What the parts of a service have in common, one after the other. */
struct parts_frame {
    unsigned workers;
    bool asked;      /* the command wants statistics, and to ask what belongs to names
                        and clients, whatever the configuration says */
    bool controlled; /* there is to be a control socket, unless it says otherwise */
    const struct observer *command; /* its own; NULL: none */
    struct http_record *record;
    struct api_context context; /* what all show: engine, commands and such */
};

/* How many connections servers may have. */
struct parts_share {
    size_t web, control;
};

enum { PARTS_OBSERVERS = 4 };

bool parts_want_statistics(const struct parts_frame *frame, const struct config *config);
bool parts_want_control(const struct parts_frame *frame, const struct config *config);
/* Makes what an engine needs, and takes the web server's address. `now`: those at work. -1: err,
 * with the place; what there is by then is in *next. */
int parts_open(struct parts *next, const struct parts *now, const struct parts_frame *frame,
               const struct parts_share *share, struct config *config, struct error *err);
/* What they want to see of events, into list[PARTS_OBSERVERS]. */
struct engine_observers parts_observers(const struct parts *parts, const struct parts_frame *frame,
                                        const struct config *config, struct observer *list);
/* Starts them, and makes the rest: the context has the engine by now. -1: as above. */
int parts_start(struct parts *next, const struct parts *now, const struct parts_frame *frame,
                const struct parts_share *share, struct config *config, struct error *err);
/* What the handlers of a server look at, and of who asks without one. */
struct api_context parts_context(const struct parts *parts, const struct parts_frame *frame,
                                 const struct config *config);

/* What goes on goes by the configuration that is in force now. */
void parts_heed(const struct parts *parts, const struct config *config);

/* Those of `all` that are not among `others`. */
struct parts parts_without(const struct parts *all, const struct parts *others);
bool parts_are_none(const struct parts *parts);
/* True when the context is that of one of the servers among them. */
bool parts_have(const struct parts *parts, const struct api_context *context);
/* Main thread, waiting for nobody. Nobody comes to what is gone any more, but to the next ones. */
void parts_leave(const struct parts *gone, const struct parts *next);
/* Nor to what was made, but to those that are at work still. */
void parts_withdraw(const struct parts *made, const struct parts *now);
/* Of those that have left, or were withdrawn, and that no worker knows any more: has them answer
 * who has asked, and ends them. As long as nobody is in a hurry it may take some seconds. */
void parts_end(struct parts *gone, const atomic_bool *hurry);
/* At the end of the program: ends their threads at once; then frees them, the engine being gone. */
void parts_stop(const struct parts *parts);
void parts_free(struct parts *parts);

#endif
