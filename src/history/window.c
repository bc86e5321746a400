/* What came in a window. */
#include "history/history_priv.h"

const struct stats_snapshot *history_snapshot(struct history *history, enum stats_window_id window)
{
    (void)window;
    return stats_take(history->stats);
}

int history_top(struct history *history, const struct stats_scope *scope,
                const struct stats_question *questions, size_t count, size_t n,
                struct stats_answer *answers)
{
    return stats_top(history->stats, scope, questions, count, n, answers);
}
