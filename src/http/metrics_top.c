/* Families of the most frequent names and addresses, for whom metrics-top is set. */
#include "http/metrics.h"

/* `at` is the table, `more` what the label is called. Which rows there are changes, and what is
 * evicted begins anew: so they are gauges. */
static void each_top(struct exposition *page, const struct metrics_view *view,
                     const struct metric *metric)
{
    const struct stats_question question = {.table = (enum stats_table_id)metric->at,
                                            .by = BY_HITS};
    const struct stats_scope scope = {.stream = STATS_ALL};
    struct stats_answer answer;
    if (!view->limits.top || !view->context->stats ||
        stats_top(view->context->stats, &scope, &question, 1, view->limits.top, &answer) < 0)
        return;
    for (size_t i = 0; i < answer.count; i++) {
        const struct stats_top *row = &answer.rows[i];
        size_t outer = exposition_text_label(page, metric->more, span_of(row->text, row->text_len));
        exposition_sample(page, row->value);
        exposition_unlabel(page, outer);
    }
    stats_answers_free(&answer, 1);
}

static const struct metric table[] = {
    GAUGE("spile_top_domain_events", "Queries and responses of the most frequent names.", each_top,
          .at = TABLE_DOMAINS, .more = "domain"),
    GAUGE("spile_top_client_events", "Queries and responses of the most frequent clients.",
          each_top, .at = TABLE_CLIENTS, .more = "client"),
    {.each = NULL},
};

const struct metric_source metrics_top = {.table = table};
