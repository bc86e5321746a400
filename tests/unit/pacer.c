/* When paced frames are due. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/pacer.h"
#include "wire/dnstap.h"

static const uint64_t SECOND = 1000000000, NOW = 5000 * UINT64_C(1000000000);

static const struct span no_frame;

/* A CLIENT_QUERY of that time; time 0: without one. */
static struct buf frame_at(uint64_t ns)
{
    struct buf out = {0};
    struct dnstap tap = {
        .has = DNSTAP_HAS_TYPE | DNSTAP_HAS_MESSAGE | DNSTAP_HAS_MESSAGE_TYPE,
        .type = 1,
        .message_type = DNSTAP_CLIENT_QUERY,
        .query_sec = ns / SECOND,
        .query_nsec = (uint32_t)(ns % SECOND),
    };
    if (ns)
        tap.has |= DNSTAP_HAS_QUERY_SEC | DNSTAP_HAS_QUERY_NSEC;
    dnstap_encode(&tap, &out);
    return out;
}

static uint64_t due_at(struct pacer *pacer, uint64_t frame_ns, uint64_t now_ns)
{
    struct buf frame = frame_at(frame_ns);
    uint64_t due = pacer_due(pacer, buf_span(&frame), now_ns);
    buf_free(&frame);
    return due;
}

static void off(void **state)
{
    struct pacer pacer;
    (void)state;
    pacer_init(&pacer, PACER_OFF, 0);
    assert_int_equal(pacer_due(&pacer, no_frame, NOW), 0);
}

/* Evenly, without drift: frame N of 3 a second is due after N/3 seconds, to the nanosecond. */
static void by_rate(void **state)
{
    struct pacer pacer;
    (void)state;
    pacer_init(&pacer, PACER_RATE, 3);
    for (uint64_t n = 0; n < 100; n++)
        assert_int_equal(pacer_due(&pacer, no_frame, NOW), NOW + n * SECOND / 3);
}

/* After a stall of ten seconds one second's worth is caught up, no more. */
static void stall(void **state)
{
    struct pacer pacer;
    (void)state;
    pacer_init(&pacer, PACER_RATE, 10);
    assert_int_equal(pacer_due(&pacer, no_frame, NOW), NOW);
    uint64_t later = NOW + 10 * SECOND;
    for (uint64_t n = 0; n < 20; n++)
        assert_int_equal(pacer_due(&pacer, no_frame, later), later - SECOND + n * SECOND / 10);
    assert_int_equal(pacer.slipped_ns, later - SECOND - (NOW + SECOND / 10));
    pacer_rewind(&pacer, later);
    assert_int_equal(pacer.slipped_ns, 0);
}

static void by_times(void **state)
{
    struct pacer pacer;
    uint64_t first = 1700000000 * SECOND + 123;
    (void)state;
    pacer_init(&pacer, PACER_TIMES, 0);
    pacer_rewind(&pacer, NOW);
    assert_int_equal(due_at(&pacer, first, NOW), NOW);
    assert_int_equal(due_at(&pacer, first + 250, NOW), NOW + 250);
    assert_int_equal(due_at(&pacer, first + 100, NOW), NOW + 250); /* earlier: at once */
    assert_int_equal(due_at(&pacer, first - 9 * SECOND, NOW), NOW + 250);
    assert_int_equal(due_at(&pacer, 0, NOW), NOW + 250); /* without a time */
    assert_int_equal(due_at(&pacer, first + SECOND, NOW), NOW + SECOND);
    pacer_rewind(&pacer, NOW + 2 * SECOND); /* the next file, of another day */
    assert_int_equal(due_at(&pacer, first - 86400 * SECOND, NOW + 2 * SECOND), NOW + 2 * SECOND);
    assert_int_equal(due_at(&pacer, first - 86399 * SECOND, NOW + 2 * SECOND), NOW + 3 * SECOND);
}

/* A time that cannot be is none. */
static void absurd_times(void **state)
{
    struct pacer pacer;
    (void)state;
    pacer_init(&pacer, PACER_TIMES, 0);
    pacer_rewind(&pacer, NOW);
    struct span garbage = span_of("\xff\xff", 2);
    assert_int_equal(pacer_due(&pacer, garbage, NOW), NOW);
    struct dnstap tap = {.has = DNSTAP_HAS_TYPE | DNSTAP_HAS_MESSAGE | DNSTAP_HAS_MESSAGE_TYPE |
                                DNSTAP_HAS_QUERY_SEC,
                         .type = 1,
                         .message_type = 1,
                         .query_sec = UINT64_MAX};
    struct buf frame = {0};
    dnstap_encode(&tap, &frame);
    assert_int_equal(pacer_due(&pacer, buf_span(&frame), NOW), NOW);
    buf_free(&frame);
}

static struct pacer by_times_with(uint64_t max_gap_ns)
{
    struct pacer pacer;
    pacer_init(&pacer, PACER_TIMES, 0);
    pacer.max_gap_ns = max_gap_ns;
    pacer_rewind(&pacer, NOW);
    return pacer;
}

/* A recording that paused, or began in 1970: the gap is cut, and from there on the times count. */
static void long_gaps_are_cut(void **state)
{
    struct pacer pacer = by_times_with(60 * SECOND);
    uint64_t then = 1700000000 * SECOND;
    (void)state;
    assert_int_equal(due_at(&pacer, 5, NOW), NOW);
    assert_int_equal(pacer.cut_ns, 0);
    assert_int_equal(due_at(&pacer, then, NOW), NOW + 60 * SECOND);
    assert_int_equal(pacer.cut_ns, then - 5);
    assert_int_equal(due_at(&pacer, then + 7, NOW), NOW + 60 * SECOND + 7);
    assert_int_equal(due_at(&pacer, then + 7 + 60 * SECOND, NOW), NOW + 120 * SECOND + 7);
    assert_int_equal(due_at(&pacer, then + 8 + 120 * SECOND, NOW), NOW + 180 * SECOND + 7);
    assert_int_equal(pacer.anchor.time_ns, then + 8 + 120 * SECOND);
    assert_int_equal(pacer.anchor.at_ns, NOW + 180 * SECOND + 7);
}

/* The largest times there are, one behind the other: nothing overflows, each waits a minute at
 * most. */
static void hostile_times(void **state)
{
    const uint64_t most = UINT64_MAX / SECOND - 5;
    struct pacer pacer = by_times_with(60 * SECOND), endless = by_times_with(0);
    uint64_t last = NOW;
    (void)state;
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t due = due_at(&pacer, (i % 2 ? most - i : 1 + i) * SECOND, NOW);
        assert_true(due >= last && due <= last + 60 * SECOND);
        last = due;
    }
    assert_int_equal(due_at(&endless, 1, NOW), NOW);
    assert_int_equal(due_at(&endless, most / 2 * SECOND, NOW), NOW + most / 2 * SECOND - 1);
    assert_int_equal(due_at(&endless, most * SECOND, NOW), UINT64_MAX - SECOND);
}

/* One message of long ago among the others holds nothing up; a clock that was set back does not,
 * for good. */
static void times_that_go_back(void **state)
{
    struct pacer pacer = by_times_with(60 * SECOND);
    uint64_t then = 1700000000 * SECOND;
    (void)state;
    assert_int_equal(due_at(&pacer, then, NOW), NOW);
    assert_int_equal(due_at(&pacer, 5, NOW), NOW);
    assert_int_equal(due_at(&pacer, then + SECOND, NOW), NOW + SECOND);
    assert_int_equal(due_at(&pacer, 5, NOW), NOW + SECOND);
    assert_int_equal(due_at(&pacer, then + 2 * SECOND, NOW), NOW + 2 * SECOND);
    uint64_t before = then - 3600 * SECOND;
    assert_int_equal(due_at(&pacer, before, NOW), NOW + 2 * SECOND);
    assert_int_equal(due_at(&pacer, before + SECOND, NOW), NOW + 2 * SECOND); /* two: it was set */
    assert_int_equal(due_at(&pacer, before + 3 * SECOND, NOW), NOW + 4 * SECOND);
    assert_int_equal(pacer.cut_ns, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(off),           cmocka_unit_test(by_rate),
        cmocka_unit_test(stall),         cmocka_unit_test(by_times),
        cmocka_unit_test(absurd_times),  cmocka_unit_test(long_gaps_are_cut),
        cmocka_unit_test(hostile_times), cmocka_unit_test(times_that_go_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
