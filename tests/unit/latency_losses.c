/* Stage `latency`: the halves of exchanges that never came, and what is not to be counted as such.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "../support/latency_stage.h"

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
    uint32_t needs = 0;
    assert_int_equal(hooks()->open(&stage, &options, &needs, &err), 0);
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

/* More servers than a worker keeps in mind, all with the same exchange at once. */
static void many_servers_are_told_apart(void **state)
{
    (void)state;
    char names[100][16];
    void *stage = open_stage(1000, 1);
    for (int half = 0; half < 2; half++) {
        for (int i = 0; i < 100; i++) {
            struct event ev = half ? response(101 * SECOND + i) : query(100 * SECOND);
            snprintf(names[i], sizeof names[i], "ns%d.example", i);
            ev.tap.identity = span_str(names[i]);
            ev.origin = &one_connection;
            assert_int_equal(feed(stage, ev), half ? SECOND + i : NONE);
        }
        hooks()->tick(stage, 0, false);
    }
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
        cmocka_unit_test(many_servers_are_told_apart),
        cmocka_unit_test(invented_identities_hide_no_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
