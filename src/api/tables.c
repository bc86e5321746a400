/*
 * Top lists: any table by any measure, and the lists that people usually look at, a row each.
 * Response codes and types are counters; they are shown as tables, too.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/statistics.h"

enum { ROWS_USUAL = 10, ROWS_MAX = 1000 };

/* Tables of counters, behind those of the statistics. */
enum { COUNTED_RCODES = STATS_TABLES, COUNTED_TYPES, TABLES };

struct named_list {
    const char *name; /* NULL: asked for by its parts */
    const char *title;
    struct stats_question question;
};

static const struct named_list usual[] = {
    {"domains", "Domains", {.table = TABLE_DOMAINS, .by = BY_HITS}},
    {"domains-asked", "Domains asked", {.table = TABLE_DOMAINS, .measure = MEASURE_QUERIES}},
    {"domains-answered",
     "Domains answered",
     {.table = TABLE_DOMAINS, .measure = MEASURE_RESPONSES}},
    {"domains-noerror",
     "Domains with NOERROR",
     {.table = TABLE_DOMAINS, .by = BY_RCODE, .direction = STATS_RESPONSE}},
    {"domains-nxdomain",
     "Domains with NXDOMAIN",
     {.table = TABLE_DOMAINS, .measure = MEASURE_NXDOMAIN}},
    {"domains-servfail",
     "Domains with SERVFAIL",
     {.table = TABLE_DOMAINS, .measure = MEASURE_SERVFAIL}},
    {"domains-refused",
     "Domains with REFUSED",
     {.table = TABLE_DOMAINS, .measure = MEASURE_REFUSED}},
    {"domains-nodata",
     "Domains without what was asked for",
     {.table = TABLE_DOMAINS, .measure = MEASURE_NODATA}},
    {"domains-failing", "Domains that fail", {.table = TABLE_DOMAINS, .measure = MEASURE_FAILED}},
    {"domains-slow", "Slowest domains", {.table = TABLE_DOMAINS, .by = BY_MEAN}},
    {"registrable", "Registrable domains", {.table = TABLE_REGISTRABLE, .by = BY_HITS}},
    {"tlds", "Top-level domains", {.table = TABLE_TLDS, .by = BY_HITS}},
    {"clients", "Clients", {.table = TABLE_CLIENTS, .by = BY_HITS}},
    {"clients-bytes", "Clients by bytes", {.table = TABLE_CLIENTS, .by = BY_BYTES}},
    {"clients-nxdomain",
     "Sources of NXDOMAIN",
     {.table = TABLE_CLIENTS, .measure = MEASURE_NXDOMAIN}},
    {"clients-servfail",
     "Clients that get SERVFAIL",
     {.table = TABLE_CLIENTS, .measure = MEASURE_SERVFAIL}},
    {"clients-refused",
     "Clients that are refused",
     {.table = TABLE_CLIENTS, .measure = MEASURE_REFUSED}},
    {"clients-nodata",
     "Clients that get no data",
     {.table = TABLE_CLIENTS, .measure = MEASURE_NODATA}},
    {"servers", "Servers", {.table = TABLE_SERVERS, .by = BY_HITS}},
    {"servers-failing", "Servers that fail", {.table = TABLE_SERVERS, .measure = MEASURE_FAILED}},
    {"servers-slow", "Slowest servers", {.table = TABLE_SERVERS, .by = BY_MEAN}},
    {"types", "Types", {.table = (enum stats_table_id)COUNTED_TYPES, .by = BY_HITS}},
    {"rcodes",
     "Response codes",
     {.table = (enum stats_table_id)COUNTED_RCODES, .measure = MEASURE_RESPONSES}},
};
enum { LISTS = sizeof usual / sizeof *usual };

/* Orders besides each measure by its name. */
static const struct table_order {
    const char *name;
    enum stats_by by;
    const struct stats_unit *unit;
} orders[] = {
    {"hits", BY_HITS, &stats_events},  {"bytes", BY_BYTES, &stats_bytes},
    {"mean", BY_MEAN, &stats_seconds}, {"rcode", BY_RCODE, &stats_events},
    {"type", BY_QTYPE, &stats_events},
};
enum { ORDERS = sizeof orders / sizeof *orders };

/* What a request asks for, and what it gets. */
struct tables_request {
    struct named_list lists[LISTS];
    size_t count;
    struct api_scope scope;
    struct api_domain under;
    struct api_part contains;
    uint64_t rows;
    struct stats_question questions[LISTS]; /* of the lists that are no counters, in their order */
    struct stats_answer answers[LISTS];
    size_t asked;
    const struct stats_counters *counters;
};

static const char *table_name(unsigned table)
{
    static const char *const counted[] = {"rcodes", "types"};
    return table < STATS_TABLES ? stats_table_name((enum stats_table_id)table)
                                : counted[table - STATS_TABLES];
}

static bool is_counted(const struct named_list *list)
{
    return list->question.table >= STATS_TABLES;
}

static bool has_domains(const struct named_list *list)
{
    return list->question.table <= TABLE_TLDS;
}

/* Hits of one direction with a code. */
static bool has_code(const struct named_list *list)
{
    return list->question.by == BY_RCODE || list->question.by == BY_QTYPE;
}

/* --- what is asked -------------------------------------------------------------------------- */

static bool read_order(const struct api_request *request, struct api_reply *reply,
                       struct stats_question *question)
{
    const char *names[ORDERS + STATS_MEASURES + 1] = {NULL};
    unsigned index = 0;
    for (unsigned i = 0; i < ORDERS; i++)
        names[i] = orders[i].name;
    for (unsigned i = 0; i < STATS_MEASURES; i++)
        names[ORDERS + i] = stats_measures[i].name;
    if (!api_word(request, reply, "by", names, &index))
        return false;
    question->by = index < ORDERS ? orders[index].by : BY_MEASURE;
    if (index >= ORDERS)
        question->measure = (enum stats_measure)(index - ORDERS);
    return true;
}

/* `direction` and `code` go with the orders that want them, and with no others. */
static bool read_code(const struct api_request *request, struct api_reply *reply,
                      struct named_list *list)
{
    struct stats_question *question = &list->question;
    int direction = STATS_RESPONSE, code = 0;
    bool given = api_parameter(request, "code").ptr;
    if (given != has_code(list)) {
        api_fail(reply, 400, "parameter 'code': belongs to by=rcode and by=type, which need it");
        return false;
    }
    if (!api_direction(request, reply, "direction", &direction))
        return false;
    question->direction = (enum stats_direction)direction;
    bool known = question->by == BY_RCODE   ? api_rcode(request, reply, "code", &code)
                 : question->by == BY_QTYPE ? api_type(request, reply, "code", &code)
                                            : true;
    question->code = (uint32_t)code;
    return known;
}

/* What the table cannot be sorted by. */
static bool fits(const struct named_list *list)
{
    const struct stats_question *question = &list->question;
    if (is_counted(list))
        return question->by == BY_HITS ||
               (question->by == BY_MEASURE && question->measure <= MEASURE_RESPONSES);
    return !has_code(list) || question->table == TABLE_DOMAINS;
}

static bool read_one(const struct api_request *request, struct api_reply *reply,
                     struct tables_request *asked)
{
    const char *names[TABLES + 1] = {NULL};
    struct named_list *list = &asked->lists[0];
    unsigned table = 0;
    for (unsigned i = 0; i < TABLES; i++)
        names[i] = table_name(i);
    *list = (struct named_list){.title = "Asked for"};
    asked->count = 1;
    if (!api_word(request, reply, "table", names, &table))
        return false;
    list->question.table = (enum stats_table_id)table;
    if (!read_order(request, reply, &list->question) || !read_code(request, reply, list))
        return false;
    if (!fits(list)) {
        api_refuse(request, reply, "by", "what this table can be sorted by");
        return false;
    }
    if (asked->under.wire_len > 0 && !has_domains(list)) {
        api_fail(reply, 400, "parameter 'under': this table has no domains");
        return false;
    }
    if (asked->contains.len > 0 && is_counted(list)) {
        api_fail(reply, 400, "parameter 'contains': this table has neither names nor addresses");
        return false;
    }
    return api_knows(asked->scope.window, &list->question, reply);
}

static const struct named_list *find_list(struct span name)
{
    for (size_t i = 0; i < LISTS; i++)
        if (span_equal(name, span_str(usual[i].name)))
            return &usual[i];
    return NULL;
}

static const char *list_name(const void *ctx, size_t i)
{
    (void)ctx;
    return i < LISTS ? usual[i].name : NULL;
}

/* Names between commas; all lists that are known when the parameter is absent. */
static bool read_lists(const struct api_request *request, struct api_reply *reply,
                       struct tables_request *asked)
{
    struct span list = api_parameter(request, "list"), name;
    for (size_t i = 0; !list.ptr && i < LISTS; i++) {
        if (api_knows(asked->scope.window, &usual[i].question, NULL))
            asked->lists[asked->count++] = usual[i];
    }
    while (api_item(&list, &name)) {
        const struct named_list *found = find_list(name);
        if (!found) {
            api_refuse_item(reply, "list", name, list_name);
            return false;
        }
        if (asked->count == LISTS) {
            api_fail(reply, 400, "parameter 'list': names more lists than the %d that there are",
                     LISTS);
            return false;
        }
        if (!api_knows(asked->scope.window, &found->question, reply))
            return false;
        asked->lists[asked->count++] = *found;
    }
    return true;
}

static bool read_request(const struct api_request *request, struct api_reply *reply,
                         struct tables_request *asked)
{
    static const char *const parts[] = {"by", "direction", "code"};
    asked->count = 0;
    asked->rows = ROWS_USUAL;
    if (!api_number(request, reply, "n", 1, ROWS_MAX, &asked->rows) ||
        !api_domain(request, reply, "under", &asked->under) ||
        !api_part(request, reply, "contains", &asked->contains) ||
        !api_scope(request, reply, &asked->scope))
        return false;
    if (api_parameter(request, "table").ptr)
        return read_one(request, reply, asked);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (api_parameter(request, parts[i]).ptr) {
            api_fail(reply, 400, "parameter '%s': needs the parameter 'table'", parts[i]);
            return false;
        }
    }
    return read_lists(request, reply, asked);
}

/* --- answers -------------------------------------------------------------------------------- */

static const char *order_name(const struct stats_question *question, const struct stats_unit **unit)
{
    for (size_t i = 0; i < ORDERS; i++) {
        if (orders[i].by == question->by) {
            *unit = orders[i].unit;
            return orders[i].name;
        }
    }
    const struct stats_measure_info *measure = &stats_measures[question->measure];
    *unit = measure->unit;
    return measure->name;
}

void api_put_row_members(struct json *j, const struct stats_top *row, const struct stats_unit *unit)
{
    double timed = (double)row->values.of[MEASURE_TIMED];
    json_put_text(j, "name", span_of(row->text, row->text_len));
    json_put_decimal(j, "value", row->value, unit->decimals);
    json_put_decimal(j, "error", row->error, unit->decimals);
    for (int i = 0; i < STATS_MEASURES; i++)
        json_put_decimal(j, stats_measures[i].name, row->values.of[i],
                         stats_measures[i].unit->decimals);
    json_put_double(j, "mean", (double)row->values.of[MEASURE_LATENCY] / 1e6 / timed);
}

void api_put_row(struct json *j, const struct stats_top *row, const struct stats_unit *unit)
{
    json_object(j);
    api_put_row_members(j, row, unit);
    json_object_end(j);
}

void api_put_keys(struct json *j, const struct stats_answer *answer)
{
    json_put_u64(j, "keys", answer->keys);
    json_put_bool(j, "keys-exact", answer->keys_exact);
    json_put_u64(j, "floor", answer->floor);
}

static void put_rows(struct json *j, const struct stats_answer *answer,
                     const struct stats_unit *unit)
{
    api_put_keys(j, answer);
    json_key(j, "rows");
    json_array(j);
    for (size_t i = 0; i < answer->count; i++) {
        json_object(j);
        api_put_row_members(j, &answer->rows[i], unit);
        if (answer->tallies)
            api_put_tally(j, &answer->tallies[i]);
        json_object_end(j);
    }
    json_array_end(j);
}

/* A counter as a row. */
struct counted {
    struct api_code name;
    uint64_t value;
    uint64_t count[STATS_DIRECTIONS];
};
enum { COUNTED_MAX = COUNTERS_QTYPES + COUNTERS_RARE + 1 };

static int compare_counted(const void *a, const void *b)
{
    uint64_t x = ((const struct counted *)a)->value, y = ((const struct counted *)b)->value;
    return (x < y) - (x > y);
}

static void add_counted(struct counted *rows, size_t *count, const struct stats_question *question,
                        struct api_code name, const uint64_t *counts)
{
    uint64_t value = question->by == BY_HITS ? counts[STATS_QUERY] + counts[STATS_RESPONSE]
                                             : counts[question->measure == MEASURE_RESPONSES];
    if (value > 0)
        rows[(*count)++] = (struct counted){
            .name = name, .value = value, .count = {counts[STATS_QUERY], counts[STATS_RESPONSE]}};
}

static size_t collect_counted(const struct stats_counters *counters,
                              const struct stats_question *question, struct counted *rows)
{
    size_t count = 0;
    struct api_type_counter type = {0};
    if ((int)question->table == COUNTED_TYPES) {
        while (api_type_next(counters, &type))
            add_counted(rows, &count, question, type.name, type.count);
    } else {
        for (unsigned i = 0; i < COUNTERS_RCODES; i++) {
            uint64_t counts[STATS_DIRECTIONS] = {counters->direction[STATS_QUERY].rcode[i],
                                                 counters->direction[STATS_RESPONSE].rcode[i]};
            add_counted(rows, &count, question, api_rcode_counter(i), counts);
        }
    }
    qsort(rows, count, sizeof *rows, compare_counted);
    return count;
}

static void put_counted(struct json *j, const struct tables_request *asked,
                        const struct stats_question *question)
{
    struct counted rows[COUNTED_MAX];
    size_t count = collect_counted(asked->counters, question, rows);
    api_put_keys(j, &(struct stats_answer){.keys = count, .keys_exact = true});
    json_key(j, "rows");
    json_array(j);
    for (size_t i = 0; i < count && i < asked->rows; i++) {
        json_object(j);
        json_put_str(j, "name", rows[i].name.text);
        json_put_u64(j, "value", rows[i].value);
        json_put_u64(j, "error", 0);
        json_put_u64(j, "queries", rows[i].count[STATS_QUERY]);
        json_put_u64(j, "responses", rows[i].count[STATS_RESPONSE]);
        json_object_end(j);
    }
    json_array_end(j);
}

static void put_code(struct json *j, const struct named_list *list)
{
    const struct stats_question *question = &list->question;
    const char *direction = NULL;
    struct api_code code;
    if (has_code(list)) {
        direction = api_directions[question->direction];
        code = question->by == BY_RCODE ? api_rcode_name(question->code)
                                        : api_type_name(question->code);
    }
    json_put_str(j, "direction", direction);
    json_put_str(j, "code", direction ? code.text : NULL);
}

static void put_list(struct json *j, const struct tables_request *asked,
                     const struct named_list *list, const struct stats_answer *answer)
{
    bool filtered = asked->under.wire_len > 0 && has_domains(list);
    const struct stats_unit *unit;
    const char *by = order_name(&list->question, &unit);
    json_object(j);
    json_put_str(j, "list", list->name);
    json_put_str(j, "title", list->title);
    json_put_str(j, "table", table_name(list->question.table));
    json_put_str(j, "by", by);
    put_code(j, list);
    json_put_text(j, "under",
                  filtered ? span_of(asked->under.text, asked->under.text_len) : (struct span){0});
    json_put_text(j, "contains",
                  asked->contains.len > 0 && !is_counted(list)
                      ? span_of(asked->contains.text, asked->contains.len)
                      : (struct span){0});
    json_put_str(j, "unit", unit->name);
    if (is_counted(list))
        put_counted(j, asked, &list->question);
    else
        put_rows(j, answer, unit);
    json_object_end(j);
}

static void put_lists(struct api_reply *reply, const struct tables_request *asked,
                      const struct stats_snapshot *snapshot)
{
    const struct stats_answer *answer = asked->answers;
    struct json j = api_begin(reply);
    api_put_snapshot(&j, snapshot, &asked->scope);
    json_key(&j, "tables");
    json_array(&j);
    for (size_t i = 0; i < asked->count; i++) {
        put_list(&j, asked, &asked->lists[i], answer);
        answer += !is_counted(&asked->lists[i]);
    }
    json_array_end(&j);
    api_end(&j, reply);
}

static void ask(struct tables_request *asked)
{
    for (size_t i = 0; i < asked->count; i++) {
        const struct named_list *list = &asked->lists[i];
        if (is_counted(list))
            continue;
        struct stats_question *question = &asked->questions[asked->asked++];
        *question = stats_measured(&list->question);
        if (asked->under.wire_len > 0 && has_domains(list))
            question->under = span_of(asked->under.text, asked->under.text_len);
        question->contains = span_of(asked->contains.text, asked->contains.len);
    }
}

static void answer(const struct api_request *request, struct api_reply *reply,
                   struct tables_request *asked, const struct stats_snapshot *snapshot)
{
    int stream;
    if (!api_stream(request, reply, snapshot, &stream))
        return;
    const struct stats_stream *found = stats_snapshot_at(snapshot, stream, asked->scope.side);
    const struct stats_scope scope = {
        .stream = found->id, .side = asked->scope.side, .window = asked->scope.window};
    asked->counters = &found->counters;
    ask(asked);
    if (api_top(request->context, &scope, asked->questions, asked->asked, asked->rows,
                asked->answers) < 0) {
        api_fail(reply, 503, "no memory for the answer");
        return;
    }
    put_lists(reply, asked, snapshot);
    stats_answers_free(asked->answers, asked->asked);
}

static void tables_handle(const struct api_request *request, struct api_reply *reply)
{
    struct tables_request asked = {0};
    if (!read_request(request, reply, &asked))
        return;
    const struct stats_snapshot *snapshot =
        api_snapshot(request->context, asked.scope.window, reply);
    if (!snapshot)
        return;
    answer(request, reply, &asked, snapshot);
    stats_release(snapshot);
}

static const struct api_parameter parameters[] = {
    {"list", "string",
     "Names of usual lists, between commas; absent: all, and each says its name in the reply."},
    {"table", "string",
     "Instead of a list: domains, registrable, tlds, clients, servers, rcodes or types."},
    {"by", "string",
     "With table: hits or bytes (of queries and responses), mean (latency), rcode, type, or a "
     "measure "
     "as rows have it. Absent: hits."},
    {"direction", "string", "With by=rcode and by=type: query or response; absent: response."},
    {"code", "string", "With by=rcode and by=type: which, by name or number; - for none."},
    {"under", "string", "A domain: only it and what is below it, in tables of domains."},
    {"contains", "string",
     "A part of a name or of an address, case does not matter: only what has it; with under, "
     "both."},
    {"n", "integer", "Rows of each table, 1 to 1000; absent: 10."},
    API_STREAM_PARAMETER,
    API_SIDE_PARAMETER,
    API_WINDOW_PARAMETER,
    {0},
};

const struct api_route api_tables = {
    .path = "/api/v1/tables",
    .doc = "Top lists of domains, clients, servers, types and response codes on one side. Clients "
           "are of the client side alone and servers of upstream: the other end is the DNS server "
           "itself.",
    .parameters = parameters,
    .schema = "{" API_SNAPSHOT_SHAPE ", tables: [Table]}",
    .handle = tables_handle,
};
