/* Live events: what passes filters, what is left out, and workers beside slow and fickle viewers.
 * The clock is the tests' own (the linker puts it in place of the system's), so that no second is
 * waited for, and none passes by itself on a slow machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../support/chunks.h"
#include "../support/frame.h"
#include "../support/json_check.h"
#include "../support/share.h"
#include "api/live.h"
#include "api/ring.h"
#include "api/route.h"
#include "base/clock.h"
#include "conf/module.h"

/* No modules: the server is one of them, and the tests stand in its place. */
const struct module *const registry[] = {NULL};

static atomic_uint wakes;

/* In the server's place. */
static void count_wake(struct api_waiter *waiter)
{
    (void)waiter;
    atomic_fetch_add(&wakes, 1);
}

/* --- the clock ------------------------------------------------------------------------------ */

static atomic_ullong time_ns = 1000 * CLOCK_SECOND_NS;
static atomic_uint ticks;

int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock,
                                  const struct timespec *due);
int __real_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock,
                                  const struct timespec *due);
int __real_clock_gettime(clockid_t clock, struct timespec *now);

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    (void)clock;
    *now = clock_timespec(atomic_load(&time_ns));
    return 0;
}

/* The ticker comes as often as it may, whatever it thinks is due. */
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock,
                                  const struct timespec *due)
{
    struct timespec soon;
    (void)due;
    atomic_fetch_add(&ticks, 1);
    __real_clock_gettime(CLOCK_MONOTONIC, &soon);
    soon = clock_timespec((uint64_t)soon.tv_sec * CLOCK_SECOND_NS + (uint64_t)soon.tv_nsec +
                          CLOCK_MS_NS);
    return __real_pthread_cond_timedwait(cond, lock, &soon);
}

/* Real time, for other threads. */
static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = CLOCK_MS_NS}, NULL);
}

/* So much time has passed, and the ticker has seen it. */
static void pass_ms(unsigned ms)
{
    atomic_fetch_add(&time_ns, ms * CLOCK_MS_NS);
    for (unsigned seen = atomic_load(&ticks); atomic_load(&ticks) < seen + 2;)
        nap();
}

/* --- helpers -------------------------------------------------------------------------------- */

static const struct live_filter everything = {
    .rcode = -1, .qtype = -1, .direction = -1, .side = -1};

static void observe(const struct observer *o, unsigned worker, const struct dnstap *tap)
{
    static const struct origin origin = {.peer = "test", .id = 1};
    static const struct siphash_key key = {{1, 2}};
    struct buf frame = {0};
    struct event ev;
    dnstap_encode(tap, &frame);
    event_init(&ev, buf_span(&frame), &origin);
    ev.key = &key;
    event_need(&ev, o->needs);
    ev.has_latency = tap->has & DNSTAP_HAS_RESPONSE_SEC;
    ev.latency_ns = 1234000;
    o->event(o->state, worker, &ev);
    buf_free(&frame);
}

/* All that there is to read, in pieces of `size`, terminated. */
static char *read_all(struct api_endless *stream, size_t size, struct buf *text)
{
    char piece[4096];
    long len;
    text->len = 0;
    while ((len = stream->read(stream, piece, size)) > 0)
        buf_put(text, piece, (size_t)len);
    assert_int_equal(len, 0);
    buf_byte(text, '\0');
    return (char *)text->data;
}

static unsigned count_of(const char *text, const char *part)
{
    unsigned count = 0;
    for (; (text = strstr(text, part)); text++)
        count++;
    return count;
}

/* The sum of all notes on what was lost. */
static unsigned lost_in(const char *text)
{
    static const char note[] = "event: lost\ndata: {\"lost\":";
    unsigned sum = 0;
    for (; (text = strstr(text, note)); text += sizeof note - 1)
        sum += (unsigned)strtoul(text + sizeof note - 1, NULL, 10);
    return sum;
}

/* --- the ring ------------------------------------------------------------------------------- */

static void ring_keeps_messages_whole(void **state)
{
    (void)state;
    struct message_ring ring;
    char out[64];
    uint32_t tag;
    unsigned put = 0, taken = 0;
    assert_int_equal(ring_init(&ring, 128), 0);
    assert_false(ring_next(&ring, &tag));
    for (int round = 0; round < 1000; round++) {
        char text[32];
        int len = snprintf(text, sizeof text, "%u:%.*s", put, round % 20, "abcdefghijklmnopqrst");
        while (ring_put(&ring, put, span_of(text, (size_t)len))) {
            put++;
            len = snprintf(text, sizeof text, "%u:%.*s", put, round % 20, "abcdefghijklmnopqrst");
        }
        for (int i = 0; i < 2 && ring_next(&ring, &tag); i++, taken++) {
            size_t got = ring_take(&ring, out, 3);
            got += ring_take(&ring, out + got, sizeof out);
            out[got] = '\0';
            assert_int_equal(ring.left, 0);
            assert_int_equal(tag, taken);
            assert_int_equal(strtoul(out, NULL, 10), taken);
        }
    }
    assert_true(taken > 1000);
    ring_free(&ring);
}

/* --- one viewer ----------------------------------------------------------------------------- */

static void looks_only_while_somebody_does(void **state)
{
    (void)state;
    struct live *live = live_new(1, NULL);
    struct observer o = live_observer(live);
    assert_false(o.active(o.state));
    struct api_endless *stream = live_open(live, &everything);
    assert_non_null(stream);
    assert_true(o.active(o.state));
    stream->close(stream);
    assert_false(o.active(o.state));
    live_free(live);
}

static void shows_an_event(void **state)
{
    (void)state;
    struct live *live = live_new(1, NULL);
    struct observer o = live_observer(live);
    struct api_endless *stream = live_open(live, &everything);
    struct dnstap query = frame_query(), response = frame_response();
    struct buf text = {0};
    response.has &= ~(uint32_t)DNSTAP_HAS_IDENTITY;
    observe(&o, 0, &query);
    observe(&o, 0, &response);
    assert_string_equal(
        read_all(stream, sizeof(char[4096]), &text),
        "retry: 2000\n\n"
        "data: {\"time\":1795251042992,\"stream\":\"ns1\",\"message\":\"CLIENT_QUERY\","
        "\"side\":\"client\",\"direction\":\"query\",\"rcode\":\"NOERROR\",\"nodata\":false,"
        "\"client\":\"198.51.100."
        "7\","
        "\"server\":\"192.0.2.53\",\"transport\":\"UDP\",\"length\":29,"
        "\"qname\":\"www.example.\",\"qtype\":\"A\",\"latency\":null,\"malformed\":null}\n\n"
        "data: {\"time\":1795251042994,\"stream\":\"-\",\"message\":\"CLIENT_RESPONSE\","
        "\"side\":\"client\",\"direction\":\"response\",\"rcode\":\"NOERROR\",\"nodata\":false,"
        "\"client\":\"198.51."
        "100.7\","
        "\"server\":\"192.0.2.53\",\"transport\":\"UDP\",\"length\":112,"
        "\"qname\":\"www.example.\",\"qtype\":\"A\",\"latency\":0.001234,\"malformed\":null}\n\n");
    buf_free(&text);
    stream->close(stream);
    live_free(live);
}

static void what_is_no_dns(void **state)
{
    (void)state;
    struct live *live = live_new(1, NULL);
    struct observer o = live_observer(live);
    struct live_filter nobody = everything;
    nobody.client = BYTES("");
    struct api_endless *stream = live_open(live, &nobody);
    struct dnstap tap = {.has = DNSTAP_HAS_IDENTITY | DNSTAP_HAS_QUERY_MESSAGE |
                                DNSTAP_HAS_MESSAGE | DNSTAP_HAS_MESSAGE_TYPE | DNSTAP_HAS_QUERY_SEC,
                         .message_type = 99,
                         .identity = BYTES("\xff\"\n"),
                         .query_sec = UINT64_MAX,
                         .query_message = BYTES("short")};
    struct buf text = {0};
    observe(&o, 0, &tap);
    assert_non_null(
        strstr(read_all(stream, 4096, &text),
               "data: {\"time\":null,\"stream\":\"\\\\255\\\"\\u000a\","
               "\"message\":\"unknown\",\"side\":null,\"direction\":\"query\",\"rcode\":null,"
               "\"nodata\":false,\"client\":null,\"server\":null,\"transport\":null,\"length\":5,"
               "\"qname\":null,\"qtype\":null,\"latency\":null,"
               "\"malformed\":\"header\"}\n\n"));
    struct event ev;
    static const struct origin origin = {.id = 1};
    event_init(&ev, BYTES("\xff\xff\xff"), &origin); /* no dnstap at all */
    event_need(&ev, o.needs);
    o.event(o.state, 0, &ev);
    assert_string_equal(read_all(stream, 4096, &text), "");
    buf_free(&text);
    stream->close(stream);
    live_free(live);
}

static void filters(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct live_filter filter;
        bool query, response;
    } cases[] = {
#define FILTER .rcode = -1, .qtype = -1, .direction = -1, .side = -1
        {"all", {FILTER}, true, true},
        {"stream", {FILTER, .stream = BYTES("ns1")}, true, true},
        {"other stream", {FILTER, .stream = BYTES("ns")}, false, false},
        {"name itself", {FILTER, .under = BYTES("\3www\7example\0")}, true, true},
        {"parent", {FILTER, .under = BYTES("\7example\0")}, true, true},
        {"root", {FILTER, .under = BYTES("\0")}, true, true},
        {"child", {FILTER, .under = BYTES("\1a\3www\7example\0")}, false, false},
        {"tail of a label", {FILTER, .under = BYTES("\6xample\0")}, false, false},
        {"client", {FILTER, .client = BYTES("\xc6\x33\x64\x07")}, true, true},
        {"no client", {FILTER, .client = BYTES("")}, false, false},
        {"server is no client", {FILTER, .client = BYTES("\xc0\x00\x02\x35")}, false, false},
        {"direction",
         {.rcode = -1, .qtype = -1, .direction = STATS_RESPONSE, .side = -1},
         false,
         true},
        {"side", {.rcode = -1, .qtype = -1, .direction = -1, .side = STATS_CLIENT}, true, true},
        {"other side",
         {.rcode = -1, .qtype = -1, .direction = -1, .side = STATS_UPSTREAM},
         false,
         false},
        {"rcode", {.rcode = 0, .qtype = -1, .direction = -1, .side = -1}, true, true},
        {"other rcode", {.rcode = 3, .qtype = -1, .direction = -1, .side = -1}, false, false},
        {"type", {.rcode = -1, .qtype = 1, .direction = -1, .side = -1}, true, true},
        {"other type", {.rcode = -1, .qtype = 28, .direction = -1, .side = -1}, false, false},
        {"type and direction",
         {.rcode = -1, .qtype = 1, .direction = STATS_QUERY, .side = -1},
         true,
         false},
    };
    struct live *live = live_new(1, NULL);
    struct observer o = live_observer(live);
    struct dnstap query = frame_query(), response = frame_response();
    struct buf text = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct api_endless *stream = live_open(live, &cases[i].filter);
        observe(&o, 0, &query);
        observe(&o, 0, &response);
        const char *shown = read_all(stream, 4096, &text);
        if (count_of(shown, "CLIENT_QUERY") != cases[i].query ||
            count_of(shown, "CLIENT_RESPONSE") != cases[i].response)
            fail_msg("%s: %s", cases[i].what, shown);
        stream->close(stream);
    }
    buf_free(&text);
    live_free(live);
}

static void a_rate_and_what_is_lost(void **state)
{
    (void)state;
    struct live *live = live_new(1, NULL);
    struct observer o = live_observer(live);
    struct live_filter filter = everything;
    filter.max_per_second = 5;
    struct api_endless *stream = live_open(live, &filter);
    struct dnstap query = frame_query();
    struct buf text = {0};
    for (int i = 0; i < 100; i++)
        observe(&o, 0, &query);
    const char *shown = read_all(stream, 7, &text);
    unsigned first = count_of(shown, "\ndata: {\"time\"");
    assert_int_equal(first, 5);
    assert_int_equal(lost_in(shown), 0);
    pass_ms(1150);
    shown = read_all(stream, 7, &text);
    assert_int_equal(lost_in(shown), 100 - first);
    for (int i = 0; i < 100; i++)
        observe(&o, 0, &query);
    assert_int_equal(count_of(read_all(stream, 4096, &text), "data: {\"time\""), 5);
    buf_free(&text);
    stream->close(stream);
    live_free(live);
}

/* 28 a second are more than one a tick and less than two: what a tick has over is the next one's.
 */
static void a_rate_is_reached(void **state)
{
    (void)state;
    struct live *live = live_new(1, NULL);
    struct observer o = live_observer(live);
    struct live_filter filter = everything;
    filter.max_per_second = 28;
    struct api_endless *stream = live_open(live, &filter);
    struct dnstap query = frame_query();
    struct buf text = {0};
    for (int i = 0; i < 28; i++) /* what a viewer begins with */
        observe(&o, 0, &query);
    for (int i = 0; i < 100; i++) {
        pass_ms(10);
        observe(&o, 0, &query);
    }
    assert_int_equal(count_of(read_all(stream, 4096, &text), "\ndata: {\"time\""), 28 + 28);
    buf_free(&text);
    stream->close(stream);
    live_free(live);
}

static void a_viewer_that_does_not_read(void **state)
{
    (void)state;
    enum { EVENTS = 5000 };
    struct live *live = live_new(1, NULL);
    struct observer o = live_observer(live);
    struct live_filter filter = everything;
    filter.max_per_second = 1000000;
    struct api_endless *stream = live_open(live, &filter);
    struct dnstap query = frame_query();
    struct buf text = {0};
    for (int i = 0; i < EVENTS; i++)
        observe(&o, 0, &query);
    pass_ms(1050);
    const char *shown = read_all(stream, 4096, &text);
    unsigned events = count_of(shown, "data: {\"time\"");
    assert_in_range(events, 100, 1000); /* what 64 KiB hold */
    assert_int_equal(events + lost_in(shown), EVENTS);
    buf_free(&text);
    stream->close(stream);
    live_free(live);
}

/* --- several viewers ------------------------------------------------------------------------ */

static void so_many_and_no_more(void **state)
{
    (void)state;
    struct live *live = live_new(2, NULL);
    struct observer o = live_observer(live);
    struct api_endless *streams[LIVE_VIEWERS];
    struct dnstap query = frame_query();
    struct buf text = {0};
    for (int i = 0; i < LIVE_VIEWERS; i++)
        assert_non_null(streams[i] = live_open(live, &everything));
    struct api_endless *more[LIVE_VIEWERS + 1];
    int spare = 0;
    while (spare <= LIVE_VIEWERS && (more[spare] = live_open(live, &everything)))
        spare++;
    assert_int_equal(spare, LIVE_VIEWERS);
    for (int i = 0; i < spare; i++)
        more[i]->close(more[i]);
    observe(&o, 0, &query);
    observe(&o, 1, &query);
    assert_int_equal(count_of(read_all(streams[0], 4096, &text), "CLIENT_QUERY"), 2);
    /* Who comes behind somebody who left without reading sees nothing of his. */
    streams[5]->read(streams[5], (char[40]){0}, 40);
    streams[5]->close(streams[5]);
    assert_non_null(streams[5] = live_open(live, &everything));
    assert_string_equal(read_all(streams[5], 4096, &text), "retry: 2000\n\n");
    observe(&o, 1, &query);
    assert_int_equal(count_of(read_all(streams[5], 4096, &text), "CLIENT_QUERY"), 1);
    for (int i = 0; i < LIVE_VIEWERS; i++)
        streams[i]->close(streams[i]);
    assert_false(o.active(o.state));
    buf_free(&text);
    live_free(live);
}

static void wakes_now_and_then(void **state)
{
    (void)state;
    struct live *live = live_new(1, NULL);
    struct observer o = live_observer(live);
    struct api_endless *stream = live_open(live, &everything);
    struct api_waiter waiter = {.wake = count_wake};
    struct dnstap query = frame_query();
    struct buf text = {0};
    atomic_exchange(&stream->waiter, &waiter);
    read_all(stream, 4096, &text);
    atomic_store(&wakes, 0);
    pass_ms(200);
    assert_int_equal(atomic_load(&wakes), 0); /* nothing to read */
    unsigned before = atomic_load(&ticks);
    for (int i = 0; i < 1000; i++)
        observe(&o, 0, &query);
    pass_ms(50);
    unsigned seen = atomic_load(&wakes); /* at most one a tick, however many events there are */
    assert_in_range(seen, 1, atomic_load(&ticks) - before + 1);
    buf_free(&text);
    stream->close(stream);
    live_free(live);
}

/* --- threads -------------------------------------------------------------------------------- */

struct crew {
    struct live *live;
    struct observer observer;
    unsigned workers, events; /* so many of each */
    atomic_uint next;
    atomic_bool over;
};

/* A worker: events whose seconds count up, each worker's in a stream of its own. */
static void *work(void *arg)
{
    struct crew *crew = arg;
    unsigned worker = atomic_fetch_add(&crew->next, 1);
    struct dnstap query = frame_query();
    char name[8];
    snprintf(name, sizeof name, "w%u", worker);
    query.identity = span_str(name);
    for (unsigned i = 0; i < crew->events; i++) {
        query.query_sec = i + 1;
        query.query_nsec = 0;
        if (crew->observer.active(crew->observer.state))
            observe(&crew->observer, worker, &query);
    }
    return NULL;
}

/* A viewer that comes and goes, and is told its own events alone. */
static void *come_and_go(void *arg)
{
    struct crew *crew = arg;
    struct live_filter filter = everything;
    struct buf text = {0};
    for (unsigned i = 0; !atomic_load(&crew->over); i++) {
        filter.stream = i % 2 ? span_str("w0") : span_str("nobody");
        struct api_endless *stream = live_open(crew->live, &filter);
        nap();
        const char *shown = read_all(stream, 100, &text);
        assert_int_equal(count_of(shown, "\"stream\":\"nobody\""), 0);
        assert_int_equal(count_of(shown, "\"stream\":\"w0\""),
                         i % 2 ? count_of(shown, "data: {\"time\"") : 0);
        stream->close(stream);
    }
    buf_free(&text);
    return NULL;
}

/* Each line whole, each worker's in their order. */
static void check_order(char *text, unsigned workers)
{
    uint64_t last[16] = {0};
    char *next, *line = strtok_r(text, "\n", &next);
    for (; line; line = strtok_r(NULL, "\n", &next)) {
        if (strncmp(line, "data: {\"time\":", 14) != 0)
            continue;
        assert_true(json_check(line + 6, strlen(line + 6)));
        uint64_t time = strtoull(line + 14, NULL, 10);
        unsigned worker = (unsigned)strtoul(strstr(line, "\"stream\":\"w") + 11, NULL, 10);
        assert_true(worker < workers && time > last[worker]);
        last[worker] = time;
    }
}

static void workers_beside_viewers(void **state)
{
    (void)state;
    unsigned threads = chunks_threads();
    struct live *live = live_new(threads, NULL);
    struct crew crew = {.live = live,
                        .observer = live_observer(live),
                        .workers = threads,
                        .events = (unsigned)share_of(20000)};
    struct live_filter filter = everything;
    filter.max_per_second = (unsigned)share_of(10000);
    struct api_endless *stream = live_open(live, &filter);
    pthread_t workers[16], fickle;
    struct buf all = {0}, text = {0};
    struct dnstap query = frame_query();
    for (unsigned i = 0; i < threads; i++)
        observe(&crew.observer, i, &query); /* each has met the viewer now, who is not changing */
    read_all(stream, 100, &text);
    assert_int_equal(pthread_create(&fickle, NULL, come_and_go, &crew), 0);
    for (unsigned i = 0; i < threads; i++)
        assert_int_equal(pthread_create(&workers[i], NULL, work, &crew), 0);
    for (int i = 0; i < 50; i++) {
        buf_str(&all, read_all(stream, 100, &text));
        nap();
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_join(workers[i], NULL);
    atomic_store(&crew.over, true);
    pthread_join(fickle, NULL);
    pass_ms(1050);
    buf_str(&all, read_all(stream, 100, &text));
    buf_byte(&all, '\0');
    unsigned events = count_of((char *)all.data, "data: {\"time\"");
    assert_int_equal(events + lost_in((char *)all.data), threads * crew.events);
    assert_true(events > 0);
    check_order((char *)all.data, threads);
    stream->close(stream);
    buf_free(&all);
    buf_free(&text);
    live_free(live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ring_keeps_messages_whole),
        cmocka_unit_test(looks_only_while_somebody_does),
        cmocka_unit_test(shows_an_event),
        cmocka_unit_test(what_is_no_dns),
        cmocka_unit_test(filters),
        cmocka_unit_test(a_rate_and_what_is_lost),
        cmocka_unit_test(a_rate_is_reached),
        cmocka_unit_test(a_viewer_that_does_not_read),
        cmocka_unit_test(so_many_and_no_more),
        cmocka_unit_test(wakes_now_and_then),
        cmocka_unit_test(workers_beside_viewers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
