/* core/change: what holds a change up, and what is lost or fails meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>

#include "../support/changing.h"

/* --- what gets stuck ------------------------------------------------------------------------ */

#define QUICK "shutdown-time: 50ms\n" HEAD
#define BLOCKS "- writing: {number: 0, queue-size: 1M, when-full: block, block-max: off}\n"

#define LATE(number)                                                                               \
    "- writing: {number: " number                                                                  \
    ", place: here, queue-size: 1M, when-full: block, block-max: off}\n"

/* More frames than the queue of output 0, which takes none, has room for. On a worker's thread. */
static void crowd_begin(struct worker_item *item, struct worker *worker)
{
    static struct input_counters somewhere;
    static const struct origin origin = {.peer = "test"};
    struct dnstap tap = frame_query();
    struct buf message = {0};
    dnstap_encode(&tap, &message);
    struct span frame = buf_span(&message);
    for (unsigned i = 0; i < 100000; i++)
        worker_frames(worker, &origin, &somewhere, &frame, 1);
    buf_free(&message);
    worker_detach(worker, item);
}

static void start_stuck(struct bench *b, const char *text, struct worker_item *crowd)
{
    start(b, text);
    holes[0].stuck = true;
    *crowd = (struct worker_item){.begin = crowd_begin, .stop = hold_stop};
    worker_begin(engine_pick_worker(b->engine), crowd);
}

/* A worker that waits for room in its queue takes the plan when the output's time is up. */
static void what_blocks_can_be_removed(void **state)
{
    (void)state;
    struct bench b;
    struct worker_item crowd;
    start_stuck(&b, QUICK BLOCKS "- counting: {number: 1}\n", &crowd);
    reload(&b, QUICK "- counting: {number: 1}\n");
    assert_int_equal(holes[0].closed, 1);
    assert_int_equal(received_by(&b, "counting", false), 100000);
    end(&b);
}

static void start_paused(struct bench *b, struct worker_item *crowd)
{
    start(b, HEAD BLOCKS "- counting: {number: 1}\n");
    assert_int_equal(engine_act(b->engine, "writing", ENGINE_PAUSES), ENGINE_ACTS);
    *crowd = (struct worker_item){.begin = crowd_begin, .stop = hold_stop};
    worker_begin(engine_pick_worker(b->engine), crowd);
}

/* Nobody could have it go on any more, so its pause ends. */
static void what_is_paused_is_written_before_it_goes(void **state)
{
    (void)state;
    struct bench b;
    struct worker_item crowd;
    start_paused(&b, &crowd);
    reload(&b, HEAD "- counting: {number: 1}\n");
    assert_int_equal(received_by(&b, "writing", true), 100000);
    assert_int_equal(holes[0].records, 100000);
    end(&b);
}

/* A worker waits for room in the queue of an output that could not be opened since the change
 * before, and so the next change for that. */
static void what_is_not_open_yet_holds_up_no_change(void **state)
{
    (void)state;
    struct bench b;
    struct error err;
    struct worker_item crowd = {.begin = crowd_begin, .stop = hold_stop};
    start(&b, HEAD LATE("0"));
    holes[1].fails = true;
    reload(&b, HEAD LATE("1"));
    worker_begin(engine_pick_worker(b.engine), &crowd);
    struct config *config = config_of(HEAD LATE("1") "- counting: {number: 2}\n");
    b.changed = false;
    assert_int_equal(engine_reload(b.engine, config, &nobody, &err), 0);
    config_release(config);
    holes[1].fails = false;
    finish(&b);
    assert_int_equal(received_by(&b, "writing", false), 100000);
    end(&b);
    assert_int_equal(holes[1].records, 100000);
}

/* The time of all outputs runs from when an end is wanted, and not from when the change is done. */
static void an_end_does_not_wait_for_a_change(void **state)
{
    (void)state;
    struct bench b;
    struct error err;
    struct worker_item crowd;
    start_stuck(&b, QUICK BLOCKS, &crowd);
    struct config *config = config_of(QUICK BLOCKS "- counting: {number: 1}\n");
    assert_int_equal(engine_reload(b.engine, config, &nobody, &err), 0);
    config_release(config);
    engine_hasten(b.engine);
    assert_int_not_equal(engine_run(b.engine), ENGINE_CLOSED);
    assert_true(b.changed);
    engine_free(b.engine);
}

/* Nobody minds that the reader of an output has left which is to go. */
static void who_leaves_what_goes_ends_nothing(void **state)
{
    (void)state;
    struct bench b;
    struct error err;
    start(&b, HEAD "- writing: {number: 0}\n- counting: {number: 1}\n");
    holes[0].says = OUTPUT_RETRY;
    bring(&b, 5);
    struct config *config = config_of(HEAD "- counting: {number: 1}\n");
    assert_int_equal(engine_reload(b.engine, config, &nobody, &err), 0);
    config_release(config);
    holes[0].says = OUTPUT_CLOSED;
    finish(&b);
    assert_false(engine_draining(b.engine));
    end(&b);
}

static enum engine_end end_of(struct bench *b)
{
    engine_stop(b->engine);
    enum engine_end how = engine_run(b->engine);
    engine_free(b->engine);
    return how;
}

/* What an output lost before it went counts at the end, as of one that stays. */
static void what_went_having_failed_is_not_forgotten(void **state)
{
    (void)state;
    static const struct {
        enum output_status says;
        enum engine_end end;
    } cases[] = {
        {OUTPUT_OK, ENGINE_DONE}, {OUTPUT_FAILED, ENGINE_FAILED}, {OUTPUT_RETRY, ENGINE_FAILED}};
    struct bench b;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        start(&b, QUICK "- writing: {number: 0}\n- counting: {number: 1}\n");
        holes[0].says = cases[i].says;
        bring(&b, 5);
        while (atomic_load(&holes[0].calls) < 2 && cases[i].says == OUTPUT_RETRY)
            sched_yield();
        reload(&b, QUICK "- counting: {number: 1}\n");
        assert_int_equal(end_of(&b), cases[i].end);
    }
}

/* One that never could be opened has written nothing. */
static void what_never_began_has_failed(void **state)
{
    (void)state;
    struct bench b;
    for (int lost = 0; lost < 2; lost++) {
        start(&b, HEAD "- writing: {number: 0, place: here}\n");
        holes[1].fails = true;
        reload(&b, HEAD "- writing: {number: 1, place: here}\n");
        bring(&b, lost ? 5 : 0);
        assert_int_equal(end_of(&b), lost ? ENGINE_FAILED : ENGINE_DONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_blocks_can_be_removed),
        cmocka_unit_test(what_is_paused_is_written_before_it_goes),
        cmocka_unit_test(what_is_not_open_yet_holds_up_no_change),
        cmocka_unit_test(an_end_does_not_wait_for_a_change),
        cmocka_unit_test(who_leaves_what_goes_ends_nothing),
        cmocka_unit_test(what_went_having_failed_is_not_forgotten),
        cmocka_unit_test(what_never_began_has_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
