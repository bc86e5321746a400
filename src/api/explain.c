/* What belongs to a name or a client: who asks for it, what it asks for, how it is answered. */
#include <stdlib.h>

#include "api/statistics.h"
#include "api/watch.h"

enum {
    ROWS_USUAL = 10,
    ROWS_MAX = 100,
    SEARCHED = 5000, /* rows among which that of the subject itself is looked for */
};

struct explain_request {
    struct api_scope scope;
    struct api_domain name;
    uint8_t address[16];
    struct watch_subject subject;
    uint64_t rows;
};

static bool read_request(const struct api_request *request, struct api_reply *reply,
                         struct explain_request *asked)
{
    *asked = (struct explain_request){.rows = ROWS_USUAL};
    if (!api_scope(request, reply, &asked->scope) ||
        !api_domain(request, reply, "name", &asked->name) ||
        !api_address(request, reply, "client", asked->address, &asked->subject.client) ||
        !api_number(request, reply, "n", 1, ROWS_MAX, &asked->rows))
        return false;
    if (asked->name.wire_len > 0)
        asked->subject.name = span_of(asked->name.wire, asked->name.wire_len);
    asked->subject.side = asked->scope.side;
    const char *wrong = NULL;
    if (!asked->subject.name.ptr == !asked->subject.client.ptr)
        wrong = "one of 'name' and 'client' is needed";
    else if (asked->subject.client.ptr && asked->scope.side == STATS_UPSTREAM)
        wrong = "parameter 'client': upstream the client is the server itself";
    if (wrong)
        api_fail(reply, 400, "%s", wrong);
    return !wrong;
}

/* --- what the tables have of the window ----------------------------------------------------- */

static void put_list(struct json *j, const char *key, const struct stats_answer *answer, size_t n)
{
    json_key(j, key);
    json_object(j);
    api_put_keys(j, answer);
    json_key(j, "rows");
    json_array(j);
    for (size_t i = 0; i < answer->count && i < n; i++)
        api_put_row(j, &answer->rows[i], &stats_events);
    json_array_end(j);
    json_object_end(j);
}

/* Where rows were cut off behind the last, what has none may have as much as that. */
static uint64_t floor_of(const struct stats_answer *answer)
{
    uint64_t last = answer->count == SEARCHED ? answer->rows[SEARCHED - 1].value : 0;
    return last > answer->floor ? last : answer->floor;
}

static void put_own(struct json *j, const struct stats_answer *answer, struct span text)
{
    size_t i = 0;
    json_put_u64(j, "row-floor", floor_of(answer));
    while (i < answer->count &&
           !span_equal(span_of(answer->rows[i].text, answer->rows[i].text_len), text))
        i++;
    if (i == answer->count) {
        json_put_null(j, "row");
        return;
    }
    json_key(j, "row");
    api_put_row(j, &answer->rows[i], &stats_events);
}

/* The row of the subject itself, and of a name those at and below it. `text`: as rows say it.
 * False: no memory. */
static bool put_window(struct json *j, const struct api_context *context,
                       const struct explain_request *asked, struct span text)
{
    const struct stats_scope scope = {
        .stream = STATS_ALL, .side = asked->scope.side, .window = asked->scope.window};
    bool name = asked->subject.name.ptr;
    const struct stats_question question = {.table = name ? TABLE_DOMAINS : TABLE_CLIENTS,
                                            .by = BY_HITS,
                                            .under = name ? text : (struct span){0}};
    struct stats_answer answer;
    if (api_top(context, &scope, &question, 1, SEARCHED, &answer) < 0)
        return false;
    put_own(j, &answer, text);
    /* Of the names below that one, not of all in the tables. */
    answer.keys = answer.found;
    answer.keys_exact = answer.found_all && answer.floor == 0;
    if (name)
        put_list(j, "under", &answer, asked->rows);
    else
        json_put_null(j, "under");
    stats_answers_free(&answer, 1);
    return true;
}

/* --- what is counted of live events --------------------------------------------------------- */

static void put_watch(struct json *j, const struct explain_request *asked,
                      const struct watch_report *report)
{
    bool upstream = asked->scope.side == STATS_UPSTREAM;
    json_key(j, "live");
    json_object(j);
    json_put_time(j, "from", report->from_ms);
    json_put_time(j, "to", report->to_ms);
    json_put_double(j, "seconds", report->seconds);
    json_put_u64(j, "unseen", report->unseen);
    api_put_direction(j, "queries", &report->counters, STATS_QUERY);
    api_put_direction(j, "responses", &report->counters, STATS_RESPONSE);
    api_put_quantiles(j, &report->counters);
    put_list(j, "names", &report->lists[WATCH_NAMES], asked->rows);
    put_list(j, upstream ? "servers" : "clients", &report->lists[WATCH_ENDS], asked->rows);
    json_object_end(j);
}

static void put_reply(const struct api_request *request, struct api_reply *reply,
                      const struct explain_request *asked, const struct watch_report *report,
                      const struct stats_snapshot *snapshot)
{
    char address[64] = "";
    bool name = asked->subject.name.ptr;
    if (!name)
        api_put_address(address, asked->subject.client);
    struct span text = name ? span_of(asked->name.text, asked->name.text_len) : span_str(address);
    struct json j = api_begin(reply);
    api_put_snapshot(&j, snapshot, &asked->scope);
    json_put_text(&j, "name", name ? text : (struct span){0});
    json_put_str(&j, "client", name ? NULL : address);
    bool whole = put_window(&j, request->context, asked, text);
    put_watch(&j, asked, report);
    api_end(&j, reply);
    if (!whole)
        api_fail(reply, 503, "no memory for the answer");
}

static void explain(const struct api_request *request, struct api_reply *reply,
                    const struct explain_request *asked, struct watch_report *report)
{
    struct error err = {0};
    const struct stats_snapshot *snapshot =
        api_snapshot(request->context, asked->scope.window, reply);
    if (!snapshot)
        return;
    if (watch_read(request->context->watches, &request->client, &asked->subject, asked->rows,
                   report, &err) < 0) {
        api_fail(reply, 503, "%s", err.text);
    } else {
        put_reply(request, reply, asked, report, snapshot);
        watch_report_free(report);
    }
    stats_release(snapshot);
}

static void explain_handle(const struct api_request *request, struct api_reply *reply)
{
    struct explain_request asked;
    if (!request->context->watches) {
        api_fail(reply, 404, "no events come that could be looked at");
        return;
    }
    if (!read_request(request, reply, &asked))
        return;
    struct watch_report *report = malloc(sizeof *report);
    if (report)
        explain(request, reply, &asked, report);
    else
        api_fail(reply, 503, "no memory for the answer");
    free(report);
}

const struct api_route api_explain = {
    .path = "/api/v1/explain",
    .doc =
        "What belongs to a name or a client. The row of it and the names below a name are those of "
        "the tables and the window. Who asks for it, what a client asks for and how it is answered "
        "is counted "
        "of live events, from the first request for that name or client until nobody has asked "
        "for a minute: `live` says since when, and the first reply has nothing yet. Eight names "
        "and clients can be looked at at a time, by all who ask (who comes from one address is "
        "one): who asks for one more takes the place of one that somebody with more of them asks "
        "for, or else that of the one which it has not asked for longest itself, and which begins "
        "anew when it is asked for again. Only where eight others ask for one each is there no "
        "place: 503. Of each list the heaviest some hundred are kept.",
    .parameters =
        (const struct api_parameter[]){
            {"name", "string", "A domain: it and what is below it. This or client must be given."},
            {"client", "string", "Instead: an address of who asks; - for none."},
            {"n", "integer", "Rows of each list, 1 to 100; absent: 10."},
            API_SIDE_PARAMETER,
            API_WINDOW_PARAMETER,
            {0}},
    .schema = "{" API_SNAPSHOT_SHAPE
              ", name: text?, client: text?, row: Row? (of the name itself or the client, in the "
              "window; null: it has none), row-floor: int (without one it has at most so many "
              "hits), under: Counted? (names at and below the "
              "name, in the window; null for a client), live: Live}",
    .handle = explain_handle,
};
