/* Families of the most frequent names and addresses, for whom metrics-top is set. */
#include "api/metrics.h"

/* A row, as `one` gets it. */
struct metric_row {
    const struct stats_top *top;
    const struct stats_tally *tally; /* NULL: nothing is known of it */
};

static void one_events(struct exposition *page, const struct metrics_view *view,
                       const struct metric *metric, const void *thing)
{
    const struct metric_row *row = thing;
    (void)view, (void)metric;
    exposition_sample(page, row->top->value);
}

static void one_retries(struct exposition *page, const struct metrics_view *view,
                        const struct metric *metric, const void *thing)
{
    const struct metric_row *row = thing;
    (void)view, (void)metric;
    if (row->tally)
        exposition_sample(page, row->tally->of[TALLY_RETRIES]);
}

/* In seconds. Of a server that has not answered there are none. */
static void one_latency(struct exposition *page, const struct metrics_view *view,
                        const struct metric *metric, const void *thing)
{
    const struct metric_row *row = thing;
    uint64_t timed = row->tally ? stats_tally_timed(row->tally) : 0;
    (void)view, (void)metric;
    for (size_t i = 0; timed > 0 && i < QUANTILES_SHOWN; i++) {
        size_t outer = exposition_text_label(page, "q", span_str(quantile_shown[i].word));
        int64_t ns = quantile_of_steps(row->tally->of, timed, quantile_shown[i].q);
        exposition_decimal(page, (uint64_t)ns, 9);
        exposition_unlabel(page, outer);
    }
}

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
        const struct stats_top *top = &answer.rows[i];
        const struct metric_row row = {top, answer.tallies ? &answer.tallies[i] : NULL};
        size_t outer = exposition_text_label(page, metric->more, span_of(top->text, top->text_len));
        metric->one(page, view, metric, &row);
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
          "Queries and responses of the most frequent names in the window.", each_top, one_events,
          .at = TABLE_DOMAINS, .more = "domain"),
    GAUGE("spile_top_client_events",
          "Queries and responses of the most frequent clients in the window.", each_top, one_events,
          .at = TABLE_CLIENTS, .more = "client", .sides = METRICS_OF(STATS_CLIENT)),
    GAUGE("spile_top_server_events",
          "Queries and responses of the servers that are asked most in the window.", each_top,
          one_events, .at = TABLE_SERVERS, .more = "server", .sides = METRICS_OF(STATS_UPSTREAM)),
    GAUGE("spile_top_server_latency_seconds",
          "Quantiles of how fast they answer in the window, within 15 %.", each_top, one_latency,
          .at = TABLE_SERVERS, .more = "server", .sides = METRICS_OF(STATS_UPSTREAM)),
    GAUGE("spile_top_server_retries", "Questions to them in the window that had been asked before.",
          each_top, one_retries, .at = TABLE_SERVERS, .more = "server",
          .sides = METRICS_OF(STATS_UPSTREAM)),
    {.each = NULL},
};

const struct metric_source metrics_top = {.table = table};
