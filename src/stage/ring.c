#include "stage/ring.h"

enum { SIZE_MIN = 8 }; /* whose heads fill a cache line */

/* A power of two. */
static uint32_t size_of(uint32_t entries)
{
    uint32_t size = SIZE_MIN;
    while (size < entries)
        size *= 2;
    return size;
}

size_t ring_bytes(uint32_t entries)
{
    return size_of(entries) * (sizeof(struct ring_entry) + sizeof(uint64_t));
}

uint8_t *ring_open(struct ring *ring, uint32_t entries, uint8_t *base)
{
    uint32_t size = size_of(entries);
    ring->mask = size - 1;
    ring->remember = entries;
    ring->next = entries + 1; /* so that the zeros in `heads` are too old */
    ring->entries = (struct ring_entry *)base;
    ring->heads = (_Atomic uint64_t *)(ring->entries + size);
    return (uint8_t *)(ring->heads + size);
}
