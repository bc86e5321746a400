/*
 * Blocks: what is counted of one stream in one shard. They are large, and of the many identities
 * that there may be few send within one second, so all shards of all workers draw theirs from one
 * pool, which is as large as the memory for statistics says.
 *
 * Streams that are listed have a claim to two blocks each, one in a shard that is being filled and
 * one in a shard that is being merged. What the pool has beyond that is for those that are new.
 */
#ifndef SPILE_STATS_POOL_H
#define SPILE_STATS_POOL_H

#include <pthread.h>
#include <stdatomic.h>

#include "stats/counters.h"
#include "stats/tick.h"
#include "stats/times.h"

struct block {
    struct stats_counters counters[STATS_SIDES];
    bool counted[STATS_SIDES]; /* the counters have something */
    struct tick tick;          /* not of streams that have no block of their own */
    struct times times;        /* of its events */
    uint64_t arrived_ns;       /* wall clock: when the last one that has a time came */
    uint32_t origin;
    uint8_t last_direction;
    bool newcomer;      /* the pool's own, as is `next` */
    struct block *next; /* that is free, too */
};

/* Any thread. */
struct pool {
    pthread_mutex_t lock; /* taken when a stream begins to send within a second, and at its end */
    struct block *blocks;
    struct block *free;
    uint32_t max, used; /* so many have ever been taken; the others are not touched yet */
    uint32_t claimed;   /* for listed streams */
    uint32_t newcomers; /* blocks that are with new ones */
    _Atomic uint32_t left;
};

/* -1: no memory; to be destroyed all the same. */
int pool_init(struct pool *pool, uint32_t max);
void pool_destroy(struct pool *pool);
/* So many streams are listed now. */
void pool_claim(struct pool *pool, uint32_t listed);
/* An empty block, for a stream that is listed or for one that is new. NULL: there is none. */
struct block *pool_take(struct pool *pool, bool listed);
void pool_give(struct pool *pool, struct block *block);

/* How many blocks new streams may take, about. */
static inline uint32_t pool_left(const struct pool *pool)
{
    return atomic_load_explicit(&pool->left, memory_order_relaxed);
}

/* Empties a block, of which much was never touched. */
void block_clear(struct block *block);

#endif
