/*
 * Quantiles of latencies: a histogram of buckets whose width grows with the value, 64 to each power
 * of two, so that a value is known to within 1/128 (0.8 %). Sketches merge by adding, exactly.
 */
#ifndef SPILE_STATS_QUANTILE_H
#define SPILE_STATS_QUANTILE_H

#include <stdint.h>

enum {
    QUANTILE_SUB_BITS = 6,  /* buckets to a power of two: 2^6 */
    QUANTILE_MIN_BITS = 10, /* values below 2^10 ns (a microsecond), negative ones too: bucket 0 */
    QUANTILE_MAX_BITS = 42, /* values from 2^42 ns (73 minutes) on: the last bucket */
    QUANTILE_BUCKETS = ((QUANTILE_MAX_BITS - QUANTILE_MIN_BITS) << QUANTILE_SUB_BITS) + 2,
};

/* A coarser histogram, for what there are many of: three steps of buckets to a power of two, so
 * that a value is known to within 15 %. */
enum {
    QUANTILE_POWER_STEPS = 3,
    QUANTILE_STEPS_FROM = 13, /* values below 2^13 ns (8 microseconds): step 0 */
    QUANTILE_STEPS_TO = 33,   /* values from 2^33 ns (8.6 seconds) on: the last step */
    QUANTILE_STEPS = (QUANTILE_STEPS_TO - QUANTILE_STEPS_FROM) * QUANTILE_POWER_STEPS + 2,
};

/* The bucket of a value in nanoseconds. */
static inline unsigned quantile_bucket(int64_t ns)
{
    if (ns < 1 << QUANTILE_MIN_BITS)
        return 0;
    if (ns >= INT64_C(1) << QUANTILE_MAX_BITS)
        return QUANTILE_BUCKETS - 1;
    unsigned top = 63u - (unsigned)__builtin_clzll((uint64_t)ns);
    unsigned sub =
        (unsigned)((uint64_t)ns >> (top - QUANTILE_SUB_BITS)) & ((1u << QUANTILE_SUB_BITS) - 1);
    return ((top - QUANTILE_MIN_BITS) << QUANTILE_SUB_BITS) + sub + 1;
}

/* The step that has the values of a bucket. */
static inline unsigned quantile_step(unsigned bucket)
{
    enum { SKIPPED = (QUANTILE_STEPS_FROM - QUANTILE_MIN_BITS) << QUANTILE_SUB_BITS };
    if (bucket <= SKIPPED)
        return 0;
    unsigned step = ((bucket - SKIPPED - 1) * QUANTILE_POWER_STEPS >> QUANTILE_SUB_BITS) + 1;
    return step < QUANTILE_STEPS ? step : QUANTILE_STEPS - 1;
}

/* The first value of a step, in nanoseconds; 0 for step 0. */
int64_t quantile_step_lower(unsigned step);
/* The q-quantile, 0 to 1, of a histogram of QUANTILE_STEPS counters with `total` in all: the middle
 * of a step, as far by proportion from one end as from the other; of the first and the last one the
 * bound that it has. 0 when it is empty. */
int64_t quantile_of_steps(const uint64_t *steps, uint64_t total, double q);

/* The value that stands for a bucket, in nanoseconds: its middle; 0 for bucket 0. */
int64_t quantile_value(unsigned bucket);
/* The first value of a bucket, in nanoseconds; 0 for bucket 0. */
int64_t quantile_lower(unsigned bucket);

/* Those that are shown, as users know them: "p50", "0.5", 0.5, ... */
enum { QUANTILES_SHOWN = 4 };
extern const struct quantile_shown {
    const char *key, *word;
    double q;
} quantile_shown[QUANTILES_SHOWN];

/* The sum of the QUANTILE_BUCKETS counters of a histogram. */
uint64_t quantile_total(const uint64_t *buckets);
/* The q-quantile, 0 to 1, of a histogram of QUANTILE_BUCKETS counters with `total` in all; 0 when
 * it is empty. */
int64_t quantile_of(const uint64_t *buckets, uint64_t total, double q);

#endif
