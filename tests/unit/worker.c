/* Workers: who lives on one, what is posted to it, and how it starts and ends. What it does with
 * frames: worker_frames.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "../support/workers.h"
#include "failmalloc.h"

/* --- posting -------------------------------------------------------------------------------- */

/* On its own thread, in order; and each is its load from when it was sent until it has gone. */
static void what_is_posted_runs_in_order(void **state)
{
    enum { COUNT = 20 };
    static struct bench bench;
    struct guest guests[COUNT] = {0};
    struct gate gate;
    (void)state;
    start(&bench, 1);
    assert_int_equal(load_of(&bench.workers[0]), 0);
    shut(&gate, &bench);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(load_of(&bench.workers[0]), 1 + i);
        guests[i].stays = i == COUNT - 1;
        invite(&bench, 0, &guests[i]);
    }
    assert_false(atomic_load(&guests[0].here));
    atomic_store(&gate.shut, false);
    await(&guests[COUNT - 1].here);
    assert_int_equal(load_of(&bench.workers[0]), 1);
    join(&bench);
    assert_int_equal(load_of(&bench.workers[0]), 0);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(guests[i].serial, gate.guest.serial + 1 + i);
        assert_true(pthread_equal(guests[i].thread, guests[0].thread));
        assert_int_equal(guests[i].stops, guests[i].stays);
    }
    assert_false(pthread_equal(guests[0].thread, pthread_self()));
    end(&bench);
}

/* All who are there and have a hook, though some of them leave meanwhile. */
static void everybody_is_poked(void **state)
{
    enum { COUNT = 5 };
    static struct bench bench;
    struct guest guests[COUNT] = {0};
    (void)state;
    start(&bench, 1);
    for (unsigned i = 0; i < COUNT; i++) {
        guests[i].stays = true;
        guests[i].leaves_poked = i % 2 == 0;
        guests[i].item.poke = i == 3 ? NULL : poke;
        invite(&bench, 0, &guests[i]);
        await(&guests[i].here);
    }
    worker_poke(&bench.workers[0]);
    for (unsigned i = 0; i < COUNT; i++) {
        while (i != 3 && atomic_load(&guests[i].pokes) == 0)
            sched_yield();
    }
    join(&bench);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(atomic_load(&guests[i].pokes), i != 3);
        assert_int_equal(guests[i].stops, i % 2);
        assert_true(guests[i].left);
    }
    end(&bench);
}

/* --- ending --------------------------------------------------------------------------------- */

/* What was posted before is begun, and then stopped as all others. */
static void what_is_pending_is_begun_and_stopped(void **state)
{
    enum { COUNT = 4 };
    static struct bench bench;
    struct guest guests[COUNT] = {0};
    struct gate gate;
    (void)state;
    start(&bench, 1);
    shut(&gate, &bench);
    for (unsigned i = 0; i < COUNT; i++) {
        guests[i].stays = true;
        invite(&bench, 0, &guests[i]);
    }
    worker_stop(&bench.workers[0]);
    assert_int_equal(atomic_load(&bench.engine.ended), 0);
    atomic_store(&gate.shut, false);
    worker_join(&bench.workers[0]);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_true(atomic_load(&guests[i].here));
        assert_int_equal(guests[i].stops, 1);
    }
    assert_int_equal(load_of(&bench.workers[0]), 0);
    assert_true(pthread_equal(atomic_load(&bench.engine.ender), guests[0].thread));
    end(&bench);
}

/* Its loop runs on for those that take longer, with turns for who waits for one. */
static void who_lingers_is_waited_for(void **state)
{
    enum { COUNT = 3 };
    static struct bench bench;
    struct guest guests[COUNT] = {0};
    (void)state;
    start(&bench, 1);
    for (unsigned i = 0; i < COUNT; i++) {
        guests[i].stays = true;
        guests[i].lingers = i != 1;
        invite(&bench, 0, &guests[i]);
    }
    end(&bench);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_true(guests[i].left);
        assert_int_equal(guests[i].stops, 1);
        assert_int_equal(guests[i].turns, i != 1 ? 3 : 0);
    }
}

/* The least descriptor that is free. */
static int free_descriptor(void)
{
    int fd = dup(STDERR_FILENO);
    close(fd);
    return fd;
}

/* And leave nothing open: in the first round libuv opens some for all loops. */
static void idle_workers_end(void **state)
{
    static struct bench bench;
    int before = 0;
    (void)state;
    for (int round = 0; round < 2; round++) {
        bench = (struct bench){.count = 0};
        before = free_descriptor();
        start(&bench, chunks_threads());
        for (unsigned i = 0; i < bench.count; i++)
            worker_poke(&bench.workers[i]); /* nobody is there */
        end(&bench);
    }
    assert_int_equal(free_descriptor(), before);
}

/* Only when the deadline has passed. */
static void late_is_what_the_plan_says(void **state)
{
    static struct bench bench;
    (void)state;
    start(&bench, 1);
    assert_false(worker_late(&bench.workers[0]));
    atomic_store(&bench.shared.late, true);
    assert_true(worker_late(&bench.workers[0]));
    end(&bench);
}

static void has_what_it_lends(void **state)
{
    static struct bench bench = {.config.settings.gather_ns = 7};
    size_t size = 0;
    (void)state;
    start(&bench, 2);
    uint8_t *buffer = worker_buffer(&bench.workers[0], &size);
    assert_true(size >= 64 * 1024);
    memset(buffer, 0xff, size);
    assert_ptr_not_equal(worker_buffer(&bench.workers[1], &size), buffer);
    assert_ptr_not_equal(worker_loop(&bench.workers[0]), worker_loop(&bench.workers[1]));
    assert_ptr_equal(worker_engine(&bench.workers[1]), &bench.engine);
    assert_int_equal(worker_gather(&bench.workers[1])->max_ns, 7);
    end(&bench);
}

/* --- ending while an output is full ---------------------------------------------------------- */

static unsigned waiting(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    unsigned count = queue->waiting;
    pthread_mutex_unlock(&queue->lock);
    return count;
}

/* A full output that blocks holds the worker up; when it is abandoned, the worker ends, and what
 * did not get through is counted. */
static void full_output_holds_it_up(void **state)
{
    enum { COUNT = 10 };
    static struct bench bench;
    static uint8_t bytes[CHUNK_BYTES];
    struct outlet outlet;
    struct span frames[COUNT];
    struct ledger sum;
    uint32_t records;
    (void)state;
    memset(bytes, 'x', sizeof bytes);
    for (size_t i = 0; i < COUNT; i++)
        frames[i] = span_of(bytes, sizeof bytes);
    open_outlet(&outlet, &bench, NULL, 3 * CHUNK_BYTES);
    struct guest guest = guest_with(&outlet, frames, COUNT);
    start(&bench, 1);
    invite(&bench, 0, &guest);
    while (waiting(&outlet.sinks[0].queue) == 0)
        sched_yield();
    worker_stop(&bench.workers[0]);
    assert_int_equal(atomic_load(&bench.engine.ended), 0);
    uint64_t queued = 0;
    for (size_t i = 0; i < SINKS; i++) /* of the second before the worker waits there */
        queued += queue_abandon(&outlet.sinks[SINKS - 1 - i].queue, DROP_SHUTDOWN);
    assert_true(queued > 0);
    join(&bench);
    assert_true(guest.all);
    uint64_t dropped = 0;
    for (size_t i = 0; i < SINKS; i++) {
        sink_ledger(&outlet.sinks[i], &sum);
        assert_int_equal(counter_get(&sum.received), COUNT);
        assert_string_equal(sinks_text(&outlet.sinks[i], &records), "");
        dropped += counter_get(&sum.dropped[DROP_SHUTDOWN]);
    }
    assert_int_equal(dropped, SINKS * COUNT - queued);
    close_outlet(&outlet, &bench);
}

/* --- starting ------------------------------------------------------------------------------- */

/* Whatever is missing: an error, and nothing is left. */
static void start_may_fail(void **state)
{
    static struct bench bench;
    struct outlet outlet;
    struct error err;
    unsigned n;
    (void)state;
    open_outlet(&outlet, &bench, NULL, SINKS_QUEUE);
    prepare(&bench, 1);
    for (n = 1;; n++) {
        failmalloc_start(n);
        int status =
            worker_start(&bench.workers[0], &bench.engine, &bench.shared, &bench.plan, 0, &err);
        if (!failmalloc_stop()) {
            assert_int_equal(status, 0);
            break;
        }
        assert_int_equal(status, -1);
        assert_non_null(strstr(err.text, "no memory"));
        worker_stop(&bench.workers[0]);
        worker_collect(&bench.workers[0]);
        worker_join(&bench.workers[0]);
        worker_free(&bench.workers[0]);
        assert_int_equal(atomic_load(&bench.engine.ended), 0);
    }
    assert_true(n > 1); /* a buffer */
    bench.count = 1;
    close_outlet(&outlet, &bench);
}

/* --- many at once --------------------------------------------------------------------------- */

enum { POSTS = 200 };

struct poster {
    pthread_t thread;
    struct bench *bench;
    struct guest *guests;
};

/* Posts to all workers in turn, and pokes and collects meanwhile. */
static void *post(void *arg)
{
    struct poster *poster = arg;
    for (unsigned i = 0; i < POSTS; i++) {
        struct worker *worker = &poster->bench->workers[i % poster->bench->count];
        poster->guests[i].item.begin = arrive;
        worker_begin(worker, &poster->guests[i].item);
        if (i % 7 == 0)
            worker_poke(worker);
        if (i % 11 == 0)
            worker_collect(worker);
    }
    return NULL;
}

/* Whoever posts and however often: each is begun once, stopped once or gone before, and all of its
 * frames are counted. */
static void many_post_at_once(void **state)
{
    enum { POSTERS = 3 };
    static struct bench bench;
    static struct guest guests[POSTERS][POSTS];
    struct poster posters[POSTERS];
    struct outlet outlet;
    struct numbers numbers;
    struct ledger sum;
    (void)state;
    fill(&numbers);
    open_outlet(&outlet, &bench, NULL, SINKS_QUEUE);
    start(&bench, chunks_threads());
    unsigned before = atomic_load(&arrivals);
    for (unsigned i = 0; i < POSTERS; i++) {
        for (unsigned k = 0; k < POSTS; k++) {
            guests[i][k] = guest_with(&outlet, numbers.frames, k % 20);
            guests[i][k].stays = k % 3 > 0;
            guests[i][k].lingers = k % 3 == 2;
            guests[i][k].item.poke = poke;
        }
        posters[i] = (struct poster){.bench = &bench, .guests = guests[i]};
        pthread_create(&posters[i].thread, NULL, post, &posters[i]);
    }
    for (unsigned i = 0; i < POSTERS; i++) {
        pthread_join(posters[i].thread, NULL);
    }
    join(&bench);
    assert_int_equal(atomic_load(&arrivals) - before, POSTERS * POSTS);
    for (unsigned i = 0; i < POSTERS * POSTS; i++) {
        assert_true(guests[i / POSTS][i % POSTS].left);
        assert_int_equal(guests[i / POSTS][i % POSTS].stops, guests[i / POSTS][i % POSTS].stays);
    }
    uint64_t frames = POSTERS * (POSTS / 20) * 190;
    assert_int_equal(counter_get(&outlet.counters.frames), frames);
    for (size_t i = 0; i < SINKS; i++) {
        uint32_t records;
        sinks_text(&outlet.sinks[i], &records);
        sink_ledger(&outlet.sinks[i], &sum);
        assert_int_equal(records, frames);
        assert_int_equal(counter_get(&sum.received), frames);
    }
    for (unsigned i = 0; i < bench.count; i++)
        assert_int_equal(load_of(&bench.workers[i]), 0);
    close_outlet(&outlet, &bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_posted_runs_in_order),
        cmocka_unit_test(everybody_is_poked),
        cmocka_unit_test(what_is_pending_is_begun_and_stopped),
        cmocka_unit_test(who_lingers_is_waited_for),
        cmocka_unit_test(idle_workers_end),
        cmocka_unit_test(late_is_what_the_plan_says),
        cmocka_unit_test(has_what_it_lends),
        cmocka_unit_test(full_output_holds_it_up),
        cmocka_unit_test(start_may_fail),
        cmocka_unit_test(many_post_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
