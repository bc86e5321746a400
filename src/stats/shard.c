#include "stats/shard.h"

#include <stdlib.h>

#include "base/brief.h"
#include "base/clock.h"
#include "base/pages.h"
#include "core/roster.h"
#include "stats/shard_keys.h"
#include "stats/table.h"

enum {
    ENTRIES_MAX = (1 << SHARD_INDEX_BITS) - 2,
    ENTRIES_MIN = 256,
};

/* How the memory is shared out, in parts of 32. */
static const unsigned shares[SHARD_TABLES] = {
    [SHARD_NAMES] = 15,
    [SHARD_CLIENTS] = 9,
    [SHARD_SERVERS] = 4,
};
enum { PARTS = 32, KEYS_PART = 6, MORE_SHARE = 4, MORE_BITS_MIN = 8 };

static int table_init(struct shard_table *table, size_t memory)
{
    size_t entries = memory / (sizeof *table->entries + 2 * sizeof *table->index), slots = 1;
    entries = entries < ENTRIES_MIN ? ENTRIES_MIN : entries;
    entries = entries > ENTRIES_MAX ? ENTRIES_MAX : entries;
    while (slots < entries + entries / 2)
        slots *= 2;
    table->max = (uint32_t)entries;
    table->mask = (uint32_t)slots - 1;
    table->entries = pages_alloc(entries * sizeof *table->entries);
    table->index = pages_alloc(slots * sizeof *table->index);
    return table->entries && table->index ? 0 : -1;
}

/* Half as much or one and a half times the memory, for slots come in powers of two. */
static int cells_init(struct shard_cells *cells, size_t memory)
{
    cells->bits = MORE_BITS_MIN;
    while ((sizeof *cells->slots << cells->bits) < memory / 4 * 3)
        cells->bits++;
    cells->max = (UINT32_C(1) << cells->bits) / 8 * 7;
    cells->slots = pages_alloc(sizeof *cells->slots << cells->bits);
    return cells->slots ? 0 : -1;
}

size_t shard_fixed_bytes(uint32_t listed)
{
    size_t all = listed + SHARD_RESERVE + 1;
    return sizeof(struct shard) + sizeof(struct block) + all * sizeof(struct shard_stream) +
           4 * all * sizeof(uint32_t) + sizeof(struct shard_blocks) +
           all * sizeof(struct shard_block);
}

int shard_init(struct shard *shard, size_t memory, uint32_t listed, struct pool *pool)
{
    *shard = (struct shard){.stream_max = listed + SHARD_RESERVE, .pool = pool};
    size_t keys = memory / KEYS_PART, tables = memory - keys;
    int failed = names_init(&shard->names, shard->stream_max);
    for (int i = 0; i < SHARD_TABLES; i++)
        failed |= table_init(&shard->tables[i], tables / PARTS * shares[i]);
    failed |= cells_init(&shard->more, tables / PARTS * MORE_SHARE);
    shard->keys_max = keys < UINT32_MAX ? (uint32_t)keys : UINT32_MAX;
    for (unsigned i = 0; i < 1 << SHARD_KIND_BITS; i++)
        shard->kinds[i].stream = UINT16_MAX; /* no stream has so high a number */
    shard->keys = pages_alloc(shard->keys_max);
    shard->streams = calloc(shard->stream_max + 1, sizeof *shard->streams);
    if (shard->streams)
        shard->streams[shard->stream_max].block = calloc(1, sizeof(struct block));
    if (!failed && shard->keys && shard->streams && shard->streams[shard->stream_max].block)
        return 0;
    shard_free(shard);
    return -1;
}

void shard_free(struct shard *shard)
{
    for (int i = 0; i < SHARD_TABLES; i++) {
        struct shard_table *table = &shard->tables[i];
        pages_free(table->entries, table->max * sizeof *table->entries);
        pages_free(table->index, ((size_t)table->mask + 1) * sizeof *table->index);
    }
    pages_free(shard->more.slots, sizeof *shard->more.slots << shard->more.bits);
    pages_free(shard->keys, shard->keys_max);
    names_free(&shard->names);
    if (shard->streams)
        free(shard->streams[shard->stream_max].block);
    free(shard->streams);
    *shard = (struct shard){0};
}

/* Puts the names of the streams that are listed into an empty index. */
static void index_listed(struct shard *shard)
{
    for (uint32_t i = 0; i < shard->listed; i++) {
        const struct shard_stream *stream = &shard->streams[i];
        struct names_walk walk =
            names_begin(&shard->names, span_of(stream->name, stream->name_len));
        while (names_next(&shard->names, &walk) != 0)
            ;
        names_add(&shard->names, &walk, i + 1);
    }
}

bool shard_take_blocks(struct shard *shard, struct shard_blocks *blocks)
{
    if (shard->stream_count > shard->listed || shard->other_used || shard->unlisted > 0)
        return false;
    shard_settle(shard);
    blocks->shard = shard;
    blocks->count = 0;
    blocks->malformed = shard->malformed;
    shard->malformed = 0;
    for (uint32_t i = 0; i < shard->stream_count; i++) {
        struct block *block = shard->streams[i].block;
        shard->streams[i].block = NULL;
        if (block)
            blocks->items[blocks->count++] = (struct shard_block){i, block};
    }
    return true;
}

static void clear_streams(struct shard *shard)
{
    for (unsigned i = 0; i < 1 << SHARD_KIND_BITS; i++)
        shard->kinds[i].hits = 0;
    for (uint32_t i = 0; i < shard->stream_count; i++) {
        if (shard->streams[i].block)
            pool_give(shard->pool, shard->streams[i].block);
        shard->streams[i].block = NULL;
        shard->streams[i].sent = false;
    }
    if (shard->other_used) {
        block_clear(shard->streams[shard->stream_max].block);
        memset(&shard->others, 0, sizeof shard->others);
    }
    shard->other_used = false;
    if (shard->stream_count == shard->listed)
        return;
    shard->stream_count = shard->listed;
    names_clear(&shard->names);
    index_listed(shard);
}

void shard_clear(struct shard *shard)
{
    for (int i = 0; i < SHARD_TABLES; i++) {
        struct shard_table *table = &shard->tables[i];
        if (table->count > 0)
            memset(table->index, 0, ((size_t)table->mask + 1) * sizeof *table->index);
        table->count = 0;
    }
    if (shard->more.count > 0)
        memset(shard->more.slots, 0, sizeof *shard->more.slots << shard->more.bits);
    shard->more.count = 0;
    shard->more.tallied = false;
    clear_streams(shard);
    if (shard->unlisted)
        memset(shard->missed, 0, sizeof shard->missed);
    shard->keys_len = 0;
    shard->events = shard->malformed = shard->unlisted = 0;
}

void shard_list_none(struct shard *shard)
{
    shard->stream_count = shard->listed = 0;
    names_clear(&shard->names);
}

bool shard_is_full(const struct shard *shard)
{
    for (int i = 0; i < SHARD_TABLES; i++) {
        if (shard->tables[i].count > shard->tables[i].max / 4 * 3)
            return true;
    }
    return shard->keys_len > shard->keys_max / 4 * 3 || shard->more.count > shard->more.max / 4 * 3;
}

/* --- streams -------------------------------------------------------------------------------- */

static bool is_stream(const struct shard_stream *stream, struct span name)
{
    return stream->name_len == name.len &&
           brief_equal((const uint8_t *)stream->name, name.ptr, name.len);
}

/* For how many new streams there is room. */
static uint32_t places_left(const struct shard *shard)
{
    uint32_t places = shard->stream_max - shard->stream_count, blocks = pool_left(shard->pool);
    return places < blocks ? places : blocks;
}

/* Whether one of `left` places for new streams is for that peer. */
static bool may_add(const struct shard *shard, uint32_t left, uint64_t peer)
{
    uint32_t held = 0;
    if (left == 0 || left > SHARD_RESERVE)
        return left > 0;
    for (uint32_t i = shard->listed; i < shard->stream_count; i++)
        held += shard->streams[i].peer == peer;
    return held < left;
}

/* A new stream of that name, whose search has ended there. */
static uint32_t place_stream(struct shard *shard, struct span name, const struct names_walk *walk)
{
    struct shard_stream *stream = &shard->streams[shard->stream_count++];
    memcpy(stream->name, name.ptr, name.len);
    stream->name_len = (uint8_t)name.len;
    names_add(&shard->names, walk, shard->stream_count);
    return shard->stream_count - 1;
}

void shard_list(struct shard *shard, struct span name, uint64_t peer)
{
    struct names_walk walk = names_begin(&shard->names, name);
    while (names_next(&shard->names, &walk) != 0)
        ;
    uint32_t number = place_stream(shard, name, &walk);
    shard->streams[number].peer = peer;
    shard->listed = number + 1;
}

/* The stream that takes the events of an identity without a place. */
static uint16_t other_stream(struct shard *shard, const struct shard_batch *batch, struct span name)
{
    shard->other_used = true;
    hll_add(&shard->others, siphash_bytes(batch->key, name));
    return (uint16_t)shard->stream_max;
}

static uint16_t new_stream(struct shard *shard, const struct shard_batch *batch, struct span name,
                           const struct names_walk *walk, const struct origin *origin)
{
    uint32_t left = places_left(shard);
    uint64_t peer = left > 0 ? roster_peer(batch->key, origin) : 0;
    struct block *block = may_add(shard, left, peer) ? pool_take(shard->pool, false) : NULL;
    if (!block)
        return other_stream(shard, batch, name);
    uint32_t number = place_stream(shard, name, walk);
    shard->streams[number].peer = peer;
    shard->streams[number].block = block;
    shard->streams[number].sent = true;
    return (uint16_t)number;
}

static __attribute__((noinline)) uint16_t find_stream(struct shard *shard,
                                                      const struct shard_batch *batch,
                                                      struct span name, const struct origin *origin)
{
    struct names_walk walk = names_begin(&shard->names, name);
    uint32_t number;
    while ((number = names_next(&shard->names, &walk)) != 0) {
        struct shard_stream *stream = &shard->streams[number - 1];
        if (!is_stream(stream, name))
            continue;
        if (!stream->block)
            stream->block = pool_take(shard->pool, true);
        stream->sent |= stream->block != NULL;
        shard->last[brief_place(name, SHARD_LAST_BITS)] = (uint16_t)(number - 1);
        return stream->block ? (uint16_t)(number - 1) : other_stream(shard, batch, name);
    }
    return new_stream(shard, batch, name, &walk, origin);
}

static inline uint16_t stream_of(struct shard *shard, const struct shard_batch *batch,
                                 struct span identity, const struct origin *origin)
{
    struct span name = identity.len ? identity : span_of("-", 1);
    if (name.len > STREAM_NAME_MAX - 1)
        name.len = STREAM_NAME_MAX - 1;
    uint16_t last = shard->last[brief_place(name, SHARD_LAST_BITS)];
    const struct shard_stream *stream = &shard->streams[last];
    if (last < shard->stream_count && stream->block && is_stream(stream, name))
        return last;
    return find_stream(shard, batch, name, origin);
}

/* --- kinds ---------------------------------------------------------------------------------- */

static void settle_kind(struct shard *shard, struct shard_kind *kind)
{
    struct block *block = shard->streams[kind->stream].block;
    block->counted[kind->kind.side] = true;
    stats_counters_kind(&block->counters[kind->kind.side], &kind->kind, kind->hits);
    kind->hits = 0;
}

void shard_settle(struct shard *shard)
{
    for (unsigned i = 0; i < 1 << SHARD_KIND_BITS; i++) {
        if (shard->kinds[i].hits > 0)
            settle_kind(shard, &shard->kinds[i]);
    }
}

static __attribute__((noinline)) void change_kind(struct shard *shard, struct shard_kind *kind,
                                                  const struct sample_kind *to, uint16_t stream)
{
    if (kind->hits > 0)
        settle_kind(shard, kind);
    *kind = (struct shard_kind){.kind = *to, .stream = stream};
    shard_classify(kind);
}

/* Whoever sends may choose kinds that fall together: each then costs what counting it directly
 * does, and a little more. */
static inline const struct shard_kind *count_kind(struct shard *shard, const struct sample_kind *of,
                                                  uint16_t stream)
{
    uint64_t words[2], known[2];
    memcpy(words, of, sizeof words);
    uint64_t mixed = (words[0] + stream) * UINT64_C(0x9e3779b97f4a7c15) +
                     words[1] * UINT64_C(0xc2b2ae3d27d4eb4f);
    struct shard_kind *kind = &shard->kinds[mixed >> (64 - SHARD_KIND_BITS)];
    memcpy(known, &kind->kind, sizeof known);
    if (words[0] != known[0] || words[1] != known[1] || kind->stream != stream)
        change_kind(shard, kind, of, stream);
    kind->hits++;
    return kind;
}

/* --- the batch ------------------------------------------------------------------------------ */

void shard_batch_init(struct shard_batch *batch, const struct stats_reader *reader,
                      const struct siphash_key *key)
{
    *batch = (struct shard_batch){.key = key, .reader = reader};
    for (size_t i = 0; i < sizeof batch->servers / sizeof *batch->servers; i++)
        batch->servers[i].len = UINT8_MAX; /* no address is so long */
}

/* Servers are few, and looking one up among the last ones costs less than hashing it. */
static uint64_t server_hash(struct shard_batch *batch, struct span server)
{
    unsigned place = server.len ? server.ptr[server.len - 1] + 7u * server.ptr[server.len - 2] : 0;
    struct shard_server *s = &batch->servers[place % 64];
    if (s->len != server.len || memcmp(s->address, server.ptr, server.len) != 0) {
        memcpy(s->address, server.ptr, server.len);
        s->len = (uint8_t)server.len;
        s->hash = siphash_bytes(batch->key, server);
    }
    return s->hash;
}

static bool has_key(const struct shard_slot *slot, enum shard_table_id id)
{
    return slot->tables >> id & 1;
}

/* Of the two addresses of a message one is the sender's own: that is no key. */
static uint8_t tables_of(const struct stats_reader *reader, const struct stats_sample *s)
{
    unsigned tables = (s->name.len > 0) << SHARD_NAMES;
    if (reader->one_side || s->kind.side == STATS_CLIENT)
        tables |= 1u << SHARD_CLIENTS;
    if (reader->one_side || s->kind.side == STATS_UPSTREAM)
        tables |= 1u << SHARD_SERVERS;
    return (uint8_t)tables;
}

static inline uint32_t latency_us(const struct stats_sample *s)
{
    uint64_t us = s->has_latency && s->latency_ns > 0 ? (uint64_t)s->latency_ns / 1000 : 0;
    return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

static inline void hash_keys(struct shard_batch *batch, struct shard_slot *slot)
{
    const struct stats_sample *s = &slot->sample;
    slot->tables = tables_of(batch->reader, s);
    slot->hash[SHARD_NAMES] = s->name_hash;
    slot->hash[SHARD_CLIENTS] = s->client_hash;
    if (has_key(slot, SHARD_SERVERS))
        slot->hash[SHARD_SERVERS] = server_hash(batch, s->server);
}

/* The first step: what the sample counts as, and where to look in the indexes. */
static inline void place_slot(struct shard *shard, struct shard_batch *batch,
                              struct shard_slot *slot, const struct origin *origin)
{
    const struct stats_sample *s = &slot->sample;
    slot->stream = stream_of(shard, batch, s->identity, origin);
    slot->group = stats_group(slot->stream, s->kind.side);
    slot->latency_us = latency_us(s);
    slot->qtype = s->kind.has_qtype ? s->qtype : STATS_NO_QTYPE;
    const struct shard_kind *kind = count_kind(shard, &s->kind, slot->stream);
    slot->code = kind->code;
    slot->outcome = kind->outcome;
    slot->near = shard_near(kind, slot->qtype);
    const struct stats_counters *counters =
        &shard->streams[slot->stream].block->counters[s->kind.side];
    if (s->has_latency)
        __builtin_prefetch(&counters->latency[quantile_bucket(s->latency_ns)], 1);
    hash_keys(batch, slot);
    for (int i = 0; i < SHARD_TABLES; i++) {
        const struct shard_table *table = &shard->tables[i];
        slot->at[i] = shard_first_slot(table, slot->hash[i], slot->group);
        if (has_key(slot, (enum shard_table_id)i))
            __builtin_prefetch(&table->index[slot->at[i]]);
    }
}

/* The second: where in the index each key stands, or may stand, and so which entry is needed. */
static inline void find_entries(const struct shard *shard, struct shard_slot *slot)
{
    for (int i = 0; i < SHARD_TABLES; i++) {
        const struct shard_table *table = &shard->tables[i];
        if (!has_key(slot, (enum shard_table_id)i))
            continue;
        uint32_t tag = shard_tag(slot->hash[i]), at = slot->at[i], word;
        while ((word = table->index[at]) != 0 && shard_tag((uint64_t)word << 32) != tag)
            at = (at + 1) & table->mask;
        slot->at[i] = at;
        __builtin_prefetch(&table->entries[shard_number_in(word) - (word > 0)], 1);
    }
}

/* There was no room for one of the keys. That others of them are listed does no harm: a sketch does
 * not mind to see a key again. */
static void count_unlisted(struct shard *shard, const struct shard_slot *slot)
{
    struct hll *missed = shard->missed[slot->sample.kind.side];
    uint64_t name = slot->hash[SHARD_NAMES];
    bool asked = slot->sample.kind.direction == STATS_QUERY;
    shard->unlisted++;
    if (has_key(slot, SHARD_CLIENTS))
        hll_add(&missed[DISTINCT_CLIENTS], slot->hash[SHARD_CLIENTS]);
    if (has_key(slot, SHARD_SERVERS))
        hll_add(&missed[DISTINCT_SERVERS], slot->hash[SHARD_SERVERS]);
    if (!has_key(slot, SHARD_NAMES))
        return;
    hll_add(&missed[DISTINCT_DOMAINS], name);
    hll_add(&missed[asked ? DISTINCT_ASKED : DISTINCT_ANSWERED], name);
}

static void count_tick(struct tick *tick, const struct stats_sample *s)
{
    tick_time(tick, s->time_ns);
    if (s->has_latency && s->latency_ns >= 0)
        tick_step(tick, (uint64_t)s->latency_ns);
}

/* The third. */
static inline void count_slot(struct shard *shard, const struct shard_slot *slot, uint64_t now_ns)
{
    const struct stats_sample *s = &slot->sample;
    struct block *block = shard->streams[slot->stream].block;
    block->last_direction = s->kind.direction;
    block->origin = s->origin;
    if (s->time_ns != 0) {
        times_add(&block->times, s->time_ns);
        block->arrived_ns = now_ns;
        if (s->ticks && slot->stream < shard->stream_max)
            count_tick(&block->tick, s);
    }
    stats_counters_own(&block->counters[s->kind.side], s);
    bool listed = true;
    for (int id = 0; id < SHARD_TABLES; id++) {
        if (has_key(slot, (enum shard_table_id)id))
            listed &= shard_count_key(shard, (enum shard_table_id)id, slot);
    }
    if (!listed)
        count_unlisted(shard, slot);
}

void shard_events(struct shard *shard, struct shard_batch *batch, struct event *events,
                  size_t count)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        struct event *ev = &events[i];
        struct shard_slot *slot = &batch->slots[used];
        if (ev->bad & FACET_DNSTAP || !batch->reader->read(ev, batch->names[used], &slot->sample))
            continue;
        place_slot(shard, batch, slot, ev->origin);
        used++;
    }
    for (size_t i = 0; i < used; i++)
        find_entries(shard, &batch->slots[i]);
    uint64_t now_ns = used > 0 ? clock_wall_ns() : 0;
    for (size_t i = 0; i < used; i++)
        count_slot(shard, &batch->slots[i], now_ns);
    shard->events += count;
    shard->malformed += count - used;
}
