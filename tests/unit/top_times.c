/* From when to when a recording is, and its rates, whatever times are in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../support/random.h"
#include "top/recording.h"

#define SECOND UINT64_C(1000000000)
#define THEN (UINT64_C(1700000000) * SECOND)

static void expect_span(const struct times *times, uint64_t from, uint64_t to)
{
    uint64_t got_from, got_to;
    for (size_t i = 0; i < times->count; i++) {
        assert_true(times->parts[i].from <= times->parts[i].to);
        assert_true(i == 0 || times->parts[i - 1].to < times->parts[i].from);
    }
    assert_in_range(times->count, 1, TIMES_PARTS);
    assert_true(times_span(times, &got_from, &got_to));
    assert_int_equal(got_from, from);
    assert_int_equal(got_to, to);
}

static void nothing(void **state)
{
    (void)state;
    struct times times = {0};
    uint64_t from, to;
    assert_false(times_span(&times, &from, &to));
}

/* Ten a millisecond for an hour, a little out of order. */
static void dense(void **state)
{
    (void)state;
    struct times times = {0};
    struct random random = {7};
    for (uint64_t i = 0; i < 36000; i++)
        times_add(&times, THEN + i * SECOND / 10 + random_below(&random, 50000000));
    assert_int_equal(times.count, 1);
    assert_int_equal(times.parts[0].count, 36000);
    expect_span(&times, times.parts[0].from, times.parts[0].to);
    assert_in_range(times.parts[0].from - THEN, 0, SECOND / 5);
}

/* One message every five minutes for weeks, in any order: far more gaps than there are parts. */
static void sparse(void **state)
{
    enum { COUNT = 5000 };
    static uint64_t order[COUNT];
    struct random random = {7};
    (void)state;
    for (int shuffled = 0; shuffled < 2; shuffled++) {
        struct times times = {0};
        for (size_t i = 0; i < COUNT; i++)
            order[i] = i;
        for (size_t i = COUNT; shuffled && i-- > 1;) {
            size_t other = random_below(&random, i + 1);
            uint64_t swap = order[i];
            order[i] = order[other];
            order[other] = swap;
        }
        for (size_t i = 0; i < COUNT; i++)
            times_add(&times, THEN + order[i] * 300 * SECOND);
        expect_span(&times, THEN, THEN + (COUNT - 1) * 300 * SECOND);
    }
}

/* Strays of 1970, of the end of time and of the years between do not count. */
static void strays(void **state)
{
    (void)state;
    struct times times = {0};
    for (uint64_t i = 0; i < 10000; i++) {
        times_add(&times, THEN + i * SECOND / 100);
        if (i % 100 == 0)
            times_add(&times, i % 200 ? 1 + i : UINT64_MAX - i);
        if (i % 2000 == 7)
            times_add(&times, THEN + i * 90 * SECOND);
    }
    times_add(&times, THEN + 150 * SECOND);
    expect_span(&times, THEN, THEN + 9999 * SECOND / 100);
}

/* A night without a message, a recording of last week in front: all of it counts. */
static void pauses(void **state)
{
    (void)state;
    struct times times = {0};
    for (uint64_t i = 0; i < 1000; i++)
        times_add(&times, THEN + i * SECOND / 10);
    for (uint64_t i = 0; i < 20; i++)
        times_add(&times, THEN + (8 * 3600 + i) * SECOND);
    for (uint64_t i = 0; i < 500; i++)
        times_add(&times, THEN - (7 * 86400 - i) * SECOND);
    expect_span(&times, THEN - 7 * 86400 * SECOND, THEN + (8 * 3600 + 19) * SECOND);
}

/* What is far is told by the other messages alone: most of them say when it was, whenever that is.
 */
static void most_messages_say_when(void **state)
{
    (void)state;
    struct times times = {0};
    times_add(&times, 5);
    expect_span(&times, 5, 5);
    times_add(&times, 5 + 10 * SECOND);
    expect_span(&times, 5, 5 + 10 * SECOND);
    times_add(&times, THEN);
    times_add(&times, THEN * 2);
    expect_span(&times, 5, 5 + 10 * SECOND);
    times_add(&times, THEN * 2 + 100 * SECOND);
    times_add(&times, THEN * 2 + 1000 * SECOND);
    expect_span(&times, THEN * 2, THEN * 2 + 1000 * SECOND);
}

static void random_times_keep_order(void **state)
{
    (void)state;
    struct random random = {1};
    for (int round = 0; round < 200; round++) {
        struct times times = {0};
        uint64_t from, to, count = 0;
        uint64_t range = UINT64_MAX >> random_below(&random, 50);
        for (int i = 0; i < 500; i++)
            times_add(&times, random_u64(&random) % range);
        assert_true(times_span(&times, &from, &to));
        assert_true(from <= to);
        for (size_t i = 0; i < times.count; i++) {
            count += times.parts[i].count;
            assert_true(i == 0 || times.parts[i - 1].to < times.parts[i].from);
        }
        assert_int_equal(count, 500);
    }
}

/* --- rates ---------------------------------------------------------------------------------- */

static void see(const struct observer *observer, uint64_t ns, bool query)
{
    struct event ev = {.tap = {.has = DNSTAP_HAS_TYPE,
                               .message_type = query ? DNSTAP_CLIENT_QUERY : DNSTAP_CLIENT_RESPONSE,
                               .query_sec = query ? ns / SECOND : 0,
                               .query_nsec = query ? (uint32_t)(ns % SECOND) : 0,
                               .response_sec = query ? 0 : ns / SECOND,
                               .response_nsec = query ? 0 : (uint32_t)(ns % SECOND)}};
    observer->event(observer->state, 0, &ev);
}

/* Half an hour: ten queries and five responses a second, then a minute with twice as many. */
static void rates(void **state)
{
    (void)state;
    static struct top_recording recording;
    static struct top_view view;
    top_recording_init(&recording);
    struct observer observer = top_recording_observer(&recording);
    uint64_t queries = 0, responses = 0;
    for (uint64_t second = 0; second < 1800; second++) {
        uint64_t times = second < 1740 ? 10 : 20;
        for (uint64_t i = 0; i < times; i++, queries++)
            see(&observer, THEN + second * SECOND + i * SECOND / times, true);
        for (uint64_t i = 0; i < times / 2; i++, responses++)
            see(&observer, THEN + second * SECOND + i * SECOND / times, false);
    }
    see(&observer, 5, true);
    see(&observer, UINT64_MAX / 2, false);
    struct top_row row = {.name = "ns1", .values = {(double)queries, (double)responses}};
    view.lists[LIST_STREAMS] = (struct top_list){.known = true, .count = 1, .rows = &row};
    view.numbers[NUMBER_QUERIES] = (double)queries;
    view.numbers[NUMBER_RESPONSES] = (double)responses;
    top_recording_show(&recording, &view);
    assert_true(view.numbers[NUMBER_FROM] == 1700000000);
    assert_float_equal(view.numbers[NUMBER_TO], 1700001799.95, 1e-3);
    assert_float_equal(view.numbers[NUMBER_QUERY_RATE], (double)queries / 1799.95, 1e-6);
    assert_float_equal(view.numbers[NUMBER_RESPONSE_RATE], (double)responses / 1799.95, 1e-6);
    assert_float_equal(view.numbers[NUMBER_QUERY_RATE_1M], 20, 1e-6);
    assert_float_equal(view.numbers[NUMBER_RESPONSE_RATE_1M], 10, 1e-6);
    assert_float_equal(view.numbers[NUMBER_QUERY_RATE_15M], (840 * 10 + 60 * 20) / 900.0, 1e-6);
    assert_float_equal(row.values[2], (double)queries / 1799.95, 1e-6);
    assert_float_equal(row.values[3], (double)responses / 1799.95, 1e-6);
    view.stream = (char *)"ns1";
    top_recording_show(&recording, &view);
    assert_true(isnan(view.numbers[NUMBER_QUERY_RATE_1M]));
    assert_float_equal(view.numbers[NUMBER_QUERY_RATE], (double)queries / 1799.95, 1e-6);
    top_recording_free(&recording);
}

/* A clock that is wrong for all messages is no reason to show other rates, and a stray neither. */
static void rates_of_any_year(void **state)
{
    enum { COUNT = 1000, HALF_YEAR = 15768000 };
    (void)state;
    static struct top_recording recording;
    static struct top_view view;
    for (uint64_t half = 0; half < 500; half++) {
        uint64_t start = half * HALF_YEAR * SECOND + 1;
        top_recording_init(&recording);
        struct observer observer = top_recording_observer(&recording);
        for (uint64_t i = 0; i < COUNT; i++) {
            see(&observer, start + i * SECOND * 6 / 5 / (COUNT - 1), true);
            if (i % 50 == 7) /* strays: far off, and in the place of the recording's own second */
                see(&observer, start + (i * 1024 + 1024 * 1024) * SECOND, false);
        }
        view.numbers[NUMBER_QUERIES] = COUNT;
        top_recording_show(&recording, &view);
        assert_float_equal(view.numbers[NUMBER_QUERY_RATE], COUNT / 1.2, 1e-2);
        assert_float_equal(view.numbers[NUMBER_QUERY_RATE_1M], COUNT / 1.2, 1e-2);
        assert_float_equal(view.numbers[NUMBER_QUERY_RATE_15M], COUNT / 1.2, 1e-2);
        top_recording_free(&recording);
    }
}

/* Less than a second counts as one; without any time nothing is known. */
static void short_and_timeless(void **state)
{
    (void)state;
    static struct top_recording recording;
    static struct top_view view;
    top_recording_init(&recording);
    struct observer observer = top_recording_observer(&recording);
    view.numbers[NUMBER_QUERIES] = 3;
    see(&observer, 0, true);
    top_recording_show(&recording, &view);
    assert_true(isnan(view.numbers[NUMBER_FROM]));
    assert_true(isnan(view.numbers[NUMBER_QUERY_RATE]));
    see(&observer, THEN, true);
    see(&observer, THEN + 1000, true);
    top_recording_show(&recording, &view);
    assert_float_equal(view.numbers[NUMBER_QUERY_RATE], 3, 1e-9);
    top_recording_free(&recording);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing),
        cmocka_unit_test(dense),
        cmocka_unit_test(sparse),
        cmocka_unit_test(strays),
        cmocka_unit_test(pauses),
        cmocka_unit_test(most_messages_say_when),
        cmocka_unit_test(rates),
        cmocka_unit_test(rates_of_any_year),
        cmocka_unit_test(random_times_keep_order),
        cmocka_unit_test(short_and_timeless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
