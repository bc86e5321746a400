/* dnstap-receiver's route /tables: who and what comes most often. */
#include <stdlib.h>

#include "base/put.h"
#include "compat/pyjson.h"
#include "compat/receiver_counters.h"
#include "compat/receiver_names.h"
#include "compat/receiver_reply.h"

enum {
    TOP_DEFAULT = 10,     /* its statistics.max-items */
    LISTS_MAX = 48,       /* of one table */
    REPLY_MAX = 32 << 20, /* bytes: names may have a kilobyte, and 48 lists 10000 of them */
    ROWS_AT_ONCE = 16384, /* rows of answers in memory, a kilobyte each */
};

/* A list of a table, and what it shows. */
struct table_list {
    struct span key;    /* hit/query */
    bool always;        /* nobody has asked for it */
    const char *prefix; /* of the names in it */
    struct stats_question question;
};

/* One reply in the making. Owner: one request. */
struct tables {
    const struct api_context *context;
    struct receiver_scope scope;
    size_t top; /* rows of each list */
    struct table_list domains[LISTS_MAX];
    size_t domain_count;
    struct buf *out;
    bool failed; /* no memory */
    bool large;  /* REPLY_MAX was reached */
};

/* --- what is asked -------------------------------------------------------------------------- */

static unsigned nameless(uint16_t qtype, uint16_t rcode)
{
    return (receiver_rrtype(qtype) == &receiver_absent) +
           (receiver_rcode(rcode) == &receiver_absent);
}

/* The question for the word left of the slash. A word that names nothing asks for a code that never
 * occurs. */
static struct stats_question question_by(struct span by, enum stats_direction direction)
{
    static const enum stats_measure hits[] = {MEASURE_QUERIES, MEASURE_RESPONSES};
    static const enum stats_measure bytes[] = {MEASURE_QUERY_BYTES, MEASURE_RESPONSE_BYTES};
    struct stats_question q = {.table = TABLE_DOMAINS, .direction = direction};
    int rcode = receiver_rcode_number(by), rrtype = receiver_rrtype_number(by);
    if (span_equal(by, span_str("hit"))) {
        q.measure = hits[direction];
    } else if (span_equal(by, span_str("length"))) {
        q.measure = bytes[direction];
    } else if (rcode >= 0) {
        q.by = BY_RCODE;
        q.code = (uint32_t)rcode;
    } else {
        q.by = BY_QTYPE;
        q.code = (uint32_t)rrtype;
        q.weight = span_equal(by, span_str("-")) ? nameless : NULL;
    }
    return q;
}

/* Reads a flag such as `nxdomain/response`; false when it does not look like one. */
static bool read_flag(struct span flag, struct table_list *list)
{
    const uint8_t *slash = flag.len ? memchr(flag.ptr, '/', flag.len) : NULL;
    if (!slash)
        return false;
    struct span by = span_of(flag.ptr, (size_t)(slash - flag.ptr));
    struct span right = span_of(slash + 1, flag.len - by.len - 1);
    for (int direction = 0; direction < STATS_DIRECTIONS; direction++) {
        if (span_equal(right, span_str(receiver_direction_names[direction]))) {
            *list = (struct table_list){
                .key = flag,
                .prefix = "",
                .question = question_by(by, (enum stats_direction)direction),
            };
            return true;
        }
    }
    return false;
}

/* A flag that is malformed ends the list: 4.7.0 does not look at those behind it. */
static int read_domains(struct tables *t, const struct api_request *request,
                        struct api_reply *reply)
{
    enum { ALWAYS = 2 };
    static const char *const always[ALWAYS + 1] = {"noerror/query", "nxdomain/response"};
    struct receiver_names names;
    struct table_list list;
    if (receiver_names_read(&names, always, request, reply))
        return -1;
    for (size_t i = 0; i < names.count && read_flag(names.items[i], &list); i++) {
        list.always = i < ALWAYS;
        if (t->domain_count == LISTS_MAX) {
            api_fail(reply, 400, "more: at most %d lists", LISTS_MAX);
            return -1;
        }
        t->domains[t->domain_count++] = list;
    }
    return 0;
}

/* A list that is asked for is refused where the window does not know it; others are left out. */
static bool knows(struct tables *t, struct api_reply *reply)
{
    size_t kept = 0;
    for (size_t i = 0; i < t->domain_count; i++) {
        const struct table_list *list = &t->domains[i];
        if (api_knows(t->scope.asked.window, &list->question, list->always ? NULL : reply))
            t->domains[kept++] = *list;
        else if (!list->always)
            return false;
    }
    t->domain_count = kept;
    return true;
}

/* `n` as Python's int() takes it, spaces around it and a sign included. */
static int read_top(struct tables *t, const struct api_request *request, struct api_reply *reply)
{
    struct span n = api_parameter(request, "n");
    char text[32] = "", *end;
    t->top = TOP_DEFAULT;
    if (!n.ptr)
        return 0;
    if (n.len < sizeof text)
        memcpy(text, n.ptr, n.len);
    long top = strtol(text, &end, 10);
    if (end == text || end + strspn(end, " \t") != text + n.len) {
        api_fail(reply, 400, "n: not a whole number");
        return -1;
    }
    t->top = top < 0 ? 0 : top > STATS_TOP_MAX ? STATS_TOP_MAX : (size_t)top;
    return 0;
}

/* --- what is written ------------------------------------------------------------------------ */

static void put_row(struct buf *b, bool *first, const char *prefix, struct span name,
                    uint64_t value)
{
    receiver_put_comma(b, first);
    char *p = buf_reserve(b, strlen(prefix) + PYJSON_MAX * name.len + PUT_U64_MAX + 8);
    if (!p)
        return;
    p = pyjson_put(put_str(PUT_LIT(p, "[\""), prefix), name);
    buf_commit(b, put_char(put_u64(PUT_LIT(p, "\", "), value), ']'));
}

static void put_answer(struct buf *b, bool *first, const struct table_list *list,
                       const struct stats_answer *answer)
{
    bool first_row = true;
    receiver_put_key(b, first, list->key);
    buf_byte(b, '[');
    for (size_t i = 0; i < answer->count; i++) {
        const struct stats_top *row = &answer->rows[i];
        put_row(b, &first_row, list->prefix, span_of(row->text, row->text_len), row->value);
    }
    buf_byte(b, ']');
}

/* All lists of a table; empty ones when `top` is 0. */
static void put_lists(struct tables *t, const struct table_list *lists, size_t count, size_t top)
{
    struct stats_question questions[LISTS_MAX];
    struct stats_answer answers[LISTS_MAX] = {0};
    size_t step = top > ROWS_AT_ONCE / LISTS_MAX ? ROWS_AT_ONCE / top : LISTS_MAX;
    bool first = true;
    for (size_t i = 0; i < count; i++)
        questions[i] = lists[i].question;
    for (size_t at = 0; at < count; at += step) {
        size_t n = count - at < step ? count - at : step;
        t->large |= t->out->len > REPLY_MAX;
        if (top > 0 && !t->large &&
            api_top(t->context, &t->scope.asked, questions + at, n, top, answers))
            t->failed = true;
        for (size_t i = 0; i < n; i++)
            put_answer(t->out, &first, &lists[at + i], &answers[i]);
        stats_answers_free(answers, n);
    }
}

static void put_tlds(struct tables *t)
{
    const struct table_list lists[] = {
        {.key = span_str("hit/query"),
         .prefix = "query/",
         .question = {.table = TABLE_TLDS, .measure = MEASURE_QUERIES}},
        {.key = span_str("hit/response"),
         .prefix = "response/",
         .question = {.table = TABLE_TLDS, .measure = MEASURE_RESPONSES}},
    };
    put_lists(t, lists, 2, t->top);
}

static void put_domains(struct tables *t)
{
    put_lists(t, t->domains, t->domain_count, t->scope.known ? t->top : 0);
}

static void put_clients(struct tables *t)
{
    const struct table_list lists[] = {
        {.key = span_str("hit/ip"),
         .prefix = "",
         .question = {.table = TABLE_CLIENTS, .by = BY_HITS}},
        {.key = span_str("length/ip"),
         .prefix = "",
         .question = {.table = TABLE_CLIENTS, .by = BY_BYTES}},
    };
    put_lists(t, lists, 2, t->scope.known ? t->top : 0);
}

static void put_tally(struct tables *t, bool *first, const char *key, const char *prefix,
                      const struct receiver_tally *tally)
{
    bool first_row = true;
    receiver_put_key(t->out, first, span_str(key));
    buf_byte(t->out, '[');
    for (size_t i = 0; i < tally->count && i < t->top; i++) {
        char word[RECEIVER_WORD_MAX];
        put_row(t->out, &first_row, prefix, receiver_word_lower(tally->counts[i].word, word),
                tally->counts[i].value);
    }
    buf_byte(t->out, ']');
}

static void put_tallies(struct tables *t, const struct receiver_tally tallies[STATS_DIRECTIONS])
{
    bool first = true;
    put_tally(t, &first, "hit/query", "query/", &tallies[STATS_QUERY]);
    put_tally(t, &first, "hit/response", "response/", &tallies[STATS_RESPONSE]);
}

/* The dashboard lays out its boxes in this order. */
static void put_tables(struct tables *t)
{
    struct receiver_counters counters;
    receiver_counters_read(&counters, t->scope.snapshot, t->scope.stream, false);
    receiver_put_scope(t->out, &t->scope, "tables");
    buf_str(t->out, "\"tlds\": {");
    put_tlds(t);
    buf_str(t->out, "}, \"domains\": {");
    put_domains(t);
    buf_str(t->out, "}, \"clients\": {");
    put_clients(t);
    buf_str(t->out, "}, \"rcodes\": {");
    put_tallies(t, counters.rcodes);
    buf_str(t->out, "}, \"rrtypes\": {");
    put_tallies(t, counters.rrtypes);
    buf_str(t->out, "}}}");
}

static void tables(const struct api_request *request, struct api_reply *reply)
{
    struct tables t = {.context = request->context, .out = &reply->body};
    if (read_top(&t, request, reply) || read_domains(&t, request, reply) ||
        !receiver_scope_open(request, reply, &t.scope))
        return;
    bool known = knows(&t, reply);
    if (known)
        put_tables(&t);
    receiver_scope_close(&t.scope);
    if (!known)
        return;
    if (t.failed)
        api_fail(reply, 500, "no memory to look at the tables");
    else if (t.large)
        api_fail(reply, 400, "n, more: the lists would have more than %d MiB", REPLY_MAX >> 20);
}

static const struct api_parameter tables_parameters[] = {
    {"n", "integer", "rows of each list, 10 if not given; no rows for 0 and less"},
    {"stream", "string", "of this stream alone"},
    {"more", "string",
     "further lists of domains with commas between them, such as servfail/response, aaaa/query, "
     "hit/query, length/response; windows know those by nxdomain, servfail and refused of "
     "responses, "
     "and by hit and length"},
    RECEIVER_SCOPE_PARAMETERS,
    {0},
};

const struct api_route receiver_route_tables = {
    .path = "/tables",
    .method = API_GET,
    .access = ACCESS_LEGACY,
    .ignores_unknown = true,
    .doc = "The largest TLDs, domains, clients, rcodes and types as dnstap-receiver 4.7.0 lists "
           "them: arrays of a name and its count.",
    .parameters = tables_parameters,
    .schema = "{stream: text?, tables: {*{*[[any]]}}}",
    .handle = tables,
};
