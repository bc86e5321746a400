/* Quantiles: the buckets' bounds, and ranks. Distributions: tests/property/stats.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "stats/quantile.h"

/* Without a gap: a bucket's first value is in it, the one before in the bucket before. */
static void buckets_follow_one_another(void **state)
{
    (void)state;
    for (unsigned i = 1; i < QUANTILE_BUCKETS; i++) {
        int64_t lower = quantile_lower(i);
        assert_int_equal(quantile_bucket(lower), i);
        assert_int_equal(quantile_bucket(lower - 1), i - 1);
    }
}

static void the_ends_take_what_is_beyond(void **state)
{
    (void)state;
    assert_int_equal(quantile_bucket(INT64_MIN), 0);
    assert_int_equal(quantile_bucket(-1), 0);
    assert_int_equal(quantile_bucket(0), 0);
    assert_int_equal(quantile_bucket((1 << QUANTILE_MIN_BITS) - 1), 0);
    assert_int_equal(quantile_bucket(1 << QUANTILE_MIN_BITS), 1);
    assert_int_equal(quantile_bucket(INT64_MAX), QUANTILE_BUCKETS - 1);
    assert_int_equal(quantile_value(0), 0);
    assert_int_equal(quantile_value(UINT32_MAX), INT64_C(1) << QUANTILE_MAX_BITS);
}

/* The value that stands for a bucket is within 1/128 of every value in it. */
static void values_are_near(void **state)
{
    (void)state;
    for (unsigned i = 1; i < QUANTILE_BUCKETS - 1; i++) {
        int64_t first = quantile_lower(i), last = quantile_lower(i + 1) - 1;
        int64_t value = quantile_value(i);
        assert_in_range(value, first, last);
        assert_true((value - first) * 128 <= first);
        assert_true((last - value) * 128 <= last);
    }
}

static void ranks_are_the_nearest(void **state)
{
    (void)state;
    static uint64_t buckets[QUANTILE_BUCKETS];
    static const struct {
        double q;
        unsigned bucket;
    } cases[] = {{-1, 7},    {0, 7},     {0.001, 7},  {0.2, 7}, {0.21, 100},
                 {0.5, 100}, {0.9, 100}, {0.91, 900}, {1, 900}, {2, 900}};
    buckets[7] = 2, buckets[100] = 7, buckets[900] = 1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(quantile_of(buckets, 10, cases[i].q), quantile_value(cases[i].bucket));
}

static void nothing_is_zero(void **state)
{
    (void)state;
    static const uint64_t buckets[QUANTILE_BUCKETS];
    assert_int_equal(quantile_of(buckets, 0, 0.5), 0);
    assert_int_equal(quantile_of(buckets, 5, 0.5), 0); /* a total that is none */
}

/* A step's first value is in it, the one before in the step before; the steps end where buckets do.
 */
static void steps_follow_one_another(void **state)
{
    (void)state;
    for (unsigned i = 1; i < QUANTILE_STEPS; i++) {
        int64_t lower = quantile_step_lower(i);
        assert_int_equal(quantile_step(quantile_bucket(lower)), i);
        assert_int_equal(quantile_step(quantile_bucket(lower - 1)), i - 1);
        assert_int_equal(quantile_lower(quantile_bucket(lower)), lower);
    }
    assert_int_equal(quantile_step_lower(0), 0);
    assert_int_equal(quantile_step_lower(1), 1 << QUANTILE_STEPS_FROM);
    assert_int_equal(quantile_step_lower(QUANTILE_STEPS - 1), INT64_C(1) << QUANTILE_STEPS_TO);
    assert_int_equal(quantile_step(0), 0);
    assert_int_equal(quantile_step(QUANTILE_BUCKETS - 1), QUANTILE_STEPS - 1);
}

/* What is told of a step is within 15 % of all that is in it. */
static void steps_tell_what_is_near(void **state)
{
    (void)state;
    for (unsigned i = 1; i < QUANTILE_STEPS - 1; i++) {
        uint64_t steps[QUANTILE_STEPS] = {[0] = 1, [QUANTILE_STEPS - 1] = 1};
        steps[i] += 8;
        int64_t told = quantile_of_steps(steps, 10, 0.5), first = quantile_step_lower(i),
                last = quantile_step_lower(i + 1) - 1;
        assert_in_range(told, first, last);
        assert_true((told - first) * 100 <= first * 15 && (last - told) * 100 <= last * 15);
        assert_int_equal(quantile_of_steps(steps, 10, 0.9), told);
        assert_int_equal(quantile_of_steps(steps, 10, 0.1), 1 << QUANTILE_STEPS_FROM);
        assert_int_equal(quantile_of_steps(steps, 10, 1), INT64_C(1) << QUANTILE_STEPS_TO);
    }
    static const uint64_t none[QUANTILE_STEPS];
    assert_int_equal(quantile_of_steps(none, 0, 0.5), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_follow_one_another),
        cmocka_unit_test(the_ends_take_what_is_beyond),
        cmocka_unit_test(values_are_near),
        cmocka_unit_test(ranks_are_the_nearest),
        cmocka_unit_test(nothing_is_zero),
        cmocka_unit_test(steps_follow_one_another),
        cmocka_unit_test(steps_tell_what_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
