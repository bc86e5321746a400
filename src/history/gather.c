#include "history/gather.h"

#include "base/clock.h"

enum { TIME_S = 2 }; /* for one answer */

struct plan_sources gather_sources(struct history *history)
{
    struct recorder *recorder = &history->recorder;
    struct plan_sources sources = {.now_ms = clock_wall_ms(), .settings = &history->settings};
    pthread_mutex_lock(&history->lock);
    if (recorder->last)
        sources.now_ms = recorder->last->made_ms;
    sources.seconds_from_ms =
        recorder->count ? recorder->seconds[recorder->first].start_ms : sources.now_ms;
    pthread_mutex_unlock(&history->lock);
    return sources;
}

/* The reader's, or another if the database has been changed for a new one. */
static enum store_status open_reader(struct history *history, struct error *err)
{
    pthread_mutex_lock(&history->lock);
    unsigned epoch = history->epoch;
    pthread_mutex_unlock(&history->lock);
    if (history->reader && history->reader_epoch == epoch)
        return STORE_FINE;
    reader_close(history->reader);
    history->reader = NULL;
    history->reader_epoch = epoch;
    return epoch == 0 ? STORE_TROUBLE : reader_open(history->settings.path, &history->reader, err);
}

/* Drops the reader after an error. If the database is broken the writer learns of it, which mends
 * it and tells the user. */
static void distrust(struct history *history, enum store_status status)
{
    reader_close(history->reader);
    history->reader = NULL;
    pthread_mutex_lock(&history->lock);
    history->reader_suspect |= status == STORE_BROKEN;
    pthread_mutex_unlock(&history->lock);
}

static void begin_reading(struct gather *gather)
{
    struct history *history = gather->history;
    struct error err;
    enum store_status status = open_reader(history, &err);
    if (status == STORE_FINE)
        status = reader_begin(history->reader, gather->until_ns, &err);
    if (status == STORE_FINE)
        gather->reader = history->reader;
    else
        distrust(history, status);
}

int gather_begin(struct gather *gather, struct history *history, bool seconds,
                 void (*take)(void *ctx, const struct portion *portion), void *ctx,
                 struct error *err)
{
    *gather =
        (struct gather){.history = history, .until_ns = clock_after(TIME_S * CLOCK_SECOND_NS)};
    bool reads = !seconds && history->settings.path;
    /* Such locks go by the wall clock. */
    struct timespec until = clock_timespec(clock_wall_ns() + TIME_S * CLOCK_SECOND_NS);
    if (pthread_mutex_timedlock(&history->reading, &until) != 0)
        return error_set(err, "too many ask for history at once");
    pthread_mutex_lock(&history->settled);
    if (reads)
        begin_reading(gather);
    pthread_mutex_lock(&history->lock);
    history_each(history, seconds, take, ctx);
    pthread_mutex_unlock(&history->lock);
    pthread_mutex_unlock(&history->settled);
    return 0;
}

int gather_each(struct gather *gather, const struct reader_span *span,
                bool (*take)(void *ctx, int64_t start_ms, struct span bytes), void *ctx,
                struct error *err)
{
    if (!gather->reader)
        return 0;
    enum store_status status = reader_each(gather->reader, span, take, ctx, err);
    if (status == STORE_FINE)
        return 0;
    gather->reader = NULL;
    distrust(gather->history, status);
    return -1;
}

void gather_end(struct gather *gather)
{
    if (gather->reader)
        reader_end(gather->reader);
    pthread_mutex_unlock(&gather->history->reading);
}

static bool names(struct span item, struct span word)
{
    return item.len > 0 && item.len <= word.len && memcmp(item.ptr, word.ptr, item.len) == 0 &&
           (item.len == word.len || word.ptr[item.len] == '.');
}

bool gather_wants(struct span list, struct span word)
{
    if (list.len == 0)
        return true;
    const uint8_t *end = list.ptr + list.len;
    for (const uint8_t *p = list.ptr; p < end;) {
        const uint8_t *comma = memchr(p, ',', (size_t)(end - p));
        size_t len = (size_t)((comma ? comma : end) - p);
        if (names(span_of(p, len), word))
            return true;
        p += len + 1;
    }
    return false;
}
