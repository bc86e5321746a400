/* What was: time series and top lists of a span of time. */
#include <time.h>

#include "history/history.h"
#include "http/api_statistics.h"

enum { HOUR_MS = 3600 * 1000, TOPS_USUAL = 10, TOPS_MAX = 1000 };
static const uint64_t time_max = UINT64_C(253402300799999); /* ms: the end of the year 9999 */
static const uint64_t step_max = UINT64_C(366) * 24 * HOUR_MS;

#define SPAN_PARAMETERS                                                                            \
    {"stream", "string", "Identity of a stream; absent: all together."},                           \
        {"from", "integer", "Unix milliseconds; absent: an hour before `to`."},                    \
    {                                                                                              \
        "to", "integer", "Unix milliseconds; absent: now."                                         \
    }

/* False when there is no history: then there is nothing to find. */
static bool has_history(const struct http_request *request, struct http_reply *reply)
{
    if (request->context->history)
        return true;
    http_fail(reply, 404, "history is off: the section `history` of the configuration turns it on");
    return false;
}

static bool read_span(const struct http_request *request, struct http_reply *reply,
                      struct history_question *question)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t to = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    if (!api_number(request, reply, "to", 0, time_max, &to))
        return false;
    uint64_t from = to > HOUR_MS ? to - HOUR_MS : 0;
    if (!api_number(request, reply, "from", 0, time_max, &from))
        return false;
    if (from > to) {
        api_refuse(request, reply, "from", "before `to`");
        return false;
    }
    *question = (struct history_question){.stream = request->parameter(request, "stream"),
                                          .from_ms = (int64_t)from,
                                          .to_ms = (int64_t)to};
    return true;
}

static void series_handle(const struct http_request *request, struct http_reply *reply)
{
    struct history_question question;
    struct error err = {0};
    if (!has_history(request, reply) || !read_span(request, reply, &question) ||
        !api_number(request, reply, "step", 0, step_max, &question.step_ms))
        return;
    if (history_series_json(request->context->history, &question, &reply->body, &err) < 0)
        http_fail(reply, 503, "%s", err.text);
}

const struct http_route api_series = {
    .path = "/api/v1/series",
    .doc = "Counters, rates and quantiles over time.",
    .parameters =
        (const struct http_parameter[]){
            SPAN_PARAMETERS,
            {"step", "integer",
             "Milliseconds between points; absent or 0: so that there are at most 600."},
            {0}},
    .schema = "{step: int (milliseconds), from: time, times: [time], "
              "series: {*[num?]} (by name; null: not known)}",
    .handle = series_handle,
};

static void tops_handle(const struct http_request *request, struct http_reply *reply)
{
    struct history_question question;
    struct error err = {0};
    uint64_t n = TOPS_USUAL;
    if (!has_history(request, reply) || !read_span(request, reply, &question) ||
        !api_number(request, reply, "n", 1, TOPS_MAX, &n))
        return;
    if (history_tops_json(request->context->history, &question, n, &reply->body, &err) < 0)
        http_fail(reply, 503, "%s", err.text);
}

const struct http_route api_history_tops = {
    .path = "/api/v1/history/tops",
    .doc = "Top lists over a span of time.",
    .parameters =
        (const struct http_parameter[]){
            SPAN_PARAMETERS, {"n", "integer", "Rows of each list, 1 to 1000; absent: 10."}, {0}},
    .schema = "{*any}",
    .handle = tops_handle,
};

static void history_handle(const struct http_request *request, struct http_reply *reply)
{
    struct history_state state;
    if (!has_history(request, reply))
        return;
    history_state(request->context->history, &state);
    struct json j = api_begin(reply);
    json_put_bool(&j, "on-disk", state.on_disk);
    json_put_bool(&j, "healthy", state.healthy);
    json_put_u64(&j, "rows-written", state.rows_written);
    json_put_u64(&j, "write-errors", state.write_errors);
    json_put_u64(&j, "size", state.size_bytes);
    json_put_str(&j, "problem", state.problem[0] ? state.problem : NULL);
    api_end(&j, reply);
}

const struct http_route api_history = {
    .path = "/api/v1/history",
    .doc = "How the history is.",
    .schema = "{on-disk: bool (else in memory alone), healthy: bool, rows-written: int, "
              "write-errors: int, size: int (bytes), problem: text? (the last one)}",
    .handle = history_handle,
};
