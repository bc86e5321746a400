/*
 * HyperLogLog (Flajolet and others, 2007): how many distinct keys there were, from their 64-bit
 * keyed hashes. 2^14 registers: a standard error of 0.81 %. Two sketches merge into exactly the one
 * that would have seen the keys of both.
 */
#ifndef SPILE_STATS_HLL_H
#define SPILE_STATS_HLL_H

#include <stdint.h>

enum {
    HLL_BITS = 14, /* the hash's upper bits choose the register */
    HLL_REGISTERS = 1 << HLL_BITS,
    HLL_RANKS = 64 - HLL_BITS + 2, /* a register has 0 (untouched) to HLL_RANKS - 1 */
};

/* Zeroed is empty. Owner: one thread. */
struct hll {
    uint8_t registers[HLL_REGISTERS];
};

/* The register that a hash belongs to, and the rank that it gives it: how many zeros its other bits
 * begin with, and one. */
static inline unsigned hll_place(uint64_t hash)
{
    return (unsigned)(hash >> (64 - HLL_BITS));
}

static inline uint8_t hll_rank(uint64_t hash)
{
    /* The bit that is set behind them ends the count when all of them are zero. */
    uint64_t rest = hash << HLL_BITS | UINT64_C(1) << (HLL_BITS - 1);
    return (uint8_t)(__builtin_clzll(rest) + 1);
}

/* The hash must be keyed (attackers choose names) and of full 64-bit quality. */
static inline void hll_add(struct hll *hll, uint64_t hash)
{
    uint8_t *at = &hll->registers[hll_place(hash)];
    uint8_t rank = hll_rank(hash);
    if (rank > *at)
        *at = rank;
}

/* The same, of a sketch of which is known how many registers have each rank. */
static inline void hll_add_ranked(struct hll *hll, uint16_t ranks[HLL_RANKS], uint64_t hash)
{
    uint8_t *at = &hll->registers[hll_place(hash)];
    uint8_t rank = hll_rank(hash);
    if (rank <= *at)
        return;
    ranks[*at]--;
    ranks[rank]++;
    *at = rank;
}

/* Asks for the memory that hll_add will need. */
static inline void hll_prefetch(const struct hll *hll, uint64_t hash)
{
    __builtin_prefetch(&hll->registers[hll_place(hash)], 1);
}

void hll_merge(struct hll *into, const struct hll *from);
/* With an estimator that has no bias for small and medium numbers (Ertl 2017). */
double hll_estimate(const struct hll *hll);
/* How many registers have each rank; those that no hash gives, which may come from a file, count as
 * the highest. And the estimate from that, which looks at no register. */
void hll_count_ranks(const struct hll *hll, uint16_t ranks[HLL_RANKS]);
double hll_estimate_ranks(const uint16_t ranks[HLL_RANKS]);

#endif
