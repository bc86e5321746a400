/*
 * What came first lately. The rows of a table stand in the order in which their keys came first,
 * and each time the window is folded in, it is marked how many there were: so a row's number tells
 * in which window its key came, and what has a row in the window alone came in that.
 */
#include <stdlib.h>

#include "stats/tables.h"

/* So often it is looked whether a row is its key's first: while rows are missing in the answer some
 * hundredths of a second, and so that the others are counted less than one. */
enum { LOOK_UPS_MAX = 1 << 18, LOOK_UPS_TO_COUNT = 1 << 13 };

struct search {
    const struct table_set *set, *later;
    const struct stats_scope *scope;
    enum stats_table_id table;
    uint32_t mark; /* rows of the set are new from that mark on */
    uint64_t later_ns;
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

/* The key's row in a group comes before this one, which is of the set or of what came later. */
static bool comes_before(struct search *s, const struct stats_row *row, bool later, uint16_t group)
{
    const struct stats_row *there = stats_table_find(&s->set->tables[s->table], row->hash, group);
    s->look_ups++;
    if (there)
        return later || there < row;
    if (!later || group == row->group)
        return false;
    there = stats_table_find(&s->later->tables[s->table], row->hash, group);
    s->look_ups++;
    return there && there < row;
}

/* True when the row is the key's first in the scope. */
static bool is_first(struct search *s, const struct stats_row *row, bool later)
{
    const struct table_set *set = s->set;
    unsigned streams =
        set->stream_count > s->later->stream_count ? set->stream_count : s->later->stream_count;
    if (s->scope->stream != STATS_ALL)
        return !later || !comes_before(s, row, later, row->group);
    bool first = !comes_before(s, row, later, stats_group(set->stream_max, s->scope->side));
    for (unsigned i = 0; first && i < streams; i++)
        first = !comes_before(s, row, later, stats_group(i, s->scope->side));
    return first;
}

/* --- rows of the answer --------------------------------------------------------------------- */

/* When the window began in which a row of the set came. */
static uint64_t began(const struct search *s, uint32_t row)
{
    const struct stats_table *table = &s->set->tables[s->table];
    uint32_t low = s->mark, high = table->mark_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (stats_table_marked(table, middle) <= row)
            low = middle;
        else
            high = middle;
    }
    return s->set->mark_ns[low];
}

static void put_row(struct search *s, const struct table_set *set, const struct stats_row *row,
                    uint64_t first_ns)
{
    const struct stats_question question = {.table = s->table, .by = BY_HITS};
    struct stats_new *new = &s->news->rows[s->news->count++];
    struct key_sums sums = {0};
    table_set_sum(s->set, &question, row->hash, s->scope, &sums);
    table_set_sum(s->later, &question, row->hash, s->scope, &sums);
    new->first_ns = first_ns;
    new->row = (struct stats_top){.value = stats_value(&sums.values, &question),
                                  .error = sums.error,
                                  .key = row->hash,
                                  .values = sums.values};
    new->row.text_len = (uint16_t)table_set_put_key(
        set, s->table, stats_row_key(&set->tables[s->table], row), new->row.text);
}

/* Looks at the rows of a set, the last one first, down to a number. */
static void look(struct search *s, bool later, uint32_t down_to)
{
    const struct table_set *set = later ? s->later : s->set;
    const struct stats_table *table = &set->tables[s->table];
    for (uint32_t i = table->row_count; i > down_to; i--) {
        const struct stats_row *row = &table->rows[i - 1];
        if (!is_in(row, s->scope))
            continue;
        s->news->found_all =
            s->look_ups < (s->news->count < s->n ? LOOK_UPS_MAX : LOOK_UPS_TO_COUNT);
        if (!s->news->found_all)
            return;
        if (!is_first(s, row, later))
            continue;
        s->news->found++;
        if (s->news->count < s->n)
            put_row(s, set, row, later ? s->later_ns : began(s, i - 1));
    }
}

int table_set_news(const struct table_set *set, const struct table_set *later, uint64_t later_ns,
                   const struct stats_scope *scope, enum stats_table_id table, uint64_t since_ns,
                   size_t n, struct stats_news *news)
{
    const struct stats_table *rows = &set->tables[table];
    struct search search = {set, later, scope, table, rows->mark_count, later_ns, 0, n, news};
    uint64_t most = (uint64_t)rows->row_count + later->tables[table].row_count;
    search.n = n < most ? n : most;
    *news = (struct stats_news){.rows = malloc((search.n + 1) * sizeof *news->rows),
                                .found_all = true,
                                .from_ns = later_ns};
    if (!news->rows)
        return -1;
    for (; search.mark > 0 && news->from_ns > since_ns; news->from_ns = set->mark_ns[search.mark])
        search.mark--;
    news->floor = table_set_floor(set, table, scope) + table_set_floor(later, table, scope);
    look(&search, true, 0);
    if (news->found_all && search.mark < rows->mark_count)
        look(&search, false, stats_table_marked(rows, search.mark));
    return 0;
}

void stats_news_free(struct stats_news *news)
{
    free(news->rows);
    *news = (struct stats_news){0};
}
