/* Families of the history: whether it can be written, and how much of it. */
#include "api/metrics.h"
#include "history/history.h"

/* The thing is a struct history_state. */
static void of_history(struct exposition *page, const struct metrics_view *view,
                       const struct metric *metric)
{
    struct history_state state;
    history_state(view->context->history, &state);
    metric->one(page, view, metric, &state);
}

static void one_flag(struct exposition *page, const struct metrics_view *view,
                     const struct metric *metric, const void *thing)
{
    (void)view;
    exposition_sample(page, *((const bool *)thing + metric->at));
}

#define HISTORY(member) .at = offsetof(struct history_state, member)

static const struct metric table[] = {
    GAUGE("spile_history_on_disk", "1 when the history has a database, 0 when only memory.",
          of_history, one_flag, HISTORY(on_disk)),
    GAUGE("spile_history_healthy", "1 when the last roll-up could be written.", of_history,
          one_flag, HISTORY(healthy)),
    COUNTER("spile_history_rows", "Rows written to the history.", of_history, metrics_one_number,
            HISTORY(rows_written)),
    COUNTER("spile_history_write_errors", "Roll-ups that could not be written.", of_history,
            metrics_one_number, HISTORY(write_errors)),
    GAUGE("spile_history_size_bytes", "Size of the history's database.", of_history,
          metrics_one_number, HISTORY(size_bytes)),
    GAUGE("spile_history_waiting", "Minutes that could not be written yet.", of_history,
          metrics_one_number, HISTORY(waiting)),
    COUNTER("spile_history_lost", "Minutes that had to be dropped.", of_history, metrics_one_number,
            HISTORY(lost)),
    {.each = NULL},
};

static bool has_history(const struct api_context *context)
{
    return context->history != NULL;
}

const struct metric_source metrics_history = {.wanted = has_history, .table = table};
