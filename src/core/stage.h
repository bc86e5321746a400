/* Stages: between decoding and formatting. A stage runs only when a format or output needs a facet
 * that it provides; what it remembers across events is sharded or locked by itself. */
#ifndef SPILE_CORE_STAGE_H
#define SPILE_CORE_STAGE_H

#include "core/event.h"
#include "core/module.h"
#include "core/settings.h"

struct stage_hooks {
    uint32_t provides; /* facets */
    uint32_t needs;
    /* One instance serves all workers; `workers` says how many there are. */
    int (*open)(void **state, const struct settings *settings, unsigned workers, struct error *err);
    /* Both optional. A worker takes events in small batches: it calls `prefetch` for each of a
     * batch, then `prefetch_more` for each, and only then `event` for each. So these two can ask
     * the processor for the memory that `event` will need. They change nothing but ev->match. */
    void (*prefetch)(void *state, struct event *ev);
    void (*prefetch_more)(void *state, const struct event *ev);
    void (*event)(void *state, struct event *ev);
    void (*close)(void *state);
};

#endif
