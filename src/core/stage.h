/* Stages: between decoding and formatting. A stage runs only when a format or output needs a facet
 * that it provides; what it remembers across events is sharded or locked by itself. */
#ifndef SPILE_CORE_STAGE_H
#define SPILE_CORE_STAGE_H

#include "conf/module.h"
#include "conf/settings.h"
#include "event/event.h"

/* Exchanges of one stream that came by half: the other frame never came. See stage/loss.h. */
struct stage_loss {
    struct span identity; /* of the stream, cut */
    bool others;          /* of streams that are not followed any more, together */
    uint64_t unanswered;  /* queries without a response */
    uint64_t unasked;     /* responses without a query */
    uint64_t timeouts;    /* questions to others without an answer */
    bool judged;          /* some exchanges were seen whole, so the numbers mean something */
};

struct stage_options {
    const struct settings *settings; /* they outlive the stage */
    unsigned workers;                /* how many there are: one instance serves all of them */
    uint32_t wanted;                 /* facets that somebody needs, be they of stages or not */
};

struct stage_hooks {
    uint32_t provides; /* facets */
    uint32_t needs;
    int (*open)(void **state, const struct stage_options *options, struct error *err);
    /* Both optional. A worker takes events in small batches: it calls `prefetch` for each of a
     * batch, then `prefetch_more` for each, and only then `event` for each. So these two can ask
     * the processor for the memory that `event` will need. They change nothing but ev->match and
     * what goes with it. */
    void (*prefetch)(void *state, unsigned worker, struct event *ev);
    void (*prefetch_more)(void *state, const struct event *ev);
    void (*event)(void *state, unsigned worker, struct event *ev);
    /* Optional. About once a second on every worker's thread; `ended`: for the last time there. */
    void (*tick)(void *state, unsigned worker, bool ended);
    /* Optional: calls `take` for each stream. Any thread. */
    void (*losses)(void *state, void (*take)(void *ctx, const struct stage_loss *loss), void *ctx);
    void (*close)(void *state);
};

#endif
