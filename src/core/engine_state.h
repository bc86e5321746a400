/* The inside of an engine, for its own files only: engine.c, engine_view.c, change.c, late.c. */
#ifndef SPILE_CORE_ENGINE_STATE_H
#define SPILE_CORE_ENGINE_STATE_H

#include "core/bygones.h"
#include "core/input.h"
#include "core/roster.h"
#include "core/worker_state.h"

/* What waits to be opened. */
struct late {
    struct sink *sink; /* NULL: an input, */
    size_t input;      /* the one that the configuration has there */
    bool follows;      /* it waits for the end of the change under way */
    struct error why;  /* it could not be, which the user knows; no text: it has not been tried */
};

/* A worker takes another plan. */
struct take {
    struct worker_post post;
    struct engine *engine;
};

/* From one plan to the next. Main thread but for the atomics. */
struct change {
    struct take *takes;  /* one a worker */
    atomic_uint waiting; /* workers that have not taken the plan yet */
    struct plan *before; /* held until all have; NULL: no change is under way, or they have */
    struct sink **gone;  /* outputs that are to end */
    size_t gone_count;
    uint64_t deadline_ns; /* theirs */
    uv_timer_t overdue;   /* until then, while workers may be waiting for one of them */
    uv_thread_t closer;
    atomic_bool closed; /* they have ended */
    size_t left_before; /* inputs that had left before */
    bool under_way, closing, threaded;
};

struct engine {
    struct config *config;
    int64_t configured_ms; /* since then, by the wall clock */
    uint64_t begun_ns;
    struct engine_options options;
    uv_loop_t loop;
    uv_async_t wake;
    uv_timer_t deadline;
    struct engine_host host;
    struct worker_shared shared;
    struct plan *plan;   /* held */
    struct stats *stats; /* of the observers; NULL: there are none */
    struct sink **sinks; /* all that there are, also those whose start has failed */
    size_t sink_count;
    struct worker *workers;
    unsigned workers_wanted;
    unsigned worker_count; /* that exist, started or not */
    struct input **inputs; /* opened, but for the last one where that has failed */
    size_t input_count;
    uint32_t last_index; /* of an input */
    struct input **left; /* inputs that are no more, as long as something of them may be */
    size_t left_count;
    struct bygones past;
    bool past_failed; /* an output was among them that ended as one that fails */
    struct change change;
    pthread_t main;    /* whose the loop is, and most of this */
    struct late *late; /* what waits to be opened */
    size_t late_count;
    uv_timer_t late_again; /* from time to time */
    pthread_mutex_t view; /* of what other threads see: config, plan, sinks, inputs, left, past. The
                             main thread alone changes them, and locks it only for that */
    struct partial_pool partials;
    uint64_t connection_descriptors; /* for all inputs */
    size_t listening;                /* inputs that these are for */
    struct roster roster;
    uv_thread_t closer;
    uint64_t deadline_ns; /* the closer's */
    atomic_uint workers_running;
    atomic_size_t finite_running;
    atomic_bool drain_wanted;
    atomic_bool failed;
    atomic_bool output_ended; /* its reader left, or it was given up */
    atomic_bool closed;       /* the closer is through */
    bool draining;
    bool closing;
    bool closer_runs;
    bool hastened; /* somebody wants an end */
    bool hurried;  /* and at once: what threads hold that have not ended is lost */
};

/* Whether this is the main thread. */
static inline bool engine_is_main(const struct engine *engine)
{
    return pthread_equal(engine->main, pthread_self());
}

/* engine.c: parts of its beginning that a change needs, too. */
struct sink *engine_new_sink(struct engine *engine);
void engine_output_ended(void *engine);
/* NULL: err, with the place. */
struct input *engine_open_input(struct engine *engine, struct config *config,
                                const struct config_item *item, const char *name,
                                struct error *err);
/* Of one that was stopped, or could not be opened: frees it. */
void engine_close_input(struct input *in);
/* A plan for these sinks, with what it has in common with the one at work. NULL: err. */
struct plan *engine_make_plan(struct engine *engine, struct config *config,
                              const struct engine_observers *observers, struct sink *const *sinks,
                              size_t sink_count, struct error *err);
size_t engine_count_listening(const struct config *config);

/* change.c: something has happened that a change may wait for; and the end. */
void engine_change_on(struct engine *engine);
/* The time of the outputs that are to end is up. */
void engine_change_abandon(struct engine *engine);
void engine_change_free(struct engine *engine);

/* late.c: opens what waits. What cannot be is tried again from time to time. */
void engine_open_late(struct engine *engine);

#endif
