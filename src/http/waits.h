/* Requests whose answers take their time: their connections sleep, and no thread of the server's
 * waits for them, but one of their own does (api/wait.h). */
#ifndef SPILE_HTTP_WAITS_H
#define SPILE_HTTP_WAITS_H

#include <microhttpd.h>

#include "api/wait.h"

/* All of a server. Owner: the server. */
struct waits {
    pthread_mutex_t lock; /* also around suspending and resuming */
    pthread_cond_t none;
    size_t count;
    bool stopping;
};

/* One connection's. Owner: its exchange. Zeroed: it does not wait. */
struct wait {
    struct waits *owner;
    struct MHD_Connection *connection;
    struct api_wait api;
    bool begun;
};

void waits_init(struct waits *waits);
void waits_destroy(struct waits *waits);

/* From the access handler, which then returns without a reply and is called again when that is
 * there. The request and its query must last until wait_end. -1: err, nothing waits. */
int wait_begin(struct waits *waits, struct wait *wait, struct MHD_Connection *connection,
               const struct api_request *request, char *query, size_t len, struct error *err);
/* Of one that has begun: its reply, which is the caller's. */
struct api_reply wait_end(struct wait *wait);
/* Returns when none waits; none begins afterwards. */
void waits_stop(struct waits *waits);

#endif
