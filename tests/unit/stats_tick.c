/* How finely a clock ticks, from times that a clock like it gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/random.h"
#include "stats/tick.h"

static const uint64_t start_ns = UINT64_C(1700000000123456789);

/* Exchanges of 100 us, `every_ns` apart, as a clock tells them that is read at whole ticks from
 * some moment on; a response is a step from its query, too. */
static struct tick watch(uint64_t tick_ns, uint64_t every_ns, unsigned exchanges)
{
    struct tick tick = {0};
    struct random random = {20261129};
    uint64_t now = 0;
    for (unsigned i = 0; i < exchanges; i++) {
        now += 1 + random_below(&random, 2 * every_ns);
        uint64_t asked = start_ns + now / tick_ns * tick_ns;
        uint64_t answered = start_ns + (now + 100000) / tick_ns * tick_ns;
        tick_time(&tick, asked);
        tick_time(&tick, answered);
        tick_step(&tick, answered - asked);
    }
    return tick;
}

static void test_coarse(void **state)
{
    (void)state;
    static const uint64_t ticks[] = {1000000, 4000000, 10000000};
    static const uint64_t paces[] = {10000, 1000000, 300000000}; /* 100,000 a second to 3 */
    for (size_t t = 0; t < sizeof ticks / sizeof *ticks; t++) {
        for (size_t p = 0; p < sizeof paces / sizeof *paces; p++) {
            struct tick tick = watch(ticks[t], paces[p], 20000);
            assert_int_equal(tick_estimate(&tick), ticks[t]);
        }
    }
}

static void test_fine(void **state)
{
    (void)state;
    struct tick tick = watch(1, 20000, 20000);
    assert_int_equal(tick_estimate(&tick), 0);
    tick = watch(1, 300000000, 20000); /* seldom: no step is small, and none is zero */
    assert_int_equal(tick_estimate(&tick), 0);
}

/* Times in whole microseconds, or seconds, though none comes twice. */
static void test_rounded(void **state)
{
    (void)state;
    static const uint64_t grains[] = {1000, 1000000, 1000000000};
    for (size_t g = 0; g < sizeof grains / sizeof *grains; g++) {
        struct tick tick = {0};
        for (uint64_t i = 1; i <= 200; i++)
            tick_time(&tick, (2 * i + i % 2) * grains[g]);
        assert_int_equal(tick_estimate(&tick), grains[g]);
    }
}

static void test_few_tell_nothing(void **state)
{
    (void)state;
    struct tick tick = watch(4000000, 1000000, 20);
    assert_int_equal(tick_estimate(&tick), 0);
    tick = (struct tick){0};
    assert_int_equal(tick_estimate(&tick), 0);
}

/* A clock that is set makes one step that is less than a tick. */
static void test_strays(void **state)
{
    (void)state;
    struct tick tick = watch(4000000, 1000000, 20000);
    tick_time(&tick, tick.last_ns + 17);
    tick_time(&tick, tick.last_ns - 300);
    assert_int_equal(tick_estimate(&tick), 4000000);
}

/* Parts that several workers saw make what one would have seen. */
static void test_parts(void **state)
{
    (void)state;
    struct tick all = {0};
    for (int i = 0; i < 50; i++) {
        struct tick part = watch(4000000, 1000000, 40);
        tick_add(&all, &part);
    }
    assert_int_equal(tick_estimate(&all), 4000000);
    struct tick fine = watch(1000, 50000, 4000), some = {0};
    tick_add(&some, &fine);
    tick_add(&some, &fine);
    assert_int_equal(some.grain_ns, fine.grain_ns);
    assert_int_equal(some.repeats, 2 * fine.repeats);
}

/* Any bytes may be times. */
static void test_any_times(void **state)
{
    (void)state;
    struct tick tick = {0};
    struct random random = {3};
    for (int i = 0; i < 100000; i++) {
        uint64_t ns = random_u64(&random) >> random_below(&random, 64);
        tick_time(&tick, ns ? ns : 1);
        tick_step(&tick, random_u64(&random) >> random_below(&random, 64));
    }
    assert_true(tick_estimate(&tick) < UINT64_C(1) << TICK_CLASSES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_coarse),    cmocka_unit_test(test_fine),
        cmocka_unit_test(test_rounded),   cmocka_unit_test(test_few_tell_nothing),
        cmocka_unit_test(test_strays),    cmocka_unit_test(test_parts),
        cmocka_unit_test(test_any_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
