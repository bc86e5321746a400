/*
 * Names by number: finds which of the names in somebody's array one is, such as the identities of
 * DNS servers. Peers choose these freely, so the hash is keyed: nobody can choose names that fall
 * together, and looking for one that is not there ends after a few steps however many there are.
 *
 * The names stay with their owner. A walk gives the numbers of those that may be meant, nearly
 * always one or none, and the owner compares:
 *
 *     struct names_walk walk = names_begin(&names, name);
 *     while ((number = names_next(&names, &walk)) && !is_named(number, name))
 *         ;
 *
 * Any number of threads may look names up while one adds some.
 */
#ifndef SPILE_BASE_NAMES_H
#define SPILE_BASE_NAMES_H

#include <stdatomic.h>

#include "base/nh.h"

enum {
    NAMES_LEN_MAX = 16 * (NH_PAIRS - 1), /* bytes of a name */
    NAMES_NUMBER_BITS = 16,
    NAMES_MAX = (1 << NAMES_NUMBER_BITS) - 1,
};

struct names {
    struct nh_key key;
    _Atomic uint32_t *slots; /* number in the lower bits, of its hash what fits above; 0: free */
    uint32_t mask;           /* a power of two, less one */
};

/* Owner: the stack. */
struct names_walk {
    uint32_t tag; /* of the name, in the upper bits */
    uint32_t place;
};

/* Room for the numbers 1 to `max`, at most NAMES_MAX, with a fresh secret. -1: no memory, or no
 * randomness. */
int names_init(struct names *names, uint32_t max);
/* Of zeros is fine. */
void names_free(struct names *names);
/* Forgets all; no other thread may be looking. */
void names_clear(struct names *names);
/* Adds a number that is not there yet, where names_next has ended the walk for its name. The name
 * must be in its owner's array by now. */
void names_add(struct names *names, const struct names_walk *walk, uint32_t number);

static inline struct names_walk names_begin(const struct names *names, struct span name)
{
    struct nh nh = nh_begin(&names->key);
    nh_bytes(&nh, name.ptr, name.len);
    uint64_t hash = nh_fold(&nh, name.len);
    return (struct names_walk){.tag = (uint32_t)(hash >> 32) & ~(uint32_t)NAMES_MAX,
                               .place = (uint32_t)hash & names->mask};
}

/* The next number whose name may be meant; 0: there is none. Half of the slots are free, so that
 * this ends soon. */
static inline uint32_t names_next(const struct names *names, struct names_walk *walk)
{
    uint32_t slot;
    while ((slot = atomic_load_explicit(&names->slots[walk->place], memory_order_acquire)) != 0) {
        walk->place = (walk->place + 1) & names->mask;
        if ((slot & ~(uint32_t)NAMES_MAX) == walk->tag)
            return slot & NAMES_MAX;
    }
    return 0;
}

#endif
