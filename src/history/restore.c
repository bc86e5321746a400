/* What the windows find in the database after a restart. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "history/extent.h"
#include "history/history_state.h"

enum { MINUTES = 67, HOURS = 25, GROUP = 5 /* minutes */ };
#define READ_NS (2 * CLOCK_SECOND_NS) /* where SQLite can be stopped */

/* Portions of one kind, by their number: the first begins at from_ms. */
struct restored {
    struct reader *reader;
    enum history_kind kind;
    int64_t from_ms, now_ms;
    struct portion portions[MINUTES];
};

static int64_t start_of(const struct restored *found, size_t i)
{
    return found->from_ms + (int64_t)i * kind_ms[found->kind];
}

static void take_record(void *ctx, int64_t start_ms, const struct record *record)
{
    struct restored *found = ctx;
    size_t i = (size_t)((start_ms - found->from_ms) / kind_ms[found->kind]);
    if (start_ms >= found->from_ms && i < MINUTES)
        portion_put(&found->portions[i], record->what, record->stream, record->bytes);
}

static void free_found(struct restored *found)
{
    for (size_t i = 0; i < MINUTES; i++)
        buf_free(&found->portions[i].records);
    free(found);
}

/* What the database has from `wanted` on, until a moment. NULL: nothing, which is told. */
static struct restored *read_found(const struct restored *wanted, int64_t to_ms)
{
    struct restored *found = malloc(sizeof *found);
    struct error err;
    if (!found)
        return NULL;
    *found = *wanted;
    struct reader_span span = {.kind = found->kind, .from_ms = found->from_ms, .to_ms = to_ms};
    if (reader_records(found->reader, &span, take_record, found, &err) == STORE_FINE)
        return found;
    log_info("history: windows begin empty: %s", err.text);
    free_found(found);
    return NULL;
}

/* Gives the wheel a portion that has what came from a moment on until the end of the i-th one. */
static void restore(struct history *history, const struct restored *found, struct portion *portion,
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
static int64_t begin_of(const struct restored *found, size_t i)
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

/* Adds up some portions; returns when the first that there is begins. */
static int64_t add_up(const struct restored *found, size_t i, size_t end, size_t top,
                      struct portion *sum)
{
    int64_t from_ms = start_of(found, end);
    bool failed = false;
    for (; i < end; i++) {
        if (found->portions[i].records.len > 0 && start_of(found, i) < from_ms)
            from_ms = start_of(found, i);
        failed |= portion_merge(sum, &found->portions[i], top) < 0;
    }
    sum->records.failed |= failed;
    return from_ms;
}

/* The minutes of the i-th hour behind the one in which the day began anew. */
static void restore_rest(struct history *history, const struct restored *hours, size_t i,
                         int64_t begun_ms)
{
    struct portion sum = {0};
    const struct restored wanted = {.reader = hours->reader,
                                    .kind = HISTORY_MINUTES,
                                    .from_ms = begun_ms,
                                    .now_ms = hours->now_ms};
    struct restored *found = read_found(&wanted, start_of(hours, i + 1));
    size_t count = (size_t)((start_of(hours, i + 1) - begun_ms) / kind_ms[HISTORY_MINUTES]);
    if (!found)
        return;
    int64_t from_ms = add_up(found, 0, count, wheel_spans[WHEEL_DAY].top, &sum);
    restore(history, hours, &sum, from_ms, i, WHEEL_DAY);
    free_found(found);
}

/* Spile may have begun in the midst of the first of some in a row. */
static void restore_hours(struct history *history, struct restored *found)
{
    bool before = false;
    int64_t begun_ms = history->begun_ms[WHEEL_DAY];
    for (size_t i = 0; i + 1 < HOURS; i++) {
        bool any = found->portions[i].records.len > 0;
        int64_t from_ms = any && !before ? begin_of(found, i) : start_of(found, i);
        if (start_of(found, i) < begun_ms && begun_ms < start_of(found, i + 1))
            restore_rest(history, found, i, begun_ms);
        else
            restore(history, found, &found->portions[i], from_ms, i, WHEEL_DAY);
        before = any;
    }
}

static bool is_begun(const struct history *history, int64_t ms)
{
    bool begun = false;
    for (int w = 0; w < WHEEL_WINDOWS; w++)
        begun |= history->begun_ms[w] == ms;
    return begun;
}

/* Five minutes that are over become one part, which begins with the first that there is; or some,
 * where windows began anew. The first group may lack its first minutes. */
static void restore_groups(struct history *history, struct restored *found)
{
    const int64_t group_ms = GROUP * kind_ms[HISTORY_MINUTES];
    for (size_t i = 0, end; i < MINUTES; i = end) {
        struct portion sum = {0};
        int64_t group = start_of(found, i) / group_ms * group_ms;
        for (end = i + 1; end < MINUTES && start_of(found, end) < group + group_ms; end++)
            if (is_begun(history, start_of(found, end)))
                break;
        if (group < found->from_ms || group + group_ms > found->now_ms)
            continue;
        int64_t from_ms = add_up(found, i, end, wheel_spans[WHEEL_HOUR].top, &sum);
        restore(history, found, &sum, from_ms, end - 1, WHEEL_HOUR);
    }
}

/* The running minute, and the one before, are what the shortest window has. */
static void restore_minutes(struct history *history, struct restored *found)
{
    for (size_t i = MINUTES - GROUP - 2; i < MINUTES; i++)
        restore(history, found, &found->portions[i], start_of(found, i), i,
                i + 2 < MINUTES ? WHEEL_FIVE_MINUTES : WHEEL_MINUTE);
}

static void read_kind(struct history *history, struct reader *reader, enum history_kind kind,
                      size_t count, int64_t now_ms,
                      void (*use)(struct history *, struct restored *))
{
    const struct restored wanted = {.reader = reader,
                                    .kind = kind,
                                    .from_ms = kind_start(kind, now_ms) -
                                               ((int64_t)count - 1) * kind_ms[kind],
                                    .now_ms = now_ms};
    struct restored *found = read_found(&wanted, now_ms);
    if (!found)
        return;
    use(history, found);
    free_found(found);
}

/* A clock that was ahead when a window began anew has that lie in the future: what there is came
 * before, and from now on it is as if that had been now. */
static void restore_begun(struct history *history, int64_t now_ms)
{
    int64_t last_ms = kind_end(HISTORY_MINUTES, now_ms);
    for (int w = 0; w < WHEEL_WINDOWS; w++) {
        int64_t *begun_ms = &history->begun_ms[w];
        *begun_ms = kind_start(HISTORY_MINUTES, *begun_ms < last_ms ? *begun_ms : last_ms);
        if (*begun_ms > 0)
            windows_restore_begun(&history->windows, (enum wheel_window)w,
                                  (*begun_ms < now_ms ? *begun_ms : now_ms) * (int64_t)CLOCK_MS_NS);
    }
}

static void restore_short(struct history *history, struct restored *found)
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
    restore_begun(history, now_ms);
    if (reader_begin(reader, clock_after(READ_NS), &mark, &err) == STORE_FINE) {
        read_kind(history, reader, HISTORY_HOURS, HOURS, now_ms, restore_hours);
        read_kind(history, reader, HISTORY_MINUTES, MINUTES, now_ms, restore_short);
        reader_end(reader);
    }
    reader_close(reader);
}
