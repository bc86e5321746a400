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
    /* Optional. Some events are looked at twice before `event` is called for the first of them: so
     * that what it needs of memory is fetched while others are decoded. Changes nothing but
     * ev->match. */
    void (*prefetch)(void *state, struct event *ev);
    void (*prefetch_more)(void *state, const struct event *ev);
    void (*event)(void *state, struct event *ev);
    void (*close)(void *state);
};

#endif
