/* Families of what DNS servers have said, by stream and, most of them, by direction. */
#include <math.h>
#include <stdio.h>

#include "api/api.h"
#include "api/metrics.h"
#include "wire/dns.h"

/* --- numbers that stand side by side, told apart by a label --- */

enum { WORD_MAX = 32 };

struct array {
    const char *label;
    unsigned count;
    uint32_t always; /* a bit for each that is shown though it be zero: rate() wants to see the
                        beginning, and alerts something to compare with */
    const char *(*name)(unsigned i); /* NULL: it has none */
    const char *prefix;              /* goes before the number of what has no name */
};

#define BIT(i) (1u << (i))
#define ALL(count) ((1u << (count)) - 1)

static const char *rcode_name(unsigned i)
{
    return i == COUNTERS_RCODES - 1 ? "other" : dns_rcode_name(i);
}

static const char *transport_name(unsigned i)
{
    return i == 0 ? "unknown" : dnstap_protocol_name(i);
}

static const char *family_name(unsigned i)
{
    return i == 0 ? "unknown" : dnstap_family_name(i);
}

static const char *message_name(unsigned i)
{
    return i == 0 ? "unknown" : dnstap_message_type_name(i);
}

static const char *flag_name(unsigned i)
{
    return stats_flag_names[i];
}

static const char *broken_name(unsigned i)
{
    static const char *const names[] = {[SAMPLE_NO_DNS] = "header",
                                        [SAMPLE_BAD_QUESTION] = "question",
                                        [SAMPLE_BAD_RECORDS] = "records"};
    return names[SAMPLE_NO_DNS + i];
}

static const char *left_out_name(unsigned i)
{
    return stats_left_out_names[i];
}

static const char *udp_size_name(unsigned i)
{
    return stats_udp_size_names[i];
}

static const char *edns_version_name(unsigned i)
{
    return stats_edns_version_names[i];
}

/* From SAMPLE_CACHED on. */
static const char *cache_name(unsigned i)
{
    return i ? "miss" : "hit";
}

static const struct array rcodes = {"rcode", COUNTERS_RCODES, ALL(6), rcode_name, "RCODE"};
static const struct array opcodes = {"opcode", 16, BIT(0), dns_opcode_name, "OPCODE"};
static const struct array transports = {"transport", COUNTERS_TRANSPORTS,
                                        BIT(DNSTAP_UDP) | BIT(DNSTAP_TCP), transport_name, ""};
static const struct array families = {"family", COUNTERS_FAMILIES,
                                      BIT(DNSTAP_INET) | BIT(DNSTAP_INET6), family_name, ""};
static const struct array messages = {"type", COUNTERS_MESSAGES, 0, message_name, ""};
static const struct array flags = {"flag", COUNTERS_FLAGS, ALL(COUNTERS_FLAGS), flag_name, ""};
static const struct array broken = {"part", SAMPLE_LEFT_OUT - SAMPLE_NO_DNS,
                                    ALL(SAMPLE_LEFT_OUT - SAMPLE_NO_DNS), broken_name, ""};
static const struct array udp_sizes = {"size", COUNTERS_UDP_SIZES, ALL(COUNTERS_UDP_SIZES),
                                       udp_size_name, ""};
static const struct array edns_versions = {"version", COUNTERS_EDNS_VERSIONS,
                                           ALL(COUNTERS_EDNS_VERSIONS), edns_version_name, ""};
static const struct array cache = {"cache", 2, ALL(2), cache_name, ""};
static const struct array left_out = {"reason", COUNTERS_LEFT_OUT, ALL(COUNTERS_LEFT_OUT),
                                      left_out_name, ""};

static void one_array(struct exposition *page, const struct metrics_view *view,
                      const struct metric *metric, const void *thing)
{
    const struct array *array = metric->more;
    (void)view;
    for (unsigned i = 0; i < array->count; i++) {
        uint64_t value = metrics_number(thing, metric->at + i * sizeof value);
        if (value == 0 && !(array->always & BIT(i)))
            continue;
        char space[WORD_MAX];
        const char *name = array->name(i);
        if (!name)
            snprintf(space, sizeof space, "%s%u", array->prefix, i);
        metrics_labelled(page, array->label, name ? name : space, value);
    }
}

/* --- loops --- */

/* What is the stream's, whatever the side; the rest has none of it. The thing is a struct
 * stats_stream. */
static void each_whole(struct exposition *page, const struct metrics_view *view,
                       const struct metric *metric)
{
    for (size_t i = 0; i < view->stream_count && !view->streams[i].rest; i++) {
        size_t outer = exposition_label(page, "stream", view->streams[i].name);
        metric->one(page, view, metric, view->streams[i].side[STATS_CLIENT]);
        exposition_unlabel(page, outer);
    }
}

/* What a stream has on its sides: since the start, or in the window. */
static const struct stats_stream *since_start(const struct metrics_stream *stream,
                                              enum stats_side side)
{
    return stream->side[side];
}

static const struct stats_stream *known(const struct metrics_stream *stream, enum stats_side side)
{
    return stream->rest ? NULL : stream->side[side];
}

static const struct stats_stream *lately(const struct metrics_stream *stream, enum stats_side side)
{
    return stream->lately[side];
}

static void each_of(struct exposition *page, const struct metrics_view *view,
                    const struct metric *metric,
                    const struct stats_stream *(*of)(const struct metrics_stream *stream,
                                                     enum stats_side side),
                    void (*show)(struct exposition *page, const struct metrics_view *view,
                                 const struct metric *metric, const void *thing))
{
    for (size_t i = 0; i < view->stream_count; i++) {
        size_t outer = exposition_label(page, "stream", view->streams[i].name);
        for (enum stats_side side = 0; side < STATS_SIDES; side++) {
            const struct stats_stream *stream = of(&view->streams[i], side);
            if (!stream || !metrics_wants(view, metric, side))
                continue;
            size_t inner = metrics_side_label(page, side);
            if (of == lately)
                metrics_window_label(page, view);
            show(page, view, metric, stream);
            exposition_unlabel(page, inner);
        }
        exposition_unlabel(page, outer);
    }
}

/* The thing is a struct stats_stream. */
static void each_stream(struct exposition *page, const struct metrics_view *view,
                        const struct metric *metric)
{
    each_of(page, view, metric, since_start, metric->one);
}

/* Without the rest, of which only counters and rates are known. */
static void each_known(struct exposition *page, const struct metrics_view *view,
                       const struct metric *metric)
{
    each_of(page, view, metric, known, metric->one);
}

/* Of the window. */
static void each_lately(struct exposition *page, const struct metrics_view *view,
                        const struct metric *metric)
{
    each_of(page, view, metric, lately, metric->one);
}

static void by_direction(struct exposition *page, const struct metrics_view *view,
                         const struct metric *metric, const void *thing)
{
    const struct stats_stream *stream = thing;
    for (int direction = 0; direction < STATS_DIRECTIONS; direction++) {
        size_t outer = exposition_label(page, "direction", span_str(api_directions[direction]));
        metric->one(page, view, metric, &stream->counters.direction[direction]);
        exposition_unlabel(page, outer);
    }
}

/* The thing is a struct stats_direction_counters. */
static void each_direction(struct exposition *page, const struct metrics_view *view,
                           const struct metric *metric)
{
    each_of(page, view, metric, since_start, by_direction);
}

/* The same of the window, where one was asked for. */
static void each_direction_asked(struct exposition *page, const struct metrics_view *view,
                                 const struct metric *metric)
{
    if (view->scope.lately)
        each_of(page, view, metric, lately, by_direction);
}

/* --- what is written for each --- */

/* Types that are shown by name, and all others together. */
static void one_qtypes(struct exposition *page, const struct metrics_view *view,
                       const struct metric *metric, const void *thing)
{
    const struct stats_direction_counters *direction = thing;
    uint64_t other = 0;
    (void)metric;
    for (unsigned i = 0; i < COUNTERS_RARE; i++)
        other += direction->rare_qtype[i];
    for (unsigned i = 0; i < COUNTERS_QTYPES; i++) {
        if (!view->type_shown[i])
            other += direction->qtype[i];
        else
            metrics_labelled(page, "qtype", dns_type_name((uint16_t)i), direction->qtype[i]);
    }
    metrics_labelled(page, "qtype", "other", other);
    metrics_labelled(page, "qtype", "none", direction->no_qtype);
}

static void one_rates(struct exposition *page, const struct metrics_view *view,
                      const struct metric *metric, const void *thing)
{
    static const struct {
        const char *over;
        size_t at; /* in struct stats_rates */
    } windows[] = {
        {"1s", offsetof(struct stats_rates, last)},
        {"1m", offsetof(struct stats_rates, minute)},
        {"15m", offsetof(struct stats_rates, quarter)},
    };
    const struct stats_stream *stream = thing;
    (void)view, (void)metric;
    for (int direction = 0; direction < STATS_DIRECTIONS; direction++) {
        size_t outer = exposition_label(page, "direction", span_str(api_directions[direction]));
        for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
            double rate;
            memcpy(&rate, (const char *)&stream->rates[direction] + windows[i].at, sizeof rate);
            size_t inner = exposition_label(page, "over", span_str(windows[i].over));
            exposition_decimal(page, rate > 0 ? (uint64_t)llround(rate * 1000) : 0, 3);
            exposition_unlabel(page, inner);
        }
        exposition_unlabel(page, outer);
    }
}

static void one_domains(struct exposition *page, const struct metrics_view *view,
                        const struct metric *metric, const void *thing)
{
    const struct stats_distinct *distinct = &((const struct stats_stream *)thing)->distinct;
    (void)view, (void)metric;
    metrics_labelled(page, "in", "any", distinct->domains);
    metrics_labelled(page, "in", "queries", distinct->asked);
    metrics_labelled(page, "in", "responses", distinct->answered);
}

/* In seconds. */
static void one_quantiles(struct exposition *page, const struct metrics_view *view,
                          const struct metric *metric, const void *thing)
{
    const uint64_t *latency = ((const struct stats_stream *)thing)->counters.latency;
    uint64_t timed = quantile_total(latency);
    (void)metric;
    for (size_t i = 0; view->scope.lately && timed && i < QUANTILES_SHOWN; i++) {
        size_t outer = exposition_text_label(page, "q", span_str(quantile_shown[i].word));
        exposition_decimal(page, quantile_of(latency, timed, quantile_shown[i].q), 9);
        exposition_unlabel(page, outer);
    }
}

static void one_source_loss(struct exposition *page, const struct metrics_view *view,
                            const struct metric *metric, const void *thing)
{
    double loss = stats_source_loss(thing);
    (void)view, (void)metric;
    if (!isnan(loss))
        exposition_decimal(page, (uint64_t)llround(loss * 1e9), 9);
}

/* Numbers without a name are not shown. */
static void one_tick(struct exposition *page, const struct metrics_view *view,
                     const struct metric *metric, const void *thing)
{
    uint64_t tick_ns = ((const struct stats_stream *)thing)->tick_ns;
    (void)view, (void)metric;
    if (tick_ns)
        exposition_decimal(page, tick_ns, 9);
}

static void one_age(struct exposition *page, const struct metrics_view *view,
                    const struct metric *metric, const void *thing)
{
    double age = ((const struct stats_stream *)thing)->times.age;
    (void)view, (void)metric;
    if (!isnan(age))
        exposition_signed(page, llround(age * 1e3), 3);
}

/* The bounds are those of stats_size_bounds. */
static void one_sizes(struct exposition *page, const struct metrics_view *view,
                      const struct metric *metric, const void *thing)
{
    const struct stats_direction_counters *direction = thing;
    struct metric_bucket buckets[COUNTERS_SIZES - 1];
    char bounds[COUNTERS_SIZES - 1][WORD_MAX];
    (void)view, (void)metric;
    for (int i = 0; i < COUNTERS_SIZES - 1; i++) {
        snprintf(bounds[i], WORD_MAX, "%u.0", stats_size_bounds[i]);
        buckets[i] = (struct metric_bucket){bounds[i], direction->size[i]};
    }
    exposition_histogram(page, buckets, COUNTERS_SIZES - 1, direction->size[COUNTERS_SIZES - 1],
                         direction->bytes, 0);
}

/*
 * From the sketch's 2050 buckets, 64 to one here: the bounds are the rows of the page's heat map,
 * powers of two from 2^10 ns (a microsecond) on. They are bounds of the sketch, too, so what is
 * counted is exact, but for a latency that is a bound to the nanosecond: it counts as above.
 */
enum { LATENCY_BOUNDS = 25 /* up to 17 s: a server that takes longer is no longer waited for */ };

static void one_latency(struct exposition *page, const struct metrics_view *view,
                        const struct metric *metric, const void *thing)
{
    const struct stats_counters *counters = &((const struct stats_stream *)thing)->counters;
    struct metric_bucket buckets[LATENCY_BOUNDS];
    char bounds[LATENCY_BOUNDS][WORD_MAX];
    unsigned at = 0;
    (void)view, (void)metric;
    for (unsigned i = 0; i < LATENCY_BOUNDS; i++) {
        unsigned end = (i << QUANTILE_SUB_BITS) + 1;
        snprintf(bounds[i], WORD_MAX, "%.12g", (double)quantile_lower(end) / 1e9);
        buckets[i] = (struct metric_bucket){.le = bounds[i]};
        while (at < end)
            buckets[i].count += counters->latency[at++];
    }
    uint64_t above = 0;
    while (at < QUANTILE_BUCKETS)
        above += counters->latency[at++];
    exposition_histogram(page, buckets, LATENCY_BOUNDS, above,
                         counters->direction[STATS_RESPONSE].latency_sum_us, 6);
}

/* Of those known transports over which responses with a latency have come. The bounds are powers of
 * two, as above. */
static void one_transport_latency(struct exposition *page, const struct metrics_view *view,
                                  const struct metric *metric, const void *thing)
{
    enum { BOUNDS = QUANTILE_STEPS_TO - QUANTILE_STEPS_FROM + 1 };
    const struct stats_counters *counters = &((const struct stats_stream *)thing)->counters;
    char bounds[BOUNDS][WORD_MAX];
    (void)view, (void)metric;
    for (unsigned i = 0; i < BOUNDS; i++)
        snprintf(bounds[i], WORD_MAX, "%.12g",
                 (double)quantile_step_lower(i * QUANTILE_POWER_STEPS + 1) / 1e9);
    for (unsigned transport = 1; transport < COUNTERS_TRANSPORTS; transport++) {
        const uint64_t *steps = stats_steps(counters, transport);
        struct metric_bucket buckets[BOUNDS];
        if (counters->transport_timed[transport] == 0)
            continue;
        for (unsigned i = 0; i < BOUNDS; i++)
            buckets[i] = (struct metric_bucket){.le = bounds[i]};
        for (unsigned step = 0; step < QUANTILE_STEPS - 1; step++)
            buckets[(step + QUANTILE_POWER_STEPS - 1) / QUANTILE_POWER_STEPS].count += steps[step];
        size_t outer = exposition_label(page, "transport", span_str(transport_name(transport)));
        exposition_histogram(page, buckets, BOUNDS, steps[QUANTILE_STEPS - 1],
                             counters->transport_latency_us[transport], 6);
        exposition_unlabel(page, outer);
    }
}

/* --- the families --- */

#define DIRECTION(member) .at = offsetof(struct stats_direction_counters, member)
#define STREAM(member) .at = offsetof(struct stats_stream, member)
#define RESPONSE(member) STREAM(counters.direction[STATS_RESPONSE].member)

/* Where memory is short (struct stats_snapshot). */
#define SINCE ", or since spile_window_begin_timestamp_seconds of distinct, if that is later."

static const struct metric table[] = {
    COUNTER("spile_events", "DNS messages seen.", each_direction, metrics_one_number,
            DIRECTION(events)),
    COUNTER("spile_dns_bytes", "Bytes of these DNS messages.", each_direction, metrics_one_number,
            DIRECTION(bytes)),
    COUNTER("spile_dnstap_messages", "Events by type of dnstap message.", each_stream, one_array,
            STREAM(counters.message), &messages),
    COUNTER("spile_responses_by_rcode", "Responses by rcode.", each_stream, one_array,
            RESPONSE(rcode), &rcodes),
    COUNTER("spile_responses_nodata",
            "Responses that say NOERROR, but have no answer and are no referral.", each_stream,
            metrics_one_number, RESPONSE(marks[SAMPLE_NODATA])),
    COUNTER("spile_events_by_qtype", "Events by type asked for.", each_direction, one_qtypes),
    COUNTER("spile_events_by_transport", "Events by transport of the DNS message.", each_direction,
            one_array, DIRECTION(transport), &transports),
    COUNTER("spile_events_by_family", "Events by address family.", each_direction, one_array,
            DIRECTION(family), &families),
    COUNTER("spile_events_by_opcode", "Events by opcode.", each_direction, one_array,
            DIRECTION(opcode), &opcodes),
    COUNTER("spile_events_by_flag", "Events by flag of the DNS header that is set.", each_direction,
            one_array, DIRECTION(flags), &flags),
    COUNTER("spile_events_with_edns", "Events with an OPT record.", each_direction,
            metrics_one_number, DIRECTION(marks[SAMPLE_EDNS])),
    COUNTER("spile_events_with_do", "Events whose OPT record has the DO flag.", each_direction,
            metrics_one_number, DIRECTION(marks[SAMPLE_DO])),
    COUNTER("spile_events_by_edns_udp_size",
            "Events with an OPT record, over any transport, by the UDP payload size that it says "
            "the sender can take; 512 is for as much or less.",
            each_direction, one_array, DIRECTION(udp_size), &udp_sizes),
    COUNTER("spile_events_by_edns_version", "Events with an OPT record by its version.",
            each_direction, one_array, DIRECTION(edns_version), &edns_versions),
    COUNTER("spile_events_malformed",
            "Events whose DNS message breaks off or is wrong, by the part that cannot be read; "
            "records behind the OPT record are not looked at.",
            each_direction, one_array, DIRECTION(marks[SAMPLE_NO_DNS]), &broken),
    HISTOGRAM("spile_dns_message_size_bytes", "Length of DNS messages.", each_direction, one_sizes),
    HISTOGRAM(
        "spile_response_latency_seconds",
        "Time from the server's receipt of a query to its answer, where it is known; queues of "
        "its sockets are not in it.",
        each_stream, one_latency),
    HISTOGRAM("spile_transport_latency_seconds",
              "The same by transport, of those over which such responses have come.", each_stream,
              one_transport_latency),
    COUNTER("spile_latency_left_out",
            "Responses whose latency is none: they came before their query, or later than "
            "latency-window.",
            each_stream, one_array, RESPONSE(marks[SAMPLE_LEFT_OUT]), &left_out),
    COUNTER("spile_queries_unanswered",
            "Queries whose response should have come within latency-window, and has not; upstream: "
            "time-outs.",
            each_stream, metrics_one_number, STREAM(counters.loss[LOSS_UNANSWERED])),
    COUNTER("spile_responses_unasked", "Responses whose query should have come, and has not.",
            each_stream, metrics_one_number, STREAM(counters.loss[LOSS_UNASKED])),
    COUNTER(
        "spile_queries_retried",
        "Questions to others for a name and type that had been asked for, and had no answer yet.",
        each_stream, metrics_one_number,
        STREAM(counters.direction[STATS_QUERY].marks[SAMPLE_AGAIN]),
        .sides = METRICS_OF(STATS_UPSTREAM)),
    COUNTER("spile_responses_truncated_udp", "Responses over UDP with TC.", each_stream,
            metrics_one_number, RESPONSE(marks[SAMPLE_TRUNCATED])),
    COUNTER(
        "spile_queries_after_truncation",
        "Queries over TCP that follow such a response to the same client, or of the same server, "
        "about the same name and type.",
        each_stream, metrics_one_number,
        STREAM(counters.direction[STATS_QUERY].marks[SAMPLE_AFTER_TRUNCATED])),
    COUNTER("spile_responses_by_cache",
            "Responses to clients, of servers that ask others, by whether somebody was asked for "
            "their name and type while the client waited (miss) or not (hit).",
            each_stream, one_array, RESPONSE(marks[SAMPLE_CACHED]), &cache,
            .sides = METRICS_OF(STATS_CLIENT)),
    GAUGE("spile_stream_source_loss_ratio",
          "The part of its frames that the server has probably dropped before it sent them, an "
          "estimate from halves of exchanges, where both queries and responses come.",
          each_known, one_source_loss),
    GAUGE("spile_events_per_second",
          "Events a second over the time named; while the collector has run for less, since its "
          "start.",
          each_stream, one_rates),
    GAUGE("spile_stream_clients", "Distinct clients of a stream in the window" SINCE, each_lately,
          metrics_one_number, STREAM(distinct.clients), .sides = METRICS_OF(STATS_CLIENT)),
    GAUGE("spile_stream_servers", "Distinct servers that a stream has asked in the window" SINCE,
          each_lately, metrics_one_number, STREAM(distinct.servers),
          .sides = METRICS_OF(STATS_UPSTREAM)),
    GAUGE("spile_stream_domains", "Distinct names in the messages of a stream in the window" SINCE,
          each_lately, one_domains),
    GAUGE("spile_window_events", "DNS messages seen in the window; only where one is asked for.",
          each_direction_asked, metrics_one_number, DIRECTION(events)),
    GAUGE("spile_window_latency_seconds",
          "Quantiles of the latencies in the window, within 1 %; only where one is asked for.",
          each_lately, one_quantiles),
    GAUGE(
        "spile_stream_clock_tick_seconds",
        "How coarsely the clock of a stream ticks, estimated from its times, where it can be seen: "
        "shorter latencies come out as 0 or a tick.",
        each_whole, one_tick),
    GAUGE("spile_stream_first_seen_timestamp_seconds", "When the first event of a stream came.",
          each_whole, metrics_one_time, STREAM(first_seen_ms)),
    GAUGE("spile_stream_last_seen_timestamp_seconds", "When the last event of a stream came.",
          each_whole, metrics_one_time, STREAM(last_seen_ms)),
    GAUGE("spile_stream_event_age_seconds",
          "By how much the newest event of those that came last arrived after its own time; "
          "negative: before it. Far from 0 it is a recording, or a server whose clock is wrong.",
          each_whole, one_age),
    {.each = NULL},
};

const struct metric_source metrics_streams = {.table = table};
