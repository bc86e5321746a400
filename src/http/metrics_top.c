/* Families of the most frequent names and addresses, for whom metrics-top is set. */
#include "http/metrics.h"

/* `at` is the table, `more` what the label is called. Which rows there are changes, and what is
 * evicted begins anew: so they are gauges. */
static void put_top(struct exposition *page, const struct metrics_view *view,
                    const struct metric *metric, enum stats_side side)
{
    const struct stats_question question = {.table = (enum stats_table_id)metric->at,
                                            .by = BY_HITS};
    const struct stats_scope scope = {
        .stream = STATS_ALL, .side = side, .window = view->scope.window};
    struct stats_answer answer;
    if (api_top(view->context, &scope, &question, 1, view->limits.top, &answer) < 0)
        return;
    for (size_t i = 0; i < answer.count; i++) {
        const struct stats_top *row = &answer.rows[i];
        size_t outer = exposition_text_label(page, metric->more, span_of(row->text, row->text_len));
        exposition_sample(page, row->value);
        exposition_unlabel(page, outer);
    }
    stats_answers_free(&answer, 1);
}

static void each_top(struct exposition *page, const struct metrics_view *view,
                     const struct metric *metric)
{
    bool wanted = view->limits.top && view->context->stats;
    for (enum stats_side side = 0; wanted && side < STATS_SIDES; side++) {
        if (!metrics_wants(view, metric, side))
            continue;
        size_t outer = metrics_side_label(page, side);
        metrics_window_label(page, view);
        put_top(page, view, metric, side);
        exposition_unlabel(page, outer);
    }
}

static const struct metric table[] = {
    GAUGE("spile_top_domain_events",
          "Queries and responses of the most frequent names in the window.", each_top,
          .at = TABLE_DOMAINS, .more = "domain"),
    GAUGE("spile_top_client_events",
          "Queries and responses of the most frequent clients in the window.", each_top,
          .at = TABLE_CLIENTS, .more = "client", .sides = METRICS_OF(STATS_CLIENT)),
    GAUGE("spile_top_server_events",
          "Queries and responses of the servers that are asked most in the window.", each_top,
          .at = TABLE_SERVERS, .more = "server", .sides = METRICS_OF(STATS_UPSTREAM)),
    {.each = NULL},
};

const struct metric_source metrics_top = {.table = table};
