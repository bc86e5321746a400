/* Requests that are answered a moment later: their connections sleep, no thread does. */
#ifndef SPILE_HTTP_PAUSE_H
#define SPILE_HTTP_PAUSE_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* One connection's. Owner: its exchange; in the list while it sleeps. */
struct pause {
    struct pause *next, **link;
    struct MHD_Connection *connection;
    int fd;
    uint64_t due;
};

/* All of a server. Owner: the server. */
struct pauses {
    pthread_mutex_t lock;
    struct pause *first;
    bool stopping;
};

void pauses_init(struct pauses *pauses);
void pauses_destroy(struct pauses *pauses);

/* From the access handler, which then returns without a reply and is called again later. False: the
 * server stops, and nothing sleeps any more. `fd` is the connection's socket. */
bool pause_begin(struct pauses *pauses, struct pause *pause, struct MHD_Connection *connection,
                 int fd, uint64_t ns);
/* To be called again and again, with clock_ns(): wakes those that are due, or shut down. */
void pauses_sweep(struct pauses *pauses, uint64_t now);
/* Wakes all. No connection sleeps afterwards. */
void pauses_stop(struct pauses *pauses);

#endif
