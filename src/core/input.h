/*
 * Inputs: where frames come from. An input opens on the main thread; what it reads is handled on a
 * worker's loop, which hands frames to the engine by worker_frames().
 */
#ifndef SPILE_CORE_INPUT_H
#define SPILE_CORE_INPUT_H

#include "conf/config.h"
#include "core/engine.h"

/* Options that every input has, and must: `.common = &input_common`. */
struct input_common {
    char *name; /* NULL: none of its own */
};
extern const struct option_group input_common;

/* One configured input. Owner: the engine. */
struct input {
    struct config *config; /* held: its options are there */
    const struct config_item *item;
    atomic_uint lookers; /* threads that look at it without a lock: it is not freed meanwhile */
    struct worker_owner owner; /* of what it has on workers: items say it from the beginning */
    const struct module *module;
    const struct input_hooks *hooks;
    const void *options;
    const struct input_common *common;
    char name[CONFIG_NAME_MAX + 1]; /* for people */
    void *state;                    /* module->state_size bytes */
    uint32_t index;
    struct engine *engine;
    bool absent; /* set by `open`: it could not be had, and is done without */
    struct input_counters counters;
};

enum { INPUT_HINT_MAX = 640, INPUT_PLACE_MAX = 288 };

struct input_hooks {
    bool finite; /* ends by itself, and says so by engine_input_ended */
    /* Main thread. Starts listening or reading. */
    int (*open)(struct input *in, struct error *err);
    /* Main thread, when the engine drains: take nothing new. What the input has on workers is
     * stopped there, by its items' own hooks. */
    void (*stop)(struct input *in);
    /* Main thread, after every worker has ended, and after a failed open. */
    void (*close)(struct input *in);
    /* Optional. Any thread: where DNS servers connect, terminated and of INPUT_PLACE_MAX bytes at
     * most: "unix:PATH", "tcp:HOST:PORT". */
    void (*place)(const struct input *in, char *text);
    /* Optional. Any thread, while the engine runs: what keeps DNS servers from being heard here,
     * as one line for people, of INPUT_HINT_MAX bytes at most. False: nothing that is known. */
    bool (*hint)(const struct input *in, char *text);
    /* Optional. Main thread, of one that is not absent. True: nobody can connect here any more, so
     * a reload opens it anew though none of its options has changed. */
    bool (*lost)(const struct input *in);
    /* Optional. Main thread. Descriptors have run out, for any input: whose connection could be
     * spared? Returns how much he has who has most of those who are silent, in a measure that all
     * inputs share, and 0 when nobody is; with `tell` one of his is told to leave. */
    uint64_t (*relieve)(struct input *in, bool tell);
};

/* Whether the input of that item ends by itself. */
static inline bool input_is_finite(const struct config_item *item)
{
    return ((const struct input_hooks *)item->module->hooks)->finite;
}

#endif
