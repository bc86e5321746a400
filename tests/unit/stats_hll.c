/* HyperLogLog: what it counts exactly, and how it merges. Its error: tests/property/stats.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../support/random.h"
#include "stats/distinct.h"

static void empty_is_zero(void **state)
{
    (void)state;
    static struct hll hll;
    assert_true(hll_estimate(&hll) == 0);
}

static void again_changes_nothing(void **state)
{
    (void)state;
    static struct hll once, often;
    struct random random = {1};
    for (int i = 0; i < 1000; i++) {
        uint64_t hash = random_u64(&random);
        hll_add(&once, hash);
        for (int n = 0; n < 3; n++)
            hll_add(&often, hash);
    }
    assert_memory_equal(&once, &often, sizeof once);
}

/* Register and rank, at both ends of what a hash may be. */
static void registers_hold_ranks(void **state)
{
    (void)state;
    static struct hll hll;
    const unsigned last = HLL_REGISTERS - 1;
    const uint64_t in_last = (uint64_t)last << (64 - HLL_BITS);
    hll_add(&hll, 0);
    assert_int_equal(hll.registers[0], HLL_RANKS - 1); /* fifty zeros */
    hll_add(&hll, in_last | (in_last >> HLL_BITS));
    assert_int_equal(hll.registers[last], 1);
    hll_add(&hll, in_last | 1);
    assert_int_equal(hll.registers[last], HLL_RANKS - 2);
    hll_add(&hll, UINT64_MAX); /* a lower rank: nothing changes */
    assert_int_equal(hll.registers[last], HLL_RANKS - 2);
}

static void small_numbers_are_nearly_exact(void **state)
{
    (void)state;
    static struct hll hll;
    struct random random = {2};
    for (int n = 1; n <= 100; n++) {
        hll_add(&hll, random_u64(&random));
        assert_true(fabs(hll_estimate(&hll) - n) < 1);
    }
}

/* Whatever a file brings: an estimate is a number, and nothing is read or written elsewhere. */
static void any_registers_give_a_number(void **state)
{
    (void)state;
    static struct hll hll;
    for (int value = 0; value < 256; value++) {
        memset(hll.registers, value, sizeof hll.registers);
        assert_false(isnan(hll_estimate(&hll)));
    }
}

static void merging_takes_the_larger(void **state)
{
    (void)state;
    static struct hll a, b;
    a.registers[0] = 3, b.registers[0] = 5;
    a.registers[1] = 7, b.registers[1] = 2;
    hll_merge(&a, &b);
    assert_int_equal(a.registers[0], 5);
    assert_int_equal(a.registers[1], 7);
    assert_int_equal(a.registers[2], 0);
    assert_int_equal(b.registers[1], 2);
}

/* An estimate of a sketch among distinct counts is that of its registers, whatever came by adding
 * and by merging; and domains are what names asked and answered are together. */
static void estimates_follow_the_registers(void **state)
{
    (void)state;
    struct distinct_counts *counts = calloc(2, sizeof *counts);
    struct random random = {5};
    assert_non_null(counts);
    for (int step = 0; step < 60; step++) {
        struct distinct_counts *to = &counts[step % 2];
        for (int i = 0; i < step * step; i++)
            distinct_add(to, i % 3 ? DISTINCT_ASKED : DISTINCT_ANSWERED, random_u64(&random));
        for (int i = 0; i < step; i++)
            distinct_add(to, DISTINCT_CLIENTS, random_u64(&random) >> i % 64);
        for (int id = 0; step % 9 == 8 && id < STATS_DISTINCTS; id++) {
            if (id != DISTINCT_DOMAINS)
                distinct_merge(to, (enum stats_distinct_id)id, &counts[!(step % 2)].sketch[id]);
        }
        struct hll domains = to->sketch[DISTINCT_ASKED];
        hll_merge(&domains, &to->sketch[DISTINCT_ANSWERED]);
        for (int id = 0; id < STATS_DISTINCTS; id++) {
            double wanted = hll_estimate(id == DISTINCT_DOMAINS ? &domains : &to->sketch[id]);
            assert_true(distinct_estimate(to, (enum stats_distinct_id)id) == wanted);
        }
    }
    free(counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_is_zero),
        cmocka_unit_test(again_changes_nothing),
        cmocka_unit_test(registers_hold_ranks),
        cmocka_unit_test(small_numbers_are_nearly_exact),
        cmocka_unit_test(any_registers_give_a_number),
        cmocka_unit_test(merging_takes_the_larger),
        cmocka_unit_test(estimates_follow_the_registers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
