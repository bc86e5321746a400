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
 * What is remembered is a keyed 64-bit hash of all that, and the time: the hashes of name and
 * client where the event has them for others too, else these themselves, and the hash of the
 * identity, mixed with what is short by NH (base/nh.h). Clients choose names and ports, but without
 * the keys they cannot choose which queries collide.
 * Two events of different names, clients or identities are as far apart as SipHash has made these
 * hashes; two that share them, and whose other words differ, differ in the sum of NH for all but
 * one of 2^64 of its secrets; and no hash leaves the stage, so nobody learns of a secret by it.
 * Entries stand in a ring, where the oldest makes room (stage/ring.h).
 *
 * A query that is asked again replaces itself: its response is measured from the last time it was
 * asked. A match is used up, so that of two responses only the first has a latency.
 *
 * Queries and responses that find no match tell of frames that never came (stage/loss.h). A
 * response may come before its query, where a server's threads write to queues of their own; so a
 * response without a query waits for one in a second, smaller ring. Both are judged when their
 * window is over (stage/waiting.h). Responses that carry both times need no match for their
 * latency; they are matched only for this, in streams that have queries.
 *
 * What exchanges say of others (enum event_context) is found in a table of its own
 * (stage/recent.h), by hashes without ports and ids: whether a name and type that others are asked
 * for had been asked for before, whether a client's answer had to wait for others, and whether a
 * query over TCP follows a truncated answer. What is not in the table was not, or is forgotten.
 */
#include <assert.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/ascii.h"
#include "base/clock.h"
#include "base/nh.h"
#include "base/pages.h"
#include "core/stage.h"
#include "stage/known.h"
#include "stage/recent.h"
#include "stage/waiting.h"

/* A worker that was not heard of for longer was held up. */
#define HELD_UP_NS (3 * CLOCK_SECOND_NS / 2)

enum {
    SHARDS_MAX = 64,      /* of several workers; one has a single shard */
    SHARDS_A_WORKER = 4,  /* with so many two rarely meet in one; more are colder */
    SHARD_ENTRIES = 1024, /* and each holds at least this */
    CACHE_LINE = 64,
    EARLY_PART = 8,  /* for one early response to so many queries there is room */
    RECENT_PART = 4, /* and for one exchange that others may belong to */
};

/* A part of the queries, by their hashes. Its lock is held for some ten nanoseconds: so waiting is
 * spinning. */
struct latency_shard {
    struct waiting queries;
    atomic_bool taken;
    struct waiting early; /* responses that came before their queries, if these come at all */
    char padding[2 * CACHE_LINE - 2 * sizeof(struct waiting) - sizeof(void *)];
};
static_assert(sizeof(struct latency_shard) == 2 * CACHE_LINE, "shards share no line");

/* A worker's own. How long it has listened: a time in which it was held up does not count, since
 * what came meanwhile has still to be read. */
struct latency_listener {
    uint64_t last_ns; /* by clock_ns */
    _Atomic uint64_t heard_ns;
    struct known_few known;
};

/* Owner: the engine; used by all workers. */
struct latency {
    struct nh_key key;
    struct siphash_key identity_key;
    struct judge judge;
    bool shared;          /* by more than one worker */
    bool keeps_account;   /* of exchanges that came by half: somebody asked for FACET_LOSSES */
    bool has_hashes;      /* events have FACET_HASHES: for the account, or for others */
    uint32_t facets;      /* what an event is matched by */
    uint32_t shard_count; /* a power of two */
    struct latency_shard shards[SHARDS_MAX];
    struct recent recent; /* its lines are the shards', as recent_part numbers them */
    struct losses losses;
    unsigned workers;
    struct latency_listener *listeners;
    void *pages; /* what the rings and heads lie in */
    size_t pages_size;
};

static void latency_close(void *state)
{
    struct latency *latency = state;
    if (!latency)
        return;
    pages_free(latency->pages, latency->pages_size);
    losses_destroy(&latency->losses);
    free(latency->listeners);
    free(latency);
}

/* In slow traffic each event finds everything cold but what those just before it have touched: so
 * there are no more shards than workers need. */
static uint32_t shards_for(uint64_t workers, uint64_t entries)
{
    uint32_t count = 1;
    while (workers > 1 && count < SHARDS_MAX && count < workers * SHARDS_A_WORKER &&
           entries / (2 * count) >= SHARD_ENTRIES)
        count *= 2;
    return count;
}

static bool open_shards(struct latency *latency, uint64_t entries)
{
    latency->shard_count = shards_for(latency->workers, entries);
    uint32_t each = (uint32_t)(entries / latency->shard_count), early = each / EARLY_PART + 1;
    uint32_t recent = latency->keeps_account ? (uint32_t)(entries / RECENT_PART) : 0;
    latency->pages_size =
        latency->shard_count * (ring_bytes(each) + ring_bytes(early)) + recent_bytes(recent);
    latency->pages = pages_alloc(latency->pages_size);
    uint8_t *base = latency->pages;
    for (uint32_t i = 0; base && i < latency->shard_count; i++) {
        base = waiting_open(&latency->shards[i].queries, each, base);
        base = waiting_open(&latency->shards[i].early, early, base);
    }
    if (base)
        base = recent_open(&latency->recent, recent, (int64_t)latency->judge.window_ns, base);
    return base != NULL;
}

static int latency_open(void **state, const struct stage_options *options, uint32_t *needs,
                        struct error *err)
{
    const struct settings *settings = options->settings;
    struct latency *latency = calloc(1, sizeof *latency);
    struct siphash_key random;
    if (!latency)
        return error_set(err, "no memory to remember queries");
    judge_init(&latency->judge, settings->latency_window_ns, &latency->losses);
    latency->shared = options->workers > 1;
    latency->workers = options->workers;
    latency->keeps_account = options->wanted & FACET_LOSSES;
    latency->has_hashes = options->wanted & (FACET_HASHES | FACET_LOSSES);
    latency->facets = FACET_QUESTION | (latency->has_hashes ? FACET_HASHES : 0);
    latency->listeners = calloc(options->workers, sizeof *latency->listeners);
    int failed = losses_init(&latency->losses, options->workers);
    if (failed || !latency->listeners || !open_shards(latency, settings->latency_entries) ||
        siphash_key_random(&random) < 0 || siphash_key_random(&latency->identity_key) < 0) {
        latency_close(latency);
        return error_set(err, "no memory to remember queries");
    }
    nh_key_make(&latency->key, &random);
    *needs = FACET_DNSTAP;
    *state = latency;
    return 0;
}

static uint64_t word_of(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    return (a & 0xffff) | (b & 0xffff) << 16 | (c & 0xffff) << 32 | (d & 0xffff) << 48;
}

/* A server says of one exchange in different words what it is: BIND calls a query AUTH when it was
 * asked without recursion or did not recurse, and its response CLIENT when recursion was desired.
 * So what counts is the side. An unknown type of query and the type that follows it, its response,
 * make a side of their own. */
static uint64_t side_of(const struct event *ev)
{
    return ev->side != DNSTAP_SIDE_UNKNOWN
               ? ev->side
               : DNSTAP_SIDE_UNKNOWN + (ev->tap.message_type + UINT64_C(1)) / 2;
}

/* Adds the name, its letters in lower case, and the client. */
static inline void add_ends(struct nh *nh, struct dns_name name, struct span client)
{
    nh_pair(nh, name.len, client.len);
    nh_bytes(nh, client.ptr, client.len);
    nh_bytes_as(nh, name.wire, name.len, ascii_lower);
}

/* What query and response have in common; never 0. */
static inline uint64_t hash_event(const struct latency *latency, const struct event *ev,
                                  uint64_t identity)
{
    const struct dnstap *tap = &ev->tap;
    const struct dns_question *q = &ev->question;
    struct span to = ev->response_address;
    uint64_t side = side_of(ev);
    uint64_t query_port = side == DNSTAP_SIDE_UPSTREAM ? 0 : tap->query_port;
    struct nh nh = nh_begin(&latency->key);
    nh_pair(&nh, word_of(query_port, tap->response_port, ev->header.id, q->type),
            side << 32 | word_of(q->class, (tap->protocol & 0xff) << 8 | (to.len & 0xff), 0, 0));
    if (to.len == 16)
        nh_pair(&nh, siphash_load(to.ptr, 8), siphash_load(to.ptr + 8, 8));
    else
        nh_pair(&nh, to.len == 4 ? siphash_load(to.ptr, 4) : 0, 0);
    if (latency->has_hashes)
        nh_hashes(&nh, ev->name_hash, ev->client_hash);
    else
        add_ends(&nh, q->name, ev->query_address);
    nh_hashes(&nh, 0, identity);
    return nh_fold(&nh, 0) | 1;
}

/* The hash of a name and type of the stream; never 0. The hashes of names and identities are as
 * good as random for whoever does not know their keys, and types of one name differ by multiples of
 * a secret that is odd. */
static inline uint64_t hash_name(const struct latency *latency, const struct event *ev,
                                 uint64_t identity)
{
    uint64_t type = (uint64_t)ev->question.class << 16 | ev->question.type;
    uint64_t hash = ev->name_hash + identity + type * (latency->key.words[0] | 1);
    return hash ? hash : 1;
}

static void take_shard(const struct latency *latency, struct latency_shard *shard)
{
    while (latency->shared && atomic_exchange_explicit(&shard->taken, true, memory_order_acquire))
        sched_yield();
}

static void leave_shard(const struct latency *latency, struct latency_shard *shard)
{
    if (latency->shared)
        atomic_store_explicit(&shard->taken, false, memory_order_release);
}

/* Seconds are 64 bits from outside. The result is at most INT64_MAX, which is in the year 2262: so
 * the difference of two of them is an int64_t. */
static uint64_t nanoseconds(uint64_t sec, uint32_t nsec)
{
    const uint64_t second = 1000000000;
    return sec < (INT64_MAX - UINT32_MAX) / second ? sec * second + nsec : INT64_MAX;
}

static bool carries_both(const struct event *ev)
{
    const uint32_t both = DNSTAP_HAS_QUERY_SEC | DNSTAP_HAS_RESPONSE_SEC;
    return !dnstap_is_query(&ev->tap) && (ev->tap.has & both) == both;
}

/* The message's type; unknown ones are type 0, of which nothing is judged. */
static uint8_t type_of(const struct dnstap *tap)
{
    return tap->message_type < LOSS_TYPES ? (uint8_t)tap->message_type : 0;
}

/* The query time that a response carries; INT64_MIN: none. */
static int64_t asked_at(const struct event *ev)
{
    return carries_both(ev) ? (int64_t)nanoseconds(ev->tap.query_sec, ev->tap.query_nsec)
                            : INT64_MIN;
}

static void remember(struct latency *latency, struct waiting *waiting, const struct event *ev,
                     int64_t time_ns, enum fate fate)
{
    if (latency->keeps_account)
        waiting_judge_some(&latency->judge, waiting);
    struct ring_entry *entry = ring_add(&waiting->ring, ev->match);
    entry->time_ns = time_ns;
    entry->stream = ev->match_stream;
    entry->type = type_of(&ev->tap) & 0x7f;
    entry->fate = (uint8_t)fate & 0xf;
    entry->stays = 0;
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

/* Whether the response is that query's. It gets its latency, unless it carries that itself. */
static bool meets(const struct latency *latency, struct event *ev, struct ring_entry *entry,
                  int64_t time_ns)
{
    int64_t ns = time_ns - entry->time_ns;
    bool inside = ns >= 0 && (uint64_t)ns <= latency->judge.window_ns;
    if (!carries_both(ev))
        set_latency(ev, ns, latency->judge.window_ns);
    if (ns < 0)
        entry->fate = FATE_JUDGED; /* clocks disagree, but nothing is missing */
    return inside;
}

/* Finds the last query of the response's hash and uses it up; others of that hash are answered with
 * it, since it was asked repeatedly, and a response of their own may come. When the response is
 * outside that query's window it belongs to another one, and nothing is used up. False: there is no
 * query of that hash. */
static bool recall(struct latency *latency, struct ring *ring, struct event *ev, int64_t time_ns)
{
    struct ring_walk walk = ring_begin(ring, ev->match);
    struct ring_entry *entry = ring_next(ring, ev->match, &walk);
    if (!entry)
        return false;
    if (entry->fate == FATE_ANSWERED) {
        entry->hash = 0;
        return true;
    }
    if (!meets(latency, ev, entry, time_ns))
        return true;
    loss_matched(&latency->losses.streams[ev->match_stream], entry->type, type_of(&ev->tap),
                 time_ns);
    entry->hash = 0;
    while ((entry = ring_next(ring, ev->match, &walk)))
        entry->fate = FATE_ANSWERED;
    return true;
}

/* Servers of many threads may send a response before its query. So one that finds none is
 * remembered, too, where its query may come. */
static void answered(struct latency *latency, struct latency_shard *shard, struct event *ev,
                     int64_t time_ns)
{
    const struct loss_stream *stream = &latency->losses.streams[ev->match_stream];
    if (recall(latency, &shard->queries.ring, ev, time_ns) || ev->match_stream == 0)
        return;
    enum loss_hope hope = loss_hope(stream, type_of(&ev->tap), time_ns, asked_at(ev),
                                    (int64_t)latency->judge.window_ns);
    if (hope != LOSS_NO_QUERY)
        remember(latency, &shard->early, ev, time_ns, hope == LOSS_QUERY ? FATE_OPEN : FATE_MAYBE);
}

/* True when the query's response has come before it. */
static bool was_answered(struct latency *latency, struct ring *early, const struct event *ev,
                         int64_t time_ns)
{
    struct ring_walk walk = ring_begin(early, ev->match);
    struct ring_entry *entry;
    while ((entry = ring_next(early, ev->match, &walk))) {
        int64_t ns = entry->time_ns - time_ns;
        if (ns < 0 || ns > (int64_t)latency->judge.window_ns)
            continue;
        entry->hash = 0;
        return true;
    }
    return false;
}

/* Responses may be waiting for their queries. */
static bool has_early(const struct latency_shard *shard)
{
    return shard->early.ring.next != shard->early.judged;
}

static void asked(struct latency *latency, struct latency_shard *shard, const struct event *ev,
                  int64_t time_ns)
{
    enum fate fate = loss_follows(ev->tap.message_type) ? FATE_OPEN : FATE_JUDGED;
    if (has_early(shard)) {
        if (was_answered(latency, &shard->early.ring, ev, time_ns))
            fate = FATE_JUDGED;
        waiting_judge_some(&latency->judge, &shard->early);
    }
    remember(latency, &shard->queries, ev, time_ns, fate);
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
static struct latency_shard *shard_of(struct latency *latency, uint64_t hash)
{
    return &latency->shards[hash >> 1 & (latency->shard_count - 1)];
}

/* The number of the event's stream; 0: it is none of those that are judged. */
static inline unsigned stream_of(struct latency *latency, struct known_identity *known,
                                 const struct event *ev)
{
    if (known->stream == 0 && latency->keeps_account)
        known->stream = (uint16_t)losses_find(&latency->losses, ev->tap.identity,
                                              dnstap_is_query(&ev->tap) ? ev->origin : NULL);
    return known->stream;
}

/* The event's hash for matching; 0: it cannot be matched, or need not be. A response that carries
 * both times is matched for the sake of losses alone, where queries come, too. */
static inline uint64_t match_of(struct latency *latency, unsigned worker, struct event *ev)
{
    bool timed = carries_both(ev);
    if (ev->match != 0 || !(ev->tap.has & DNSTAP_HAS_MESSAGE_TYPE) ||
        (timed && !(latency->keeps_account && loss_follows(ev->tap.message_type))))
        return ev->match;
    struct known_identity *known =
        known_of(&latency->listeners[worker].known, &latency->identity_key, ev->tap.identity);
    unsigned stream = stream_of(latency, known, ev);
    if ((timed && stream == 0) || event_need(ev, latency->facets) != 0)
        return 0;
    ev->match_stream = (uint16_t)stream;
    ev->match = hash_event(latency, ev, known->hash);
    if (stream != 0)
        ev->recent = hash_name(latency, ev, known->hash);
    return ev->match;
}

/* --- what exchanges say of others ------------------------------------------------------------- */

/* Whether the event is looked for among the names that others are asked for: it is from them or to
 * them, or a response of a stream that asks any. */
static inline bool has_recent(const struct latency *latency, const struct event *ev)
{
    const struct loss_stream *stream = &latency->losses.streams[ev->match_stream];
    if (ev->match_stream == 0 || ev->side == DNSTAP_SIDE_UPSTREAM)
        return ev->match_stream != 0;
    return ev->side == DNSTAP_SIDE_CLIENT && !dnstap_is_query(&ev->tap) &&
           atomic_load_explicit(&stream->asks, memory_order_relaxed);
}

static struct latency_shard *recent_shard(struct latency *latency, uint64_t hash)
{
    return &latency->shards[recent_part(&latency->recent, hash) & (latency->shard_count - 1)];
}

static void set_upstream_context(struct latency *latency, struct event *ev, int64_t time_ns)
{
    if (dnstap_is_query(&ev->tap)) {
        if (recent_asked(&latency->recent, ev->recent, time_ns))
            ev->context |= CONTEXT_AGAIN;
        return;
    }
    int64_t asked_ns = asked_at(ev);
    recent_answered(&latency->recent, ev->recent, asked_ns != INT64_MIN ? asked_ns : time_ns,
                    time_ns);
}

/* Of a response to a client, how long it took is known. */
static void set_context(struct latency *latency, struct event *ev, int64_t time_ns)
{
    struct latency_shard *shard = recent_shard(latency, ev->recent);
    bool upstream = ev->side == DNSTAP_SIDE_UPSTREAM;
    if (upstream)
        loss_set(&latency->losses.streams[ev->match_stream].asks);
    take_shard(latency, shard);
    if (upstream)
        set_upstream_context(latency, ev, time_ns);
    else if (recent_awaited(&latency->recent, ev->recent, time_ns - ev->latency_ns, time_ns))
        ev->context |= CONTEXT_FETCHED;
    else
        ev->context |= CONTEXT_CACHED;
    leave_shard(latency, shard);
}

/* Who gets a truncated answer asks again over such a one. */
static bool is_after_datagram(const struct dnstap *tap)
{
    return tap->protocol == DNSTAP_TCP || tap->protocol == DNSTAP_DNSCRYPT_TCP;
}

/* What a truncated answer, and a query that may follow it, have in common: name and type, and who
 * asks, or who is asked; but not the port and the id. */
static uint64_t hash_truncated(const struct latency *latency, const struct event *ev)
{
    bool upstream = ev->side == DNSTAP_SIDE_UPSTREAM;
    struct span end = upstream ? ev->response_address : ev->query_address;
    struct nh nh = nh_begin(&latency->key);
    nh_pair(&nh, word_of(end.len, upstream, 0, 0), 0);
    nh_bytes(&nh, end.ptr, end.len);
    nh_hashes(&nh, ev->recent, 0);
    return nh_fold(&nh, 0) | 1;
}

static void find_truncated(struct latency *latency, struct event *ev, int64_t time_ns)
{
    uint64_t hash = hash_truncated(latency, ev);
    struct latency_shard *shard = recent_shard(latency, hash);
    take_shard(latency, shard);
    if (!dnstap_is_query(&ev->tap))
        recent_truncated(&latency->recent, hash, time_ns);
    else if (recent_follows(&latency->recent, hash, time_ns))
        ev->context |= CONTEXT_TRUNCATED;
    leave_shard(latency, shard);
}

/* Whether the event is such a one. */
static inline bool may_be_truncated(struct loss_stream *stream, const struct event *ev)
{
    if (dnstap_is_query(&ev->tap))
        return is_after_datagram(&ev->tap) &&
               atomic_load_explicit(&stream->truncates, memory_order_relaxed);
    bool truncated = ev->header.flags & DNS_FLAG_TC && dnstap_is_datagram(&ev->tap);
    if (truncated)
        loss_set(&stream->truncates);
    return truncated;
}

static void find_context(struct latency *latency, struct event *ev, int64_t time_ns)
{
    if (may_be_truncated(&latency->losses.streams[ev->match_stream], ev))
        find_truncated(latency, ev, time_ns);
    if (has_recent(latency, ev) && (ev->side == DNSTAP_SIDE_UPSTREAM || ev->has_latency))
        set_context(latency, ev, time_ns);
}

/* --- hooks ------------------------------------------------------------------------------------ */

static void latency_prefetch(void *state, unsigned worker, struct event *ev)
{
    struct latency *latency = state;
    uint64_t hash = match_of(latency, worker, ev);
    if (hash == 0)
        return;
    ring_prefetch(&shard_of(latency, hash)->queries.ring, hash);
    if (has_recent(latency, ev))
        recent_prefetch(&latency->recent, ev->recent);
}

static void latency_prefetch_more(void *state, const struct event *ev)
{
    if (ev->match != 0 && !dnstap_is_query(&ev->tap))
        ring_prefetch_last(&shard_of(state, ev->match)->queries.ring, ev->match);
}

static void match(struct latency *latency, struct event *ev, int64_t time_ns)
{
    struct latency_shard *shard = shard_of(latency, ev->match);
    if (ev->match_stream)
        loss_heard(&latency->losses.streams[ev->match_stream], ev, time_ns,
                   judge_mark(&latency->judge));
    take_shard(latency, shard);
    if (dnstap_is_query(&ev->tap))
        asked(latency, shard, ev, time_ns);
    else
        answered(latency, shard, ev, time_ns);
    leave_shard(latency, shard);
}

/* A query of the year 2262 or later is not remembered: nobody knows how much later. */
static enum stage_verdict latency_event(void *state, unsigned worker, struct event *ev)
{
    struct latency *latency = state;
    const struct dnstap *tap = &ev->tap;
    uint64_t sec;
    uint32_t nsec;
    if (!event_time(ev, &sec, &nsec))
        return STAGE_PASS;
    if (carries_both(ev))
        set_latency(ev, difference(tap->query_sec, tap->query_nsec, sec, nsec),
                    latency->judge.window_ns);
    int64_t time_ns = (int64_t)nanoseconds(sec, nsec);
    if (match_of(latency, worker, ev) == 0 || (time_ns == INT64_MAX && dnstap_is_query(tap)))
        return STAGE_PASS;
    match(latency, ev, time_ns);
    if (ev->match_stream != 0)
        find_context(latency, ev, time_ns);
    return STAGE_PASS;
}

/* --- time that passes without events ---------------------------------------------------------- */

static void take_mark(struct latency *latency, uint64_t heard_ns)
{
    bool due = judge_is_due(&latency->judge, heard_ns);
    for (uint32_t i = 0; i < latency->shard_count; i++) {
        struct latency_shard *shard = &latency->shards[i];
        take_shard(latency, shard);
        waiting_mark(&latency->judge, &shard->queries, heard_ns, due);
        waiting_mark(&latency->judge, &shard->early, heard_ns, due);
        leave_shard(latency, shard);
    }
    if (due)
        judge_marked(&latency->judge, heard_ns);
}

/* How long, in nanoseconds, all workers have listened; the time that one was held up does not
 * count. */
static uint64_t listened(struct latency *latency, unsigned worker)
{
    struct latency_listener *own = &latency->listeners[worker];
    uint64_t now_ns = clock_ns(), least_ns = UINT64_MAX;
    uint64_t passed_ns = own->last_ns ? now_ns - own->last_ns : 0;
    if (passed_ns > HELD_UP_NS)
        passed_ns = HELD_UP_NS;
    own->last_ns = now_ns;
    atomic_fetch_add_explicit(&own->heard_ns, passed_ns, memory_order_relaxed);
    for (unsigned i = 0; i < latency->workers; i++) {
        uint64_t ns = atomic_load_explicit(&latency->listeners[i].heard_ns, memory_order_relaxed);
        least_ns = ns < least_ns ? ns : least_ns;
    }
    return least_ns;
}

static void latency_tick(void *state, unsigned worker, bool ended)
{
    struct latency *latency = state;
    uint64_t heard_ns = listened(latency, worker);
    for (int i = 0; i < KNOWN; i++)
        latency->listeners[worker].known.known[i].stream = 0; /* good until now */
    if (!latency->keeps_account)
        return;
    losses_tick(&latency->losses, worker, ended);
    if (worker == 0 && !ended) {
        take_mark(latency, heard_ns);
        losses_age(&latency->losses, heard_ns, latency->judge.window_ns);
    }
    for (uint32_t i = 0; ended && i < latency->shard_count; i++) {
        struct latency_shard *shard = &latency->shards[i];
        take_shard(latency, shard);
        waiting_judge_rest(&latency->judge, &shard->queries);
        waiting_judge_rest(&latency->judge, &shard->early);
        leave_shard(latency, shard);
    }
}

static void latency_losses(void *state, void (*take)(void *ctx, const struct stage_loss *loss),
                           void *ctx)
{
    struct latency *latency = state;
    losses_each(&latency->losses, take, ctx);
}

static const struct stage_hooks latency_hooks = {
    .provides = FACET_LATENCY | FACET_LOSSES,
    .heeds = FACET_HASHES | FACET_LOSSES,
    .suits = settings_same_latency,
    .open = latency_open,
    .prefetch = latency_prefetch,
    .prefetch_more = latency_prefetch_more,
    .event = latency_event,
    .tick = latency_tick,
    .losses = latency_losses,
    .close = latency_close,
};

const struct module stage_latency = {
    .name = "latency",
    .kind = MODULE_STAGE,
    .once = true,
    .doc =
        "How long a response took: from the times it carries, or else from its query, which is "
        "remembered for the latency-window and matched by identity, addresses, ports (but for the "
        "server's own when it asks others), protocol, DNS id and question. A query asked again "
        "counts from the last time. A latency that is negative or beyond the window is none, and "
        "counted as left out. Queries without a response and responses without a query are counted "
        "where the other half should have come.",
    .common = &stage_common,
    .hooks = &latency_hooks,
};
