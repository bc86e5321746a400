#include "api/metrics.h"

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

static bool has_events(const struct stats_stream *stream)
{
    const struct stats_direction_counters *direction = stream->counters.direction;
    return direction[STATS_QUERY].events || direction[STATS_RESPONSE].events;
}

bool metrics_wants(const struct metrics_view *view, const struct metric *metric,
                   enum stats_side side)
{
    return (view->scope.sides & (metric->sides ? metric->sides : METRICS_BOTH_SIDES) &
            METRICS_OF(side)) != 0;
}

/*
 * The first streams have samples of their own; what the total has beyond them is "other", as is a
 * stream that calls itself so. Sums over all streams are then always those of the total. Upstream
 * there is only who has ever asked others. `rest` has the totals at first.
 */
static void view_streams(struct metrics_view *view, struct stats_stream rest[STATS_SIDES])
{
    const struct stats_snapshot *snapshot = view->snapshot;
    for (size_t i = 0; i < snapshot->stream_count && view->stream_count < view->limits.streams;
         i++) {
        const struct stats_stream *sides = snapshot->streams[i];
        if (is_rest(sides))
            continue;
        struct metrics_stream *stream = &view->streams[view->stream_count++];
        stream->name = span_of(sides->name, sides->name_len);
        int found =
            snapshot == view->lately ? (int)i : stats_snapshot_find(view->lately, stream->name);
        for (enum stats_side side = 0; side < STATS_SIDES; side++) {
            subtract_stream(&rest[side], &sides[side]);
            if (side != STATS_CLIENT && !has_events(&sides[side]))
                continue;
            stream->side[side] = &sides[side];
            if (found != STATS_ALL)
                stream->lately[side] = stats_snapshot_at(view->lately, found, side);
        }
    }
    struct metrics_stream other = {.name = span_str(rest_name), .rest = true};
    for (int side = 0; side < STATS_SIDES; side++)
        other.side[side] = has_events(&rest[side]) ? &rest[side] : NULL;
    if (other.side[STATS_CLIENT] || other.side[STATS_UPSTREAM])
        view->streams[view->stream_count++] = other;
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

static uint64_t type_hits(const struct stats_stream *stream, unsigned type)
{
    const struct stats_direction_counters *direction = stream->counters.direction;
    return direction[STATS_QUERY].qtype[type] + direction[STATS_RESPONSE].qtype[type];
}

/* Types seen that have a name, at most so many. (Anybody can ask for types without a name.) */
static void view_types(struct metrics_view *view)
{
    const struct stats_stream *total = view->snapshot->total;
    struct seen_type seen[COUNTERS_QTYPES];
    size_t count = 0;
    for (unsigned i = 0; i < COUNTERS_QTYPES; i++) {
        uint64_t hits = type_hits(&total[STATS_CLIENT], i) + type_hits(&total[STATS_UPSTREAM], i);
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

size_t metrics_side_label(struct exposition *page, enum stats_side side)
{
    return exposition_text_label(page, "side", span_str(stats_side_name(side)));
}

size_t metrics_window_label(struct exposition *page, const struct metrics_view *view)
{
    return exposition_text_label(page, "window", span_str(stats_window_name(view->scope.window)));
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

void metrics_write(struct buf *out, struct metrics_view *view, bool openmetrics)
{
    struct stats_stream *rest = malloc(STATS_SIDES * sizeof *rest);
    view->streams = calloc(view->snapshot->stream_count + 1, sizeof *view->streams);
    if (rest && view->streams) {
        memcpy(rest, view->snapshot->total, STATS_SIDES * sizeof *rest);
        view_streams(view, rest);
        view_types(view);
        struct exposition page;
        exposition_begin(&page, out, openmetrics);
        write_sources(&page, view);
        exposition_end(&page);
    } else {
        out->failed = true;
    }
    free(view->streams);
    free(rest);
}

/* Under --compat no parameter is known, and all is on one side. False: the reply is a 400. */
static bool read_scope(const struct api_request *request, struct api_reply *reply,
                       struct metrics_scope *scope)
{
    struct api_scope asked;
    *scope = (struct metrics_scope){.sides = METRICS_BOTH_SIDES};
    if (request->context->compat)
        return true;
    if (!api_scope(request, reply, &asked))
        return false;
    if (api_parameter(request, "side").ptr)
        scope->sides = METRICS_OF(asked.side);
    scope->window = asked.window;
    scope->lately = asked.asked;
    return true;
}

/* What the page is of: one moment, which is now. Where it shows no tables that of the snapshot
 * alone is enough. */
static void take_moment(const struct api_context *context, struct metrics_view *view,
                        struct api_reply *reply)
{
    const struct stats_snapshot *fresh = stats_fresh(context->stats);
    view->torn = reply->torn;
    if (view->scope.window != WINDOW_ALL) {
        view->lately = api_moment(context, view->scope.window, reply, &view->snapshot);
        stats_release(fresh);
        return;
    }
    reply->version = fresh && view->limits.top ? fresh->version : 0;
    view->snapshot = fresh;
    view->lately = fresh ? stats_hold(fresh) : NULL;
}

static void write_page(const struct api_request *request, struct api_reply *reply,
                       struct metrics_view *view)
{
    const struct api_context *context = request->context;
    bool openmetrics =
        !context->legacy_metrics && exposition_wants_openmetrics(api_header(request, "Accept"));
    take_moment(context, view, reply);
    if (!view->lately)
        return;
    metrics_write(&reply->body, view, openmetrics);
    stats_release(view->lately);
    stats_release(view->snapshot);
    reply->content_type = openmetrics ? exposition_openmetrics_type : exposition_text_type;
}

static void handle(const struct api_request *request, struct api_reply *reply)
{
    struct metrics_view view = {.context = request->context, .limits = request->context->metrics};
    if (read_scope(request, reply, &view.scope))
        write_page(request, reply, &view);
}

const struct api_route metrics_route = {
    .path = "/metrics",
    .method = API_GET,
    .access = ACCESS_LEGACY,
    .ignores_unknown = true,
    .doc = "For Prometheus: text format 0.0.4, or OpenMetrics 1.0 where the client asks for it and "
           "legacy names are off. Counters are since the start; what is of a window has the label "
           "window.",
    .parameters =
        (const struct api_parameter[]){
            {"side", "string",
             "Only what is counted on this side, client or upstream; absent: both, by label."},
            {"window", "string",
             "Distinct numbers and top lists of this window (1m, 5m, 1h, 1d or all), and with them "
             "its events and quantiles of latency; absent: all, without these."},
            {0}},
    .handle = handle,
};
