/*
 * Lanes: one formatting for all outputs that ask for the same. A lane is planned once by the
 * engine; each worker then has its own, with an instance of the format and the chunk it fills.
 */
#ifndef SPILE_CORE_LANE_H
#define SPILE_CORE_LANE_H

#include "core/format.h"
#include "core/sink.h"

/* Immutable once the workers run. Owner: the engine. */
struct lane_plan {
    struct format_spec spec;
    struct sink **sinks;
    size_t sink_count;
};

/* Owner: one worker. */
struct lane {
    const struct lane_plan *plan;
    const struct format_hooks *hooks;
    unsigned worker;
    uint32_t needs;
    void *state;
    struct chunk *chunk; /* being filled; NULL: nothing to flush */
};

/* Sorts the queued outputs among `sinks` into plans, those with equal specs together. Returns the
 * number of plans, to be freed by lane_plans_free; -1 when memory is short. */
int lane_plans_make(struct sink *const *sinks, size_t sink_count, struct lane_plan **plans);
void lane_plans_free(struct lane_plan *plans, size_t count);

int lane_init(struct lane *lane, const struct lane_plan *plan, unsigned worker, struct error *err);
void lane_free(struct lane *lane);

/* Formats the event into the lane's chunk, or counts why not. */
void lane_event(struct lane *lane, struct event *ev);
/* Hands what the chunk holds to the lane's outputs and wakes them. (A full chunk is handed over by
 * lane_event, but that may leave the outputs asleep until there are more.) */
void lane_flush(struct lane *lane);

#endif
