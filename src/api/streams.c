/* The streams: who sends, how fast, by which connection, and what was lost. */
#include <stdlib.h>

#include "api/connections.h"
#include "api/statistics.h"
#include "core/roster.h"

static uint64_t sum_of_failed(const struct stats_direction_counters *direction)
{
    uint64_t sum = 0;
    for (unsigned i = 1; i < COUNTERS_RCODES; i++)
        sum += direction->rcode[i];
    return sum;
}

static void put_loss(struct json *j, const struct stats_stream *stream, uint64_t malformed)
{
    const struct stats_counters *counters = &stream->counters;
    json_key(j, "loss");
    json_object(j);
    json_put_u64(j, "unanswered", counters->loss[LOSS_UNANSWERED]);
    json_put_u64(j, "unasked", counters->loss[LOSS_UNASKED]);
    json_put_double(j, "source-loss", stats_source_loss(stream));
    json_put_u64(j, "malformed", malformed);
    json_object_end(j);
}

static void put_counters(struct json *j, const struct stats_stream *stream)
{
    const struct stats_direction_counters *direction = stream->counters.direction;
    json_put_time(j, "first-seen", stream->first_seen_ms);
    json_put_time(j, "last-seen", stream->last_seen_ms);
    api_put_event_times(j, &stream->times);
    json_put_u64(j, "queries", direction[STATS_QUERY].events);
    json_put_u64(j, "responses", direction[STATS_RESPONSE].events);
    json_put_u64(j, "bytes", direction[STATS_QUERY].bytes + direction[STATS_RESPONSE].bytes);
    json_put_u64(j, "nxdomain", direction[STATS_RESPONSE].rcode[3]);
    json_put_u64(j, "failed",
                 sum_of_failed(&direction[STATS_RESPONSE]) - direction[STATS_RESPONSE].rcode[3]);
    api_put_rates(j, stream);
    api_put_distinct(j, &stream->distinct);
    json_key(j, "latency");
    json_object(j);
    api_put_quantile(j, "p50", stream->counters.latency, 0.5);
    api_put_quantile(j, "p99", stream->counters.latency, 0.99);
    api_put_left_out(j, &stream->counters);
    json_object_end(j);
    api_put_clock(j, stream);
}

static void put_stream(struct json *j, const struct stats_stream *stream,
                       const struct api_connections *connections)
{
    const struct roster_entry *entry = api_connection(connections, stream->origin);
    struct span name = span_of(stream->name, stream->name_len);
    struct api_presence presence = api_presence(connections, name);
    json_object(j);
    json_key(j, "name");
    json_bytes(j, name);
    put_counters(j, stream);
    put_loss(j, stream, entry ? entry->malformed : 0);
    json_put_u64(j, "connections", presence.connections);
    json_put_u64(j, "hosts", presence.hosts);
    json_key(j, "connection");
    if (entry)
        api_put_connection(j, connections, entry);
    else
        json_null(j);
    json_object_end(j);
}

/* --- their order ---------------------------------------------------------------------------- */

/* A stream, and what it brings: a second, lately, or in the window asked for. */
struct loaded {
    const struct stats_stream *stream;
    double load;
    uint64_t events;
    size_t place; /* in order of first appearance */
};

static struct loaded loaded_of(const struct stats_snapshot *snapshot, size_t place,
                               enum stats_side side)
{
    const struct stats_stream *stream = &snapshot->streams[place][side];
    const struct stats_direction_counters *direction = stream->counters.direction;
    uint64_t events = direction[STATS_QUERY].events + direction[STATS_RESPONSE].events;
    double lately = stream->rates[STATS_QUERY].minute + stream->rates[STATS_RESPONSE].minute;
    return (struct loaded){.stream = stream,
                           .load = snapshot->window == WINDOW_ALL ? lately : (double)events,
                           .events = events,
                           .place = place};
}

/* The busiest first; where nothing comes any more, the one that has brought most. */
static int by_load(const void *a, const void *b)
{
    const struct loaded *one = a, *two = b;
    if (one->load < two->load || one->load > two->load)
        return one->load < two->load ? 1 : -1;
    if (one->events != two->events)
        return one->events < two->events ? 1 : -1;
    return one->place < two->place ? -1 : 1;
}

/* The caller frees the array; NULL: no memory. */
static struct loaded *sorted(const struct stats_snapshot *snapshot, enum stats_side side, bool load)
{
    struct loaded *streams = calloc(snapshot->stream_count + 1, sizeof *streams);
    for (size_t i = 0; streams && i < snapshot->stream_count; i++)
        streams[i] = loaded_of(snapshot, i, side);
    if (streams && load)
        qsort(streams, snapshot->stream_count, sizeof *streams, by_load);
    return streams;
}

/* --- the reply ------------------------------------------------------------------------------ */

struct streams_request {
    struct api_scope scope;
    unsigned by; /* in `orders` */
};

static const char *const orders[] = {"appearance", "load", NULL};

static void put_streams(struct api_reply *reply, const struct streams_request *asked,
                        const struct stats_snapshot *snapshot,
                        const struct api_connections *connections)
{
    struct loaded *streams = sorted(snapshot, asked->scope.side, asked->by == 1);
    if (!streams) {
        api_fail(reply, 503, "no memory for the answer");
        return;
    }
    struct json j = api_begin(reply);
    api_put_snapshot(&j, snapshot, &asked->scope);
    json_put_str(&j, "by", orders[asked->by]);
    json_key(&j, "streams");
    json_array(&j);
    for (size_t i = 0; i < snapshot->stream_count; i++)
        put_stream(&j, streams[i].stream, connections);
    json_array_end(&j);
    api_end(&j, reply);
    free(streams);
}

static void streams_handle(const struct api_request *request, struct api_reply *reply)
{
    struct api_connections connections;
    struct streams_request asked = {.by = 0};
    if (!api_scope(request, reply, &asked.scope) ||
        !api_word(request, reply, "by", orders, &asked.by) ||
        api_connections_read(&connections, request->context->engine, reply) < 0)
        return;
    if (api_connections_sort(&connections, reply) == 0) {
        const struct stats_snapshot *snapshot =
            api_snapshot(request->context, asked.scope.window, reply);
        if (snapshot)
            put_streams(reply, &asked, snapshot, &connections);
        stats_release(snapshot);
    }
    api_connections_free(&connections);
}

const struct api_route api_streams = {
    .path = "/api/v1/streams",
    .doc = "Streams (one for each identity) with their rates, connections and losses.",
    .parameters =
        (const struct api_parameter[]){
            {"by", "string",
             "Their order. load: the busiest first, by what they bring in the window, or of all "
             "the "
             "time by what they brought in the last minute; appearance: the first that came first; "
             "absent: appearance."},
            API_SIDE_PARAMETER,
            API_WINDOW_PARAMETER,
            {0}},
    .schema = "{" API_SNAPSHOT_SHAPE ", by: text, streams: [Stream]}",
    .handle = streams_handle,
};
