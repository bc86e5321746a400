/* Counters of one stream or of all, by their names; and the reset. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include "api/statistics.h"
#include "base/clock.h"

/* --- counters in arrays --------------------------------------------------------------------- */

static struct api_code named(const char *word)
{
    struct api_code name;
    snprintf(name.text, sizeof name.text, "%s", word ? word : "unknown");
    return name;
}

static struct api_code transport_name(unsigned i)
{
    return named(dnstap_protocol_name(i));
}

static struct api_code family_name(unsigned i)
{
    return named(dnstap_family_name(i));
}

static struct api_code message_name(unsigned i)
{
    return named(dnstap_message_type_name(i));
}

static struct api_code flag_name(unsigned i)
{
    return named(stats_flag_names[i]);
}

static struct api_code mark_name(unsigned i)
{
    static const char *const names[] = {
        [SAMPLE_EDNS] = "edns",
        [SAMPLE_DO] = "do",
        [SAMPLE_NODATA] = "nodata",
        [SAMPLE_NO_DNS] = "no-dns",
        [SAMPLE_BAD_QUESTION] = "bad-question",
        [SAMPLE_BAD_RECORDS] = "bad-records",
    };
    return named(names[i]);
}

static struct api_code left_out_name(unsigned i)
{
    return named(stats_left_out_names[i]);
}

static struct api_code udp_size_name(unsigned i)
{
    return named(stats_udp_size_names[i]);
}

static struct api_code edns_version_name(unsigned i)
{
    return named(stats_edns_version_names[i]);
}

static struct api_code opcode_name(unsigned i)
{
    struct api_code name = named(dns_opcode_name(i));
    if (!dns_opcode_name(i))
        snprintf(name.text, sizeof name.text, "OPCODE%u", i);
    return name;
}

struct api_code api_rcode_counter(unsigned i)
{
    return i < COUNTERS_RCODES - 1 ? api_rcode_name(i) : named("other");
}

/* An array of counters as an object. */
struct counter_array {
    const char *key;
    size_t at; /* in struct stats_direction_counters */
    unsigned count;
    struct api_code (*name)(unsigned i);
    bool sparse; /* those that are zero are left out */
};

#define ARRAY(member) offsetof(struct stats_direction_counters, member)

static const struct counter_array direction_counts[] = {
    {"transports", ARRAY(transport), COUNTERS_TRANSPORTS, transport_name, false},
    {"families", ARRAY(family), COUNTERS_FAMILIES, family_name, false},
    {"flags", ARRAY(flags), COUNTERS_FLAGS, flag_name, false},
    {"marks", ARRAY(marks), SAMPLE_LEFT_OUT, mark_name, false},
    {"udp-sizes", ARRAY(udp_size), COUNTERS_UDP_SIZES, udp_size_name, false},
    {"edns-versions", ARRAY(edns_version), COUNTERS_EDNS_VERSIONS, edns_version_name, false},
    {"opcodes", ARRAY(opcode), 16, opcode_name, true},
    {0},
};

static const struct counter_array rcode_counts = {"rcodes", ARRAY(rcode), COUNTERS_RCODES,
                                                  api_rcode_counter, true};
static const struct counter_array left_out_counts = {"left-out", ARRAY(marks[SAMPLE_LEFT_OUT]),
                                                     COUNTERS_LEFT_OUT, left_out_name, false};
static const struct counter_array message_counts = {"messages", 0, COUNTERS_MESSAGES, message_name,
                                                    true};

static void put_counts(struct json *j, const struct counter_array *row, const void *base)
{
    const uint64_t *counts = (const uint64_t *)((const char *)base + row->at);
    json_key(j, row->key);
    json_object(j);
    for (unsigned i = 0; i < row->count; i++) {
        if (counts[i] > 0 || !row->sparse)
            json_put_u64(j, row->name(i).text, counts[i]);
    }
    json_object_end(j);
}

/* --- types ---------------------------------------------------------------------------------- */

bool api_type_next(const struct stats_counters *counters, struct api_type_counter *type)
{
    unsigned i = type->next++;
    const struct stats_direction_counters *direction = counters->direction;
    if (i < COUNTERS_QTYPES) {
        type->name = api_type_name(i);
        type->count[STATS_QUERY] = direction[STATS_QUERY].qtype[i];
        type->count[STATS_RESPONSE] = direction[STATS_RESPONSE].qtype[i];
        return true;
    }
    i -= COUNTERS_QTYPES;
    if (i < COUNTERS_RARE) {
        type->name = i < COUNTERS_RARE - 1 ? api_type_name(counters->rare_type[i]) : named("other");
        type->count[STATS_QUERY] = direction[STATS_QUERY].rare_qtype[i];
        type->count[STATS_RESPONSE] = direction[STATS_RESPONSE].rare_qtype[i];
        return true;
    }
    type->name = named("-");
    type->count[STATS_QUERY] = direction[STATS_QUERY].no_qtype;
    type->count[STATS_RESPONSE] = direction[STATS_RESPONSE].no_qtype;
    return i == COUNTERS_RARE;
}

static void put_types(struct json *j, const struct stats_counters *counters,
                      enum stats_direction direction)
{
    struct api_type_counter type = {0};
    json_key(j, "qtypes");
    json_object(j);
    while (api_type_next(counters, &type)) {
        if (type.count[direction] > 0)
            json_put_u64(j, type.name.text, type.count[direction]);
    }
    json_object_end(j);
}

/* --- histograms ----------------------------------------------------------------------------- */

static void put_bin(struct json *j, double le, uint64_t count)
{
    json_object(j);
    json_put_double(j, "le", le);
    json_put_u64(j, "count", count);
    json_object_end(j);
}

static void put_sizes(struct json *j, const uint64_t *sizes)
{
    json_key(j, "sizes");
    json_array(j);
    for (unsigned i = 0; i < COUNTERS_SIZES; i++)
        put_bin(j, i < COUNTERS_SIZES - 1 ? stats_size_bounds[i] : INFINITY, sizes[i]);
    json_array_end(j);
}

static void put_buckets(struct json *j, const uint64_t *buckets)
{
    json_key(j, "buckets");
    json_array(j);
    for (unsigned i = 0; i < COUNTERS_BUCKETS; i++) {
        double bound = i < COUNTERS_BUCKETS - 1 ? (double)stats_bucket_bounds_ns[i] : INFINITY;
        put_bin(j, bound / CLOCK_SECOND_NS, buckets[i]);
    }
    json_array_end(j);
}

/* The sketch by quarters of powers of two. Its first and last buckets stand alone. */
static void put_histogram(struct json *j, const uint64_t *latency)
{
    enum { STEP = (1 << QUANTILE_SUB_BITS) / 4 };
    json_key(j, "histogram");
    json_array(j);
    if (latency[0] > 0)
        put_bin(j, (double)quantile_lower(1) / CLOCK_SECOND_NS, latency[0]);
    for (unsigned first = 1; first < QUANTILE_BUCKETS - 1; first += STEP) {
        uint64_t count = 0;
        for (unsigned i = first; i < first + STEP; i++)
            count += latency[i];
        if (count > 0)
            put_bin(j, (double)quantile_lower(first + STEP) / CLOCK_SECOND_NS, count);
    }
    if (latency[QUANTILE_BUCKETS - 1] > 0)
        put_bin(j, INFINITY, latency[QUANTILE_BUCKETS - 1]);
    json_array_end(j);
}

/* All buckets of the sketch that are not empty, by their numbers. */
static void put_fine(struct json *j, const uint64_t *latency)
{
    json_key(j, "fine");
    json_object(j);
    for (unsigned i = 0; i < QUANTILE_BUCKETS; i++) {
        char number[16];
        snprintf(number, sizeof number, "%u", i);
        if (latency[i] > 0)
            json_put_u64(j, number, latency[i]);
    }
    json_object_end(j);
}

/* --- a stream ------------------------------------------------------------------------------- */

void api_put_quantile(struct json *j, const char *key, const uint64_t *latency, double q)
{
    uint64_t timed = quantile_total(latency);
    double ns = (double)quantile_of(latency, timed, q);
    json_put_double(j, key, timed > 0 ? ns / CLOCK_SECOND_NS : NAN);
}

void api_put_rcodes(struct json *j, const struct stats_direction_counters *direction)
{
    put_counts(j, &rcode_counts, direction);
}

void api_put_left_out(struct json *j, const struct stats_counters *counters)
{
    put_counts(j, &left_out_counts, &counters->direction[STATS_RESPONSE]);
}

void api_put_clock(struct json *j, const struct stats_stream *stream)
{
    double tick_ns = stream->tick_ns ? (double)stream->tick_ns : NAN;
    json_put_double(j, "clock-tick", tick_ns / CLOCK_SECOND_NS);
    json_put_bool(j, "clock-coarse", stream->apart);
}

void api_put_event_times(struct json *j, const struct stats_times *times)
{
    json_key(j, "event-times");
    json_object(j);
    json_put_time(j, "first", times->first_ms);
    json_put_time(j, "last", times->last_ms);
    json_put_double(j, "age", times->age);
    json_put_bool(j, "elsewhen", times->elsewhen);
    json_object_end(j);
}

/* The streams that quantiles of all together leave out. */
static void put_apart(struct json *j, const struct stats_snapshot *snapshot, enum stats_side side,
                      bool total)
{
    json_key(j, "apart");
    json_array(j);
    for (size_t i = 0; total && i < snapshot->stream_count; i++) {
        const struct stats_stream *stream = &snapshot->streams[i][side];
        if (stream->apart)
            json_bytes(j, span_of(stream->name, stream->name_len));
    }
    json_array_end(j);
}

static void put_timed(struct json *j, const struct stats_direction_counters *direction,
                      const uint64_t *latency)
{
    json_put_u64(j, "count", direction->timed);
    json_put_double(j, "mean", (double)direction->latency_sum_us / 1e6 / (double)direction->timed);
    for (size_t i = 0; i < QUANTILES_SHOWN; i++)
        api_put_quantile(j, quantile_shown[i].key, latency, quantile_shown[i].q);
}

void api_put_quantiles(struct json *j, const struct stats_counters *counters)
{
    json_key(j, "latency");
    json_object(j);
    put_timed(j, &counters->direction[STATS_RESPONSE], counters->latency);
    json_object_end(j);
}

static void put_step(struct json *j, const char *key, const uint64_t *steps, uint64_t timed,
                     double q)
{
    double ns = steps ? (double)quantile_of_steps(steps, timed, q) : NAN;
    json_put_double(j, key, ns / CLOCK_SECOND_NS);
}

void api_put_tally(struct json *j, const struct stats_tally *tally)
{
    uint64_t timed = stats_tally_timed(tally);
    json_put_u64(j, "retries", tally->of[TALLY_RETRIES]);
    json_key(j, "latency");
    json_object(j);
    json_put_u64(j, "count", timed);
    for (size_t n = 0; n < QUANTILES_SHOWN; n++)
        put_step(j, quantile_shown[n].key, timed ? tally->of : NULL, timed, quantile_shown[n].q);
    json_object_end(j);
}

/* Of those transports over which responses with a latency have come. */
static void put_transports(struct json *j, const struct stats_counters *counters)
{
    json_key(j, "transports");
    json_object(j);
    for (unsigned i = 0; i < COUNTERS_TRANSPORTS; i++) {
        const uint64_t *steps = stats_steps(counters, i);
        uint64_t timed = counters->transport_timed[i];
        if (timed == 0)
            continue;
        json_key(j, transport_name(i).text);
        json_object(j);
        json_put_u64(j, "count", timed);
        json_put_double(j, "mean", (double)counters->transport_latency_us[i] / 1e6 / (double)timed);
        for (size_t n = 0; n < QUANTILES_SHOWN; n++)
            put_step(j, quantile_shown[n].key, steps, timed, quantile_shown[n].q);
        put_step(j, "slowest", steps, timed, 1);
        json_object_end(j);
    }
    json_object_end(j);
}

static void put_latency(struct json *j, const struct stats_snapshot *snapshot,
                        const struct stats_stream *stream)
{
    const uint64_t *latency = stats_latency(snapshot, stream);
    const struct stats_counters *counters = &stream->counters;
    const struct stats_direction_counters *direction = &counters->direction[STATS_RESPONSE];
    json_key(j, "latency");
    json_object(j);
    put_timed(j, direction, latency);
    api_put_left_out(j, counters);
    put_buckets(j, direction->bucket);
    put_histogram(j, latency);
    put_fine(j, latency);
    put_transports(j, counters);
    put_apart(j, snapshot, (enum stats_side)stream->side, stream == &snapshot->total[stream->side]);
    json_object_end(j);
}

static void put_one_rate(struct json *j, const char *key, const struct stats_rates *rates)
{
    json_key(j, key);
    json_object(j);
    json_put_double(j, "second", rates->last);
    json_put_double(j, "minute", rates->minute);
    json_put_double(j, "quarter", rates->quarter);
    json_object_end(j);
}

void api_put_rates(struct json *j, const struct stats_stream *stream)
{
    json_key(j, "rates");
    json_object(j);
    put_one_rate(j, "queries", &stream->rates[STATS_QUERY]);
    put_one_rate(j, "responses", &stream->rates[STATS_RESPONSE]);
    json_object_end(j);
}

void api_put_distinct(struct json *j, const struct stats_distinct *distinct)
{
    static const struct {
        const char *key;
        enum stats_distinct_id which;
    } rows[] = {
        {"clients", DISTINCT_CLIENTS},   {"domains", DISTINCT_DOMAINS}, {"asked", DISTINCT_ASKED},
        {"answered", DISTINCT_ANSWERED}, {"servers", DISTINCT_SERVERS},
    };
    enum { ROWS = sizeof rows / sizeof *rows };
    struct stats_distinct copy = *distinct;
    json_key(j, "distinct");
    json_object(j);
    for (size_t i = 0; i < ROWS; i++)
        json_put_u64(j, rows[i].key, *stats_distinct_in(&copy, rows[i].which));
    json_object_end(j);
    json_key(j, "distinct-exact");
    json_object(j);
    for (size_t i = 0; i < ROWS; i++)
        json_put_bool(j, rows[i].key, distinct->counted >> rows[i].which & 1);
    json_object_end(j);
}

void api_put_direction(struct json *j, const char *key, const struct stats_counters *counters,
                       enum stats_direction which)
{
    const struct stats_direction_counters *direction = &counters->direction[which];
    json_key(j, key);
    json_object(j);
    json_put_u64(j, "events", direction->events);
    json_put_u64(j, "bytes", direction->bytes);
    for (const struct counter_array *row = direction_counts; row->key; row++)
        put_counts(j, row, direction);
    api_put_rcodes(j, direction);
    put_types(j, counters, which);
    put_sizes(j, direction->size);
    json_object_end(j);
}

/* What exchanges say of others. */
static void put_context(struct json *j, const struct stats_counters *counters)
{
    static const struct {
        const char *key;
        enum stats_direction direction;
        enum sample_mark mark;
    } rows[] = {
        {"truncated", STATS_RESPONSE, SAMPLE_TRUNCATED},
        {"after-truncated", STATS_QUERY, SAMPLE_AFTER_TRUNCATED},
        {"retries", STATS_QUERY, SAMPLE_AGAIN},
        {"cached", STATS_RESPONSE, SAMPLE_CACHED},
        {"fetched", STATS_RESPONSE, SAMPLE_FETCHED},
    };
    json_key(j, "context");
    json_object(j);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        json_put_u64(j, rows[i].key, counters->direction[rows[i].direction].marks[rows[i].mark]);
    json_put_u64(j, "unanswered", counters->loss[LOSS_UNANSWERED]);
    json_object_end(j);
}

static void put_statistics(struct json *j, const struct stats_snapshot *snapshot,
                           const struct stats_stream *stream, struct span name)
{
    json_key(j, "statistics");
    json_object(j);
    json_key(j, "stream");
    if (name.ptr)
        json_bytes(j, name);
    else
        json_null(j);
    json_put_time(j, "first-seen", stream->first_seen_ms);
    json_put_time(j, "last-seen", stream->last_seen_ms);
    api_put_event_times(j, &stream->times);
    api_put_distinct(j, &stream->distinct);
    api_put_rates(j, stream);
    api_put_direction(j, "queries", &stream->counters, STATS_QUERY);
    api_put_direction(j, "responses", &stream->counters, STATS_RESPONSE);
    put_counts(j, &message_counts, stream->counters.message);
    put_context(j, &stream->counters);
    put_latency(j, snapshot, stream);
    api_put_clock(j, stream);
    json_object_end(j);
}

static void put_exact(struct json *j, const struct stats_snapshot *snapshot, enum stats_side side)
{
    json_put_bool(j, "exact", stats_is_exact(snapshot));
    json_key(j, "tables-exact");
    json_object(j);
    for (enum stats_table_id table = 0; table < STATS_TABLES; table++)
        json_put_bool(j, stats_table_name(table), snapshot->exact[side] >> table & 1);
    json_object_end(j);
}

void api_put_snapshot(struct json *j, const struct stats_snapshot *snapshot,
                      const struct api_scope *scope)
{
    api_put_words(j, scope);
    json_put_time(j, "from", snapshot->from_ms);
    json_put_time(j, "to", snapshot->to_ms);
    json_put_double(j, "seconds", snapshot->seconds);
    json_put_time(j, "streams-from", snapshot->streams_ms);
    json_put_time(j, "distinct-from", snapshot->keys_ms);
    json_put_time(j, "time", snapshot->made_ms);
    json_put_time(j, "since", snapshot->since_ms);
    put_exact(j, snapshot, scope->side);
    json_put_bool(j, "one-moment", snapshot->whole && !scope->torn);
    json_put_u64(j, "malformed", snapshot->malformed);
    json_put_u64(j, "unlisted", snapshot->unlisted);
    json_put_u64(j, "other-streams", snapshot->other_streams);
    json_put_u64(j, "other-identities", snapshot->other_identities);
    json_put_u64(j, "places", snapshot->places);
}

static void statistics_handle(const struct api_request *request, struct api_reply *reply)
{
    struct api_scope scope;
    if (!api_scope(request, reply, &scope))
        return;
    const struct stats_snapshot *snapshot = api_snapshot(request->context, scope.window, reply);
    int index;
    if (!snapshot)
        return;
    if (api_stream(request, reply, snapshot, &index)) {
        const struct stats_stream *stream = stats_snapshot_at(snapshot, index, scope.side);
        struct span name =
            index == STATS_ALL ? (struct span){0} : span_of(stream->name, stream->name_len);
        struct json j = api_begin(reply);
        api_put_snapshot(&j, snapshot, &scope);
        json_put_u64(&j, "generation", snapshot->generation);
        put_statistics(&j, snapshot, stream, name);
        api_end(&j, reply);
    }
    stats_release(snapshot);
}

const struct api_route api_statistics = {
    .path = "/api/v1/statistics",
    .doc = "Every counter of one stream, or of all together, on one side.",
    .parameters =
        (const struct api_parameter[]){
            API_STREAM_PARAMETER, API_SIDE_PARAMETER, API_WINDOW_PARAMETER, {0}},
    .schema =
        "{" API_SNAPSHOT_SHAPE
        ", generation: int (of the snapshot: one a second, and one for each reader of /metrics), "
        "statistics: Statistics}",
    .handle = statistics_handle,
};

/* --- reset ---------------------------------------------------------------------------------- */

static void reset_handle(const struct api_request *request, struct api_reply *reply)
{
    struct api_scope scope;
    if (!api_scope(request, reply, &scope))
        return;
    if (!api_reset_window(request->context, scope.window)) {
        api_fail(reply, 503, "it takes long: the numbers will begin anew, but have not yet");
        return;
    }
    struct json j = api_begin(reply);
    json_put_bool(&j, "reset", true);
    json_put_str(&j, "window", stats_window_name(scope.window));
    api_end(&j, reply);
}

const struct api_route api_reset = {
    .path = "/api/v1/statistics",
    .method = API_DELETE,
    .doc =
        "Forgets all numbers, or those of a window: it begins now, the others go on. Streams stay "
        "listed. What history has written stays written, but after a restart a window has of it "
        "just what came behind the minute of its reset.",
    .parameters =
        (const struct api_parameter[]){
            {"window", "string",
             "1m, 5m, 1h or 1d: this one alone; all: all numbers, of every window; absent: all."},
            {0}},
    .schema = "{reset: bool, window: text}",
    .handle = reset_handle,
};
