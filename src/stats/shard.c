#include "stats/shard.h"

#include <stdlib.h>

#include "stats/table.h"

enum {
    INDEX_BITS = 20, /* of an index word: entry + 1 */
    ENTRIES_MAX = (1 << INDEX_BITS) - 2,
    ENTRIES_MIN = 256,
    KEY_BYTES = 32, /* a name has some 25 bytes; a longer one takes the place of a shorter one */
};

/* How the memory is shared out: parts of 16. Clients ask for many names. */
static const unsigned shares[SHARD_TABLES] = {
    [SHARD_NAMES] = 10,
    [SHARD_CLIENTS] = 5,
    [SHARD_SERVERS] = 1,
};

static int table_init(struct shard_table *table, size_t memory)
{
    size_t entries = memory / (sizeof *table->entries + 3 * sizeof *table->index);
    entries = entries < ENTRIES_MIN ? ENTRIES_MIN : entries;
    entries = entries > ENTRIES_MAX ? ENTRIES_MAX : entries;
    size_t slots = 1;
    while (slots < entries + entries / 2)
        slots *= 2;
    table->max = (uint32_t)entries;
    table->mask = (uint32_t)slots - 1;
    table->entries = calloc(entries, sizeof *table->entries);
    table->index = calloc(slots, sizeof *table->index);
    return table->entries && table->index ? 0 : -1;
}

int shard_init(struct shard *shard, size_t memory, uint32_t stream_max)
{
    *shard = (struct shard){.stream_max = stream_max};
    size_t keys = memory / 4, tables = memory - keys;
    int failed = 0;
    for (int i = 0; i < SHARD_TABLES; i++)
        failed |= table_init(&shard->tables[i], tables / 16 * shares[i]);
    shard->keys_max = keys < ENTRIES_MIN * KEY_BYTES ? ENTRIES_MIN * KEY_BYTES : (uint32_t)keys;
    shard->keys = malloc(shard->keys_max);
    shard->streams = calloc(stream_max + 1, sizeof *shard->streams);
    shard->counters = calloc(stream_max + 1, sizeof *shard->counters);
    if (!failed && shard->keys && shard->streams && shard->counters)
        return 0;
    shard_free(shard);
    return -1;
}

void shard_free(struct shard *shard)
{
    for (int i = 0; i < SHARD_TABLES; i++) {
        free(shard->tables[i].entries);
        free(shard->tables[i].index);
    }
    free(shard->keys);
    free(shard->streams);
    free(shard->counters);
    *shard = (struct shard){0};
}

void shard_clear(struct shard *shard)
{
    for (int i = 0; i < SHARD_TABLES; i++) {
        struct shard_table *table = &shard->tables[i];
        if (table->count > 0)
            memset(table->index, 0, ((size_t)table->mask + 1) * sizeof *table->index);
        table->count = 0;
    }
    memset(shard->counters, 0, shard->stream_count * sizeof *shard->counters);
    if (shard->other_used)
        memset(&shard->counters[shard->stream_max], 0, sizeof *shard->counters);
    shard->keys_len = shard->stream_count = 0;
    shard->other_used = false;
    shard->events = shard->malformed = shard->unlisted = 0;
}

bool shard_is_full(const struct shard *shard)
{
    for (int i = 0; i < SHARD_TABLES; i++) {
        if (shard->tables[i].count > shard->tables[i].max / 4 * 3)
            return true;
    }
    return shard->keys_len > shard->keys_max / 4 * 3;
}

/* --- streams -------------------------------------------------------------------------------- */

void shard_batch_reset(struct shard_batch *batch)
{
    memset(batch->recent, 0, sizeof batch->recent);
}

static bool is_stream(const struct shard_stream *stream, struct span name)
{
    return stream->name_len == name.len && memcmp(stream->name, name.ptr, name.len) == 0;
}

/* The stream of that name, made if there is room for one more. */
static uint16_t find_stream(struct shard *shard, struct span name)
{
    for (uint32_t i = 0; i < shard->stream_count; i++) {
        if (is_stream(&shard->streams[i], name))
            return (uint16_t)i;
    }
    if (shard->stream_count == shard->stream_max) {
        shard->other_used = true;
        return (uint16_t)shard->stream_max;
    }
    struct shard_stream *stream = &shard->streams[shard->stream_count];
    memcpy(stream->name, name.ptr, name.len);
    stream->name_len = (uint8_t)name.len;
    return (uint16_t)shard->stream_count++;
}

static uint16_t stream_of(struct shard *shard, struct shard_batch *batch, struct span identity)
{
    struct span name = identity.len ? identity : span_of("-", 1);
    if (name.len > STREAM_NAME_MAX - 1)
        name.len = STREAM_NAME_MAX - 1;
    uint16_t *recent = &batch->recent[(name.len * 7 + name.ptr[name.len - 1]) % 64];
    if (*recent && is_stream(&shard->streams[*recent - 1], name))
        return (uint16_t)(*recent - 1);
    uint16_t stream = find_stream(shard, name);
    if (stream < shard->stream_max)
        *recent = (uint16_t)(stream + 1);
    return stream;
}

/* --- tables --------------------------------------------------------------------------------- */

/* Where a key with these companions stands. The key's hash is secret and as good as random, so
 * nobody can choose companions that fall together. */
static uint64_t place_of(uint64_t hash, const struct shard_slot *slot, uint16_t qtype)
{
    const struct stats_sample *s = &slot->sample;
    uint64_t rest = (uint64_t)qtype << 32 | (uint64_t)slot->stream << 16 | (uint64_t)s->rcode << 2 |
                    (uint64_t)s->has_header << 1 | s->side;
    uint64_t mixed = (hash ^ rest) * UINT64_C(0x9e3779b97f4a7c15);
    return mixed ^ mixed >> 29;
}

static uint16_t qtype_of(const struct stats_sample *sample)
{
    return sample->has_qtype ? sample->qtype : STATS_NO_QTYPE;
}

static uint16_t rcode_of(const struct stats_sample *sample)
{
    return sample->has_header ? sample->rcode : STATS_NO_RCODE;
}

static uint32_t tag_of(uint64_t place)
{
    return (uint32_t)(place >> 32) & ~((UINT32_C(1) << INDEX_BITS) - 1);
}

static bool is_entry(const struct shard_entry *e, uint64_t hash, const struct shard_slot *slot,
                     uint16_t qtype)
{
    const struct stats_sample *s = &slot->sample;
    return e->hash == hash && e->stream == slot->stream && e->side == s->side &&
           e->qtype == qtype && e->rcode == rcode_of(s);
}

/* A new entry behind the last; NULL when there is no room for it or for its key. */
static struct shard_entry *new_entry(struct shard *shard, struct shard_table *table,
                                     struct span key)
{
    if (table->count == table->max || shard->keys_max - shard->keys_len < key.len)
        return NULL;
    struct shard_entry *e = &table->entries[table->count++];
    *e = (struct shard_entry){.key_at = shard->keys_len, .key_len = (uint8_t)key.len};
    if (key.len)
        memcpy(shard->keys + shard->keys_len, key.ptr, key.len);
    shard->keys_len += (uint32_t)key.len;
    return e;
}

static struct shard_entry *find_entry(struct shard *shard, enum shard_table_id id,
                                      const struct shard_slot *slot, struct span key,
                                      uint16_t qtype)
{
    struct shard_table *table = &shard->tables[id];
    uint64_t place = slot->place[id], hash = slot->hash[id];
    uint32_t tag = tag_of(place), low = (UINT32_C(1) << INDEX_BITS) - 1;
    for (uint32_t at = (uint32_t)place & table->mask;; at = (at + 1) & table->mask) {
        uint32_t word = table->index[at];
        if (word == 0) {
            struct shard_entry *e = new_entry(shard, table, key);
            if (!e)
                return NULL;
            table->index[at] = tag | table->count;
            e->hash = hash;
            e->stream = slot->stream;
            e->side = slot->sample.side;
            e->qtype = qtype;
            e->rcode = rcode_of(&slot->sample);
            return e;
        }
        struct shard_entry *e = &table->entries[(word & low) - 1];
        if ((word & ~low) == tag && is_entry(e, hash, slot, qtype))
            return e;
    }
}

static void count_entry(struct shard_entry *e, const struct stats_sample *s)
{
    e->hits++;
    e->bytes += s->length;
    if (!s->has_latency)
        return;
    uint64_t us = s->latency_ns > 0 ? (uint64_t)s->latency_ns / 1000 : 0;
    e->timed++;
    e->latency_us += us;
    if (us > e->slowest_us)
        e->slowest_us = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

/* --- the batch ------------------------------------------------------------------------------ */

static uint64_t hash_key(const struct siphash_key *key, struct span bytes)
{
    struct siphash s = siphash_begin(key);
    siphash_word(&s, bytes.len);
    siphash_padded(&s, bytes);
    return siphash_end(&s);
}

static struct span key_of(const struct stats_sample *s, enum shard_table_id id)
{
    return id == SHARD_NAMES ? s->name : id == SHARD_CLIENTS ? s->client : s->server;
}

/* A type is part of a name's key, not of an address's: there it is of no interest. */
static uint16_t companion(const struct stats_sample *s, enum shard_table_id id)
{
    return id == SHARD_NAMES ? qtype_of(s) : 0;
}

static void place_slot(struct shard *shard, struct shard_batch *batch, struct shard_slot *slot)
{
    const struct stats_sample *s = &slot->sample;
    slot->stream = stream_of(shard, batch, s->identity);
    for (int i = 0; i < SHARD_TABLES; i++) {
        slot->hash[i] = hash_key(batch->key, key_of(s, i));
        slot->place[i] = place_of(slot->hash[i], slot, companion(s, i));
        const struct shard_table *table = &shard->tables[i];
        __builtin_prefetch(&table->index[(uint32_t)slot->place[i] & table->mask]);
    }
}

static void prefetch_entries(const struct shard *shard, const struct shard_slot *slot)
{
    for (int i = 0; i < SHARD_TABLES; i++) {
        const struct shard_table *table = &shard->tables[i];
        uint32_t word = table->index[(uint32_t)slot->place[i] & table->mask];
        __builtin_prefetch(&table->entries[word & ((1u << INDEX_BITS) - 1)], 1);
    }
}

static void count_slot(struct shard *shard, const struct shard_slot *slot)
{
    const struct stats_sample *s = &slot->sample;
    struct shard_stream *stream = &shard->streams[slot->stream];
    stream->last_side = s->side;
    stream->origin = s->origin;
    stats_counters_sample(&shard->counters[slot->stream], s);
    bool missing = false;
    for (int i = 0; i < SHARD_TABLES; i++) {
        if (i == SHARD_NAMES && s->name.len == 0)
            continue;
        struct shard_entry *e = find_entry(shard, i, slot, key_of(s, i), companion(s, i));
        if (e)
            count_entry(e, s);
        missing |= !e;
    }
    shard->unlisted += missing;
}

void shard_flush(struct shard *shard, struct shard_batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++)
        prefetch_entries(shard, &batch->slots[i]);
    for (uint32_t i = 0; i < batch->count; i++)
        count_slot(shard, &batch->slots[i]);
    batch->count = 0;
}

void shard_event(struct shard *shard, struct shard_batch *batch, const struct stats_reader *reader,
                 struct event *ev)
{
    struct shard_slot *slot = &batch->slots[batch->count];
    shard->events++;
    if (ev->bad & FACET_DNSTAP || !reader->read(ev, slot->name, &slot->sample)) {
        shard->malformed++;
        return;
    }
    place_slot(shard, batch, slot);
    if (++batch->count == SHARD_BATCH)
        shard_flush(shard, batch);
}
