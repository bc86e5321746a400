#include "stats/quantile.h"

#include <math.h>

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

int64_t quantile_of(const uint64_t *buckets, uint64_t total, double q)
{
    /* The smallest value that at least q of all do not exceed: the nearest rank. */
    double rank = fmax(ceil(q * (double)total), 1);
    uint64_t seen = 0;
    unsigned last = 0;
    for (unsigned i = 0; i < QUANTILE_BUCKETS && (double)seen < rank; i++) {
        seen += buckets[i];
        if (buckets[i])
            last = i;
    }
    return quantile_value(last);
}
