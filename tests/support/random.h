/* Random numbers that are the same in every run (xorshift64*), and what tests like to make of them.
 */
#ifndef SPILE_TESTS_RANDOM_H
#define SPILE_TESTS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Owner: one test. The seed is not 0. */
struct random {
    uint64_t state;
};

static inline uint64_t random_u64(struct random *r)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * UINT64_C(0x2545f4914f6cdd1d);
}

/* 0 to limit - 1. */
static inline size_t random_below(struct random *r, size_t limit)
{
    return (size_t)((random_u64(r) >> 11) % limit);
}

/* Numbers of all magnitudes: as many small ones as large ones. */
static inline uint64_t random_magnitude(struct random *r)
{
    uint64_t value = random_u64(r);
    return value >> random_below(r, 64);
}

static inline void random_bytes(struct random *r, uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(random_u64(r) >> 32);
}

#endif
