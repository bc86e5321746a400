#include "stats/distinct.h"

#include <stdbool.h>

/* Names asked and names answered are domains, both. */
static bool is_of_domains(enum stats_distinct_id id)
{
    return id == DISTINCT_ASKED || id == DISTINCT_ANSWERED;
}

static enum stats_distinct_id other_of(enum stats_distinct_id id)
{
    return id == DISTINCT_ASKED ? DISTINCT_ANSWERED : DISTINCT_ASKED;
}

static void move_rank(uint16_t ranks[HLL_RANKS], uint8_t from, uint8_t to)
{
    ranks[from]--;
    ranks[to]++;
}

void distinct_add(struct distinct_counts *counts, enum stats_distinct_id id, uint64_t hash)
{
    unsigned place = hll_place(hash);
    uint8_t rank = hll_rank(hash), *at = &counts->sketch[id].registers[place];
    if (rank <= *at)
        return;
    if (is_of_domains(id)) {
        uint8_t other = counts->sketch[other_of(id)].registers[place];
        if (rank > other)
            move_rank(counts->ranks[DISTINCT_DOMAINS], *at > other ? *at : other, rank);
    }
    move_rank(counts->ranks[id], *at, rank);
    *at = rank;
}

void distinct_merge(struct distinct_counts *counts, enum stats_distinct_id id,
                    const struct hll *from)
{
    hll_merge(&counts->sketch[id], from);
    hll_count_ranks(&counts->sketch[id], counts->ranks[id]);
    if (!is_of_domains(id))
        return;
    struct hll both = counts->sketch[id];
    hll_merge(&both, &counts->sketch[other_of(id)]);
    hll_count_ranks(&both, counts->ranks[DISTINCT_DOMAINS]);
}

double distinct_estimate(const struct distinct_counts *counts, enum stats_distinct_id id)
{
    uint16_t ranks[HLL_RANKS] = {HLL_REGISTERS};
    for (int rank = 1; rank < HLL_RANKS; rank++) {
        ranks[rank] = counts->ranks[id][rank];
        ranks[0] = (uint16_t)(ranks[0] - ranks[rank]);
    }
    return hll_estimate_ranks(ranks);
}
