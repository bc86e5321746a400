#include "stats/tables.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"

/* Marks are no closer than that. */
#define MARK_NS (8 * CLOCK_SECOND_NS)
static_assert((STATS_MARKS - 1) * MARK_NS >= 3600 * CLOCK_SECOND_NS, "marks reach back an hour");

/* How the memory is shared out, in hundredths; what a key has on average, in bytes. */
static const struct {
    unsigned share, mean_key;
    enum stats_cells cells;
} plans[STATS_TABLES] = {
    [TABLE_DOMAINS] = {64, 28, STATS_CELLS},  [TABLE_REGISTRABLE] = {12, 20, STATS_NO_CELLS},
    [TABLE_TLDS] = {2, 8, STATS_NO_CELLS},    [TABLE_CLIENTS] = {15, 16, STATS_NO_CELLS},
    [TABLE_SERVERS] = {7, 16, STATS_TALLIED},
};

static size_t share_of(int table, size_t memory)
{
    return memory / 100 * plans[table].share;
}

int table_set_init(struct table_set *set, size_t memory)
{
    for (int i = 0; i < STATS_TABLES; i++) {
        if (stats_table_init(&set->tables[i], share_of(i, memory), plans[i].mean_key,
                             plans[i].cells) < 0)
            return -1;
    }
    return 0;
}

void table_set_free(struct table_set *set)
{
    for (int i = 0; i < STATS_TABLES; i++) {
        stats_table_free(&set->tables[i]);
        free(set->by_group[i].rows);
        free(set->by_group[i].ends);
    }
}

void table_set_clear(struct table_set *set)
{
    for (int i = 0; i < STATS_TABLES; i++)
        stats_table_clear(&set->tables[i]);
    set->stream_count = 0;
    set->rest = false;
}

void table_set_limit(struct table_set *set, size_t memory)
{
    for (int i = 0; i < STATS_TABLES; i++)
        stats_table_limit(&set->tables[i], share_of(i, memory));
}

void table_set_follow(struct table_set *set, enum stats_table_id id, const struct table_set *elder)
{
    stats_table_follow(&set->tables[id], &elder->tables[id]);
}

void table_set_succeed(struct table_set *set, const struct table_set *before)
{
    for (int i = 0; i < STATS_TABLES; i++)
        stats_table_succeed(&set->tables[i], &before->tables[i]);
}

void table_set_seal(struct table_set *set)
{
    for (int i = 0; i < STATS_TABLES; i++)
        stats_table_seal(&set->tables[i]);
}

void table_set_mark(struct table_set *set, uint64_t now_ns)
{
    struct stats_table *first = &set->tables[0];
    uint32_t last = first->mark_count - 1;
    if (first->mark_count > 0 && now_ns < set->mark_ns[last] + MARK_NS)
        return;
    if (first->mark_count == STATS_MARKS)
        memmove(set->mark_ns, set->mark_ns + 1, last * sizeof *set->mark_ns);
    for (int i = 0; i < STATS_TABLES; i++)
        stats_table_mark(&set->tables[i]);
    set->mark_ns[first->mark_count - 1] = now_ns;
}

unsigned table_set_exact(const struct table_set *set)
{
    unsigned exact = 0;
    for (int i = 0; i < STATS_TABLES; i++)
        exact |= (unsigned)(set->tables[i].floor == 0) << i;
    return exact;
}

const enum stats_distinct_id table_distinct[STATS_TABLES] = {
    [TABLE_DOMAINS] = DISTINCT_DOMAINS, [TABLE_REGISTRABLE] = DISTINCT_REGISTRABLE,
    [TABLE_TLDS] = DISTINCT_TLDS,       [TABLE_CLIENTS] = DISTINCT_CLIENTS,
    [TABLE_SERVERS] = DISTINCT_SERVERS,
};

enum stats_distinct_id stats_table_distinct(enum stats_table_id table)
{
    return table_distinct[table];
}

/* Names that were asked, or answered, are domains, too. */
enum stats_table_id table_of(enum stats_distinct_id id)
{
    unsigned table = 0;
    while (table < STATS_TABLES && table_distinct[table] != id)
        table++;
    return table < STATS_TABLES ? (enum stats_table_id)table : TABLE_DOMAINS;
}

/* Which table a shard's entries go to. */
static const enum stats_table_id home_of[SHARD_TABLES] = {
    [SHARD_NAMES] = TABLE_DOMAINS,
    [SHARD_CLIENTS] = TABLE_CLIENTS,
    [SHARD_SERVERS] = TABLE_SERVERS,
};

/* Which distinct numbers a key of the table counts for. */
static uint8_t counts_as(enum stats_table_id id, bool asked, bool answered)
{
    unsigned bit = 1u << table_distinct[id];
    if (id != TABLE_DOMAINS)
        return (uint8_t)bit;
    return (uint8_t)(bit | (unsigned)asked << DISTINCT_ASKED |
                     (unsigned)answered << DISTINCT_ANSWERED);
}

static uint8_t counts_for(const struct table_set *set, enum stats_table_id id,
                          const struct stats_row *row)
{
    const struct stats_table *table = &set->tables[id];
    return counts_as(id, stats_row_count(table, row, COUNT_QUERIES) > 0,
                     stats_row_count(table, row, COUNT_RESPONSES) > 0);
}

/* Values to be added to one row. */
struct addition {
    enum stats_table_id id;
    const struct stats_values *values;
    struct span key;
    uint64_t hash;
    uint16_t group;
};

/* Adds the values to the key's row, NULL where it gets none. *news gets the distinct numbers for
 * which the key is new, or may be for want of a row; true when there are any. */
static bool add_values(struct table_set *set, const struct addition *a, struct stats_row **row,
                       bool *fresh, struct table_news *news)
{
    struct stats_table *table = &set->tables[a->id];
    const uint64_t *of = a->values->of;
    *row = stats_table_admit(table, a->hash, a->group, a->key,
                             of[MEASURE_QUERIES] + of[MEASURE_RESPONSES], fresh);
    uint8_t before = *row && !*fresh ? counts_for(set, a->id, *row) : 0;
    if (*row)
        stats_row_add(table, *row, a->values);
    uint8_t now = *row ? counts_for(set, a->id, *row)
                       : counts_as(a->id, of[MEASURE_QUERIES] > 0, of[MEASURE_RESPONSES] > 0);
    uint8_t bits = now & (uint8_t)~before;
    if (bits == 0)
        return false;
    *news = (struct table_news){a->hash, a->group, (uint8_t)a->id, bits};
    return true;
}

static size_t add_all(struct table_set *set, const struct addition *additions, size_t count,
                      struct table_news *news)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const struct addition *a = &additions[i];
        stats_table_prefetch(&set->tables[a->id], a->hash, a->group);
    }
    for (size_t i = 0; i < count; i++) {
        const struct addition *a = &additions[i];
        stats_table_prefetch_row(&set->tables[a->id], a->hash, a->group);
    }
    for (size_t i = 0; i < count; i++) {
        struct stats_row *row;
        bool fresh;
        found += add_values(set, &additions[i], &row, &fresh, news + found);
    }
    return found;
}

static void add_cells(struct stats_table *table, struct stats_row *row, const struct shard *shard,
                      const struct shard_entry *e)
{
    struct shard_cell cell;
    struct shard_walk walk = shard_cells_of(e);
    while (shard_next_cell(shard, &walk, &cell)) {
        if (cell.code >> SHARD_REST_BIT & 1)
            continue;
        stats_table_cell(table, &row, cell.code >> SHARD_DIRECTION_BIT, cell.qtype,
                         cell.code & SHARD_RCODE_MASK, cell.hits);
    }
}

static void note_group(struct table_set *set, uint16_t group)
{
    unsigned stream = group / STATS_SIDES;
    if (stream == set->stream_max)
        set->rest = true;
    else if (stream >= set->stream_count)
        set->stream_count = stream + 1;
}

/* Adds an entry to the table of the key itself. *labels gets how many labels the registrable domain
 * of a name has. True when it brought news. */
static bool add_entry(struct table_set *set, const struct shard *shard, enum shard_table_id id,
                      const struct table_item *item, const struct stats_values *values,
                      unsigned *labels, struct table_news *news)
{
    bool fresh;
    struct stats_row *row;
    const struct shard_entry *e = item->entry;
    const struct addition addition = {home_of[id], values, item->key, e->hash, item->group};
    note_group(set, item->group);
    bool found = add_values(set, &addition, &row, &fresh, news);
    if (row && id == SHARD_SERVERS && e->timed == 1 && item->group % STATS_SIDES == STATS_UPSTREAM)
        stats_table_tally(&set->tables[TABLE_SERVERS], row, stats_tally_step(e->slowest_us), 1);
    if (id != SHARD_NAMES)
        return found;
    *labels = fresh ? suffix_registrable(set->suffixes, set->reader, item->key) : row->tag;
    if (!row)
        return found;
    row->tag = (uint8_t)*labels;
    add_cells(&set->tables[home_of[id]], row, shard, e);
    return found;
}

void table_set_tally(struct table_set *set, const struct shard_tally *tally, uint16_t group)
{
    struct stats_table *table = &set->tables[TABLE_SERVERS];
    const struct stats_row *row = stats_table_find(table, tally->entry->hash, group);
    if (row)
        stats_table_tally(table, &table->rows[row - table->rows], tally->what, tally->hits);
}

/* Suffixes come again and again: their hashes are kept where their first bytes say. */
static uint64_t suffix_hash(struct table_set *set, struct span key)
{
    struct suffix_hash *kept = NULL;
    if (key.len >= 4 && key.len <= sizeof kept->key) {
        uint32_t first;
        memcpy(&first, key.ptr, sizeof first);
        kept = &set->suffix_hashes[(first * 0x9e3779b1u) >> (32 - SUFFIX_HASH_BITS)];
        if (kept->len == key.len && memcmp(kept->key, key.ptr, key.len) == 0)
            return kept->hash;
    }
    uint64_t hash = siphash_bytes(set->key, key);
    if (kept) {
        kept->len = (uint8_t)key.len;
        memcpy(kept->key, key.ptr, key.len);
        kept->hash = hash;
    }
    return hash;
}

/* A name counts for the domains that it belongs to, too. */
static size_t add_suffixes(struct table_set *set, const struct table_item *item, unsigned labels,
                           const struct stats_values *values, struct addition *additions)
{
    const struct {
        enum stats_table_id table;
        struct span key;
    } suffixes[] = {
        {TABLE_REGISTRABLE, suffix_of(set->reader, item->key, labels)},
        {TABLE_TLDS, suffix_tld(set->reader, item->key)},
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        struct span key = suffixes[i].key;
        if (key.len > 0)
            additions[count++] = (struct addition){
                .id = suffixes[i].table,
                .values = values,
                .key = key,
                .hash = suffix_hash(set, key),
                .group = item->group,
            };
    }
    return count;
}

size_t table_set_add(struct table_set *set, const struct shard *shard, enum shard_table_id id,
                     const struct table_item *items, size_t count, struct table_news *news)
{
    const struct stats_table *home = &set->tables[home_of[id]];
    struct stats_values values[TABLE_BATCH];
    struct addition additions[2 * TABLE_BATCH];
    size_t added = 0, found = 0;
    for (size_t i = 0; i < count; i++)
        stats_table_prefetch(home, items[i].entry->hash, items[i].group);
    for (size_t i = 0; i < count; i++) {
        stats_table_prefetch_row(home, items[i].entry->hash, items[i].group);
        shard_values(shard, id, items[i].entry, &values[i]);
    }
    for (size_t i = 0; i < count; i++) {
        unsigned labels = 0;
        found += add_entry(set, shard, id, &items[i], &values[i], &labels, news + found);
        if (id == SHARD_NAMES)
            added += add_suffixes(set, &items[i], labels, &values[i], additions + added);
    }
    return found + add_all(set, additions, added, news + found);
}

static void sort_table(const struct stats_table *table, size_t groups, struct group_rows *by)
{
    by->rows = malloc((table->row_count + 1) * sizeof *by->rows);
    by->ends = calloc(groups + 1, sizeof *by->ends);
    if (!by->rows || !by->ends) {
        free(by->rows);
        free(by->ends);
        *by = (struct group_rows){0};
        return;
    }
    for (uint32_t i = 0; i < table->row_count; i++)
        by->ends[table->rows[i].group + 1u]++;
    for (size_t g = 1; g <= groups; g++)
        by->ends[g] += by->ends[g - 1];
    for (uint32_t i = 0; i < table->row_count; i++)
        by->rows[by->ends[table->rows[i].group]++] = i;
}

void table_set_sort(struct table_set *set)
{
    for (int id = 0; id < STATS_TABLES; id++)
        sort_table(&set->tables[id], (set->stream_max + 1u) * STATS_SIDES, &set->by_group[id]);
}

struct group_walk table_set_walk(const struct table_set *set, enum stats_table_id id,
                                 uint16_t group)
{
    const struct group_rows *by = &set->by_group[id];
    struct group_walk walk = {&set->tables[id], by->rows, 0, set->tables[id].row_count, group};
    if (by->rows) {
        walk.at = group > 0 ? by->ends[group - 1] : 0;
        walk.end = by->ends[group];
    }
    return walk;
}

const struct stats_row *table_set_next(struct group_walk *walk)
{
    const struct stats_row *rows = walk->table->rows;
    if (walk->rows)
        return walk->at < walk->end ? &rows[walk->rows[walk->at++]] : NULL;
    while (walk->at < walk->end && rows[walk->at].group != walk->group)
        walk->at++;
    return walk->at < walk->end ? &rows[walk->at++] : NULL;
}

bool table_set_has(const struct table_set *set, const struct stats_scope *scope)
{
    uint16_t group = stats_group((unsigned)scope->stream, scope->side);
    for (int id = 0; id < STATS_TABLES; id++) {
        struct group_walk walk = table_set_walk(set, (enum stats_table_id)id, group);
        if (table_set_next(&walk))
            return true;
    }
    return false;
}

bool table_set_sketch(const struct table_set *set, const struct stats_scope *scope,
                      enum stats_distinct_id which, struct hll *sketch)
{
    enum stats_table_id id = table_of(which);
    struct group_walk walk =
        table_set_walk(set, id, stats_group((unsigned)scope->stream, scope->side));
    bool any = false;
    for (const struct stats_row *row; (row = table_set_next(&walk));) {
        if (!(counts_for(set, id, row) >> which & 1))
            continue;
        hll_add(sketch, row->hash);
        any = true;
    }
    return any;
}

uint8_t table_set_row_bits(const struct table_set *set, enum stats_table_id id,
                           const struct stats_row *row)
{
    return counts_for(set, id, row);
}

uint8_t table_set_bits(const struct table_set *set, enum stats_table_id id, uint64_t hash,
                       uint16_t group)
{
    const struct stats_row *row = stats_table_find(&set->tables[id], hash, group);
    return row ? counts_for(set, id, row) : 0;
}

uint8_t table_know(struct known *known, const struct table_news *news)
{
    const uint64_t apart = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = news->hash + news->group % STATS_SIDES * apart;
    return known_note(&known[news->table], hash, news->bits);
}

void table_set_learn(const struct table_set *set, struct known *known)
{
    for (int id = 0; id < STATS_TABLES; id++) {
        const struct stats_table *table = &set->tables[id];
        for (uint32_t i = 0; table->floor == 0 && i < table->row_count; i++) {
            const struct stats_row *row = &table->rows[i];
            const struct table_news news = {row->hash, row->group, (uint8_t)id,
                                            counts_for(set, (enum stats_table_id)id, row)};
            table_know(known, &news);
        }
    }
}

void table_set_fold_begin(struct table_set *set, struct table_set *later)
{
    for (int id = 0; id < STATS_TABLES; id++)
        stats_table_fold_begin(&set->tables[id], &later->tables[id]);
    if (later->stream_count > set->stream_count)
        set->stream_count = later->stream_count;
    set->rest |= later->rest;
}

bool table_set_fold_some(struct table_set *set, struct table_set *later, enum stats_table_id id,
                         uint32_t count)
{
    return stats_table_fold_some(&set->tables[id], &later->tables[id], count);
}

/* Counts the keys of the last stream's rows, but those that it has in another table. */
static void count_rest(const struct table_set *set, enum stats_table_id id,
                       const struct table_set *but, struct distinct_counts *distinct)
{
    const struct stats_table *table = &set->tables[id];
    for (uint32_t i = 0; i < table->row_count; i++) {
        const struct stats_row *row = &table->rows[i];
        if (row->group / STATS_SIDES != set->stream_max)
            continue;
        unsigned bits = counts_for(set, id, row);
        if (but)
            bits &= ~(unsigned)table_set_bits(but, id, row->hash, row->group);
        for (int d = 0; bits >> d; d++)
            distinct[row->group % STATS_SIDES].exact[d] += bits >> d & 1;
    }
}

void table_set_count_rest(const struct table_set *set, const struct table_set *later,
                          struct distinct_counts *distinct)
{
    for (int side = 0; side < STATS_SIDES; side++)
        memset(distinct[side].exact, 0, sizeof distinct[side].exact);
    for (int id = 0; id < STATS_TABLES; id++) {
        count_rest(set, (enum stats_table_id)id, NULL, distinct);
        count_rest(later, (enum stats_table_id)id, set, distinct);
    }
}

void table_set_move(struct table_set *set, const uint16_t *homes)
{
    note_group(set, stats_group(set->stream_max, 0));
    for (int i = 0; i < STATS_TABLES; i++)
        stats_table_move(&set->tables[i], homes);
}
