#include "stats/quantile.h"

#include <math.h>

const struct quantile_shown quantile_shown[QUANTILES_SHOWN] = {
    {"p50", "0.5", 0.5}, {"p90", "0.9", 0.9}, {"p99", "0.99", 0.99}, {"p999", "0.999", 0.999}};

int64_t quantile_lower(unsigned bucket)
{
    if (bucket == 0)
        return 0;
    if (bucket >= QUANTILE_BUCKETS - 1)
        return INT64_C(1) << QUANTILE_MAX_BITS;
    unsigned power = (bucket - 1) >> QUANTILE_SUB_BITS;
    int64_t sub = (bucket - 1) & ((1u << QUANTILE_SUB_BITS) - 1);
    return ((1 << QUANTILE_SUB_BITS) + sub) << (power + QUANTILE_MIN_BITS - QUANTILE_SUB_BITS);
}

int64_t quantile_value(unsigned bucket)
{
    int64_t lower = quantile_lower(bucket);
    if (bucket == 0 || bucket >= QUANTILE_BUCKETS - 1)
        return lower;
    return lower + (quantile_lower(bucket + 1) - lower) / 2;
}

uint64_t quantile_total(const uint64_t *buckets)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < QUANTILE_BUCKETS; i++)
        total += buckets[i];
    return total;
}

/* The counter that has the smallest value which at least q of all do not exceed: the nearest rank.
 */
static unsigned rank_of(const uint64_t *counters, unsigned count, uint64_t total, double q)
{
    double rank = fmax(ceil(q * (double)total), 1);
    uint64_t seen = 0;
    unsigned last = 0;
    for (unsigned i = 0; i < count && (double)seen < rank; i++) {
        seen += counters[i];
        if (counters[i])
            last = i;
    }
    return last;
}

int64_t quantile_of(const uint64_t *buckets, uint64_t total, double q)
{
    return quantile_value(rank_of(buckets, QUANTILE_BUCKETS, total, q));
}

int64_t quantile_step_lower(unsigned step)
{
    enum { SKIPPED = (QUANTILE_STEPS_FROM - QUANTILE_MIN_BITS) << QUANTILE_SUB_BITS };
    if (step == 0)
        return 0;
    unsigned buckets = (step - 1) << QUANTILE_SUB_BITS; /* in parts of a step */
    return quantile_lower(SKIPPED + 1 +
                          (buckets + QUANTILE_POWER_STEPS - 1) / QUANTILE_POWER_STEPS);
}

int64_t quantile_of_steps(const uint64_t *steps, uint64_t total, double q)
{
    unsigned step = rank_of(steps, QUANTILE_STEPS, total, q);
    double lower = (double)quantile_step_lower(step), upper = (double)quantile_step_lower(step + 1);
    if (step == 0)
        return total ? (int64_t)upper : 0;
    return (int64_t)(step < QUANTILE_STEPS - 1 ? 2 * lower * upper / (lower + upper) : lower);
}
