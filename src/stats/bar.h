/*
 * What rows must have for a list to look at them closer: more than the bar of one thing or another.
 * Under an attack most rows have not, and are passed over at a few instructions each.
 */
#ifndef SPILE_STATS_BAR_H
#define SPILE_STATS_BAR_H

#include "stats/stats.h"
#include "stats/table.h"

struct stats_bar {
    uint32_t counts[STATS_COUNTS], slowest_us;
    uint64_t sums[STATS_SUMS], hits, bytes, mean;
};

/* As high as can be: no list asks. */
void stats_bar_raise(struct stats_bar *bar);
/* One does, of which a row must have more than `value` (stats_value). */
void stats_bar_lower(struct stats_bar *bar, const struct stats_question *question, uint64_t value);

/* False: the row has no more than the bar of anything. */
static inline bool stats_row_clears(const struct stats_row *row, const struct stats_bar *bar)
{
    uint64_t latency = row->sums[SUM_LATENCY], timed = row->counts[COUNT_TIMED];
    unsigned clears = row->slowest_us > bar->slowest_us;
    for (int i = 0; i < STATS_COUNTS; i++)
        clears |= row->counts[i] > bar->counts[i];
    for (int i = 0; i < STATS_SUMS; i++)
        clears |= row->sums[i] > bar->sums[i];
    clears |= (uint64_t)row->counts[COUNT_QUERIES] + row->counts[COUNT_RESPONSES] > bar->hits;
    clears |= row->sums[SUM_QUERY_BYTES] + row->sums[SUM_RESPONSE_BYTES] > bar->bytes;
    clears |= bar->mean < UINT64_MAX && timed > 0 && latency / timed > bar->mean;
    return clears || row->wide;
}

#endif
