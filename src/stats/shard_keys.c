/*
 * The tables of a shard. A key's entry is found by its hash and counted in at once. What is counted
 * of a name by type and rcode is mostly of few kinds, which have numbers: so six of them have room
 * in the entry, a byte for the kind and three for its hits. All others are elsewhere.
 */
#include "stats/shard_keys.h"

#include <assert.h>

#include "stats/table.h"
#include "stats/tally.h"

static_assert(sizeof(struct shard_entry) == 64, "an entry is a cache line");

/* --- kinds that are near -------------------------------------------------------------------- */

enum { NEAR_BITS = 24, NEAR_HITS = (1 << NEAR_BITS) - 1 };

/* A, AAAA, HTTPS, PTR, and what else is asked for often. */
#define NEAR_TYPES(X)                                                                              \
    X(1) X(28) X(65) X(12) X(15) X(16) X(2) X(6) X(33) X(43) X(48) X(5) X(64) X(35) X(46) X(255)

#define QTYPE(type) type,
static const uint8_t near_qtypes[] = {NEAR_TYPES(QTYPE)};
#define PLACE(type) PLACE_OF_##type,
enum { NO_PLACE, NEAR_TYPES(PLACE) PLACES };
#define PLACE_BY_TYPE(type) [type] = PLACE_OF_##type,
static const uint8_t near_places[UINT8_MAX + 1] = {NEAR_TYPES(PLACE_BY_TYPE)};

/* By outcome: what the code of such a message is. */
enum { NEAR_OUTCOMES = OUTCOME_OTHER };
#define RESPONSE_CODE(rcode) ((STATS_RESPONSE << SHARD_DIRECTION_BIT) | (rcode))
static const uint16_t near_codes[NEAR_OUTCOMES] = {
    [OUTCOME_QUERY] = STATS_QUERY << SHARD_DIRECTION_BIT,
    [OUTCOME_NOERROR] = RESPONSE_CODE(DNS_RCODE_NOERROR),
    [OUTCOME_NODATA] = RESPONSE_CODE(DNS_RCODE_NOERROR) | 1 << SHARD_NODATA_BIT,
    [OUTCOME_NXDOMAIN] = RESPONSE_CODE(DNS_RCODE_NXDOMAIN),
    [OUTCOME_SERVFAIL] = RESPONSE_CODE(DNS_RCODE_SERVFAIL),
    [OUTCOME_REFUSED] = RESPONSE_CODE(DNS_RCODE_REFUSED),
};
static_assert((PLACES - 1) * NEAR_OUTCOMES <= UINT8_MAX, "a kind is a byte");

static enum shard_outcome outcome_of(const struct sample_kind *s)
{
    static const uint8_t outcomes[DNS_RCODE_REFUSED + 1] = {
        [DNS_RCODE_NOERROR] = OUTCOME_NOERROR + 1,
        [DNS_RCODE_SERVFAIL] = OUTCOME_SERVFAIL + 1,
        [DNS_RCODE_NXDOMAIN] = OUTCOME_NXDOMAIN + 1,
        [DNS_RCODE_REFUSED] = OUTCOME_REFUSED + 1,
    };
    if (s->direction == STATS_QUERY)
        return OUTCOME_QUERY;
    if (s->marks >> SAMPLE_NODATA & 1)
        return OUTCOME_NODATA;
    if (!s->has_header)
        return OUTCOME_NOERROR;
    unsigned known = s->rcode <= DNS_RCODE_REFUSED ? outcomes[s->rcode] : 0;
    return known ? (enum shard_outcome)(known - 1) : OUTCOME_OTHER;
}

/* What tells cells of a name apart, but for the type. */
static uint16_t code_of(const struct sample_kind *s)
{
    uint16_t rcode = s->has_header ? s->rcode & SHARD_RCODE_MASK : STATS_NO_RCODE;
    unsigned nodata = s->marks >> SAMPLE_NODATA & 1u;
    return (uint16_t)(s->direction << SHARD_DIRECTION_BIT | nodata << SHARD_NODATA_BIT | rcode);
}

void shard_classify(struct shard_kind *kind)
{
    unsigned outcome = outcome_of(&kind->kind);
    kind->code = code_of(&kind->kind);
    kind->outcome = (uint8_t)outcome;
    bool near = outcome < NEAR_OUTCOMES && near_codes[outcome] == kind->code;
    kind->near_outcome = near ? (uint8_t)(outcome + 1) : 0;
}

uint8_t shard_near(const struct shard_kind *kind, uint16_t qtype)
{
    unsigned place = qtype <= UINT8_MAX ? near_places[qtype] : NO_PLACE;
    bool near = place != NO_PLACE && kind->near_outcome != 0;
    return near ? (uint8_t)((place - 1) * NEAR_OUTCOMES + kind->near_outcome) : 0;
}

/* --- tables --------------------------------------------------------------------------------- */

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

/* Which entry it is, among those of all tables; never 0. */
static uint32_t owner_of(const struct shard *shard, enum shard_table_id id,
                         const struct shard_entry *e)
{
    return (uint32_t)(e - shard->tables[id].entries) * SHARD_TABLES + id + 1;
}

/* The entry's cell of that type and code, or the free place for it. Types are the asker's choice:
 * by a secret factor, which the key's hash is, they fall where nobody can foresee. */
static struct shard_more *find_more(const struct shard *shard, uint32_t owner, uint64_t hash,
                                    uint16_t qtype, uint16_t code)
{
    const struct shard_cells *cells = &shard->more;
    uint32_t mask = (UINT32_C(1) << cells->bits) - 1;
    uint64_t word = (uint64_t)owner << 32 | (uint32_t)qtype << 16 | code;
    uint32_t at = (uint32_t)(word * (hash | 1) >> (64 - cells->bits));
    for (;; at = (at + 1) & mask) {
        struct shard_more *more = &cells->slots[at];
        bool same = more->owner == owner && more->cell.qtype == qtype && more->cell.code == code;
        if (same || more->owner == 0)
            return more;
    }
}

/* The same, made if need be and chained behind *last; NULL: there is no room. */
static struct shard_cell *more_cell(struct shard *shard, uint32_t owner, uint64_t hash,
                                    struct shard_cell like, uint32_t *last)
{
    struct shard_more *more = find_more(shard, owner, hash, like.qtype, like.code);
    if (more->owner)
        return &more->cell;
    if (shard->more.count == shard->more.max)
        return NULL;
    shard->more.count++;
    *more = (struct shard_more){.owner = owner, .next = *last, .cell = like};
    *last = (uint32_t)(more - shard->more.slots) + 1;
    return &more->cell;
}

/* --- sums that are beyond 32 bits ----------------------------------------------------------- */

enum carry {
    CARRY_BYTES, /* and that of the other direction */
    CARRY_LATENCY = STATS_DIRECTIONS,
    CARRIES
};

/* No name has a cell of such a code. */
static uint16_t carry_code(unsigned carry)
{
    return (uint16_t)(1u << SHARD_REST_BIT | 0x0f00 | carry);
}

/* Carries what two sums are beyond 32 bits. False: there is no room, and nothing was done. */
static __attribute__((noinline)) bool carry(struct shard *shard, uint32_t owner,
                                            struct shard_entry *e, unsigned direction,
                                            const uint64_t sums[2])
{
    const unsigned carries[] = {CARRY_BYTES + direction, CARRY_LATENCY};
    struct shard_cell *cells[2];
    uint32_t unchained = 0;
    for (int i = 0; i < 2; i++) {
        cells[i] = more_cell(shard, owner, e->hash,
                             (struct shard_cell){.code = carry_code(carries[i])}, &unchained);
        if (!cells[i])
            return false;
    }
    for (int i = 0; i < 2; i++)
        cells[i]->hits += (uint32_t)(sums[i] >> 32);
    e->carried = true;
    return true;
}

static uint64_t carried(const struct shard *shard, uint32_t owner, const struct shard_entry *e,
                        unsigned carry)
{
    const struct shard_more *more = find_more(shard, owner, e->hash, 0, carry_code(carry));
    return more->owner ? (uint64_t)more->cell.hits << 32 : 0;
}

/* --- counting ------------------------------------------------------------------------------- */

/* False when there is no room for what is to be carried; then nothing was added. */
static inline __attribute__((always_inline)) bool add_sums(struct shard *shard,
                                                           enum shard_table_id id,
                                                           struct shard_entry *e,
                                                           const struct shard_slot *slot)
{
    const struct stats_sample *s = &slot->sample;
    const uint64_t sums[2] = {(uint64_t)e->bytes[s->kind.direction] + s->length,
                              (uint64_t)e->latency_us + slot->latency_us};
    if (__builtin_expect((sums[0] | sums[1]) >> 32 != 0, 0) &&
        !carry(shard, owner_of(shard, id, e), e, s->kind.direction, sums))
        return false;
    e->bytes[s->kind.direction] = (uint32_t)sums[0];
    e->latency_us = (uint32_t)sums[1];
    e->timed += s->has_latency;
    if (slot->latency_us > e->slowest_us)
        e->slowest_us = slot->latency_us;
    return true;
}

/* Keeps of a code only what makes a difference to a row's values (shard_values). */
static uint16_t rest_code(uint16_t code)
{
    const unsigned bits = 1u << SHARD_DIRECTION_BIT | 1u << SHARD_NODATA_BIT;
    unsigned rcode = code & SHARD_RCODE_MASK;
    if (rcode > DNS_RCODE_REFUSED && rcode != STATS_NO_RCODE)
        rcode = DNS_RCODE_FORMERR;
    return (uint16_t)((code & bits) | 1u << SHARD_REST_BIT | rcode);
}

/* Counts it in a cell that is not in the entry. */
static __attribute__((noinline)) bool count_far(struct shard *shard, struct shard_entry *e,
                                                const struct shard_slot *slot)
{
    struct shard_cell like = {.qtype = slot->qtype, .code = slot->code};
    uint32_t owner = owner_of(shard, SHARD_NAMES, e), last = e->more;
    if (e->more_count >= SHARD_MORE_CELLS) {
        const struct shard_more *known = find_more(shard, owner, e->hash, like.qtype, like.code);
        if (!known->owner)
            like = (struct shard_cell){.code = rest_code(like.code)};
    }
    struct shard_cell *cell = more_cell(shard, owner, e->hash, like, &e->more);
    e->more_count += e->more != last;
    if (!cell || !add_sums(shard, SHARD_NAMES, e, slot))
        return false;
    cell->hits++;
    return true;
}

static bool count_name(struct shard *shard, struct shard_entry *e, const struct shard_slot *slot)
{
    uint32_t kind = (uint32_t)slot->near << NEAR_BITS;
    unsigned at = slot->near ? 0 : SHARD_NEAR_CELLS;
    while (at < SHARD_NEAR_CELLS && e->near[at] && (e->near[at] ^ kind) > NEAR_HITS)
        at++;
    if (at == SHARD_NEAR_CELLS || (e->near[at] & NEAR_HITS) == NEAR_HITS)
        return count_far(shard, e, slot);
    if (!add_sums(shard, SHARD_NAMES, e, slot))
        return false;
    e->near[at] = (e->near[at] | kind) + 1;
    return true;
}

/* Tallies have half of the cells at the most: names must have theirs, or are not counted whole. */
static void count_tally(struct shard *shard, const struct shard_entry *e, unsigned what)
{
    const struct shard_cell like = {.qtype = (uint16_t)what, .code = SHARD_TALLY_CODE};
    uint32_t owner = owner_of(shard, SHARD_SERVERS, e), unchained = 0;
    if (shard->more.count >= shard->more.max / 2 &&
        !find_more(shard, owner, e->hash, like.qtype, like.code)->owner)
        return;
    struct shard_cell *cell = more_cell(shard, owner, e->hash, like, &unchained);
    if (cell)
        cell->hits++;
    shard->more.tallied = true;
}

/* Of most servers there is one latency, which is in the entry's sum: only when there is a second
 * one, both are counted. */
static __attribute__((noinline)) void count_tallies(struct shard *shard,
                                                    const struct shard_entry *e,
                                                    const struct shard_slot *slot)
{
    const struct stats_sample *s = &slot->sample;
    if (s->kind.marks >> SAMPLE_AGAIN & 1)
        count_tally(shard, e, TALLY_RETRIES);
    if (!s->has_latency || e->timed < 2)
        return;
    if (e->timed == 2)
        count_tally(shard, e, stats_tally_step(e->latency_us - slot->latency_us));
    count_tally(shard, e, stats_tally_step(slot->latency_us));
}

static bool count_address(struct shard *shard, enum shard_table_id id, struct shard_entry *e,
                          const struct shard_slot *slot)
{
    if (!add_sums(shard, id, e, slot))
        return false;
    e->outcomes[slot->outcome]++;
    if (id == SHARD_SERVERS && slot->sample.kind.side == STATS_UPSTREAM)
        count_tallies(shard, e, slot);
    return true;
}

/* The key's entry, a new one if there is room; or NULL. Since its place was looked up others may
 * have come there or behind it. */
static __attribute__((noinline)) struct shard_entry *search_entry(struct shard *shard,
                                                                  enum shard_table_id id,
                                                                  const struct shard_slot *slot,
                                                                  struct span key)
{
    struct shard_table *table = &shard->tables[id];
    uint64_t hash = slot->hash[id];
    uint32_t tag = shard_tag(hash), at = slot->at[id], word;
    for (; (word = table->index[at]) != 0; at = (at + 1) & table->mask) {
        struct shard_entry *e = &table->entries[shard_number_in(word) - 1];
        if (shard_tag((uint64_t)word << 32) == tag && e->hash == hash && e->group == slot->group)
            return e;
    }
    struct shard_entry *e = new_entry(shard, table, key);
    if (!e)
        return NULL;
    e->hash = hash;
    e->group = slot->group;
    table->index[at] = tag | table->count;
    return e;
}

static inline struct shard_entry *entry_of(struct shard *shard, enum shard_table_id id,
                                           const struct shard_slot *slot, struct span key)
{
    struct shard_table *table = &shard->tables[id];
    uint32_t word = table->index[slot->at[id]];
    struct shard_entry *e = &table->entries[shard_number_in(word) - (word > 0)];
    if (word != 0 && e->hash == slot->hash[id] && e->group == slot->group)
        return e;
    return search_entry(shard, id, slot, key);
}

bool shard_count_key(struct shard *shard, enum shard_table_id id, const struct shard_slot *slot)
{
    const struct stats_sample *s = &slot->sample;
    struct span key = id == SHARD_NAMES ? s->name : id == SHARD_CLIENTS ? s->client : s->server;
    struct shard_entry *e = entry_of(shard, id, slot, key);
    return e &&
           (id == SHARD_NAMES ? count_name(shard, e, slot) : count_address(shard, id, e, slot));
}

/* --- what was counted ------------------------------------------------------------------------ */

static struct shard_cell near_cell(uint32_t near)
{
    unsigned number = (near >> NEAR_BITS) - 1;
    return (struct shard_cell){.qtype = near_qtypes[number / NEAR_OUTCOMES],
                               .code = near_codes[number % NEAR_OUTCOMES],
                               .hits = near & NEAR_HITS};
}

struct shard_walk shard_cells_of(const struct shard_entry *e)
{
    return (struct shard_walk){.entry = e, .more = e->more};
}

bool shard_next_cell(const struct shard *shard, struct shard_walk *walk, struct shard_cell *cell)
{
    const struct shard_entry *e = walk->entry;
    if (walk->near < SHARD_NEAR_CELLS && e->near[walk->near]) {
        *cell = near_cell(e->near[walk->near++]);
        return true;
    }
    if (!walk->more)
        return false;
    const struct shard_more *more = &shard->more.slots[walk->more - 1];
    walk->more = more->next;
    *cell = more->cell;
    return true;
}

bool shard_next_tally(const struct shard *shard, uint32_t *at, struct shard_tally *tally)
{
    const struct shard_cells *cells = &shard->more;
    for (uint32_t end = cells->tallied ? UINT32_C(1) << cells->bits : 0; *at < end;) {
        const struct shard_more *more = &cells->slots[(*at)++];
        if (!more->owner || more->cell.code != SHARD_TALLY_CODE)
            continue;
        const struct shard_entry *entries = shard->tables[SHARD_SERVERS].entries;
        *tally = (struct shard_tally){&entries[(more->owner - 1) / SHARD_TABLES], more->cell.qtype,
                                      more->cell.hits};
        return true;
    }
    return false;
}

static void name_values(const struct shard *shard, const struct shard_entry *e,
                        struct stats_values *values)
{
    struct shard_cell cell;
    struct shard_walk walk = shard_cells_of(e);
    while (shard_next_cell(shard, &walk, &cell)) {
        if (cell.code >> SHARD_DIRECTION_BIT == STATS_QUERY) {
            values->of[MEASURE_QUERIES] += cell.hits;
            continue;
        }
        values->of[MEASURE_RESPONSES] += cell.hits;
        if (cell.code >> SHARD_NODATA_BIT & 1)
            values->of[MEASURE_NODATA] += cell.hits;
        stats_values_rcode(values, cell.code & SHARD_RCODE_MASK, cell.hits);
    }
}

static void address_values(const struct shard_entry *e, struct stats_values *values)
{
    const uint32_t *of = e->outcomes;
    uint64_t failed = (uint64_t)of[OUTCOME_SERVFAIL] + of[OUTCOME_REFUSED] + of[OUTCOME_OTHER];
    values->of[MEASURE_QUERIES] = of[OUTCOME_QUERY];
    values->of[MEASURE_RESPONSES] =
        failed + of[OUTCOME_NOERROR] + of[OUTCOME_NODATA] + of[OUTCOME_NXDOMAIN];
    values->of[MEASURE_NXDOMAIN] = of[OUTCOME_NXDOMAIN];
    values->of[MEASURE_FAILED] = failed;
    values->of[MEASURE_SERVFAIL] = of[OUTCOME_SERVFAIL];
    values->of[MEASURE_REFUSED] = of[OUTCOME_REFUSED];
    values->of[MEASURE_NODATA] = of[OUTCOME_NODATA];
}

void shard_values(const struct shard *shard, enum shard_table_id id, const struct shard_entry *e,
                  struct stats_values *values)
{
    *values = (struct stats_values){0};
    values->of[MEASURE_QUERY_BYTES] = e->bytes[STATS_QUERY];
    values->of[MEASURE_RESPONSE_BYTES] = e->bytes[STATS_RESPONSE];
    values->of[MEASURE_TIMED] = e->timed;
    values->of[MEASURE_LATENCY] = e->latency_us;
    values->of[MEASURE_SLOWEST] = e->slowest_us;
    if (id == SHARD_NAMES)
        name_values(shard, e, values);
    else
        address_values(e, values);
    if (!e->carried)
        return;
    uint32_t owner = owner_of(shard, id, e);
    values->of[MEASURE_QUERY_BYTES] += carried(shard, owner, e, CARRY_BYTES + STATS_QUERY);
    values->of[MEASURE_RESPONSE_BYTES] += carried(shard, owner, e, CARRY_BYTES + STATS_RESPONSE);
    values->of[MEASURE_LATENCY] += carried(shard, owner, e, CARRY_LATENCY);
}
