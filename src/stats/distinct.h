/*
 * How many distinct keys: exact by a set of hashes while that has room, by HyperLogLog sketches
 * from then on. The sketches are kept from the first key, so nothing is lost at the change.
 */
#ifndef SPILE_STATS_DISTINCT_H
#define SPILE_STATS_DISTINCT_H

#include <stdbool.h>
#include <stddef.h>

#include "stats/hll.h"

/* What is told apart. A name counts as a domain, and as asked or answered. */
enum stats_distinct_id {
    DISTINCT_CLIENTS,
    DISTINCT_DOMAINS,
    DISTINCT_ASKED,
    DISTINCT_ANSWERED,
    STATS_DISTINCTS
};

/* Of one stream, or of all. */
struct distinct_counts {
    uint64_t exact[STATS_DISTINCTS];
    struct hll sketch[STATS_DISTINCTS];
};

/* Owner: the statistics' thread. */
struct distinct_set {
    uint64_t *slots; /* hashes of key, stream and kind; 0: free */
    size_t mask;
    size_t used, max;
    bool full; /* numbers are estimates from now on */
};

int distinct_init(struct distinct_set *set, size_t memory);
void distinct_free(struct distinct_set *set);
void distinct_clear(struct distinct_set *set);

/* The key (hash) was seen in `counts`, whose number (stream) salts it within the set. */
void distinct_add(struct distinct_set *set, struct distinct_counts *counts, unsigned number,
                  enum stats_distinct_id kind, uint64_t hash);
uint64_t distinct_count(const struct distinct_set *set, const struct distinct_counts *counts,
                        enum stats_distinct_id kind);

#endif
