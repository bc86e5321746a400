#include "core/partial.h"

#include <stdlib.h>

#include "core/worker.h"

enum { PARTIAL_KEEP = 8 * 1024 }; /* bytes that an empty partial may hold on to */

int partial_pool_init(struct partial_pool *pool, size_t max)
{
    *pool = (struct partial_pool){.max = max};
    pthread_mutex_init(&pool->lock, NULL);
    return account_book_init(&pool->book);
}

void partial_pool_destroy(struct partial_pool *pool)
{
    account_book_free(&pool->book);
    pthread_mutex_destroy(&pool->lock);
}

void partial_init(struct partial *p, struct partial_pool *pool, struct worker *worker,
                  const struct accounts *peer)
{
    *p = (struct partial){.pool = pool, .worker = worker};
    pthread_mutex_lock(&pool->lock);
    p->next = pool->head;
    if (p->next)
        p->next->prev = p;
    pool->head = p;
    account_book_enter(&pool->book, peer, &p->entry);
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
    atomic_fetch_sub(&p->pool->total, p->entry.held);
    account_book_leave(&p->pool->book, &p->entry);
    pthread_mutex_unlock(&p->pool->lock);
    free(p->data);
    *p = (struct partial){0};
}

/* Whether `a` goes rather than `b`. */
static bool goes_rather(const struct partial *a, const struct partial *b)
{
    int heavier = b ? account_entry_compare(&a->entry, &b->entry) : 1;
    return heavier > 0 || (heavier == 0 && a->entry.held > b->entry.held);
}

/* Under the lock. */
static void charge(struct partial *p, size_t bytes)
{
    atomic_fetch_add(&p->pool->total, bytes);
    atomic_fetch_sub(&p->pool->total, p->entry.held);
    account_entry_hold(&p->entry, bytes);
}

/* Evicts until the budget holds: the largest of the peer that holds most. What is evicted no longer
 * counts: its owner frees it as soon as it hears of it. Under the lock. */
static void keep_budget(struct partial_pool *pool)
{
    while (atomic_load(&pool->total) > pool->max) {
        struct partial *last = NULL;
        for (struct partial *p = pool->head; p; p = p->next) {
            if (p->entry.held > 0 && goes_rather(p, last))
                last = p;
        }
        if (!last)
            break;
        atomic_store(&last->evicted, true);
        charge(last, 0);
        counter_add(&pool->evicted, 1);
        worker_poke(last->worker);
    }
}

/* Charges its size to the pool; the lock keeps an eviction from seeing half of it. */
static void recharge(struct partial *p, size_t cap)
{
    struct partial_pool *pool = p->pool;
    pthread_mutex_lock(&pool->lock);
    if (!atomic_load(&p->evicted))
        charge(p, cap);
    keep_budget(pool);
    pthread_mutex_unlock(&pool->lock);
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
