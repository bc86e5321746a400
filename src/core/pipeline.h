/*
 * The pipeline: inputs on workers' loops, stages, one formatting per distinct format, outputs on
 * threads of their own behind bounded queues; and how all of it starts, drains and stops.
 */
#ifndef SPILE_CORE_PIPELINE_H
#define SPILE_CORE_PIPELINE_H

#include <uv.h>

#include "base/counter.h"
#include "core/config.h"
#include "core/event.h"
#include "core/ledger.h"

struct pipeline;
struct worker;

/* What happened on an input, by any worker. */
struct input_counters {
    counter connections; /* accepted since the start */
    counter refused;     /* by access list or connection limit */
    counter frames;
    counter bytes;
    counter malformed;   /* frames that are not dnstap: counted by workers that decode */
    counter errors;      /* connections or files that ended in a stream error */
};

/* How pipeline_run ended. */
enum pipeline_end {
    PIPELINE_DONE,   /* inputs ended, or a signal: exit 0 */
    PIPELINE_CLOSED, /* standard output was closed by its reader: exit 0, quietly */
    PIPELINE_FAILED, /* an input was truncated or oversized: exit 1 */
};

struct pipeline_options {
    uint64_t total;          /* stop after so many events; 0: no limit */
    const char *ledger_path; /* JSON ledger at exit; NULL: none */
    bool quiet_ledger;       /* no ledger lines on standard error */
    bool progress;           /* show progress on the terminal (standard error) */
};

/* Opens everything that `config` names; takes nothing of it over, and needs it until it is freed.
 * An input that cannot be opened is an error, unless `config` marks ... -1: err says why. */
struct pipeline *pipeline_new(struct config *config, const struct pipeline_options *options,
                              struct error *err);
/* Runs until the inputs end or a signal comes; prints the ledger. */
enum pipeline_end pipeline_run(struct pipeline *pipeline);
void pipeline_free(struct pipeline *pipeline);

/* For inputs. */
uv_loop_t *pipeline_loop(struct pipeline *pipeline);     /* of the main thread */
const struct settings *pipeline_settings(const struct pipeline *pipeline);
/* The worker that has the fewest connections. */
struct worker *pipeline_pick_worker(struct pipeline *pipeline);
/* Runs `call(arg)` on the worker's thread, soon. -1: no memory. */
int worker_post(struct worker *worker, void (*call)(struct worker *worker, void *arg), void *arg);
uv_loop_t *worker_loop(struct worker *worker);
/* The worker's read buffer: shared by all that the worker reads, good until the next read. */
uint8_t *worker_buffer(struct worker *worker, size_t *size);
/* Hands frames over. They are through (formatted or counted) when it returns. */
void worker_frames(struct worker *worker, const struct origin *origin, struct input_counters *in,
                   const struct span *frames, size_t count);
/* A finite input ended; `failed` when its stream was cut or oversized. Any thread. */
void pipeline_input_ended(struct pipeline *pipeline, bool failed);

#endif
