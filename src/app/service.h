/*
 * What a configuration asks for: the engine, and what stands around it; started, changed, and
 * ended.
 */
#ifndef SPILE_APP_SERVICE_H
#define SPILE_APP_SERVICE_H

#include "app/host.h"
#include "app/parts.h"
#include "core/descriptors.h"

/* Makes the configuration that a start would have now, to be held by who asks; NULL: err. */
typedef struct config *(*service_configure)(void *arg, struct error *err);

struct service_options {
    struct host_options host;    /* but for `reload`, which is the service's */
    service_configure configure; /* NULL: it is never read again */
    void *configure_arg;
    const char *path;    /* of the configuration, as it was given; NULL: there are flags alone */
    uint64_t total;      /* stop after so many events; 0: no limit */
    enum output_old old; /* of the files that outputs write */
    bool control;        /* the control socket is wanted */
    bool gives_up;       /* as engine_options has it */
    bool statistics;     /* are wanted, and what watches single names and clients, whatever the
                            configuration says */
    const struct observer *observer; /* the command's own; NULL: none */
};

/* Owner: the command. Zeroed before service_start. */
struct service {
    struct config *config;
    struct host host;
    struct engine *engine;
    struct parts parts;
    struct parts_frame frame;
    struct api_commands commands;
    service_configure configure;
    void *configure_arg;
    struct api_configured configured;
    const char *outcome; /* of the change that is under way, as the log tells it */
    bool again; /* it was asked to read its configuration while the change before was under way */
    /* Parts that are no more. */
    struct parts gone;
    pthread_t retirer;     /* the thread that ends them, */
    struct errand retired; /* and its last word */
    bool retiring;         /* it is at that; until then no change begins */
    bool joinable;
    atomic_bool hurry; /* the program ends */
};

/* Starts all that a configuration which config_validate has accepted asks for. The config must
 * outlive the service, which must not move. -1: err, with the place of what could not be started;
 * nothing runs then. */
int service_start(struct service *service, struct config *config,
                  const struct service_options *options, struct error *err);
/* Runs the engine to its end, and prints the ledger; the last snapshot has all that came. */
enum engine_end service_run(struct service *service);
/* Private, of service.c: adds to the descriptors that are needed those of web, history and control,
 * as far as they are not there already, and shares out what is left. Where there is little, the
 * web's connections get half of it at most, those of the control socket an eighth. -1: err, there
 * are too few for what comes. */
int service_share(const struct service *service, const struct config *config,
                  struct descriptors *plan, struct parts_share *share, struct error *err);
/* Private, of reload.c: ends what a reload has taken away, at once, and its thread. */
void service_retired(struct service *service);
/* What other threads may ask for. */
struct api_commands service_commands(struct service *service);
/* Main thread: reads the configuration again and goes over to it, which ends in its own time, or
 * says what is wrong. */
void service_hangup(void *service);
void service_changed(void *host);
/* Ends and frees everything. After service_run, or without it. */
void service_stop(struct service *service);

#endif
