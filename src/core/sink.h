/* A sink: one configured output at work, with its queue, its thread and its counters. */
#ifndef SPILE_CORE_SINK_H
#define SPILE_CORE_SINK_H

#include "conf/config.h"
#include "core/queue.h"
#include "core/writer.h"

/* Owner: the engine. Must not move once open. */
struct sink {
    struct config *config; /* held: its options and settings are there */
    const struct config_item *item;
    struct output out;
    struct queue queue;
    struct writer writer;
    /* One a worker: received, and dropped on the way here; behind them that of the writer. */
    struct ledger_shard *shards;
    unsigned workers;
    bool events_only; /* a frame that is no dnstap does not get here: its input has counted it */
    bool seen;        /* somebody may look at it as it is written */
    /* An inline output has been opened; one with a queue takes records before that. */
    atomic_bool ready;
    atomic_bool leaving; /* it is no more in the configuration: nobody minds who leaves it */
    void (*on_closed)(void *arg);
    void *on_closed_arg;
    bool open; /* the output's open hook has succeeded, and its close is still due */
    /* The writer's thread has been started: it then closes the output. */
    atomic_bool writing;
};

/* The caller zeroes *sink, and sets out.stats, out.gives_up and out.old. Opens the
 * output of `item`, which `config` has, that is held from then on, and which is called `name`.
 * `on_closed(arg)` is called, on the writer's thread, when its reader has gone away or it was given
 * up. -1: err; then nothing is open.
 */
int sink_open(struct sink *sink, struct config *config, const struct config_item *item,
              const char *name, unsigned workers, void (*on_closed)(void *arg), void *arg,
              struct error *err);
/* The two halves of it. Between them an output with a queue is at work already; one that another
 * output still is in the way of begins when that has ended. -1: err, and it may be tried again. */
int sink_prepare(struct sink *sink, struct config *config, const struct config_item *item,
                 const char *name, unsigned workers, struct error *err);
int sink_begin(struct sink *sink, void (*on_closed)(void *arg), void *arg, struct error *err);
/* Nobody is left who would have it go on: it writes, if somebody has paused it. */
void sink_end_pause(struct sink *sink);
/* Has the output open its file anew. */
void sink_reopen(struct sink *sink);
/* Begins to drain; no worker is left. Does not wait, so that all outputs drain at the same time. */
void sink_drain(struct sink *sink);
/* The deadline is now: what is queued is dropped, and no worker waits for room any longer. */
void sink_abandon(struct sink *sink);
/* Waits until the output has drained, or the deadline (clock_ns time) has passed, and closes it. Of
 * one that never began all is dropped. */
void sink_finish(struct sink *sink, uint64_t deadline_ns);
/* After sink_finish, when no other thread knows the sink any more, or instead of it where sink_open
 * failed. */
void sink_free(struct sink *sink);

/* True for an output that a worker calls for each event itself. */
static inline bool sink_is_inline(const struct sink *sink)
{
    return sink->out.hooks->event != NULL;
}

/* False: it is to get nothing yet. */
static inline bool sink_is_ready(const struct sink *sink)
{
    return atomic_load_explicit(&sink->ready, memory_order_acquire);
}

/* True for an output that is granted all the time it takes. */
static inline bool sink_blocks_for_ever(const struct sink *sink)
{
    const struct output_common *common = &sink->out.common;
    return sink->writing && common->when_full == WHEN_FULL_BLOCK && common->block_max_ns == 0;
}

/* After sink_finish. True when it lost events because they could not be written, for good or still
 * at the end, or could not write the end itself; false when its reader has left. */
bool sink_has_failed(const struct sink *sink);

/* Sums what workers and writer have counted: it adds up at any moment. */
void sink_ledger(const struct sink *sink, struct ledger *sum);

#endif
