#include "stats/pool.h"

#include <string.h>

#include "base/pages.h"

void block_clear(struct block *block)
{
    for (int side = 0; side < STATS_SIDES; side++) {
        if (block->counted[side])
            memset(&block->counters[side], 0, sizeof block->counters[side]);
        block->counted[side] = false;
    }
    block->tick = (struct tick){0};
    times_clear(&block->times);
    block->arrived_ns = 0;
    block->origin = 0;
    block->last_direction = 0;
}

int pool_init(struct pool *pool, uint32_t max)
{
    *pool = (struct pool){.max = max};
    pthread_mutex_init(&pool->lock, NULL);
    atomic_init(&pool->left, max);
    pool->blocks = pages_alloc(max * sizeof *pool->blocks);
    return pool->blocks ? 0 : -1;
}

void pool_destroy(struct pool *pool)
{
    pages_free(pool->blocks, pool->max * sizeof *pool->blocks);
    pthread_mutex_destroy(&pool->lock);
}

/* With the lock. */
static void tell_left(struct pool *pool)
{
    uint32_t kept = pool->claimed + pool->newcomers;
    atomic_store_explicit(&pool->left, kept < pool->max ? pool->max - kept : 0,
                          memory_order_relaxed);
}

void pool_claim(struct pool *pool, uint32_t listed)
{
    pthread_mutex_lock(&pool->lock);
    pool->claimed = 2 * listed;
    tell_left(pool);
    pthread_mutex_unlock(&pool->lock);
}

/* With the lock. A block that was given back is empty, and so is one that was never used. */
static struct block *take_free(struct pool *pool)
{
    struct block *block = pool->free;
    if (block)
        pool->free = block->next;
    else if (pool->used < pool->max)
        block = &pool->blocks[pool->used++];
    return block;
}

struct block *pool_take(struct pool *pool, bool listed)
{
    pthread_mutex_lock(&pool->lock);
    struct block *block = listed || pool_left(pool) > 0 ? take_free(pool) : NULL;
    if (block) {
        block->newcomer = !listed;
        pool->newcomers += block->newcomer;
        tell_left(pool);
    }
    pthread_mutex_unlock(&pool->lock);
    return block;
}

void pool_give(struct pool *pool, struct block *block)
{
    block_clear(block);
    pthread_mutex_lock(&pool->lock);
    pool->newcomers -= block->newcomer;
    block->next = pool->free;
    pool->free = block;
    tell_left(pool);
    pthread_mutex_unlock(&pool->lock);
}
