/* core/gather: how long a worker rests, for traffic of which it is known when each frame comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "core/gather.h"

enum { MS = 1000000, US = 1000, READ_NS = 2 * US, FRAME_BYTES = 100 };

/* A worker and those who send to it, on a clock of their own. */
struct world {
    struct gather gather;
    uint64_t now_ns;
    uint64_t step_ns;    /* between two frames, of all senders together */
    unsigned senders;    /* who take turns */
    uint64_t next_ns;    /* when the next frame comes */
    uint64_t frames;     /* that have been read */
    uint64_t wakes;      /* rounds of the loop */
    uint64_t rested_ns;  /* in all */
    uint64_t longest_ns; /* that a frame waited in its socket */
    uint64_t most;       /* frames of one sender in a rest */
};

static struct world world_of(uint64_t step_ns, unsigned senders)
{
    return (struct world){.gather = {.max_ns = 2 * MS},
                          .now_ns = 1000 * MS,
                          .step_ns = step_ns,
                          .next_ns = 1000 * MS,
                          .senders = senders};
}

/* One round: waits for a frame, reads what has come, and rests. */
static void live(struct world *w)
{
    w->now_ns = w->now_ns > w->next_ns ? w->now_ns : w->next_ns;
    uint64_t waited = w->now_ns - w->next_ns, came = waited / w->step_ns + 1;
    uint64_t each = (came + w->senders - 1) / w->senders;
    w->next_ns += came * w->step_ns;
    for (unsigned i = 0; i < w->senders && i < came; i++)
        gather_turn(&w->gather, came / w->senders + (i < came % w->senders), each * FRAME_BYTES,
                    false);
    w->now_ns += READ_NS * (came < w->senders ? came : w->senders);
    uint64_t rest = gather_rest(&w->gather, w->now_ns);
    w->now_ns += rest;
    w->rested_ns += rest;
    w->wakes++;
    w->frames += came;
    w->longest_ns = waited > w->longest_ns ? waited : w->longest_ns;
    w->most = each > w->most ? each : w->most;
}

static void live_for(struct world *w, uint64_t ns)
{
    uint64_t end = w->now_ns + ns;
    while (w->now_ns < end)
        live(w);
}

/* Wake-ups are bounded by gather-time, be the frames of one sender or of many. */
static void steady_traffic(void **state)
{
    (void)state;
    const struct {
        unsigned rate, senders;
    } rows[] = {{2000, 1}, {5000, 1}, {20000, 1}, {4000, 500}, {20000, 500}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w = world_of(CLOCK_SECOND_NS / rows[i].rate, rows[i].senders);
        live_for(&w, CLOCK_SECOND_NS);
        uint64_t least = CLOCK_SECOND_NS / (2 * MS + 20 * READ_NS) * 9 / 10;
        assert_in_range(w.wakes, least, 560);
        assert_true(w.longest_ns <= 2 * MS + w.step_ns + 64 * READ_NS);
    }
}

/* A socket does not fill up: where frames come fast the rests are shorter. */
static void fast_traffic(void **state)
{
    (void)state;
    for (uint64_t step_ns = 500; step_ns <= 20 * US; step_ns *= 2) {
        struct world w = world_of(step_ns, 1);
        live_for(&w, CLOCK_SECOND_NS);
        assert_true(w.most <= 2 * GATHER_FRAMES);
        assert_true(w.frames / w.wakes >= GATHER_FRAMES / 2);
    }
}

/* A rest that would bring nothing is no rest. */
static void slow_traffic(void **state)
{
    (void)state;
    struct world w = world_of(3 * MS, 1);
    live_for(&w, CLOCK_SECOND_NS);
    assert_int_equal(w.rested_ns, 0);
    assert_int_equal(w.longest_ns, 0);
}

/* The first frame after quiet is read at once, and a burst waits for no longer than it has lasted.
 */
static void bursts(void **state)
{
    (void)state;
    struct world w = world_of(200 * US, 1);
    live_for(&w, CLOCK_SECOND_NS);
    assert_true(w.gather.rest_ns > MS);
    w.next_ns = w.now_ns + 100 * MS;
    live(&w);
    assert_int_equal(w.gather.rest_ns, 0);
    for (uint64_t begin = w.now_ns, before = w.rested_ns; w.now_ns < begin + 2 * MS;) {
        uint64_t lasted = w.now_ns - begin;
        live(&w);
        assert_true(w.gather.rest_ns <= lasted + 2 * GATHER_FIRST_NS + w.step_ns);
        assert_true(w.rested_ns - before <= w.now_ns - begin);
    }
}

/* Who has brought much, or has more, is read again at once. */
static void no_rest_for_the_busy(void **state)
{
    (void)state;
    struct world w = world_of(200 * US, 1);
    live_for(&w, CLOCK_SECOND_NS);
    gather_turn(&w.gather, 10, 1000, true);
    assert_int_equal(gather_rest(&w.gather, w.now_ns += MS), 0);
    gather_turn(&w.gather, 10, GATHER_MUCH, false);
    assert_int_equal(gather_rest(&w.gather, w.now_ns += MS), 0);
    gather_turn(&w.gather, 10, 1000, false);
    assert_int_equal(gather_rest(&w.gather, w.now_ns += MS), GATHER_FIRST_NS);
}

/* A round in which nobody was heard is none; and gather-time 0 is no rest at all. */
static void no_rest(void **state)
{
    (void)state;
    struct world w = world_of(200 * US, 1);
    live_for(&w, CLOCK_SECOND_NS);
    assert_int_equal(gather_rest(&w.gather, w.now_ns + US), 0);
    struct world never = world_of(200 * US, 1);
    never.gather.max_ns = 0;
    live_for(&never, CLOCK_SECOND_NS);
    assert_int_equal(never.rested_ns, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steady_traffic),       cmocka_unit_test(fast_traffic),
        cmocka_unit_test(slow_traffic),         cmocka_unit_test(bursts),
        cmocka_unit_test(no_rest_for_the_busy), cmocka_unit_test(no_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
