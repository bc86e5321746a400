/*
 * What is counted of a server that was asked, besides its measures: how its latencies are spread,
 * in the coarse steps of stats/quantile.h, and how many of its questions had been asked before.
 */
#ifndef SPILE_STATS_TALLY_H
#define SPILE_STATS_TALLY_H

#include "stats/quantile.h"

enum {
    TALLY_RETRIES = QUANTILE_STEPS, /* the steps have the numbers below */
    STATS_TALLIES,
};

struct stats_tally {
    uint64_t of[STATS_TALLIES];
};

/* The step of a latency. */
static inline unsigned stats_tally_step(uint32_t us)
{
    return quantile_step(quantile_bucket((int64_t)us * 1000));
}

static inline void stats_tally_add(struct stats_tally *into, const struct stats_tally *from)
{
    for (int i = 0; i < STATS_TALLIES; i++)
        into->of[i] += from->of[i];
}

/* How many latencies there are. */
static inline uint64_t stats_tally_timed(const struct stats_tally *tally)
{
    uint64_t timed = 0;
    for (int i = 0; i < QUANTILE_STEPS; i++)
        timed += tally->of[i];
    return timed;
}

#endif
