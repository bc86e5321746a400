/* The past: time series and top lists of a span of time. */
#include "history/history.h"
#include "api/statistics.h"
#include "base/clock.h"
#include "history/series.h"
#include "history/tops.h"

enum { HOUR_MS = 3600 * 1000, TOPS_USUAL = 10, TOPS_MAX = 1000 };
static const uint64_t time_max = UINT64_C(253402300799999); /* ms: the end of the year 9999 */
static const uint64_t step_max = UINT64_C(366) * 24 * HOUR_MS;

#define SPAN_PARAMETERS                                                                            \
    {"from", "integer", "Unix milliseconds; absent: an hour before `to`."},                        \
        {"to", "integer", "Unix milliseconds; absent: now."},                                      \
        {"window", "string",                                                                       \
         "Instead of from: 1m, 5m, 1h or 1d before `to`; all: since the start or the last "        \
         "reset."},                                                                                \
        API_SIDE_PARAMETER
#define SPAN_SHAPE                                                                                 \
    "window: text? (that was asked for; null: a span of its own), side: text (client or "          \
    "upstream), from: time, to: time, "

/* False when there is no history: then there is nothing to find. */
static bool has_history(const struct api_request *request, struct api_reply *reply)
{
    if (request->context->history)
        return true;
    api_fail(reply, 404, "history is off: the section `history` of the configuration turns it on");
    return false;
}

/* Where the span begins that has the window asked for behind it. */
static uint64_t window_start(const struct api_request *request, const struct api_scope *scope,
                             uint64_t to)
{
    static const uint32_t lengths_ms[STATS_WINDOWS] = {[WINDOW_ALL] = HOUR_MS,
                                                       [WINDOW_1M] = HOUR_MS / 60,
                                                       [WINDOW_5M] = HOUR_MS / 12,
                                                       [WINDOW_1H] = HOUR_MS,
                                                       [WINDOW_1D] = 24 * HOUR_MS};
    if (scope->asked && scope->window == WINDOW_ALL) {
        const struct stats_snapshot *snapshot = stats_take(request->context->stats);
        uint64_t since = (uint64_t)snapshot->since_ms;
        stats_release(snapshot);
        return since < to ? since : to;
    }
    return to > lengths_ms[scope->window] ? to - lengths_ms[scope->window] : 0;
}

/* `side`, and the span that `from` and `to` or `window` say. */
static bool read_span(const struct api_request *request, struct api_reply *reply,
                      struct api_scope *scope, struct history_question *question)
{
    uint64_t to = (uint64_t)clock_wall_ms();
    if (!api_scope(request, reply, scope) || !api_number(request, reply, "to", 0, time_max, &to))
        return false;
    if (scope->asked && api_parameter(request, "from").ptr) {
        api_fail(reply, 400, "parameter 'window': says where the span begins, as 'from' does");
        return false;
    }
    uint64_t from = window_start(request, scope, to);
    if (!api_number(request, reply, "from", 0, time_max, &from))
        return false;
    if (from > to) {
        api_refuse(request, reply, "from", "before `to`");
        return false;
    }
    *question = (struct history_question){
        .side = scope->side, .from_ms = (int64_t)from, .to_ms = (int64_t)to};
    return true;
}

/* The reply is the window that was asked for, and what the history says. */
static void answer(const struct api_request *request, struct api_reply *reply,
                   const struct api_scope *scope, const struct history_question *question,
                   uint64_t n)
{
    struct history *history = request->context->history;
    struct buf *body = &reply->body;
    struct error err = {0};
    struct json j = api_begin(reply);
    json_put_str(&j, "window", scope->asked ? stats_window_name(scope->window) : NULL);
    buf_byte(body, ',');
    int rc = n ? history_tops_json(history, question, n, body, &err)
               : history_series_json(history, question, body, &err);
    api_end(&j, reply);
    if (rc < 0)
        api_fail(reply, 503, "%s", err.text);
}

/* --- series --------------------------------------------------------------------------------- */

/* `word` is `name`, or goes on behind it with a dot. */
static bool begins_with(struct span word, struct span name)
{
    return word.len >= name.len && memcmp(word.ptr, name.ptr, name.len) == 0 &&
           (word.len == name.len || word.ptr[name.len] == '.');
}

/* What is made of the latencies' series, and can be asked for like one. */
static const char *const drawn[] = {"heat", "fine"};
enum { DRAWN = sizeof drawn / sizeof *drawn };

static const char *series_name(const void *ctx, size_t i)
{
    const struct series *row;
    (void)ctx;
    if (i < DRAWN)
        return drawn[i];
    row = series_at(i - DRAWN);
    return row ? row->name : NULL;
}

/* A series, a family or one of its members: "queries", "rcode" or "latency", "rcode.NOERROR". */
static bool is_series(struct span name)
{
    const struct series *row;
    if (name.len == 0)
        return false;
    for (size_t i = 0; i < DRAWN; i++)
        if (span_equal(name, span_str(drawn[i])))
            return true;
    for (size_t i = 0; (row = series_at(i)); i++) {
        struct span known = span_str(row->name);
        if (begins_with(known, name) || (row->members > 0 && begins_with(name, known)))
            return true;
    }
    return false;
}

static bool read_series(const struct api_request *request, struct api_reply *reply,
                        struct span *series)
{
    struct span list = *series = api_parameter(request, "series"), name;
    while (api_item(&list, &name)) {
        if (!is_series(name)) {
            api_refuse_item(reply, "series", name, series_name);
            return false;
        }
    }
    return true;
}

static void series_handle(const struct api_request *request, struct api_reply *reply)
{
    struct history_question question;
    struct api_identity identity;
    struct api_scope scope;
    if (!has_history(request, reply) || !read_span(request, reply, &scope, &question) ||
        !api_number(request, reply, "step", 0, step_max, &question.step_ms) ||
        !read_series(request, reply, &question.series))
        return;
    question.stream = api_identity(request, &identity);
    answer(request, reply, &scope, &question, 0);
}

const struct api_route api_series = {
    .path = "/api/v1/series",
    .doc = "Counters, rates and quantiles over time.",
    .parameters =
        (const struct api_parameter[]){
            SPAN_PARAMETERS,
            API_STREAM_PARAMETER,
            {"step", "integer",
             "Milliseconds between points; absent or 0: so that there are at most 600."},
            {"series", "string",
             "Names of series, families or their members, between commas, as in "
             "queries,rcode,latency.p99,heat; absent: all but fine. /api/v1/history lists them."},
            {0}},
    .schema =
        "{" SPAN_SHAPE "seconds: num (so long Spile was watching), "
        "step: int (milliseconds), times: [time] (when each step begins), "
        "series: {*[num?]} (sums over a step; null: not known), "
        "whole: {*num?} (means and quantiles of latencies, of all steps together), "
        "heat?: [[int?]] (for each time, latencies by powers of two: up to 1024 ns, up to "
        "2048 ns, and so on, without zeros at the end), "
        "fine?: [[int]] (for each time, latencies by bucket, as in /api/v1/statistics: number, "
        "count, number, count, and so on)}",
    .handle = series_handle,
};

/* --- top lists ------------------------------------------------------------------------------ */

static bool read_lists(const struct api_request *request, struct api_reply *reply,
                       struct history_question *question)
{
    const char *tables[STATS_TABLES + 1] = {NULL}, *ranks[TOPS_RANKS + 1] = {NULL};
    unsigned ignored;
    for (int i = 0; i < STATS_TABLES; i++)
        tables[i] = stats_table_name((enum stats_table_id)i);
    for (int i = 0; i < TOPS_RANKS; i++)
        ranks[i] = tops_ranks[i].name;
    question->table = api_parameter(request, "table");
    question->by = api_parameter(request, "by");
    return api_word(request, reply, "table", tables, &ignored) &&
           api_word(request, reply, "by", ranks, &ignored);
}

static void tops_handle(const struct api_request *request, struct api_reply *reply)
{
    struct history_question question;
    struct api_scope scope;
    uint64_t n = TOPS_USUAL;
    if (!has_history(request, reply) || !read_span(request, reply, &scope, &question) ||
        !api_number(request, reply, "n", 1, TOPS_MAX, &n) || !read_lists(request, reply, &question))
        return;
    answer(request, reply, &scope, &question, n);
}

const struct api_route api_history_tops = {
    .path = "/api/v1/history/tops",
    .doc = "Top lists over a span of time, of all streams together.",
    .parameters =
        (const struct api_parameter[]){
            SPAN_PARAMETERS,
            {"table", "string", "One table alone: domains, registrable, tlds, clients or servers."},
            {"by", "string",
             "hits, nxdomain, failed, bytes, servfail, refused, nodata or slowest; absent: hits."},
            {"n", "integer", "Rows of each list, 1 to 1000; absent: 10."},
            {0}},
    .schema = "{" SPAN_SHAPE "seconds: num (between these: from when to when the numbers are, by "
              "the minute, or as far as longer roll-ups tell), by: text, "
              "floor: {*int} (by table: what is not listed has at most so much), "
              "domains?: [HistoryRow], registrable?: [HistoryRow], tlds?: [HistoryRow], "
              "clients?: [HistoryRow], servers?: [HistoryRow]}",
    .handle = tops_handle,
};

/* --- the history itself --------------------------------------------------------------------- */

static void put_series_names(struct json *j)
{
    const struct series *row;
    json_key(j, "series");
    json_array(j);
    for (size_t i = 0; (row = series_at(i)); i++) {
        json_object(j);
        json_put_str(j, "name", row->name);
        json_put_bool(j, "family", row->members > 0);
        json_put_str(j, "unit", row->unit);
        json_put_str(j, "doc", row->doc);
        json_object_end(j);
    }
    json_array_end(j);
}

static void history_handle(const struct api_request *request, struct api_reply *reply)
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
    json_put_u64(&j, "waiting", state.waiting);
    json_put_u64(&j, "lost", state.lost);
    json_put_str(&j, "problem", state.problem[0] ? state.problem : NULL);
    put_series_names(&j);
    api_end(&j, reply);
}

const struct api_route api_history = {
    .path = "/api/v1/history",
    .doc = "How the history is, and what can be followed over time.",
    .schema = "{on-disk: bool (else in memory alone), healthy: bool, rows-written: int, "
              "write-errors: int, size: int (bytes), "
              "waiting: int (minutes that could not be written yet), lost: int (and that never "
              "will be), problem: text? (the last one), "
              "series: [{name: text, family: bool (it has members, as in rcode.NOERROR), "
              "unit: text, doc: text}] (what can be followed)}",
    .handle = history_handle,
};
