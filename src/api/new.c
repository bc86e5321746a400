/* What came first lately. */
#include "api/statistics.h"
#include "base/clock.h"

enum {
    ROWS_USUAL = 10,
    ROWS_MAX = 1000,
};

struct news_request {
    struct api_scope scope;
    uint64_t rows;
    bool wanted[STATS_TABLES];
};

/* What came first within that time is new. */
static const uint64_t lengths_ns[STATS_WINDOWS] = {
    [WINDOW_1M] = 60 * CLOCK_SECOND_NS,
    [WINDOW_5M] = 300 * CLOCK_SECOND_NS,
    [WINDOW_1H] = 3600 * CLOCK_SECOND_NS,
};

static bool read_tables(const struct api_request *request, struct api_reply *reply,
                        struct news_request *asked)
{
    const char *names[STATS_TABLES + 1] = {NULL};
    unsigned table = STATS_TABLES;
    for (unsigned i = 0; i < STATS_TABLES; i++)
        names[i] = stats_table_name((enum stats_table_id)i);
    if (!api_word(request, reply, "table", names, &table))
        return false;
    for (unsigned i = 0; i < STATS_TABLES; i++)
        asked->wanted[i] = table == STATS_TABLES ? i <= TABLE_REGISTRABLE : i == table;
    return true;
}

static bool read_request(const struct api_request *request, struct api_reply *reply,
                         struct news_request *asked)
{
    asked->rows = ROWS_USUAL;
    if (!api_scope(request, reply, &asked->scope) || !read_tables(request, reply, asked) ||
        !api_number(request, reply, "n", 1, ROWS_MAX, &asked->rows))
        return false;
    if (!asked->scope.asked)
        asked->scope.window = WINDOW_1H;
    if (lengths_ns[asked->scope.window] == 0)
        api_refuse(request, reply, "window", "one of 1m, 5m and 1h");
    return lengths_ns[asked->scope.window] > 0;
}

/* Wall clock of a moment by clock_ns. */
static int64_t wall_ms(const struct stats_snapshot *snapshot, uint64_t ns)
{
    int64_t ago_ns = (int64_t)(snapshot->made_ns - ns);
    return snapshot->made_ms - ago_ns / (int64_t)CLOCK_MS_NS;
}

static void put_table(struct json *j, enum stats_table_id table, const struct stats_news *news,
                      const struct stats_snapshot *snapshot)
{
    json_object(j);
    json_put_str(j, "table", stats_table_name(table));
    json_put_time(j, "from", wall_ms(snapshot, news->from_ns));
    json_put_u64(j, "found", news->found);
    json_put_bool(j, "found-all", news->found_all);
    json_put_u64(j, "floor", news->floor);
    json_key(j, "rows");
    json_array(j);
    for (size_t i = 0; i < news->count; i++) {
        json_object(j);
        api_put_row_members(j, &news->rows[i].row, &stats_events);
        json_put_time(j, "first-seen", wall_ms(snapshot, news->rows[i].first_ns));
        json_object_end(j);
    }
    json_array_end(j);
    json_object_end(j);
}

/* Table by table, between which the tables may be merged into. False: no memory. */
static bool put_tables(struct json *j, struct stats *stats, const struct news_request *asked,
                       int stream, const struct stats_snapshot *snapshot)
{
    const struct stats_scope scope = {.stream = stream, .side = asked->scope.side};
    uint64_t length_ns = lengths_ns[asked->scope.window];
    uint64_t since_ns = snapshot->made_ns > length_ns ? snapshot->made_ns - length_ns : 0;
    for (enum stats_table_id table = 0; table < STATS_TABLES; table++) {
        struct stats_news news;
        if (!asked->wanted[table])
            continue;
        if (stats_news(stats, &scope, table, since_ns, asked->rows, &news) < 0)
            return false;
        put_table(j, table, &news, snapshot);
        stats_news_free(&news);
    }
    return true;
}

static void put_reply(const struct api_request *request, struct api_reply *reply,
                      const struct news_request *asked, const struct stats_snapshot *snapshot)
{
    int index;
    if (!api_stream(request, reply, snapshot, &index))
        return;
    const struct stats_stream *stream = stats_snapshot_at(snapshot, index, asked->scope.side);
    struct json j = api_begin(reply);
    api_put_words(&j, &asked->scope);
    json_put_time(&j, "time", snapshot->made_ms);
    json_put_time(&j, "since", snapshot->since_ms);
    json_key(&j, "tables");
    json_array(&j);
    bool good = put_tables(&j, request->context->stats, asked, stream->id, snapshot);
    json_array_end(&j);
    api_end(&j, reply);
    if (!good)
        api_fail(reply, 503, "no memory for the answer");
}

static void new_handle(const struct api_request *request, struct api_reply *reply)
{
    struct news_request asked;
    if (!read_request(request, reply, &asked))
        return;
    const struct stats_snapshot *snapshot = stats_take(request->context->stats);
    put_reply(request, reply, &asked, snapshot);
    stats_release(snapshot);
}

const struct api_route api_new = {
    .path = "/api/v1/new",
    .doc = "Names, registrable domains and others that came first within the last minute, five "
           "minutes or hour, the newest first. What came before the start, the last reset or a "
           "stream's own begin is not known, so soon after these all is new.",
    .parameters =
        (const struct api_parameter[]){
            {"table", "string",
             "domains, registrable, tlds, clients or servers; absent: domains and registrable."},
            {"n", "integer", "Rows of each table, 1 to 1000; absent: 10."},
            API_STREAM_PARAMETER,
            API_SIDE_PARAMETER,
            {"window", "string", "1m, 5m or 1h; absent: 1h."},
            {0}},
    .schema =
        "{side: text (client or upstream), window: text (1m, 5m or 1h), time: time, since: time "
        "(the start or the last reset), tables: [{table: text, from: time (what came first then or "
        "later is new: some ten seconds more than the window, or since), found: int (or more, "
        "unless found-all), found-all: bool, floor: int (what has no row has "
        "at most so many hits; such a key may have been forgotten, and is new when it comes again: "
        "its error says how often it may have come before), rows: [Row] (with what they have since "
        "then)}]}",
    .handle = new_handle,
};
