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
    void (*event)(void *state, struct event *ev);
    void (*close)(void *state);
};

#endif
