/* Sides and windows. */
#include "api/scope.h"

#include "history/history.h"

bool api_scope(const struct api_request *request, struct api_reply *reply, struct api_scope *scope)
{
    const char *sides[STATS_SIDES + 1] = {NULL}, *windows[STATS_WINDOWS + 1] = {NULL};
    unsigned side = STATS_CLIENT, window = WINDOW_ALL;
    for (enum stats_side i = 0; i < STATS_SIDES; i++)
        sides[i] = stats_side_name(i);
    for (enum stats_window_id i = 0; i < STATS_WINDOWS; i++)
        windows[i] = stats_window_name(i);
    if (!api_word(request, reply, "side", sides, &side) ||
        !api_word(request, reply, "window", windows, &window))
        return false;
    *scope = (struct api_scope){.side = (enum stats_side)side,
                                .window = (enum stats_window_id)window,
                                .asked = api_parameter(request, "window").ptr,
                                .torn = reply->torn};
    return true;
}

void api_put_words(struct json *j, const struct api_scope *scope)
{
    json_put_str(j, "side", stats_side_name(scope->side));
    json_put_str(j, "window", stats_window_name(scope->window));
}

const struct stats_snapshot *api_snapshot(const struct api_context *context,
                                          enum stats_window_id window, struct api_reply *reply)
{
    const struct stats_snapshot *now = NULL;
    const struct stats_snapshot *snapshot = api_moment(context, window, reply, &now);
    if (snapshot)
        stats_release(now);
    return snapshot;
}

const struct stats_snapshot *api_moment(const struct api_context *context,
                                        enum stats_window_id window, struct api_reply *reply,
                                        const struct stats_snapshot **now)
{
    const struct stats_snapshot *snapshot = NULL;
    if (window == WINDOW_ALL)
        snapshot = stats_hold(*now = stats_take(context->stats));
    else if (context->history)
        snapshot = history_moment(context->history, window, now);
    if (snapshot && reply)
        reply->version = snapshot->version;
    if (!snapshot && reply && context->history)
        api_fail(reply, 503, "no memory for the answer");
    else if (!snapshot && reply)
        api_fail(reply, 404, "parameter 'window': the history, which keeps windows, is off");
    return snapshot;
}

bool api_reset_window(const struct api_context *context, enum stats_window_id window)
{
    if (context->history)
        return history_reset(context->history, window);
    stats_reset(context->stats);
    return true;
}

bool api_knows(enum stats_window_id window, const struct stats_question *question,
               struct api_reply *reply)
{
    enum stats_by by = stats_measured(question).by;
    bool known = window == WINDOW_ALL || (by != BY_RCODE && by != BY_QTYPE);
    if (!known && reply)
        api_fail(reply, 400,
                 "parameter 'window': names by type, and by rcodes other than NXDOMAIN, SERVFAIL "
                 "and REFUSED, are known since the start alone: window=all");
    return known;
}

int api_top(const struct api_context *context, const struct stats_scope *scope,
            const struct stats_question *questions, size_t count, size_t n,
            struct stats_answer *answers)
{
    return context->history ? history_top(context->history, scope, questions, count, n, answers)
                            : stats_top(context->stats, scope, questions, count, n, answers);
}
