/*
 * The samples of dnstap-receiver 4.7.0 on /metrics, under its irregular names: of all streams
 * without labels, and of each stream with its identity. There every stream repeated all heads, and
 * most heads named other samples than followed; here a family comes once, and those whose names
 * belong to no type are untyped.
 */
#include <math.h>

#include "api/metrics.h"

static void each_identity(struct exposition *page, const struct metrics_view *view,
                          const struct metric *metric)
{
    const struct stats_snapshot *snapshot = view->snapshot;
    for (size_t i = 0; i < snapshot->stream_count && i < view->limits.streams; i++) {
        const struct stats_stream *stream = &snapshot->streams[i][STATS_CLIENT];
        struct span name = span_of(stream->name, stream->name_len);
        size_t outer = exposition_label(page, "identity", name);
        metric->one(page, view, metric, stream);
        exposition_unlabel(page, outer);
    }
}

static void only_total(struct exposition *page, const struct metrics_view *view,
                       const struct metric *metric)
{
    metric->one(page, view, metric, &view->snapshot->total[STATS_CLIENT]);
}

static void each(struct exposition *page, const struct metrics_view *view,
                 const struct metric *metric)
{
    only_total(page, view, metric);
    each_identity(page, view, metric);
}

/* `dnstap_queries_svr`, a slip of the pen for SRV, never counted anything. */
static void zero(struct exposition *page, const struct metrics_view *view,
                 const struct metric *metric, const void *stream)
{
    (void)view, (void)metric, (void)stream;
    exposition_sample(page, 0);
}

static uint64_t rate(const struct stats_stream *stream, enum stats_direction direction)
{
    return (uint64_t)llround(stream->rates[direction].last);
}

/* `at` has a bit for each direction. */
static void rates(struct exposition *page, const struct metrics_view *view,
                  const struct metric *metric, const void *stream)
{
    uint64_t sum = 0;
    (void)view;
    for (int direction = 0; direction < STATS_DIRECTIONS; direction++)
        if (metric->at >> direction & 1)
            sum += rate(stream, (enum stats_direction)direction);
    exposition_sample(page, sum);
}

/* Of a stream, names in messages of the kind that came last: a quirk which only --compat keeps. */
static void domains(struct exposition *page, const struct metrics_view *view,
                    const struct metric *metric, const void *thing)
{
    const struct stats_stream *stream = thing;
    uint64_t count = stream->distinct.domains;
    (void)metric;
    if (view->context->compat && stream != &view->snapshot->total[STATS_CLIENT])
        count = stream->last_direction == STATS_QUERY ? stream->distinct.asked
                                                      : stream->distinct.answered;
    exposition_sample(page, count);
}

/* A counter, but its name does not say so. */
#define UNTYPED(name, help, ...)                                                                   \
    {                                                                                              \
        {name, METRIC_UNTYPED, help}, __VA_ARGS__                                                  \
    }
#define COUNTED(name, help, place) UNTYPED(name, help, each, metrics_one_number, place)
#define QUERY(member) .at = offsetof(struct stats_stream, counters.direction[STATS_QUERY].member)
#define RESPONSE(member)                                                                           \
    .at = offsetof(struct stats_stream, counters.direction[STATS_RESPONSE].member)

static const struct metric table[] = {
    COUNTER("dnstap_queries_bytes", "Bytes of all queries.", only_total, metrics_one_number,
            QUERY(bytes)),
    UNTYPED("dnstap_queries_bytes", "Bytes of queries.", each_identity, metrics_one_number,
            QUERY(bytes)),
    COUNTER("dnstap_responses_bytes", "Bytes of all responses.", only_total, metrics_one_number,
            RESPONSE(bytes)),
    UNTYPED("dnstap_responses_bytes", "Bytes of responses.", each_identity, metrics_one_number,
            RESPONSE(bytes)),
    GAUGE("dnstap_pps", "Queries and responses in the last second.", each, rates, .at = 3),
    GAUGE("dnstap_qps", "Queries in the last second.", each, rates, .at = 1 << STATS_QUERY),
    GAUGE("dnstap_rps", "Responses in the last second.", each, rates, .at = 1 << STATS_RESPONSE),
    GAUGE("dnstap_domains", "Distinct names.", each, domains),
    GAUGE("dnstap_clients", "Distinct clients.", each, metrics_one_number,
          .at = offsetof(struct stats_stream, distinct.clients)),
    COUNTED("dnstap_queries", "Queries.", QUERY(events)),
    COUNTED("dnstap_queries_udp", "Queries over UDP.", QUERY(transport[DNSTAP_UDP])),
    COUNTED("dnstap_queries_tcp", "Queries over TCP.", QUERY(transport[DNSTAP_TCP])),
    COUNTED("dnstap_queries_inet", "Queries over IPv4.", QUERY(family[DNSTAP_INET])),
    COUNTED("dnstap_queries_inet6", "Queries over IPv6.", QUERY(family[DNSTAP_INET6])),
    COUNTED("dnstap_queries_a", "Queries for A.", QUERY(qtype[1])),
    COUNTED("dnstap_queries_aaaa", "Queries for AAAA.", QUERY(qtype[28])),
    UNTYPED("dnstap_queries_svr", "Always 0; see dnstap_queries_srv.", each, zero),
    COUNTED("dnstap_queries_srv", "Queries for SRV.", QUERY(qtype[33])),
    COUNTED("dnstap_responses", "Responses.", RESPONSE(events)),
    COUNTED("dnstap_response_udp", "Responses over UDP.", RESPONSE(transport[DNSTAP_UDP])),
    COUNTED("dnstap_response_tcp", "Responses over TCP.", RESPONSE(transport[DNSTAP_TCP])),
    COUNTED("dnstap_response_inet", "Responses over IPv4.", RESPONSE(family[DNSTAP_INET])),
    COUNTED("dnstap_response_inet6", "Responses over IPv6.", RESPONSE(family[DNSTAP_INET6])),
    COUNTED("dnstap_responses_noerror", "NOERROR responses.", RESPONSE(rcode[0])),
    COUNTED("dnstap_responses_nxdomain", "NXDOMAIN responses.", RESPONSE(rcode[3])),
    COUNTED("dnstap_responses_servfail", "SERVFAIL responses.", RESPONSE(rcode[2])),
    COUNTED("dnstap_responses_refused", "REFUSED responses.", RESPONSE(rcode[5])),
    COUNTED("dnstap_latency0_1", "Responses within 1 ms.", RESPONSE(bucket[0])),
    COUNTED("dnstap_latency1_10", "Responses in over 1 to 10 ms.", RESPONSE(bucket[1])),
    COUNTED("dnstap_latency10_50", "Responses in over 10 to 50 ms.", RESPONSE(bucket[2])),
    COUNTED("dnstap_latency50_100", "Responses in over 50 to 100 ms.", RESPONSE(bucket[3])),
    COUNTED("dnstap_latency100_1000", "Responses in over 100 ms to 1 s.", RESPONSE(bucket[4])),
    COUNTED("dnstap_latency_slow", "Responses in over 1 s.", RESPONSE(bucket[5])),
    {.each = NULL},
};

static bool wanted(const struct api_context *context)
{
    return context->legacy_metrics;
}

const struct metric_source receiver_metrics = {.wanted = wanted, .table = table};
