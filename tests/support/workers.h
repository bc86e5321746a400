/* Workers by hand: the engine around them is a fake, and who lives on them does as the test says.
 * Include it behind cmocka.h. */
#ifndef SPILE_TESTS_WORKERS_H
#define SPILE_TESTS_WORKERS_H

#include <pthread.h>
#include <sched.h>

#include "chunks.h"
#include "core/engine.h"
#include "core/worker_state.h"
#include "sinks.h"

struct engine {
    atomic_uint ended;
    atomic_uint limits;
    _Atomic pthread_t ender; /* who has said it last */
};

static inline void on_ended(struct engine *engine)
{
    atomic_store(&engine->ender, pthread_self());
    atomic_fetch_add(&engine->ended, 1);
}

static inline void on_limit(struct engine *engine)
{
    atomic_fetch_add(&engine->limits, 1);
}

/* --- workers and who lives there ------------------------------------------------------------ */

struct bench {
    struct engine engine;
    struct worker_shared shared;
    struct config config;
    struct plan plan;
    struct worker workers[SINKS_WORKERS];
    unsigned count;
};

/* All that workers need but the workers. */
static inline void prepare(struct bench *bench, unsigned count)
{
    struct error err;
    bench->shared.on_ended = on_ended;
    bench->shared.on_limit = on_limit;
    bench->plan.config = &bench->config;
    atomic_store(&bench->plan.references, 1);
    assert_int_equal(plan_open_lanes(&bench->plan, count, &err), 0);
}

static inline void start(struct bench *bench, unsigned count)
{
    struct error err;
    atomic_store(&echo_instances, 0); /* whatever a test that failed has left */
    prepare(bench, count);
    for (bench->count = 0; bench->count < count; bench->count++)
        assert_int_equal(worker_start(&bench->workers[bench->count], &bench->engine, &bench->shared,
                                      &bench->plan, bench->count, &err),
                         0);
}

/* Stops them, and waits until they have ended: what happened there is then there to be read. */
static inline void join(struct bench *bench)
{
    for (unsigned i = 0; i < bench->count; i++)
        worker_stop(&bench->workers[i]);
    for (unsigned i = 0; i < bench->count; i++)
        worker_join(&bench->workers[i]);
    assert_int_equal(atomic_load(&bench->engine.ended), bench->count);
}

static inline void end(struct bench *bench)
{
    join(bench);
    for (unsigned i = 0; i < bench->count; i++)
        worker_free(&bench->workers[i]);
    plan_close_lanes(&bench->plan);
    chunk_pool_free();
    assert_int_equal(atomic_load(&echo_instances), 0);
}

static inline unsigned load_of(struct worker *worker)
{
    return atomic_load(&worker->load);
}

/* Somebody who comes, hands over frames, and goes. Its worker's own but for the atomics. */
struct guest {
    struct worker_item item;
    struct turn turn;
    struct worker *worker;
    struct origin *origin; /* of the frames */
    struct input_counters *counters;
    const struct span *frames;
    size_t count;
    unsigned again;     /* so often more it hands them over */
    bool stays;         /* until it is stopped */
    bool lingers;       /* and then until it has had some more turns */
    bool leaves_poked;  /* or until it is poked */
    atomic_bool *holds; /* holds the worker up meanwhile */
    atomic_bool here;
    atomic_uint pokes;
    unsigned stops, turns;
    unsigned serial; /* how many had come before it */
    bool all;        /* as worker_frames says */
    bool left;
    pthread_t thread;
};

static inline void leave(struct guest *guest)
{
    guest->left = true;
    worker_detach(guest->worker, &guest->item);
}

static inline void turn_of(struct turn *turn)
{
    struct guest *guest = (struct guest *)((char *)turn - offsetof(struct guest, turn));
    if (++guest->turns < 3)
        turns_wait(worker_turns(guest->worker), turn);
    else
        leave(guest);
}

static inline void stop(struct worker_item *item)
{
    struct guest *guest = (struct guest *)item;
    guest->stops++;
    if (guest->lingers)
        turns_wait(worker_turns(guest->worker), &guest->turn);
    else
        leave(guest);
}

static inline void poke(struct worker_item *item)
{
    struct guest *guest = (struct guest *)item;
    atomic_fetch_add(&guest->pokes, 1);
    if (guest->leaves_poked)
        leave(guest);
}

static atomic_uint arrivals;

static inline void arrive(struct worker_item *item, struct worker *worker)
{
    struct guest *guest = (struct guest *)item;
    guest->worker = worker;
    guest->thread = pthread_self();
    guest->serial = atomic_fetch_add(&arrivals, 1);
    guest->item.stop = stop;
    guest->turn.take = turn_of;
    atomic_store(&guest->here, true);
    while (guest->holds && atomic_load(guest->holds))
        sched_yield();
    for (unsigned i = 0; guest->frames && i <= guest->again; i++)
        guest->all =
            worker_frames(worker, guest->origin, guest->counters, guest->frames, guest->count);
    if (!guest->stays)
        leave(guest);
}

static inline void invite(struct bench *bench, unsigned worker, struct guest *guest)
{
    guest->item.begin = arrive;
    worker_begin(&bench->workers[worker], &guest->item);
}

static inline void await(atomic_bool *flag)
{
    while (!atomic_load(flag))
        sched_yield();
}

/* Nothing happens on worker 0 until it is let go. */
struct gate {
    struct guest guest;
    atomic_bool shut;
};

static inline void shut(struct gate *gate, struct bench *bench)
{
    *gate = (struct gate){.shut = true};
    gate->guest.holds = &gate->shut;
    invite(bench, 0, &gate->guest);
    await(&gate->guest.here);
}

/* --- what frames go to
 * --------------------------------------------------------------------------------- */

enum { SINKS = 2 };

/* What frames go to: a lane with two queued outputs. */
struct outlet {
    struct sink sinks[SINKS];
    struct sink *list[SINKS];
    struct input_counters counters;
    struct origin origin;
};

static inline void open_outlet(struct outlet *outlet, struct bench *bench, const char *fields,
                               size_t queue_bytes)
{
    const struct format_spec spec = {.module = &format_echo, .fields = fields};
    *outlet = (struct outlet){.origin = {.peer = "unix"}};
    *bench = (struct bench){.plan = {.sinks = outlet->list, .sink_count = SINKS}};
    for (size_t i = 0; i < SINKS; i++) {
        sinks_queued(&outlet->sinks[i], &spec, WHEN_FULL_BLOCK, queue_bytes);
        outlet->list[i] = &outlet->sinks[i];
    }
    bench->plan.lane_count = (size_t)lane_plans_make(outlet->list, SINKS, &bench->plan.lanes);
    assert_int_equal(bench->plan.lane_count, 1);
}

static inline void close_outlet(struct outlet *outlet, struct bench *bench)
{
    end(bench);
    lane_plans_free(bench->plan.lanes, bench->plan.lane_count);
    for (size_t i = 0; i < SINKS; i++)
        sink_free(&outlet->sinks[i]);
}

static inline struct guest guest_with(struct outlet *outlet, const struct span *frames,
                                      size_t count)
{
    return (struct guest){
        .origin = &outlet->origin, .counters = &outlet->counters, .frames = frames, .count = count};
}

/* Frames that say their number, from 0 on. */
struct numbers {
    struct span frames[100];
    char words[100][8];
};

static inline void fill(struct numbers *numbers)
{
    for (int i = 0; i < 100; i++) {
        snprintf(numbers->words[i], sizeof numbers->words[i], "%d", i);
        numbers->frames[i] = span_str(numbers->words[i]);
    }
}

static inline void expect_numbers(const char *text, unsigned from, unsigned count)
{
    char *at = (char *)(uintptr_t)text;
    for (unsigned i = 0; i < count; i++, at++)
        assert_int_equal(strtoul(at, &at, 10), from + i);
    assert_string_equal(at, "");
}

#endif
