#include "history/extent.h"

#include "history/series.h"

/* The records of one kind within a span. */
struct extent_pieces {
    int64_t first, last;
    uint64_t observed_ms;
    bool damaged; /* or there was no memory */
};

static bool take_counts(void *ctx, int64_t start_ms, struct span bytes)
{
    struct extent_pieces *pieces = ctx;
    struct counts counts = {0};
    pieces->damaged |= counts_decode(&counts, bytes) != 0 || counts.failed;
    pieces->observed_ms += series_observed(&counts);
    counts_free(&counts);
    pieces->first = start_ms < pieces->first ? start_ms : pieces->first;
    pieces->last = start_ms;
    return true;
}

static struct extent_pieces pieces_of(struct reader *reader, enum stats_side side, int kind,
                                      const struct plan_span *span)
{
    struct extent_pieces pieces = {.first = INT64_MAX};
    struct error ignored;
    const struct reader_span wanted = {.what = record_of(RECORD_COUNTS, side),
                                       .kind = (enum history_kind)kind,
                                       .from_ms = span->from_ms,
                                       .to_ms = span->to_ms};
    pieces.damaged |= reader_each(reader, &wanted, take_counts, &pieces, &ignored) != STORE_FINE;
    return pieces;
}

/* Weeks and months are made of days. */
static int shorter(int kind)
{
    return kind >= HISTORY_KINDS ? HISTORY_DAYS : kind - 1;
}

static struct plan_span whole_span(int kind, int64_t start_ms)
{
    return (struct plan_span){start_ms, kind_end((enum history_kind)kind, start_ms)};
}

/* True when shorter records, *parts, have all that the one of the kind has whose span it is. */
static bool has_all(struct reader *reader, enum stats_side side, int kind,
                    const struct plan_span *span, struct extent_pieces *parts)
{
    const struct extent_pieces whole = pieces_of(reader, side, kind, span);
    *parts = pieces_of(reader, side, shorter(kind), span);
    return parts->first != INT64_MAX && !whole.damaged && !parts->damaged &&
           whole.observed_ms == parts->observed_ms;
}

/* The same of weeks and months, which have no counts: trimmed are the oldest days, and hours before
 * those. */
static bool has_all_days(struct reader *reader, enum stats_side side, int kind,
                         const struct plan_span *span, struct extent_pieces *days)
{
    struct extent_pieces hours;
    unsigned what = record_of(RECORD_COUNTS, side);
    int64_t oldest = reader_next(reader, what, HISTORY_DAYS, 0);
    const struct plan_span first = whole_span(HISTORY_DAYS, oldest < span->to_ms ? oldest : 0);
    *days = pieces_of(reader, side, shorter(kind), span);
    return days->first != INT64_MAX && !days->damaged &&
           (oldest < span->from_ms || has_all(reader, side, HISTORY_DAYS, &first, &hours));
}

/* Goes on to what the shorter records of a span tell, if they do. */
static bool look_closer(struct reader *reader, enum stats_side side, int *kind,
                        const struct plan_span *span, struct extent_pieces *parts)
{
    bool lists = *kind >= HISTORY_KINDS;
    if (*kind == HISTORY_MINUTES ||
        !(lists ? has_all_days : has_all)(reader, side, *kind, span, parts))
        return false;
    *kind = shorter(*kind);
    return true;
}

struct plan_span extent_of(struct reader *reader, enum stats_side side, enum history_kind kind,
                           int64_t start_ms)
{
    struct plan_span first = whole_span((int)kind, start_ms), last = first;
    struct extent_pieces parts;
    for (int k = (int)kind; look_closer(reader, side, &k, &first, &parts);)
        first = whole_span(k, parts.first);
    for (int k = (int)kind; look_closer(reader, side, &k, &last, &parts);)
        last = whole_span(k, parts.last);
    return (struct plan_span){first.from_ms, last.to_ms};
}

/* The kind of the first record that lies in the span, the longest if there are several; -1: there
 * is none. *start_ms: its start. */
static int first_of(struct reader *reader, unsigned what, const struct plan_span *span,
                    int64_t *start_ms)
{
    int found = -1;
    *start_ms = INT64_MAX;
    for (int kind = HISTORY_MONTHS; kind >= 0; kind--) {
        int64_t start = reader_next(reader, what, (enum history_kind)kind, span->from_ms);
        if (start < *start_ms && kind_end((enum history_kind)kind, start) <= span->to_ms) {
            *start_ms = start;
            found = kind;
        }
    }
    return found;
}

/* The kind of the record that ends with the span and has the moment in it; -1: there is none. */
static int last_of(struct reader *reader, unsigned what, const struct plan_span *span,
                   int64_t inside_ms)
{
    for (int kind = HISTORY_MONTHS; kind > HISTORY_MINUTES; kind--) {
        int64_t start = kind_start((enum history_kind)kind, inside_ms);
        if (kind_end((enum history_kind)kind, start) == span->to_ms &&
            reader_next(reader, what, (enum history_kind)kind, start) == start)
            return kind;
    }
    return -1;
}

struct plan_span extent_of_span(struct reader *reader, unsigned what, const struct plan_span *span,
                                int64_t asked_end_ms)
{
    enum stats_side side = (enum stats_side)(what / RECORD_SIDE % STATS_SIDES);
    struct plan_span extent = *span;
    int kind = first_of(reader, what, span, &extent.from_ms);
    if (kind >= 0)
        extent.from_ms = extent_of(reader, side, (enum history_kind)kind, extent.from_ms).from_ms;
    kind = asked_end_ms < span->to_ms ? last_of(reader, what, span, asked_end_ms) : -1;
    if (kind < 0)
        return extent;
    int64_t start = kind_start((enum history_kind)kind, asked_end_ms);
    int64_t end = extent_of(reader, side, (enum history_kind)kind, start).to_ms;
    extent.to_ms = end > asked_end_ms ? end : asked_end_ms;
    return extent;
}
