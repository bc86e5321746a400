/*
 * Inputs: where frames come from. An input opens on the main thread; what it reads is handled on a
 * worker's loop, which hands frames to the pipeline by worker_frames().
 */
#ifndef SPILE_CORE_INPUT_H
#define SPILE_CORE_INPUT_H

#include "core/module.h"
#include "core/pipeline.h"

/* One configured input. Owner: the pipeline. */
struct input {
    const struct module *module;
    const struct input_hooks *hooks;
    void *priv; /* options set, the rest zero */
    uint32_t index;
    struct pipeline *pipeline;
    struct input_counters counters;
};

struct input_hooks {
    /* Starts listening or reading. A finite input calls pipeline_input_ended when it is through. */
    int (*open)(struct input *in, struct error *err);
    /* Main thread, when the pipeline drains: take nothing new. Files stop, listeners close. */
    void (*stop)(struct input *in);
    /* Main thread, after every worker has ended. */
    void (*close)(struct input *in);
};

#endif
