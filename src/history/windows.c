#include "history/windows.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"
#include "history/tops_sum.h"

enum {
    /* A list's row takes so many bytes, and so many lists of a wheel may be full: rows of lists
     * that fit into its memory. */
    ROW_BYTES = 25,
    LISTS = 700,
    TOP_LEAST = 100,
    TOP_MOST = 1000,
};

void windows_init(struct windows *windows, const struct siphash_key *key, size_t bytes)
{
    size_t top = bytes / ROW_BYTES / LISTS;
    *windows = (struct windows){.key = *key};
    thread_rwlock_init(&windows->lock);
    pthread_mutex_init(&windows->making, NULL);
    wheel_init(&windows->wheel, bytes,
               top < TOP_LEAST  ? TOP_LEAST
               : top > TOP_MOST ? TOP_MOST
                                : top);
}

/* --- sums ----------------------------------------------------------------------------------- */

void window_forget(struct window_sum *sum)
{
    for (size_t i = 0; i < sum->count; i++) {
        counts_free(&sum->records[i].counts);
        tops_free(&sum->records[i].tops);
        free(sum->records[i].sketch);
    }
    free(sum->records);
    *sum = (struct window_sum){0};
}

static void forget_all(struct windows *windows)
{
    for (int w = 0; w < WHEEL_WINDOWS; w++)
        window_forget(&windows->sums[w]);
}

void windows_free(struct windows *windows)
{
    forget_all(windows);
    wheel_free(&windows->wheel);
    pthread_rwlock_destroy(&windows->lock);
    pthread_mutex_destroy(&windows->making);
    for (int w = 0; w < WHEEL_WINDOWS; w++) {
        if (windows->made[w].snapshot)
            stats_release(windows->made[w].snapshot);
    }
}

enum { PARTS_MAX = 2 * WHEEL_PARTS_MAX };

/* The records that a window's parts have, and those that they imply. */
struct pieces {
    struct record *items;
    size_t count, max;
    struct portion implied[PARTS_MAX];
    size_t parts;
    int64_t from_ns;
    bool failed;
};

static void add_pieces(struct pieces *pieces, const struct portion *portion)
{
    struct cursor c = cursor_of(buf_span(&portion->records));
    for (struct record record; portion_next(&c, &record);) {
        if (pieces->count == pieces->max) {
            size_t max = 2 * pieces->max + 256;
            struct record *items = realloc(pieces->items, max * sizeof *items);
            pieces->failed |= !items;
            if (!items)
                return;
            pieces->items = items;
            pieces->max = max;
        }
        pieces->items[pieces->count++] = record;
    }
}

static void take_portion(struct pieces *pieces, const struct portion *portion)
{
    const unsigned all_sides = (1u << STATS_SIDES) - 1;
    add_pieces(pieces, portion);
    pieces->failed |= pieces->parts == PARTS_MAX;
    if (pieces->parts == PARTS_MAX)
        return;
    struct portion *implied = &pieces->implied[pieces->parts++];
    portion_imply(portion, all_sides, implied);
    pieces->failed |= implied->records.failed;
    add_pieces(pieces, implied);
}

static void take_part(void *ctx, const struct wheel_part *part)
{
    struct pieces *pieces = ctx;
    pieces->from_ns = part->from_ns < pieces->from_ns ? part->from_ns : pieces->from_ns;
    take_portion(pieces, &part->portion);
}

static int by_kind(const void *a, const void *b)
{
    return record_compare(a, b);
}

static void add_tops(const struct windows *windows, struct window_record *to,
                     const struct record *pieces, size_t count)
{
    struct tops_sum sum = tops_sum_of(&windows->key, windows->wheel.top, TOPS_ALL_RANKS);
    for (size_t i = 0; i < count; i++)
        tops_sum_add(&sum, pieces[i].bytes);
    to->tops = tops_sum_end(&sum);
}

static bool add_sketches(struct window_record *to, const struct record *pieces, size_t count)
{
    struct sketch *next = malloc(sizeof *next);
    to->sketch = calloc(1, sizeof *to->sketch);
    bool good = next && to->sketch, any = false;
    for (size_t i = 0; good && i < count; i++) {
        if (sketch_decode(next, pieces[i].bytes) < 0)
            continue;
        if (any)
            sketch_merge(to->sketch, next);
        else
            *to->sketch = *next;
        any = true;
    }
    free(next);
    return good;
}

/* Makes one record of pieces that are alike. */
static bool add_record(const struct windows *windows, struct window_sum *sum,
                       const struct record *pieces, size_t count)
{
    struct window_record *to = &sum->records[sum->count++];
    const struct record *record = pieces;
    unsigned kind = record_kind(record->what);
    size_t len = record->stream.len < sizeof to->name ? record->stream.len : sizeof to->name - 1;
    *to = (struct window_record){.what = record->what, .name_len = (uint8_t)len};
    if (len)
        memcpy(to->name, record->stream.ptr, len);
    if (kind >= RECORD_TOPS) {
        add_tops(windows, to, pieces, count);
        return !to->tops.failed;
    }
    if (kind >= RECORD_DISTINCT)
        return add_sketches(to, pieces, count);
    bool good = true;
    for (size_t i = 0; i < count; i++)
        good &= counts_decode(&to->counts, pieces[i].bytes) != READ_NO_MEMORY;
    return good;
}

/* Makes the sum of pieces, which are freed. */
static struct window_sum sum_of(const struct windows *windows, struct pieces *pieces)
{
    struct window_sum sum = {.made = true, .failed = pieces->failed, .from_ns = pieces->from_ns};
    struct record *items = pieces->items;
    if (pieces->count)
        qsort(items, pieces->count, sizeof *items, by_kind);
    sum.records = malloc((pieces->count + 1) * sizeof *sum.records);
    sum.failed |= !sum.records;
    for (size_t i = 0, end; sum.records && i < pieces->count; i = end) {
        for (end = i + 1; end < pieces->count && by_kind(&items[i], &items[end]) == 0;)
            end++;
        sum.failed |= !add_record(windows, &sum, &items[i], end - i);
    }
    free(items);
    for (size_t i = 0; i < pieces->parts; i++)
        buf_free(&pieces->implied[i].records);
    return sum;
}

struct window_sum windows_sum_of(const struct windows *windows, const struct portion *portion)
{
    struct pieces pieces = {0};
    take_portion(&pieces, portion);
    return sum_of(windows, &pieces);
}

static struct window_sum sum_of_window(const struct windows *windows, enum wheel_window window,
                                       int64_t now_ns)
{
    struct pieces pieces = {.from_ns = windows->open_ns};
    wheel_each(&windows->wheel, window, now_ns, take_part, &pieces);
    return sum_of(windows, &pieces);
}

const struct window_sum *windows_sum(struct windows *windows, enum wheel_window window,
                                     int64_t now_ns)
{
    struct window_sum *sum = &windows->sums[window];
    while (!sum->made) {
        pthread_rwlock_unlock(&windows->lock);
        pthread_rwlock_wrlock(&windows->lock);
        if (!sum->made)
            *sum = sum_of_window(windows, window, now_ns);
        pthread_rwlock_unlock(&windows->lock);
        pthread_rwlock_rdlock(&windows->lock);
    }
    return sum;
}

const struct window_record *window_find(const struct window_sum *sum, unsigned what,
                                        struct span stream)
{
    const struct record wanted = {what, stream, {0}};
    size_t low = 0, high = sum->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct window_record *record = &sum->records[middle];
        const struct record its = {record->what, span_of(record->name, record->name_len), {0}};
        int order = record_compare(&its, &wanted);
        if (order == 0)
            return record;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* --- parts ---------------------------------------------------------------------------------- */

void windows_start(struct windows *windows, const struct stats_snapshot *snapshot)
{
    int64_t elapsed_ns = (int64_t)(snapshot->made_ns - snapshot->since_ns);
    if (windows->started)
        return;
    windows->started = true;
    windows->offset_ns = snapshot->made_ms * (int64_t)CLOCK_MS_NS - (int64_t)snapshot->made_ns;
    windows->open_ns = windows_now(windows, snapshot) - (elapsed_ns > 0 ? elapsed_ns : 0);
}

int64_t windows_now(const struct windows *windows, const struct stats_snapshot *snapshot)
{
    return (int64_t)snapshot->made_ns + windows->offset_ns;
}

bool windows_is_due(const struct windows *windows, const struct stats_snapshot *snapshot)
{
    int64_t part_ns = wheel_spans[WHEEL_MINUTE].part_ns;
    return windows_now(windows, snapshot) / part_ns > windows->open_ns / part_ns;
}

void windows_put(struct windows *windows, const struct stats_snapshot *snapshot,
                 struct portion *portion)
{
    struct wheel_part part = {
        .from_ns = windows->open_ns,
        .to_ns = windows_now(windows, snapshot),
        .portion = *portion,
    };
    wheel_put(&windows->wheel, &part);
    *portion = (struct portion){0};
    windows->open_ns = windows_now(windows, snapshot);
    forget_all(windows);
}

void windows_restore(struct windows *windows, enum wheel_window length, struct wheel_part *part)
{
    wheel_restore(&windows->wheel, length, part);
    forget_all(windows);
}

void windows_begin(struct windows *windows, unsigned which, const struct stats_snapshot *snapshot)
{
    int64_t since_ns = (int64_t)snapshot->since_ns + windows->offset_ns;
    windows->open_ns = since_ns > windows->open_ns ? since_ns : windows->open_ns;
    for (int w = 0; w < WHEEL_WINDOWS; w++) {
        if (which >> w & 1)
            wheel_begin(&windows->wheel, (enum wheel_window)w, windows->open_ns);
    }
    windows->begun++;
    forget_all(windows);
}
