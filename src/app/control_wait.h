/*
 * A request of the control socket whose answer takes its time, because it waits for the main thread
 * or for an output: a thread of its own waits, so that others are answered meanwhile.
 */
#ifndef SPILE_APP_CONTROL_WAIT_H
#define SPILE_APP_CONTROL_WAIT_H

#include <pthread.h>

#include "api/route.h"

/* Owner: the call, which must not move. Its thread has the reply and what it asks for until
 * `done`. */
struct control_wait {
    struct api_request request;
    char *query;
    size_t query_len;
    struct api_reply reply;
    void (*wake)(void *arg); /* called once it is done */
    void *arg;
    pthread_t thread;
    atomic_bool done;
};

/* All but thread and `done` is filled in, and what the request points to must last until then. -1:
 * err, there is no thread. */
int control_wait_begin(struct control_wait *wait, struct error *err);
/* Waits until it is done: the reply is there, for the caller to free. */
void control_wait_end(struct control_wait *wait);

#endif
