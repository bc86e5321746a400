/*
 * What a configuration asks for, started in order and ended in reverse: statistics, the pipeline,
 * history, live views, the web server.
 */
#ifndef SPILE_APP_SERVICE_H
#define SPILE_APP_SERVICE_H

#include "app/host.h"
#include "core/descriptors.h"
#include "http/server.h"

struct service_options {
    struct host_options host;
    uint64_t total;      /* stop after so many events; 0: no limit */
    enum output_old old; /* of the files that outputs write */
    bool gives_up;       /* as pipeline_options has it */
    bool statistics;     /* are wanted, and what watches single names and clients, whatever the
                            configuration says */
    const struct observer *observer; /* the command's own; NULL: none */
};

/* Owner: the command. Zeroed before service_start. */
struct service {
    struct config *config;
    struct host host;
    struct stats *stats; /* NULL: nobody asked */
    struct pipeline *pipeline;
    struct history *history;
    struct live *live;
    struct watches *watches;
    struct http_server *server;
    struct api_context context;
    struct descriptors descriptors;
    struct observer observers[4]; /* statistics, live events, watches, the command's own */
};

/* Starts all that a configuration which config_validate has accepted asks for. The config must
 * outlive the service, which must not move. -1: err, with the place of what could not be started;
 * nothing runs then. */
int service_start(struct service *service, struct config *config,
                  const struct service_options *options, struct error *err);
/* Runs the pipeline to its end, and prints the ledger; the last snapshot has all that came. */
enum pipeline_end service_run(struct service *service);
/* Ends and frees everything. After service_run, or without it. */
void service_stop(struct service *service);

#endif
