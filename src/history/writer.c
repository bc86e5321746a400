/* The writer: brings portions into the database, and waits for better times when it cannot. */
#include <limits.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "history/history_state.h"

enum { TRANSACTION_PORTIONS = 16 /* written at once */ };

static const uint64_t delay_first_ns = CLOCK_SECOND_NS, delay_max_ns = 60 * CLOCK_SECOND_NS,
                      quiet_ns = 60 * CLOCK_SECOND_NS, trim_every_ns = 60 * CLOCK_SECOND_NS,
                      aside_every_ns = 3600 * CLOCK_SECOND_NS,
                      convert_every_ns = 24 * 3600 * CLOCK_SECOND_NS;

static void say(struct history *history, const char *text)
{
    struct history_writer *writer = &history->writer;
    if (clock_ns() < writer->silent_until_ns)
        return;
    writer->said = true;
    writer->silent_until_ns = clock_after(quiet_ns);
    log_warning("history: %s; it is tried again", text);
}

static void note_problem(struct history *history, const char *text)
{
    struct history_state *state = &history->state;
    pthread_mutex_lock(&history->lock);
    state->write_errors++;
    snprintf(state->problem, sizeof state->problem, "%.*s", (int)sizeof state->problem - 1, text);
    pthread_mutex_unlock(&history->lock);
}

static void went_well(struct history *history)
{
    struct history_writer *writer = &history->writer;
    uint64_t size_bytes = store_size(history->settings.path);
    writer->delay_ns = writer->retry_ns = 0;
    pthread_mutex_lock(&history->lock);
    history->state.healthy = true;
    history->state.size_bytes = size_bytes;
    unsigned long long lost = history->waiting.lost;
    pthread_mutex_unlock(&history->lock);
    if (writer->said && lost)
        log_info("history: written again; %llu minutes are lost", lost);
    else if (writer->said)
        log_info("history: written again");
    writer->said = false;
}

/* Closes the database, so that the next try begins from scratch, and puts that off. */
static void went_wrong(struct history *history, const char *text)
{
    struct history_writer *writer = &history->writer;
    store_close(writer->store);
    writer->store = NULL;
    writer->delay_ns = writer->delay_ns ? 2 * writer->delay_ns : delay_first_ns;
    if (writer->delay_ns > delay_max_ns)
        writer->delay_ns = delay_max_ns;
    writer->retry_ns = clock_after(writer->delay_ns);
    note_problem(history, text);
    pthread_mutex_lock(&history->lock);
    history->state.healthy = false;
    pthread_mutex_unlock(&history->lock);
    say(history, text);
}

/* A broken database makes room for a new one; once an hour, for a disk that breaks all it is given
 * would be full of them. */
static bool set_aside(struct history *history, const struct error *why)
{
    struct history_writer *writer = &history->writer;
    struct error err = {0};
    char to[PATH_MAX];
    if (writer->aside_ns && clock_ns() - writer->aside_ns < aside_every_ns)
        return false;
    store_close(writer->store);
    writer->store = NULL;
    if (store_set_aside(history->settings.path, to, sizeof to, &err) < 0) {
        log_warning("history: %s", err.text);
        return false;
    }
    log_warning("history: %s; set aside as %s, a new one is begun", why->text, to);
    writer->aside_ns = clock_ns();
    note_problem(history, why->text);
    return true;
}

bool history_open_store(struct history *history)
{
    struct history_writer *writer = &history->writer;
    struct error err = {0};
    if (writer->store && store_in_place(writer->store))
        return true;
    store_close(writer->store);
    writer->store = NULL;
    const char *path = history->settings.path;
    struct siphash_key key = history->key;
    enum store_status status = store_open(path, &key, &writer->store, &err);
    if (status == STORE_BROKEN && set_aside(history, &err))
        status = store_open(path, &key, &writer->store, &err);
    if (status != STORE_FINE) {
        went_wrong(history, err.text);
        return false;
    }
    /* Once statistics run, their hashes are made with the present key. If the database turns out to
     * have another one, the marks of the sketches keep both apart. */
    if (!history->stats)
        history->key = key;
    if (!writer->trust.judged && writer->trust.believed_ms == 0)
        writer->trust.believed_ms = store_time(writer->store);
    uint64_t written = store_mark_number(writer->store, history->run);
    uint64_t size_bytes = store_size(path);
    store_begun(writer->store, writer->begun_ms, WHEEL_WINDOWS);
    pthread_mutex_lock(&history->lock);
    for (int w = 0; w < WHEEL_WINDOWS; w++)
        if (writer->begun_ms[w] > history->begun_ms[w])
            history->begun_ms[w] = writer->begun_ms[w];
    history->epoch++;
    history->state.size_bytes = size_bytes;
    /* A transaction may have been reported to have failed, and has not. */
    waiting_forget(&history->waiting, written);
    pthread_mutex_unlock(&history->lock);
    return true;
}

/* What went wrong inside the database. */
static void give_up(struct history *history, enum store_status status, const struct error *err)
{
    if (status != STORE_BROKEN || !set_aside(history, err))
        went_wrong(history, err->text);
}

/* How many portions are to be written now. */
static size_t claim(struct history *history)
{
    pthread_mutex_lock(&history->lock);
    size_t count = waiting_claim(&history->waiting, TRANSACTION_PORTIONS);
    pthread_mutex_unlock(&history->lock);
    return count;
}

/* So many of the portions that were claimed are written. */
static void settle(struct history *history, size_t written, uint64_t rows)
{
    pthread_mutex_lock(&history->lock);
    waiting_settle(&history->waiting, written);
    history->state.rows_written += rows;
    pthread_mutex_unlock(&history->lock);
}

/* Where windows began anew, if that is news. */
static enum store_status write_begun(struct history *history, struct error *err)
{
    struct history_writer *writer = &history->writer;
    int64_t begun_ms[WHEEL_WINDOWS];
    pthread_mutex_lock(&history->lock);
    memcpy(begun_ms, history->begun_ms, sizeof begun_ms);
    pthread_mutex_unlock(&history->lock);
    if (memcmp(begun_ms, writer->begun_ms, sizeof begun_ms) == 0)
        return STORE_FINE;
    enum store_status status = store_put_begun(writer->store, begun_ms, WHEEL_WINDOWS, err);
    if (status != STORE_FINE)
        return status;
    pthread_mutex_lock(&history->lock);
    memcpy(writer->begun_ms, begun_ms, sizeof begun_ms);
    pthread_mutex_unlock(&history->lock);
    return STORE_FINE;
}

/* With the portions their mark is written, by which readers know which of those in memory they have
 * read already (history/gather.c). */
static enum store_status write_portions(struct history *history, size_t count, struct error *err)
{
    struct store *store = history->writer.store;
    struct store_mark mark = {.run = history->run};
    uint64_t rows = 0, top = history_rules(history).top;
    enum store_status status = store_begin(store, err);
    for (size_t i = 0; status == STORE_FINE && i < count; i++) {
        const struct portion *portion = waiting_at(&history->waiting, i);
        mark.number = portion->number;
        status = store_add(store, portion, top, &rows, err);
    }
    if (status == STORE_FINE && count > 0)
        status = store_put_mark(store, &mark, err);
    if (status == STORE_FINE)
        status = write_begun(history, err);
    if (status == STORE_FINE)
        status = store_commit(store, err);
    settle(history, status == STORE_FINE ? count : 0, status == STORE_FINE ? rows : 0);
    return status;
}

/* Makes the lists that are due and deletes what is to go, in one transaction. */
static enum store_status tidy(struct history *history, const struct store_limits *limits,
                              struct error *err)
{
    struct store *store = history->writer.store;
    enum store_status status = store_begin(store, err);
    if (status == STORE_FINE && limits->believed)
        status = store_put_time(store, limits->now_ms, err);
    if (status == STORE_FINE && limits->believed)
        status = store_roll(store, limits->now_ms, limits->settings->top, err);
    if (status == STORE_FINE)
        status = store_trim(store, limits, err);
    return status == STORE_FINE ? store_commit(store, err) : status;
}

/* A database of an older Spile, once it has been trimmed. It may fail, for want of room: then it is
 * good as it is, and tried again another day. */
static enum store_status convert(struct history *history, struct error *err)
{
    struct history_writer *writer = &history->writer;
    if (clock_ns() < writer->convert_ns)
        return STORE_FINE;
    enum store_status status = store_convert(writer->store, err);
    if (status == STORE_TROUBLE) {
        log_info("history: the database cannot be made smaller yet: %s", err->text);
        status = STORE_FINE;
    }
    writer->convert_ns = clock_after(convert_every_ns);
    return status;
}

static bool heed_change(struct history *history)
{
    pthread_mutex_lock(&history->lock);
    bool changed = history->rules_changed;
    history->rules_changed = false;
    pthread_mutex_unlock(&history->lock);
    return changed;
}

/* Once a minute, when the database has grown too large, and when something was changed: makes
 * lists, deletes, and empties the database's log. */
static enum store_status clean(struct history *history, struct error *err)
{
    struct history_writer *writer = &history->writer;
    struct store *store = writer->store;
    const struct history_settings rules = history_rules(history);
    struct store_limits limits = {.settings = &rules};
    bool changed = heed_change(history);
    if (!changed && writer->trimmed_ns && clock_ns() - writer->trimmed_ns < trim_every_ns &&
        !store_is_over(store, &rules))
        return STORE_FINE;
    writer->trimmed_ns = clock_ns();
    pthread_mutex_lock(&history->lock);
    const struct stats_snapshot *last = history->recorder.last;
    bool seen = last != NULL;
    if (seen) {
        limits.now_ms = last->made_ms;
        limits.believed = trust_judge(&writer->trust, last->made_ms, last->made_ns);
    }
    pthread_mutex_unlock(&history->lock);
    enum store_status status = seen ? tidy(history, &limits, err) : STORE_FINE;
    if (status == STORE_FINE && seen)
        status = convert(history, err);
    return status == STORE_FINE ? store_checkpoint(store, &rules, err) : status;
}

/* Writes some of the portions that wait. False: nothing can be written now. */
static bool write_some(struct history *history)
{
    struct error err = {.text = "the database is broken: reading it failed"};
    enum store_status status = STORE_FINE;
    if (!history_open_store(history))
        return false;
    pthread_mutex_lock(&history->lock);
    if (history->reader_suspect)
        status = STORE_BROKEN;
    history->reader_suspect = false;
    pthread_mutex_unlock(&history->lock);
    if (status == STORE_FINE)
        status = write_portions(history, claim(history), &err);
    if (status == STORE_FINE)
        status = clean(history, &err);
    if (status != STORE_FINE) {
        give_up(history, status, &err);
        return history->writer.retry_ns == 0;
    }
    went_well(history);
    return true;
}

/* With the lock. */
static bool has_work(const struct history *history)
{
    return history->waiting.count > 0 || history->rules_changed ||
           memcmp(history->begun_ms, history->writer.begun_ms, sizeof history->begun_ms) != 0;
}

/* Sleeps until there is something to write and the time for it. False: the end. *last: nothing
 * comes any more. */
static bool await_work(struct history *history, bool *last)
{
    struct history_writer *writer = &history->writer;
    pthread_mutex_lock(&history->lock);
    while (!history->followed && (!has_work(history) || clock_ns() < writer->retry_ns)) {
        struct timespec until = clock_timespec(writer->retry_ns);
        if (!has_work(history))
            pthread_cond_wait(&history->wake, &history->lock);
        else
            pthread_cond_timedwait(&history->wake, &history->lock, &until);
    }
    bool work = has_work(history);
    *last = history->followed;
    pthread_mutex_unlock(&history->lock);
    return work;
}

void *history_write(void *arg)
{
    struct history *history = arg;
    thread_begin("history-writer", 0);
    thread_background();
    bool last = false;
    while (await_work(history, &last)) {
        if (!write_some(history) && last)
            break;
    }
    if (history->waiting.count > 0)
        log_warning("history: the last %zu minutes could not be written", history->waiting.count);
    return NULL;
}
