/*
 * All keys of the scope are gathered, those of several streams added up; then each rank marks its
 * first ones, whose least is found byte by byte. All of it takes a time that grows with the number
 * of rows, and no choice of numbers makes it longer.
 */
#include "stats/leaders.h"

#include <stdlib.h>

#include "stats/tables.h"

struct leader_row {
    const struct stats_row *row; /* one of the key's */
    struct stats_values values;  /* of all its rows */
    uint64_t error;
    unsigned streams; /* that have one */
};

void leaders_free(struct leaders *leaders)
{
    free(leaders->rows);
    free(leaders->numbers);
    free(leaders->marks);
    free(leaders->slots);
    free(leaders->tallies);
    *leaders = (struct leaders){0};
}

static bool make_room(struct leaders *l, size_t rows, bool several)
{
    size_t slots = 64;
    while (several && slots < 2 * rows)
        slots *= 2;
    if (rows > l->max) {
        free(l->rows);
        free(l->numbers);
        free(l->marks);
        l->rows = malloc(rows * sizeof *l->rows);
        l->numbers = malloc(rows * sizeof *l->numbers);
        l->marks = malloc(rows * sizeof *l->marks);
        l->max = l->rows && l->numbers && l->marks ? rows : 0;
    }
    if (several && slots > l->slots_max) {
        free(l->slots);
        l->slots = malloc(slots * sizeof *l->slots);
        l->slots_max = l->slots ? slots : 0;
    }
    if (several && l->slots)
        memset(l->slots, 0, slots * sizeof *l->slots);
    return l->max >= rows && (!several || l->slots);
}

/* The same for tallies, where the table has them. */
static bool make_tallies(struct leaders *l, const struct stats_table *table)
{
    size_t rows = table->cells == STATS_TALLIED ? table->row_count : 0;
    if (rows > l->tallies_max) {
        free(l->tallies);
        l->tallies = malloc(rows * sizeof *l->tallies);
        l->tallies_max = l->tallies ? rows : 0;
    }
    return l->tallies_max >= rows;
}

/* --- gathering ------------------------------------------------------------------------------ */

/* A key's first row, or one more of it. */
static void add_tally(struct leaders *l, const struct leader_row *to,
                      const struct stats_table *table, const struct stats_row *row)
{
    if (table->cells != STATS_TALLIED)
        return;
    struct stats_tally *tally = &l->tallies[to - l->rows];
    if (to->streams <= 1)
        *tally = (struct stats_tally){{0}};
    stats_row_tally(table, row, tally);
}

static void add_row(struct leaders *l, struct leader_row *to, const struct stats_table *table,
                    const struct stats_row *row)
{
    struct stats_values values;
    stats_row_values(table, row, &values);
    stats_values_add(&to->values, &values);
    to->error += row->error;
    to->streams++;
    add_tally(l, to, table, row);
}

/* The place of the row's key; the hash is keyed. */
static struct leader_row *place_of(struct leaders *l, size_t *count, size_t mask,
                                   const struct stats_row *row)
{
    size_t at = (size_t)row->hash & mask;
    while (l->slots[at] && l->rows[l->slots[at] - 1].row->hash != row->hash)
        at = (at + 1) & mask;
    if (l->slots[at])
        return &l->rows[l->slots[at] - 1];
    l->rows[*count] = (struct leader_row){.row = row};
    l->slots[at] = (uint32_t)++ * count;
    return &l->rows[*count - 1];
}

/* The keys of one side in all streams; where a stream has no row it may have had one. */
static size_t gather_all(struct leaders *l, const struct table_set *set,
                         const struct stats_table *table, enum stats_side side)
{
    size_t count = 0, mask = 63;
    unsigned streams = set->stream_count + set->rest;
    while (mask + 1 < 2 * (size_t)table->row_count)
        mask = 2 * mask + 1;
    for (uint32_t i = 0; i < table->row_count; i++) {
        const struct stats_row *row = &table->rows[i];
        if (row->group % STATS_SIDES == side)
            add_row(l, place_of(l, &count, mask, row), table, row);
    }
    for (size_t i = 0; table->floor > 0 && i < count; i++)
        l->rows[i].error += (streams - l->rows[i].streams) * table->floor;
    return count;
}

static void put_row(struct leaders *l, struct leader_row *to, const struct stats_table *table,
                    const struct stats_row *row)
{
    to->row = row;
    to->error = row->error;
    to->streams = 1;
    stats_row_values(table, row, &to->values);
    add_tally(l, to, table, row);
}

/* The keys of one side when there is but one stream. */
static size_t gather_side(struct leaders *l, const struct stats_table *table, enum stats_side side)
{
    size_t count = 0;
    for (uint32_t i = 0; i < table->row_count; i++) {
        if (table->rows[i].group % STATS_SIDES == side)
            put_row(l, &l->rows[count++], table, &table->rows[i]);
    }
    return count;
}

/* The keys of one group. */
static size_t gather_group(struct leaders *l, const struct table_set *set, enum stats_table_id id,
                           const struct stats_scope *scope)
{
    struct group_walk walk =
        table_set_walk(set, id, stats_group((unsigned)scope->stream, scope->side));
    size_t count = 0;
    for (const struct stats_row *row; (row = table_set_next(&walk));)
        put_row(l, &l->rows[count++], walk.table, row);
    return count;
}

static size_t gather(struct leaders *l, const struct table_set *set, enum stats_table_id id,
                     const struct stats_scope *scope, bool several)
{
    if (scope->stream != STATS_ALL)
        return gather_group(l, set, id, scope);
    return several ? gather_all(l, set, &set->tables[id], scope->side)
                   : gather_side(l, &set->tables[id], scope->side);
}

/* --- selecting ------------------------------------------------------------------------------ */

/* The n-th largest of more than n numbers. */
static uint64_t nth_largest(const uint64_t *numbers, size_t count, size_t n, uint64_t all)
{
    uint64_t prefix = 0, mask = 0;
    for (int shift = (63 - __builtin_clzll(all)) & ~7; shift >= 0; shift -= 8) {
        size_t byte = UINT8_MAX, larger = 0, counts[UINT8_MAX + 1] = {0};
        for (size_t i = 0; i < count; i++)
            counts[numbers[i] >> shift & UINT8_MAX] += (numbers[i] & mask) == prefix;
        for (; larger + counts[byte] < n; byte--)
            larger += counts[byte];
        n -= larger;
        prefix |= (uint64_t)byte << shift;
        mask |= (uint64_t)UINT8_MAX << shift;
    }
    return prefix;
}

/* Marks the first n rows by one rank, of equal ones those that came first. */
static void mark_first(struct leaders *l, size_t count, const struct stats_question *rank, size_t n)
{
    uint64_t all = 0;
    for (size_t i = 0; i < count; i++)
        all |= l->numbers[i] = stats_value(&l->rows[i].values, rank);
    if (all == 0)
        return;
    uint64_t least = n < count ? nth_largest(l->numbers, count, n, all) : 0;
    for (size_t i = 0; i < count; i++)
        n -= l->numbers[i] > least;
    for (size_t i = 0; i < count; i++) {
        bool tie = l->numbers[i] == least && least > 0 && n > 0;
        n -= tie;
        l->marks[i] |= l->numbers[i] > least || tie;
    }
}

/* A rank's floor: what a key without a row may have, and what those have that are not marked. */
static uint64_t floor_of(const struct leaders *l, size_t count, const struct stats_rank *rank,
                         uint64_t no_row)
{
    uint64_t floor = no_row * rank->step;
    for (size_t i = 0; i < count; i++) {
        if (l->marks[i])
            continue;
        uint64_t most =
            stats_value(&l->rows[i].values, &rank->question) + l->rows[i].error * rank->step;
        floor = most > floor ? most : floor;
    }
    return floor;
}

static void give(const struct leaders *l, size_t count, const struct table_set *set,
                 enum stats_table_id table, const struct stats_taker *taker)
{
    for (size_t i = 0; i < count; i++) {
        char text[SAMPLE_TEXT_MAX + 1];
        const struct leader_row *row = &l->rows[i];
        if (!l->marks[i])
            continue;
        struct span key = stats_row_key(&set->tables[table], row->row);
        const struct stats_leader leader = {
            .text = span_of(text, table_set_put_key(set, table, key, text)),
            .values = row->values,
            .error = row->error,
            .tally = set->tables[table].cells == STATS_TALLIED ? &l->tallies[i] : NULL,
        };
        taker->take(taker->ctx, &leader);
    }
}

int table_set_leaders(struct leaders *leaders, const struct table_set *set,
                      const struct stats_scope *scope, enum stats_table_id id,
                      const struct stats_ranks *ranks, uint64_t *floors,
                      const struct stats_taker *taker)
{
    const struct stats_table *table = &set->tables[id];
    bool several = scope->stream == STATS_ALL && table_set_several(set);
    unsigned streams = several ? set->stream_count + set->rest : 1;
    if (!make_room(leaders, table->row_count, several) || !make_tallies(leaders, table))
        return -1;
    size_t count = gather(leaders, set, id, scope, several);
    if (count)
        memset(leaders->marks, 0, count * sizeof *leaders->marks);
    for (size_t r = 0; r < ranks->count; r++)
        mark_first(leaders, count, &ranks->ranks[r].question, ranks->n);
    for (size_t r = 0; r < ranks->count; r++)
        floors[r] = floor_of(leaders, count, &ranks->ranks[r], table->floor * streams);
    give(leaders, count, set, id, taker);
    return 0;
}
