#include "top/view.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

const struct top_number_row top_numbers[TOP_NUMBERS] = {
    [NUMBER_STARTED] = {DOCUMENT_INDEX, "started", FORM_SPAN},
    [NUMBER_TIME] = {DOCUMENT_STATISTICS, "time", FORM_SPAN},
    [NUMBER_EXACT] = {DOCUMENT_STATISTICS, "exact", FORM_COUNT},
    [NUMBER_COUNTS_FROM] = {DOCUMENT_STATISTICS, "streams-from", FORM_CLOCK},
    [NUMBER_COUNTS_LATE] = {DOCUMENT_STATISTICS, "streams-from less from", FORM_SPAN},
    [NUMBER_KEYS_FROM] = {DOCUMENT_STATISTICS, "distinct-from", FORM_CLOCK},
    [NUMBER_KEYS_LATE] = {DOCUMENT_STATISTICS, "distinct-from less from", FORM_SPAN},
    [NUMBER_CLIENTS_EXACT] = {DOCUMENT_STATISTICS, "statistics.distinct-exact.clients", FORM_COUNT},
    [NUMBER_SERVERS_EXACT] = {DOCUMENT_STATISTICS, "statistics.distinct-exact.servers", FORM_COUNT},
    [NUMBER_DOMAINS_EXACT] = {DOCUMENT_STATISTICS, "statistics.distinct-exact.domains", FORM_COUNT},
    [NUMBER_ASKED_EXACT] = {DOCUMENT_STATISTICS, "statistics.distinct-exact.asked", FORM_COUNT},
    [NUMBER_ANSWERED_EXACT] = {DOCUMENT_STATISTICS, "statistics.distinct-exact.answered",
                               FORM_COUNT},
    [NUMBER_CLIENTS] = {DOCUMENT_STATISTICS, "statistics.distinct.clients", FORM_COUNT},
    [NUMBER_SERVERS] = {DOCUMENT_STATISTICS, "statistics.distinct.servers", FORM_COUNT},
    [NUMBER_DOMAINS] = {DOCUMENT_STATISTICS, "statistics.distinct.domains", FORM_COUNT},
    [NUMBER_ASKED] = {DOCUMENT_STATISTICS, "statistics.distinct.asked", FORM_COUNT},
    [NUMBER_ANSWERED] = {DOCUMENT_STATISTICS, "statistics.distinct.answered", FORM_COUNT},
    [NUMBER_FRAMES] = {DOCUMENT_INPUTS, "inputs[].frames", FORM_COUNT},
    [NUMBER_QUERIES] = {DOCUMENT_STATISTICS, "statistics.queries.events", FORM_COUNT},
    [NUMBER_QUERY_BYTES] = {DOCUMENT_STATISTICS, "statistics.queries.bytes", FORM_BYTES},
    [NUMBER_QUERY_RATE] = {DOCUMENT_STATISTICS, "statistics.rates.queries.second", FORM_RATE},
    [NUMBER_QUERY_RATE_1M] = {DOCUMENT_STATISTICS, "statistics.rates.queries.minute", FORM_RATE},
    [NUMBER_QUERY_RATE_15M] = {DOCUMENT_STATISTICS, "statistics.rates.queries.quarter", FORM_RATE},
    [NUMBER_RESPONSES] = {DOCUMENT_STATISTICS, "statistics.responses.events", FORM_COUNT},
    [NUMBER_RESPONSE_BYTES] = {DOCUMENT_STATISTICS, "statistics.responses.bytes", FORM_BYTES},
    [NUMBER_RESPONSE_RATE] = {DOCUMENT_STATISTICS, "statistics.rates.responses.second", FORM_RATE},
    [NUMBER_RESPONSE_RATE_1M] = {DOCUMENT_STATISTICS, "statistics.rates.responses.minute",
                                 FORM_RATE},
    [NUMBER_RESPONSE_RATE_15M] = {DOCUMENT_STATISTICS, "statistics.rates.responses.quarter",
                                  FORM_RATE},
    [NUMBER_LATENCY_MEAN] = {DOCUMENT_STATISTICS, "statistics.latency.mean", FORM_TIME},
    [NUMBER_LATENCY_P50] = {DOCUMENT_STATISTICS, "statistics.latency.p50", FORM_TIME},
    [NUMBER_LATENCY_P90] = {DOCUMENT_STATISTICS, "statistics.latency.p90", FORM_TIME},
    [NUMBER_LATENCY_P99] = {DOCUMENT_STATISTICS, "statistics.latency.p99", FORM_TIME},
    [NUMBER_LATENCY_P999] = {DOCUMENT_STATISTICS, "statistics.latency.p999", FORM_TIME},
    [NUMBER_NODATA] = {DOCUMENT_STATISTICS, "statistics.responses.marks.nodata", FORM_COUNT},
    [NUMBER_TRUNCATED] = {DOCUMENT_STATISTICS, "statistics.context.truncated", FORM_COUNT},
    [NUMBER_EDNS] = {DOCUMENT_STATISTICS, "statistics.queries.marks.edns", FORM_COUNT},
    [NUMBER_DO] = {DOCUMENT_STATISTICS, "statistics.queries.marks.do", FORM_COUNT},
    [NUMBER_AFTER_TRUNCATED] = {DOCUMENT_STATISTICS, "statistics.context.after-truncated",
                                FORM_COUNT},
    [NUMBER_MALFORMED] = {DOCUMENT_STATISTICS, "malformed", FORM_COUNT},
    [NUMBER_UNLISTED] = {DOCUMENT_STATISTICS, "unlisted", FORM_COUNT},
    [NUMBER_OTHER_STREAMS] = {DOCUMENT_STATISTICS, "other-streams", FORM_COUNT},
    [NUMBER_DROPPED] = {DOCUMENT_OUTPUTS, "outputs[].ledger.dropped", FORM_COUNT},
    [NUMBER_FROM] = {DOCUMENT_STATISTICS, "statistics.event-times.first", FORM_DATE},
    [NUMBER_TO] = {DOCUMENT_STATISTICS, "statistics.event-times.last", FORM_DATE},
    [NUMBER_ELSEWHEN] = {DOCUMENT_STATISTICS, "statistics.event-times.elsewhen", FORM_COUNT},
    [NUMBER_UNANSWERED] = {DOCUMENT_UPSTREAM, "unanswered", FORM_COUNT},
    [NUMBER_TIMEOUTS] = {DOCUMENT_UPSTREAM, "timeouts", FORM_COUNT},
    [NUMBER_RETRIES] = {DOCUMENT_UPSTREAM, "retries", FORM_COUNT},
    [NUMBER_CACHE] = {DOCUMENT_UPSTREAM, "cache.efficiency", FORM_SHARE},
    [NUMBER_CACHE_ANSWERS] = {DOCUMENT_UPSTREAM, "cache.answers", FORM_COUNT},
    [NUMBER_ROW_QUERIES] = {DOCUMENT_EXPLAIN, "row.queries", FORM_COUNT},
    [NUMBER_ROW_RESPONSES] = {DOCUMENT_EXPLAIN, "row.responses", FORM_COUNT},
    [NUMBER_ROW_NXDOMAIN] = {DOCUMENT_EXPLAIN, "row.nxdomain", FORM_COUNT},
    [NUMBER_ROW_FAILED] = {DOCUMENT_EXPLAIN, "row.failed", FORM_COUNT},
    [NUMBER_ROW_MEAN] = {DOCUMENT_EXPLAIN, "row.mean", FORM_TIME},
    [NUMBER_ROW_FLOOR] = {DOCUMENT_EXPLAIN, "row-floor", FORM_COUNT},
    [NUMBER_LIVE_FROM] = {DOCUMENT_EXPLAIN, "live.from", FORM_DATE},
    [NUMBER_LIVE_SECONDS] = {DOCUMENT_EXPLAIN, "live.seconds", FORM_SPAN},
    [NUMBER_LIVE_UNSEEN] = {DOCUMENT_EXPLAIN, "live.unseen", FORM_COUNT},
    [NUMBER_LIVE_QUERIES] = {DOCUMENT_EXPLAIN, "live.queries.events", FORM_COUNT},
    [NUMBER_LIVE_QUERY_BYTES] = {DOCUMENT_EXPLAIN, "live.queries.bytes", FORM_BYTES},
    [NUMBER_LIVE_RESPONSES] = {DOCUMENT_EXPLAIN, "live.responses.events", FORM_COUNT},
    [NUMBER_LIVE_RESPONSE_BYTES] = {DOCUMENT_EXPLAIN, "live.responses.bytes", FORM_BYTES},
    [NUMBER_LIVE_P50] = {DOCUMENT_EXPLAIN, "live.latency.p50", FORM_TIME},
    [NUMBER_LIVE_P90] = {DOCUMENT_EXPLAIN, "live.latency.p90", FORM_TIME},
    [NUMBER_LIVE_P99] = {DOCUMENT_EXPLAIN, "live.latency.p99", FORM_TIME},
    [NUMBER_LIVE_MEAN] = {DOCUMENT_EXPLAIN, "live.latency.mean", FORM_TIME},
};

/* --- lists ---------------------------------------------------------------------------------- */

/* What names, addresses and servers have in common, from the answers on. */
#define ANSWER_COLUMNS                                                                             \
    {"answers", "responses", "responses", FORM_COUNT},                                             \
        {"NXDOMAIN", "nxdomain", "nxdomain", FORM_COUNT},                                          \
        {"failed", "failed", "failed", FORM_COUNT}, {"mean", "mean", "mean", FORM_TIME},           \
        {"slowest", "slowest", "slowest", FORM_TIME},                                              \
        {"SERVFAIL", "servfail", "servfail", FORM_COUNT},                                          \
        {"REFUSED", "refused", "refused", FORM_COUNT}, {"NODATA", "nodata", "nodata", FORM_COUNT}, \
    {                                                                                              \
        "q+a-bytes", "query-bytes+response-bytes", "bytes", FORM_BYTES                             \
    }

static const struct top_column name_columns[] = {
    {"queries", "queries", "queries", FORM_COUNT},
    ANSWER_COLUMNS,
    {0},
};

static const struct top_column server_columns[] = {
    {"queries", "queries", "queries", FORM_COUNT},
    {"share", "queries", "queries", FORM_SHARE},
    {"unanswered", "queries less responses", NULL, FORM_COUNT},
    {"p50", "latency.p50", NULL, FORM_TIME},
    {"p99", "latency.p99", NULL, FORM_TIME},
    {"retries", "retries", NULL, FORM_COUNT},
    ANSWER_COLUMNS,
    {0},
};

/* By hits, which count both directions, as who answers has sorted them. */
#define COUNTED_COLUMNS                                                                            \
    {"q+a", "queries+responses", NULL, FORM_COUNT}, {"queries", "queries", NULL, FORM_COUNT},      \
        ANSWER_COLUMNS

static const struct top_column counted_columns[] = {
    COUNTED_COLUMNS,
    {0},
};

static const struct top_column new_columns[] = {
    {"first seen", "first-seen", NULL, FORM_CLOCK},
    COUNTED_COLUMNS,
    {0},
};

static const struct top_column pair_columns[] = {
    {"queries", "queries", NULL, FORM_COUNT},
    {"answers", "responses", NULL, FORM_COUNT},
    {0},
};

/* A query has a code, too, but it means nothing. */
static const struct top_column code_columns[] = {
    {"answers", "responses", NULL, FORM_COUNT},
    {0},
};

/* Of answers whose latency is known. */
static const struct top_column transport_columns[] = {
    {"answers", "count", NULL, FORM_COUNT},
    {"p50", "p50", NULL, FORM_TIME},
    {"p90", "p90", NULL, FORM_TIME},
    {"p99", "p99", NULL, FORM_TIME},
    {"mean", "mean", NULL, FORM_TIME},
    {"slowest", "slowest", NULL, FORM_TIME},
    {0},
};

static const struct top_column stream_columns[] = {
    {"queries", "queries", NULL, FORM_COUNT},
    {"answers", "responses", NULL, FORM_COUNT},
    {"q/s", "rates.queries.second", NULL, FORM_RATE},
    {"a/s", "rates.responses.second", NULL, FORM_RATE},
    {"q+a/s", "rates.queries.minute+rates.responses.minute", NULL, FORM_RATE},
    {"clients", "distinct.clients", NULL, FORM_COUNT, TOP_CLIENT},
    {"servers", "distinct.servers", NULL, FORM_COUNT, TOP_UPSTREAM},
    {"p99", "latency.p99", NULL, FORM_TIME},
    {"unanswered", "loss.unanswered", NULL, FORM_COUNT},
    {"malformed", "loss.malformed", NULL, FORM_COUNT},
    {"domains", "distinct.domains", NULL, FORM_COUNT},
    {"q+a-bytes", "bytes", NULL, FORM_BYTES},
    {0},
};

static const struct top_column output_columns[] = {
    {"received", "ledger.received", NULL, FORM_COUNT},
    {"delivered", "ledger.delivered", NULL, FORM_COUNT},
    {"dropped", "ledger.dropped", NULL, FORM_COUNT},
    {"filtered", "ledger.filtered", NULL, FORM_COUNT},
    {"waiting", "ledger.in-flight", NULL, FORM_COUNT},
    {"queue", "queue.bytes", NULL, FORM_BYTES},
    {"written", "ledger.bytes", NULL, FORM_BYTES},
    {"truncated", "ledger.truncated", NULL, FORM_COUNT},
    {0},
};

static const struct top_column place_columns[] = {
    {"connections", "connections", NULL, FORM_COUNT},
    {0},
};

/* A hint is its text alone. */
static const struct top_column hint_columns[] = {
    {"hint", "hint", NULL, FORM_COUNT},
    {0},
};

#define TABLE(NAME, COLUMNS, BY, ROWS_ARE)                                                         \
    .kind = KIND_TABLE, .document = DOCUMENT_TABLES, .name = NAME, .columns = COLUMNS, .by = BY,   \
    .rows = ROWS_ARE
#define NAMES(NAME, BY) TABLE(NAME, name_columns, BY, SUBJECT_NAME)
#define CLIENTS(BY) TABLE("clients", name_columns, BY, SUBJECT_CLIENT), .only = TOP_CLIENT
#define SERVERS(BY) TABLE("servers", server_columns, BY, SUBJECT_ALL), .only = TOP_UPSTREAM
#define PAIR_OF(DOCUMENT, NAME, COLUMNS)                                                           \
    .kind = KIND_PAIR, .document = DOCUMENT, .name = NAME, .columns = COLUMNS
#define PAIR(NAME, COLUMNS) PAIR_OF(DOCUMENT_STATISTICS, "statistics." NAME, COLUMNS)
#define ITS_PAIR(NAME, COLUMNS)                                                                    \
    PAIR_OF(DOCUMENT_EXPLAIN, "live." NAME, COLUMNS), .page = PAGE_EXPLAINED
#define ROWS(DOCUMENT, NAME, COLUMNS)                                                              \
    .kind = KIND_ROWS, .document = DOCUMENT, .name = NAME, .columns = COLUMNS
#define MEMBERS(NAME, COLUMNS)                                                                     \
    .kind = KIND_MEMBERS, .document = DOCUMENT_STATISTICS, .name = NAME, .columns = COLUMNS
#define STREAMS                                                                                    \
    ROWS(DOCUMENT_STREAMS, "streams", stream_columns), .by = "q+a/s", .rows = SUBJECT_STREAM
#define FOUND(NAME, ROWS_ARE)                                                                      \
    .kind = KIND_FOUND, .document = DOCUMENT_SEARCH, .name = NAME, .columns = counted_columns,     \
    .by = "q+a", .page = PAGE_FOUND, .rows = ROWS_ARE
#define ITS(NAME, ROWS_ARE)                                                                        \
    .kind = KIND_COUNTED, .document = DOCUMENT_EXPLAIN, .name = NAME, .columns = counted_columns,  \
    .by = "q+a", .page = PAGE_EXPLAINED, .rows = ROWS_ARE

const struct top_table top_tables[TOP_LISTS] = {
    [LIST_ASKED] = {"domains asked", NAMES("domains", "queries")},
    [LIST_ANSWERED] = {"domains answered", NAMES("domains", "answers")},
    [LIST_NXDOMAIN] = {"domains NXDOMAIN", NAMES("domains", "NXDOMAIN")},
    [LIST_SERVFAIL] = {"domains SERVFAIL", NAMES("domains", "SERVFAIL")},
    [LIST_SLOWEST] = {"domains slowest", NAMES("domains", "slowest")},
    [LIST_REGISTRABLE] = {"registrable domains", NAMES("registrable", "queries")},
    [LIST_TLDS] = {"top-level domains", NAMES("tlds", "queries")},
    [LIST_CLIENTS] = {"clients", CLIENTS("queries")},
    [LIST_CLIENT_BYTES] = {"clients by bytes", CLIENTS("q+a-bytes")},
    [LIST_NXDOMAIN_CLIENTS] = {"NXDOMAIN sources", CLIENTS("NXDOMAIN")},
    [LIST_SERVERS] = {"servers", SERVERS("queries")},
    [LIST_SLOW_SERVERS] = {"slowest servers", SERVERS("mean")},
    [LIST_FAILING] = {"failing servers", SERVERS("failed")},
    [LIST_NEW] = {"new domains of the last hour", .kind = KIND_FOUND, .document = DOCUMENT_NEW,
                  .name = "domains", .columns = new_columns, .by = "first seen",
                  .rows = SUBJECT_NAME},
    [LIST_RCODES] = {"response codes", PAIR("rcodes", code_columns), .by = "answers"},
    [LIST_TYPES] = {"query types", PAIR("qtypes", pair_columns), .by = "queries"},
    [LIST_TRANSPORT_TIMES] = {"latency by transport",
                              MEMBERS("statistics.latency.transports", transport_columns),
                              .by = "answers"},
    [LIST_UDP_SIZES] = {"UDP sizes by EDNS", PAIR("udp-sizes", pair_columns), .by = "queries"},
    [LIST_EDNS_VERSIONS] = {"EDNS versions", PAIR("edns-versions", pair_columns), .by = "queries"},
    [LIST_STREAMS] = {"streams", STREAMS},
    [LIST_OUTPUTS] = {"outputs since the start", ROWS(DOCUMENT_OUTPUTS, "outputs", output_columns),
                      .by = "received"},
    [LIST_FOUND_NAMES] = {"domains found", FOUND("domains", SUBJECT_NAME)},
    [LIST_FOUND_CLIENTS] = {"clients found", FOUND("clients", SUBJECT_CLIENT), .only = TOP_CLIENT},
    [LIST_FOUND_SERVERS] = {"servers found", FOUND("servers", SUBJECT_ALL), .only = TOP_UPSTREAM},
    [LIST_FOUND_STREAMS] = {"streams found", STREAMS, .page = PAGE_FOUND},
    [LIST_ITS_CLIENTS] = {"live clients", ITS("live.clients", SUBJECT_CLIENT), .only = TOP_CLIENT,
                          .of = SUBJECT_NAME},
    [LIST_ITS_SERVERS] = {"live servers", ITS("live.servers", SUBJECT_ALL), .only = TOP_UPSTREAM},
    [LIST_ITS_NAMES] = {"live domains", ITS("live.names", SUBJECT_NAME)},
    [LIST_UNDER] = {"below it in the window", ITS("under", SUBJECT_NAME), .of = SUBJECT_NAME},
    [LIST_ITS_RCODES] = {"live response codes", ITS_PAIR("rcodes", code_columns), .by = "answers"},
    [LIST_ITS_TYPES] = {"live query types", ITS_PAIR("qtypes", pair_columns), .by = "queries"},
    [LIST_TRANSPORTS] = {"transports", PAIR("transports", pair_columns), .by = "queries"},
    [LIST_FAMILIES] = {"families", PAIR("families", pair_columns), .by = "queries"},
    [LIST_ITS_TRANSPORTS] = {"live transports", ITS_PAIR("transports", pair_columns),
                             .by = "queries"},
    [LIST_PLACES] = {"places", ROWS(DOCUMENT_INPUTS, "inputs", place_columns), .by = "connections",
                     .label = "place"},
    [LIST_HINTS] = {"hints", ROWS(DOCUMENT_STATUS, "hints", hint_columns), .by = "hint",
                    .label = "hint"},
};

int top_column_count(enum top_list_id list)
{
    int count = 0;
    while (top_tables[list].columns[count].title)
        count++;
    return count;
}

int top_first_by(enum top_list_id list)
{
    int by = top_column_count(list) - 1;
    while (by > 0 && strcmp(top_tables[list].columns[by].title, top_tables[list].by) != 0)
        by--;
    return by;
}

static bool has_table(struct top_scene scene, int list)
{
    const struct top_table *table = &top_tables[list];
    return top_has(table->only, scene.side) && table->page == top_page_of(scene.subject) &&
           (table->of == SUBJECT_ALL || table->of == scene.subject);
}

int top_table_count(struct top_scene scene)
{
    return top_table_place(scene, TOP_TABLES);
}

enum top_list_id top_table_at(struct top_scene scene, int place)
{
    int count = top_table_count(scene), list = 0;
    for (int left = (place % count + count) % count;; list++) {
        if (has_table(scene, list) && left-- == 0)
            return (enum top_list_id)list;
    }
}

int top_table_place(struct top_scene scene, enum top_list_id list)
{
    int place = 0;
    for (int i = 0; i < (int)list; i++)
        place += has_table(scene, i);
    return place;
}

/* -------------------------------------------------------------------------------------------- */

bool top_view_is_empty(const struct top_view *view)
{
    const struct top_list *streams = &view->lists[LIST_STREAMS];
    return streams->known && streams->count == 0 && view->numbers[NUMBER_FRAMES] == 0;
}

bool top_view_is_of(const struct top_view *view, const struct top_subject *subject)
{
    if (subject->kind == SUBJECT_ALL)
        return true;
    if (view->subject.kind != subject->kind)
        return false;
    return subject->kind == SUBJECT_SEARCH
               ? view->subject.text[0] && strcasestr(subject->text, view->subject.text)
               : strcmp(subject->text, view->subject.text) == 0;
}

bool top_row_matches(const struct top_row *row, const struct top_subject *subject)
{
    return subject->kind != SUBJECT_SEARCH || strcasestr(row->name, subject->text);
}

void top_view_free(struct top_view *view)
{
    for (int i = 0; i < TOP_LISTS; i++)
        free(view->lists[i].rows);
    for (size_t i = 0; i < view->held.count; i++)
        json_decref(view->held.items[i]);
    free(view->stream);
    *view = (struct top_view){0};
}
