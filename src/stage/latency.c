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
 *
 * What finds no match tells of frames that never came (stage/loss.h). For that queries are judged
 * once more, in the order of the ring: when their window is over by the clock of their stream, by
 * later events of it, or, when none comes, a window after they came. Responses that carry both
 * times are matched for that alone, where there are queries, too.
 */
#include <assert.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/nh.h"
#include "base/pages.h"
#include "core/stage.h"
#include "stage/loss.h"

/* A worker that was not heard of for longer was held up. */
#define HELD_UP_NS (3 * CLOCK_SECOND_NS / 2)

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

enum fate {
    FATE_OPEN,
    FATE_JUDGED,   /* it may still be answered, but is not judged any more */
    FATE_ANSWERED, /* it was asked again, and that was answered; a response of its own may come */
};

struct entry {
    uint64_t hash; /* 0: used up */
    int64_t time_ns;
    uint32_t before; /* serial of the entry before it in its chain */
    uint16_t stream; /* number, stage/loss.h */
    uint8_t type;    /* enum dnstap_message_type */
    uint8_t fate;
};
enum { MARKS = 4, AT_ONCE = 2 /* queries judged with each that comes */ };

/* A part of the queries, by their hashes. Its lock is held for some ten nanoseconds: so waiting is
 * spinning. */
struct shard {
    struct entry *ring;
    _Atomic uint32_t *heads; /* of the chains: serial of the last entry */
    uint32_t mask;           /* entries of the ring, and chains: a power of two, less one */
    uint32_t remember;       /* so many of the last entries count */
    uint32_t next;           /* serial of the next entry */
    uint32_t judged;         /* serial of the first entry that is not judged yet */
    uint32_t marks[MARKS];   /* `next` at latency.mark_ns */
    atomic_bool taken;
    char padding[CACHE_LINE - 2 * sizeof(void *) - (4 + MARKS) * sizeof(uint32_t) -
                 sizeof(atomic_bool)];
};

/* How long a worker has listened: a time in which it was held up does not count, since what came
 * meanwhile has still to be read. */
struct listener {
    uint64_t last_ns; /* by clock_ns */
    _Atomic uint64_t heard_ns;
};

/* Owner: the pipeline; used by all workers. */
struct latency {
    struct nh_key key;
    uint64_t window_ns;
    bool shared;          /* by more than one worker */
    uint32_t shard_count; /* 1 or SHARDS */
    struct shard shards[SHARDS];
    struct losses losses;
    unsigned workers;
    struct listener *listeners;
    /* By the time listened; the first worker's own. */
    uint64_t mark_ns[MARKS];
    unsigned mark;
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

/* Places the shard's arrays at `base`. */
static uint8_t *open_shard(struct shard *shard, uint32_t entries, uint32_t size, uint8_t *base)
{
    shard->mask = size - 1;
    shard->remember = entries;
    shard->next = entries + 1; /* so that the zeros in `heads` are too old */
    shard->judged = shard->next;
    for (int i = 0; i < MARKS; i++)
        shard->marks[i] = shard->next;
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
    latency->workers = workers;
    latency->listeners = calloc(workers, sizeof *latency->listeners);
    losses_init(&latency->losses);
    if (!latency->listeners || !open_shards(latency, settings->latency_entries) ||
        siphash_key_random(&random) < 0) {
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

/* Those that we do not know are type 0, of which nothing is judged. */
static uint8_t type_of(const struct dnstap *tap)
{
    return tap->message_type < LOSS_TYPES ? (uint8_t)tap->message_type : 0;
}

/* When a response says that it was asked; INT64_MIN: it does not. */
static int64_t asked_at(const struct event *ev)
{
    return carries_both(ev) ? (int64_t)nanoseconds(ev->tap.query_sec, ev->tap.query_nsec)
                            : INT64_MIN;
}

/* Judges the query at the ring's end, if it can be judged: its window is over by its stream's
 * clock, or it must leave. False: it is too early. */
static bool judge(struct latency *latency, struct entry *entry, bool leaves)
{
    struct loss_stream *stream = &latency->losses.streams[entry->stream];
    if (entry->hash == 0 || entry->fate != FATE_OPEN || entry->stream == 0)
        return true;
    if (loss_time(&stream->clock_ns) - entry->time_ns > (int64_t)latency->window_ns) {
        loss_unanswered(stream, entry->type, entry->time_ns);
        entry->fate = FATE_JUDGED;
        return true;
    }
    if (leaves)
        loss_forgotten(stream, entry->time_ns);
    return leaves;
}

static void remember(struct latency *latency, struct shard *shard, const struct event *ev,
                     int64_t time_ns)
{
    for (int i = 0; i < AT_ONCE && shard->judged != shard->next; i++) {
        bool leaves = shard->next - shard->judged >= shard->remember;
        if (!judge(latency, &shard->ring[shard->judged & shard->mask], leaves))
            break;
        shard->judged++;
    }
    _Atomic uint32_t *head = chain_of(shard, ev->match);
    shard->ring[shard->next & shard->mask] = (struct entry){
        .hash = ev->match,
        .time_ns = time_ns,
        .before = atomic_load_explicit(head, memory_order_relaxed),
        .stream = ev->match_stream,
        .type = type_of(&ev->tap),
    };
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

/* Whether the response is that query's. It gets its latency, unless it carries that itself. */
static bool meets(const struct latency *latency, struct event *ev, struct entry *entry,
                  int64_t time_ns)
{
    int64_t ns = time_ns - entry->time_ns;
    bool inside = ns >= 0 && (uint64_t)ns <= latency->window_ns;
    if (!carries_both(ev))
        set_latency(ev, ns, latency->window_ns);
    if (ns < 0)
        entry->fate = FATE_JUDGED; /* clocks disagree, but nothing is missing */
    return inside;
}

/* Finds the last query of the response's hash and uses it up; others of that hash are answered with
 * it, since it was asked repeatedly, and a response of their own may come. Not so when the response
 * is outside of its window, and is then another's. Along a chain ages grow, else it has left the
 * ring. */
static void recall(struct latency *latency, struct shard *shard, struct event *ev, int64_t time_ns)
{
    struct loss_stream *stream = &latency->losses.streams[ev->match_stream];
    uint32_t serial = atomic_load_explicit(chain_of(shard, ev->match), memory_order_relaxed);
    bool found = false;
    for (uint32_t age, last_age = 0;; last_age = age) {
        struct entry *entry = &shard->ring[serial & shard->mask];
        age = shard->next - serial;
        if (age > shard->remember || age <= last_age)
            break;
        serial = entry->before;
        if (entry->hash != ev->match)
            continue;
        if (!found && entry->fate != FATE_ANSWERED) {
            if (!meets(latency, ev, entry, time_ns))
                return;
            loss_matched(stream, entry->type, type_of(&ev->tap), time_ns);
            entry->hash = 0;
            found = true;
        } else if (!found) {
            entry->hash = 0;
            return;
        }
        entry->fate = FATE_ANSWERED;
    }
    if (!found && ev->match_stream)
        loss_unasked(stream, type_of(&ev->tap), time_ns, asked_at(ev), (int64_t)latency->window_ns);
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

/* The event's hash for matching; 0: it cannot be matched, or need not be. A response that carries
 * both times is matched for the sake of losses alone, where queries come, too. */
static uint64_t match_of(struct latency *latency, struct event *ev)
{
    bool timed = carries_both(ev);
    if (ev->match != 0 || !(ev->tap.has & DNSTAP_HAS_MESSAGE_TYPE) ||
        (timed && !loss_judges(ev->tap.message_type)))
        return ev->match;
    unsigned stream = losses_find(&latency->losses, ev->tap.identity, dnstap_is_query(&ev->tap));
    if ((timed && stream == 0) || event_need(ev, FACET_QUESTION) != 0)
        return 0;
    ev->match_stream = (uint16_t)stream;
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

static void match(struct latency *latency, struct event *ev, int64_t time_ns)
{
    struct shard *shard = shard_of(latency, ev->match);
    if (ev->match_stream)
        loss_heard(&latency->losses.streams[ev->match_stream], ev, time_ns);
    if (latency->shared)
        lock(shard);
    if (dnstap_is_query(&ev->tap))
        remember(latency, shard, ev, time_ns);
    else
        recall(latency, shard, ev, time_ns);
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
    if (carries_both(ev))
        set_latency(ev, difference(tap->query_sec, tap->query_nsec, sec, nsec), latency->window_ns);
    int64_t time_ns = (int64_t)nanoseconds(sec, nsec);
    if (match_of(latency, ev) != 0 && (time_ns < INT64_MAX || !dnstap_is_query(tap)))
        match(latency, ev, time_ns);
}

/* --- time that passes without events ---------------------------------------------------------- */

/* A stream that has gone quiet does not tell that windows are over. */
static void judge_until(struct latency *latency, struct shard *shard, uint32_t serial)
{
    for (; (int32_t)(serial - shard->judged) > 0; shard->judged++) {
        struct entry *entry = &shard->ring[shard->judged & shard->mask];
        if (entry->hash == 0 || entry->fate != FATE_OPEN || entry->stream == 0)
            continue;
        loss_unanswered(&latency->losses.streams[entry->stream], entry->type, entry->time_ns);
        entry->fate = FATE_JUDGED;
    }
}

/* No more will come: judges what can be judged by the streams' clocks. */
static void judge_rest(struct latency *latency, struct shard *shard)
{
    for (uint32_t serial = shard->judged; serial != shard->next; serial++)
        judge(latency, &shard->ring[serial & shard->mask], false);
}

/* Takes a mark a quarter of a window after the last one, and judges what came before a mark that is
 * a window old. */
static void take_mark(struct latency *latency, uint64_t heard_ns)
{
    uint64_t *oldest_ns = &latency->mark_ns[latency->mark];
    uint64_t last_ns = latency->mark_ns[(latency->mark + MARKS - 1) % MARKS];
    bool due = heard_ns - last_ns >= latency->window_ns / MARKS;
    for (uint32_t i = 0; i < latency->shard_count; i++) {
        struct shard *shard = &latency->shards[i];
        if (latency->shared)
            lock(shard);
        for (int m = 0; m < MARKS; m++) {
            if (heard_ns - latency->mark_ns[m] >= latency->window_ns)
                judge_until(latency, shard, shard->marks[m]);
        }
        if (due)
            shard->marks[latency->mark] = shard->next;
        if (latency->shared)
            unlock(shard);
    }
    if (!due)
        return;
    *oldest_ns = heard_ns;
    latency->mark = (latency->mark + 1) % MARKS;
}

/* How long all workers have listened. */
static uint64_t listened(struct latency *latency, unsigned worker)
{
    struct listener *own = &latency->listeners[worker];
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
    if (worker == 0 && !ended)
        take_mark(latency, heard_ns);
    for (uint32_t i = 0; ended && i < latency->shard_count; i++) {
        if (latency->shared)
            lock(&latency->shards[i]);
        judge_rest(latency, &latency->shards[i]);
        if (latency->shared)
            unlock(&latency->shards[i]);
    }
}

static void latency_losses(void *state, void (*take)(void *ctx, const struct stage_loss *loss),
                           void *ctx)
{
    const struct latency *latency = state;
    losses_each(&latency->losses, take, ctx);
}

static const struct stage_hooks latency_hooks = {
    .provides = FACET_LATENCY,
    .needs = FACET_DNSTAP,
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
    .doc =
        "How long a response took: from the times it carries, or else from its query, which is "
        "remembered for the latency-window and matched by identity, addresses, ports (but for the "
        "server's own when it asks others), protocol, DNS id and question. A query asked again "
        "counts from the last time. A latency that is negative or beyond the window is none, and "
        "counted as left out. Queries without a response and responses without a query are counted "
        "where the other half should have come.",
    .hooks = &latency_hooks,
};
