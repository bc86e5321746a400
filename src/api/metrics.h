/*
 * The page /metrics: tables of families. A row names the loop that goes over what the family is
 * about (streams, outputs, ...) and what is written for each of them. Who has families defines a
 * source, and adds its line to METRIC_SOURCES in src/app/http_routes.c.
 */
#ifndef SPILE_API_METRICS_H
#define SPILE_API_METRICS_H

#include "api/exposition.h"
#include "api/scope.h"

/* What a page is asked for. */
struct metrics_scope {
    unsigned sides; /* bits: what is counted by side has samples of these */
    enum stats_window_id window;
    bool lately; /* with families that are of a window alone */
};
enum { METRICS_BOTH_SIDES = (1 << STATS_SIDES) - 1 };
#define METRICS_OF(side) (1U << (side))

/* A stream as the page shows it. */
struct metrics_stream {
    struct span name;                               /* bytes as sent */
    const struct stats_stream *side[STATS_SIDES];   /* NULL: no samples */
    const struct stats_stream *lately[STATS_SIDES]; /* the same of the window */
    bool rest; /* all streams past the limit together: only counters and rates are known */
};

/* What a page is written from; lives as long as its writing. */
struct metrics_view {
    const struct api_context *context;
    const struct stats_snapshot *snapshot;
    const struct stats_snapshot *lately; /* of the window and the same moment; of WINDOW_ALL the
                                            same */
    bool torn;                           /* struct api_reply */
    struct metrics_scope scope;
    struct metrics_limits limits;
    struct metrics_stream *streams; /* in order of first appearance, the rest last */
    size_t stream_count;
    bool type_shown[COUNTERS_QTYPES]; /* which query types have samples of their own */
};

/* A family, and where its samples come from. A table ends with a row that has no loop. */
struct metric {
    struct metric_family family;
    /* The loop: writes all samples, by calling `one` for each thing there is, with its labels. */
    void (*each)(struct exposition *page, const struct metrics_view *view,
                 const struct metric *metric);
    void (*one)(struct exposition *page, const struct metrics_view *view,
                const struct metric *metric, const void *thing);
    size_t at;        /* for `one`: the number's place in the thing, */
    const void *more; /* or whatever else it wants to know */
    unsigned sides;   /* bits: what is counted on one side alone; 0: on both */
};

// clang-format off
#define COUNTER(name, help, ...) {{name, METRIC_COUNTER, help}, __VA_ARGS__}
#define GAUGE(name, help, ...) {{name, METRIC_GAUGE, help}, __VA_ARGS__}
#define HISTOGRAM(name, help, ...) {{name, METRIC_HISTOGRAM, help}, __VA_ARGS__}
// clang-format on

struct metric_source {
    bool (*wanted)(const struct api_context *context); /* NULL: always */
    const struct metric *table;
};

/* All sources; ends with NULL. Defined in src/app/http_routes.c alone. */
extern const struct metric_source *const metric_sources[];

/* The whole page, which begins as a view with a context, snapshots, scope and limits. A context
 * without engine, statistics and history will do (tests). Memory that is short shows in
 * out->failed. */
void metrics_write(struct buf *out, struct metrics_view *view, bool openmetrics);

/* --- for tables --- */

/* A loop over one thing without labels: the view itself. */
void metrics_once(struct exposition *page, const struct metrics_view *view,
                  const struct metric *metric);
/* Whether the page has samples of the family on that side. */
bool metrics_wants(const struct metrics_view *view, const struct metric *metric,
                   enum stats_side side);
/* Labels of what is counted by side and is of a window; as exposition_label. */
size_t metrics_side_label(struct exposition *page, enum stats_side side);
size_t metrics_window_label(struct exposition *page, const struct metrics_view *view);

/* One sample, with one more label. */
void metrics_labelled(struct exposition *page, const char *label, const char *word, uint64_t value);

/* For `one`: the uint64_t at its place. */
void metrics_one_number(struct exposition *page, const struct metrics_view *view,
                        const struct metric *metric, const void *thing);
/* The same as a time: Unix milliseconds, 0 is never and not shown. */
void metrics_one_time(struct exposition *page, const struct metrics_view *view,
                      const struct metric *metric, const void *thing);

static inline uint64_t metrics_number(const void *thing, size_t at)
{
    uint64_t value;
    memcpy(&value, (const char *)thing + at, sizeof value);
    return value;
}

#endif
