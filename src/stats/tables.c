#include "stats/tables.h"

/* How the memory is shared out, in hundredths; what a key has on average, in bytes. */
static const struct {
    unsigned share, mean_key;
    bool cells;
} plans[STATS_TABLES] = {
    [TABLE_DOMAINS] = {66, 28, true}, [TABLE_REGISTRABLE] = {12, 20, false},
    [TABLE_TLDS] = {2, 8, false},     [TABLE_CLIENTS] = {15, 16, false},
    [TABLE_SERVERS] = {5, 16, false},
};

int table_set_init(struct table_set *set, size_t memory)
{
    for (int i = 0; i < STATS_TABLES; i++) {
        if (stats_table_init(&set->tables[i], memory / 100 * plans[i].share, plans[i].mean_key,
                             plans[i].cells) < 0)
            return -1;
    }
    return 0;
}

void table_set_free(struct table_set *set)
{
    for (int i = 0; i < STATS_TABLES; i++)
        stats_table_free(&set->tables[i]);
}

void table_set_clear(struct table_set *set)
{
    for (int i = 0; i < STATS_TABLES; i++)
        stats_table_clear(&set->tables[i]);
    set->stream_count = 0;
    set->rest = false;
}

bool table_set_exact(const struct table_set *set)
{
    for (int i = 0; i < STATS_TABLES; i++) {
        if (set->tables[i].floor > 0)
            return false;
    }
    return true;
}

/* Where a shard's entries go. */
static const enum stats_table_id homes[SHARD_TABLES] = {
    [SHARD_NAMES] = TABLE_DOMAINS,
    [SHARD_CLIENTS] = TABLE_CLIENTS,
    [SHARD_SERVERS] = TABLE_SERVERS,
};

static unsigned side_of(const struct shard_cell *cell)
{
    return cell->code >> SHARD_SIDE_BIT;
}

static void values_of(const struct shard_entry *e, struct stats_values *values)
{
    *values = (struct stats_values){0};
    for (unsigned i = 0; i < e->cell_count; i++) {
        const struct shard_cell *cell = &e->cells[i];
        unsigned rcode = cell->code & SHARD_RCODE_MASK;
        if (side_of(cell) == STATS_QUERY) {
            values->of[MEASURE_QUERIES] += cell->hits;
            continue;
        }
        values->of[MEASURE_RESPONSES] += cell->hits;
        if (rcode == DNS_RCODE_NXDOMAIN)
            values->of[MEASURE_NXDOMAIN] += cell->hits;
        else if (rcode != DNS_RCODE_NOERROR && rcode != STATS_NO_RCODE)
            values->of[MEASURE_FAILED] += cell->hits;
    }
    values->of[MEASURE_QUERY_BYTES] = e->bytes[STATS_QUERY];
    values->of[MEASURE_RESPONSE_BYTES] = e->bytes[STATS_RESPONSE];
    values->of[MEASURE_TIMED] = e->timed;
    values->of[MEASURE_LATENCY] = e->latency_us;
    values->of[MEASURE_SLOWEST] = e->slowest_us;
}

/* Which distinct numbers the row counts for. */
static uint8_t counts_for(enum stats_table_id id, const struct stats_values *values)
{
    if (id == TABLE_CLIENTS)
        return 1 << DISTINCT_CLIENTS;
    if (id != TABLE_DOMAINS)
        return 0;
    return (uint8_t)(1 << DISTINCT_DOMAINS | (values->of[MEASURE_QUERIES] > 0) << DISTINCT_ASKED |
                     (values->of[MEASURE_RESPONSES] > 0) << DISTINCT_ANSWERED);
}

/* What the key counts for by its rows in other streams. */
static uint8_t known_elsewhere(const struct table_set *set, enum stats_table_id id, uint64_t hash,
                               unsigned stream)
{
    uint8_t known = 0;
    for (unsigned s = 0; s < set->stream_count + set->rest; s++) {
        unsigned other = s < set->stream_count ? s : set->stream_max;
        const struct stats_row *row =
            other == stream ? NULL : stats_table_find(&set->tables[id], hash, (uint16_t)other);
        known |= row ? counts_for(id, &row->values) : 0;
    }
    return known;
}

/* Values to be added to one row. */
struct addition {
    struct stats_table *table;
    const struct stats_values *values;
    struct span key;
    uint64_t hash;
    uint16_t stream;
};

static void add_all(const struct addition *additions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct addition *a = &additions[i];
        stats_table_prefetch(a->table, a->hash, a->stream);
    }
    for (size_t i = 0; i < count; i++) {
        const struct addition *a = &additions[i];
        stats_table_prefetch_row(a->table, a->hash, a->stream);
    }
    for (size_t i = 0; i < count; i++) {
        const struct addition *a = &additions[i];
        bool fresh;
        struct stats_row *row = stats_table_row(a->table, a->hash, a->stream, a->key, &fresh);
        stats_values_add(&row->values, a->values);
    }
}

static void add_cells(struct stats_table *table, struct stats_row *row, const struct shard_entry *e)
{
    for (unsigned i = 0; i < e->cell_count; i++) {
        const struct shard_cell *cell = &e->cells[i];
        if (cell->code >> SHARD_REST_BIT & 1)
            continue;
        stats_table_cell(table, &row, side_of(cell), cell->qtype, cell->code & SHARD_RCODE_MASK,
                         cell->hits);
    }
}

static void note_stream(struct table_set *set, unsigned stream)
{
    if (stream == set->stream_max)
        set->rest = true;
    else if (stream >= set->stream_count)
        set->stream_count = stream + 1;
}

/* Into the table of the key itself. Returns how many labels the registrable domain of a name has.
 */
static unsigned add_entry(struct table_set *set, enum shard_table_id id, struct table_item *item,
                          const struct stats_values *values)
{
    bool fresh;
    const struct shard_entry *e = item->entry;
    enum stats_table_id home = homes[id];
    struct stats_table *table = &set->tables[home];
    note_stream(set, item->stream);
    struct stats_row *row =
        stats_table_row(table, e->hash, (uint16_t)item->stream, item->key, &fresh);
    uint8_t before = fresh ? 0 : counts_for(home, &row->values);
    stats_values_add(&row->values, values);
    uint8_t news = counts_for(home, &row->values) & (uint8_t)~before;
    item->news = (struct table_news){news, news};
    if (news && table->floor == 0)
        item->news.all &= (uint8_t)~known_elsewhere(set, home, e->hash, item->stream);
    if (id != SHARD_NAMES)
        return 0;
    if (fresh)
        row->tag = (uint8_t)suffix_registrable(set->suffixes, set->key, set->reader, item->key);
    unsigned labels = row->tag;
    add_cells(table, row, e);
    return labels;
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
                .table = &set->tables[suffixes[i].table],
                .values = values,
                .key = key,
                .hash = siphash_bytes(set->key, key),
                .stream = (uint16_t)item->stream,
            };
    }
    return count;
}

void table_set_add(struct table_set *set, enum shard_table_id id, struct table_item *items,
                   size_t count)
{
    const struct stats_table *home = &set->tables[homes[id]];
    struct stats_values values[TABLE_BATCH];
    struct addition additions[2 * TABLE_BATCH];
    size_t added = 0;
    for (size_t i = 0; i < count; i++)
        stats_table_prefetch(home, items[i].entry->hash, (uint16_t)items[i].stream);
    for (size_t i = 0; i < count; i++) {
        stats_table_prefetch_row(home, items[i].entry->hash, (uint16_t)items[i].stream);
        values_of(items[i].entry, &values[i]);
    }
    for (size_t i = 0; i < count; i++) {
        unsigned labels = add_entry(set, id, &items[i], &values[i]);
        if (id == SHARD_NAMES)
            added += add_suffixes(set, &items[i], labels, &values[i], additions + added);
    }
    add_all(additions, added);
}
