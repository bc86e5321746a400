#include "core/partial.h"

#include <stdlib.h>

#include "core/worker.h"

enum { PARTIAL_KEEP = 8 * 1024 }; /* bytes that an empty partial may hold on to */

void partial_pool_init(struct partial_pool *pool, size_t max)
{
    *pool = (struct partial_pool){.max = max};
    pthread_mutex_init(&pool->lock, NULL);
}

void partial_pool_destroy(struct partial_pool *pool)
{
    pthread_mutex_destroy(&pool->lock);
}

void partial_init(struct partial *p, struct partial_pool *pool, struct worker *worker)
{
    *p = (struct partial){.pool = pool, .worker = worker};
    pthread_mutex_lock(&pool->lock);
    p->next = pool->head;
    if (p->next)
        p->next->prev = p;
    pool->head = p;
    pthread_mutex_unlock(&pool->lock);
}

void partial_destroy(struct partial *p)
{
    if (!p->pool)
        return;
    pthread_mutex_lock(&p->pool->lock);
    if (p->next)
        p->next->prev = p->prev;
    if (p->prev)
        p->prev->next = p->next;
    else
        p->pool->head = p->next;
    if (!atomic_load(&p->evicted))
        atomic_fetch_sub(&p->pool->total, atomic_load(&p->charged));
    pthread_mutex_unlock(&p->pool->lock);
    free(p->data);
    *p = (struct partial){0};
}

/* Evicts the largest until the budget holds. What is evicted no longer counts: its owner frees it
 * as soon as it hears of it. */
static void evict_largest(struct partial_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (atomic_load(&pool->total) > pool->max) {
        struct partial *largest = NULL;
        size_t most = 0;
        for (struct partial *p = pool->head; p; p = p->next) {
            size_t charged = atomic_load(&p->charged);
            if (charged > most && !atomic_load(&p->evicted)) {
                largest = p;
                most = charged;
            }
        }
        if (!largest)
            break;
        atomic_store(&largest->evicted, true);
        atomic_fetch_sub(&pool->total, most);
        counter_add(&pool->evicted, 1);
        worker_poke(largest->worker);
    }
    pthread_mutex_unlock(&pool->lock);
}

/* Charges the difference to the pool; the lock keeps an eviction from seeing half of it. */
static void recharge(struct partial *p, size_t cap)
{
    struct partial_pool *pool = p->pool;
    pthread_mutex_lock(&pool->lock);
    if (!atomic_load(&p->evicted)) {
        atomic_fetch_add(&pool->total, cap);
        atomic_fetch_sub(&pool->total, atomic_load(&p->charged));
        atomic_store(&p->charged, cap);
    }
    pthread_mutex_unlock(&pool->lock);
    if (atomic_load(&pool->total) > pool->max)
        evict_largest(pool);
}

static int resize(struct partial *p, size_t cap)
{
    uint8_t *data = realloc(p->data, cap);
    if (!data)
        return -1;
    p->data = data;
    p->cap = cap;
    recharge(p, cap);
    return atomic_load(&p->evicted) ? -1 : 0;
}

int partial_reserve(struct partial *p, size_t cap)
{
    if (atomic_load_explicit(&p->evicted, memory_order_relaxed))
        return -1;
    if (cap <= p->cap)
        return 0;
    size_t rounded = 1024;
    while (rounded < cap)
        rounded *= 2;
    return resize(p, rounded);
}

int partial_set(struct partial *p, struct span bytes)
{
    if (partial_reserve(p, bytes.len) < 0)
        return -1;
    if (bytes.len > 0)
        memmove(p->data, bytes.ptr, bytes.len);
    p->len = bytes.len;
    if (p->cap > PARTIAL_KEEP && bytes.len <= PARTIAL_KEEP)
        return resize(p, PARTIAL_KEEP);
    return 0;
}
