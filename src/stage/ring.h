/*
 * A ring of what was heard last, each entry found by its hash. Entries stand in the order in which
 * they came, so that the oldest makes room and memory is fixed. Each has a serial number; a chain
 * leads from a hash to the serial of its last entry and from there to those before, as in a
 * compressor's window: a serial that is too old to be in the ring ends the chain. So the oldest
 * need not be taken out of anything, and adding one touches one line of memory besides the ring's
 * next.
 *
 * Each entry of a chain is a line of memory that is far away. So beside the last serial stand tags,
 * a bit each, of all hashes that the chain has had since it was empty: where the bit is missing
 * nobody looks; and an entry notes whether it was missing when it came, so that nobody looks for
 * others behind it.
 *
 * Serials wrap; only their differences mean something. All but the two that prefetch need the lock
 * of the ring's owner. Inline is what is done for every event.
 */
#ifndef SPILE_STAGE_RING_H
#define SPILE_STAGE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring_entry {
    uint64_t hash; /* 0: used up */
    int64_t time_ns;
    uint32_t before; /* serial of the entry before it in its chain; the ring's own */
    uint16_t stream; /* this and the rest, but for `again`: for the owner */
    uint8_t type : 7;
    uint8_t again : 1; /* there may be others of the same hash behind it; the ring's own */
    uint8_t fate : 4;
    uint8_t stays : 4;
};

struct ring {
    struct ring_entry *entries;
    _Atomic uint64_t *heads; /* of the chains: serial of the last entry, tags above it */
    uint32_t mask;           /* entries, and chains: a power of two, less one */
    uint32_t remember;       /* so many of the last entries count */
    uint32_t next;           /* serial of the next entry */
};

/* What a ring of so many entries takes, in whole cache lines. */
size_t ring_bytes(uint32_t entries);
/* Makes an empty ring in ring_bytes(entries) zeroed bytes at `base`, which is the beginning of a
 * cache line; returns where they end. */
uint8_t *ring_open(struct ring *ring, uint32_t entries, uint8_t *base);

static inline struct ring_entry *ring_at(const struct ring *ring, uint32_t serial)
{
    return &ring->entries[serial & ring->mask];
}

/* Whether the entry makes room for the next one. */
static inline bool ring_leaves(const struct ring *ring, uint32_t serial)
{
    return ring->next - serial >= ring->remember;
}

static inline _Atomic uint64_t *ring_head(const struct ring *ring, uint64_t hash)
{
    return &ring->heads[hash >> 32 & ring->mask];
}

/* Its bit, where a head has the tags. */
static inline uint64_t ring_tag(uint64_t hash)
{
    return UINT64_C(1) << (32 + (hash >> 8 & 31));
}

/* Adds an entry of that hash, which the owner fills. It is filled where it lies: put together on
 * the stack and copied, it would be read before its parts had reached the cache. */
static inline struct ring_entry *ring_add(struct ring *ring, uint64_t hash)
{
    _Atomic uint64_t *head = ring_head(ring, hash);
    struct ring_entry *entry = ring_at(ring, ring->next);
    uint64_t last = atomic_load_explicit(head, memory_order_relaxed), tag = ring_tag(hash);
    uint64_t tags = ring->next - (uint32_t)last > ring->remember ? 0 : last >> 32 << 32;
    entry->hash = hash;
    entry->before = (uint32_t)last;
    entry->again = (tags & tag) != 0;
    atomic_store_explicit(head, tags | tag | ring->next++, memory_order_relaxed);
    return entry;
}

/* A walk over the entries of a hash, the last first. Along a chain ages grow, else it has left the
 * ring. */
struct ring_walk {
    uint32_t serial, last_age; /* UINT32_MAX: nothing more will come */
};

static inline struct ring_walk ring_begin(const struct ring *ring, uint64_t hash)
{
    uint64_t last = atomic_load_explicit(ring_head(ring, hash), memory_order_relaxed);
    return (struct ring_walk){.serial = (uint32_t)last,
                              .last_age = last & ring_tag(hash) ? 0 : UINT32_MAX};
}

/* NULL at the end. */
static inline struct ring_entry *ring_next(const struct ring *ring, uint64_t hash,
                                           struct ring_walk *walk)
{
    for (;;) {
        struct ring_entry *entry = ring_at(ring, walk->serial);
        uint32_t age = ring->next - walk->serial;
        if (age > ring->remember || age <= walk->last_age)
            return NULL;
        walk->serial = entry->before;
        walk->last_age = age;
        if (entry->hash != hash)
            continue;
        if (!entry->again)
            walk->last_age = UINT32_MAX;
        return entry;
    }
}

/* Ask for the memory that a hash will need: first its head, then, by that, its last entry. Heads
 * are read without the lock: an old one is fetched in vain, no more. */
static inline void ring_prefetch(const struct ring *ring, uint64_t hash)
{
    __builtin_prefetch((void *)ring_head(ring, hash), 1);
}

static inline void ring_prefetch_last(const struct ring *ring, uint64_t hash)
{
    struct ring_walk walk = ring_begin(ring, hash);
    if (walk.last_age == 0)
        __builtin_prefetch(ring_at(ring, walk.serial), 1);
}

#endif
