/* Different keys since last asked: exact, then estimated, then anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/siphash.h"
#include "out/seen.h"

static const struct siphash_key key = {{1, 2}};

static void add_numbers(struct seen *seen, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        seen_add(seen, siphash_bytes(&key, span_of(&i, sizeof i)));
}

static void numbers_are_exact_at_first(void **state)
{
    struct seen seen;
    (void)state;
    seen_init(&seen);
    assert_int_equal(seen_take(&seen), 0);
    for (int turn = 0; turn < 2; turn++) {
        add_numbers(&seen, 0, 1000);
        add_numbers(&seen, 500, 1500);
        assert_int_equal(seen_take(&seen), 1500);
        assert_int_equal(seen_take(&seen), 0);
    }
    add_numbers(&seen, 0, SEEN_EXACT);
    add_numbers(&seen, 0, SEEN_EXACT);
    assert_int_equal(seen_take(&seen), SEEN_EXACT);
    seen_add(&seen, 0); /* the hash that marks free slots inside */
    seen_add(&seen, 0);
    assert_int_equal(seen_take(&seen), 1);
    seen_free(&seen);
}

static void larger_ones_are_estimated(void **state)
{
    struct seen seen;
    const uint32_t many = 3 * SEEN_EXACT;
    (void)state;
    seen_init(&seen);
    add_numbers(&seen, 0, many);
    add_numbers(&seen, 0, many);
    double error = (double)seen_take(&seen) / many - 1;
    assert_true(error > -0.03 && error < 0.03); /* three times the standard error */
    add_numbers(&seen, 0, 10);
    assert_int_equal(seen_take(&seen), 10);
    seen_free(&seen);
}

static void without_memory_all_is_estimated(void **state)
{
    struct seen seen;
    (void)state;
    seen_init(&seen);
    free(seen.slots);
    seen.slots = NULL;
    add_numbers(&seen, 0, 20000);
    double error = (double)seen_take(&seen) / 20000 - 1;
    assert_true(error > -0.03 && error < 0.03);
    seen_free(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_exact_at_first),
        cmocka_unit_test(larger_ones_are_estimated),
        cmocka_unit_test(without_memory_all_is_estimated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
