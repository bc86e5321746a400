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
    set->first = 0;
    set->several = false;
}

bool table_set_exact(const struct table_set *set)
{
    for (int i = 0; i < STATS_TABLES; i++) {
        if (set->tables[i].floor > 0)
            return false;
    }
    return true;
}

static void values_of(const struct shard_entry *e, struct stats_values *values)
{
    bool response = e->side == STATS_RESPONSE;
    *values = (struct stats_values){0};
    values->of[response ? MEASURE_RESPONSES : MEASURE_QUERIES] = e->hits;
    values->of[response ? MEASURE_RESPONSE_BYTES : MEASURE_QUERY_BYTES] = e->bytes;
    if (response && e->rcode == DNS_RCODE_NXDOMAIN)
        values->of[MEASURE_NXDOMAIN] = e->hits;
    else if (response && e->rcode != DNS_RCODE_NOERROR && e->rcode != STATS_NO_RCODE)
        values->of[MEASURE_FAILED] = e->hits;
    values->of[MEASURE_TIMED] = e->timed;
    values->of[MEASURE_LATENCY] = e->latency_us;
    values->of[MEASURE_SLOWEST] = e->slowest_us;
}

static void add_row(struct table_set *set, enum stats_table_id id, unsigned stream, uint64_t hash,
                    struct span key, const struct stats_values *values)
{
    bool fresh;
    struct stats_row *row = stats_table_row(&set->tables[id], hash, (uint16_t)stream, key, &fresh);
    stats_values_add(&row->values, values);
}

static void add_suffix(struct table_set *set, enum stats_table_id id, unsigned stream,
                       struct span key, const struct stats_values *values)
{
    if (key.len > 0)
        add_row(set, id, stream, siphash_bytes(set->key, key), key, values);
}

/* A name counts for itself, and for the domains that it belongs to. */
static void add_name(struct table_set *set, const struct shard_entry *e, unsigned stream,
                     struct span key, const struct stats_values *values)
{
    bool fresh;
    struct stats_table *table = &set->tables[TABLE_DOMAINS];
    struct stats_row *row = stats_table_row(table, e->hash, (uint16_t)stream, key, &fresh);
    if (fresh)
        row->tag = (uint8_t)suffix_registrable(set->suffixes, set->key, set->reader, key);
    stats_values_add(&row->values, values);
    unsigned labels = row->tag;
    stats_table_cell(table, &row, e->side, e->qtype, e->rcode, e->hits);
    add_suffix(set, TABLE_REGISTRABLE, stream, suffix_of(set->reader, key, labels), values);
    add_suffix(set, TABLE_TLDS, stream, suffix_tld(set->reader, key), values);
}

void table_set_add(struct table_set *set, enum shard_table_id id, const struct shard_entry *entry,
                   unsigned stream, struct span key)
{
    struct stats_values values;
    values_of(entry, &values);
    set->several |= set->first && set->first != stream + 1;
    set->first = stream + 1;
    if (id == SHARD_NAMES)
        add_name(set, entry, stream, key, &values);
    else
        add_row(set, id == SHARD_CLIENTS ? TABLE_CLIENTS : TABLE_SERVERS, stream, entry->hash, key,
                &values);
}
