#include "http/metrics.h"

#include <stdlib.h>

#include "wire/dns.h"

/* --- which streams and types are shown --- */

static const char rest_name[] = "other";

/* Counters are nothing but uint64_t up to rare_type. Rare types have slots as they came, so these
 * may well become negative: their sum, which is all that is shown of them, is right modulo 2^64. */
static void subtract_counters(struct stats_counters *from, const struct stats_counters *counters)
{
    uint64_t *to = (uint64_t *)from;
    const uint64_t *less = (const uint64_t *)counters;
    for (size_t i = 0; i < offsetof(struct stats_counters, rare_type) / sizeof *to; i++)
        to[i] -= less[i];
}

static void subtract_rates(struct stats_rates *from, const struct stats_rates *rates)
{
    from->last -= rates->last;
    from->minute -= rates->minute;
    from->quarter -= rates->quarter;
}

static void subtract_stream(struct stats_stream *from, const struct stats_stream *stream)
{
    subtract_counters(&from->counters, &stream->counters);
    for (int direction = 0; direction < STATS_DIRECTIONS; direction++)
        subtract_rates(&from->rates[direction], &stream->rates[direction]);
}

static bool is_rest(const struct stats_stream *stream)
{
    return span_equal(span_of(stream->name, stream->name_len), span_str(rest_name));
}

/*
 * The first streams have samples of their own; what the total has beyond them is "other", as is a
 * stream that calls itself so. Sums over all streams are then always those of the total. `rest` has
 * the total at first.
 */
static void view_streams(struct metrics_view *view, struct stats_stream *rest)
{
    const struct stats_snapshot *snapshot = view->snapshot;
    for (size_t i = 0; i < snapshot->stream_count && view->stream_count < view->limits.streams;
         i++) {
        const struct stats_stream *stream = &snapshot->streams[i][STATS_CLIENT];
        if (is_rest(stream))
            continue;
        subtract_stream(rest, stream);
        view->streams[view->stream_count++] = (struct metrics_stream){
            .name = span_of(stream->name, stream->name_len), .stream = stream};
    }
    const struct stats_direction_counters *direction = rest->counters.direction;
    if (direction[STATS_QUERY].events || direction[STATS_RESPONSE].events)
        view->streams[view->stream_count++] =
            (struct metrics_stream){.name = span_str(rest_name), .stream = rest, .rest = true};
}

struct seen_type {
    unsigned type;
    uint64_t count;
};

/* The most frequent first, then by number. */
static int by_count(const void *a, const void *b)
{
    const struct seen_type *one = a, *two = b;
    if (one->count != two->count)
        return one->count < two->count ? 1 : -1;
    return one->type < two->type ? -1 : 1;
}

/* Types seen that have a name, at most so many. (Anybody can ask for types without a name.) */
static void view_types(struct metrics_view *view)
{
    const struct stats_direction_counters *direction =
        view->snapshot->total[STATS_CLIENT].counters.direction;
    struct seen_type seen[COUNTERS_QTYPES];
    size_t count = 0;
    for (unsigned i = 0; i < COUNTERS_QTYPES; i++) {
        uint64_t hits = direction[STATS_QUERY].qtype[i] + direction[STATS_RESPONSE].qtype[i];
        if (hits && dns_type_name((uint16_t)i))
            seen[count++] = (struct seen_type){i, hits};
    }
    qsort(seen, count, sizeof *seen, by_count);
    for (size_t i = 0; i < count && i < view->limits.types; i++)
        view->type_shown[seen[i].type] = true;
}

/* --- the page --- */

void metrics_once(struct exposition *page, const struct metrics_view *view,
                  const struct metric *metric)
{
    metric->one(page, view, metric, view);
}

void metrics_labelled(struct exposition *page, const char *label, const char *word, uint64_t value)
{
    size_t outer = exposition_text_label(page, label, span_str(word));
    exposition_sample(page, value);
    exposition_unlabel(page, outer);
}

void metrics_one_number(struct exposition *page, const struct metrics_view *view,
                        const struct metric *metric, const void *thing)
{
    (void)view;
    exposition_sample(page, metrics_number(thing, metric->at));
}

void metrics_one_time(struct exposition *page, const struct metrics_view *view,
                      const struct metric *metric, const void *thing)
{
    uint64_t ms = metrics_number(thing, metric->at);
    (void)view;
    if (ms)
        exposition_decimal(page, ms, 3);
}

static void write_sources(struct exposition *page, const struct metrics_view *view)
{
    for (const struct metric_source *const *source = metric_sources; *source; source++) {
        if ((*source)->wanted && !(*source)->wanted(view->context))
            continue;
        for (const struct metric *metric = (*source)->table; metric->each; metric++) {
            exposition_family(page, &metric->family);
            metric->each(page, view, metric);
        }
    }
}

void metrics_write(struct buf *out, const struct http_context *context,
                   const struct stats_snapshot *snapshot, const struct metrics_limits *limits,
                   bool openmetrics)
{
    struct metrics_view view = {.context = context, .snapshot = snapshot, .limits = *limits};
    struct stats_stream *rest = malloc(sizeof *rest);
    view.streams = calloc(snapshot->stream_count + 1, sizeof *view.streams);
    if (rest && view.streams) {
        *rest = snapshot->total[STATS_CLIENT];
        view_streams(&view, rest);
        view_types(&view);
        struct exposition page;
        exposition_begin(&page, out, openmetrics);
        write_sources(&page, &view);
        exposition_end(&page);
    } else {
        out->failed = true;
    }
    free(view.streams);
    free(rest);
}

static void handle(const struct http_request *request, struct http_reply *reply)
{
    const struct http_context *context = request->context;
    const struct http_settings *web = config_section(context->config, "web");
    bool openmetrics = !context->legacy_metrics &&
                       exposition_wants_openmetrics(request->header(request, "Accept"));
    const struct stats_snapshot *snapshot = stats_fresh(context->stats);
    metrics_write(&reply->body, context, snapshot, &web->metrics, openmetrics);
    stats_release(snapshot);
    reply->content_type = openmetrics ? exposition_openmetrics_type : exposition_text_type;
}

const struct http_route metrics_route = {
    .path = "/metrics",
    .method = HTTP_GET,
    .access = ACCESS_LEGACY,
    .ignores_unknown = true,
    .doc = "For Prometheus: text format 0.0.4, or OpenMetrics 1.0 where the client asks for it and "
           "legacy names are off.",
    .handle = handle,
};
