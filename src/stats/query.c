/*
 * Questions to the tables. A stream's rows are looked at once for all questions of a call; each
 * question keeps its best in a heap, and looks closer only at rows that can still get in.
 *
 * Over all streams a key's rows add up. Candidates are the best of each stream, many more than were
 * asked for; their sums over all streams are exact. A key that is a candidate nowhere has in no
 * stream as much as the worst candidate there.
 */
#include <ctype.h>
#include <stdlib.h>

#include "base/put.h"
#include "stats/bar.h"
#include "stats/tables.h"

enum { CANDIDATES_MIN = 1000 };

/* One row that may be among the best: where it stands, and for what. */
struct candidate {
    uint64_t value;
    uint64_t age; /* which came first: the order of the rows, those of what came later behind */
    const struct stats_row *row;
    const struct stats_table *table;
    unsigned at; /* its set */
};

/* The best of one question: a heap, the worst on top. */
struct best {
    const struct stats_question *question;
    struct candidate *items;
    uint64_t *values; /* room for one of each */
    size_t count, max;
    uint64_t keys;  /* rows of the stream */
    uint64_t least; /* a row of what came later is looked at with its earlier ones if it has more */
    bool all;       /* there was room for all */
    uint8_t under[SAMPLE_NAME_MAX + 1]; /* question->under as a key */
    size_t under_len;
    struct span run; /* of question->contains: what is in keys as it is in texts */
};

/* --- values --------------------------------------------------------------------------------- */

static unsigned weight_of(const struct stats_question *q, const struct stats_cell *cell)
{
    if (q->weight)
        return q->weight(cell->qtype, cell->rcode);
    return (q->by == BY_RCODE ? cell->rcode : cell->qtype) == q->code;
}

static uint64_t cells_value(const struct stats_table *table, const struct stats_row *row,
                            const struct stats_question *q)
{
    uint64_t sum = 0;
    for (const struct stats_cell *c = stats_row_cell(table, row, NULL); c;
         c = stats_row_cell(table, row, c)) {
        if (c->direction == q->direction)
            sum += stats_cell_hits(c) * weight_of(q, c);
    }
    return sum;
}

static uint64_t two(const struct stats_values *v, enum stats_measure a, enum stats_measure b)
{
    return v->of[a] + v->of[b];
}

uint64_t stats_value(const struct stats_values *v, const struct stats_question *q)
{
    switch (q->by) {
    case BY_MEAN:
        return v->of[MEASURE_TIMED] ? v->of[MEASURE_LATENCY] / v->of[MEASURE_TIMED] : 0;
    case BY_HITS:
        return two(v, MEASURE_QUERIES, MEASURE_RESPONSES);
    case BY_BYTES:
        return two(v, MEASURE_QUERY_BYTES, MEASURE_RESPONSE_BYTES);
    case BY_RCODE:
    case BY_QTYPE:
        return v->of[q->direction == STATS_QUERY ? MEASURE_QUERIES : MEASURE_RESPONSES] *
               (q->weight ? 2 : 1);
    default:
        return v->of[q->measure];
    }
}

struct stats_question stats_measured(const struct stats_question *question)
{
    struct stats_question asked = *question;
    bool responses = asked.by == BY_RCODE && asked.direction == STATS_RESPONSE && !asked.weight;
    enum stats_measure measure = responses ? stats_measure_of_rcode(asked.code) : STATS_MEASURES;
    if (measure != STATS_MEASURES) {
        asked.by = BY_MEASURE;
        asked.measure = measure;
    }
    return asked;
}

static bool by_cells(const struct stats_question *q)
{
    return q->by == BY_RCODE || q->by == BY_QTYPE;
}

/* --- the heap ------------------------------------------------------------------------------- */

/* A candidate is worse if it has less, or as much but was first seen later. */
static bool is_worse(const struct candidate *a, const struct candidate *b)
{
    return a->value != b->value ? a->value < b->value : a->age > b->age;
}

static void swap(struct candidate *a, struct candidate *b)
{
    struct candidate c = *a;
    *a = *b;
    *b = c;
}

static void sift_down(struct candidate *items, size_t count, size_t at)
{
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && is_worse(&items[child + 1], &items[child]))
            child++;
        if (!is_worse(&items[child], &items[at]))
            return;
        swap(&items[child], &items[at]);
    }
}

static void keep(struct best *best, const struct candidate *c)
{
    if (best->count == best->max) {
        if (is_worse(c, &best->items[0]))
            return;
        best->items[0] = *c;
        sift_down(best->items, best->count, 0);
        return;
    }
    size_t at = best->count++;
    best->items[at] = *c;
    for (; at > 0 && is_worse(&best->items[at], &best->items[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&best->items[at], &best->items[(at - 1) / 2]);
}

/* The value of the n-th of a heap; 0: there are not so many. */
static uint64_t nth_value(struct best *best, size_t n)
{
    if (n == 0 || n > best->count)
        return 0;
    uint32_t count = (uint32_t)best->count, rank = count - (uint32_t)n;
    for (uint32_t i = 0; i < count; i++)
        best->values[i] = best->items[i].value;
    return stats_weight_at(best->values, count, &rank);
}

/*
 * Before what came later is looked at: a key that is no candidate has had less than the worst, so
 * it can be among the first n only if what came since makes up for the difference to the n-th. Not
 * so by means, which may fall.
 */
static void set_least(struct best *best, size_t n)
{
    bool by_mean = best->question->by == BY_MEAN;
    if (!by_mean && best->count == best->max && n > 0 && n <= best->count)
        best->least = nth_value(best, n) - best->items[0].value;
}

/*
 * Leaves out those that are not among the first n however much they had in rows that were not
 * looked at, so that fewer are sorted. A mean may fall with what is added, and how many a search
 * has found is told.
 */
static void leave_out(struct best *best, size_t n)
{
    const struct stats_question *q = best->question;
    size_t kept = 0;
    if (best->count < best->max || q->by == BY_MEAN || q->contains.len > 0)
        return;
    uint64_t nth = nth_value(best, n), enough = nth > best->least ? nth - best->least : 0;
    for (size_t i = 0; i < best->count; i++) {
        if (best->items[i].value >= enough)
            best->items[kept++] = best->items[i];
    }
    best->count = kept;
}

static int descending(const void *a, const void *b)
{
    return is_worse(a, b) ? 1 : -1;
}

/* --- looking at rows ------------------------------------------------------------------------ */

size_t table_set_put_key(const struct table_set *set, enum stats_table_id id, struct span key,
                         char text[SAMPLE_TEXT_MAX + 1])
{
    char *end;
    if (id == TABLE_CLIENTS || id == TABLE_SERVERS)
        end = key.len == 4    ? put_ipv4(text, key.ptr)
              : key.len == 16 ? put_ipv6(text, key.ptr)
                              : put_char(text, '-');
    else
        end = set->reader->put_name(text, key);
    size_t len = (size_t)(end - text);
    if (id == TABLE_TLDS && len > 1 && text[len - 1] == '.')
        len--;
    text[len] = '\0';
    return len;
}

bool stats_is_under(struct span name, struct span domain)
{
    if (domain.len == 0 || (domain.len == 1 && domain.ptr[0] == '.'))
        return true;
    if (name.len < domain.len ||
        memcmp(name.ptr + name.len - domain.len, domain.ptr, domain.len) != 0)
        return false;
    size_t rest = name.len - domain.len, slashes = 0;
    while (rest > slashes + 1 && name.ptr[rest - 2 - slashes] == '\\')
        slashes++;
    return rest == 0 || (name.ptr[rest - 1] == '.' && slashes % 2 == 0);
}

/* True when the key is the domain asked for, or below it. */
static bool is_under(const struct table_set *set, const struct best *best, struct span key)
{
    struct span under = span_of(best->under, best->under_len);
    return under.len == 0 ||
           (set->reader->wire_keys ? dns_name_is_under(key, under) : stats_is_under(key, under));
}

/* True when the key's text has the part asked for. The bytes of a name's key are those of its text
 * but for what separates labels and for escapes, so most keys need not be made into text. */
static bool has_part(const struct table_set *set, const struct best *best, struct span key)
{
    const struct stats_question *q = best->question;
    char text[SAMPLE_TEXT_MAX + 1];
    if (best->run.len > 0 && !memmem(key.ptr, key.len, best->run.ptr, best->run.len))
        return false;
    return stats_contains(span_of(text, table_set_put_key(set, q->table, key, text)), q->contains);
}

static void swap_bests(struct best *a, struct best *b)
{
    struct best c = *a;
    *a = *b;
    *b = c;
}

/* A row, and those that its key has in the tables of what came before. */
struct rows {
    const struct stats_table *table, *earlier_tables[TABLE_SETS_MAX];
    const struct stats_row *row, *earlier[TABLE_SETS_MAX]; /* NULL: none */
    unsigned earlier_count;                                /* before this set */
    struct stats_values values;                            /* of all */
    uint64_t age;                                          /* of the first of them */
};

static void consider(const struct table_set *set, struct best *best, const struct rows *rows)
{
    const struct stats_question *q = best->question;
    if (best->max == 0)
        return;
    struct candidate c = {stats_value(&rows->values, q), rows->age, rows->row, rows->table,
                          rows->earlier_count};
    if (c.value == 0 || (best->count == best->max && is_worse(&c, &best->items[0])))
        return;
    if (!is_under(set, best, stats_row_key(rows->table, rows->row)))
        return;
    if (q->contains.len > 0 && !has_part(set, best, stats_row_key(rows->table, rows->row)))
        return;
    if (by_cells(q)) {
        c.value = cells_value(rows->table, rows->row, q);
        for (unsigned i = 0; i < rows->earlier_count; i++) {
            if (rows->earlier[i])
                c.value += cells_value(rows->earlier_tables[i], rows->earlier[i], q);
        }
        if (c.value == 0)
            return;
    }
    keep(best, &c);
}

static bool is_in(const struct stats_row *row, const struct stats_scope *scope)
{
    return scope->stream == STATS_ALL
               ? row->group % STATS_SIDES == scope->side
               : row->group == stats_group((unsigned)scope->stream, scope->side);
}

/* The questions on one table are moved to the front; returns how many these are. */
static size_t gather_questions(struct best *bests, size_t count, int table)
{
    size_t wanted = 0;
    for (size_t i = 0; i < count; i++) {
        if ((int)bests[i].question->table == table)
            swap_bests(&bests[wanted++], &bests[i]);
    }
    return wanted;
}

/* What a row itself must have more of than this. Rows of the first set come in the order of their
 * age: one that has only as much as the worst gets into no full heap. */
static void set_bar(struct stats_bar *bar, const struct best *bests, size_t count, unsigned at)
{
    stats_bar_raise(bar);
    for (size_t i = 0; i < count; i++) {
        const struct best *best = &bests[i];
        bool full = at == 0 && best->count == best->max;
        if (best->max > 0)
            stats_bar_lower(bar, best->question, full ? best->items[0].value : best->least);
    }
}

static void add_row(const struct stats_table *table, const struct stats_row *row,
                    struct stats_values *sum)
{
    struct stats_values values;
    stats_row_values(table, row, &values);
    stats_values_add(sum, &values);
}

static uint64_t age_of(const struct stats_table *table, const struct stats_row *row, unsigned at)
{
    return (uint64_t)at << 32 | (uint64_t)(row - table->rows);
}

/* Adds what the row's key had before. */
static void add_earlier(struct rows *rows)
{
    rows->age = age_of(rows->table, rows->row, rows->earlier_count);
    for (unsigned i = rows->earlier_count; i-- > 0;) {
        const struct stats_table *table = rows->earlier_tables[i];
        const struct stats_row *row = stats_table_left(table, rows->row->hash, rows->row->group);
        rows->earlier[i] = row;
        if (!row)
            continue;
        rows->age = age_of(table, row, i);
        add_row(table, row, &rows->values);
    }
}

/* Rows of a table that are looked at closer, some at a time, so that what the earlier tables have
 * of their keys comes from memory together. */
struct chosen {
    const struct stats_row *rows[64];
    size_t count;
    uint64_t keys; /* rows in the scope, chosen or not */
};
enum { CHOSEN_MAX = sizeof((struct chosen *)0)->rows / sizeof(struct stats_row *) };

/* Chooses among the rows from `row` on; returns where it is to go on. */
static const struct stats_row *choose(struct chosen *chosen, const struct stats_row *row,
                                      const struct stats_row *end, const struct stats_scope *scope,
                                      const struct stats_bar *bar)
{
    chosen->count = 0;
    for (; row < end && chosen->count < CHOSEN_MAX; row++) {
        if (!is_in(row, scope))
            continue;
        chosen->keys++;
        if (stats_row_clears(row, bar))
            chosen->rows[chosen->count++] = row;
    }
    return row;
}

static void fetch_earlier(const struct rows *rows, const struct chosen *chosen)
{
    for (unsigned i = 0; i < rows->earlier_count; i++) {
        for (size_t c = 0; c < chosen->count; c++)
            stats_table_prefetch(rows->earlier_tables[i], chosen->rows[c]->hash,
                                 chosen->rows[c]->group);
        for (size_t c = 0; c < chosen->count; c++)
            stats_table_prefetch_row(rows->earlier_tables[i], chosen->rows[c]->hash,
                                     chosen->rows[c]->group);
    }
}

/* Looks at the rows of one table of a set; with those that came later their keys' earlier ones are
 * counted, so that every key is looked at with all that it has in a group. */
static void scan_table(const struct table_sets *sets, unsigned at, int id, struct best *bests,
                       size_t wanted, const struct stats_scope *scope)
{
    struct rows rows = {.table = &sets->of[at]->tables[id], .earlier_count = at};
    struct chosen chosen = {.keys = 0};
    struct stats_bar bar;
    const struct stats_row *row = rows.table->rows + rows.table->folded,
                           *end = rows.table->rows + rows.table->row_count;
    for (unsigned i = 0; i < at; i++)
        rows.earlier_tables[i] = &sets->of[i]->tables[id];
    while (row < end) {
        set_bar(&bar, bests, wanted, at);
        row = choose(&chosen, row, end, scope, &bar);
        fetch_earlier(&rows, &chosen);
        for (size_t c = 0; c < chosen.count; c++) {
            rows.row = chosen.rows[c];
            stats_row_values(rows.table, rows.row, &rows.values);
            add_earlier(&rows);
            for (size_t i = 0; i < wanted; i++)
                consider(sets->of[at], &bests[i], &rows);
        }
    }
    for (size_t i = 0; i < wanted; i++)
        bests[i].keys += chosen.keys;
}

/* How many streams have rows in a set. */
static unsigned streams_in(const struct table_set *set)
{
    return set->stream_count + set->rest;
}

static bool have_several(const struct table_sets *sets)
{
    unsigned most = 0;
    for (unsigned i = 0; i < sets->count; i++)
        most = streams_in(sets->of[i]) > most ? streams_in(sets->of[i]) : most;
    return most > 1;
}

/* --- sums over all streams ------------------------------------------------------------------ */

static int by_hash(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->row->hash != y->row->hash)
        return x->row->hash < y->row->hash ? -1 : 1;
    return x->age != y->age ? (x->age < y->age ? -1 : 1) : (x->at > y->at) - (x->at < y->at);
}

/* Where the key has no row one may have been dropped. */
void table_set_sum(const struct table_set *set, const struct stats_question *question,
                   uint64_t hash, const struct stats_scope *scope, struct key_sums *sums)
{
    const struct stats_table *table = &set->tables[question->table];
    for (unsigned s = 0; s < streams_in(set); s++) {
        unsigned number = s < set->stream_count ? s : set->stream_max;
        if (scope->stream != STATS_ALL && number != (unsigned)scope->stream)
            continue;
        const struct stats_row *r = stats_table_left(table, hash, stats_group(number, scope->side));
        sums->error += r ? stats_row_error_left(table, r) : stats_table_floor_left(table);
        if (!r)
            continue;
        add_row(table, r, &sums->values);
        if (by_cells(question))
            sums->cells += cells_value(table, r, question);
        if (sums->tally)
            stats_row_tally(table, r, sums->tally);
    }
}

/* The key's value in the whole scope. */
static uint64_t sum_rows(const struct table_sets *sets, const struct best *best, uint64_t hash,
                         const struct stats_scope *scope, struct key_sums *sums)
{
    *sums = (struct key_sums){.tally = sums->tally};
    for (unsigned i = 0; i < sets->count; i++)
        table_set_sum(sets->of[i], best->question, hash, scope, sums);
    return by_cells(best->question) ? sums->cells : stats_value(&sums->values, best->question);
}

/* How many of the candidates from `at` on are of one key. */
static size_t of_one_key(const struct best *best, size_t at)
{
    size_t count = 1;
    while (at + count < best->count &&
           best->items[at + count].row->hash == best->items[at].row->hash)
        count++;
    return count;
}

/* One candidate a key, with its value in the whole scope: of one stream, whose rows in the last set
 * were looked at with all earlier ones, such a row has it. */
static void unite(const struct table_sets *sets, const struct stats_scope *scope, size_t n,
                  struct best *best)
{
    bool several = scope->stream == STATS_ALL && have_several(sets);
    size_t kept = 0;
    best->all = best->count < best->max;
    if (!several)
        leave_out(best, n * sets->count);
    qsort(best->items, best->count, sizeof *best->items, by_hash);
    for (size_t i = 0, same; i < best->count; i += same) {
        struct key_sums sums = {0};
        struct candidate *c = &best->items[i];
        same = of_one_key(best, i);
        if (!several && c[same - 1].at == sets->count - 1)
            c->value = c[same - 1].value;
        else
            c->value = sum_rows(sets, best, c->row->hash, scope, &sums);
        best->items[kept++] = *c;
    }
    best->count = kept;
}

/* --- all sets ------------------------------------------------------------------------------- */

/* Candidates by their means get those that they have with what came later, which may be smaller:
 * they would keep others out. */
static void fit_means(const struct table_sets *sets, const struct stats_scope *scope,
                      struct best *best)
{
    struct key_sums sums = {0};
    if (best->question->by != BY_MEAN)
        return;
    for (size_t i = 0; i < best->count; i++)
        best->items[i].value = sum_rows(sets, best, best->items[i].row->hash, scope, &sums);
    for (size_t i = best->count / 2; i-- > 0;)
        sift_down(best->items, best->count, i);
}

/* Before the last set the least is known that matters there; by then a key may be a candidate as
 * often as there were sets. */
static void scan(const struct table_sets *sets, struct best *bests, size_t count,
                 const struct stats_scope *scope, size_t n)
{
    bool several = scope->stream == STATS_ALL && have_several(sets);
    unsigned last = sets->count - 1;
    for (int id = 0; id < STATS_TABLES; id++) {
        size_t wanted = gather_questions(bests, count, id);
        for (unsigned at = 0; wanted > 0 && at <= last; at++) {
            for (size_t i = 0; at > 0 && !several && i < wanted; i++)
                fit_means(sets, scope, &bests[i]);
            for (size_t i = 0; at == last && !several && i < wanted; i++)
                set_least(&bests[i], n * last);
            scan_table(sets, at, id, bests, wanted, scope);
        }
    }
}

/* --- answers -------------------------------------------------------------------------------- */

uint64_t table_set_floor(const struct table_set *set, enum stats_table_id id,
                         const struct stats_scope *scope)
{
    return stats_table_floor_left(&set->tables[id]) *
           (scope->stream == STATS_ALL ? streams_in(set) : 1);
}

/* What a key that is in no row may have at most. */
static uint64_t floor_of(const struct table_sets *sets, const struct best *best,
                         const struct stats_scope *scope)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < sets->count; i++)
        sum += table_set_floor(sets->of[i], best->question->table, scope);
    return sum;
}

static int fill_answer(const struct table_sets *sets, struct best *best,
                       const struct stats_scope *scope, size_t n, struct stats_answer *answer)
{
    qsort(best->items, best->count, sizeof *best->items, descending);
    *answer = (struct stats_answer){
        .rows = malloc((best->count + 1) * sizeof *answer->rows),
        .count = best->count < n ? best->count : n,
        .found = best->count,
        .found_all = best->all,
        .keys = best->keys,
        .floor = floor_of(sets, best, scope),
    };
    bool tallied = sets->of[0]->tables[best->question->table].cells == STATS_TALLIED;
    if (tallied)
        answer->tallies = calloc(answer->count + 1, sizeof *answer->tallies);
    if (!answer->rows || (tallied && !answer->tallies))
        return -1;
    for (size_t i = 0; i < answer->count; i++) {
        const struct candidate *c = &best->items[i];
        struct stats_top *top = &answer->rows[i];
        struct key_sums sums = {.tally = tallied ? &answer->tallies[i] : NULL};
        top->value = c->value;
        top->key = c->row->hash;
        sum_rows(sets, best, c->row->hash, scope, &sums);
        top->values = sums.values;
        top->error = sums.error;
        top->text_len = (uint16_t)table_set_put_key(sets->of[0], best->question->table,
                                                    stats_row_key(c->table, c->row), top->text);
    }
    return 0;
}

/* The domain asked for as a key, to be compared with the ends of others. */
static int read_under(const struct table_set *set, struct best *best)
{
    struct span text = best->question->under;
    if (text.len == 0 || (text.len == 1 && text.ptr[0] == '.'))
        return 0;
    if (set->reader->wire_keys) {
        best->under_len = dns_name_parse(text, best->under);
        return best->under_len ? 0 : -1;
    }
    if (text.len >= sizeof best->under)
        return -1;
    memcpy(best->under, text.ptr, text.len);
    best->under_len = text.len;
    return 0;
}

/* From `at` on, letters, digits, - and _. What stands for a byte in an escape, three digits, may
 * only be at the beginning of such a run, so digits there do not belong to it. */
static struct span run_at(struct span part, size_t at)
{
    size_t end = at, digits = 0;
    while (end < part.len &&
           (isalnum(part.ptr[end]) || part.ptr[end] == '-' || part.ptr[end] == '_'))
        end++;
    while (digits < 3 && at + digits < end && isdigit(part.ptr[at + digits]))
        digits++;
    return span_of(part.ptr + at + digits, end - at - digits);
}

/* The longest such run in what names are to contain. */
static struct span longest_run(const struct stats_question *question)
{
    struct span part = question->contains, longest = span_of(part.ptr, 0);
    if (question->table == TABLE_CLIENTS || question->table == TABLE_SERVERS)
        return longest; /* addresses are in no key as they are in text */
    for (size_t at = 0; at < part.len; at++) {
        struct span run = run_at(part, at);
        if (run.len > longest.len)
            longest = run;
    }
    return longest;
}

/* Makes room for as many rows as may matter; with several streams that is more than were asked for.
 */
static int open_bests(const struct table_set *set, const struct stats_question *questions,
                      size_t count, size_t keep_rows, struct best *bests)
{
    for (size_t i = 0; i < count; i++) {
        bests[i] = (struct best){
            .question = &questions[i],
            .items = calloc(keep_rows, sizeof *bests[i].items),
            .values = calloc(keep_rows, sizeof *bests[i].values),
            .max = keep_rows,
            .run = longest_run(&questions[i]),
        };
        if (!bests[i].items || !bests[i].values)
            return -1;
        if (read_under(set, &bests[i]) < 0)
            bests[i].max = 0; /* no name is below what is none */
    }
    return 0;
}

static void close_bests(struct best *bests, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(bests[i].items);
        free(bests[i].values);
    }
    free(bests);
}

static int answer_all(const struct table_sets *sets, const struct stats_scope *scope,
                      struct best *bests, const struct stats_question *questions, size_t count,
                      size_t n, struct stats_answer *answers)
{
    scan(sets, bests, count, scope, n);
    for (size_t i = 0; i < count; i++) {
        unite(sets, scope, n, &bests[i]);
        size_t place = (size_t)(bests[i].question - questions);
        if (fill_answer(sets, &bests[i], scope, n, &answers[place]) < 0)
            return -1;
    }
    return 0;
}

int table_set_top(const struct table_sets *sets, const struct stats_scope *scope,
                  const struct stats_question *questions, size_t count, size_t n,
                  struct stats_answer *answers)
{
    struct best *bests = calloc(count + 1, sizeof *bests);
    memset(answers, 0, count * sizeof *answers);
    if (!bests)
        return -1;
    n = n < STATS_TOP_MAX ? n : STATS_TOP_MAX;
    int failed = -1;
    size_t keep_rows = n * 8 > CANDIDATES_MIN ? n * 8 : CANDIDATES_MIN;
    if (open_bests(sets->of[0], questions, count, keep_rows, bests) == 0)
        failed = answer_all(sets, scope, bests, questions, count, n, answers);
    close_bests(bests, count);
    if (failed)
        stats_answers_free(answers, count);
    return failed;
}

bool stats_contains(struct span text, struct span part)
{
    return part.len == 0 || memmem(text.ptr, text.len, part.ptr, part.len);
}

void stats_answers_free(struct stats_answer *answers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(answers[i].rows);
        free(answers[i].tallies);
        answers[i] = (struct stats_answer){0};
    }
}

const char *stats_table_name(enum stats_table_id table)
{
    static const char *const names[STATS_TABLES] = {
        [TABLE_DOMAINS] = "domains", [TABLE_REGISTRABLE] = "registrable", [TABLE_TLDS] = "tlds",
        [TABLE_CLIENTS] = "clients", [TABLE_SERVERS] = "servers",
    };
    return table < STATS_TABLES ? names[table] : NULL;
}
