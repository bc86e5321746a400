/*
 * The bounded queue between the workers and one output's thread: many producers, one consumer.
 *
 * What is bounded is memory: a chunk counts with all that it holds, full or not. So that slow
 * traffic, whose chunks are flushed nearly empty, does not fill the queue with air, the records of
 * a small chunk are copied into a chunk of the queue's own, behind those of the small ones before
 * it.
 */
#ifndef SPILE_CORE_QUEUE_H
#define SPILE_CORE_QUEUE_H

#include <pthread.h>

#include "core/chunk.h"
#include "core/ledger.h"
#include "core/output.h"

/* Owner: the output's part of the engine. All functions but init and free are for any thread,
 * unless they say that they are the consumer's. */
struct queue {
    pthread_mutex_t lock;
    pthread_cond_t wake; /* the consumer sleeps here */
    pthread_cond_t room; /* producers wait here */
    struct chunk **ring;
    size_t slots;       /* of the ring: more chunks than that never fit the limit */
    size_t head, count; /* chunks queued: ring[head], ring[head + 1], ... */
    size_t bytes, limit;
    struct chunk *tail; /* the last chunk queued, if it is the queue's own to append to */
    enum when_full when_full;
    uint64_t block_max_ns;
    unsigned waiting; /* producers that wait for room */
    bool stuck;       /* a producer waited in vain, and nothing was taken out since */
    bool nudged;
    bool closed;
    bool abandoned;
    enum drop_reason reason; /* of what is pushed after queue_abandon */
    atomic_bool hungry;
};

/* Records that a push cost, be they the chunk's own or older ones. */
struct queue_loss {
    uint32_t records;
    enum drop_reason reason; /* DROP_FULL, DROP_OLDEST, or that of queue_abandon */
};

/* Takes when_full, block_max_ns and queue_bytes from `common`. -1: no memory. */
int queue_init(struct queue *queue, const struct output_common *common);
/* Releases what is queued. No thread may use the queue any more. Zeroed memory is accepted. */
void queue_free(struct queue *queue);

/*
 * Queues a chunk: the queue takes a reference of its own, or copies the records. When it is full,
 * with `block` the call waits up to block_max_ns for room (0: for ever); after waiting in vain it
 * drops the chunk, and every later one at once until the consumer has taken something out. With
 * `drop-newest` it drops the chunk, with `drop-oldest` the oldest chunks queued.
 *
 * An empty queue takes any chunk, so that one larger than the limit does pass.
 */
struct queue_loss queue_push(struct queue *queue, struct chunk *chunk);

/* Wakes the consumer if it sleeps while something is queued. queue_push wakes it at once for a
 * chunk that is not full, but only for several full ones together, since a wake-up costs as much as
 * formatting many events. So whoever has pushed full chunks calls this when no more may come soon.
 */
void queue_wake(struct queue *queue);

/* True while the consumer sleeps for want of chunks: a part-filled chunk is welcome. */
static inline bool queue_hungry(const struct queue *queue)
{
    return atomic_load_explicit(&queue->hungry, memory_order_relaxed);
}

/* Bytes that are queued at this moment. */
size_t queue_bytes(struct queue *queue);

enum queue_state {
    QUEUE_CHUNK,   /* here is one */
    QUEUE_NOTHING, /* the time was up, or queue_nudge was called */
    QUEUE_END,     /* closed and drained, or abandoned */
};

/* Consumer: the oldest chunk, whose reference is now the caller's. Waits for at most timeout_ns. */
enum queue_state queue_pop(struct queue *queue, uint64_t timeout_ns, struct chunk **chunk);
/* Consumer: sleeps for that long, or until queue_nudge or queue_abandon. */
void queue_sleep(struct queue *queue, uint64_t ns);

/* Ends the consumer's present wait, or its next one. */
void queue_nudge(struct queue *queue);
/* No producer is left: the consumer drains the queue, then meets QUEUE_END. */
void queue_close(struct queue *queue);
/* Ends the queue at once: drops what is queued and whatever still comes, for `reason`, and wakes
 * the producers that wait. Returns the records that were queued; later calls return 0. */
uint64_t queue_abandon(struct queue *queue, enum drop_reason reason);

#endif
