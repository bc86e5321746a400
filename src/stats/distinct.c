#include "stats/distinct.h"

#include <stdlib.h>
#include <string.h>

int distinct_init(struct distinct_set *set, size_t memory)
{
    size_t slots = 1024;
    while (slots * 2 * sizeof *set->slots <= memory)
        slots *= 2;
    *set = (struct distinct_set){
        .slots = calloc(slots, sizeof *set->slots),
        .mask = slots - 1,
        .max = slots / 4 * 3,
    };
    return set->slots ? 0 : -1;
}

void distinct_free(struct distinct_set *set)
{
    free(set->slots);
    *set = (struct distinct_set){0};
}

void distinct_clear(struct distinct_set *set)
{
    memset(set->slots, 0, (set->mask + 1) * sizeof *set->slots);
    set->used = 0;
    set->full = false;
}

/* True when the hash was not there yet. The hashes are keyed and as good as random, so that of
 * numbers and kinds a multiplication makes others; 64 bits of them leave no room for chance. */
static bool insert(struct distinct_set *set, uint64_t hash)
{
    hash |= 1; /* 0 is a free slot */
    for (size_t at = hash >> 20 & set->mask;; at = (at + 1) & set->mask) {
        if (set->slots[at] == hash)
            return false;
        if (set->slots[at] != 0)
            continue;
        set->slots[at] = hash;
        set->used++;
        return true;
    }
}

void distinct_add(struct distinct_set *set, struct distinct_counts *counts, unsigned number,
                  enum stats_distinct_id kind, uint64_t hash)
{
    hll_add(&counts->sketch[kind], hash);
    if (set->full)
        return;
    uint64_t salt = (uint64_t)number * STATS_DISTINCTS + kind + 1;
    counts->exact[kind] += insert(set, (hash ^ salt) * UINT64_C(0x9e3779b97f4a7c15));
    set->full = set->used >= set->max;
}

uint64_t distinct_count(const struct distinct_set *set, const struct distinct_counts *counts,
                        enum stats_distinct_id kind)
{
    if (!set->full)
        return counts->exact[kind];
    return (uint64_t)(hll_estimate(&counts->sketch[kind]) + 0.5);
}
