/*
 * The process around an engine: its signals, its line of progress, the ledger that it prints, and
 * its end where threads do not come to theirs.
 */
#ifndef SPILE_APP_HOST_H
#define SPILE_APP_HOST_H

#include "app/errand.h"
#include "core/engine.h"

/* When the ledger is printed. */
enum host_tells {
    TELLS_ALWAYS,
    TELLS_IF_CUT, /* if events were lost, or a signal came before the inputs' end */
    TELLS_LOSS,   /* if events were lost */
};

struct host_options {
    /* SIGHUP came: reads the configuration again. NULL: files are opened anew, and that is all. */
    void (*reload)(void *arg);
    void *arg;
    const char *ledger_path; /* ledger as JSON at exit; NULL: none */
    enum host_tells tells;
    bool progress; /* show progress on standard error */
    bool managed;  /* a service manager, if there is one, is told how it stands (io/notify.h) */
};

/* Owner: who runs the engine. Main thread. */
struct host {
    struct host_options options;
    struct engine *engine; /* from its begin on */
    uv_signal_t signals[4];
    uv_timer_t progress;
    uv_timer_t watchdog;
    struct errands errands;
    uint64_t signal_ns; /* when the first signal came; 0: none did */
    bool hurried;       /* and a second one */
    bool told;          /* a service manager knows that all is ready, and is told what follows */
};

/* From here on SIGHUP and SIGUSR1 wait until the engine watches them; before, they would end a
 * program that still reads its configuration. Main thread, before there are others. */
void host_hold_requests(void);

/* Prepares the process for an engine, which gets `hooks` as its host; *host must not move from
 * then on. -1: err: the ledger could not be written at the end. */
int host_init(struct host *host, const struct host_options *options, struct engine_host *hooks,
              struct error *err);
/* All has started: says so to whom it concerns. */
void host_ready(struct host *host);
/* A reload begins: who manages is told. */
void host_reloading(const struct host *host);
/* What options.reload has begun has ended: files are opened anew, and who manages is told; also of
 * what is wrong with a configuration that was refused, by the first line of `trouble` (NULL: it is
 * in force). */
void host_reloaded(struct host *host, const char *trouble);
/* Has all end, as the first signal does. */
void host_end(struct host *host);
/* The engine has ended so: prints the ledger if it is wanted, and writes it. Returns how all has
 * ended. */
enum engine_end host_finish(struct host *host, enum engine_end end);

#endif
