/* Questions about what came in a window. */
#include <stdlib.h>

#include "base/clock.h"
#include "history/history_priv.h"
#include "history/part.h"

enum {
    RESET_MS = 3000,
    SEE_MS = 1000,  /* that the follower has for what the statistics have made */
    APART_MOST = 8, /* streams whose keys are counted exactly: more take too long */
};

/* --- a window at one moment ----------------------------------------------------------------- */

struct view {
    struct history *history;
    const struct stats_snapshot *now; /* a reference */
    const struct window_sum *closed;
    struct window_sum open; /* the counts of the open part */
};

/* Waits for the follower to see what there is now. Windows are of what it has seen: counts and
 * lists of the same moment. */
static void catch_up(struct history *history)
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

/* What is open and what has closed stand still until view_end. */
static void view_begin(struct view *view, struct history *history, enum stats_window_id window)
{
    struct portion open = {0};
    *view = (struct view){.history = history};
    pthread_rwlock_rdlock(&history->windows.lock);
    pthread_mutex_lock(&history->lock);
    view->now = stats_hold(history->recorder.last);
    recorder_peek(&history->recorder, &open);
    pthread_mutex_unlock(&history->lock);
    int64_t now_ns = windows_now(&history->windows, view->now);
    view->closed = windows_sum(&history->windows, (enum wheel_window)(window - 1), now_ns);
    view->open = windows_sum_of(&history->windows, &open);
    buf_free(&open.records);
}

static void view_end(struct view *view)
{
    pthread_rwlock_unlock(&view->history->windows.lock);
    window_forget(&view->open);
    stats_release(view->now);
}

static struct span name_of(const struct stats_stream *stream)
{
    return stream->id == STATS_ALL ? (struct span){0} : span_of(stream->name, stream->name_len);
}

/* One table's list in one scope: what has closed, and what is open. */
static struct tops list_of(const struct view *view, const struct stats_stream *stream,
                           enum stats_table_id table)
{
    const struct stats_scope scope = {.stream = stream->id, .side = (enum stats_side)stream->side};
    const struct window_record *closed =
        window_find(view->closed, record_of(RECORD_TOPS + table, scope.side), name_of(stream));
    struct tops list = {0};
    struct leaders leaders = {0};
    const struct stats_window *live = stats_window_enter(view->history->stats);
    part_tops(&leaders, live, &scope, table, view->history->windows.wheel.top, &list);
    stats_window_leave(view->history->stats);
    leaders_free(&leaders);
    if (closed)
        tops_merge(&list, &closed->tops);
    return list;
}

static uint64_t estimate(const struct view *view, const struct stats_stream *stream,
                         enum stats_distinct_id which)
{
    const struct stats_scope scope = {.stream = stream->id, .side = (enum stats_side)stream->side};
    const struct window_record *closed =
        window_find(view->closed, record_of(RECORD_DISTINCT + which, scope.side), name_of(stream));
    struct sketch sketch = {.mark = sketch_mark(&view->history->key)};
    const struct stats_window *live = stats_window_enter(view->history->stats);
    stats_window_sketch(live, &scope, which, &sketch.hll);
    stats_window_leave(view->history->stats);
    if (closed && closed->sketch)
        sketch_merge(&sketch, closed->sketch);
    return (uint64_t)(hll_estimate(&sketch.hll) + 0.5);
}

/* --- snapshots ------------------------------------------------------------------------------ */

/* Lists that are whole are counted. False: the list is not. */
static bool count_list(const struct view *view, struct stats_stream *stream,
                       enum stats_table_id table)
{
    struct tops list = list_of(view, stream, table);
    bool whole = !list.failed && list.floor[TOPS_HITS] == 0;
    *stats_distinct_in(&stream->distinct, stats_table_distinct(table)) = list.len;
    stream->distinct.asked = table == TABLE_DOMAINS ? 0 : stream->distinct.asked;
    stream->distinct.answered = table == TABLE_DOMAINS ? 0 : stream->distinct.answered;
    for (uint32_t i = 0; table == TABLE_DOMAINS && i < list.len; i++) {
        stream->distinct.asked += list.rows[i].values.of[MEASURE_QUERIES] > 0;
        stream->distinct.answered += list.rows[i].values.of[MEASURE_RESPONSES] > 0;
    }
    tops_free(&list);
    return whole;
}

static void fill_distinct(const struct view *view, struct stats_stream *stream)
{
    static const enum stats_table_id tables[] = {TABLE_DOMAINS, TABLE_CLIENTS, TABLE_SERVERS};
    bool counts = stream->id == STATS_ALL || view->now->stream_count <= APART_MOST;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        enum stats_distinct_id which = stats_table_distinct(tables[i]);
        if (counts && count_list(view, stream, tables[i]))
            continue;
        *stats_distinct_in(&stream->distinct, which) = estimate(view, stream, which);
        if (which != DISTINCT_DOMAINS)
            continue;
        stream->distinct.asked = estimate(view, stream, DISTINCT_ASKED);
        stream->distinct.answered = estimate(view, stream, DISTINCT_ANSWERED);
    }
}

/* Replaces what a stream of the present snapshot has counted by what it has in the window. Returns
 * how long that was watched, in milliseconds, if that is known. */
static uint64_t fill_stream(const struct view *view, struct stats_snapshot *snapshot,
                            struct stats_stream *stream)
{
    const struct window_sum *sums[] = {view->closed, &view->open};
    unsigned what = record_of(RECORD_COUNTS, (enum stats_side)stream->side);
    uint64_t observed_ms = 0;
    bool any = false;
    memset(&stream->counters, 0, sizeof stream->counters);
    stream->distinct = (struct stats_distinct){0};
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        const struct window_record *record = window_find(sums[i], what, name_of(stream));
        if (!record)
            continue;
        series_fill(&record->counts, snapshot, stream);
        observed_ms += series_observed(&record->counts);
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
static void fill_side(const struct view *view, struct stats_snapshot *snapshot,
                      enum stats_side side)
{
    struct stats_stream *total = &snapshot->total[side];
    snapshot->malformed = snapshot->unlisted = 0;
    snapshot->seconds = (double)fill_stream(view, snapshot, total) / 1e3;
    memcpy(snapshot->latency[side], total->counters.latency, sizeof snapshot->latency[side]);
    uint64_t listed = 0;
    for (size_t i = 0; i < snapshot->stream_count; i++) {
        fill_stream(view, snapshot, &snapshot->streams[i][side]);
        listed += events_of(&snapshot->streams[i][side]);
    }
    snapshot->other_streams += events_of(total) > listed ? events_of(total) - listed : 0;
}

static bool is_exact(const struct window_sum *sum)
{
    bool exact = true;
    for (size_t i = 0; i < sum->count; i++)
        exact &= record_kind(sum->records[i].what) < RECORD_TOPS ||
                 sum->records[i].tops.floor[TOPS_HITS] == 0;
    return exact && !sum->failed;
}

static struct stats_snapshot *make_snapshot(struct view *view, enum stats_window_id window)
{
    const struct stats_snapshot *now = view->now;
    const struct windows *windows = &view->history->windows;
    struct stats_snapshot *snapshot = stats_snapshot_copy(now);
    if (!snapshot)
        return NULL;
    snapshot->window = window;
    snapshot->other_streams = 0;
    for (enum stats_side side = STATS_SIDES; side-- > 0;)
        fill_side(view, snapshot, side);
    snapshot->exact = is_exact(view->closed) && now->exact;
    int64_t back_ns = windows_now(windows, now) - view->closed->from_ns;
    snapshot->from_ms = now->made_ms - back_ns / (int64_t)CLOCK_MS_NS;
    snapshot->to_ms = now->made_ms;
    return snapshot;
}

/* Makes it, unless the one that was made last is of the same moment and no window has begun anew
 * since. NULL: no memory. */
static const struct stats_snapshot *remake(struct view *view, enum stats_window_id window)
{
    struct windows *windows = &view->history->windows;
    const struct stats_snapshot **made = &windows->made[window - 1].snapshot;
    if (*made && (*made)->generation == view->now->generation &&
        windows->made[window - 1].begun == windows->begun)
        return *made;
    if (*made)
        stats_release(*made);
    windows->made[window - 1].begun = windows->begun;
    return *made = make_snapshot(view, window);
}

const struct stats_snapshot *history_snapshot(struct history *history, enum stats_window_id window)
{
    struct windows *windows = &history->windows;
    if (window == WINDOW_ALL)
        return stats_take(history->stats);
    catch_up(history);
    pthread_mutex_lock(&windows->making);
    struct view view;
    view_begin(&view, history, window);
    const struct stats_snapshot *snapshot = remake(&view, window);
    if (snapshot)
        stats_hold(snapshot);
    view_end(&view);
    pthread_mutex_unlock(&windows->making);
    return snapshot;
}

/* --- lists ---------------------------------------------------------------------------------- */

/* The rank whose bounds a question's values have. */
static enum tops_rank rank_of(const struct stats_question *q)
{
    for (int rank = 0; q->by == BY_MEASURE && rank < TOPS_BOUNDED; rank++) {
        if (tops_ranks[rank].by == BY_MEASURE && tops_ranks[rank].measure == q->measure)
            return (enum tops_rank)rank;
    }
    bool bytes = q->by == BY_BYTES ||
                 (q->by == BY_MEASURE &&
                  (q->measure == MEASURE_QUERY_BYTES || q->measure == MEASURE_RESPONSE_BYTES));
    return bytes ? TOPS_BYTES : TOPS_HITS;
}

static uint64_t value_of(const struct stats_values *values, const struct stats_question *q)
{
    return q->by == BY_RCODE || q->by == BY_QTYPE ? 0 : stats_value(values, q);
}

/* A row of a list that may be an answer. */
struct candidate {
    uint64_t value;
    const struct tops_row *row;
};

static int descending(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    return x->value != y->value ? (x->value < y->value) - (x->value > y->value)
                                : (x->row > y->row) - (x->row < y->row);
}

static void put_row(struct stats_top *top, const struct tops *list, const struct candidate *c,
                    enum tops_rank rank)
{
    struct span text = tops_text(list, c->row);
    top->value = c->value;
    top->values = c->row->values;
    top->error = c->row->error[rank];
    top->text_len = (uint16_t)(text.len < sizeof top->text ? text.len : sizeof top->text - 1);
    memcpy(top->text, text.ptr, top->text_len);
    top->text[top->text_len] = '\0';
}

static int answer_question(const struct tops *list, const struct stats_question *question, size_t n,
                           struct stats_answer *answer)
{
    const struct stats_question asked = stats_measured(question), *q = &asked;
    struct candidate *found = malloc((list->len + 1) * sizeof *found);
    enum tops_rank rank = rank_of(q);
    size_t count = 0;
    for (uint32_t i = 0; found && i < list->len; i++) {
        const struct tops_row *row = &list->rows[i];
        uint64_t value = value_of(&row->values, q);
        struct span text = tops_text(list, row);
        if (value && stats_is_under(text, q->under) && stats_contains(text, q->contains))
            found[count++] = (struct candidate){value, row};
    }
    if (count)
        qsort(found, count, sizeof *found, descending);
    answer->count = count < n ? count : n;
    answer->found = count;
    answer->found_all = true;
    answer->rows = calloc(answer->count + 1, sizeof *answer->rows);
    answer->floor = list->floor[rank];
    for (size_t i = 0; found && answer->rows && i < answer->count; i++)
        put_row(&answer->rows[i], list, &found[i], rank);
    bool good = found && answer->rows && !list->failed;
    free(found);
    return good ? 0 : -1;
}

static void count_keys(const struct view *view, const struct stats_stream *stream,
                       enum stats_table_id table, const struct tops *list,
                       struct stats_answer *answer)
{
    answer->keys_exact = list->floor[TOPS_HITS] == 0;
    answer->keys =
        answer->keys_exact ? list->len : estimate(view, stream, stats_table_distinct(table));
}

/* The stream with that id, or the total; NULL: it has given up its place. */
static const struct stats_stream *stream_of(const struct view *view,
                                            const struct stats_scope *scope)
{
    for (int i = STATS_ALL; i < (int)view->now->stream_count; i++) {
        const struct stats_stream *stream = stats_snapshot_at(view->now, i, scope->side);
        if (stream->id == scope->stream)
            return stream;
    }
    return NULL;
}

/* Table by table, for many questions are about the same one. */
static int answer_all(const struct view *view, const struct stats_stream *stream,
                      const struct stats_question *questions, size_t count, size_t n,
                      struct stats_answer *answers)
{
    int failed = 0;
    for (int table = 0; table < STATS_TABLES; table++) {
        struct tops list = {0};
        bool made = false;
        for (size_t i = 0; i < count; i++) {
            if ((int)questions[i].table != table)
                continue;
            if (!made)
                list = list_of(view, stream, (enum stats_table_id)table);
            made = true;
            failed |= answer_question(&list, &questions[i], n, &answers[i]);
            count_keys(view, stream, (enum stats_table_id)table, &list, &answers[i]);
        }
        tops_free(&list);
    }
    return failed;
}

int history_top(struct history *history, const struct stats_scope *scope,
                const struct stats_question *questions, size_t count, size_t n,
                struct stats_answer *answers)
{
    if (scope->window == WINDOW_ALL)
        return stats_top(history->stats, scope, questions, count, n, answers);
    memset(answers, 0, count * sizeof *answers);
    catch_up(history);
    struct view view;
    view_begin(&view, history, scope->window);
    const struct stats_stream *stream = stream_of(&view, scope);
    int failed = stream ? answer_all(&view, stream, questions, count, n, answers) : 0;
    view_end(&view);
    if (failed)
        stats_answers_free(answers, count);
    return failed;
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
