/* The follower: sees each snapshot, ends portions, and has them written. */
#include "history/history.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "history/ask.h"
#include "history/part.h"
#include "io/folder.h"

enum {
    WAIT_MS = 500,
    EARLY_MS = 500, /* a portion may end so much before its time */
    ANSWER_S = 2,
    SETTLE_MS = 1000, /* that a part's end may take, until counts and rows are of one moment */
};

/* --- what comes ----------------------------------------------------------------------------- */

struct history_settings history_rules(struct history *history)
{
    pthread_mutex_lock(&history->lock);
    const struct history_settings rules = history->settings;
    pthread_mutex_unlock(&history->lock);
    return rules;
}

void history_change(struct history *history, const struct history_settings *settings)
{
    struct history_settings *rules = &history->settings;
    pthread_mutex_lock(&history->lock); /* others look at the path without it */
    memcpy(rules->keep_ns, settings->keep_ns, sizeof rules->keep_ns);
    rules->top = settings->top;
    rules->write_every_ns = settings->write_every_ns;
    rules->size_max = settings->size_max;
    history->rules_changed = rules->path != NULL;
    pthread_cond_signal(&history->wake);
    pthread_mutex_unlock(&history->lock);
}

/* The running minute and what has ended of it; single streams have counts there, and no lists.
 * False: there is no memory, and nothing is added. */
static bool next_minute(struct history *history, const struct portion *part, struct portion *sum)
{
    struct portion lean = {.start_ms = part->start_ms};
    *sum = (struct portion){.start_ms = part->start_ms};
    struct cursor c = cursor_of(buf_span(&part->records));
    for (struct record record; portion_next(&c, &record);) {
        if (record.stream.len == 0 || record_kind(record.what) == RECORD_COUNTS)
            portion_put(&lean, record.what, record.stream, record.bytes);
    }
    if (portion_sum(&history->minute, &lean, history_rules(history).top, &sum->records) < 0 ||
        lean.records.failed)
        history->failed = true;
    bool nothing = history->minute.records.len + lean.records.len == 0;
    buf_free(&lean.records);
    return sum->records.data || nothing;
}

static void take_snapshot(struct history *history, const struct stats_snapshot *snapshot,
                          int64_t second)
{
    pthread_mutex_lock(&history->lock);
    recorder_take(&history->recorder, snapshot, second);
    pthread_cond_broadcast(&history->seen);
    pthread_mutex_unlock(&history->lock);
}

/* What the statistics have by now belongs to the open part, too, but for what is of another minute
 * or came after a reset. */
static void catch_up(struct history *history)
{
    struct recorder *recorder = &history->recorder;
    const struct stats_snapshot *now = stats_fresh(history->stats), *last = recorder->last;
    int64_t second = now ? recorder_second(recorder, now) : 0;
    if (now && now->generation > last->generation && now->since_ns == last->since_ns &&
        !recorder_must_cut(recorder, second))
        take_snapshot(history, now, second);
    else
        stats_release(now);
}

/*
 * The rows of the part that ends, where they are those of its counts; to `settle` the two has the
 * counts made anew. NULL: they cannot be, for a moment, and come with the part that follows. The
 * windows' lock is the caller's from here on, for writing.
 */
static struct stats_window *take_window(struct history *history, bool settle)
{
    uint64_t deadline_ns = clock_after(SETTLE_MS * CLOCK_MS_NS);
    struct stats *stats = history->stats;
    for (;;) {
        if (stats && settle)
            catch_up(history);
        pthread_rwlock_wrlock(&history->windows.lock);
        struct stats_window *window =
            stats ? stats_window_take(stats, history->recorder.last) : NULL;
        if (window || !stats || !settle || clock_ns() >= deadline_ns)
            return window;
        pthread_rwlock_unlock(&history->windows.lock);
    }
}

/* Ends the open part; until the wheel has it, it is closing, for all to see. Returns its portion's
 * counts, and what the wheel wants to know. */
static struct wheel_part begin_close(struct history *history, bool settle)
{
    struct windows *windows = &history->windows;
    windows->closing.window = take_window(history, settle);
    pthread_mutex_lock(&history->lock);
    struct wheel_part part = windows_close(windows, history->recorder.last);
    recorder_cut(&history->recorder, &windows->closing.counts);
    history->failed |= windows->closing.counts.records.failed;
    windows->closing.counts.records.failed = false;
    pthread_mutex_unlock(&history->lock);
    pthread_rwlock_unlock(&windows->lock);
    return part;
}

/* The part's lists, sketches and counts. */
static void fill_part(struct history *history, struct portion *part)
{
    const struct windows *windows = &history->windows;
    const struct buf *counts = &windows->closing.counts.records;
    size_t top = history_rules(history).top, least = wheel_spans[WHEEL_MINUTE].top;
    const struct part_options options = {&history->key, top > least ? top : least,
                                         history->recorder.last};
    part->start_ms = windows->closing.counts.start_ms;
    if (windows->closing.window)
        part_put_window(part, windows->closing.window, &options);
    buf_put(&part->records, counts->data, counts->len);
    history->failed |= part->records.failed;
    part->records.failed = false;
}

/* Until its window is sealed others may look at it, row by row. */
static void settle_window(struct history *history)
{
    struct windows *windows = &history->windows;
    if (!windows->closing.window)
        return;
    stats_window_fold(history->stats, windows->closing.window);
    pthread_rwlock_wrlock(&windows->lock);
    stats_window_seal(windows->closing.window);
    pthread_rwlock_unlock(&windows->lock);
}

/* What takes long of it holds up nobody. `settle`: take_window. */
static void close_part(struct history *history, bool settle)
{
    struct windows *windows = &history->windows;
    if (!history->recorder.dirty)
        return;
    struct wheel_part part = begin_close(history, settle);
    struct stats_window *window = windows->closing.window;
    struct portion minute;
    settle_window(history);
    fill_part(history, &part.portion);
    bool written = history->settings.path && next_minute(history, &part.portion, &minute);
    windows_prepare(windows, &part);
    pthread_rwlock_wrlock(&windows->lock);
    pthread_mutex_lock(&history->lock);
    if (written) {
        buf_free(&history->minute.records);
        history->minute = minute;
        history->minute_begun = true;
    }
    windows_put(windows, &part);
    pthread_mutex_unlock(&history->lock);
    history->failed |= windows->wheel.failed;
    windows->wheel.failed = false;
    pthread_rwlock_unlock(&windows->lock);
    stats_window_free(window);
    windows_add_up(windows);
    windows_tidy(windows, history->recorder.last->generation);
}

static void seal(struct history *history, bool settle)
{
    close_part(history, settle);
    pthread_mutex_lock(&history->lock);
    bool failed = history->recorder.failed || history->failed;
    history->recorder.failed = history->failed = false;
    if (history->minute_begun)
        waiting_put(&history->waiting, &history->minute);
    history->minute = (struct portion){0};
    history->minute_begun = false;
    pthread_cond_signal(&history->wake);
    pthread_mutex_unlock(&history->lock);
    if (failed)
        log_warning("history: for want of memory numbers of a minute, or of a window, are missing");
}

void history_seal(struct history *history)
{
    seal(history, true);
}

/* Is it time to end the portion that has just got something? A minute's end is; else, when
 * `write-every` says so, but not while a disk in trouble has others to write. */
static bool is_due(struct history *history, int64_t second, uint64_t now_ns)
{
    if ((second + 1) % 60 == 0)
        return true;
    pthread_mutex_lock(&history->lock);
    bool idle = history->waiting.count == 0;
    uint64_t every_ns = history->settings.write_every_ns;
    pthread_mutex_unlock(&history->lock);
    return idle && history->settings.path &&
           now_ns - history->cut_ns + EARLY_MS * CLOCK_MS_NS >= every_ns;
}

/* Windows begin anew with a part of their own, after one that ends. The database has no parts so
 * short: what came before is in the minute that is running, or in earlier ones. */
static void begin_windows(struct history *history, unsigned which,
                          const struct stats_snapshot *snapshot)
{
    pthread_rwlock_wrlock(&history->windows.lock);
    windows_begin(&history->windows, which, snapshot);
    pthread_rwlock_unlock(&history->windows.lock);
    if (!history->settings.path)
        return;
    pthread_mutex_lock(&history->lock);
    for (int w = 0; w < WHEEL_WINDOWS; w++)
        if (which >> w & 1)
            history->begun_ms[w] = history->recorder.open_ms + RECORDER_MINUTE_MS;
    pthread_cond_signal(&history->wake);
    pthread_mutex_unlock(&history->lock);
}

/* When the statistics were reset all windows begin anew with what comes from then on. The rows of
 * what came before are gone, and those that there are belong to that. */
static void follow_reset(struct history *history, const struct stats_snapshot *snapshot)
{
    const struct stats_snapshot *last = history->recorder.last;
    if (!last || last->since_ns == snapshot->since_ns)
        return;
    close_part(history, false);
    begin_windows(history, (1u << WHEEL_WINDOWS) - 1, snapshot);
}

/* Does what somebody wanted before the snapshot was made. */
static void reset_windows(struct history *history, const struct stats_snapshot *snapshot)
{
    pthread_mutex_lock(&history->lock);
    unsigned wanted = snapshot->generation > history->resets_behind ? history->resets_wanted : 0;
    pthread_mutex_unlock(&history->lock);
    if (wanted) {
        close_part(history, true);
        begin_windows(history, wanted, snapshot);
    }
    pthread_mutex_lock(&history->lock);
    history->resets_wanted &= ~wanted;
    pthread_cond_broadcast(&history->seen);
    pthread_mutex_unlock(&history->lock);
}

void history_see(struct history *history, const struct stats_snapshot *snapshot)
{
    struct recorder *recorder = &history->recorder;
    uint64_t now_ns = snapshot->made_ns;
    int64_t second = recorder_second(recorder, snapshot);
    bool next = !recorder->last || second != recorder->second;
    windows_start(&history->windows, snapshot);
    follow_reset(history, snapshot);
    if (!recorder->last || recorder_must_cut(recorder, second)) {
        seal(history, false); /* what there is by now is of the next one */
        history->cut_ns = now_ns;
    }
    stats_hold(snapshot);
    take_snapshot(history, snapshot, second);
    reset_windows(history, snapshot);
    if (next && is_due(history, second, now_ns)) {
        history_seal(history);
        history->cut_ns = now_ns;
    } else if (windows_is_due(&history->windows, snapshot)) {
        close_part(history, true);
    }
    stats_release(snapshot);
}

/* --- the thread ----------------------------------------------------------------------------- */

static bool told_to_stop(struct history *history)
{
    pthread_mutex_lock(&history->lock);
    bool stop = history->stopping;
    pthread_mutex_unlock(&history->lock);
    return stop;
}

static void set_following(struct history *history, bool following)
{
    pthread_mutex_lock(&history->lock);
    history->following = following;
    pthread_cond_broadcast(&history->seen);
    pthread_mutex_unlock(&history->lock);
}

static void *follow(void *arg)
{
    struct history *history = arg;
    struct stats *stats = history->stats;
    thread_begin("history", 0);
    while (!stats_stopped(stats) && !told_to_stop(history)) {
        const struct stats_snapshot *snapshot =
            stats_wait(stats, history->recorder.last->generation, WAIT_MS * CLOCK_MS_NS);
        if (snapshot)
            history_see(history, snapshot);
    }
    const struct stats_snapshot *last = stats_take(stats);
    if (last->generation > history->recorder.last->generation)
        history_see(history, last);
    else
        stats_release(last);
    if (history->settings.path) /* nobody else will have use for what has not been closed by now */
        history_seal(history);
    set_following(history, false);
    return NULL;
}

int history_start(struct history *history, struct stats *stats, struct error *err)
{
    history->stats = stats;
    windows_limit(&history->windows, stats_windows_memory(stats));
    history_see(history, stats_wait(stats, 0, 0)); /* the first one: nobody asks for more */
    set_following(history, true);
    if (pthread_create(&history->follower_thread, NULL, follow, history) != 0) {
        set_following(history, false);
        return error_set(err, "cannot start the history's thread");
    }
    if (pthread_create(&history->writer_thread, NULL, history_write, history) != 0) {
        pthread_mutex_lock(&history->lock);
        history->stopping = true;
        pthread_mutex_unlock(&history->lock);
        pthread_join(history->follower_thread, NULL);
        return error_set(err, "cannot start the history's writer");
    }
    history->started = true;
    return 0;
}

void history_stop(struct history *history)
{
    if (!history || !history->started)
        return;
    pthread_mutex_lock(&history->lock);
    history->stopping = true;
    pthread_mutex_unlock(&history->lock);
    pthread_join(history->follower_thread, NULL);
    pthread_mutex_lock(&history->lock);
    history->followed = true;
    pthread_cond_signal(&history->wake);
    pthread_mutex_unlock(&history->lock);
    pthread_join(history->writer_thread, NULL);
    history->started = false;
}

/* --- making and unmaking -------------------------------------------------------------------- */

static void init_locks(struct history *history)
{
    thread_cond_init(&history->wake);
    thread_cond_init(&history->answered);
    thread_cond_init(&history->seen);
    pthread_mutex_init(&history->lock, NULL);
    pthread_mutex_init(&history->reading, NULL);
}

struct history *history_open(const struct history_settings *settings, struct siphash_key *key,
                             struct error *err)
{
    struct history *history = calloc(1, sizeof *history);
    char *path = settings->path ? strdup(settings->path) : NULL;
    struct siphash_key run;
    struct error note;
    if (!history || (settings->path && !path) || siphash_key_random(&history->key) < 0 ||
        siphash_key_random(&run) < 0) {
        free(history);
        free(path);
        error_set(err, "no memory for the history");
        return NULL;
    }
    init_locks(history);
    history->run = run.words[0];
    history->answer_ns = ANSWER_S * CLOCK_SECOND_NS;
    history->settings = *settings;
    history->settings.path = path;
    history->state.on_disk = path != NULL;
    history->state.healthy = true;
    bool opened = path && history_open_store(history);
    windows_init(&history->windows, &history->key, WINDOWS_BYTES);
    if (opened)
        history_restore(history, clock_wall_ms());
    if (opened && folder_note_at(path, FOLDER_DATABASE, &note))
        log_warning("history: %s", note.text);
    *key = history->key;
    return history;
}

void history_close(struct history *history)
{
    if (!history)
        return;
    history_stop(history);
    ask_end(history);
    recorder_free(&history->recorder);
    buf_free(&history->minute.records);
    windows_free(&history->windows);
    waiting_free(&history->waiting);
    store_close(history->writer.store);
    for (int i = 0; i < HISTORY_READERS; i++)
        reader_close(history->readers[i].reader);
    pthread_mutex_destroy(&history->lock);
    pthread_mutex_destroy(&history->reading);
    pthread_cond_destroy(&history->wake);
    pthread_cond_destroy(&history->answered);
    pthread_cond_destroy(&history->seen);
    free(history->settings.path);
    free(history);
}

void history_state(struct history *history, struct history_state *state)
{
    pthread_mutex_lock(&history->lock);
    *state = history->state;
    state->waiting = history->waiting.count;
    state->lost = history->waiting.lost;
    pthread_mutex_unlock(&history->lock);
}

void history_each(struct history *history, bool seconds, uint64_t written,
                  void (*take)(void *ctx, const struct portion *portion), void *ctx)
{
    struct recorder *recorder = &history->recorder;
    struct portion open = {0};
    for (size_t i = 0; seconds && i < recorder->count; i++)
        take(ctx, &recorder->seconds[(recorder->first + i) % RECORDER_SECONDS]);
    if (!seconds)
        waiting_each(&history->waiting, written, take, ctx);
    if (!seconds && history->minute_begun)
        take(ctx, &history->minute);
    if (!seconds && history->windows.closing.any)
        take(ctx, &history->windows.closing.counts);
    if (!seconds && recorder->dirty) {
        recorder_peek(recorder, &open);
        take(ctx, &open);
        buf_free(&open.records);
    }
}
