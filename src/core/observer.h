/*
 * Observers: who looks at every event on its way and changes nothing (statistics, live views). They
 * run on the workers' threads, between the stages and the formats.
 *
 * An observer keeps what it learns in one shard a worker, without locks; `collect` is where it may
 * hand a shard over to other threads.
 */
#ifndef SPILE_CORE_OBSERVER_H
#define SPILE_CORE_OBSERVER_H

#include "core/event.h"

/* So many may a pipeline have: a worker keeps a bit for each. */
enum { OBSERVERS_MAX = 32 };

/* Immutable while the pipeline runs. Owner: who made the pipeline. */
struct observer {
    void *state;
    uint32_t needs; /* facets that `event` wants decoded, stages' facets (FACET_LATENCY) too */
    /* Optional: asked before `event`; false: not this time. Any worker, any time. */
    bool (*active)(void *state);
    /* One event. Its frame is no dnstap message when ev->bad has FACET_DNSTAP. */
    void (*event)(void *state, unsigned worker, struct event *ev);
    /* Optional. The bytes of all events so far are about to go: the end of worker_frames. */
    void (*flush)(void *state, unsigned worker);
    /* Optional. Somebody called pipeline_collect, or the worker ends (then for the last time). */
    void (*collect)(void *state, unsigned worker);
};

#endif
