/* What the windows find in the database after a restart. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "history/extent.h"
#include "history/history_priv.h"

enum { MINUTES = 67, HOURS = 25, GROUP = 5 /* minutes */ };
#define READ_NS (2 * CLOCK_SECOND_NS) /* where SQLite can be stopped */

/* Portions of one kind, by their number: the first begins at from_ms. */
struct found {
    struct reader *reader;
    enum history_kind kind;
    int64_t from_ms, now_ms;
    struct portion portions[MINUTES];
};

static int64_t start_of(const struct found *found, size_t i)
{
    return found->from_ms + (int64_t)i * kind_ms[found->kind];
}

static void take_record(void *ctx, int64_t start_ms, const struct record *record)
{
    struct found *found = ctx;
    size_t i = (size_t)((start_ms - found->from_ms) / kind_ms[found->kind]);
    if (start_ms >= found->from_ms && i < MINUTES)
        portion_put(&found->portions[i], record->what, record->stream, record->bytes);
}

/* Gives the wheel a portion that has what came from a moment on until the end of the i-th one. */
static void restore(struct history *history, const struct found *found, struct portion *portion,
                    int64_t from_ms, size_t i, enum wheel_window length)
{
    int64_t end_ms = start_of(found, i + 1);
    struct wheel_part part = {
        .from_ns = from_ms * (int64_t)CLOCK_MS_NS,
        .to_ns = (end_ms < found->now_ms ? end_ms : found->now_ms) * (int64_t)CLOCK_MS_NS,
        .portion = *portion,
    };
    *portion = (struct portion){0};
    if (part.portion.records.len > 0 && !part.portion.records.failed)
        windows_restore(&history->windows, length, &part);
    else
        buf_free(&part.portion.records);
}

/* When what an hour has begins. */
static int64_t begin_of(const struct found *found, size_t i)
{
    int64_t start_ms = start_of(found, i), begin_ms = start_of(found, i + 1);
    for (enum stats_side side = 0; side < STATS_SIDES; side++) {
        if (reader_next(found->reader, record_of(RECORD_COUNTS, side), found->kind, start_ms) !=
            start_ms)
            continue;
        int64_t from_ms = extent_of(found->reader, side, found->kind, start_ms).from_ms;
        begin_ms = from_ms < begin_ms ? from_ms : begin_ms;
    }
    return begin_ms < start_of(found, i + 1) ? begin_ms : start_ms;
}

/* Spile may have begun in the midst of the first of some in a row. */
static void restore_hours(struct history *history, struct found *found)
{
    bool before = false;
    for (size_t i = 0; i + 1 < HOURS; i++) {
        bool any = found->portions[i].records.len > 0;
        int64_t from_ms = any && !before ? begin_of(found, i) : start_of(found, i);
        restore(history, found, &found->portions[i], from_ms, i, WHEEL_DAY);
        before = any;
    }
}

/* Five minutes that are over become one part, which begins with the first that there is. The first
 * group may lack its first minutes. */
static void restore_groups(struct history *history, struct found *found)
{
    const int64_t group_ms = GROUP * kind_ms[HISTORY_MINUTES];
    for (size_t i = 0, end; i < MINUTES; i = end) {
        struct portion sum = {0};
        int64_t start_ms = start_of(found, i), group_end = (start_ms / group_ms + 1) * group_ms;
        int64_t from_ms = group_end;
        bool good = true;
        for (end = i; end < MINUTES && start_of(found, end) < group_end; end++) {
            if (found->portions[end].records.len > 0 && start_of(found, end) < from_ms)
                from_ms = start_of(found, end);
            good &= portion_merge(&sum, &found->portions[end], wheel_spans[WHEEL_HOUR].top) == 0;
        }
        if (good && group_end <= found->now_ms && start_ms % group_ms == 0)
            restore(history, found, &sum, from_ms, end - 1, WHEEL_HOUR);
        buf_free(&sum.records);
    }
}

/* The running minute, and the one before, are what the shortest window has. */
static void restore_minutes(struct history *history, struct found *found)
{
    for (size_t i = MINUTES - GROUP - 2; i < MINUTES; i++)
        restore(history, found, &found->portions[i], start_of(found, i), i,
                i + 2 < MINUTES ? WHEEL_FIVE_MINUTES : WHEEL_MINUTE);
}

static void read_kind(struct history *history, struct reader *reader, enum history_kind kind,
                      size_t count, int64_t now_ms, void (*use)(struct history *, struct found *))
{
    struct found *found = calloc(1, sizeof *found);
    struct error err;
    if (!found)
        return;
    *found = (struct found){.reader = reader, .kind = kind, .now_ms = now_ms};
    found->from_ms = kind_start(kind, now_ms) - ((int64_t)count - 1) * kind_ms[kind];
    struct reader_span span = {.kind = kind, .from_ms = found->from_ms, .to_ms = now_ms};
    if (reader_records(reader, &span, take_record, found, &err) == STORE_FINE)
        use(history, found);
    else
        log_info("history: windows begin empty: %s", err.text);
    for (size_t i = 0; i < MINUTES; i++)
        buf_free(&found->portions[i].records);
    free(found);
}

static void restore_short(struct history *history, struct found *found)
{
    restore_groups(history, found);
    restore_minutes(history, found);
}

void history_restore(struct history *history, int64_t now_ms)
{
    struct reader *reader;
    struct store_mark mark;
    struct error err;
    if (reader_open(history->settings.path, &reader, &err) != STORE_FINE)
        return;
    if (reader_begin(reader, clock_after(READ_NS), &mark, &err) == STORE_FINE) {
        read_kind(history, reader, HISTORY_HOURS, HOURS, now_ms, restore_hours);
        read_kind(history, reader, HISTORY_MINUTES, MINUTES, now_ms, restore_short);
        reader_end(reader);
    }
    reader_close(reader);
}
