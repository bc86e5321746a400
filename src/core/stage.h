/*
 * Stages: between decoding and formatting. A stage is in the configuration's list, or runs because
 * somebody needs a facet that it provides (core/stages.h). It says of each event whether that goes
 * on. What it remembers across events is sharded or locked by itself.
 */
#ifndef SPILE_CORE_STAGE_H
#define SPILE_CORE_STAGE_H

#include "conf/module.h"
#include "conf/settings.h"
#include "event/event.h"

/* Options that every stage has, and must: `.common = &stage_common`. */
struct stage_common {
    char *name; /* NULL: none of its own */
};
extern const struct option_group stage_common;

/* Exchanges of one stream that came by half: the other frame never came. See stage/loss.h. */
struct stage_loss {
    struct span identity; /* of the stream, cut */
    bool others;          /* of streams that are not followed any more, together */
    uint64_t unanswered;  /* queries without a response */
    uint64_t unasked;     /* responses without a query */
    uint64_t timeouts;    /* questions to others without an answer */
    bool judged;          /* some exchanges were seen whole, so the numbers mean something */
};

/* What becomes of an event. */
enum stage_verdict {
    STAGE_PASS,
    STAGE_DROP,    /* nobody behind the stage sees it: outputs count it as filtered */
    STAGE_CHANGED, /* it goes on, and is not any more what its frame says: see event_changed */
};

struct stage_options {
    const void *options;             /* those of its module; NULL: it is not in the configuration */
    const struct settings *settings; /* they outlive the stage, as `options` do */
    unsigned number;                 /* counts stages of its module from 1 */
    unsigned workers;                /* how many there are: one instance serves all of them */
    uint32_t wanted;                 /* facets that somebody needs, be they of stages or not */
};

struct stage_hooks {
    uint32_t provides; /* facets */
    uint32_t heeds;    /* of stage_options.wanted: those that it acts on */
    /* Optional: whether one that was opened with these settings is as good as one that is opened
     * with those. Absent: settings mean nothing to it. */
    bool (*suits)(const struct settings *a, const struct settings *b);
    /* A new instance in *state, and the facets it needs of every event in *needs, which is 0. */
    int (*open)(void **state, const struct stage_options *options, uint32_t *needs,
                struct error *err);
    /* Both optional. A worker takes events in small batches: it calls `prefetch` for each of a
     * batch, then `prefetch_more` for each, and only then `event` for each. So these two can ask
     * the processor for the memory that `event` will need. They change nothing but ev->match and
     * what goes with it. */
    void (*prefetch)(void *state, unsigned worker, struct event *ev);
    void (*prefetch_more)(void *state, const struct event *ev);
    /* One event, which is a dnstap message. What is written into `ev` that it does not hold itself
     * stays there until the event is through: for each `nth` of a worker in a place of its own. */
    enum stage_verdict (*event)(void *state, unsigned worker, struct event *ev);
    /* Optional. About once a second on every worker's thread; `ended`: for the last time there. */
    void (*tick)(void *state, unsigned worker, bool ended);
    /* Optional: calls `take` for each stream. Any thread. */
    void (*losses)(void *state, void (*take)(void *ctx, const struct stage_loss *loss), void *ctx);
    void (*close)(void *state); /* optional */
};

#endif
