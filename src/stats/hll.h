/*
 * HyperLogLog (Flajolet and others, 2007): how many distinct keys there were, from their 64-bit
 * keyed hashes. 2^14 registers: a standard error of 0.81 %. Two merge into what one would have been
 * that saw both, exactly.
 */
#ifndef SPILE_STATS_HLL_H
#define SPILE_STATS_HLL_H

#include <stdint.h>

enum { HLL_BITS = 14, HLL_REGISTERS = 1 << HLL_BITS };

/* Zeroed is empty. Owner: one thread. */
struct hll {
    uint8_t registers[HLL_REGISTERS];
};

/* The hash must be keyed (attackers choose names) and of full 64-bit quality. */
void hll_add(struct hll *hll, uint64_t hash);
void hll_merge(struct hll *into, const struct hll *from);
/* With an estimator that has no bias for small and medium numbers (Ertl 2017). */
double hll_estimate(const struct hll *hll);

#endif
