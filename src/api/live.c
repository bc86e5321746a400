#include "api/live.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/api.h"
#include "api/ring.h"
#include "api/route.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/json.h"
#include "base/put.h"
#include "base/thread.h"
#include "event/field.h"
#include "stats/table.h"

enum {
    TICK_MS = 50,
    RATE_USUAL = 200,
    RETRY_MS = 2000,
    LOST_EVERY_MS = 1000, /* how often a viewer hears of what was left out */
    IDENTITY_MAX = STREAM_NAME_MAX - 1,
    RING_MIN = 8 << 10, /* holds the longest message twice */
    RING_MAX = 64 << 10,
    VIEWERS = 2 * LIVE_VIEWERS, /* all may be made to go at once, and need a moment for it */
    RINGS_MAX = 256 << 10,      /* bytes of a viewer's rings together, or RING_MIN each */
};
static const int64_t second_max = INT64_C(253402300799); /* the end of the year 9999 */

/* A filter without pointers: what viewers hand to workers, word by word. */
struct wish {
    int32_t rcode, qtype;
    int16_t direction, side;
    int32_t stream_len, under_len, client_len; /* -1: not asked for */
    uint8_t stream[STREAM_NAME_MAX], under[DNS_NAME_MAX + 1], client[16];
};
enum { WISH_WORDS = sizeof(struct wish) / sizeof(uint64_t) };
static_assert(sizeof(struct wish) % sizeof(uint64_t) == 0, "a wish is copied by words");

/* What one worker has to do with one viewer. */
struct live_lane {
    struct message_ring ring;
    counter lost;
    /* The worker's own. */
    uint32_t round; /* which the wish is of */
    struct wish wish;
};

struct viewer {
    struct api_endless stream;
    struct live *live;
    atomic_uint round;                 /* counts openings and closings: odd while somebody looks */
    _Atomic uint64_t wish[WISH_WORDS]; /* written while nobody looks */
    uint32_t rate;
    struct live_lane *lanes; /* one a worker; stay where they are until the end */
    atomic_int tokens;       /* events that may pass */
    uint64_t filled_ns;      /* when tokens were added; the ticker's */
    /* The reader's own. */
    struct message_ring *taking; /* a message of it has been read in part */
    unsigned next;               /* lane that is looked at next */
    bool greeted;
    char note[64]; /* one of our own that is being read */
    size_t note_len, note_at;
    counter told;             /* how much of what was lost the viewer has heard of */
    _Atomic uint64_t told_ns; /* and when */
};

/* Owner: one worker. */
struct desk {
    struct buf line;
    uint8_t name[SAMPLE_NAME_MAX + 1];
    char padding[64];
};

static_assert(VIEWERS <= 64, "there is a bit for each");

struct live {
    unsigned workers;
    const struct field *malformed;
    _Atomic uint64_t open; /* a bit for each viewer that is */
    pthread_mutex_t lock;  /* of opening, closing and waking: never taken by workers */
    pthread_cond_t change;
    pthread_t ticker;
    bool stopping;
    struct desk *desks;
    struct viewer viewers[VIEWERS];
};

static uint64_t bit_of(const struct viewer *v)
{
    return UINT64_C(1) << (v - v->live->viewers);
}

/* --- what a viewer wishes ------------------------------------------------------------------- */

static int32_t keep(struct span text, uint8_t *space, size_t room)
{
    size_t len = text.len < room ? text.len : room;
    if (len > 0)
        memcpy(space, text.ptr, len);
    return text.ptr ? (int32_t)len : -1;
}

static void publish(struct viewer *v, const struct live_filter *f)
{
    struct wish wish = {.rcode = f->rcode,
                        .qtype = f->qtype,
                        .direction = (int16_t)f->direction,
                        .side = (int16_t)f->side};
    uint64_t words[WISH_WORDS];
    wish.stream_len = keep(f->stream, wish.stream, IDENTITY_MAX);
    wish.under_len = keep(f->under, wish.under, DNS_NAME_MAX);
    wish.client_len = keep(f->client, wish.client, sizeof wish.client);
    memcpy(words, &wish, sizeof words);
    for (size_t i = 0; i < WISH_WORDS; i++)
        atomic_store_explicit(&v->wish[i], words[i], memory_order_release);
}

/* The wish of the round that the worker has seen begin. A round's wish does not change: if the
 * round goes on when all words have been read they belong together, else there is nobody. */
static bool learn(struct viewer *v, struct live_lane *lane, unsigned round)
{
    uint64_t words[WISH_WORDS];
    for (size_t i = 0; i < WISH_WORDS; i++)
        words[i] = atomic_load_explicit(&v->wish[i], memory_order_acquire);
    if (atomic_load_explicit(&v->round, memory_order_relaxed) != round)
        return false;
    memcpy(&lane->wish, words, sizeof words);
    lane->round = round;
    return true;
}

static struct span shown_identity(struct span identity)
{
    if (identity.len == 0)
        return span_str("-");
    return span_of(identity.ptr, identity.len < IDENTITY_MAX ? identity.len : IDENTITY_MAX);
}

static bool is_code(int wanted, bool has, unsigned code, unsigned none)
{
    return wanted < 0 || (unsigned)wanted == (has ? code : none);
}

static bool is_text(int32_t len, const uint8_t *text, struct span found)
{
    return len < 0 || span_equal(span_of(text, (size_t)len), found);
}

static bool matches(const struct wish *w, const struct stats_sample *s)
{
    return (w->direction < 0 || w->direction == s->kind.direction) &&
           (w->side < 0 || w->side == s->kind.side) &&
           is_code(w->rcode, s->kind.has_header, s->kind.rcode, STATS_NO_RCODE) &&
           is_code(w->qtype, s->kind.has_qtype, s->qtype, STATS_NO_QTYPE) &&
           is_text(w->client_len, w->client, s->client) &&
           is_text(w->stream_len, w->stream, shown_identity(s->identity)) &&
           (w->under_len < 0 ||
            dns_name_is_under(s->name, span_of(w->under, (size_t)w->under_len)));
}

/* --- an event as text ----------------------------------------------------------------------- */

static void put_time_of(struct json *j, const struct event *ev)
{
    uint64_t sec;
    uint32_t nsec;
    json_key(j, "time");
    if (event_time(ev, &sec, &nsec) && sec <= (uint64_t)second_max)
        json_u64(j, sec * 1000 + nsec / 1000000);
    else
        json_null(j);
}

static void put_address(struct json *j, const char *key, struct span address)
{
    char text[PUT_IPV6_MAX];
    char *end = address.len == 4    ? put_ipv4(text, address.ptr)
                : address.len == 16 ? put_ipv6(text, address.ptr)
                                    : text;
    json_put_text(j, key, span_of(end > text ? text : NULL, (size_t)(end - text)));
}

static void put_code(struct json *j, const char *key, bool has, char *(*put)(char *p, uint64_t),
                     uint64_t code)
{
    char text[FIELD_WORD_MAX];
    json_put_text(j, key, has ? span_of(text, (size_t)(put(text, code) - text)) : span_of(NULL, 0));
}

static char *put_type(char *p, uint64_t code)
{
    return dns_type_put(p, (uint16_t)code);
}

static void put_name(struct json *j, struct span name)
{
    char text[SAMPLE_TEXT_MAX];
    char *end = name.len > 0 ? stats_native_reader.put_name(text, name) : text;
    json_put_text(j, "qname", span_of(name.len > 0 ? text : NULL, (size_t)(end - text)));
}

static void put_latency(struct json *j, const struct stats_sample *s)
{
    json_key(j, "latency");
    if (s->has_latency)
        json_double(j, (double)s->latency_ns / CLOCK_SECOND_NS);
    else
        json_null(j);
}

static void put_malformed(struct json *j, struct event *ev, const struct field *field)
{
    struct field_value value;
    bool wrong = field_get(field, ev, &value);
    put_code(j, field->key, wrong, field->word, wrong ? value.number : 0);
}

/* The shape Event, as one server-sent event. */
static void format(const struct live *live, struct buf *line, struct event *ev,
                   const struct stats_sample *s)
{
    const char *type = dnstap_message_type_name(s->kind.message_type);
    line->len = 0;
    buf_str(line, "data: ");
    struct json j = json_begin(line);
    json_object(&j);
    put_time_of(&j, ev);
    json_key(&j, "stream");
    json_bytes(&j, shown_identity(s->identity));
    json_put_str(&j, "message", type ? type : "unknown");
    json_put_str(&j, "side", dnstap_side_name(ev->side));
    json_put_str(&j, "direction", api_directions[s->kind.direction]);
    put_code(&j, "rcode", s->kind.has_header, field_rcode, s->kind.rcode);
    json_put_bool(&j, "nodata", s->kind.marks >> SAMPLE_NODATA & 1);
    put_address(&j, "client", s->client);
    put_address(&j, "server", s->server);
    json_put_str(&j, "transport", dnstap_protocol_name(s->kind.transport));
    json_put_u64(&j, "length", s->length);
    put_name(&j, s->name);
    put_code(&j, "qtype", s->kind.has_qtype, put_type, s->qtype);
    put_latency(&j, s);
    put_malformed(&j, ev, live->malformed);
    json_object_end(&j);
    buf_str(line, "\n\n");
}

/* --- workers -------------------------------------------------------------------------------- */

static bool take_token(struct viewer *v)
{
    if (atomic_load_explicit(&v->tokens, memory_order_relaxed) <= 0)
        return false;
    atomic_fetch_sub_explicit(&v->tokens, 1, memory_order_relaxed);
    return true;
}

/* The worker's lane to the viewer, when somebody is there. */
static struct live_lane *open_lane(struct viewer *v, unsigned worker)
{
    unsigned round = atomic_load_explicit(&v->round, memory_order_acquire);
    if (!(round & 1))
        return NULL;
    struct live_lane *lane = &v->lanes[worker];
    return lane->round == round || learn(v, lane, round) ? lane : NULL;
}

/* Hands the event to the viewers whose filter it passes. It is formatted once, when the first of
 * them can take it. */
static void show(struct live *live, unsigned worker, struct event *ev,
                 const struct stats_sample *sample)
{
    struct buf *line = &live->desks[worker].line;
    uint64_t open = atomic_load_explicit(&live->open, memory_order_relaxed);
    line->len = 0;
    line->failed = false;
    for (; open; open &= open - 1) {
        struct viewer *v = &live->viewers[__builtin_ctzll(open)];
        struct live_lane *lane = open_lane(v, worker);
        if (!lane || !matches(&lane->wish, sample))
            continue;
        bool room = take_token(v);
        if (room && line->len == 0)
            format(live, line, ev, sample);
        if (!room || line->failed || !ring_put(&lane->ring, lane->round, buf_span(line)))
            counter_add(&lane->lost, 1);
    }
}

/* What is shown is decoded here, for as long as somebody looks, and not ahead for every event. */
static void observe(void *state, unsigned worker, struct event *ev)
{
    struct live *live = state;
    struct stats_sample sample;
    event_need(ev, stats_native_reader.needs);
    if (!(ev->bad & FACET_DNSTAP) &&
        stats_native_reader.read(ev, live->desks[worker].name, &sample))
        show(live, worker, ev, &sample);
}

static bool active(void *state)
{
    struct live *live = state;
    return atomic_load_explicit(&live->open, memory_order_relaxed) != 0;
}

struct observer live_observer(struct live *live)
{
    return (struct observer){
        .state = live, .needs = FACET_LATENCY, .active = active, .event = observe};
}

/* --- the ticker ----------------------------------------------------------------------------- */

static uint64_t lost_of(const struct viewer *v)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < v->live->workers; i++)
        sum += counter_get(&v->lanes[i].lost);
    return sum;
}

static bool lost_is_due(const struct viewer *v, uint64_t now)
{
    return lost_of(v) != counter_get(&v->told) &&
           now >= atomic_load(&v->told_ns) + LOST_EVERY_MS * CLOCK_MS_NS;
}

static bool has_news(const struct viewer *v, uint64_t now)
{
    for (unsigned i = 0; i < v->live->workers; i++)
        if (!ring_empty(&v->lanes[i].ring))
            return true;
    return lost_is_due(v, now);
}

/* At most a second's worth is saved up. */
static void add_tokens(struct viewer *v, uint64_t now)
{
    uint64_t rate = v->rate;
    if (now - v->filled_ns > CLOCK_SECOND_NS)
        v->filled_ns = now - CLOCK_SECOND_NS;
    int more = (int)((now - v->filled_ns) * rate / CLOCK_SECOND_NS);
    int room = (int)rate - atomic_load(&v->tokens);
    v->filled_ns += (uint64_t)more * CLOCK_SECOND_NS / rate; /* the rest of a tick is not lost */
    atomic_fetch_add(&v->tokens, more < room ? more : room);
}

static void tick(struct live *live)
{
    uint64_t now = clock_ns();
    for (unsigned i = 0; i < VIEWERS; i++) {
        struct viewer *v = &live->viewers[i];
        if (!(atomic_load(&v->round) & 1))
            continue;
        add_tokens(v, now);
        if (has_news(v, now))
            api_endless_wake(&v->stream);
    }
}

static void *run_ticker(void *arg)
{
    struct live *live = arg;
    thread_begin("live", 0);
    pthread_mutex_lock(&live->lock);
    while (!live->stopping) {
        struct timespec due = clock_timespec(clock_after(TICK_MS * CLOCK_MS_NS));
        if (active(live))
            pthread_cond_timedwait(&live->change, &live->lock, &due);
        else
            pthread_cond_wait(&live->change, &live->lock);
        tick(live);
    }
    pthread_mutex_unlock(&live->lock);
    return NULL;
}

/* --- a viewer's stream ---------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void begin_note(struct viewer *v,
                                                             const char *format_text, ...)
{
    va_list args;
    va_start(args, format_text);
    v->note_len = (size_t)vsnprintf(v->note, sizeof v->note, format_text, args);
    v->note_at = 0;
    va_end(args);
}

static bool begin_lost(struct viewer *v)
{
    uint64_t now = clock_ns(), lost = lost_of(v);
    if (!lost_is_due(v, now))
        return false;
    begin_note(v, "event: lost\ndata: {\"lost\":%" PRIu64 "}\n\n", lost - counter_get(&v->told));
    counter_set(&v->told, lost);
    atomic_store(&v->told_ns, now);
    return true;
}

/* The next message of any ring. What was put for somebody who looked here before is thrown away. */
static bool begin_message(struct viewer *v)
{
    unsigned round = atomic_load(&v->round);
    for (unsigned i = 0; i < v->live->workers; i++) {
        struct message_ring *ring = &v->lanes[(v->next + i) % v->live->workers].ring;
        uint32_t tag;
        while (ring_next(ring, &tag)) {
            if (tag == round) {
                v->taking = ring;
                v->next += i + 1;
                return true;
            }
            ring_take(ring, NULL, ring->left);
        }
    }
    return false;
}

/* The first message has the headers sent, and tells a browser when to try again after a break. */
static bool begin_next(struct viewer *v)
{
    if (v->greeted)
        return begin_lost(v) || begin_message(v);
    v->greeted = true;
    begin_note(v, "retry: %d\n\n", RETRY_MS);
    return true;
}

static size_t read_piece(struct viewer *v, char *out, size_t size)
{
    if (v->taking) {
        size_t len = ring_take(v->taking, out, size);
        if (v->taking->left == 0)
            v->taking = NULL;
        return len;
    }
    size_t left = v->note_len - v->note_at, len = left < size ? left : size;
    memcpy(out, v->note + v->note_at, len);
    v->note_at += len;
    return len;
}

static struct viewer *viewer_of(struct api_endless *stream)
{
    return (struct viewer *)((char *)stream - offsetof(struct viewer, stream));
}

static long read_stream(struct api_endless *stream, char *out, size_t size)
{
    struct viewer *v = viewer_of(stream);
    size_t len = 0;
    while (len < size) {
        if (v->taking || v->note_at < v->note_len)
            len += read_piece(v, out + len, size - len);
        else if (!begin_next(v))
            break;
    }
    return (long)len;
}

static void close_stream(struct api_endless *stream)
{
    struct viewer *v = viewer_of(stream);
    pthread_mutex_lock(&v->live->lock);
    atomic_fetch_add(&v->round, 1);
    atomic_fetch_and(&v->live->open, ~bit_of(v));
    v->stream.waiter = NULL;
    pthread_mutex_unlock(&v->live->lock);
}

/* --- opening -------------------------------------------------------------------------------- */

static int make_lanes(struct viewer *v)
{
    size_t size = RING_MAX;
    while (size > RING_MIN && size * v->live->workers > RINGS_MAX)
        size /= 2;
    struct live_lane *lanes = calloc(v->live->workers, sizeof *lanes);
    for (unsigned i = 0; lanes && i < v->live->workers; i++) {
        if (ring_init(&lanes[i].ring, size) < 0) {
            while (i-- > 0)
                ring_free(&lanes[i].ring);
            free(lanes);
            lanes = NULL;
            break;
        }
    }
    v->lanes = lanes;
    return lanes ? 0 : -1;
}

/* Nobody looks here: what an earlier viewer has left is forgotten. */
static void prepare(struct viewer *v, const struct live_filter *filter)
{
    uint64_t now = clock_ns();
    publish(v, filter);
    v->rate = filter->max_per_second ? filter->max_per_second : RATE_USUAL;
    if (v->taking)
        ring_take(v->taking, NULL, v->taking->left);
    v->taking = NULL;
    v->note_len = v->note_at = 0;
    v->greeted = false;
    v->filled_ns = now;
    counter_set(&v->told, lost_of(v));
    atomic_store(&v->told_ns, now);
    atomic_store(&v->tokens, (int)v->rate);
    v->stream = (struct api_endless){.read = read_stream, .close = close_stream};
}

static struct viewer *free_viewer(struct live *live)
{
    for (unsigned i = 0; i < VIEWERS; i++)
        if (!(atomic_load(&live->viewers[i].round) & 1))
            return &live->viewers[i];
    return NULL;
}

struct api_endless *live_open(struct live *live, const struct live_filter *filter)
{
    pthread_mutex_lock(&live->lock);
    struct viewer *v = free_viewer(live);
    if (v && !v->lanes && make_lanes(v) < 0)
        v = NULL;
    if (v) {
        prepare(v, filter);
        atomic_fetch_add(&v->round, 1);
        atomic_fetch_or(&live->open, bit_of(v));
        pthread_cond_signal(&live->change);
    }
    pthread_mutex_unlock(&live->lock);
    return v ? &v->stream : NULL;
}

/* --- life ----------------------------------------------------------------------------------- */

static int start_ticker(struct live *live)
{
    thread_cond_init(&live->change);
    pthread_mutex_init(&live->lock, NULL);
    return pthread_create(&live->ticker, NULL, run_ticker, live) == 0 ? 0 : -1;
}

struct live *live_new(unsigned workers, struct error *err)
{
    struct live *live = calloc(1, sizeof *live);
    struct desk *desks = calloc(workers, sizeof *desks);
    if (live && desks) {
        live->workers = workers;
        live->malformed = field_find(span_str("dnstap.malformed"), NULL);
        live->desks = desks;
        for (unsigned i = 0; i < VIEWERS; i++)
            live->viewers[i].live = live;
        if (start_ticker(live) == 0)
            return live;
        error_set(err, "cannot start a thread for live events");
    } else {
        error_set(err, "no memory for live events");
    }
    free(desks);
    free(live);
    return NULL;
}

static void free_lanes(struct viewer *v)
{
    for (unsigned i = 0; v->lanes && i < v->live->workers; i++)
        ring_free(&v->lanes[i].ring);
    free(v->lanes);
}

void live_free(struct live *live)
{
    if (!live)
        return;
    pthread_mutex_lock(&live->lock);
    live->stopping = true;
    pthread_cond_signal(&live->change);
    pthread_mutex_unlock(&live->lock);
    pthread_join(live->ticker, NULL);
    for (unsigned i = 0; i < VIEWERS; i++)
        free_lanes(&live->viewers[i]);
    for (unsigned i = 0; i < live->workers; i++)
        buf_free(&live->desks[i].line);
    pthread_mutex_destroy(&live->lock);
    pthread_cond_destroy(&live->change);
    free(live->desks);
    free(live);
}
