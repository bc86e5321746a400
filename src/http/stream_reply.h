/*
 * Replies without end (struct api_endless) as libmicrohttpd wants them: a reader that has nothing
 * to read puts its connection to sleep; who has something wakes it.
 */
#ifndef SPILE_HTTP_STREAM_REPLY_H
#define SPILE_HTTP_STREAM_REPLY_H

#include <microhttpd.h>

#include "api/route.h"

/* All such replies of a server. Owner: the server. */
struct stream_replies {
    pthread_mutex_t lock;
    struct stream_reply *first;
    bool stopping;
};

void stream_replies_init(struct stream_replies *replies);
void stream_replies_destroy(struct stream_replies *replies);

/* Makes a response that reads from `stream` and closes it in the end. NULL: no memory, and the
 * stream is closed already. `fd` is the connection's socket. */
struct MHD_Response *stream_reply_begin(struct stream_replies *replies, struct api_endless *stream,
                                        struct MHD_Connection *connection, int fd);
/* To be called again and again, with clock_ns(). Ends the replies whose client has left, which a
 * sleeping connection does not notice, and has each reply send a sign of life now and then. */
void stream_replies_sweep(struct stream_replies *replies, uint64_t now);
/* Ends all replies, and those that begin later at once. No connection sleeps afterwards. */
void stream_replies_stop(struct stream_replies *replies);

#endif
