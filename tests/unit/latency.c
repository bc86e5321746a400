/* Stage `latency`: which response belongs to which query, and how much is remembered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>

#include "../support/chunks.h"
#include "../support/stages.h"

extern const struct module stage_latency;

#define SECOND INT64_C(1000000000)
#define WINDOW (10 * SECOND)

static const struct stage_hooks *hooks(void)
{
    return stage_latency.hooks;
}

static void *open_stage(uint64_t entries, unsigned workers)
{
    struct settings settings = {.latency_entries = entries, .latency_window_ns = WINDOW};
    struct error err;
    void *state = NULL;
    assert_int_equal(stage_open_alone(hooks(), &state, &settings, workers, &err), 0);
    return state;
}

static const uint8_t client[] = {192, 0, 2, 1}, server[] = {192, 0, 2, 53};
static const uint8_t name[] = "\7example\3com";

/* A message of `type` at `ns`, all facets decoded. */
static struct event message(enum dnstap_message_type type, int64_t ns)
{
    struct event ev;
    event_init(&ev, span_str("frame"), NULL);
    ev.have = FACET_DNSTAP | FACET_HEADER | FACET_QUESTION;
    ev.tap = (struct dnstap){.message_type = type,
                             .protocol = DNSTAP_UDP,
                             .query_port = 5353,
                             .response_port = 53,
                             .identity = span_str("resolver-1")};
    ev.query_address = span_of(client, 4);
    ev.response_address = span_of(server, 4);
    ev.tap.has = DNSTAP_HAS_MESSAGE_TYPE;
    if (type & 1) {
        ev.tap.has |= DNSTAP_HAS_QUERY_SEC;
        ev.tap.query_sec = (uint64_t)(ns / SECOND);
        ev.tap.query_nsec = (uint32_t)(ns % SECOND);
    } else {
        ev.tap.has |= DNSTAP_HAS_RESPONSE_SEC;
        ev.tap.response_sec = (uint64_t)(ns / SECOND);
        ev.tap.response_nsec = (uint32_t)(ns % SECOND);
    }
    ev.header.id = 4711;
    ev.question = (struct dns_question){.name = {name, sizeof name}, .type = 1, .class = 1};
    return ev;
}

static struct event query(int64_t ns)
{
    return message(DNSTAP_CLIENT_QUERY, ns);
}

static struct event response(int64_t ns)
{
    return message(DNSTAP_CLIENT_RESPONSE, ns);
}

/* What feed returns where there is no latency: because there is no query, or why it is left out. */
#define NONE INT64_MIN
#define NEGATIVE (INT64_MIN + LEFT_OUT_NEGATIVE)
#define BEYOND (INT64_MIN + LEFT_OUT_BEYOND)

/* The latency that the stage gives, or one of these. */
static int64_t feed(void *state, struct event ev)
{
    hooks()->event(state, &ev);
    assert_false(ev.has_latency && ev.left_out);
    return ev.has_latency ? ev.latency_ns : NONE + ev.left_out;
}

static void times_of_the_message_win(void **state)
{
    (void)state;
    void *stage = open_stage(64, 1);
    feed(stage, query(100 * SECOND));
    struct event ev = response(102 * SECOND);
    ev.tap.has |= DNSTAP_HAS_QUERY_SEC;
    ev.tap.query_sec = 101;
    ev.tap.query_nsec = 999999999;
    assert_int_equal(feed(stage, ev), 1);
    ev.tap.query_sec = 102; /* its clock went back */
    assert_int_equal(feed(stage, ev), NEGATIVE);
    ev.tap.query_sec = 0; /* a server that says 1970 for "I do not know" */
    assert_int_equal(feed(stage, ev), BEYOND);
    ev.tap.query_sec = 92;
    ev.tap.query_nsec = 0;
    assert_int_equal(feed(stage, ev), WINDOW);
    ev.tap.response_nsec++;
    assert_int_equal(feed(stage, ev), BEYOND);
    hooks()->close(stage);
}

static void response_meets_its_query_once(void **state)
{
    (void)state;
    void *stage = open_stage(64, 1);
    assert_int_equal(feed(stage, query(100 * SECOND + 5)), NONE);
    assert_int_equal(feed(stage, response(100 * SECOND + 12345)), 12340);
    assert_int_equal(feed(stage, response(100 * SECOND + 12345)), NONE);
    hooks()->close(stage);
}

static const uint8_t other_name[] = "\7example\3org";
static const uint8_t six[16] = {0x20, 1, 0xd, 0xb8};

/* Each changes one thing that query and response must agree in. */
static void other_identity(struct event *ev)
{
    ev->tap.identity = span_str("resolver-2");
}
static void no_identity(struct event *ev)
{
    ev->tap.identity = (struct span){0};
}
static void other_client(struct event *ev)
{
    ev->query_address = span_of(server, 4);
}
static void other_server(struct event *ev)
{
    ev->response_address = span_of(six, 16);
}
static void swapped_addresses(struct event *ev)
{
    ev->query_address = span_of(server, 4);
    ev->response_address = span_of(client, 4);
}
static void other_query_port(struct event *ev)
{
    ev->tap.query_port++;
}
static void other_response_port(struct event *ev)
{
    ev->tap.response_port = 853;
}
static void other_protocol(struct event *ev)
{
    ev->tap.protocol = DNSTAP_TCP;
}
static void other_side(struct event *ev)
{
    ev->tap.message_type = DNSTAP_RESOLVER_RESPONSE;
}
static void unknown_type(struct event *ev)
{
    ev->tap.message_type = 20;
}
static void other_id(struct event *ev)
{
    ev->header.id ^= 0x8000;
}
static void other_type(struct event *ev)
{
    ev->question.type = 28;
}
static void other_class(struct event *ev)
{
    ev->question.class = 3;
}
static void other_qname(struct event *ev)
{
    ev->question.name.wire = other_name;
}
static void no_qname(struct event *ev)
{
    ev->question.name.len = 0;
}
static void no_time(struct event *ev)
{
    ev->tap.has &= ~(uint32_t)DNSTAP_HAS_RESPONSE_SEC;
}
static void no_message_type(struct event *ev)
{
    ev->tap.has &= ~(uint32_t)DNSTAP_HAS_MESSAGE_TYPE;
}
static void malformed_question(struct event *ev)
{
    ev->bad = FACET_QUESTION;
}

static void all_of_the_key_counts(void **state)
{
    (void)state;
    static void (*const changes[])(struct event *) = {
        other_identity,   no_identity,         other_client,       other_server, swapped_addresses,
        other_query_port, other_response_port, other_protocol,     other_side,   unknown_type,
        other_id,         other_type,          other_class,        other_qname,  no_qname,
        no_time,          no_message_type,     malformed_question,
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        void *stage = open_stage(64, 1);
        struct event changed = response(100 * SECOND + 1);
        changes[i](&changed);
        feed(stage, query(100 * SECOND));
        assert_int_equal(feed(stage, changed), NONE);
        assert_int_equal(feed(stage, response(100 * SECOND + 1)), 1);
        hooks()->close(stage);
    }
}

/* Every kind of query with every kind of response: they meet when both are of the side that is
 * asked, or both of the side that asks. Beyond the types that we know each has its own response. */
static void sides_meet(void **state)
{
    (void)state;
    enum { LAST = DNSTAP_UPDATE_RESPONSE + 4 };
    static const char sides[LAST / 2 + 1] = "aqaqqqacd"; /* AUTH RESOLVER CLIENT FORWARDER ... */
    for (int ask = DNSTAP_AUTH_QUERY; ask < LAST; ask += 2) {
        for (int answer = DNSTAP_AUTH_RESPONSE; answer <= LAST; answer += 2) {
            void *stage = open_stage(64, 1);
            bool same = sides[(ask - 1) / 2] == sides[(answer - 1) / 2];
            feed(stage, message(ask, 100 * SECOND));
            assert_int_equal(feed(stage, message(answer, 101 * SECOND)), same ? SECOND : NONE);
            hooks()->close(stage);
        }
    }
}

/* Of what a server asks others its own port does not count, but all the rest does. */
static void own_port_of_an_asker_does_not_count(void **state)
{
    (void)state;
    static void (*const changes[])(struct event *) = {other_query_port, other_response_port,
                                                      other_server, other_id};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        void *stage = open_stage(64, 1);
        struct event answer = message(DNSTAP_RESOLVER_RESPONSE, 101 * SECOND);
        changes[i](&answer);
        feed(stage, message(DNSTAP_RESOLVER_QUERY, 100 * SECOND));
        assert_int_equal(feed(stage, answer), i == 0 ? SECOND : NONE);
        hooks()->close(stage);
    }
}

/* Feeds a query for one name and a response for another; true when they met. */
static bool names_meet(void *stage, const void *asked, const void *answered, size_t len)
{
    struct event ask = query(100 * SECOND), answer = response(101 * SECOND);
    ask.question.name = (struct dns_name){asked, (uint8_t)len};
    answer.question.name = (struct dns_name){answered, (uint8_t)len};
    feed(stage, ask);
    bool met = feed(stage, answer) != NONE;
    /* Leave nothing behind for the next pair. */
    answer.question.name = ask.question.name;
    feed(stage, answer);
    return met;
}

/* Letters match in either case; no other bytes do, and at no place of a name. */
static void names_match_in_any_case(void **state)
{
    (void)state;
    void *stage = open_stage(64, 1);
    for (size_t len = 1; len <= 40; len++) {
        for (size_t at = 0; at < len; at++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                uint8_t a[40], b[40];
                memset(a, 'x', sizeof a);
                a[at] = (uint8_t)byte;
                memcpy(b, a, sizeof b);
                b[at] ^= 0x20;
                bool letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
                assert_int_equal(names_meet(stage, a, b, len), letter);
            }
        }
    }
    hooks()->close(stage);
}

static void window_bounds_the_match(void **state)
{
    (void)state;
    void *stage = open_stage(64, 1);
    feed(stage, query(100 * SECOND));
    assert_int_equal(feed(stage, response(100 * SECOND - 1)), NEGATIVE); /* before it was asked */
    assert_int_equal(feed(stage, response(100 * SECOND + WINDOW + 1)), BEYOND);
    assert_int_equal(feed(stage, response(100 * SECOND + WINDOW)), WINDOW);
    hooks()->close(stage);
}

static void repeated_query_counts_from_the_last(void **state)
{
    (void)state;
    void *stage = open_stage(64, 1);
    feed(stage, query(100 * SECOND));
    feed(stage, query(101 * SECOND));
    assert_int_equal(feed(stage, response(103 * SECOND)), 2 * SECOND);
    assert_int_equal(feed(stage, response(103 * SECOND)), NONE);
    hooks()->close(stage);
}

static struct event numbered(struct event ev, unsigned number)
{
    ev.header.id = (uint16_t)number;
    ev.tap.query_port = 1024 + (number >> 16);
    return ev;
}

/* A fifth query takes the place of the first that came, whatever their clocks say. */
static void oldest_makes_room(void **state)
{
    (void)state;
    void *stage = open_stage(4, 1);
    static const int seconds[] = {103, 101, 104, 102, 105};
    for (unsigned i = 0; i < 5; i++)
        feed(stage, numbered(query(seconds[i] * SECOND), i));
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(feed(stage, numbered(response(106 * SECOND), i)),
                         i == 0 ? NONE : (106 - seconds[i]) * SECOND);
    hooks()->close(stage);
}

/* What is remembered depends on the order of the events alone, not on hashes: whatever the size and
 * the key, exactly the last queries are. */
static void exactly_the_last_are_remembered(void **state)
{
    (void)state;
    for (unsigned entries = 1; entries < 200; entries += 7) {
        void *stage = open_stage(entries, 1);
        for (unsigned i = 0; i < 1000; i++)
            feed(stage, numbered(query(100 * SECOND), i));
        for (unsigned i = 0; i < 1000; i++)
            assert_int_equal(feed(stage, numbered(response(101 * SECOND), i)),
                             i < 1000 - entries ? NONE : SECOND);
        hooks()->close(stage);
    }
}

/* Random traffic against a plain list that is searched from its end. */
static void agrees_with_a_plain_list(void **state)
{
    (void)state;
    enum { ENTRIES = 50, NUMBERS = 120, ROUNDS = 20000 };
    void *stage = open_stage(ENTRIES, 1);
    static int list[ROUNDS]; /* the number asked, in order; -1: used up or asked again */
    int asked = 0;
    uint32_t random = 1;
    for (int round = 0; round < ROUNDS; round++) {
        random = random * 1664525 + 1013904223;
        int number = (int)(random >> 16) % NUMBERS, at = asked;
        bool is_query = random >> 12 & 1;
        while (at > 0 && list[--at] != number)
            ;
        bool known = asked > 0 && list[at] == number;
        if (known)
            list[at] = -1;
        known = known && at >= asked - ENTRIES;
        if (is_query) {
            list[asked++] = number;
            feed(stage, numbered(query(100 * SECOND), (unsigned)number));
        } else {
            assert_int_equal(feed(stage, numbered(response(101 * SECOND), (unsigned)number)),
                             known ? SECOND : NONE);
        }
    }
    hooks()->close(stage);
}

/* Of times that no clock shows, the difference is told right, or else there is none. */
static void extreme_times_harm_nobody(void **state)
{
    (void)state;
    static const uint64_t last = 9223372032; /* its nanoseconds, and 2^32 more, fit 63 bits */
    static const struct {
        uint64_t query_sec, response_sec;
        int64_t matched, carried;
    } cases[] = {
        {last - 1, last - 1, 0, 0},
        {0, last - 1, BEYOND, BEYOND},
        {last - 1, 0, NEGATIVE, NEGATIVE},
        {last, last, NONE, 0}, /* so late a query is not remembered */
        {0, last, BEYOND, BEYOND},
        {last, 0, NONE, NEGATIVE},
        {0, UINT64_MAX, BEYOND, BEYOND},
        {UINT64_MAX, 0, NONE, NEGATIVE},
        {UINT64_MAX, UINT64_MAX, NONE, 0},
        {UINT64_MAX - 1, UINT64_MAX, NONE, SECOND},
        {0, UINT64_MAX / 2 + 1, BEYOND, BEYOND},
        {UINT64_MAX / 1000000000 + 1, 0, NONE, NEGATIVE}, /* a product of 64 bits would wrap */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        void *stage = open_stage(4, 1);
        struct event ask = query(0), answer = response(0);
        ask.tap.query_nsec = answer.tap.query_nsec = answer.tap.response_nsec = UINT32_MAX;
        ask.tap.query_sec = answer.tap.query_sec = cases[i].query_sec;
        answer.tap.response_sec = cases[i].response_sec;
        feed(stage, ask);
        assert_int_equal(feed(stage, answer), cases[i].matched);
        answer.tap.has |= DNSTAP_HAS_QUERY_SEC;
        assert_int_equal(feed(stage, answer), cases[i].carried);
        hooks()->close(stage);
    }
}

/* Several workers: what one of them heard asked, another one hears answered. */

enum { EACH = 20000 };

struct worker {
    pthread_t thread;
    void *stage;
    pthread_barrier_t *asked;
    unsigned index, count;
    unsigned matches;
};

static void *work(void *arg)
{
    struct worker *worker = arg;
    for (unsigned i = 0; i < EACH; i++)
        feed(worker->stage, numbered(query(100 * SECOND), worker->index * EACH + i));
    pthread_barrier_wait(worker->asked);
    unsigned neighbour = (worker->index + 1) % worker->count;
    for (unsigned i = 0; i < EACH; i++)
        worker->matches +=
            feed(worker->stage, numbered(response(101 * SECOND), neighbour * EACH + i)) == SECOND;
    return NULL;
}

static void workers_share_what_they_heard(void **state)
{
    (void)state;
    struct worker workers[16];
    unsigned count = chunks_threads();
    pthread_barrier_t asked;
    /* Twice as many entries, lest a shard that gets more than its share has to forget. */
    void *stage = open_stage((uint64_t)count * EACH * 2 + 65536, count);
    pthread_barrier_init(&asked, NULL, count);
    for (unsigned i = 0; i < count; i++) {
        workers[i] = (struct worker){.stage = stage, .asked = &asked, .index = i, .count = count};
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    unsigned matches = 0;
    for (unsigned i = 0; i < count; i++) {
        pthread_join(workers[i].thread, NULL);
        matches += workers[i].matches;
    }
    assert_int_equal(matches, count * EACH);
    pthread_barrier_destroy(&asked);
    hooks()->close(stage);
}

/* --- frames that never came ------------------------------------------------------------------- */

static void take_loss(void *ctx, const struct stage_loss *loss)
{
    struct stage_loss *sum = ctx;
    sum->unanswered += loss->unanswered;
    sum->unasked += loss->unasked;
    sum->judged |= loss->judged;
}

/* What is judged so far; and when no more comes. */
static struct stage_loss judged(void *stage)
{
    struct stage_loss sum = {0};
    hooks()->losses(stage, take_loss, &sum);
    return sum;
}

static struct stage_loss judged_at_end(void *stage)
{
    hooks()->tick(stage, 0, true);
    return judged(stage);
}

static void check_loss(struct stage_loss loss, uint64_t unanswered, uint64_t unasked)
{
    assert_int_equal(loss.unanswered, unanswered);
    assert_int_equal(loss.unasked, unasked);
}

enum half { ASKED = 1, ANSWERED = 2, BOTH = 3 };

/* An exchange of which only some halves come, by a connection. `times`: the response carries both.
 */
static void exchange_by(void *stage, struct origin *by, unsigned number, int64_t ns,
                        enum half halves, bool times)
{
    struct event ev[2] = {query(ns), response(ns + SECOND / 100)};
    for (int i = 0; i < 2; i++) {
        ev[i].origin = by;
        ev[i].header.id = (uint16_t)number;
        ev[i].tap.query_port = 1024 + number % 50000;
        if (i == 1 && times) {
            ev[i].tap.has |= DNSTAP_HAS_QUERY_SEC;
            ev[i].tap.query_sec = ev[0].tap.query_sec;
            ev[i].tap.query_nsec = ev[0].tap.query_nsec;
        }
        if (halves >> i & 1)
            feed(stage, ev[i]);
    }
}

static struct origin one_connection = {.id = 1};

static void exchange(void *stage, unsigned number, int64_t ns, enum half halves)
{
    exchange_by(stage, &one_connection, number, ns, halves, false);
}

/* Of 100 exchanges a second known frames are dropped. The first window is nobody's to judge when
 * responses do not say when they were asked. */
static void dropped_frames_are_counted(void **state)
{
    (void)state;
    for (int times = 0; times < 2; times++) {
        void *stage = open_stage(65536, 1);
        uint64_t unanswered = 0, unasked = 0;
        for (unsigned i = 0; i < 20000; i++) {
            int64_t ns = 100 * SECOND + (int64_t)i * SECOND / 100, answered_ns = ns + SECOND / 100;
            enum half halves = i % 97 == 5 ? ASKED : i % 101 == 7 ? ANSWERED : BOTH;
            exchange_by(stage, &one_connection, i, ns, halves, times);
            /* The last queries may still be answered. */
            unanswered += halves == ASKED && ns < 300 * SECOND - WINDOW;
            unasked += halves == ANSWERED && (times || answered_ns - WINDOW >= 100 * SECOND) &&
                       answered_ns < 300 * SECOND - WINDOW;
        }
        struct stage_loss loss = judged_at_end(stage);
        assert_true(loss.judged);
        check_loss(loss, unanswered, unasked);
        hooks()->close(stage);
    }
}

/* Where threads or connections overtake each other, responses come before their queries: from the
 * first on, when nothing is known yet of the stream, that is no loss. */
static void what_comes_in_disorder_is_no_loss(void **state)
{
    (void)state;
    enum { AT_ONCE = 8, ROUNDS = 200 };
    void *stage = open_stage(65536, 1);
    int64_t ns = 100 * SECOND;
    exchange(stage, 0, ns, ASKED);
    for (unsigned round = 1; round <= ROUNDS; round++, ns += SECOND / 10) {
        for (unsigned i = 0; i < 2 * AT_ONCE; i++)
            exchange(stage, round * AT_ONCE + i % AT_ONCE, ns, i < AT_ONCE ? ANSWERED : ASKED);
        exchange(stage, 0, ns, BOTH);
    }
    struct stage_loss loss = judged_at_end(stage);
    assert_true(loss.judged);
    check_loss(loss, 0, 0);
    hooks()->close(stage);
}

/* Who logs but one half loses nothing, as far as anybody can tell. */
static void one_half_alone_is_no_loss(void **state)
{
    (void)state;
    static const enum half halves[] = {ASKED, ANSWERED};
    for (int h = 0; h < 2; h++) {
        void *stage = open_stage(65536, 1);
        for (unsigned i = 0; i < 5000; i++)
            exchange_by(stage, &one_connection, i, (100 + i) * SECOND, halves[h], i % 2);
        struct stage_loss loss = judged_at_end(stage);
        assert_false(loss.judged);
        check_loss(loss, 0, 0);
        hooks()->close(stage);
    }
}

/* Where nobody shows losses, none are looked for; latencies are the same. */
static void losses_are_kept_for_who_asks(void **state)
{
    (void)state;
    struct settings settings = {.latency_entries = 65536, .latency_window_ns = WINDOW};
    struct stage_options options = {.settings = &settings, .workers = 1, .wanted = FACET_LATENCY};
    struct error err;
    void *stage = NULL;
    assert_int_equal(hooks()->open(&stage, &options, &err), 0);
    for (unsigned i = 0; i < 5000; i++)
        exchange(stage, i, (100 + i) * SECOND, i % 5 == 0 ? ASKED : BOTH);
    feed(stage, query(9000 * SECOND));
    assert_int_equal(feed(stage, response(9001 * SECOND)), SECOND);
    struct stage_loss loss = judged_at_end(stage);
    assert_false(loss.judged);
    check_loss(loss, 0, 0);
    hooks()->close(stage);
}

/* Both halves of one type, and one half alone of another. */
static void types_are_judged_apart(void **state)
{
    (void)state;
    void *stage = open_stage(65536, 1);
    for (unsigned i = 0; i < 3000; i++) {
        struct event other = message(i % 2 ? DNSTAP_UPDATE_QUERY : DNSTAP_RESOLVER_QUERY,
                                     (int64_t)(100 + i) * SECOND);
        exchange(stage, i, (int64_t)(100 + i) * SECOND, BOTH);
        other.origin = &one_connection;
        other.header.id = (uint16_t)i;
        feed(stage, other);
    }
    check_loss(judged_at_end(stage), 0, 0);
    hooks()->close(stage);
}

/* Queries that had to make room early have no response to miss, nor have their responses a query.
 */
static void what_leaves_early_is_no_loss(void **state)
{
    (void)state;
    enum { AT_ONCE = 500, ROUNDS = 20 };
    void *stage = open_stage(AT_ONCE / 4, 1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        int64_t ns = (int64_t)(100 + 5 * round) * SECOND;
        for (unsigned i = 0; i < AT_ONCE; i++)
            exchange(stage, i, ns + i, ASKED);
        for (unsigned i = 0; i < AT_ONCE; i++)
            exchange(stage, i, ns + i, ANSWERED);
    }
    check_loss(judged_at_end(stage), 0, 0);
    hooks()->close(stage);
}

/* Responses to what was asked before the connection, or an earlier one, began; and queries that it
 * took along. */
static void what_was_before_is_no_loss(void **state)
{
    (void)state;
    for (int times = 0; times < 2; times++) {
        void *stage = open_stage(65536, 1);
        struct origin connections[] = {{.id = 3}, {.id = 4}};
        unsigned number = 0;
        for (int c = 0; c < 2; c++) {
            struct origin *by = &connections[c];
            int64_t ns = (100 + 100 * c) * SECOND;
            /* Asked before it began: only the response comes. */
            exchange_by(stage, by, number++, ns + 1000, BOTH, times);
            for (int i = 0; i < 50; i++)
                exchange_by(stage, by, number++, ns - SECOND / 200, ANSWERED, times);
            for (int i = 0; i < 500; i++)
                exchange_by(stage, by, number++, ns + i * SECOND / 10, BOTH, times);
            /* And it ends before the answers. */
            for (int i = 0; i < 20; i++)
                exchange_by(stage, by, number++, ns + 50 * SECOND, ASKED, times);
        }
        check_loss(judged_at_end(stage), 0, 0);
        hooks()->close(stage);
    }
}

/* A query that is asked again is answered once, or each time. */
static void repetitions_are_no_loss(void **state)
{
    (void)state;
    void *stage = open_stage(65536, 1);
    for (unsigned i = 0; i < 3000; i++) {
        int64_t ns = (int64_t)(100 + i) * SECOND / 10;
        exchange(stage, i, ns, ASKED);
        exchange(stage, i, ns + 1, ASKED);
        exchange(stage, i, ns, ANSWERED);
        if (i % 2)
            exchange(stage, i, ns + 1, ANSWERED);
    }
    check_loss(judged_at_end(stage), 0, 0);
    hooks()->close(stage);
}

/* A response that comes too late, and clocks that disagree: nothing is missing. A third response
 * was never asked for. */
static void strange_exchanges(void **state)
{
    (void)state;
    void *stage = open_stage(65536, 1);
    for (unsigned i = 0; i < 2000; i++)
        exchange(stage, i, (int64_t)(1000 + i) * SECOND / 10, BOTH);
    struct event late = query(310 * SECOND), answer = response(310 * SECOND - 5);
    late.origin = answer.origin = &one_connection;
    feed(stage, late);
    feed(stage, answer); /* before its query */
    late.header.id = answer.header.id = 60000;
    feed(stage, late);
    answer.tap.has |= DNSTAP_HAS_QUERY_SEC;
    answer.tap.query_sec = 100; /* says that it took longer than the window */
    feed(stage, answer);
    check_loss(judged(stage), 0, 0);
    answer = response(310 * SECOND);
    answer.origin = &one_connection;
    answer.header.id = 60001;
    feed(stage, answer);
    exchange(stage, 0, 321 * SECOND, BOTH);
    check_loss(judged_at_end(stage), 0, 1);
    hooks()->close(stage);
}

/* A server of many threads may send responses before their queries. */
static void order_does_not_matter(void **state)
{
    (void)state;
    void *stage = open_stage(65536, 1);
    for (unsigned i = 0; i < 3000; i += 2) {
        int64_t ns = (int64_t)(1000 + i) * SECOND / 10;
        exchange(stage, i, ns, i > 500 && i % 100 == 4 ? ASKED : BOTH);
        exchange(stage, i + 1, ns, ANSWERED);
        exchange(stage, i + 1, ns, i > 500 && i % 100 == 8 ? 0 : ASKED);
    }
    check_loss(judged_at_end(stage), 24, 24);
    hooks()->close(stage);
}

/* Streams have clocks of their own: one that is hours ahead ends no window of another. */
static void clocks_of_streams_are_their_own(void **state)
{
    (void)state;
    void *stage = open_stage(65536, 1);
    for (unsigned i = 0; i < 3000; i++) {
        int64_t ns = (int64_t)(1000 + i) * SECOND / 10;
        struct event ahead[] = {query(ns + 7200 * SECOND), response(ns + 7200 * SECOND + 5)};
        exchange(stage, i, ns, ASKED);
        for (int half = 0; half < 2; half++) {
            ahead[half].tap.identity = span_str("ahead");
            ahead[half].origin = &one_connection;
            feed(stage, ahead[half]);
        }
        exchange(stage, i, ns, i % 1000 == 500 ? 0 : ANSWERED);
    }
    check_loss(judged_at_end(stage), 3, 0);
    hooks()->close(stage);
}

/* What a stream that was there first loses is counted however many identities a peer invents. */
static void invented_identities_hide_no_loss(void **state)
{
    (void)state;
    void *stage = open_stage(65536, 1);
    char text[32];
    for (unsigned i = 0; i < 5000; i++) {
        int64_t ns = (int64_t)(1000 + i) * SECOND / 10;
        struct event strange = query(ns);
        exchange(stage, i, ns, i % 1000 == 500 ? ASKED : BOTH);
        snprintf(text, sizeof text, "x%04u", i);
        strange.tap.identity = span_str(text);
        strange.origin = &one_connection;
        feed(stage, strange);
    }
    check_loss(judged_at_end(stage), 5, 0);
    hooks()->close(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_of_the_message_win),
        cmocka_unit_test(response_meets_its_query_once),
        cmocka_unit_test(all_of_the_key_counts),
        cmocka_unit_test(sides_meet),
        cmocka_unit_test(own_port_of_an_asker_does_not_count),
        cmocka_unit_test(names_match_in_any_case),
        cmocka_unit_test(window_bounds_the_match),
        cmocka_unit_test(repeated_query_counts_from_the_last),
        cmocka_unit_test(oldest_makes_room),
        cmocka_unit_test(exactly_the_last_are_remembered),
        cmocka_unit_test(agrees_with_a_plain_list),
        cmocka_unit_test(extreme_times_harm_nobody),
        cmocka_unit_test(workers_share_what_they_heard),
        cmocka_unit_test(dropped_frames_are_counted),
        cmocka_unit_test(one_half_alone_is_no_loss),
        cmocka_unit_test(losses_are_kept_for_who_asks),
        cmocka_unit_test(types_are_judged_apart),
        cmocka_unit_test(what_comes_in_disorder_is_no_loss),
        cmocka_unit_test(what_leaves_early_is_no_loss),
        cmocka_unit_test(what_was_before_is_no_loss),
        cmocka_unit_test(repetitions_are_no_loss),
        cmocka_unit_test(strange_exchanges),
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(clocks_of_streams_are_their_own),
        cmocka_unit_test(invented_identities_hide_no_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
