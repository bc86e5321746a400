/* How many distinct keys there were, of several kinds. */
#ifndef SPILE_STATS_DISTINCT_H
#define SPILE_STATS_DISTINCT_H

#include "stats/hll.h"

/* What is told apart, on each side. A name counts as a domain, and as asked or answered. */
enum stats_distinct_id { /* numbers in databases: never changed */
                         DISTINCT_CLIENTS,
                         DISTINCT_DOMAINS,
                         DISTINCT_ASKED,
                         DISTINCT_ANSWERED,
                         DISTINCT_SERVERS,
                         DISTINCT_REGISTRABLE,
                         DISTINCT_TLDS,
                         STATS_DISTINCTS
};
enum { STATS_ALL_COUNTED = (1 << STATS_DISTINCTS) - 1 /* a bit each */ };

/* Of one stream, or of all, on one side: counts, right while the tables are exact, and sketches
 * from the first key on, so that nothing is lost when they no longer are. Domains have no sketch of
 * their own: those of names asked and answered together are it. Those of all have what came before
 * the window that runs, which has its own.
 *
 * Each second there is an estimate of every stream that has sent something; to look at all
 * registers for that would take longer than to count what changes. Zeroed is empty. */
struct distinct_counts {
    uint64_t exact[STATS_DISTINCTS];
    struct hll sketch[STATS_DISTINCTS];
    /* How many registers have each rank but 0, of domains too; private to distinct.c. */
    uint16_t ranks[STATS_DISTINCTS][HLL_RANKS];
};

/* Adds a key, or those of another sketch, to one of the sketches that there are. */
void distinct_add(struct distinct_counts *counts, enum stats_distinct_id id, uint64_t hash);
void distinct_merge(struct distinct_counts *counts, enum stats_distinct_id id,
                    const struct hll *from);
/* What hll_estimate says of the sketch, or of domains. */
double distinct_estimate(const struct distinct_counts *counts, enum stats_distinct_id id);

#endif
