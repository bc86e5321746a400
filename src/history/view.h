/* What is in a window at one moment: closed parts, the one that is closing, and the open one. */
#ifndef SPILE_HISTORY_VIEW_H
#define SPILE_HISTORY_VIEW_H

#include "history/history_state.h"

/* Owner: the stack of who answers a question. */
struct view {
    struct history *history;
    enum wheel_window window;
    const struct stats_snapshot *now; /* a reference to what the follower has seen last */
    int64_t now_ns, from_ns;          /* by the wheel's clock */
    struct wheel_known known;
    struct portion open; /* counts of what has not closed, up to `now` */
    struct stats_window_keys
        *keys; /* of the open part: view_copy_keys; NULL: they are looked for */
};

/* Waits for moments until the follower has seen what the statistics have. */
void view_catch_up(struct history *history);
/* All stands still until view_end, but what has come since `now` may be in the open part's lists.
 */
void view_begin(struct view *view, struct history *history, enum stats_window_id window);
void view_end(struct view *view);

/* For who asks for estimates of many streams: without it each takes as long as all. */
void view_copy_keys(struct view *view);

/* A list has so many rows by each rank, and all of them where there are no more. */
enum { VIEW_ROWS = 1000, VIEW_ROWS_MOST = 5000 };
/* One table's list of a stream, on its side, of just that part of its rows. The caller frees it;
 * `failed`: memory was short. */
struct tops view_list(const struct view *view, const struct stats_stream *stream,
                      enum stats_table_id table, size_t rows, const struct tops_part *part);
/* True when of what has closed nothing was left out of that list, as far as it is VIEW_ROWS long.
 */
bool view_is_whole(const struct view *view, const struct stats_stream *stream,
                   enum stats_table_id table);
/* How many different keys there are, estimated. */
uint64_t view_estimate(const struct view *view, const struct stats_stream *stream,
                       enum stats_distinct_id which);
/* Bits by enum stats_table_id: tables of what has not closed that have evicted nothing. */
unsigned view_evicts_nothing(const struct view *view);
static inline const struct small_sums *view_closed_counts(const struct view *view)
{
    return sums_counts(&view->history->windows.sums, view->window, view->now_ns);
}
/* Events of all streams on a side that are of no single stream, since these were forgotten. */
uint64_t view_untold(const struct view *view, enum stats_side side);
/* The name that records of a stream have. */
static inline struct span view_name(const struct stats_stream *stream)
{
    return stream->id == STATS_ALL ? (struct span){0} : span_of(stream->name, stream->name_len);
}

#endif
