/* core/gather: how long a worker rests and when it hands over, for traffic of which it is known
 * when each frame comes. */
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
    bool seen;
    uint64_t now_ns;
    uint64_t late_ns;    /* how much longer than it is to a rest lasts */
    uint64_t step_ns;    /* between two frames, of all senders together */
    unsigned senders;    /* who take turns */
    uint64_t next_ns;    /* when the next frame comes */
    uint64_t frames;     /* that have been read */
    uint64_t rounds;     /* of the loop */
    uint64_t hand_overs; /* to outputs */
    uint64_t rested_ns;  /* in all */
    uint64_t longest_ns; /* that a frame waited in its socket */
    uint64_t oldest_ns;  /* when the oldest frame came that is not handed over; 0: none */
    uint64_t latest_ns;  /* that one was on its way, until it was handed over */
    uint64_t most;       /* frames of one sender in a rest */
};

static struct world world_of(uint64_t step_ns, unsigned senders, bool seen)
{
    return (struct world){.gather = {.max_ns = 2 * MS},
                          .seen = seen,
                          .now_ns = 1000 * MS,
                          .step_ns = step_ns,
                          .next_ns = 1000 * MS,
                          .senders = senders};
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void hand_over(struct world *w, uint64_t at_ns)
{
    w->latest_ns = larger(w->latest_ns, at_ns - w->oldest_ns);
    w->oldest_ns = 0;
    w->hand_overs++;
}

/* Waits for a frame. The worker's timer hands over what has waited in vain for others. */
static void wait(struct world *w)
{
    uint64_t due_ns = w->gather.round_ns + GATHER_OLD_NS;
    w->now_ns = larger(w->now_ns, w->next_ns);
    if (w->oldest_ns && w->now_ns > due_ns) {
        hand_over(w, due_ns);
        w->gather.oldest_ns = 0;
    }
}

/* One round: waits for a frame, reads what has come, hands over and rests. */
static void live(struct world *w)
{
    wait(w);
    uint64_t waited = w->now_ns - w->next_ns, came = waited / w->step_ns + 1;
    uint64_t each = (came + w->senders - 1) / w->senders;
    w->oldest_ns = w->oldest_ns ? w->oldest_ns : w->next_ns;
    w->next_ns += came * w->step_ns;
    for (unsigned i = 0; i < w->senders && i < came; i++)
        gather_turn(&w->gather, came / w->senders + (i < came % w->senders), each * FRAME_BYTES,
                    false);
    w->now_ns += READ_NS * (came < w->senders ? came : w->senders);
    struct gather_step step = gather_round(&w->gather, w->now_ns, w->seen);
    if (step.hand_over)
        hand_over(w, w->now_ns);
    w->now_ns += step.rest_ns ? step.rest_ns + w->late_ns : 0;
    w->rested_ns += step.rest_ns;
    w->rounds++;
    w->frames += came;
    w->longest_ns = larger(w->longest_ns, waited);
    w->most = larger(w->most, each);
}

static void live_for(struct world *w, uint64_t ns)
{
    uint64_t end = w->now_ns + ns;
    while (w->now_ns < end)
        live(w);
}

/* What is promised of a second: how often a worker and an output are woken, be the frames of one
 * sender or of many, and how long an event is on its way. */
static void steady_traffic(void **state)
{
    (void)state;
    const struct {
        unsigned rate, senders, rounds, hand_overs;
        bool seen;
    } rows[] = {
        {500, 1, 150, 140, false},    {2000, 1, 150, 140, false},    {5000, 1, 150, 140, false},
        {4000, 500, 150, 140, false}, {20000, 500, 150, 140, false}, {20000, 1, 340, 340, false},
        {2000, 1, 560, 260, true},    {5000, 1, 560, 260, true},     {20000, 1, 560, 260, true},
        {4000, 500, 560, 260, true},  {20000, 500, 560, 260, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w = world_of(CLOCK_SECOND_NS / rows[i].rate, rows[i].senders, rows[i].seen);
        uint64_t rest_ns = (rows[i].seen ? 2 : 8) * (uint64_t)MS;
        live_for(&w, CLOCK_SECOND_NS);
        assert_in_range(w.rounds, CLOCK_SECOND_NS / (rest_ns + 200 * READ_NS), rows[i].rounds);
        assert_in_range(w.hand_overs, 100, rows[i].hand_overs);
        assert_true(w.longest_ns <= rest_ns + w.step_ns + 200 * READ_NS);
        assert_true(w.latest_ns < 9 * MS);
    }
}

/* A socket does not fill up: where frames come fast the rests are shorter, and then there are none.
 */
static void fast_traffic(void **state)
{
    (void)state;
    for (uint64_t step_ns = 500; step_ns <= 64 * US; step_ns *= 2) {
        struct world w = world_of(step_ns, 1, false);
        live_for(&w, CLOCK_SECOND_NS);
        assert_true(w.most <= 2 * GATHER_FRAMES);
        if (step_ns * GATHER_FRAMES < GATHER_LEAST_NS)
            assert_int_equal(w.rested_ns, 0);
        else
            assert_true(w.frames / w.rounds >= GATHER_FRAMES / 2);
        assert_true(w.hand_overs <= 340);
    }
}

/* A rest that would bring nothing is no rest, and nobody is kept waiting who has none to wait with:
 * what comes once in ten milliseconds is handed over at once, what comes once in four by twos. */
static void slow_traffic(void **state)
{
    (void)state;
    struct world w = world_of(10 * MS, 1, false);
    live_for(&w, CLOCK_SECOND_NS);
    assert_int_equal(w.rested_ns, 0);
    assert_int_equal(w.latest_ns, READ_NS);
    assert_int_equal(w.hand_overs, w.frames);
    w = world_of(4 * MS, 1, true);
    live_for(&w, CLOCK_SECOND_NS);
    assert_int_equal(w.rested_ns, 0);
    assert_int_equal(w.longest_ns, 0);
    assert_true(w.latest_ns <= 4 * MS + READ_NS);
    assert_true(w.hand_overs <= w.frames / 2 + 2);
}

/* The first frame after quiet is read and handed over at once, and a burst waits for no longer than
 * it has lasted. */
static void bursts(void **state)
{
    (void)state;
    struct world w = world_of(200 * US, 1, false);
    live_for(&w, CLOCK_SECOND_NS);
    assert_int_equal(w.gather.rest_ns, 8 * MS);
    w.next_ns = w.now_ns + 100 * MS;
    uint64_t begin = w.next_ns;
    live(&w);
    assert_int_equal(w.gather.rest_ns, 0);
    assert_int_equal(w.oldest_ns, 0);
    while (w.now_ns < begin + 20 * MS) {
        uint64_t lasted = w.now_ns - begin;
        live(&w);
        assert_true(w.gather.rest_ns <= lasted + w.step_ns + READ_NS);
    }
    assert_int_equal(w.gather.rest_ns, 8 * MS);
}

/* Who has brought much, or has more, is read again at once. */
static void no_rest_for_the_busy(void **state)
{
    (void)state;
    struct world w = world_of(200 * US, 1, true);
    live_for(&w, CLOCK_SECOND_NS);
    gather_turn(&w.gather, 10, 1000, true);
    assert_int_equal(gather_round(&w.gather, w.now_ns += MS, true).rest_ns, 0);
    gather_turn(&w.gather, 10, GATHER_MUCH, false);
    assert_int_equal(gather_round(&w.gather, w.now_ns += MS, true).rest_ns, 0);
    gather_turn(&w.gather, 10, 1000, false);
    assert_int_equal(gather_round(&w.gather, w.now_ns += MS, true).rest_ns, 2 * MS);
}

/* They are handed over to outputs as soon as they are old all the same. */
static void the_busy_are_handed_over(void **state)
{
    (void)state;
    struct gather gather = {.max_ns = 2 * MS};
    uint64_t hand_overs = 0;
    for (uint64_t now_ns = 1000 * MS; now_ns < 1100 * MS; now_ns += 100 * US) {
        gather_turn(&gather, 1000, 100000, true);
        hand_overs += gather_round(&gather, now_ns, false).hand_over;
    }
    assert_in_range(hand_overs, 14, 17);
}

/* Where others have the processors, sleepers come milliseconds late, and a socket would be full
 * each time: a rest is tried now and then. */
static void no_rest_where_it_lasts_too_long(void **state)
{
    (void)state;
    struct world w = world_of(CLOCK_SECOND_NS / 40000, 1, false);
    w.late_ns = 4 * MS;
    live_for(&w, 1000 * MS);
    assert_true(w.most > GATHER_TOO_MANY * GATHER_FRAMES); /* or there is nothing to avoid */
    w.rested_ns = 0;
    live_for(&w, UINT64_C(10000) * MS);
    assert_true(w.rested_ns < 10 * MS);
    w.late_ns = 0; /* the processors are free again */
    live_for(&w, GATHER_WARY_TIMES * (uint64_t)GATHER_WARY_NS);
    w.rested_ns = 0;
    live_for(&w, 1000 * MS);
    assert_true(w.rested_ns > 800 * MS);
}

/* How long it rests in a second of such traffic, in which it waits so long for a processor. */
static uint64_t rested_in_a_second(uint64_t step_ns, uint64_t waits_ns)
{
    struct world w = world_of(step_ns, 1, false);
    uint64_t waited_ns = 70 * MS; /* before */
    gather_look(&w.gather, w.now_ns, waited_ns);
    for (int tenth = 0; tenth < 11; tenth++) {
        if (tenth == 1)
            w.rested_ns = 0;
        live_for(&w, CLOCK_SECOND_NS / 10);
        gather_look(&w.gather, w.now_ns, waited_ns += waits_ns / 10);
    }
    return w.rested_ns;
}

/* Where the worker waits a tenth of the time for a processor, those who send fast are read while
 * they write; for those who do not there are rests as ever. */
static void no_rest_for_the_fast_in_a_crowd(void **state)
{
    (void)state;
    assert_true(rested_in_a_second(50 * US, 10 * MS) > 800 * MS);
    assert_true(rested_in_a_second(50 * US, 100 * MS) < 10 * MS);
    assert_true(rested_in_a_second(200 * US, 100 * MS) > 800 * MS);
}

/* gather-time 0 is no rest at all. */
static void no_rest(void **state)
{
    (void)state;
    struct world never = world_of(200 * US, 1, false);
    never.gather.max_ns = 0;
    live_for(&never, CLOCK_SECOND_NS);
    assert_int_equal(never.rested_ns, 0);
    assert_int_equal(never.longest_ns, 0);
    assert_true(never.hand_overs <= 260);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steady_traffic),
        cmocka_unit_test(fast_traffic),
        cmocka_unit_test(slow_traffic),
        cmocka_unit_test(bursts),
        cmocka_unit_test(no_rest_for_the_busy),
        cmocka_unit_test(no_rest_where_it_lasts_too_long),
        cmocka_unit_test(no_rest_for_the_fast_in_a_crowd),
        cmocka_unit_test(the_busy_are_handed_over),
        cmocka_unit_test(no_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
