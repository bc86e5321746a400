/*
 * A ring of messages between two threads: one puts, one takes, neither waits. A message is taken in
 * pieces of any length, so the taker needs no room for a whole one.
 */
#ifndef SPILE_API_RING_H
#define SPILE_API_RING_H

#include <stdatomic.h>

#include "base/span.h"

/* Owner: who made it. Zeroed it has no room. */
struct message_ring {
    uint8_t *data;
    size_t size; /* a power of two */
    char before_head[64];
    atomic_size_t head; /* bytes ever put */
    char before_tail[64];
    atomic_size_t tail; /* bytes ever taken */
    size_t left;        /* bytes of the message that is being taken; the taker's */
};

/* `size` is a power of two. -1: no memory. */
int ring_init(struct message_ring *ring, size_t size);
void ring_free(struct message_ring *ring);

/* The one that puts: false when there is no room. `tag` is whatever the taker understands. */
bool ring_put(struct message_ring *ring, uint32_t tag, struct span message);

/* The one that takes. True when a message begins: its tag; ring->left gets its length. */
bool ring_next(struct message_ring *ring, uint32_t *tag);
/* Takes up to `size` bytes of the message that ring_next found, and returns how many. Where `out`
 * is NULL they are thrown away. */
size_t ring_take(struct message_ring *ring, char *out, size_t size);

/* Any thread: true when there is nothing to take. */
static inline bool ring_empty(const struct message_ring *ring)
{
    return atomic_load_explicit(&ring->head, memory_order_acquire) ==
           atomic_load_explicit(&ring->tail, memory_order_relaxed);
}

#endif
