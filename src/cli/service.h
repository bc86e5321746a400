/*
 * What a configuration asks for, started in order and ended in reverse: statistics, the pipeline,
 * history, live views, the web server.
 */
#ifndef SPILE_CLI_SERVICE_H
#define SPILE_CLI_SERVICE_H

#include "core/descriptors.h"
#include "core/pipeline.h"
#include "http/server.h"

/* Owner: the command. Zeroed before service_start. */
struct service {
    struct config *config;
    struct stats *stats; /* NULL: nobody asked */
    struct pipeline *pipeline;
    struct history *history;
    struct live *live;
    struct watches *watches;
    struct http_server *server;
    struct http_context context;
    struct descriptors descriptors;
    struct observer observers[4]; /* statistics, live events, watches, the command's own */
};

/* Starts all that a configuration which config_validate has accepted asks for; statistics, and what
 * watches single names and clients, also when `statistics` says so. The options may bring one
 * observer. The config must outlive the service. -1: err, with the place of what could not be
 * started; nothing runs then. */
int service_start(struct service *service, struct config *config,
                  const struct pipeline_options *options, bool statistics, struct error *err);
/* Runs the pipeline to its end; the last snapshot has all that came. */
enum pipeline_end service_run(struct service *service);
/* Ends and frees everything. After service_run, or without it. */
void service_stop(struct service *service);

#endif
