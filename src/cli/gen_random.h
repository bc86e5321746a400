/*
 * The generator's random numbers: SplitMix64 (Steele, Lea, Flood 2014), in integers only, so that
 * one seed gives the same bytes on every machine and in every release.
 */
#ifndef SPILE_CLI_GEN_RANDOM_H
#define SPILE_CLI_GEN_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gen_random {
    uint64_t state;
};

static inline uint64_t gen_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static inline uint64_t gen_next(struct gen_random *r)
{
    return gen_mix(r->state += 0x9e3779b97f4a7c15);
}

/* 0 to below - 1. */
static inline uint64_t gen_below(struct gen_random *r, uint64_t below)
{
    return (uint64_t)((unsigned __int128)gen_next(r) * below >> 64);
}

/* `low` to `high`, both included. */
static inline uint64_t gen_between(struct gen_random *r, uint64_t low, uint64_t high)
{
    return low + gen_below(r, high - low + 1);
}

static inline bool gen_chance(struct gen_random *r, unsigned per_mille)
{
    return gen_below(r, 1000) < per_mille;
}

/* An index into `weights`, which are per mille; the last one takes what the others leave. */
static inline unsigned gen_pick(struct gen_random *r, const uint16_t *weights, unsigned count)
{
    unsigned drawn = (unsigned)gen_below(r, 1000);
    unsigned i = 0;
    while (i < count - 1 && drawn >= weights[i])
        drawn -= weights[i++];
    return i;
}

/*
 * Zipf's law in steps, with exponent 1: every octave 1, 2-3, 4-7, ... is as likely as the next one,
 * and each number of an octave as likely as the others. 1 to 2^octaves - 1.
 */
static inline uint32_t gen_zipf(struct gen_random *r, unsigned octaves)
{
    uint64_t drawn = gen_next(r);
    unsigned octave = (unsigned)((drawn >> 32) * octaves >> 32);
    return (1u << octave) + ((uint32_t)drawn & ((1u << octave) - 1));
}

#endif
