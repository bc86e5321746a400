#include "api/ring.h"

#include <stdlib.h>

struct mark {
    uint32_t tag;
    uint32_t len;
};

int ring_init(struct message_ring *ring, size_t size)
{
    *ring = (struct message_ring){.data = malloc(size), .size = size};
    return ring->data ? 0 : -1;
}

void ring_free(struct message_ring *ring)
{
    free(ring->data);
    *ring = (struct message_ring){0};
}

/* Where the byte number `at` lies, and how many follow before the ring's end. */
static uint8_t *place(const struct message_ring *ring, size_t at, size_t *run)
{
    size_t offset = at & (ring->size - 1);
    *run = ring->size - offset;
    return ring->data + offset;
}

static void copy_in(struct message_ring *ring, size_t at, const void *bytes, size_t len)
{
    size_t run;
    uint8_t *to = place(ring, at, &run);
    if (run > len)
        run = len;
    memcpy(to, bytes, run);
    memcpy(ring->data, (const uint8_t *)bytes + run, len - run);
}

static void copy_out(const struct message_ring *ring, size_t at, void *bytes, size_t len)
{
    size_t run;
    const uint8_t *from = place(ring, at, &run);
    if (run > len)
        run = len;
    memcpy(bytes, from, run);
    memcpy((uint8_t *)bytes + run, ring->data, len - run);
}

bool ring_put(struct message_ring *ring, uint32_t tag, struct span message)
{
    struct mark mark = {.tag = tag, .len = (uint32_t)message.len};
    size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    size_t used = head - atomic_load_explicit(&ring->tail, memory_order_acquire);
    if (ring->size - used < sizeof mark + message.len)
        return false;
    copy_in(ring, head, &mark, sizeof mark);
    copy_in(ring, head + sizeof mark, message.ptr, message.len);
    atomic_store_explicit(&ring->head, head + sizeof mark + message.len, memory_order_release);
    return true;
}

bool ring_next(struct message_ring *ring, uint32_t *tag)
{
    struct mark mark;
    if (ring_empty(ring))
        return false;
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    copy_out(ring, tail, &mark, sizeof mark);
    atomic_store_explicit(&ring->tail, tail + sizeof mark, memory_order_release);
    ring->left = mark.len;
    *tag = mark.tag;
    return true;
}

size_t ring_take(struct message_ring *ring, char *out, size_t size)
{
    size_t len = ring->left < size ? ring->left : size;
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (out)
        copy_out(ring, tail, out, len);
    atomic_store_explicit(&ring->tail, tail + len, memory_order_release);
    ring->left -= len;
    return len;
}
