/*
 * Replies without end (struct http_stream) as libmicrohttpd wants them: a reader that has nothing
 * to read puts its connection to sleep; who has something wakes it.
 */
#ifndef SPILE_HTTP_STREAM_REPLY_H
#define SPILE_HTTP_STREAM_REPLY_H

#include <microhttpd.h>

#include "api/route.h"

/* All flows of a server. Owner: the server. */
struct flows {
    pthread_mutex_t lock;
    struct flow *first;
    bool stopping;
};

void flows_init(struct flows *flows);
void flows_destroy(struct flows *flows);

/* Makes a response that reads from `stream` and closes it in the end. NULL: no memory, and the
 * stream is closed already. `fd` is the connection's socket. */
struct MHD_Response *flow_response(struct flows *flows, struct http_stream *stream,
                                   struct MHD_Connection *connection, int fd);
/* To be called again and again, with clock_ns(). Ends the flows whose client has left, which a
 * sleeping connection does not notice, and has each flow send a sign of life now and then. */
void flows_sweep(struct flows *flows, uint64_t now);
/* Ends all flows, and those that begin later at once. No connection sleeps afterwards. */
void flows_stop(struct flows *flows);

#endif
