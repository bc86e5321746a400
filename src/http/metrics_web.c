/* Families about the web server itself: who comes, who must go, and who guesses. */
#include "api/metrics.h"
#include "http/server.h"

/* The thing is the servers' counts. */
static void of_server(struct exposition *page, const struct metrics_view *view,
                      const struct metric *metric)
{
    struct http_counts counts;
    if (http_counts(view->context->web, &counts))
        metric->one(page, view, metric, &counts);
}

#define COUNT(member) .at = offsetof(struct http_counts, member)

static const struct metric web[] = {
    GAUGE("spile_web_open", "Connections to the web server that are open now.", of_server,
          metrics_one_number, COUNT(open)),
    COUNTER("spile_web_connections", "Connections that it has accepted.", of_server,
            metrics_one_number, COUNT(accepted)),
    COUNTER("spile_web_refused", "Connections that found no place.", of_server, metrics_one_number,
            COUNT(refused)),
    COUNTER("spile_web_displaced", "Connections closed to make room for others.", of_server,
            metrics_one_number, COUNT(displaced)),
    COUNTER("spile_web_late", "Connections closed as a time limit went by.", of_server,
            metrics_one_number, COUNT(late)),
    COUNTER("spile_web_wrong_credentials", "Requests with wrong credentials.", of_server,
            metrics_one_number, COUNT(wrong_credentials)),
    {.each = NULL},
};

static bool wanted(const struct api_context *context)
{
    struct http_counts counts;
    return context->web && http_counts(context->web, &counts);
}

const struct metric_source metrics_web = {.wanted = wanted, .table = web};
