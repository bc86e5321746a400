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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(off),      cmocka_unit_test(by_rate),      cmocka_unit_test(stall),
        cmocka_unit_test(by_times), cmocka_unit_test(absurd_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
