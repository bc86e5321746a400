#include "stats/bar.h"

#include <string.h>

void stats_bar_raise(struct stats_bar *bar)
{
    memset(bar, 0xff, sizeof *bar);
}

static void lower(uint64_t *bar, uint64_t value)
{
    *bar = value < *bar ? value : *bar;
}

static void lower_small(uint32_t *bar, uint64_t value)
{
    *bar = value < *bar ? (uint32_t)value : *bar;
}

static void lower_measure(struct stats_bar *bar, enum stats_measure measure, uint64_t value)
{
    for (int i = 0; i < STATS_COUNTS; i++) {
        if (stats_count_measures[i] == measure)
            lower_small(&bar->counts[i], value);
    }
    for (int i = 0; i < STATS_SUMS; i++) {
        if (stats_sum_measures[i] == measure)
            lower(&bar->sums[i], value);
    }
    if (measure == MEASURE_SLOWEST)
        lower_small(&bar->slowest_us, value);
}

void stats_bar_lower(struct stats_bar *bar, const struct stats_question *question, uint64_t value)
{
    bool queries = question->direction == STATS_QUERY;
    switch (question->by) {
    case BY_HITS:
        lower(&bar->hits, value);
        break;
    case BY_BYTES:
        lower(&bar->bytes, value);
        break;
    case BY_MEAN:
        lower(&bar->mean, value);
        break;
    case BY_RCODE:
    case BY_QTYPE: /* as if all counted, twice where it has weights */
        lower_measure(bar, queries ? MEASURE_QUERIES : MEASURE_RESPONSES,
                      question->weight ? value / 2 : value);
        break;
    default:
        lower_measure(bar, question->measure, value);
    }
}
