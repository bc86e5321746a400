/* What servers ask others, at a glance: whom, how often, how they are answered, and how much of
 * what clients ask needs no question at all. */
#include "api/statistics.h"

enum { ROWS_USUAL = 10, ROWS_MAX = 1000 };

struct upstream_request {
    int stream; /* index in the snapshot, or STATS_ALL */
    uint64_t rows;
    struct api_scope scope;
};

enum { SERVERS, NAMES, LISTS };

static const struct stats_question questions[LISTS] = {
    [SERVERS] = {.table = TABLE_SERVERS, .measure = MEASURE_QUERIES},
    [NAMES] = {.table = TABLE_DOMAINS, .measure = MEASURE_QUERIES},
};

/* Questions less answers: those that came to nothing, and those on their way. None where answers
 * alone are logged. */
static uint64_t unanswered(uint64_t queries, uint64_t responses)
{
    return queries > responses ? queries - responses : 0;
}

static void put_total(struct json *j, const struct stats_counters *counters)
{
    const struct stats_direction_counters *direction = counters->direction;
    uint64_t queries = direction[STATS_QUERY].events, responses = direction[STATS_RESPONSE].events;
    json_put_u64(j, "queries", queries);
    json_put_u64(j, "responses", responses);
    json_put_u64(j, "unanswered", unanswered(queries, responses));
    json_put_u64(j, "timeouts", counters->loss[LOSS_UNANSWERED]);
    json_put_u64(j, "retries", direction[STATS_QUERY].marks[SAMPLE_AGAIN]);
    json_put_u64(j, "truncated", direction[STATS_RESPONSE].marks[SAMPLE_TRUNCATED]);
    json_put_u64(j, "after-truncated", direction[STATS_QUERY].marks[SAMPLE_AFTER_TRUNCATED]);
    api_put_rcodes(j, &direction[STATS_RESPONSE]);
    json_put_u64(j, "nodata", direction[STATS_RESPONSE].marks[SAMPLE_NODATA]);
    api_put_quantiles(j, counters);
}

/* Of answers to clients: of streams that ask others, where it is known how long the client waited.
 */
static void put_cache(struct json *j, const struct stats_counters *asked,
                      const struct stats_counters *upstream)
{
    const uint64_t *marks = asked->direction[STATS_RESPONSE].marks;
    uint64_t cached = marks[SAMPLE_CACHED], fetched = marks[SAMPLE_FETCHED];
    json_key(j, "cache");
    json_object(j);
    json_put_u64(j, "answers", cached + fetched);
    json_put_u64(j, "cached", cached);
    json_put_u64(j, "fetched", fetched);
    json_put_u64(j, "questions", upstream->direction[STATS_QUERY].events);
    json_put_double(j, "efficiency", (double)cached / (double)(cached + fetched));
    json_object_end(j);
}

static void put_list(struct json *j, const char *key, const struct stats_answer *answer,
                     uint64_t queries)
{
    json_key(j, key);
    json_object(j);
    api_put_keys(j, answer);
    json_key(j, "rows");
    json_array(j);
    for (size_t i = 0; i < answer->count; i++) {
        const struct stats_top *row = &answer->rows[i];
        const uint64_t *of = row->values.of;
        json_object(j);
        api_put_row_members(j, row, &stats_events);
        json_put_double(j, "share", (double)row->value / (double)queries);
        json_put_u64(j, "unanswered", unanswered(of[MEASURE_QUERIES], of[MEASURE_RESPONSES]));
        if (answer->tallies)
            api_put_tally(j, &answer->tallies[i]);
        json_object_end(j);
    }
    json_array_end(j);
    json_object_end(j);
}

static void put_reply(struct api_reply *reply, const struct upstream_request *asked,
                      const struct stats_snapshot *snapshot, const struct stats_answer *answers)
{
    const struct stats_stream *upstream =
        stats_snapshot_at(snapshot, asked->stream, STATS_UPSTREAM);
    const struct stats_stream *client = stats_snapshot_at(snapshot, asked->stream, STATS_CLIENT);
    uint64_t queries = upstream->counters.direction[STATS_QUERY].events;
    struct json j = api_begin(reply);
    api_put_snapshot(&j, snapshot, &asked->scope);
    put_total(&j, &upstream->counters);
    put_cache(&j, &client->counters, &upstream->counters);
    put_list(&j, "servers", &answers[SERVERS], queries);
    put_list(&j, "names", &answers[NAMES], queries);
    api_end(&j, reply);
}

static void answer(const struct api_request *request, struct api_reply *reply,
                   struct upstream_request *asked, const struct stats_snapshot *snapshot)
{
    struct stats_answer answers[LISTS];
    if (!api_stream(request, reply, snapshot, &asked->stream))
        return;
    const struct stats_scope scope = {
        .stream = stats_snapshot_at(snapshot, asked->stream, STATS_UPSTREAM)->id,
        .side = STATS_UPSTREAM,
        .window = asked->scope.window};
    if (api_top(request->context, &scope, questions, LISTS, asked->rows, answers) < 0) {
        api_fail(reply, 503, "no memory for the answer");
        return;
    }
    put_reply(reply, asked, snapshot, answers);
    stats_answers_free(answers, LISTS);
}

static void upstream_handle(const struct api_request *request, struct api_reply *reply)
{
    struct upstream_request asked = {.rows = ROWS_USUAL};
    if (!api_scope(request, reply, &asked.scope) ||
        !api_number(request, reply, "n", 1, ROWS_MAX, &asked.rows))
        return;
    asked.scope.side = STATS_UPSTREAM;
    const struct stats_snapshot *snapshot =
        api_snapshot(request->context, asked.scope.window, reply);
    if (snapshot)
        answer(request, reply, &asked, snapshot);
    stats_release(snapshot);
}

const struct api_route api_upstream = {
    .path = "/api/v1/upstream",
    .doc = "What servers ask others: which servers and names, and how they are answered; and how "
           "much of what clients ask needs no question.",
    .parameters = (const struct api_parameter[]){{"n", "integer",
                                                  "Rows of each list, 1 to 1000; absent: 10."},
                                                 API_STREAM_PARAMETER,
                                                 API_WINDOW_PARAMETER,
                                                 {0}},
    .schema =
        "{" API_SNAPSHOT_SHAPE
        ", queries: int, responses: int, unanswered: int (questions that had no answer, or "
        "have none yet), timeouts: int (of streams that log both, questions that latency-window "
        "passed over without an answer: they count when it has, so a short window may have more of "
        "them than are unanswered), retries: int, truncated: int, after-truncated: int (these "
        "three as in "
        "Context), rcodes: {*int} (of responses), nodata: int (of those with NOERROR), "
        "latency: Quantiles, cache: {answers: int (to clients, of servers that ask others, "
        "where it is known how long the client waited), cached: int (nobody was asked for the "
        "name and type meanwhile), fetched: int (somebody was, or his answer was awaited), "
        "questions: int (all to others), efficiency: num? (so much of the answers is cached; "
        "null: there are none; that another name had to be asked for, as the target of a "
        "CNAME, does not count against it)}, "
        "servers: Counted (by questions), names: Counted (by questions)}",
    .handle = upstream_handle,
};
