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

/* Of one stream, or of all, on one side: counts, right while the tables are exact, and sketches
 * from the first key on, so that nothing is lost when they no longer are. Domains have no sketch of
 * their own: those of names asked and answered together are it. Those of all have what came before
 * the window that runs, which has its own. */
struct distinct_counts {
    uint64_t exact[STATS_DISTINCTS];
    struct hll sketch[STATS_DISTINCTS];
};

#endif
