/*
 * The samples of dnstap-receiver 4.7.0 on /metrics, under its irregular names: of all streams
 * without labels, and of each stream with its identity. There every stream repeated all heads, and
 * most heads named other samples than followed; here a family comes once, and those whose names
 * belong to no type are untyped.
 */
#include <math.h>

#include "http/metrics.h"

/* Writes a family's samples: `one` gets a struct stats_stream, the total first. */
static void each_identity(struct exposition *page, const struct metrics_view *view,
                          const struct metric *metric)
{
    for (size_t i = 0; i < view->stream_count; i++) {
        if (view->streams[i].rest)
            continue;
        size_t outer = exposition_label(page, "identity", view->streams[i].name);
        metric->one(page, view, metric, view->streams[i].stream);
        exposition_unlabel(page, outer);
    }
}

static void only_total(struct exposition *page, const struct metrics_view *view,
                       const struct metric *metric)
{
    metric->one(page, view, metric, &view->snapshot->total);
}

static void each(struct exposition *page, const struct metrics_view *view,
                 const struct metric *metric)
{
    only_total(page, view, metric);
    each_identity(page, view, metric);
}

static void number(struct exposition *page, const struct metrics_view *view,
                   const struct metric *metric, const void *stream)
{
    (void)view;
    exposition_sample(page, metrics_number(stream, metric->at));
}

/* `dnstap_queries_svr`, a slip of the pen for SRV, never counted anything. */
static void zero(struct exposition *page, const struct metrics_view *view,
                 const struct metric *metric, const void *stream)
{
    (void)view, (void)metric, (void)stream;
    exposition_sample(page, 0);
}

static uint64_t rate(const struct stats_stream *stream, enum stats_side side)
{
    return (uint64_t)llround(stream->rates[side].last);
}

/* `at` has a bit for each side. */
static void rates(struct exposition *page, const struct metrics_view *view,
                  const struct metric *metric, const void *stream)
{
    uint64_t sum = 0;
    (void)view;
    for (int side = 0; side < STATS_SIDES; side++)
        if (metric->at >> side & 1)
            sum += rate(stream, (enum stats_side)side);
    exposition_sample(page, sum);
}

/* Of a stream, names in messages of the kind that came last: a quirk which only --compat keeps. */
static void domains(struct exposition *page, const struct metrics_view *view,
                    const struct metric *metric, const void *thing)
{
    const struct stats_stream *stream = thing;
    uint64_t count = stream->distinct.domains;
    (void)metric;
    if (view->context->compat && stream != &view->snapshot->total)
        count =
            stream->last_side == STATS_QUERY ? stream->distinct.asked : stream->distinct.answered;
    exposition_sample(page, count);
}

#define UNTYPED(name, help, ...)                                                                   \
    {                                                                                              \
        {name, METRIC_UNTYPED, help}, __VA_ARGS__                                                  \
    }
#define QUERY(member) .at = offsetof(struct stats_stream, counters.side[STATS_QUERY].member)
#define RESPONSE(member) .at = offsetof(struct stats_stream, counters.side[STATS_RESPONSE].member)

static const struct metric table[] = {
    COUNTER("dnstap_queries_bytes", "Bytes of all queries.", only_total, number, QUERY(bytes)),
    UNTYPED("dnstap_queries_bytes", "Bytes of queries.", each_identity, number, QUERY(bytes)),
    COUNTER("dnstap_responses_bytes", "Bytes of all responses.", only_total, number,
            RESPONSE(bytes)),
    UNTYPED("dnstap_responses_bytes", "Bytes of responses.", each_identity, number,
            RESPONSE(bytes)),
    GAUGE("dnstap_pps", "Queries and responses in the last second.", each, rates, .at = 3),
    GAUGE("dnstap_qps", "Queries in the last second.", each, rates, .at = 1 << STATS_QUERY),
    GAUGE("dnstap_rps", "Responses in the last second.", each, rates, .at = 1 << STATS_RESPONSE),
    GAUGE("dnstap_domains", "Distinct names.", each, domains),
    GAUGE("dnstap_clients", "Distinct clients.", each, number,
          .at = offsetof(struct stats_stream, distinct.clients)),
    UNTYPED("dnstap_queries", "Queries.", each, number, QUERY(events)),
    UNTYPED("dnstap_queries_udp", "Queries over UDP.", each, number, QUERY(transport[DNSTAP_UDP])),
    UNTYPED("dnstap_queries_tcp", "Queries over TCP.", each, number, QUERY(transport[DNSTAP_TCP])),
    UNTYPED("dnstap_queries_inet", "Queries over IPv4.", each, number, QUERY(family[DNSTAP_INET])),
    UNTYPED("dnstap_queries_inet6", "Queries over IPv6.", each, number,
            QUERY(family[DNSTAP_INET6])),
    UNTYPED("dnstap_queries_a", "Queries for A.", each, number, QUERY(qtype[1])),
    UNTYPED("dnstap_queries_aaaa", "Queries for AAAA.", each, number, QUERY(qtype[28])),
    UNTYPED("dnstap_queries_svr", "Always 0; see dnstap_queries_srv.", each, zero),
    UNTYPED("dnstap_queries_srv", "Queries for SRV.", each, number, QUERY(qtype[33])),
    UNTYPED("dnstap_responses", "Responses.", each, number, RESPONSE(events)),
    UNTYPED("dnstap_response_udp", "Responses over UDP.", each, number,
            RESPONSE(transport[DNSTAP_UDP])),
    UNTYPED("dnstap_response_tcp", "Responses over TCP.", each, number,
            RESPONSE(transport[DNSTAP_TCP])),
    UNTYPED("dnstap_response_inet", "Responses over IPv4.", each, number,
            RESPONSE(family[DNSTAP_INET])),
    UNTYPED("dnstap_response_inet6", "Responses over IPv6.", each, number,
            RESPONSE(family[DNSTAP_INET6])),
    UNTYPED("dnstap_responses_noerror", "NOERROR responses.", each, number, RESPONSE(rcode[0])),
    UNTYPED("dnstap_responses_nxdomain", "NXDOMAIN responses.", each, number, RESPONSE(rcode[3])),
    UNTYPED("dnstap_responses_servfail", "SERVFAIL responses.", each, number, RESPONSE(rcode[2])),
    UNTYPED("dnstap_responses_refused", "REFUSED responses.", each, number, RESPONSE(rcode[5])),
    UNTYPED("dnstap_latency0_1", "Responses within 1 ms.", each, number, RESPONSE(bucket[0])),
    UNTYPED("dnstap_latency1_10", "Responses in over 1 to 10 ms.", each, number,
            RESPONSE(bucket[1])),
    UNTYPED("dnstap_latency10_50", "Responses in over 10 to 50 ms.", each, number,
            RESPONSE(bucket[2])),
    UNTYPED("dnstap_latency50_100", "Responses in over 50 to 100 ms.", each, number,
            RESPONSE(bucket[3])),
    UNTYPED("dnstap_latency100_1000", "Responses in over 100 ms to 1 s.", each, number,
            RESPONSE(bucket[4])),
    UNTYPED("dnstap_latency_slow", "Responses in over 1 s.", each, number, RESPONSE(bucket[5])),
    {.each = NULL},
};

static bool wanted(const struct http_context *context)
{
    return context->legacy_metrics;
}

const struct metric_source receiver_metrics = {.wanted = wanted, .table = table};
