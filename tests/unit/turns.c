/* Turns: one at a time, in order, and each behind all others who have something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "core/turns.h"

static uv_loop_t loop;
static struct turns turns;
static char said[64];

static void say(char what)
{
    size_t len = strlen(said);
    assert_true(len + 1 < sizeof said);
    said[len] = what;
    said[len + 1] = '\0';
}

/* One who waits as often as he wants to. */
struct greedy {
    struct turn turn;
    char name;
    unsigned more;
    uint64_t takes;
};

static void take(struct turn *turn)
{
    struct greedy *g = (struct greedy *)turn;
    assert_false(turn_waits(turn));
    say(g->name);
    turns_count(&turns, turn, g->takes);
    if (g->more-- > 0)
        turns_wait(&turns, turn);
}

/* An honest one: a pipe that has a byte in it for each round. */
static int ends[2];
static uv_poll_t poll;
static unsigned rounds;

static void heard(uv_poll_t *handle, int status, int events)
{
    char byte;
    (void)status, (void)events;
    assert_int_equal(read(ends[0], &byte, 1), 1);
    say('.');
    if (--rounds == 0)
        uv_poll_stop(handle);
}

static int set_up(void **state)
{
    (void)state;
    said[0] = '\0';
    uv_loop_init(&loop);
    turns_init(&turns, &loop);
    return pipe(ends) < 0 || uv_poll_init(&loop, &poll, ends[0]) < 0;
}

static int tear_down(void **state)
{
    (void)state;
    turns_close(&turns);
    uv_close((uv_handle_t *)&poll, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    close(ends[0]);
    close(ends[1]);
    return uv_loop_close(&loop);
}

static void test_between_two_turns_all_are_heard(void **state)
{
    (void)state;
    struct greedy a = {{.take = take}, 'a', 2, 1}, b = {{.take = take}, 'b', 1, 1};
    rounds = 4;
    assert_int_equal(write(ends[1], "1234", 4), 4);
    uv_poll_start(&poll, UV_READABLE, heard);
    turns_wait(&turns, &a.turn);
    turns_wait(&turns, &a.turn); /* once is enough */
    turns_wait(&turns, &b.turn);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_string_equal(said, ".a.b.a.ba");
}

/* Who takes less is heard more often, and first. */
static void test_the_least_is_first(void **state)
{
    (void)state;
    struct greedy a = {{.take = take}, 'a', 1, 1000}, b = {{.take = take}, 'b', 3, 300},
                  c = {{.take = take}, 'c', 0, 50};
    turns_count(&turns, &a.turn, 1000);
    turns_wait(&turns, &a.turn);
    turns_wait(&turns, &b.turn);
    turns_wait(&turns, &c.turn);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_string_equal(said, "bcbbbaa");
    a.turn.at_ms -= (uint64_t)TURNS_HALF_MS * 70; /* all of it is forgotten */
    a.more = b.more = 0;
    turns_wait(&turns, &b.turn);
    turns_wait(&turns, &a.turn);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_string_equal(said, "bcbbbaaab");
}

static void test_leaving(void **state)
{
    (void)state;
    struct greedy a = {{.take = take}, 'a', 0}, b = {{.take = take}, 'b', 0},
                  c = {{.take = take}, 'c', 0};
    turns_leave(&turns, &a.turn); /* it does not wait */
    turns_wait(&turns, &a.turn);
    turns_wait(&turns, &b.turn);
    turns_wait(&turns, &c.turn);
    turns_leave(&turns, &c.turn);
    turns_leave(&turns, &a.turn);
    turns_wait(&turns, &c.turn);
    uv_run(&loop, UV_RUN_DEFAULT); /* and ends, for nobody waits any more */
    assert_string_equal(said, "bc");
    turns_wait(&turns, &a.turn);
    turns_leave(&turns, &a.turn);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_string_equal(said, "bc");
}

/* What cannot be believed may be other programs' doing: it counts only once it was measured, and
 * then no limit holds. */
static void test_what_a_turn_took(void **state)
{
    struct turn turn = {0};
    (void)state;
    assert_int_equal(turn_took(&turn, 50, 100, 0), 50);
    assert_false(turn.measured);
    assert_int_equal(turn_took(&turn, 900, 100, 0), 100);
    assert_true(turn.measured);
    assert_int_equal(turn_took(&turn, 900, 100, 800), 800);
    assert_true(turn.measured); /* it is one that takes so much */
    assert_int_equal(turn_took(&turn, 900, 100, 60), 60);
    assert_false(turn.measured); /* others have had the processor */
    assert_int_equal(turn_took(&turn, 900, 100, 0), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_between_two_turns_all_are_heard, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_least_is_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_leaving, set_up, tear_down),
        cmocka_unit_test(test_what_a_turn_took),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
