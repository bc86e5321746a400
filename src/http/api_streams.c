/* The streams: who sends, how fast, by which connection, and what was lost. */
#include <stdlib.h>

#include "core/roster.h"
#include "http/api_connections.h"
#include "http/api_statistics.h"

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

static void streams_handle(const struct http_request *request, struct http_reply *reply)
{
    struct api_connections connections;
    if (api_connections_read(&connections, request->context->pipeline, reply) < 0)
        return;
    if (api_connections_sort(&connections, reply) < 0) {
        api_connections_free(&connections);
        return;
    }
    const struct stats_snapshot *snapshot = stats_take(request->context->stats);
    struct json j = api_begin(reply);
    api_put_snapshot(&j, snapshot);
    json_key(&j, "streams");
    json_array(&j);
    for (size_t i = 0; i < snapshot->stream_count; i++)
        put_stream(&j, &snapshot->streams[i][STATS_CLIENT], &connections);
    json_array_end(&j);
    api_end(&j, reply);
    stats_release(snapshot);
    api_connections_free(&connections);
}

const struct http_route api_streams = {
    .path = "/api/v1/streams",
    .doc = "Streams (one for each identity) with their rates, connections and losses.",
    .schema = "{" API_SNAPSHOT_SHAPE ", streams: [Stream] (in order of first appearance)}",
    .handle = streams_handle,
};
