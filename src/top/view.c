#include "top/view.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

const struct top_number_row top_numbers[TOP_NUMBERS] = {
    [NUMBER_STARTED] = {DOCUMENT_INDEX, "started", FORM_SPAN},
    [NUMBER_TIME] = {DOCUMENT_STATISTICS, "time", FORM_SPAN},
    [NUMBER_EXACT] = {DOCUMENT_STATISTICS, "exact", FORM_COUNT},
    [NUMBER_CLIENTS] = {DOCUMENT_STATISTICS, "statistics.distinct.clients", FORM_COUNT},
    [NUMBER_SERVERS] = {DOCUMENT_STATISTICS, "statistics.distinct.servers", FORM_COUNT},
    [NUMBER_DOMAINS] = {DOCUMENT_STATISTICS, "statistics.distinct.domains", FORM_COUNT},
    [NUMBER_ASKED] = {DOCUMENT_STATISTICS, "statistics.distinct.asked", FORM_COUNT},
    [NUMBER_ANSWERED] = {DOCUMENT_STATISTICS, "statistics.distinct.answered", FORM_COUNT},
    [NUMBER_EVER] = {DOCUMENT_WHOLE, "statistics.queries.events+statistics.responses.events",
                     FORM_COUNT},
    [NUMBER_QUERIES] = {DOCUMENT_STATISTICS, "statistics.queries.events", FORM_COUNT},
    [NUMBER_QUERY_BYTES] = {DOCUMENT_STATISTICS, "statistics.queries.bytes", FORM_BYTES},
    [NUMBER_QUERY_RATE] = {DOCUMENT_WHOLE, "statistics.rates.queries.second", FORM_RATE},
    [NUMBER_QUERY_RATE_1M] = {DOCUMENT_WHOLE, "statistics.rates.queries.minute", FORM_RATE},
    [NUMBER_QUERY_RATE_15M] = {DOCUMENT_WHOLE, "statistics.rates.queries.quarter", FORM_RATE},
    [NUMBER_RESPONSES] = {DOCUMENT_STATISTICS, "statistics.responses.events", FORM_COUNT},
    [NUMBER_RESPONSE_BYTES] = {DOCUMENT_STATISTICS, "statistics.responses.bytes", FORM_BYTES},
    [NUMBER_RESPONSE_RATE] = {DOCUMENT_WHOLE, "statistics.rates.responses.second", FORM_RATE},
    [NUMBER_RESPONSE_RATE_1M] = {DOCUMENT_WHOLE, "statistics.rates.responses.minute", FORM_RATE},
    [NUMBER_RESPONSE_RATE_15M] = {DOCUMENT_WHOLE, "statistics.rates.responses.quarter", FORM_RATE},
    [NUMBER_LATENCY_MEAN] = {DOCUMENT_STATISTICS, "statistics.latency.mean", FORM_TIME},
    [NUMBER_LATENCY_P50] = {DOCUMENT_STATISTICS, "statistics.latency.p50", FORM_TIME},
    [NUMBER_LATENCY_P90] = {DOCUMENT_STATISTICS, "statistics.latency.p90", FORM_TIME},
    [NUMBER_LATENCY_P99] = {DOCUMENT_STATISTICS, "statistics.latency.p99", FORM_TIME},
    [NUMBER_LATENCY_P999] = {DOCUMENT_STATISTICS, "statistics.latency.p999", FORM_TIME},
    [NUMBER_MALFORMED] = {DOCUMENT_WHOLE, "malformed", FORM_COUNT},
    [NUMBER_UNLISTED] = {DOCUMENT_WHOLE, "unlisted", FORM_COUNT},
    [NUMBER_OTHER_STREAMS] = {DOCUMENT_WHOLE, "other-streams", FORM_COUNT},
    [NUMBER_DROPPED] = {DOCUMENT_OUTPUTS, "outputs[].ledger.dropped", FORM_COUNT},
    [NUMBER_FROM] = {DOCUMENT_WHOLE, "statistics.event-times.first", FORM_DATE},
    [NUMBER_TO] = {DOCUMENT_WHOLE, "statistics.event-times.last", FORM_DATE},
    [NUMBER_ELSEWHEN] = {DOCUMENT_WHOLE, "statistics.event-times.elsewhen", FORM_COUNT},
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
        "bytes", "query-bytes+response-bytes", "bytes", FORM_BYTES                                 \
    }

static const struct top_column name_columns[] = {
    {"queries", "queries", "queries", FORM_COUNT},
    ANSWER_COLUMNS,
    {0},
};

static const struct top_column server_columns[] = {
    {"queries", "queries", "queries", FORM_COUNT},
    {"share", "queries", "queries", FORM_SHARE},
    ANSWER_COLUMNS,
    {0},
};

static const struct top_column pair_columns[] = {
    {"queries", NULL, NULL, FORM_COUNT},
    {"answers", NULL, NULL, FORM_COUNT},
    {0},
};

static const struct top_column stream_columns[] = {
    {"queries", "queries", NULL, FORM_COUNT},
    {"answers", "responses", NULL, FORM_COUNT},
    {"q/s", "rates.queries.second", NULL, FORM_RATE},
    {"a/s", "rates.responses.second", NULL, FORM_RATE},
    {"q+a/s", "rates.queries.minute+rates.responses.minute", NULL, FORM_RATE},
    {"clients", "distinct.clients", NULL, FORM_COUNT},
    {"servers", "distinct.servers", NULL, FORM_COUNT},
    {"p99", "latency.p99", NULL, FORM_TIME},
    {"unanswered", "loss.unanswered", NULL, FORM_COUNT},
    {"malformed", "loss.malformed", NULL, FORM_COUNT},
    {"domains", "distinct.domains", NULL, FORM_COUNT},
    {"bytes", "bytes", NULL, FORM_BYTES},
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

#define TABLE(NAME, COLUMNS, BY)                                                                   \
    .kind = KIND_TABLE, .document = DOCUMENT_TABLES, .name = NAME, .columns = COLUMNS, .by = BY
#define PAIR(NAME)                                                                                 \
    .kind = KIND_PAIR, .document = DOCUMENT_STATISTICS, .name = NAME, .columns = pair_columns
#define ROWS(DOCUMENT, NAME, COLUMNS)                                                              \
    .kind = KIND_ROWS, .document = DOCUMENT, .name = NAME, .columns = COLUMNS

const struct top_table top_tables[TOP_LISTS] = {
    [LIST_ASKED] = {"domains asked", TABLE("domains", name_columns, "queries")},
    [LIST_ANSWERED] = {"domains answered", TABLE("domains", name_columns, "answers")},
    [LIST_NXDOMAIN] = {"domains NXDOMAIN", TABLE("domains", name_columns, "NXDOMAIN")},
    [LIST_SERVFAIL] = {"domains SERVFAIL", TABLE("domains", name_columns, "SERVFAIL")},
    [LIST_SLOWEST] = {"domains slowest", TABLE("domains", name_columns, "slowest")},
    [LIST_REGISTRABLE] = {"registrable domains", TABLE("registrable", name_columns, "queries")},
    [LIST_TLDS] = {"top-level domains", TABLE("tlds", name_columns, "queries")},
    [LIST_CLIENTS] = {"clients", TABLE("clients", name_columns, "queries"), .only = TOP_CLIENT},
    [LIST_CLIENT_BYTES] = {"clients by bytes", TABLE("clients", name_columns, "bytes"),
                           .only = TOP_CLIENT},
    [LIST_NXDOMAIN_CLIENTS] = {"NXDOMAIN sources", TABLE("clients", name_columns, "NXDOMAIN"),
                               .only = TOP_CLIENT},
    [LIST_SERVERS] = {"servers", TABLE("servers", server_columns, "queries"), .only = TOP_UPSTREAM},
    [LIST_SLOW_SERVERS] = {"slowest servers", TABLE("servers", server_columns, "mean"),
                           .only = TOP_UPSTREAM},
    [LIST_FAILING] = {"failing servers", TABLE("servers", server_columns, "failed"),
                      .only = TOP_UPSTREAM},
    [LIST_RCODES] = {"response codes", PAIR("rcodes"), .by = "answers"},
    [LIST_TYPES] = {"query types", PAIR("qtypes"), .by = "queries"},
    [LIST_STREAMS] = {"streams", ROWS(DOCUMENT_STREAMS, "streams", stream_columns), .by = "q+a/s"},
    [LIST_OUTPUTS] = {"outputs", ROWS(DOCUMENT_OUTPUTS, "outputs", output_columns),
                      .by = "received"},
    [LIST_TRANSPORTS] = {"transports", PAIR("transports"), .by = "queries"},
    [LIST_FAMILIES] = {"families", PAIR("families"), .by = "queries"},
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

int top_table_count(enum stats_side side)
{
    return top_table_place(side, TOP_TABLES);
}

enum top_list_id top_table_at(enum stats_side side, int place)
{
    int count = top_table_count(side), list = 0;
    for (int left = (place % count + count) % count;; list++) {
        if (top_has(top_tables[list].only, side) && left-- == 0)
            return (enum top_list_id)list;
    }
}

int top_table_place(enum stats_side side, enum top_list_id list)
{
    int place = 0;
    for (int i = 0; i < (int)list; i++)
        place += top_has(top_tables[i].only, side);
    return place;
}

/* -------------------------------------------------------------------------------------------- */

bool top_view_is_empty(const struct top_view *view)
{
    const struct top_list *streams = &view->lists[LIST_STREAMS];
    return streams->known && streams->count == 0 && view->numbers[NUMBER_MALFORMED] == 0;
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
