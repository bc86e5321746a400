/*
 * The pipeline: inputs on workers' loops, stages, one formatting per distinct format, outputs on
 * threads of their own behind bounded queues; and how all of it starts, drains and stops.
 */
#ifndef SPILE_CORE_PIPELINE_H
#define SPILE_CORE_PIPELINE_H

#include <limits.h>
#include <uv.h>

#include "conf/config.h"
#include "core/ledger.h"
#include "core/observer.h"
#include "core/output.h"
#include "core/partial.h"
#include "core/worker.h"

struct descriptors;
struct pipeline;
struct stage_loss;
struct roster;
struct stage_view;
struct stat;

/* How pipeline_run ended. */
enum pipeline_end {
    PIPELINE_DONE,   /* inputs ended, or somebody stopped it */
    PIPELINE_CLOSED, /* an output was closed by its reader (a pipe into head), and no other failed
                      */
    PIPELINE_FAILED, /* an input was truncated or oversized, an output could not be
                        written, or it was hurried */
};

/*
 * Who holds the pipeline, and what it is told; all optional, on the main thread, while the pipeline
 * runs. It may have handles of its own on the loop, which it must close in `closed`.
 */
struct pipeline_host {
    void *arg;
    /* The loop is there (pipeline_loop), nothing is open yet. */
    void (*begin)(void *arg, struct pipeline *pipeline);
    void (*draining)(void *arg);                 /* the end has begun ... */
    void (*deadline)(void *arg, uint64_t at_ns); /* ... and outputs have until then (clock_ns) */
    /* Some thread has not ended though its time was up: it may never do so. */
    void (*stuck)(void *arg);
    void (*changed)(void *arg); /* what pipeline_reload has begun is done */
    void (*closed)(void *arg);  /* all is written: the loop ends when it has no handles left */
};

struct pipeline_options {
    uint64_t total;      /* stop after so many events; 0: no limit */
    enum output_old old; /* of the files that outputs write */
    bool gives_up; /* an output that cannot be written ends the pipeline, with PIPELINE_FAILED; if
                      not, it is tried again for as long as the pipeline runs */
    const struct pipeline_host *host;      /* NULL: nobody */
    const struct observer *observers;      /* they must outlive the pipeline */
    size_t observer_count;                 /* at most OBSERVERS_MAX */
    struct stats *stats;                   /* for outputs that show statistics; NULL: none */
    const struct descriptors *descriptors; /* what is set apart for the rest of the program, too;
                                              NULL: there is no rest */
};

/* Opens outputs, workers and inputs of `config`, which must outlive it. NULL: err says why. */
struct pipeline *pipeline_new(struct config *config, const struct pipeline_options *options,
                              struct error *err);
/* Runs until the inputs end or somebody stops it, and drains. */
enum pipeline_end pipeline_run(struct pipeline *pipeline);
/* Any thread: has the pipeline drain and end. */
void pipeline_stop(struct pipeline *pipeline);
/* Main thread: the same, and no output has longer than `shutdown-time`, though it may take all the
 * time in the world otherwise. */
void pipeline_hasten(struct pipeline *pipeline);
/* Main thread: the same at once. What is queued is dropped. */
void pipeline_hurry(struct pipeline *pipeline);
/*
 * Main thread. From now on the pipeline is what `config` says, which config_validate has accepted
 * and which is held; what has the same options as before stays, with all that it has. 0: it goes on
 * from here by itself, and host.changed is called when all that is no more has ended. -1: err, and
 * all is as it was. Settings that cannot change (option.fixed) must be those of before.
 */
int pipeline_reload(struct pipeline *pipeline, struct config *config, struct error *err);
/* Main thread: true from then until host.changed is called. */
bool pipeline_changing(const struct pipeline *pipeline);
/* Main thread: has outputs open their files anew. */
void pipeline_reopen(struct pipeline *pipeline);
/* Instead of pipeline_run: ends what pipeline_new has begun, and says nothing of it. */
void pipeline_abort(struct pipeline *pipeline);
/* When the outputs' time to write what is queued is up, or was (clock_ns); UINT64_MAX: never, 0: it
 * has not begun. */
uint64_t pipeline_deadline(const struct pipeline *pipeline);
void pipeline_free(struct pipeline *pipeline);

/* How many workers a pipeline with these settings will have. */
unsigned pipeline_worker_count(const struct settings *settings);
/* Any thread: has each worker call its observers' collect, soon. A worker that has ended has done
 * so for the last time. */
void pipeline_collect(struct pipeline *pipeline);
/* Calls `take` for each stream that stages know of losses of. */
void pipeline_losses(struct pipeline *pipeline,
                     void (*take)(void *ctx, const struct stage_loss *loss), void *ctx);
/* True once every worker has ended. Any thread. */
bool pipeline_quiet(const struct pipeline *pipeline);

/* True from the moment when the pipeline is to end. Any thread. */
bool pipeline_draining(const struct pipeline *pipeline);
/* What is in force now: to be released by config_release. Any thread. */
struct config *pipeline_config(struct pipeline *pipeline);
/* Who is connected. Any thread. */
struct roster *pipeline_roster(struct pipeline *pipeline);

/* What can be seen of a running pipeline; any thread, numbers of the moment. */
struct pipeline_input {
    char name[64]; /* as configured, or "tcp", "unix#2" */
    const char *module;
    char place[288];                /* where DNS servers connect: "unix:PATH"; empty: they do not */
    struct input_counters counters; /* a copy, with those of others of that name before it */
};
struct pipeline_output {
    char name[64];
    const char *module;
    const char *format;   /* NULL: none */
    char place[PATH_MAX]; /* the path of its file; empty: none */
    struct ledger ledger; /* a copy, with what others of that name had before it */
    bool gone;            /* it is no more: a reload has taken it away */
    bool queued;          /* has a queue: */
    uint64_t queue_bytes; /* in it */
    uint64_t queue_limit;
    uint64_t queue_records; /* waiting to be written */
    bool paused;            /* somebody wants nothing to be written */
};
/* Both: false, and nothing in *view, behind the last: there may be fewer than a moment ago. Outputs
 * that are gone are behind those that are at work. */
bool pipeline_input(struct pipeline *pipeline, size_t i, struct pipeline_input *view);
bool pipeline_output(struct pipeline *pipeline, size_t i, struct pipeline_output *view);
/* The input that origins know by that index. */
bool pipeline_input_by_index(struct pipeline *pipeline, uint32_t index,
                             struct pipeline_input *view);
/* What keeps DNS servers from being heard by this input: one line into `text` (INPUT_HINT_MAX).
 * False: nothing that is known. */
bool pipeline_input_hint(struct pipeline *pipeline, size_t i, char *text);
/* The ledger of the inputs: all frames, with those that are no dnstap messages as dropped. False:
 * there were none such, or the outputs' ledgers have them (--compat). */
bool pipeline_input_ledger(struct pipeline *pipeline, struct ledger *sum);
/* Stages, in the order in which events pass them: core/stages.h. */
bool pipeline_stage(struct pipeline *pipeline, size_t i, struct stage_view *view);

/* What can be done to a running pipeline; any thread. */
/* Has a connection leave, by the id of its origin. False: there is none, or it is a file. */
bool pipeline_dismiss(struct pipeline *pipeline, uint32_t id);
/* What is done to the output of a name. Paused ones take what comes into their queues until these
 * are full, and then do as `when-full` says; the end of the program ends the pause. */
enum pipeline_act { PIPELINE_PAUSES, PIPELINE_RESUMES, PIPELINE_ROTATES };
enum pipeline_done {
    PIPELINE_ACTS,
    PIPELINE_NO_OUTPUT, /* there is none of that name */
    PIPELINE_CANNOT,    /* it has no queue, or no file, or has not begun, or is about to end */
};
enum pipeline_done pipeline_act(struct pipeline *pipeline, const char *name, enum pipeline_act act);

/* For inputs; main thread unless said. */
uv_loop_t *pipeline_loop(struct pipeline *pipeline);
const struct settings *pipeline_settings(const struct pipeline *pipeline);
/* How many descriptors the connections of one input may take. */
size_t pipeline_connection_descriptors(const struct pipeline *pipeline);
/* Main thread. There are none left: somebody silent is told to leave, of whatever input. */
void pipeline_relieve(struct pipeline *pipeline);
/* Any thread. */
struct partial_pool *pipeline_partials(struct pipeline *pipeline);
/* True when an output prints to standard output, and that is this regular file: who reads it, too,
 * never comes to its end. */
bool pipeline_prints_into(const struct pipeline *pipeline, const struct stat *file);
/* The worker that has the fewest items. */
struct worker *pipeline_pick_worker(struct pipeline *pipeline);
/* Any thread. A finite input ended; `failed` when its stream was cut or oversized. */
void pipeline_input_ended(struct pipeline *pipeline, bool failed);

#endif
