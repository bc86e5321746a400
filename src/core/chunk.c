#include "core/chunk.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    POOL_KEEP = 64,               /* free chunks that are kept: under 5 MiB */
    KEEP_BYTES = 4 * CHUNK_BYTES, /* a buffer that grew past this goes back to the system */
};

/* Chunks are made on workers and released on output threads: a list for all, for an allocator that
 * keeps memory per thread would only ever grow. */
static struct {
    pthread_mutex_t lock;
    struct chunk *free;
    unsigned kept;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void chunk_free(struct chunk *chunk)
{
    buf_free(&chunk->bytes);
    free(chunk);
}

static struct chunk *pool_take(void)
{
    pthread_mutex_lock(&pool.lock);
    struct chunk *chunk = pool.free;
    if (chunk) {
        pool.free = chunk->next;
        pool.kept--;
    }
    pthread_mutex_unlock(&pool.lock);
    return chunk;
}

static bool pool_give(struct chunk *chunk)
{
    pthread_mutex_lock(&pool.lock);
    bool keep = pool.kept < POOL_KEEP;
    if (keep) {
        chunk->next = pool.free;
        pool.free = chunk;
        pool.kept++;
    }
    pthread_mutex_unlock(&pool.lock);
    return keep;
}

struct chunk *chunk_new(void)
{
    struct chunk *chunk = pool_take();
    if (!chunk) {
        chunk = malloc(sizeof *chunk);
        if (!chunk)
            return NULL;
        chunk->bytes = (struct buf){0};
        if (!(chunk->bytes.data = malloc(CHUNK_BYTES + CHUNK_HEADROOM))) {
            free(chunk);
            return NULL;
        }
        chunk->bytes.cap = CHUNK_BYTES + CHUNK_HEADROOM;
    }
    chunk->bytes.len = 0;
    chunk->bytes.failed = false;
    chunk->records = 0;
    chunk->next = NULL;
    atomic_init(&chunk->references, 1);
    return chunk;
}

void chunk_hold(struct chunk *chunk)
{
    atomic_fetch_add_explicit(&chunk->references, 1, memory_order_relaxed);
}

void chunk_release(struct chunk *chunk)
{
    if (!chunk || atomic_fetch_sub_explicit(&chunk->references, 1, memory_order_acq_rel) != 1)
        return;
    if (chunk->bytes.cap > KEEP_BYTES || !pool_give(chunk))
        chunk_free(chunk);
}

void chunk_pool_free(void)
{
    struct chunk *chunk;
    while ((chunk = pool_take()))
        chunk_free(chunk);
}
