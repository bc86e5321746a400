/*
 * Cut frames: what a read left behind of a frame whose rest has not come yet. Each connection keeps
 * its own; all of them share one budget, so that no number of slow or lying peers can take the
 * memory: past the budget the largest is evicted.
 */
#ifndef SPILE_CORE_PARTIAL_H
#define SPILE_CORE_PARTIAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/counter.h"
#include "base/span.h"

struct worker;

/* Owner: the pipeline. Any thread. */
struct partial_pool {
    pthread_mutex_t lock;
    atomic_size_t total; /* bytes charged by all that are not evicted */
    size_t max;
    struct partial *head;
    counter evicted;
};

/* Owner: one connection or file, on one worker. All zero is one that was never begun, which
 * partial_destroy accepts. */
struct partial {
    uint8_t *data;
    size_t len;
    size_t cap;
    struct partial_pool *pool;
    struct worker *worker; /* its owner's, never NULL: poked when the pool evicts this one */
    struct partial *next, *prev;
    atomic_size_t charged;
    atomic_bool evicted; /* the owner must end the stream */
};

void partial_pool_init(struct partial_pool *pool, size_t max);
void partial_pool_destroy(struct partial_pool *pool);

void partial_init(struct partial *p, struct partial_pool *pool, struct worker *worker);
void partial_destroy(struct partial *p);

/* Room for `cap` bytes in all, keeping what is there. -1: no memory, or evicted. */
int partial_reserve(struct partial *p, size_t cap);
/* Replaces the contents, by `bytes` from elsewhere or by a part of themselves. Memory that a large
 * frame took is given back once what is kept is small. -1: no memory, or evicted. */
int partial_set(struct partial *p, struct span bytes);

#endif
