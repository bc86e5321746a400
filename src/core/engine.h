/*
 * The engine: inputs on workers' loops, stages, one formatting per distinct format, outputs on
 * threads of their own behind bounded queues; and how all of it starts, drains and stops.
 */
#ifndef SPILE_CORE_ENGINE_H
#define SPILE_CORE_ENGINE_H

#include <limits.h>
#include <uv.h>

#include "conf/config.h"
#include "core/ledger.h"
#include "core/observer.h"
#include "core/output.h"
#include "core/partial.h"
#include "core/worker.h"

struct descriptors;
struct engine;
struct stage_loss;
struct roster;
struct stage_view;
struct stat;

/* How engine_run ended. */
enum engine_end {
    ENGINE_DONE,   /* inputs ended, or somebody stopped it */
    ENGINE_CLOSED, /* an output was closed by its reader (a pipe into head), and no other failed
                    */
    ENGINE_FAILED, /* an input was truncated or oversized, an output could not be
                        written, or it was hurried */
};

/*
 * Who holds the engine, and what it is told; all optional, on the main thread, while the engine
 * runs. It may have handles of its own on the loop, which it must close in `closed`.
 */
struct engine_host {
    void *arg;
    /* The loop is there (engine_loop), nothing is open yet. */
    void (*begin)(void *arg, struct engine *engine);
    void (*draining)(void *arg);                 /* the end has begun ... */
    void (*deadline)(void *arg, uint64_t at_ns); /* ... and outputs have until then (clock_ns) */
    /* Some thread has not ended though its time was up: it may never do so. */
    void (*stuck)(void *arg);
    void (*changed)(void *arg); /* what engine_reload has begun is done */
    void (*closed)(void *arg);  /* all is written: the loop ends when it has no handles left */
};

struct engine_options {
    uint64_t total;      /* stop after so many events; 0: no limit */
    enum output_old old; /* of the files that outputs write */
    bool gives_up;       /* an output that cannot be written ends the engine, with ENGINE_FAILED; if
                            not, it is tried again for as long as the engine runs */
    const struct engine_host *host; /* NULL: nobody */
    const struct observer
        *observers;                        /* copied; what they point to must outlive the engine, or
                                              be there until host.changed where a reload leaves them out */
    size_t observer_count;                 /* at most OBSERVERS_MAX */
    struct stats *stats;                   /* for outputs that show statistics; NULL: none */
    const struct descriptors *descriptors; /* what is set apart for the rest of the program, too;
                                              NULL: there is no rest */
};

/* Opens outputs, workers and inputs of `config`, which must outlive it. NULL: err says why. */
struct engine *engine_new(struct config *config, const struct engine_options *options,
                          struct error *err);
/* Runs until the inputs end or somebody stops it, and drains. */
enum engine_end engine_run(struct engine *engine);
/* Any thread: has the engine drain and end. */
void engine_stop(struct engine *engine);
/* Main thread: the same, and no output has longer than `shutdown-time`, though it may take all the
 * time in the world otherwise. */
void engine_hasten(struct engine *engine);
/* Main thread: the same at once. What is queued is dropped. */
void engine_hurry(struct engine *engine);
/*
 * Main thread. From now on the engine is what `config` says, which config_validate has accepted
 * and which is held; what has the same options as before stays, with all that it has. Observers and
 * statistics are those that are given now. 0: it goes on from here by itself, and host.changed is
 * called when all that is no more has ended. -1: err, and all is as it was. Settings that cannot
 * change (option.fixed) must be those of before.
 */
struct engine_observers {
    const struct observer *list;
    size_t count;
    struct stats *stats;
};
int engine_reload(struct engine *engine, struct config *config,
                  const struct engine_observers *observers, struct error *err);
/* Main thread: true from then until host.changed is called. */
bool engine_changing(const struct engine *engine);
/* Main thread: has outputs open their files anew. */
void engine_reopen(struct engine *engine);
/* Instead of engine_run: ends what engine_new has begun, and says nothing of it. */
void engine_abort(struct engine *engine);
/* When the outputs' time to write what is queued is up, or was (clock_ns); UINT64_MAX: never, 0: it
 * has not begun. */
uint64_t engine_deadline(const struct engine *engine);
void engine_free(struct engine *engine);

/* How many workers an engine with these settings will have. */
unsigned engine_worker_count(const struct settings *settings);
/* Any thread: has each worker call its observers' collect, soon. A worker that has ended has done
 * so for the last time. */
void engine_collect(struct engine *engine);
/* Calls `take` for each stream that stages know of losses of. */
void engine_losses(struct engine *engine, void (*take)(void *ctx, const struct stage_loss *loss),
                   void *ctx);
/* True once every worker has ended. Any thread. */
bool engine_quiet(const struct engine *engine);

/* True from the moment when the engine is to end. Any thread. */
bool engine_draining(const struct engine *engine);
/* What is in force now: to be released by config_release. Any thread. */
struct config *engine_config(struct engine *engine);
/* Since when that is so: Unix milliseconds. And since when the engine runs (clock_ns). Any thread.
 */
int64_t engine_configured_ms(struct engine *engine);
uint64_t engine_begun_ns(const struct engine *engine);
/* Who is connected. Any thread. */
struct roster *engine_roster(struct engine *engine);

/* What can be seen of a running engine; any thread, numbers of the moment. */
struct engine_input {
    char name[64]; /* as configured, or "tcp", "unix#2" */
    const char *module;
    char place[288];                /* where DNS servers connect: "unix:PATH"; empty: they do not */
    struct input_counters counters; /* a copy, with those of others of that name before it */
    uint64_t connected;             /* of its connections and files: open now */
};
struct engine_output {
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
    bool open;              /* it writes; else it still has to be opened, or is no more */
    bool paused;            /* somebody wants nothing to be written */
};
/* Both: false, and nothing in *view, behind the last: there may be fewer than a moment ago. Outputs
 * that are gone are behind those that are at work. */
bool engine_input(struct engine *engine, size_t i, struct engine_input *view);
bool engine_output(struct engine *engine, size_t i, struct engine_output *view);
/* The input that origins know by that index. */
bool engine_input_by_index(struct engine *engine, uint32_t index, struct engine_input *view);
/* What keeps DNS servers from being heard by this input: one line into `text` (INPUT_HINT_MAX).
 * False: nothing that is known. */
bool engine_input_hint(struct engine *engine, size_t i, char *text);
/* The ledger of the inputs: all frames, with those that are no dnstap messages as dropped. False:
 * there were none such, or the outputs' ledgers have them (--compat). */
bool engine_input_ledger(struct engine *engine, struct ledger *sum);
/* Stages, in the order in which events pass them: core/stages.h. */
bool engine_stage(struct engine *engine, size_t i, struct stage_view *view);

/* What can be done to a running engine; any thread. */
/* Has a connection leave, by the id of its origin. False: there is none, or it is a file. */
bool engine_dismiss(struct engine *engine, uint32_t id);
/* What is done to the output of a name. Paused ones take what comes into their queues until these
 * are full, and then do as `when-full` says; one that is to end is paused no longer. */
enum engine_act { ENGINE_PAUSES, ENGINE_RESUMES, ENGINE_ROTATES };
enum engine_done {
    ENGINE_ACTS,
    ENGINE_NO_OUTPUT, /* there is none of that name, */
    ENGINE_NO_QUEUE,  /* or it has none, and is written by those who bring the events, */
    ENGINE_NO_FILE,   /* or none that can be rotated, */
    ENGINE_NOT_OPEN,  /* or is not open yet, */
    ENGINE_ENDS,      /* or is about to end, as all are */
};
enum engine_done engine_act(struct engine *engine, const char *name, enum engine_act act);

/* For inputs; main thread unless said. */
uv_loop_t *engine_loop(struct engine *engine);
/* How many descriptors the connections of one input may take. */
size_t engine_connection_descriptors(const struct engine *engine);
/* Main thread. There are none left: somebody silent is told to leave, of whatever input. */
void engine_relieve(struct engine *engine);
/* Any thread. */
struct partial_pool *engine_partials(struct engine *engine);
/* True when an output prints to standard output, and that is this regular file: who reads it, too,
 * never comes to its end. */
bool engine_prints_into(const struct engine *engine, const struct stat *file);
/* The worker that has the fewest items. */
struct worker *engine_pick_worker(struct engine *engine);
/* Any thread. A finite input ended; `failed` when its stream was cut or oversized. */
void engine_input_ended(struct engine *engine, bool failed);

#endif
