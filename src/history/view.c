#include "history/view.h"

#include "base/clock.h"
#include "history/part.h"

enum {
    SEE_MS = 1000,    /* that the follower has for what the statistics have made */
    PART_ROWS = 8000, /* of what is open, before others than those wanted are left out */
};

void view_catch_up(struct history *history)
{
    struct timespec until = clock_timespec(clock_after(SEE_MS * CLOCK_MS_NS));
    const struct stats_snapshot *now = stats_take(history->stats);
    int waited = 0;
    pthread_mutex_lock(&history->lock);
    while (history->following && history->recorder.last->generation < now->generation &&
           waited == 0)
        waited = pthread_cond_timedwait(&history->seen, &history->lock, &until);
    pthread_mutex_unlock(&history->lock);
    stats_release(now);
}

static void earliest(void *ctx, const struct wheel_part *part)
{
    int64_t *from_ns = ctx;
    *from_ns = part->from_ns < *from_ns ? part->from_ns : *from_ns;
}

/* Where it begins: with its first part, where one closes, or where the open one does. */
static int64_t beginning(const struct view *view)
{
    const struct windows *windows = &view->history->windows;
    int64_t from_ns = windows->closing.any ? windows->closing.from_ns : windows->open_ns;
    wheel_each(&windows->wheel, view->window, view->now_ns, earliest, &from_ns);
    return from_ns;
}

void view_begin(struct view *view, struct history *history, enum stats_window_id window)
{
    struct windows *windows = &history->windows;
    *view = (struct view){.history = history, .window = (enum wheel_window)(window - 1)};
    pthread_rwlock_rdlock(&windows->lock);
    const struct buf *closing = &windows->closing.counts.records;
    pthread_mutex_lock(&history->lock);
    view->now = stats_hold(history->recorder.last);
    recorder_peek(&history->recorder, &view->open);
    pthread_mutex_unlock(&history->lock);
    if (closing->len > 0)
        buf_put(&view->open.records, closing->data, closing->len);
    view->now_ns = windows_now(windows, view->now);
    view->from_ns = beginning(view);
    view->known = wheel_known(&windows->wheel, view->window, view->now_ns);
}

void view_end(struct view *view)
{
    pthread_rwlock_unlock(&view->history->windows.lock);
    buf_free(&view->open.records);
    stats_window_keys_free(view->keys);
    stats_release(view->now);
}

void view_copy_keys(struct view *view)
{
    view->keys = stats_window_keys(view->history->stats);
}

/* --- lists and sketches --------------------------------------------------------------------- */

static struct stats_scope scope_of(const struct stats_stream *stream)
{
    return (struct stats_scope){.stream = stream->id, .side = (enum stats_side)stream->side};
}

static struct list_key key_of(const struct view *view, const struct stats_stream *stream,
                              unsigned what, size_t top)
{
    return (struct list_key){.window = view->window,
                             .what = record_of(what, (enum stats_side)stream->side),
                             .stream = view_name(stream),
                             .top = top};
}

/* Of the tables' rows, those that have not closed. */
static struct tops open_list(const struct view *view, const struct stats_stream *stream,
                             enum stats_table_id table, size_t rows, const struct tops_part *part)
{
    struct stats *stats = view->history->stats;
    const struct stats_window *closing = view->history->windows.closing.window;
    const struct stats_scope scope = scope_of(stream);
    struct tops list = {0}, other = {0};
    struct leaders leaders = {0};
    part_tops(&leaders, stats_window_enter(stats), &scope, table, rows, &list);
    stats_window_leave(stats);
    tops_keep(&list, part);
    if (closing) {
        part_tops(&leaders, closing, &scope, table, rows, &other);
        tops_keep(&other, part);
        tops_merge(&list, &other);
        tops_free(&other);
    }
    leaders_free(&leaders);
    return list;
}

struct tops view_list(const struct view *view, const struct stats_stream *stream,
                      enum stats_table_id table, size_t rows, const struct tops_part *part)
{
    struct sums *sums = &view->history->windows.sums;
    const bool all = tops_part_is_all(part);
    const size_t most = !all || rows > VIEW_ROWS ? VIEW_ROWS_MOST : VIEW_ROWS;
    const struct list_key key = key_of(view, stream, RECORD_TOPS + table, most);
    struct tops list = open_list(view, stream, table, all ? most : PART_ROWS, part);
    if (!all) {
        struct tops closed = sums_part(sums, &key, part, view->now_ns);
        tops_merge(&list, &closed);
        tops_free(&closed);
        return list;
    }
    const struct list_sum *sum = sums_take(sums, &key, view->now_ns);
    if (sum)
        tops_merge(&list, &sum->tops);
    list.failed |= !sum || sum->tops.failed;
    sums_give(sums, sum);
    return list;
}

/* Adds the keys of what has not closed. False: there are none. */
static bool open_sketch(const struct view *view, const struct stats_scope *scope,
                        enum stats_distinct_id which, struct hll *sketch)
{
    struct stats *stats = view->history->stats;
    const struct stats_window *closing = view->history->windows.closing.window;
    bool any = stats_window_sketch(stats_window_enter(stats), scope, which, sketch);
    stats_window_leave(stats);
    if (closing)
        any |= stats_window_sketch(closing, scope, which, sketch);
    return any;
}

static uint64_t whole(double estimate)
{
    return (uint64_t)(estimate + 0.5);
}

/* From what is known of the ranks of what has closed, `sum` (NULL: nothing has), to which the
 * copied keys are added. */
static uint64_t estimate_copied(const struct view *view, const struct stats_scope *scope,
                                enum stats_distinct_id which, const struct small_sum *sum)
{
    struct sketch sketch;
    uint16_t ranks[HLL_RANKS] = {HLL_REGISTERS};
    bool closed = sum && sketch_decode(&sketch, buf_span(&sum->sketch)) == 0;
    if (closed)
        memcpy(ranks, sum->ranks, sizeof ranks);
    else
        memset(&sketch.hll, 0, sizeof sketch.hll);
    bool any = stats_window_keys_add(view->keys, scope, which, &sketch.hll, ranks);
    return any || closed ? whole(hll_estimate_ranks(ranks)) : 0;
}

uint64_t view_estimate(const struct view *view, const struct stats_stream *stream,
                       enum stats_distinct_id which)
{
    struct windows *windows = &view->history->windows;
    const struct stats_scope scope = scope_of(stream);
    const uint64_t mark = sketch_mark(&view->history->key);
    const struct small_sum *sum =
        small_sums_find(sums_sketches(&windows->sums, view->window, view->now_ns),
                        record_of(RECORD_DISTINCT + which, scope.side), view_name(stream));
    bool copied = view->keys && scope.stream != STATS_ALL && !windows->closing.window;
    if (copied && (!sum || sum->mark == mark))
        return estimate_copied(view, &scope, which, sum);
    struct sketch sketch = {.mark = mark}, closed;
    bool any = open_sketch(view, &scope, which, &sketch.hll);
    if (sum && sketch_decode(&closed, buf_span(&sum->sketch)) == 0)
        sketch_merge(&sketch, &closed);
    return any || sum ? whole(hll_estimate(&sketch.hll)) : 0;
}

uint64_t view_untold(const struct view *view, enum stats_side side)
{
    const struct small_sum *sum =
        small_sums_find(sums_untold(&view->history->windows.sums, view->window, view->now_ns),
                        record_of(RECORD_COUNTS, side), (struct span){0});
    return sum ? series_events(&sum->counts) : 0;
}

bool view_is_whole(const struct view *view, const struct stats_stream *stream,
                   enum stats_table_id table)
{
    struct sums *sums = &view->history->windows.sums;
    const struct list_key key = key_of(view, stream, RECORD_TOPS + table, VIEW_ROWS);
    const struct list_sum *sum = sums_take(sums, &key, view->now_ns);
    bool whole = sum && !sum->tops.failed && sum->tops.floor[TOPS_HITS] == 0;
    sums_give(sums, sum);
    return whole;
}

unsigned view_evicts_nothing(const struct view *view)
{
    struct stats *stats = view->history->stats;
    const struct stats_window *closing = view->history->windows.closing.window;
    unsigned exact = stats_window_exact(stats_window_enter(stats));
    stats_window_leave(stats);
    exact &= closing ? stats_window_exact(closing) : exact;
    return view_closed_counts(view)->failed ? 0 : exact;
}
