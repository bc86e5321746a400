/* The follower: sees each snapshot, ends portions, and has them written. */
#include "history/history.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "history/ask.h"
#include "io/folder.h"

enum {
    WAIT_MS = 500,
    EARLY_MS = 500, /* a portion may end so much before its time */
    ANSWER_S = 2,
};

/* --- what comes ----------------------------------------------------------------------------- */

static void put_distinct(struct history *history, const struct stats_window *window,
                         enum stats_side side, struct portion *portion)
{
    for (int which = 0; which < WINDOW_DISTINCTS; which++) {
        struct buf bytes = {0};
        struct sketch sketch = {
            .mark = sketch_mark(&history->key),
            .hll = *stats_window_distinct(window, side, (enum stats_distinct_id)which),
        };
        sketch_encode(&sketch, &bytes);
        portion_put(portion, record_of(RECORD_DISTINCT + (unsigned)which, side), (struct span){0},
                    buf_span(&bytes));
        portion->records.failed |= bytes.failed;
        buf_free(&bytes);
    }
}

/* One table's list, by every rank. */
static void put_tops(struct history *history, const struct stats_window *window,
                     enum stats_side side, enum stats_table_id table, struct portion *portion)
{
    struct stats_question questions[TOPS_RANKS];
    struct stats_answer answers[TOPS_RANKS];
    const struct stats_scope scope = {.stream = STATS_ALL, .side = side};
    struct tops tops = {0};
    struct buf bytes = {0};
    size_t top = history->settings.top;
    for (int rank = 0; rank < TOPS_RANKS; rank++)
        questions[rank] = (struct stats_question){
            .table = table, .by = tops_ranks[rank].by, .measure = tops_ranks[rank].measure};
    if (stats_window_top(window, &scope, questions, TOPS_RANKS, top, answers) < 0) {
        portion->records.failed = true;
        return;
    }
    tops_of_answers(&tops, answers, top);
    stats_answers_free(answers, TOPS_RANKS);
    tops_encode(&tops, &bytes);
    portion_put(portion, record_of(RECORD_TOPS + table, side), (struct span){0}, buf_span(&bytes));
    portion->records.failed |= bytes.failed || tops.failed;
    buf_free(&bytes);
    tops_free(&tops);
}

static void put_window(struct history *history, const struct stats_window *window,
                       struct portion *portion)
{
    for (enum stats_side side = 0; side < STATS_SIDES; side++) {
        put_distinct(history, window, side, portion);
        for (int table = 0; table < STATS_TABLES; table++)
            put_tops(history, window, side, (enum stats_table_id)table, portion);
    }
}

void waiting_drop(struct waiting *waiting)
{
    struct portion *first = waiting_at(waiting, 0);
    waiting->bytes -= first->records.cap;
    buf_free(&first->records);
    *first = (struct portion){0};
    waiting->first = (waiting->first + 1) % WAITING_MAX;
    waiting->count--;
}

static bool has_room(const struct waiting *waiting, size_t bytes)
{
    return waiting->count == 0 ||
           (waiting->count < WAITING_MAX && waiting->bytes + bytes <= WAITING_BYTES);
}

/* When there is no room the oldest goes, or, while that is being written, the new one. */
void waiting_put(struct waiting *waiting, struct portion *portion)
{
    for (; !has_room(waiting, portion->records.cap) && waiting->busy == 0; waiting->lost++)
        waiting_drop(waiting);
    if (!has_room(waiting, portion->records.cap)) {
        buf_free(&portion->records);
        waiting->lost++;
        return;
    }
    waiting->bytes += portion->records.cap;
    portion->number = ++waiting->numbered;
    *waiting_at(waiting, waiting->count++) = *portion;
}

void history_seal(struct history *history)
{
    struct portion portion = {0};
    struct stats_window *window = NULL;
    if (!history->recorder.dirty)
        return;
    if (history->settings.path && history->stats)
        window = stats_window_take(history->stats);
    if (window)
        put_window(history, window, &portion);
    stats_window_free(window);
    pthread_mutex_lock(&history->lock);
    recorder_cut(&history->recorder, &portion);
    bool failed = history->recorder.failed;
    history->recorder.failed = false;
    if (portion.records.failed)
        history->waiting.lost++;
    if (history->settings.path && !portion.records.failed)
        waiting_put(&history->waiting, &portion);
    else
        buf_free(&portion.records);
    pthread_cond_signal(&history->wake);
    pthread_mutex_unlock(&history->lock);
    if (failed)
        log_warning("history: for want of memory numbers of a minute are missing");
}

/* Is it time to end the portion that has just got something? A minute's end is; else, when
 * `write-every` says so, but not while a disk in trouble has others to write. */
static bool is_due(struct history *history, int64_t second, uint64_t now_ns)
{
    if ((second + 1) % 60 == 0)
        return true;
    pthread_mutex_lock(&history->lock);
    bool idle = history->waiting.count == 0;
    pthread_mutex_unlock(&history->lock);
    return idle && history->settings.path &&
           now_ns - history->cut_ns + EARLY_MS * CLOCK_MS_NS >= history->settings.write_every_ns;
}

void history_see(struct history *history, const struct stats_snapshot *snapshot)
{
    uint64_t now_ns = snapshot->made_ns;
    int64_t second = recorder_second(&history->recorder, snapshot);
    if (!history->recorder.last || recorder_must_cut(&history->recorder, second)) {
        history_seal(history);
        history->cut_ns = now_ns;
    }
    pthread_mutex_lock(&history->lock);
    recorder_take(&history->recorder, snapshot, second);
    pthread_mutex_unlock(&history->lock);
    if (is_due(history, second, now_ns)) {
        history_seal(history);
        history->cut_ns = now_ns;
    }
}

/* --- the thread ----------------------------------------------------------------------------- */

static bool told_to_stop(struct history *history)
{
    pthread_mutex_lock(&history->lock);
    bool stop = history->stopping;
    pthread_mutex_unlock(&history->lock);
    return stop;
}

static void *follow(void *arg)
{
    struct history *history = arg;
    struct stats *stats = history->stats;
    uint64_t generation = 0;
    thread_begin("history", 0);
    while (!stats_stopped(stats) && !told_to_stop(history)) {
        const struct stats_snapshot *snapshot =
            stats_wait(stats, generation, WAIT_MS * CLOCK_MS_NS);
        if (!snapshot)
            continue;
        generation = snapshot->generation;
        history_see(history, snapshot);
    }
    const struct stats_snapshot *last = stats_take(stats);
    if (last->generation > generation)
        history_see(history, last);
    else
        stats_release(last);
    history_seal(history);
    return NULL;
}

int history_start(struct history *history, struct stats *stats, struct error *err)
{
    history->stats = stats;
    if (history->settings.path)
        stats_window_free(stats_window_take(stats)); /* from now on there are windows */
    if (pthread_create(&history->follower_thread, NULL, follow, history) != 0)
        return error_set(err, "cannot start the history's thread");
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
    if (path && history_open_store(history) && folder_note_at(path, FOLDER_DATABASE, &note))
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
    while (history->waiting.count > 0)
        waiting_drop(&history->waiting);
    store_close(history->writer.store);
    for (int i = 0; i < HISTORY_READERS; i++)
        reader_close(history->readers[i].reader);
    pthread_mutex_destroy(&history->lock);
    pthread_mutex_destroy(&history->reading);
    pthread_cond_destroy(&history->wake);
    pthread_cond_destroy(&history->answered);
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
    for (size_t i = 0; !seconds && i < history->waiting.count; i++) {
        const struct portion *portion = waiting_at(&history->waiting, i);
        if (portion->number > written)
            take(ctx, portion);
    }
    if (!seconds && recorder->dirty) {
        recorder_peek(recorder, &open);
        take(ctx, &open);
        buf_free(&open.records);
    }
}
