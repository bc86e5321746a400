/*
 * What came first lately. The rows of a table stand in the order in which their keys came first,
 * and each time a window begins to be folded in, it is marked how many there were: so a row's
 * number tells in which window its key came. What has a row in the window alone that is being
 * folded is of the last mark, and what has one in the window that runs alone came in that.
 */
#include <stdlib.h>

#include "stats/tables.h"

/* So often it is looked whether a row is its key's first: while rows are missing in the answer some
 * hundredths of a second, and so that the others are counted less than one. */
enum { LOOK_UPS_MAX = 1 << 18, LOOK_UPS_TO_COUNT = 1 << 13 };

struct search {
    const struct table_sets *sets;
    const struct stats_scope *scope;
    enum stats_table_id table;
    uint32_t mark;    /* rows of the first set are new from that mark on */
    uint64_t last_ns; /* when the last set began */
    unsigned look_ups;
    size_t n;
    struct stats_news *news;
};

/* --- which rows are first ------------------------------------------------------------------- */

static bool is_in(const struct stats_row *row, const struct stats_scope *scope)
{
    return scope->stream == STATS_ALL
               ? row->group % STATS_SIDES == scope->side
               : row->group == stats_group((unsigned)scope->stream, scope->side);
}

/* The row that the key has in a group comes before this one, which is of the set with number `at`.
 */
static bool comes_before(struct search *s, const struct stats_row *row, unsigned at, uint16_t group)
{
    unsigned own = group != row->group; /* there may be another in the same set */
    for (unsigned i = 0; i < at + own; i++) {
        const struct stats_table *table = &s->sets->of[i]->tables[s->table];
        const struct stats_row *there = stats_table_left(table, row->hash, group);
        s->look_ups++;
        if (there && (i < at || there < row))
            return true;
    }
    return false;
}

/* True when the row is the key's first in the scope. */
static bool is_first(struct search *s, const struct stats_row *row, unsigned at)
{
    const struct table_sets *sets = s->sets;
    if (s->scope->stream != STATS_ALL)
        return !comes_before(s, row, at, row->group);
    unsigned streams = 0;
    for (unsigned i = 0; i < sets->count; i++)
        streams = sets->of[i]->stream_count > streams ? sets->of[i]->stream_count : streams;
    bool first = !comes_before(s, row, at, stats_group(sets->of[0]->stream_max, s->scope->side));
    for (unsigned i = 0; first && i < streams; i++)
        first = !comes_before(s, row, at, stats_group(i, s->scope->side));
    return first;
}

/* --- rows of the answer --------------------------------------------------------------------- */

/* When the window began in which a row of a set came. */
static uint64_t began(const struct search *s, unsigned at, uint32_t row)
{
    const struct table_set *set = s->sets->of[0];
    const struct stats_table *table = &set->tables[s->table];
    uint32_t low = s->mark, high = table->mark_count;
    if (at == s->sets->count - 1)
        return s->last_ns;
    if (at > 0)
        low = high - 1; /* where they will be */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (stats_table_marked(table, middle) <= row)
            low = middle;
        else
            high = middle;
    }
    return set->mark_ns[low];
}

static void put_row(struct search *s, const struct table_set *set, const struct stats_row *row,
                    uint64_t first_ns)
{
    const struct stats_question question = {.table = s->table, .by = BY_HITS};
    struct stats_new *new = &s->news->rows[s->news->count++];
    struct key_sums sums = {0};
    for (unsigned i = 0; i < s->sets->count; i++)
        table_set_sum(s->sets->of[i], &question, row->hash, s->scope, &sums);
    new->first_ns = first_ns;
    new->row = (struct stats_top){.value = stats_value(&sums.values, &question),
                                  .error = sums.error,
                                  .key = row->hash,
                                  .values = sums.values};
    new->row.text_len = (uint16_t)table_set_put_key(
        set, s->table, stats_row_key(&set->tables[s->table], row), new->row.text);
}

/* Looks at the rows of a set, the last one first, down to a number. */
static void look(struct search *s, unsigned at, uint32_t down_to)
{
    const struct table_set *set = s->sets->of[at];
    const struct stats_table *table = &set->tables[s->table];
    for (uint32_t i = table->row_count; s->news->found_all && i > down_to; i--) {
        const struct stats_row *row = &table->rows[i - 1];
        if (!is_in(row, s->scope))
            continue;
        s->news->found_all =
            s->look_ups < (s->news->count < s->n ? LOOK_UPS_MAX : LOOK_UPS_TO_COUNT);
        if (!s->news->found_all || !is_first(s, row, at))
            continue;
        s->news->found++;
        if (s->news->count < s->n)
            put_row(s, set, row, began(s, at, i - 1));
    }
}

/* Before the last set there is what has been marked: what is being folded is of the last mark. */
static void look_at_all(struct search *s)
{
    const struct stats_table *first = &s->sets->of[0]->tables[s->table];
    unsigned last = s->sets->count - 1;
    look(s, last, 0);
    if (s->mark == first->mark_count)
        return;
    for (unsigned at = last - 1; at > 0; at--)
        look(s, at, s->sets->of[at]->tables[s->table].folded);
    look(s, 0, stats_table_marked(first, s->mark));
}

int table_set_news(const struct table_sets *sets, uint64_t last_ns, const struct stats_scope *scope,
                   enum stats_table_id table, uint64_t since_ns, size_t n, struct stats_news *news)
{
    const struct table_set *first = sets->of[0];
    struct search search = {sets,    scope, table, first->tables[table].mark_count,
                            last_ns, 0,     n,     news};
    uint64_t most = 0, floor = 0;
    for (unsigned i = 0; i < sets->count; i++) {
        most += sets->of[i]->tables[table].row_count;
        floor += table_set_floor(sets->of[i], table, scope);
    }
    search.n = n < most ? n : most;
    *news = (struct stats_news){.rows = malloc((search.n + 1) * sizeof *news->rows),
                                .found_all = true,
                                .from_ns = last_ns,
                                .floor = floor};
    if (!news->rows)
        return -1;
    for (; search.mark > 0 && news->from_ns > since_ns; news->from_ns = first->mark_ns[search.mark])
        search.mark--;
    look_at_all(&search);
    return 0;
}

void stats_news_free(struct stats_news *news)
{
    free(news->rows);
    *news = (struct stats_news){0};
}
