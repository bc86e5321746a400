/*
 * A request whose answer takes its time (api_route.waits), because it waits for the main thread or
 * for an output: a thread of its own waits, so that who serves goes on with others.
 */
#ifndef SPILE_API_WAIT_H
#define SPILE_API_WAIT_H

#include <pthread.h>

#include "api/route.h"

enum { API_WAITS_MAX = 8 }; /* that each who serves has at a time, but for the program's end */

/* Owner: who serves; it must not move. Its thread has the reply, and what the request points to,
 * until `done`. */
struct api_wait {
    struct api_request request;
    char *query;
    size_t query_len;
    struct api_reply reply;
    void (*wake)(void *arg); /* called once it is done, by its thread */
    void *arg;
    pthread_t thread;
    atomic_bool done;
};

/* Whether one of that route may begin where so many wait. */
bool api_wait_fits(const struct api_route *route, size_t waiting);
/* All but thread and `done` is filled in. -1: err, there is no thread. */
int api_wait_begin(struct api_wait *wait, struct error *err);
/* Waits until it is done: the reply is there, for the caller to free. */
void api_wait_end(struct api_wait *wait);

#endif
