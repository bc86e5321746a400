/*
 * Cut frames: what a read left behind of a frame whose rest has not come yet. Each connection keeps
 * its own; all of them share one budget, so that no number of slow or lying peers can take the
 * memory: past the budget the largest is evicted, of those of the peer that holds most in all.
 */
#ifndef SPILE_CORE_PARTIAL_H
#define SPILE_CORE_PARTIAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/counter.h"
#include "base/span.h"
#include "core/account_book.h"

struct worker;

/* Owner: the engine. Any thread. */
struct partial_pool {
    pthread_mutex_t lock;
    atomic_size_t total; /* bytes charged by all that are not evicted */
    size_t max;
    struct partial *head;
    struct account_book book; /* of bytes */
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
    struct account_entry entry; /* what is charged; under the pool's lock */
    atomic_bool evicted;        /* the owner must end the stream */
};

/* -1: no memory. */
int partial_pool_init(struct partial_pool *pool, size_t max);
void partial_pool_destroy(struct partial_pool *pool);

/* `peer`: whom it is charged to; where there is no memory for that, to itself alone. */
void partial_init(struct partial *p, struct partial_pool *pool, struct worker *worker,
                  const struct accounts *peer);
void partial_destroy(struct partial *p);

/* Room for `cap` bytes in all, keeping what is there. -1: no memory, or evicted. */
int partial_reserve(struct partial *p, size_t cap);
/* Replaces the contents, by `bytes` from elsewhere or by a part of themselves. Memory that a large
 * frame took is given back once what is kept is small. -1: no memory, or evicted. */
int partial_set(struct partial *p, struct span bytes);

#endif
