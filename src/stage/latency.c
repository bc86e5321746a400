/*
 * Latency: how long a response took.
 *
 * A response that carries both times says so itself. For others the query is remembered until its
 * response comes by: the two agree in identity, addresses, ports (but see below), protocol, side,
 * DNS id and question, names without regard to case (a resolver may play with it, and not every
 * server plays along). Times are those of the events, so a file gives the same latencies at any
 * speed.
 *
 * One rule holds for times that are carried and for those of query and response: a latency that is
 * negative (clocks disagree) or longer than the window is none, and the event says which.
 *
 * What is remembered is a keyed 64-bit hash of all that, and the time. Clients choose names and
 * ports, but without the key they cannot choose which queries collide. Entries stand in a ring in
 * the order in which they came, so that the oldest makes room and memory is fixed. Each has a
 * serial number; a chain leads from a hash to the serial of its last entry and from there to those
 * before, as in a compressor's window: a serial that is too old to be in the ring ends the chain.
 * So the oldest need not be taken out of anything, and remembering touches one line of memory
 * besides the ring's next.
 *
 * A query that is asked again replaces itself: its response is measured from the last time it was
 * asked. A match is used up, so that of two responses only the first has a latency.
 */
#include <assert.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/nh.h"
#include "base/pages.h"
#include "core/stage.h"

enum {
    SHARDS = 64,          /* with several workers: so many rarely meet in one */
    SHARD_ENTRIES = 1024, /* and each holds at least this */
    CACHE_LINE = 64,
    PART_MAX = 64, /* longer identities and addresses, which nobody has, are hashed on their own */
};

/* A server says of one exchange in different words what it is: BIND calls a query AUTH when it was
 * asked without recursion or did not recurse, and its response CLIENT when recursion was desired.
 * So what counts is the side: queries that a server was asked, and those that it asks others. */
enum side { SIDE_UNKNOWN, SIDE_ASKED, SIDE_ASKS };
static const uint8_t sides[] = {
    [DNSTAP_AUTH_QUERY] = SIDE_ASKED,     [DNSTAP_AUTH_RESPONSE] = SIDE_ASKED,
    [DNSTAP_CLIENT_QUERY] = SIDE_ASKED,   [DNSTAP_CLIENT_RESPONSE] = SIDE_ASKED,
    [DNSTAP_UPDATE_QUERY] = SIDE_ASKED,   [DNSTAP_UPDATE_RESPONSE] = SIDE_ASKED,
    [DNSTAP_RESOLVER_QUERY] = SIDE_ASKS,  [DNSTAP_RESOLVER_RESPONSE] = SIDE_ASKS,
    [DNSTAP_FORWARDER_QUERY] = SIDE_ASKS, [DNSTAP_FORWARDER_RESPONSE] = SIDE_ASKS,
    [DNSTAP_STUB_QUERY] = SIDE_ASKS,      [DNSTAP_STUB_RESPONSE] = SIDE_ASKS,
    [DNSTAP_TOOL_QUERY] = SIDE_ASKS,      [DNSTAP_TOOL_RESPONSE] = SIDE_ASKS,
};

static_assert(1 + 3 * PART_MAX / 16 + (DNS_NAME_MAX + 15) / 16 <= NH_PAIRS, "all parts fit");

struct entry {
    uint64_t hash; /* 0: used up */
    uint64_t time_ns;
    uint32_t before; /* serial of the entry before it in its chain */
};

/* A part of the queries, by their hashes. Its lock is held for some ten nanoseconds: so waiting is
 * spinning. */
struct shard {
    struct entry *ring;
    _Atomic uint32_t *heads; /* of the chains: serial of the last entry */
    uint32_t mask;           /* entries of the ring, and chains: a power of two, less one */
    uint32_t remember;       /* so many of the last entries count */
    uint32_t next;           /* serial of the next entry */
    atomic_bool taken;
    char padding[CACHE_LINE - 2 * sizeof(void *) - 3 * sizeof(uint32_t) - sizeof(atomic_bool)];
};

/* Owner: the pipeline; used by all workers. */
struct latency {
    struct nh_key key;
    uint64_t window_ns;
    bool shared;          /* by more than one worker */
    uint32_t shard_count; /* 1 or SHARDS */
    struct shard shards[SHARDS];
    void *pages; /* what the rings and heads lie in */
    size_t pages_size;
};

static void latency_close(void *state)
{
    struct latency *latency = state;
    if (latency)
        pages_free(latency->pages, latency->pages_size);
    free(latency);
}

/* Places the shard's arrays at `base`. */
static uint8_t *open_shard(struct shard *shard, uint32_t entries, uint32_t size, uint8_t *base)
{
    shard->mask = size - 1;
    shard->remember = entries;
    shard->next = entries + 1; /* so that the zeros in `heads` are too old */
    shard->ring = (struct entry *)base;
    shard->heads = (_Atomic uint32_t *)(shard->ring + size);
    return (uint8_t *)(shard->heads + size);
}

static bool open_shards(struct latency *latency, uint64_t entries)
{
    latency->shard_count = latency->shared && entries >= SHARDS * SHARD_ENTRIES ? SHARDS : 1;
    uint32_t each = (uint32_t)(entries / latency->shard_count), size = 1;
    while (size < each || size * sizeof(uint32_t) < CACHE_LINE)
        size *= 2;
    size_t bytes = size * (sizeof(struct entry) + sizeof(uint32_t));
    latency->pages_size = latency->shard_count * bytes;
    latency->pages = pages_alloc(latency->pages_size);
    uint8_t *base = latency->pages;
    for (uint32_t i = 0; base && i < latency->shard_count; i++)
        base = open_shard(&latency->shards[i], each, size, base);
    return base != NULL;
}

static int latency_open(void **state, const struct settings *settings, unsigned workers,
                        struct error *err)
{
    struct latency *latency = calloc(1, sizeof *latency);
    struct siphash_key random;
    if (!latency)
        return error_set(err, "no memory to remember queries");
    latency->window_ns = settings->latency_window_ns;
    latency->shared = workers > 1;
    if (!open_shards(latency, settings->latency_entries) || siphash_key_random(&random) < 0) {
        latency_close(latency);
        return error_set(err, "no memory to remember queries");
    }
    nh_key_make(&latency->key, &random);
    *state = latency;
    return 0;
}

static uint64_t word_of(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    return (a & 0xffff) | (b & 0xffff) << 16 | (c & 0xffff) << 32 | (d & 0xffff) << 48;
}

/* Bytes of any length, in PART_MAX / 16 pairs at most. */
static void hash_part(struct nh *nh, const struct nh_key *key, struct span part)
{
    if (part.len <= PART_MAX)
        nh_bytes(nh, part.ptr, part.len, false);
    else
        nh_pair(nh, siphash_bytes(&key->last, part), part.len);
}

/* Of types that we do not know, each query and the response behind it are a pair of their own. */
static uint64_t side_of(uint32_t message_type)
{
    if (message_type < sizeof sides && sides[message_type] != SIDE_UNKNOWN)
        return sides[message_type];
    return (message_type + UINT64_C(1)) / 2 + SIDE_ASKS;
}

/* What query and response have in common; never 0. Lengths come first, so that no two keys are the
 * same words by shifting bytes between their parts. Length bytes of labels are below 64, no
 * letters: so the name may be treated as a whole. */
static uint64_t hash_event(const struct latency *latency, const struct event *ev)
{
    const struct dnstap *tap = &ev->tap;
    const struct dns_question *q = &ev->question;
    struct span from = ev->query_address, to = ev->response_address;
    uint64_t side = side_of(tap->message_type);
    uint64_t query_port = side == SIDE_ASKS ? 0 : tap->query_port;
    struct nh nh = nh_begin(&latency->key);
    nh_pair(&nh, word_of(query_port, tap->response_port, ev->header.id, q->type),
            word_of(q->class, side << 8 | (tap->protocol & 0xff),
                    (uint64_t)q->name.len << 8 | (from.len & 0xff),
                    (to.len & 0xff) << 8 | (tap->identity.len & 0xff)));
    if (from.len == 4 && to.len == 4) {
        nh_pair(&nh, siphash_load(from.ptr, 4), siphash_load(to.ptr, 4));
    } else {
        hash_part(&nh, &latency->key, from);
        hash_part(&nh, &latency->key, to);
    }
    hash_part(&nh, &latency->key, tap->identity);
    nh_bytes(&nh, q->name.wire, q->name.len, true);
    return nh_end(&nh, &latency->key) | 1;
}

static void lock(struct shard *shard)
{
    while (atomic_exchange_explicit(&shard->taken, true, memory_order_acquire))
        sched_yield();
}

static void unlock(struct shard *shard)
{
    atomic_store_explicit(&shard->taken, false, memory_order_release);
}

static _Atomic uint32_t *chain_of(const struct shard *shard, uint64_t hash)
{
    return &shard->heads[hash >> 32 & shard->mask];
}

static void remember(struct shard *shard, uint64_t hash, uint64_t time_ns)
{
    _Atomic uint32_t *head = chain_of(shard, hash);
    uint32_t before = atomic_load_explicit(head, memory_order_relaxed);
    shard->ring[shard->next & shard->mask] = (struct entry){hash, time_ns, before};
    atomic_store_explicit(head, shard->next++, memory_order_relaxed);
}

/* Judges a latency by the one rule for all. */
static void set_latency(struct event *ev, int64_t ns, uint64_t window_ns)
{
    ev->latency_ns = ns;
    ev->left_out = ns < 0                     ? LEFT_OUT_NEGATIVE
                   : (uint64_t)ns > window_ns ? LEFT_OUT_BEYOND
                                              : LEFT_OUT_NOT;
    ev->has_latency = ev->left_out == LEFT_OUT_NOT;
}

/* Gives the event its latency from the last query of that hash, and uses up all of them (it may
 * have been asked repeatedly); not so when the response is outside its window, and is then
 * another's. Along a chain ages grow, else it has left the ring. */
static void recall(struct shard *shard, struct event *ev, uint64_t time_ns, uint64_t window_ns)
{
    uint64_t hash = ev->match;
    uint32_t serial = atomic_load_explicit(chain_of(shard, hash), memory_order_relaxed);
    for (uint32_t age, last_age = 0;; last_age = age) {
        age = shard->next - serial;
        if (age > shard->remember || age <= last_age)
            return;
        struct entry *entry = &shard->ring[serial & shard->mask];
        if (entry->hash == hash) {
            if (!ev->has_latency)
                set_latency(ev, (int64_t)(time_ns - entry->time_ns), window_ns);
            if (!ev->has_latency)
                return;
            entry->hash = 0;
        }
        serial = entry->before;
    }
}

/* Seconds are 64 bits from outside. The result is at most INT64_MAX, which is in the year 2262: so
 * the difference of two of them is an int64_t. */
static uint64_t nanoseconds(uint64_t sec, uint32_t nsec)
{
    const uint64_t second = 1000000000;
    return sec < (INT64_MAX - UINT32_MAX) / second ? sec * second + nsec : INT64_MAX;
}

/* From the first time to the second; INT64_MIN or INT64_MAX when they lie centuries apart. */
static int64_t difference(uint64_t sec, uint32_t nsec, uint64_t then_sec, uint32_t then_nsec)
{
    const uint64_t far = (INT64_MAX - UINT32_MAX) / 1000000000;
    int64_t nanos = (int64_t)then_nsec - nsec;
    if (then_sec < sec)
        return sec - then_sec > far ? INT64_MIN : nanos - (int64_t)(sec - then_sec) * 1000000000;
    return then_sec - sec > far ? INT64_MAX : nanos + (int64_t)(then_sec - sec) * 1000000000;
}

/* The lowest bit of a hash is always set; the count of shards is a power of two. */
static struct shard *shard_of(struct latency *latency, uint64_t hash)
{
    return &latency->shards[hash >> 1 & (latency->shard_count - 1)];
}

static bool carries_both(const struct event *ev)
{
    const uint32_t both = DNSTAP_HAS_QUERY_SEC | DNSTAP_HAS_RESPONSE_SEC;
    return !dnstap_is_query(&ev->tap) && (ev->tap.has & both) == both;
}

/* The event's hash for matching; 0: it cannot be matched. */
static uint64_t match_of(struct latency *latency, struct event *ev)
{
    if (ev->match == 0 && !carries_both(ev) && ev->tap.has & DNSTAP_HAS_MESSAGE_TYPE &&
        event_need(ev, FACET_QUESTION) == 0)
        ev->match = hash_event(latency, ev);
    return ev->match;
}

/* Heads of chains are read without the lock here: an old one is fetched in vain, no more. */
static void latency_prefetch(void *state, struct event *ev)
{
    struct latency *latency = state;
    uint64_t hash = match_of(latency, ev);
    if (hash != 0)
        __builtin_prefetch((void *)chain_of(shard_of(latency, hash), hash), 1);
}

static void latency_prefetch_more(void *state, const struct event *ev)
{
    struct latency *latency = state;
    if (ev->match == 0 || dnstap_is_query(&ev->tap))
        return;
    const struct shard *shard = shard_of(latency, ev->match);
    uint32_t serial = atomic_load_explicit(chain_of(shard, ev->match), memory_order_relaxed);
    __builtin_prefetch(&shard->ring[serial & shard->mask], 1);
}

static void match(struct latency *latency, struct event *ev, uint64_t time_ns)
{
    struct shard *shard = shard_of(latency, ev->match);
    if (latency->shared)
        lock(shard);
    if (dnstap_is_query(&ev->tap))
        remember(shard, ev->match, time_ns);
    else
        recall(shard, ev, time_ns, latency->window_ns);
    if (latency->shared)
        unlock(shard);
}

/* A query of the year 2262 or later is not remembered: nobody knows how much later. */
static void latency_event(void *state, struct event *ev)
{
    struct latency *latency = state;
    const struct dnstap *tap = &ev->tap;
    uint64_t sec;
    uint32_t nsec;
    if (!event_time(ev, &sec, &nsec))
        return;
    if (carries_both(ev)) {
        set_latency(ev, difference(tap->query_sec, tap->query_nsec, sec, nsec), latency->window_ns);
        return;
    }
    uint64_t time_ns = nanoseconds(sec, nsec);
    if (match_of(latency, ev) != 0 && (time_ns < INT64_MAX || !dnstap_is_query(tap)))
        match(latency, ev, time_ns);
}

static const struct stage_hooks latency_hooks = {
    .provides = FACET_LATENCY,
    .needs = FACET_DNSTAP,
    .open = latency_open,
    .prefetch = latency_prefetch,
    .prefetch_more = latency_prefetch_more,
    .event = latency_event,
    .close = latency_close,
};

const struct module stage_latency = {
    .name = "latency",
    .kind = MODULE_STAGE,
    .doc =
        "How long a response took: from the times it carries, or else from its query, which is "
        "remembered for the latency-window and matched by identity, addresses, ports (but for the "
        "server's own when it asks others), protocol, DNS id and question. A query asked again "
        "counts from the last time. A latency that is negative or beyond the window is none, and "
        "counted as left out.",
    .hooks = &latency_hooks,
};
