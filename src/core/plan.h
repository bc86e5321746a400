/*
 * A plan: what becomes of frames on a worker, from the stages to the outputs. It is made as a whole
 * and never changes; workers take another one between two batches. Stages and sinks that stay as
 * they are go over from one plan to the next, with all that they know.
 */
#ifndef SPILE_CORE_PLAN_H
#define SPILE_CORE_PLAN_H

#include <stdatomic.h>

#include "core/lane.h"
#include "core/observer.h"
#include "core/stages.h"

/* Counted: the engine has it, and each worker that works by it. */
struct plan {
    atomic_uint references;
    struct config *config; /* held */
    struct sink **sinks;   /* the engine's; the list is the plan's own */
    size_t sink_count;
    struct lane_plan *lanes;
    size_t lane_count;
    struct lane **worker_lanes; /* one list a worker; each is its worker's own */
    unsigned workers;
    struct stages stages;
    struct observer *observers; /* the plan's own copies */
    size_t observer_count;
    uint32_t early;         /* a bit for each observer that stands before the configured stages */
    uint32_t needs;         /* event_closure of what some sink, stage or steady observer needs */
    struct siphash_key key; /* of events' hashes */
    bool inlined;           /* some sink is called by the workers themselves */
    bool seen;              /* somebody may look at what an output writes, as it comes */
};

/* What is not of the configuration. */
struct plan_options {
    unsigned workers;
    const struct observer *observers; /* copied */
    size_t observer_count;            /* at most OBSERVERS_MAX */
    struct siphash_key key;
};

/* A plan for these sinks, which are open; what it has in common with the plan `before` (NULL: there
 * was none) goes over. `config` is held. NULL: err. It has one reference. */
struct plan *plan_new(const struct plan_options *options, struct config *config,
                      struct sink *const *sinks, size_t sink_count, const struct plan *before,
                      struct error *err);
void plan_hold(struct plan *plan);
/* Any thread; NULL is fine. */
void plan_release(struct plan *plan);

/* Private, for tests: opens each worker's lanes, and closes them. -1: err. */
int plan_open_lanes(struct plan *plan, unsigned workers, struct error *err);
void plan_close_lanes(struct plan *plan);

#endif
