#include "core/queue.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"

enum {
    CHUNK_COST_MIN = sizeof(struct chunk) + CHUNK_BYTES + CHUNK_HEADROOM,
    SMALL_BYTES = CHUNK_BYTES / 4, /* what is shorter is copied rather than queued */
    WAKE_CHUNKS = 16,              /* full chunks that are worth waking the consumer */
};

/* Memory that the chunk holds; never less than a new chunk's, on which the ring's size relies. */
static size_t chunk_cost(const struct chunk *chunk)
{
    size_t cost = sizeof *chunk + chunk->bytes.cap;
    return cost > CHUNK_COST_MIN ? cost : CHUNK_COST_MIN;
}

int queue_init(struct queue *queue, const struct output_common *common)
{
    size_t slots = common->queue_bytes / CHUNK_COST_MIN + 1;
    struct chunk **ring = calloc(slots, sizeof(struct chunk *));
    if (!ring)
        return -1;
    *queue = (struct queue){
        .ring = ring,
        .slots = slots,
        .limit = common->queue_bytes,
        .when_full = (enum when_full)common->when_full,
        .block_max_ns = common->block_max_ns,
    };
    pthread_mutex_init(&queue->lock, NULL);
    thread_cond_init(&queue->wake);
    thread_cond_init(&queue->room);
    return 0;
}

/* The functions down to queue_push run under the lock. */

static struct chunk *take(struct queue *queue)
{
    struct chunk *chunk = queue->ring[queue->head];
    queue->head = (queue->head + 1) % queue->slots;
    queue->count--;
    queue->bytes -= chunk_cost(chunk);
    if (chunk == queue->tail)
        queue->tail = NULL;
    return chunk;
}

/* Drops the oldest chunk; returns its records. */
static uint32_t drop_one(struct queue *queue)
{
    struct chunk *chunk = take(queue);
    uint32_t records = chunk->records;
    chunk_release(chunk);
    return records;
}

static uint64_t drop_all(struct queue *queue)
{
    uint64_t records = 0;
    while (queue->count)
        records += drop_one(queue);
    return records;
}

void queue_free(struct queue *queue)
{
    if (!queue->ring)
        return;
    drop_all(queue);
    free(queue->ring);
    pthread_cond_destroy(&queue->room);
    pthread_cond_destroy(&queue->wake);
    pthread_mutex_destroy(&queue->lock);
    *queue = (struct queue){0};
}

static bool fits(const struct queue *queue, size_t cost)
{
    return queue->count == 0 || (cost <= queue->limit && queue->bytes <= queue->limit - cost);
}

/* Appends all records of `from` to a chunk that has room for them. */
static void copy_records(struct chunk *to, const struct chunk *from)
{
    uint32_t base = (uint32_t)chunk_len(to);
    memcpy(to->bytes.data + base, from->bytes.data, chunk_len(from));
    to->bytes.len = base + chunk_len(from);
    for (uint32_t i = 0; i < from->records; i++)
        to->ends[to->records + i] = base + from->ends[i];
    to->records += from->records;
}

static bool is_small(const struct chunk *chunk)
{
    return chunk_len(chunk) < SMALL_BYTES;
}

static bool merge(struct queue *queue, const struct chunk *chunk)
{
    struct chunk *tail = queue->tail;
    if (!tail || !is_small(chunk) || tail->records + chunk->records > CHUNK_RECORDS ||
        chunk_len(tail) + chunk_len(chunk) > tail->bytes.cap)
        return false;
    copy_records(tail, chunk);
    return true;
}

static void append(struct queue *queue, struct chunk *chunk)
{
    /* An empty queue's consumer is about to take the chunk: copying would gain nothing. */
    struct chunk *own = queue->count && is_small(chunk) ? chunk_new() : NULL;
    if (own)
        copy_records(own, chunk);
    else
        chunk_hold(chunk);
    queue->tail = own;
    chunk = own ? own : chunk;
    queue->ring[(queue->head + queue->count) % queue->slots] = chunk;
    queue->count++;
    queue->bytes += chunk_cost(chunk);
}

static bool place(struct queue *queue, struct chunk *chunk)
{
    if (merge(queue, chunk))
        return true;
    if (!fits(queue, chunk_cost(chunk)))
        return false;
    append(queue, chunk);
    return true;
}

static struct queue_loss drop_newest(struct queue *queue, struct chunk *chunk)
{
    enum drop_reason reason = queue->abandoned ? queue->reason : DROP_FULL;
    return (struct queue_loss){.records = chunk->records, .reason = reason};
}

static struct queue_loss drop_oldest(struct queue *queue, struct chunk *chunk)
{
    struct queue_loss loss = {.reason = DROP_OLDEST};
    do {
        loss.records += drop_one(queue);
    } while (!place(queue, chunk));
    return loss;
}

static struct queue_loss block(struct queue *queue, struct chunk *chunk)
{
    bool forever = queue->block_max_ns == 0;
    struct timespec until = clock_timespec(clock_after(queue->block_max_ns));
    while (!queue->stuck && !queue->abandoned) {
        queue->waiting++;
        int rc = forever ? pthread_cond_wait(&queue->room, &queue->lock)
                         : pthread_cond_timedwait(&queue->room, &queue->lock, &until);
        queue->waiting--;
        if (!queue->abandoned && place(queue, chunk))
            return (struct queue_loss){0};
        queue->stuck |= rc == ETIMEDOUT;
    }
    return drop_newest(queue, chunk);
}

static struct queue_loss (*const policies[])(struct queue *, struct chunk *) = {
    [WHEN_FULL_BLOCK] = block,
    [WHEN_FULL_DROP_NEWEST] = drop_newest,
    [WHEN_FULL_DROP_OLDEST] = drop_oldest,
};

/* Does what when-full says. The consumer may still be asleep, when what fills the queue is few but
 * large chunks, so it is woken first. */
static struct queue_loss make_room(struct queue *queue, struct chunk *chunk)
{
    pthread_cond_signal(&queue->wake);
    return policies[queue->when_full](queue, chunk);
}

struct queue_loss queue_push(struct queue *queue, struct chunk *chunk)
{
    struct queue_loss loss = {0};
    if (chunk->records == 0)
        return loss;
    pthread_mutex_lock(&queue->lock);
    if (queue->abandoned)
        loss = drop_newest(queue, chunk);
    else if (!place(queue, chunk))
        loss = make_room(queue, chunk);
    bool worth =
        !chunk_full(chunk) || queue->count >= WAKE_CHUNKS || queue->bytes > queue->limit / 2;
    bool hungry = worth && queue_hungry(queue);
    if (hungry)
        atomic_store_explicit(&queue->hungry, false, memory_order_relaxed);
    pthread_mutex_unlock(&queue->lock);
    if (hungry) /* outside the lock, lest the consumer wakes only to wait for it */
        pthread_cond_signal(&queue->wake);
    return loss;
}

void queue_wake(struct queue *queue)
{
    if (!queue_hungry(queue))
        return;
    pthread_mutex_lock(&queue->lock);
    bool hungry = queue->count > 0 && queue_hungry(queue);
    if (hungry)
        atomic_store_explicit(&queue->hungry, false, memory_order_relaxed);
    pthread_mutex_unlock(&queue->lock);
    if (hungry)
        pthread_cond_signal(&queue->wake);
}

/* Sleeps until the queue is nudged or abandoned or the time is up; with `for_chunks` also until
 * there is a chunk or the queue is closed. */
static void rest(struct queue *queue, uint64_t timeout_ns, bool for_chunks)
{
    if (timeout_ns == 0)
        return;
    struct timespec until = clock_timespec(clock_after(timeout_ns));
    int rc = 0;
    atomic_store_explicit(&queue->hungry, for_chunks, memory_order_relaxed);
    while (!queue->nudged && !queue->abandoned && rc == 0 &&
           !(for_chunks && (queue->count || queue->closed)))
        rc = pthread_cond_timedwait(&queue->wake, &queue->lock, &until);
    atomic_store_explicit(&queue->hungry, false, memory_order_relaxed);
}

enum queue_state queue_pop(struct queue *queue, uint64_t timeout_ns, struct chunk **chunk)
{
    enum queue_state state = QUEUE_NOTHING;
    pthread_mutex_lock(&queue->lock);
    if (queue->count == 0 && !queue->closed)
        rest(queue, timeout_ns, true);
    if (queue->count) {
        *chunk = take(queue);
        queue->stuck = false;
        state = QUEUE_CHUNK;
        if (queue->waiting)
            pthread_cond_broadcast(&queue->room);
    } else if (queue->closed || queue->abandoned) {
        state = QUEUE_END;
    } else {
        queue->nudged = false;
    }
    pthread_mutex_unlock(&queue->lock);
    return state;
}

void queue_sleep(struct queue *queue, uint64_t ns)
{
    pthread_mutex_lock(&queue->lock);
    rest(queue, ns, false);
    queue->nudged = false;
    pthread_mutex_unlock(&queue->lock);
}

/* Sets one of the flags that end waits. */
static void raise_flag(struct queue *queue, bool *flag)
{
    pthread_mutex_lock(&queue->lock);
    *flag = true;
    pthread_cond_signal(&queue->wake);
    pthread_mutex_unlock(&queue->lock);
}

void queue_nudge(struct queue *queue)
{
    raise_flag(queue, &queue->nudged);
}

size_t queue_bytes(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t bytes = queue->bytes;
    pthread_mutex_unlock(&queue->lock);
    return bytes;
}

void queue_close(struct queue *queue)
{
    raise_flag(queue, &queue->closed);
}

uint64_t queue_abandon(struct queue *queue, enum drop_reason reason)
{
    pthread_mutex_lock(&queue->lock);
    if (!queue->abandoned)
        queue->reason = reason;
    queue->abandoned = true;
    uint64_t records = drop_all(queue);
    pthread_cond_signal(&queue->wake);
    pthread_cond_broadcast(&queue->room);
    pthread_mutex_unlock(&queue->lock);
    return records;
}
