/* From when to when a recording or a stream is, whatever times are in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../support/random.h"
#include "stats/times.h"

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

/* What several have gathered, each a part of it, is what one would have. */
static void merged(void **state)
{
    (void)state;
    struct random random = {3};
    struct times whole = {0}, sum = {0}, hands[3] = {0};
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t ns = THEN + i * SECOND / 50 + (i / 7000) * 3600 * SECOND;
        ns = i % 4000 == 9 ? THEN - i * SECOND * 3600 : ns;
        times_add(&whole, ns);
        times_add(&hands[random_below(&random, 3)], ns);
        if (i % 500 == 0) {
            times_merge(&sum, &hands[i % 3]);
            times_clear(&hands[i % 3]);
        }
    }
    for (int i = 0; i < 3; i++)
        times_merge(&sum, &hands[i]);
    assert_int_equal(sum.count, whole.count);
    for (size_t i = 0; i < sum.count; i++)
        assert_memory_equal(&sum.parts[i], &whole.parts[i], sizeof *sum.parts);
}

/* One part may close several gaps at once, and may lie within another one. */
static void a_part_joins_many(void **state)
{
    (void)state;
    struct times times = {0};
    for (uint64_t i = 0; i < 9; i++)
        times_add(&times, THEN + i * 10 * SECOND);
    assert_int_equal(times.count, 9);
    times_add_part(&times, &(struct times_part){THEN + 19 * SECOND, THEN + 61 * SECOND, 100});
    assert_int_equal(times.count, 5);
    assert_int_equal(times.parts[2].from, THEN + 19 * SECOND);
    assert_int_equal(times.parts[2].to, THEN + 61 * SECOND);
    assert_int_equal(times.parts[2].count, 105);
    times_add_part(&times, &(struct times_part){THEN + 30 * SECOND, THEN + 31 * SECOND, 7});
    assert_int_equal(times.count, 5);
    assert_int_equal(times.parts[2].count, 112);
    times_add(&times, THEN + 80 * SECOND);
    assert_int_equal(times.parts[4].count, 2);
    expect_span(&times, THEN, THEN + 80 * SECOND);
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
        cmocka_unit_test(random_times_keep_order),
        cmocka_unit_test(merged),
        cmocka_unit_test(a_part_joins_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
