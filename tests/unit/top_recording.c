/* Rates of a recording, over its own time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "top/recording.h"

#define SECOND UINT64_C(1000000000)
#define THEN (UINT64_C(1700000000) * SECOND)

static void see_of(const struct observer *observer, enum dnstap_side side, uint64_t ns, bool query)
{
    struct event ev = {.side = (uint8_t)side,
                       .tap = {.has = DNSTAP_HAS_TYPE,
                               .message_type = query ? DNSTAP_CLIENT_QUERY : DNSTAP_CLIENT_RESPONSE,
                               .query_sec = query ? ns / SECOND : 0,
                               .query_nsec = query ? (uint32_t)(ns % SECOND) : 0,
                               .response_sec = query ? 0 : ns / SECOND,
                               .response_nsec = query ? 0 : (uint32_t)(ns % SECOND)}};
    observer->event(observer->state, 0, &ev);
}

static void see(const struct observer *observer, uint64_t ns, bool query)
{
    see_of(observer, DNSTAP_SIDE_CLIENT, ns, query);
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
    assert_true(view.numbers[NUMBER_FROM] == 1700000000e3);
    assert_float_equal(view.numbers[NUMBER_TO], 1700001799.95e3, 1);
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

/* Rates are of the side that is shown; a view of a window has those of the last minutes alone. */
static void rates_of_a_side(void **state)
{
    (void)state;
    static struct top_recording recording;
    static struct top_view view;
    top_recording_init(&recording);
    struct observer observer = top_recording_observer(&recording);
    for (uint64_t i = 0; i < 601; i++) {
        see_of(&observer, DNSTAP_SIDE_CLIENT, THEN + i * SECOND / 10, true);
        see_of(&observer, DNSTAP_SIDE_UNKNOWN, THEN + i * SECOND / 10, true);
        if (i % 2 == 0)
            see_of(&observer, DNSTAP_SIDE_UPSTREAM, THEN + i * SECOND / 10, true);
    }
    static const struct {
        enum stats_side side;
        double queries, rate;
    } sides[] = {{STATS_CLIENT, 1202, 20}, {STATS_UPSTREAM, 301, 5}};
    for (int i = 0; i < 2; i++) {
        view.side = sides[i].side;
        view.numbers[NUMBER_QUERIES] = sides[i].queries;
        top_recording_show(&recording, &view);
        assert_float_equal(view.numbers[NUMBER_QUERY_RATE_1M], sides[i].rate, 0.5);
        assert_float_equal(view.numbers[NUMBER_QUERY_RATE], sides[i].rate, 0.5);
    }
    view.window = WINDOW_1M;
    top_recording_show(&recording, &view);
    assert_true(isnan(view.numbers[NUMBER_QUERY_RATE]));
    assert_float_equal(view.numbers[NUMBER_QUERY_RATE_1M], 5, 0.5);
    top_recording_free(&recording);
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
        cmocka_unit_test(rates),
        cmocka_unit_test(rates_of_any_year),
        cmocka_unit_test(rates_of_a_side),
        cmocka_unit_test(short_and_timeless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
