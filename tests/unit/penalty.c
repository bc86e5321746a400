/* Peers that connect in a loop wait longer and longer; the others do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "in/penalty.h"

enum { PEER = 7, OTHER = 8, NOW_MS = 1000000 };

static void note_useless(struct penalty *p, unsigned times, uint64_t now_ms)
{
    for (unsigned i = 0; i < times; i++)
        penalty_note(p, PEER, false, now_ms);
}

static void a_few_are_free(void **state)
{
    struct penalty p;
    (void)state;
    penalty_init(&p);
    note_useless(&p, 5, NOW_MS);
    assert_int_equal(penalty_delay_ms(&p, PEER, NOW_MS), 0);
}

static void a_loop_is_slowed_down(void **state)
{
    struct penalty p;
    (void)state;
    penalty_init(&p);
    note_useless(&p, 8, NOW_MS);
    uint64_t early = penalty_delay_ms(&p, PEER, NOW_MS);
    note_useless(&p, 1000, NOW_MS);
    assert_true(early > 0);
    assert_int_equal(penalty_delay_ms(&p, PEER, NOW_MS), PENALTY_MAX_MS);
    assert_int_equal(penalty_delay_ms(&p, OTHER, NOW_MS), 0);
}

static void frames_clear_the_account(void **state)
{
    struct penalty p;
    (void)state;
    penalty_init(&p);
    note_useless(&p, 50, NOW_MS);
    penalty_note(&p, PEER, true, NOW_MS);
    assert_int_equal(penalty_delay_ms(&p, PEER, NOW_MS), 0);
}

static void time_clears_it_too(void **state)
{
    struct penalty p;
    (void)state;
    penalty_init(&p);
    note_useless(&p, 50, NOW_MS);
    assert_int_equal(penalty_delay_ms(&p, PEER, NOW_MS + 60000), 0);
    note_useless(&p, 1, NOW_MS + 60000);
    assert_int_equal(penalty_delay_ms(&p, PEER, NOW_MS + 60000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_few_are_free),
        cmocka_unit_test(a_loop_is_slowed_down),
        cmocka_unit_test(frames_clear_the_account),
        cmocka_unit_test(time_clears_it_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
