/* The inside of a worker, for worker.c and engine.c only. */
#ifndef SPILE_CORE_WORKER_STATE_H
#define SPILE_CORE_WORKER_STATE_H

#include <pthread.h>

#include "core/gather.h"
#include "core/plan.h"
#include "core/turns.h"
#include "core/worker.h"

enum { WORKER_BUFFER = 256 * 1024 };

/* What all workers share. Owner: the engine. */
struct worker_shared {
    bool limited; /* `left` counts */
    _Atomic int64_t left;
    atomic_bool late; /* the shutdown's deadline has passed */
    /* A worker has no items left and has ended its loop. Its own thread. */
    void (*on_ended)(struct engine *engine);
    /* The limit has been reached. */
    void (*on_limit)(struct engine *engine);
};

struct worker {
    struct engine *engine;
    struct worker_shared *shared;
    struct plan *plan; /* held */
    unsigned index;
    uv_thread_t thread;
    pthread_t own; /* the same, as it knows itself: good once it runs */
    uv_loop_t loop;
    uv_async_t wake;
    uv_prepare_t prepare;
    uv_timer_t flush;
    struct turns turns;
    struct gather gather;
    int waits;            /* thread_waits_open; its own thread only */
    pthread_mutex_t lock; /* of the posts */
    struct worker_post *posts, **posts_tail;
    atomic_bool stop_wanted;
    atomic_bool poke_wanted;
    atomic_bool collect_wanted;
    bool deaf;                 /* the handles are closed: nobody may wake the loop; under `lock` */
    uint32_t watching;         /* a bit for each observer that wants the present frames */
    struct worker_item *items; /* the worker's own thread only */
    atomic_uint load;          /* items, those on their way included */
    struct lane *lanes;
    uint8_t *buffer;
    bool seen;      /* somebody may look at the present frames, as they come */
    bool unflushed; /* lanes may hold records */
    bool stopping;  /* ends when it has no items left */
    bool looped;    /* the loop has been initialised */
    bool started;   /* the thread runs */
};

/* Makes the worker and starts its thread. -1: err; then worker_free cleans up. */
int worker_start(struct worker *worker, struct engine *engine, struct worker_shared *shared,
                 struct plan *plan, unsigned index, struct error *err);
/* On its own thread: from here on it works by that plan, which it holds instead of the one before.
 */
void worker_take_plan(struct worker *worker, struct plan *plan);
/* On its own thread: stops the items whose owner is leaving. */
void worker_stop_leaving(struct worker *worker);
/* Any thread: items are stopped, then the loop ends and shared->on_ended is called. */
void worker_stop(struct worker *worker);
/* Any thread: has the observers' `collect` called on the worker. Does nothing once it has ended. */
void worker_collect(struct worker *worker);
/* Joins the thread. */
void worker_join(struct worker *worker);
void worker_free(struct worker *worker);

#endif
