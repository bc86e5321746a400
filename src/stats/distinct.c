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

/* What the register of names asked and answered together becomes. */
static void count_domain(struct distinct_counts *counts, enum stats_distinct_id id, unsigned place,
                         uint8_t rank)
{
    uint8_t mine = counts->sketch[id].registers[place];
    uint8_t other = counts->sketch[other_of(id)].registers[place];
    uint8_t both = mine > other ? mine : other;
    if (rank <= both)
        return;
    counts->ranks[DISTINCT_DOMAINS][both]--;
    counts->ranks[DISTINCT_DOMAINS][rank]++;
}

void distinct_add(struct distinct_counts *counts, enum stats_distinct_id id, uint64_t hash)
{
    uint8_t rank = hll_rank(hash);
    if (rank <= counts->sketch[id].registers[hll_place(hash)]) /* as mostly: nothing changes */
        return;
    if (is_of_domains(id))
        count_domain(counts, id, hll_place(hash), rank);
    hll_add_ranked(&counts->sketch[id], counts->ranks[id], hash);
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
