/* Snapshots of what came in a window, and resets. */
#include <stdlib.h>

#include "base/clock.h"
#include "history/view.h"

enum {
    RESET_MS = 3000,
    APART_MOST = 8,   /* streams whose keys are counted exactly: more take too long */
    OF_NO_MOMENT = 1, /* a version that tables never have at rest */
};

/* --- snapshots ------------------------------------------------------------------------------ */

/* Gives the list, which the caller frees, if it is whole. False: it is not, which most are not
 * already without what is open. */
static bool whole_list(const struct view *view, const struct stats_stream *stream,
                       enum stats_table_id table, struct tops *list)
{
    if (!view_is_whole(view, stream, table))
        return false;
    *list = view_list(view, stream, table, VIEW_ROWS, &(struct tops_part){0});
    bool whole = !list->failed && list->floor[TOPS_HITS] == 0;
    if (!whole)
        tops_free(list);
    return whole;
}

/* Lists that are whole are counted. False: the list is not. */
static bool count_list(const struct view *view, struct stats_stream *stream,
                       enum stats_table_id table)
{
    struct tops list;
    if (!whole_list(view, stream, table, &list))
        return false;
    *stats_distinct_in(&stream->distinct, stats_table_distinct(table)) = list.len;
    stream->distinct.asked = table == TABLE_DOMAINS ? 0 : stream->distinct.asked;
    stream->distinct.answered = table == TABLE_DOMAINS ? 0 : stream->distinct.answered;
    for (uint32_t i = 0; table == TABLE_DOMAINS && i < list.len; i++) {
        stream->distinct.asked += list.rows[i].values.of[MEASURE_QUERIES] > 0;
        stream->distinct.answered += list.rows[i].values.of[MEASURE_RESPONSES] > 0;
    }
    tops_free(&list);
    return true;
}

/* From a list of all streams nothing was left out. What names end with is whole where they are. */
static bool is_exact(const struct view *view, const struct stats_stream *total,
                     enum stats_table_id table)
{
    enum stats_distinct_id which = stats_table_distinct(table);
    struct tops list;
    if (stats_distinct_in(&(struct stats_distinct){0}, which))
        return total->distinct.counted >> which & 1;
    if (total->distinct.counted >> DISTINCT_DOMAINS & 1)
        return true;
    bool whole = whole_list(view, total, table, &list);
    if (whole)
        tops_free(&list);
    return whole;
}

static unsigned exact_tables(const struct view *view, const struct stats_stream *total)
{
    unsigned exact = view_evicts_nothing(view);
    for (enum stats_table_id table = 0; table < STATS_TABLES; table++) {
        if (exact >> table & 1 && !is_exact(view, total, table))
            exact &= ~(1u << table);
    }
    return exact;
}

/* What is counted where that is: bits by enum stats_distinct_id. */
static unsigned counted_with(enum stats_distinct_id which)
{
    return which == DISTINCT_DOMAINS ? 1u << which | 1u << DISTINCT_ASKED | 1u << DISTINCT_ANSWERED
                                     : 1u << which;
}

static void fill_distinct(const struct view *view, struct stats_stream *stream)
{
    static const enum stats_table_id tables[] = {TABLE_DOMAINS, TABLE_CLIENTS, TABLE_SERVERS};
    bool counts = stream->id == STATS_ALL || view->now->stream_count <= APART_MOST;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        enum stats_distinct_id which = stats_table_distinct(tables[i]);
        if (counts && count_list(view, stream, tables[i]))
            continue;
        stream->distinct.counted &= ~counted_with(which);
        *stats_distinct_in(&stream->distinct, which) = view_estimate(view, stream, which);
        if (which != DISTINCT_DOMAINS)
            continue;
        stream->distinct.asked = view_estimate(view, stream, DISTINCT_ASKED);
        stream->distinct.answered = view_estimate(view, stream, DISTINCT_ANSWERED);
    }
}

/* Replaces what a stream of the present snapshot has counted by what it has in the window. Returns
 * how long that was watched, in milliseconds, if that is known. */
static uint64_t fill_stream(const struct view *view, const struct small_sums *open,
                            struct stats_snapshot *snapshot, struct stats_stream *stream)
{
    const struct small_sums *sums[] = {view_closed_counts(view), open};
    unsigned what = record_of(RECORD_COUNTS, (enum stats_side)stream->side);
    uint64_t observed_ms = 0;
    bool any = false;
    memset(&stream->counters, 0, sizeof stream->counters);
    stream->distinct = (struct stats_distinct){.counted = STATS_ALL_COUNTED};
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        const struct small_sum *sum = small_sums_find(sums[i], what, view_name(stream));
        if (!sum)
            continue;
        series_fill(&sum->counts, snapshot, stream);
        observed_ms += series_observed(&sum->counts);
        any = true;
    }
    if (any)
        fill_distinct(view, stream);
    return observed_ms;
}

static uint64_t events_of(const struct stats_stream *stream)
{
    return stream->counters.direction[STATS_QUERY].events +
           stream->counters.direction[STATS_RESPONSE].events;
}

/* Frames of no stream are counted with each side, once here. */
static void fill_side(const struct view *view, const struct small_sums *open,
                      struct stats_snapshot *snapshot, enum stats_side side)
{
    struct stats_stream *total = &snapshot->total[side];
    snapshot->malformed = snapshot->unlisted = 0;
    snapshot->seconds = (double)fill_stream(view, open, snapshot, total) / 1e3;
    memcpy(snapshot->latency[side], total->counters.latency, sizeof snapshot->latency[side]);
    uint64_t listed = 0;
    for (size_t i = 0; i < snapshot->stream_count; i++) {
        fill_stream(view, open, snapshot, &snapshot->streams[i][side]);
        listed += events_of(&snapshot->streams[i][side]);
    }
    listed += view_untold(view, side);
    snapshot->other_streams += events_of(total) > listed ? events_of(total) - listed : 0;
}

/* The moment by the snapshot's wall clock. */
static int64_t wall_ms(const struct view *view, int64_t ns)
{
    return view->now->made_ms - (view->now_ns - ns) / (int64_t)CLOCK_MS_NS;
}

static void set_span(const struct view *view, struct stats_snapshot *snapshot)
{
    const struct wheel_known *known = &view->known;
    snapshot->from_ms = wall_ms(view, view->from_ns);
    snapshot->to_ms = view->now->made_ms;
    snapshot->streams_ms =
        known->counts_ns > view->from_ns ? wall_ms(view, known->counts_ns) : snapshot->from_ms;
    snapshot->keys_ms =
        known->keys_ns > view->from_ns ? wall_ms(view, known->keys_ns) : snapshot->from_ms;
}

static struct stats_snapshot *make_snapshot(struct view *view, enum stats_window_id window)
{
    const struct stats_snapshot *now = view->now;
    struct stats_snapshot *snapshot = stats_snapshot_copy(now);
    if (!snapshot)
        return NULL;
    snapshot->window = window;
    snapshot->other_streams = 0;
    struct small_sums open = small_sums_of(&view->open);
    if (now->stream_count > APART_MOST)
        view_copy_keys(view);
    for (enum stats_side side = STATS_SIDES; side-- > 0;)
        fill_side(view, &open, snapshot, side);
    for (enum stats_side side = 0; side < STATS_SIDES; side++)
        snapshot->exact[side] =
            snapshot->unlisted == 0 ? exact_tables(view, &snapshot->total[side]) : 0;
    small_sums_free(&open);
    if (!stats_is_now(view->history->stats, now->version))
        snapshot->version = OF_NO_MOMENT;
    set_span(view, snapshot);
    return snapshot;
}

/* Makes it, unless the one that was made last is of the same moment and no window has begun anew
 * since. NULL: no memory. */
static const struct stats_snapshot *remake(struct view *view, enum stats_window_id window)
{
    struct windows *windows = &view->history->windows;
    const struct stats_snapshot **made = &windows->made[window - 1].snapshot;
    if (*made && (*made)->generation == view->now->generation &&
        (*made)->version == view->now->version && windows->made[window - 1].begun == windows->begun)
        return *made;
    if (*made)
        stats_release(*made);
    windows->made[window - 1].begun = windows->begun;
    return *made = make_snapshot(view, window);
}

const struct stats_snapshot *history_moment(struct history *history, enum stats_window_id window,
                                            const struct stats_snapshot **now)
{
    struct windows *windows = &history->windows;
    if (window == WINDOW_ALL)
        return stats_hold(*now = stats_take(history->stats));
    view_catch_up(history);
    pthread_mutex_lock(&windows->making);
    struct view view;
    view_begin(&view, history, window);
    const struct stats_snapshot *snapshot = remake(&view, window);
    if (snapshot) {
        stats_hold(snapshot);
        *now = stats_hold(view.now);
    }
    view_end(&view);
    pthread_mutex_unlock(&windows->making);
    return snapshot;
}

const struct stats_snapshot *history_snapshot(struct history *history, enum stats_window_id window)
{
    const struct stats_snapshot *now = NULL;
    const struct stats_snapshot *snapshot = history_moment(history, window, &now);
    if (snapshot)
        stats_release(now);
    return snapshot;
}

/* --- resets --------------------------------------------------------------------------------- */

/* The follower has seen the reset, and with it all windows have begun anew. With the lock. */
static bool has_begun(const struct history *history, uint64_t since_ns)
{
    return history->recorder.last && history->recorder.last->since_ns >= since_ns;
}

static bool reset_all(struct history *history, const struct timespec *until)
{
    int waited = 0;
    stats_reset(history->stats);
    const struct stats_snapshot *now = stats_take(history->stats);
    pthread_mutex_lock(&history->lock);
    while (history->following && !has_begun(history, now->since_ns) && waited == 0)
        waited = pthread_cond_timedwait(&history->seen, &history->lock, until);
    bool done = has_begun(history, now->since_ns);
    pthread_mutex_unlock(&history->lock);
    stats_release(now);
    return done;
}

/* Has a snapshot made, with which the part that is open ends. */
static bool reset_window(struct history *history, unsigned wanted, const struct timespec *until)
{
    int waited = 0;
    const struct stats_snapshot *now = stats_take(history->stats);
    pthread_mutex_lock(&history->lock);
    history->resets_wanted |= wanted;
    history->resets_behind = now->generation;
    pthread_mutex_unlock(&history->lock);
    stats_release(now);
    stats_release(stats_fresh(history->stats));
    pthread_mutex_lock(&history->lock);
    while (history->following && history->resets_wanted & wanted && waited == 0)
        waited = pthread_cond_timedwait(&history->seen, &history->lock, until);
    bool done = !(history->resets_wanted & wanted);
    pthread_mutex_unlock(&history->lock);
    return done;
}

bool history_reset(struct history *history, enum stats_window_id window)
{
    struct timespec until = clock_timespec(clock_after(RESET_MS * CLOCK_MS_NS));
    if (window == WINDOW_ALL)
        return reset_all(history, &until);
    return reset_window(history, 1u << (window - 1), &until);
}
