#include "history/gather.h"

#include <stdlib.h>

#include "base/clock.h"

enum { TRIES = 100 /* to see memory and database at one moment */ };

/* --- readers -------------------------------------------------------------------------------- */

static unsigned epoch_of(struct history *history)
{
    pthread_mutex_lock(&history->lock);
    unsigned epoch = history->epoch;
    pthread_mutex_unlock(&history->lock);
    return epoch;
}

/* Opens the connection, anew if the database has been changed for another one. */
static enum store_status open_reader(struct history *history, struct history_reader *held,
                                     struct error *err)
{
    unsigned epoch = epoch_of(history);
    if (held->reader && held->epoch == epoch)
        return STORE_FINE;
    reader_close(held->reader);
    held->reader = NULL;
    held->epoch = epoch;
    return epoch == 0 ? STORE_TROUBLE : reader_open(history->settings.path, &held->reader, err);
}

/* Drops the connection after an error. If the database is broken the writer learns of it, which
 * mends it and tells the user. */
static void distrust(struct gatherer *gather, enum store_status status)
{
    struct history *history = gather->history;
    reader_close(gather->held->reader);
    gather->held->reader = NULL;
    gather->reads = false;
    pthread_mutex_lock(&history->lock);
    history->reader_suspect |= status == STORE_BROKEN;
    pthread_mutex_unlock(&history->lock);
}

void gather_begin(struct gatherer *gather, const struct ask *ask)
{
    struct error ignored;
    *gather =
        (struct gatherer){.history = ask->history, .held = ask->reader, .until_ns = ask->until_ns};
    if (!gather->held)
        return;
    enum store_status status = open_reader(gather->history, gather->held, &ignored);
    gather->reads = status == STORE_FINE;
    if (!gather->reads)
        distrust(gather, status);
}

void gather_end(struct gatherer *gather)
{
    if (gather->reads)
        reader_end(gather->held->reader);
}

/* --- what is there -------------------------------------------------------------------------- */

static int64_t next_record(void *ctx, unsigned what, enum history_kind kind, int64_t from_ms)
{
    const struct gatherer *gather = ctx;
    return gather->reads ? reader_next(gather->held->reader, what, kind, from_ms) : INT64_MAX;
}

/* Where the seconds in memory begin that go on to the present: a clock that was wrong for a while
 * has left others among them. */
static int64_t seconds_from(const struct recorder *recorder, int64_t now_ms)
{
    int64_t from_ms = now_ms, least_ms = now_ms - RECORDER_SECONDS * INT64_C(1000);
    for (size_t i = 0; i < recorder->count; i++) {
        int64_t start_ms = recorder->seconds[(recorder->first + i) % RECORDER_SECONDS].start_ms;
        if (start_ms >= least_ms && start_ms < from_ms)
            from_ms = start_ms;
    }
    return from_ms;
}

struct plan_sources gather_sources(struct gatherer *gather, unsigned what)
{
    struct history *history = gather->history;
    struct recorder *recorder = &history->recorder;
    struct plan_sources sources = {
        .now_ms = clock_wall_ms(),
        .on_disk = history->settings.path != NULL,
        .what = what,
        .next = next_record,
        .ctx = gather,
    };
    pthread_mutex_lock(&history->lock);
    if (recorder->last)
        sources.now_ms = recorder->last->made_ms;
    sources.seconds_from_ms = seconds_from(recorder, sources.now_ms);
    pthread_mutex_unlock(&history->lock);
    return sources;
}

/* --- reading -------------------------------------------------------------------------------- */

/* Has the database stand still. Which portions it has then is in *written. */
static enum store_status stand_still(struct gatherer *gather, uint64_t *written, struct error *err)
{
    struct history *history = gather->history;
    struct store_mark mark;
    enum store_status status = open_reader(history, gather->held, err);
    if (status == STORE_FINE)
        status = reader_begin(gather->held->reader, gather->until_ns, &mark, err);
    if (status == STORE_FINE)
        *written = mark.run == history->run ? mark.number : 0;
    return status;
}

/*
 * The writer forgets a portion once it is in the database. If it has forgotten one that the
 * standing database does not have, or has begun another database, the look comes too late and is
 * repeated: it writes every few seconds at most.
 */
int gather_memory(struct gatherer *gather, bool seconds,
                  void (*take)(void *ctx, const struct portion *portion), void *ctx,
                  struct error *err)
{
    struct history *history = gather->history;
    bool seen = false;
    for (int i = 0; i < TRIES && !seen; i++) {
        uint64_t written = 0;
        struct error ignored;
        enum store_status status = STORE_FINE;
        if (!seconds && gather->reads)
            status = stand_still(gather, &written, &ignored);
        if (status != STORE_FINE)
            distrust(gather, status);
        bool stands = !seconds && gather->reads;
        pthread_mutex_lock(&history->lock);
        seen = !stands ||
               (history->waiting.written <= written && gather->held->epoch == history->epoch);
        if (seen)
            history_each(history, seconds, stands ? written : 0, take, ctx);
        pthread_mutex_unlock(&history->lock);
        if (!seen)
            reader_end(gather->held->reader);
    }
    return seen ? 0 : error_set(err, "history is written too fast to be read");
}

/* Spans that records of the longer kinds have left open. */
struct gaps {
    struct plan_span *spans;
    size_t count, max;
};

static bool add_gap(struct gaps *gaps, int64_t from_ms, int64_t to_ms)
{
    if (from_ms >= to_ms)
        return true;
    if (gaps->count == gaps->max) {
        size_t max = 2 * gaps->max + 16;
        struct plan_span *spans = realloc(gaps->spans, max * sizeof *spans);
        if (!spans)
            return false;
        gaps->spans = spans;
        gaps->max = max;
    }
    gaps->spans[gaps->count++] = (struct plan_span){from_ms, to_ms};
    return true;
}

/* One gap being filled with records of one kind. */
struct filling {
    enum history_kind kind;
    struct plan_span gap; /* what is left of it */
    struct gaps *left;
    bool failed; /* no memory */
    bool (*take)(void *ctx, int64_t start_ms, struct span bytes);
    void *ctx;
};

static bool fill(void *ctx, int64_t start_ms, struct span bytes)
{
    struct filling *filling = ctx;
    int64_t end_ms = kind_end(filling->kind, start_ms);
    if (end_ms > filling->gap.to_ms || start_ms < filling->gap.from_ms)
        return true;
    filling->failed |= !add_gap(filling->left, filling->gap.from_ms, start_ms);
    filling->gap.from_ms = end_ms;
    return filling->take(filling->ctx, start_ms, bytes) && !filling->failed;
}

static int fill_gaps(struct gatherer *gather, struct filling *filling, const struct gaps *gaps,
                     struct reader_span *span, struct error *err)
{
    for (size_t i = 0; i < gaps->count && gather->reads; i++) {
        filling->gap = gaps->spans[i];
        span->from_ms = filling->gap.from_ms;
        span->to_ms = filling->gap.to_ms;
        enum store_status status = reader_each(gather->held->reader, span, fill, filling, err);
        if (status != STORE_FINE) {
            distrust(gather, status);
            return -1;
        }
        filling->failed |= !add_gap(filling->left, filling->gap.from_ms, filling->gap.to_ms);
        if (filling->failed)
            return error_set(err, "no memory for so much history");
    }
    return 0;
}

int gather_span(struct gatherer *gather, const struct reader_span *span,
                bool (*take)(void *ctx, int64_t start_ms, struct span bytes), void *ctx,
                struct error *err)
{
    struct gaps gaps = {0}, left = {0};
    struct reader_span part = *span;
    int rc = add_gap(&gaps, span->from_ms, span->to_ms) ? 0 : error_set(err, "no memory");
    for (int kind = (int)span->kind; rc == 0 && kind >= 0; kind--) {
        part.kind = (enum history_kind)kind;
        struct filling filling = {.kind = part.kind, .left = &left, .take = take, .ctx = ctx};
        left.count = 0;
        rc = fill_gaps(gather, &filling, &gaps, &part, err);
        struct gaps swap = gaps;
        gaps = left;
        left = swap;
    }
    free(gaps.spans);
    free(left.spans);
    return rc;
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
