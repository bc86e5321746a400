/* dnstap-receiver's routes /streams, /counters and /reset; /tables is in receiver_tables.c. */
#include <stdlib.h>

#include "base/put.h"
#include "compat/receiver_counters.h"
#include "compat/receiver_names.h"
#include "compat/receiver_reader.h"
#include "compat/receiver_reply.h"

/* --- /streams ------------------------------------------------------------------------------- */

static void streams(const struct api_request *request, struct api_reply *reply)
{
    const struct stats_snapshot *snapshot = stats_take(request->context->stats);
    bool first = true;
    buf_str(&reply->body, "{\"streams\": [");
    for (size_t i = 0; i < snapshot->stream_count; i++) {
        const struct stats_stream *stream = snapshot->streams[i];
        receiver_put_comma(&reply->body, &first);
        receiver_put_text(&reply->body, span_of(stream->name, stream->name_len));
    }
    buf_str(&reply->body, "]}");
    stats_release(snapshot);
}

const struct api_route receiver_route_streams = {
    .path = "/streams",
    .method = API_GET,
    .access = ACCESS_LEGACY,
    .ignores_unknown = true,
    .doc = "The streams (identities) in order of first appearance, as dnstap-receiver 4.7.0 has "
           "them.",
    .schema = "{streams: [text]}",
    .handle = streams,
};

/* --- /counters ------------------------------------------------------------------------------ */

/* The TLDs of a scope, looked up once some counter may be one. Owner: one request. */
struct tlds {
    const struct api_request *request;
    const struct receiver_scope *scope;
    bool asked, failed;
    struct stats_answer answers[STATS_DIRECTIONS];
};

static void ask_tlds(struct tlds *tlds)
{
    static const struct stats_question questions[STATS_DIRECTIONS] = {
        [STATS_QUERY] = {.table = TABLE_TLDS, .measure = MEASURE_QUERIES},
        [STATS_RESPONSE] = {.table = TABLE_TLDS, .measure = MEASURE_RESPONSES},
    };
    tlds->asked = true;
    tlds->failed = api_top(tlds->request->context, &tlds->scope->asked, questions, STATS_DIRECTIONS,
                           STATS_TOP_MAX, tlds->answers) != 0;
}

/* The hits of `query/com`; 0 for what is no TLD. */
static uint64_t tld_hits(struct tlds *tlds, struct span name)
{
    enum stats_direction direction;
    if (!receiver_direction_cut(&name, &direction) || !receiver_is_tld(name))
        return 0;
    if (!tlds->asked)
        ask_tlds(tlds);
    const struct stats_answer *answer = &tlds->answers[direction];
    for (size_t i = 0; i < answer->count; i++) {
        const struct stats_top *row = &answer->rows[i];
        if (span_equal(name, span_of(row->text, row->text_len)))
            return row->value;
    }
    return 0;
}

static int put_counters(struct buf *b, const struct api_request *request,
                        const struct receiver_scope *scope, const struct receiver_names *names)
{
    struct receiver_counters counters;
    struct tlds tlds = {.request = request, .scope = scope};
    bool first = true;
    receiver_counters_read(&counters, scope->snapshot, scope->stream, request->context->compat);
    receiver_put_scope(b, scope, "counters");
    for (size_t i = 0; i < names->count; i++) {
        uint64_t value = receiver_counters_get(&counters, names->items[i]);
        receiver_put_key(b, &first, names->items[i]);
        buf_printf(b, "%llu", (unsigned long long)(value + tld_hits(&tlds, names->items[i])));
    }
    buf_str(b, "}}");
    stats_answers_free(tlds.answers, STATS_DIRECTIONS);
    return tlds.failed ? -1 : 0;
}

static void counters(const struct api_request *request, struct api_reply *reply)
{
    static const char *const always[] = {"clients",           "domains", "query",
                                         "response",          "qps",     "response/noerror",
                                         "response/nxdomain", NULL};
    struct receiver_names names;
    struct receiver_scope scope;
    if (receiver_names_read(&names, always, request, reply) ||
        !receiver_scope_open(request, reply, &scope))
        return;
    if (put_counters(&reply->body, request, &scope, &names))
        api_fail(reply, 500, "no memory to look at the tables");
    receiver_scope_close(&scope);
}

static const struct api_parameter counters_parameters[] = {
    {"stream", "string", "of this stream alone; the counters of all when there is none so named"},
    {"more", "string", "names of further counters, with commas between them"},
    RECEIVER_SCOPE_PARAMETERS,
    {0},
};

const struct api_route receiver_route_counters = {
    .path = "/counters",
    .method = API_GET,
    .access = ACCESS_LEGACY,
    .ignores_unknown = true,
    .doc = "Counters by the names that dnstap-receiver 4.7.0 has for them: query/udp, "
           "response/nxdomain, clients.",
    .parameters = counters_parameters,
    .schema = "{stream: text?, counters: {*int}}",
    .handle = counters,
};

/* --- /reset --------------------------------------------------------------------------------- */

static void reset(const struct api_request *request, struct api_reply *reply)
{
    api_reset_window(request->context, WINDOW_ALL);
    reply->status = 204;
}

const struct api_route receiver_route_reset = {
    .path = "/reset",
    .method = API_DELETE,
    .access = ACCESS_LEGACY,
    .ignores_unknown = true,
    .doc = "Forgets all numbers; streams stay listed.",
    .handle = reset,
};
