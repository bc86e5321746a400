/*
 * Replies without end (struct http_stream) as libmicrohttpd wants them: a reader that has nothing
 * to read puts its connection to sleep; who has something wakes it.
 */
#ifndef SPILE_HTTP_FLOW_H
#define SPILE_HTTP_FLOW_H

#include <microhttpd.h>

#include "http/route.h"

/* All flows of a server. Owner: the server. */
struct flows {
    pthread_mutex_t lock;
    struct flow *first;
    bool stopping;
};

void flows_init(struct flows *flows);
void flows_destroy(struct flows *flows);

/* A response that reads from `stream`, which it closes in the end, at once where there is no memory
 * for it (then NULL). `fd` is the connection's socket. */
struct MHD_Response *flow_response(struct flows *flows, struct http_stream *stream,
                                   struct MHD_Connection *connection, int fd);
/* A sleeping connection hears nothing: this looks whose client has left, and has all send a sign of
 * life now and then. */
void flows_sweep(struct flows *flows, uint64_t now);
/* Ends all, and those to come; none sleeps afterwards. */
void flows_stop(struct flows *flows);

#endif
