/* The inside of a pipeline, for pipeline.c and pipeline_view.c only. */
#ifndef SPILE_CORE_PIPELINE_STATE_H
#define SPILE_CORE_PIPELINE_STATE_H

#include "core/input.h"
#include "core/roster.h"
#include "core/worker_state.h"

struct pipeline {
    struct config *config;
    struct pipeline_options options;
    uv_loop_t loop;
    uv_async_t wake;
    uv_timer_t deadline;
    struct pipeline_host host;
    struct worker_shared shared;
    struct plan *plan;   /* held */
    struct sink **sinks; /* all that there are, also those whose start has failed */
    size_t sink_count;
    struct worker *workers;
    unsigned workers_wanted;
    unsigned worker_count; /* that exist, started or not */
    struct input *inputs;
    size_t inputs_open;
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

#endif
