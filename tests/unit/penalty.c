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

/* How long the peer's next connection waits; UINT64_MAX: it is refused. */
static uint64_t delay(struct penalty *p, uint64_t peer_key, uint64_t now_ms)
{
    uint64_t delay_ms;
    return penalty_admit(p, peer_key, now_ms, &delay_ms) ? delay_ms : UINT64_MAX;
}

static void a_few_are_free(void **state)
{
    struct penalty p;
    (void)state;
    penalty_init(&p);
    note_useless(&p, 5, NOW_MS);
    assert_int_equal(delay(&p, PEER, NOW_MS), 0);
}

static void a_loop_is_slowed_down(void **state)
{
    struct penalty p;
    (void)state;
    penalty_init(&p);
    note_useless(&p, 8, NOW_MS);
    uint64_t early = delay(&p, PEER, NOW_MS);
    note_useless(&p, 1000, NOW_MS);
    assert_true(early > 0);
    assert_int_equal(delay(&p, PEER, NOW_MS + early), PENALTY_MAX_MS);
    assert_int_equal(delay(&p, OTHER, NOW_MS), 0);
}

static void one_waits_at_a_time(void **state)
{
    struct penalty p;
    (void)state;
    penalty_init(&p);
    note_useless(&p, 1000, NOW_MS);
    assert_int_equal(delay(&p, PEER, NOW_MS), PENALTY_MAX_MS);
    assert_true(delay(&p, PEER, NOW_MS) == UINT64_MAX);
    assert_true(delay(&p, PEER, NOW_MS + PENALTY_MAX_MS / 2) == UINT64_MAX);
    assert_int_equal(delay(&p, PEER, NOW_MS + PENALTY_MAX_MS), PENALTY_MAX_MS);
}

/* More peers than the table has room for, so that some share a slot with the one that loops. */
static void nobody_pays_for_another(void **state)
{
    struct penalty p;
    (void)state;
    penalty_init(&p);
    note_useless(&p, 1000, NOW_MS);
    for (uint64_t other = PEER + 1; other < PEER + 8 * PENALTY_SLOTS; other++) {
        assert_int_equal(delay(&p, other, NOW_MS), 0);
        penalty_note(&p, other, true, NOW_MS);
    }
    assert_int_equal(delay(&p, PEER, NOW_MS), PENALTY_MAX_MS);
}

static void frames_clear_the_account(void **state)
{
    struct penalty p;
    (void)state;
    penalty_init(&p);
    note_useless(&p, 50, NOW_MS);
    penalty_note(&p, PEER, true, NOW_MS);
    assert_int_equal(delay(&p, PEER, NOW_MS), 0);
}

static void time_clears_it_too(void **state)
{
    struct penalty p;
    (void)state;
    penalty_init(&p);
    note_useless(&p, 50, NOW_MS);
    assert_int_equal(delay(&p, PEER, NOW_MS + 60000), 0);
    note_useless(&p, 1, NOW_MS + 60000);
    assert_int_equal(delay(&p, PEER, NOW_MS + 60000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_few_are_free),           cmocka_unit_test(a_loop_is_slowed_down),
        cmocka_unit_test(one_waits_at_a_time),      cmocka_unit_test(nobody_pays_for_another),
        cmocka_unit_test(frames_clear_the_account), cmocka_unit_test(time_clears_it_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
