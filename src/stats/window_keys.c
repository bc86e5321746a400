/* The keys of a window that runs, in the order of groups, so that who asks about many streams need
 * not look at all rows for each; and the tables are free again when they are copied. */
#include <stdlib.h>

#include "stats/stats_state.h"

/* The keys of one table. */
struct table_keys {
    uint64_t *hashes;
    uint8_t *bits;  /* of each: which distinct numbers it counts for */
    uint32_t *ends; /* by group: where its keys end */
};

struct stats_window_keys {
    struct table_keys of[STATS_TABLES];
    size_t stream_count;
    int ids[]; /* of streams, by number */
};

static bool copy_table(struct table_keys *keys, const struct table_set *set, enum stats_table_id id)
{
    const struct stats_table *table = &set->tables[id];
    size_t groups = (set->stream_max + 1u) * STATS_SIDES;
    keys->hashes = malloc((table->row_count + 1) * sizeof *keys->hashes);
    keys->bits = malloc(table->row_count + 1);
    keys->ends = calloc(groups + 1, sizeof *keys->ends);
    if (!keys->hashes || !keys->bits || !keys->ends)
        return false;
    for (uint32_t i = 0; i < table->row_count; i++)
        keys->ends[table->rows[i].group + 1u]++;
    for (size_t g = 1; g <= groups; g++)
        keys->ends[g] += keys->ends[g - 1];
    for (uint32_t i = 0; i < table->row_count; i++) {
        const struct stats_row *row = &table->rows[i];
        uint32_t at = keys->ends[row->group]++;
        keys->hashes[at] = row->hash;
        keys->bits[at] = table_set_row_bits(set, id, row);
    }
    return true;
}

struct stats_window_keys *stats_window_keys(struct stats *stats)
{
    const struct stats_window *window = stats_window_enter(stats);
    struct stats_window_keys *keys =
        calloc(1, sizeof *keys + stats->stream_count * sizeof *keys->ids);
    bool copied = keys != NULL;
    for (enum stats_table_id id = 0; copied && id < STATS_TABLES; id++)
        copied = copy_table(&keys->of[id], &window->tables, id);
    if (keys)
        keys->stream_count = stats->stream_count;
    for (size_t i = 0; keys && i < keys->stream_count; i++)
        keys->ids[i] = stats->streams[i].id;
    stats_window_leave(stats);
    if (copied)
        return keys;
    stats_window_keys_free(keys);
    return NULL;
}

void stats_window_keys_free(struct stats_window_keys *keys)
{
    for (int id = 0; keys && id < STATS_TABLES; id++) {
        free(keys->of[id].hashes);
        free(keys->of[id].bits);
        free(keys->of[id].ends);
    }
    free(keys);
}

bool stats_window_keys_add(const struct stats_window_keys *keys, const struct stats_scope *scope,
                           enum stats_distinct_id which, struct hll *sketch,
                           uint16_t ranks[HLL_RANKS])
{
    const struct table_keys *of = &keys->of[table_of(which)];
    size_t place = (unsigned)scope->stream % STATS_STREAMS_MAX;
    if (place >= keys->stream_count || keys->ids[place] != scope->stream)
        return false;
    uint16_t group = stats_group((unsigned)place, scope->side);
    bool any = false;
    for (uint32_t at = group > 0 ? of->ends[group - 1] : 0; at < of->ends[group]; at++) {
        if (!(of->bits[at] >> which & 1))
            continue;
        hll_add_ranked(sketch, ranks, of->hashes[at]);
        any = true;
    }
    return any;
}
