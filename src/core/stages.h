/*
 * The stages of an engine at work: which of them run, in what order, and what they have dropped.
 *
 * Those come first that nobody configured, but that provide a facet somebody needs (the latency);
 * behind them stand those of the configuration's list, in its order. What somebody needs of a stage
 * that is in the list is there from its place on.
 */
#ifndef SPILE_CORE_STAGES_H
#define SPILE_CORE_STAGES_H

#include <stdatomic.h>

#include "base/counter.h"
#include "conf/config.h"
#include "core/stage.h"

/* What one worker has counted of one stage. */
struct stage_counts {
    _Alignas(64) counter seen; /* events that reached it */
    counter dropped, changed;
};

/* A stage at work: one instance for all workers, and for all plans that have it. */
struct running_stage {
    const struct stage_hooks *hooks;
    void *state;
    const struct module *module;
    struct stage_counts *counts;    /* one a worker */
    char name[64];                  /* "sample", "sample#2", or as configured */
    struct config *config;          /* held: what it was opened with, */
    const struct config_item *item; /* NULL: it is not in the configuration; */
    uint32_t wanted, needs;         /* and what it needs itself */
    atomic_uint *holders;           /* how many have it */
};

/* Immutable once the workers run, but for the counts. Owner: the engine. Zeroed: none. */
struct stages {
    struct running_stage *items;
    size_t count;
    size_t implied;   /* so many of them, the first, are not in the configuration */
    unsigned workers; /* so many have counts */
};

/* Opens the stages of `config`, and those whose facets somebody needs; one that would be as it is
 * among those `before` (may be NULL) is had in common with them. *needs are the facets that
 * all behind the stages need; afterwards those that are to be decoded for them and the stages. -1:
 * err; then stages_close is still due. */
int stages_open(struct stages *stages, struct config *config, const struct stages *before,
                unsigned workers, uint32_t *needs, struct error *err);
void stages_close(struct stages *stages);

/* Whether the stage is among them. */
bool stages_have(const struct stages *stages, const struct running_stage *stage);

/* Has `count` stages look at those of a worker's events whose bits are set in `batch`, one stage
 * after the other. Returns the bits of those that none of them dropped. */
uint32_t stages_run(const struct running_stage *stages, size_t count, unsigned worker,
                    struct event *events, uint32_t batch);

/* Numbers of the moment; any thread. */
struct stage_view {
    char name[64];
    const char *module;
    bool implied;
    uint64_t passed; /* changed ones, too */
    uint64_t dropped;
    uint64_t changed;
};
void stages_view(const struct stages *stages, size_t i, struct stage_view *view);

#endif
