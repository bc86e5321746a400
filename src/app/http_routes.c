/* The one place that sees every route of the web server, and every family of /metrics. A new route,
 * a new source of families: its line here. */
#include "api/metrics.h"
#include "api/route.h"
#include "http/page.h"

#include "page_assets.h" /* made at build time: PAGE_ASSETS, the files of web/ */

#define ROUTES(X)                                                                                  \
    X(api_index)                                                                                   \
    X(api_openapi)                                                                                 \
    X(api_statistics)                                                                              \
    X(api_reset)                                                                                   \
    X(api_streams)                                                                                 \
    X(api_tables)                                                                                  \
    X(api_upstream)                                                                                \
    X(api_explain)                                                                                 \
    X(api_search)                                                                                  \
    X(api_new)                                                                                     \
    X(api_series)                                                                                  \
    X(api_history)                                                                                 \
    X(api_history_tops)                                                                            \
    X(api_events)                                                                                  \
    X(api_inputs)                                                                                  \
    X(api_stages)                                                                                  \
    X(api_outputs)                                                                                 \
    X(api_ledger)                                                                                  \
    X(api_connections)                                                                             \
    X(api_config)                                                                                  \
    X(api_health)                                                                                  \
    X(api_status)                                                                                  \
    X(api_ready)                                                                                   \
    X(receiver_route_streams)                                                                      \
    X(receiver_route_counters)                                                                     \
    X(receiver_route_tables)                                                                       \
    X(receiver_route_reset)                                                                        \
    X(metrics_route)                                                                               \
    X(api_connections_close)                                                                       \
    X(api_outputs_pause)                                                                           \
    X(api_outputs_resume)                                                                          \
    X(api_outputs_drain)                                                                           \
    X(api_outputs_rotate)                                                                          \
    X(api_reload)                                                                                  \
    X(api_log)                                                                                     \
    X(api_stop)

/* In the order of the page. */
#define METRIC_SOURCES(X)                                                                          \
    X(metrics_streams)                                                                             \
    X(metrics_top)                                                                                 \
    X(metrics_inputs)                                                                              \
    X(metrics_stages)                                                                              \
    X(metrics_outputs)                                                                             \
    X(metrics_statistics)                                                                          \
    X(metrics_history)                                                                             \
    X(metrics_web)                                                                                 \
    X(metrics_process)                                                                             \
    X(receiver_metrics)

#define DECLARE(name) extern const struct api_route name;
#define LIST(name) &name,

#define DECLARE_ASSET(name) extern const struct page_asset name;
#define LIST_ASSET(name) &name.route,

ROUTES(DECLARE)
PAGE_ASSETS(DECLARE_ASSET)

const struct api_route *const api_routes[] = {ROUTES(LIST) PAGE_ASSETS(LIST_ASSET) NULL};

#define DECLARE_SOURCE(name) extern const struct metric_source name;

METRIC_SOURCES(DECLARE_SOURCE)

const struct metric_source *const metric_sources[] = {METRIC_SOURCES(LIST) NULL};
