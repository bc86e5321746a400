/* Names and addresses by a part of them. */
#include <stdlib.h>

#include "api/statistics.h"

enum {
    ROWS_USUAL = 10,
    ROWS_MAX = 100,
};

static const enum stats_table_id tables[] = {TABLE_DOMAINS, TABLE_CLIENTS, TABLE_SERVERS};

struct search_request {
    struct api_scope scope;
    struct api_part text;
    uint64_t rows;
};

static bool read_request(const struct api_request *request, struct api_reply *reply,
                         struct search_request *asked)
{
    asked->rows = ROWS_USUAL;
    if (!api_scope(request, reply, &asked->scope) ||
        !api_part(request, reply, "text", &asked->text) ||
        !api_number(request, reply, "n", 1, ROWS_MAX, &asked->rows))
        return false;
    if (asked->text.len == 0)
        api_refuse(request, reply, "text", "a part of a name or an address");
    return asked->text.len > 0;
}

static void put_found(struct json *j, enum stats_table_id table, const struct stats_answer *answer)
{
    json_object(j);
    json_put_str(j, "table", stats_table_name(table));
    json_put_u64(j, "searched", answer->keys);
    json_put_bool(j, "whole", answer->floor == 0);
    json_key(j, "rows");
    json_array(j);
    for (size_t i = 0; i < answer->count; i++)
        api_put_row(j, &answer->rows[i], &stats_events);
    json_array_end(j);
    json_put_u64(j, "found", answer->found);
    json_put_bool(j, "found-all", answer->found_all);
    json_object_end(j);
}

/* Table by table, between which the tables may be merged into. False: no memory. */
static bool put_tables(struct json *j, const struct api_context *context,
                       const struct search_request *asked, int stream)
{
    const struct stats_scope scope = {
        .stream = stream, .side = asked->scope.side, .window = asked->scope.window};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        const struct stats_question question = {
            .table = tables[i],
            .by = BY_HITS,
            .contains = span_of(asked->text.text, asked->text.len),
        };
        struct stats_answer answer;
        if (api_top(context, &scope, &question, 1, asked->rows, &answer) < 0)
            return false;
        put_found(j, tables[i], &answer);
        stats_answers_free(&answer, 1);
    }
    return true;
}

static void search(const struct api_request *request, struct api_reply *reply,
                   const struct search_request *asked, const struct stats_snapshot *snapshot)
{
    int index;
    if (!api_stream(request, reply, snapshot, &index))
        return;
    int stream = stats_snapshot_at(snapshot, index, asked->scope.side)->id;
    struct json j = api_begin(reply);
    api_put_snapshot(&j, snapshot, &asked->scope);
    json_put_text(&j, "text", span_of(asked->text.text, asked->text.len));
    json_key(&j, "tables");
    json_array(&j);
    bool whole = put_tables(&j, request->context, asked, stream);
    json_array_end(&j);
    api_end(&j, reply);
    if (!whole)
        api_fail(reply, 503, "no memory for the answer");
}

static void search_handle(const struct api_request *request, struct api_reply *reply)
{
    struct search_request asked;
    if (!read_request(request, reply, &asked))
        return;
    const struct stats_snapshot *snapshot =
        api_snapshot(request->context, asked.scope.window, reply);
    if (snapshot)
        search(request, reply, &asked, snapshot);
    stats_release(snapshot);
}

const struct api_route api_search = {
    .path = "/api/v1/search",
    .doc = "Names, clients and servers that contain a text, the heaviest first. All rows of each "
           "table are looked through.",
    .parameters =
        (const struct api_parameter[]){
            {"text", "string",
             "A part of a name or of an address; case does not matter. It must be given.", true},
            {"n", "integer", "Rows of each table, 1 to 100; absent: 10."},
            API_STREAM_PARAMETER,
            API_SIDE_PARAMETER,
            API_WINDOW_PARAMETER,
            {0}},
    .schema =
        "{" API_SNAPSHOT_SHAPE
        ", text: text, tables: [{table: text (domains, clients or servers), searched: int "
        "(keys looked through), whole: bool (there are no others), found: int (or more, unless "
        "found-all), found-all: bool, rows: [Row] (by hits)}]}",
    .handle = search_handle,
};
