#include "history/sums.h"

#include <stdlib.h>

#include "history/tops_sum.h"

void sums_init(struct sums *sums, const struct wheel *wheel, const struct siphash_key *key)
{
    *sums = (struct sums){.wheel = wheel, .key = *key};
    pthread_mutex_init(&sums->making, NULL);
    pthread_mutex_init(&sums->lock, NULL);
}

static void sum_free(struct window_sum *sum)
{
    tops_free(&sum->tops);
    free(sum);
}

void sums_forget(struct sums *sums)
{
    while (sums->first) {
        struct window_sum *first = sums->first;
        sums->first = first->next;
        sum_free(first);
    }
    sums->bytes = 0;
    for (int w = 0; w < WHEEL_WINDOWS; w++)
        counts_sum_free(&sums->counts[w]);
}

void sums_free(struct sums *sums)
{
    sums_forget(sums);
    pthread_mutex_destroy(&sums->making);
    pthread_mutex_destroy(&sums->lock);
}

/* --- counts --------------------------------------------------------------------------------- */

void counts_sum_free(struct counts_sum *sum)
{
    for (size_t i = 0; i < sum->count; i++)
        counts_free(&sum->items[i].counts);
    free(sum->items);
    *sum = (struct counts_sum){0};
}

/* Records of counts, of many portions. */
struct pieces {
    struct record *items;
    size_t count, max;
    bool failed;
};

static void add_pieces(struct pieces *pieces, const struct portion *portion)
{
    struct cursor c = cursor_of(buf_span(&portion->records));
    for (struct record record; portion_next(&c, &record);) {
        if (record_kind(record.what) != RECORD_COUNTS)
            continue;
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

static void take_pieces(void *ctx, const struct wheel_part *part)
{
    add_pieces(ctx, &part->portion);
}

static int by_kind(const void *a, const void *b)
{
    return record_compare(a, b);
}

static void copy_name(char name[STREAM_NAME_MAX], struct span from, size_t *len)
{
    *len = from.len < STREAM_NAME_MAX ? from.len : STREAM_NAME_MAX - 1;
    if (*len)
        memcpy(name, from.ptr, *len);
}

/* Makes the sum of pieces, which are freed. */
static struct counts_sum add_up(struct pieces *pieces)
{
    struct counts_sum sum = {.made = true, .failed = pieces->failed};
    struct record *items = pieces->items;
    if (pieces->count)
        qsort(items, pieces->count, sizeof *items, by_kind);
    sum.items = malloc((pieces->count + 1) * sizeof *sum.items);
    sum.failed |= !sum.items;
    for (size_t i = 0; sum.items && i < pieces->count; i++) {
        if (i == 0 || by_kind(&items[i - 1], &items[i]) != 0) {
            struct counts_of *to = &sum.items[sum.count++];
            size_t len;
            *to = (struct counts_of){.what = items[i].what};
            copy_name(to->name, items[i].stream, &len);
            to->name_len = (uint8_t)len;
        }
        struct counts *counts = &sum.items[sum.count - 1].counts;
        sum.failed |= counts_decode(counts, items[i].bytes) == READ_NO_MEMORY;
    }
    free(items);
    return sum;
}

struct counts_sum counts_sum_of(const struct portion *portion)
{
    struct pieces pieces = {0};
    add_pieces(&pieces, portion);
    return add_up(&pieces);
}

const struct counts_sum *sums_counts(struct sums *sums, enum wheel_window window, int64_t now_ns)
{
    struct counts_sum *sum = &sums->counts[window];
    pthread_mutex_lock(&sums->making);
    if (!sum->made) {
        struct pieces pieces = {0};
        wheel_each(sums->wheel, window, now_ns, take_pieces, &pieces);
        *sum = add_up(&pieces);
    }
    pthread_mutex_unlock(&sums->making);
    return sum;
}

const struct counts *counts_sum_find(const struct counts_sum *sum, unsigned what,
                                     struct span stream)
{
    const struct record wanted = {what, stream, {0}};
    size_t low = 0, high = sum->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct counts_of *item = &sum->items[middle];
        const struct record its = {item->what, span_of(item->name, item->name_len), {0}};
        int order = record_compare(&its, &wanted);
        if (order == 0)
            return &item->counts;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* --- lists and sketches --------------------------------------------------------------------- */

/* A sum being made. */
struct making {
    const struct sum_key *key;
    struct tops_sum tops;
    struct sketch *sketch, *next; /* `next` has room for one */
    bool any, failed;
};

static void add_sketch(struct making *making, struct span bytes)
{
    if (sketch_decode(making->next, bytes) < 0)
        return;
    if (making->any)
        sketch_merge(making->sketch, making->next);
    else
        *making->sketch = *making->next;
    making->any = true;
}

static void take_part(void *ctx, const struct wheel_part *part)
{
    struct making *making = ctx;
    struct buf made = {0};
    struct span bytes;
    if (portion_find(&part->portion, making->key->what, making->key->stream, &made, &bytes)) {
        if (record_kind(making->key->what) >= RECORD_TOPS)
            making->failed |= !tops_sum_add(&making->tops, bytes);
        else
            add_sketch(making, bytes);
    }
    making->failed |= made.failed;
    buf_free(&made);
}

static struct window_sum *sum_make(const struct sums *sums, const struct sum_key *key,
                                   int64_t now_ns)
{
    struct window_sum *sum = calloc(1, sizeof *sum);
    struct sketch *next = malloc(sizeof *next);
    struct making making = {.key = key, .next = next};
    if (!sum || !next) {
        free(sum);
        free(next);
        return NULL;
    }
    sum->key = *key;
    copy_name(sum->name, key->stream, &sum->key.stream.len);
    sum->key.stream.ptr = (const uint8_t *)sum->name;
    making.sketch = &sum->sketch;
    making.tops = tops_sum_of(&sums->key, key->top, TOPS_ALL_RANKS);
    wheel_each(sums->wheel, key->window, now_ns, take_part, &making);
    sum->tops = tops_sum_end(&making.tops);
    sum->failed = making.failed || sum->tops.failed;
    sum->bytes = sizeof *sum + sum->tops.max * sizeof *sum->tops.rows + sum->tops.text.cap;
    free(next);
    return sum;
}

struct tops sums_part(const struct sums *sums, const struct sum_key *key,
                      const struct tops_part *part, int64_t now_ns)
{
    struct making making = {.key = key, .tops = tops_sum_of(&sums->key, key->top, TOPS_ALL_RANKS)};
    making.tops.part = *part;
    wheel_each(sums->wheel, key->window, now_ns, take_part, &making);
    struct tops tops = tops_sum_end(&making.tops);
    tops.failed |= making.failed;
    return tops;
}

/* With the lock. */
static struct window_sum *find(struct sums *sums, const struct sum_key *key)
{
    struct window_sum *sum = sums->first;
    while (sum && !(sum->key.window == key->window && sum->key.what == key->what &&
                    sum->key.top == key->top && span_equal(sum->key.stream, key->stream)))
        sum = sum->next;
    if (sum) {
        sum->users++;
        sum->used = ++sums->uses;
    }
    return sum;
}

static struct window_sum *find_made(struct sums *sums, const struct sum_key *key)
{
    pthread_mutex_lock(&sums->lock);
    struct window_sum *sum = find(sums, key);
    pthread_mutex_unlock(&sums->lock);
    return sum;
}

/* Frees those that were used longest ago while there are too many, but none that is in use. */
static void make_room(struct sums *sums)
{
    while (sums->bytes > sums->bytes_max) {
        struct window_sum **oldest = NULL;
        for (struct window_sum **at = &sums->first; *at; at = &(*at)->next) {
            if ((*at)->users == 0 && (!oldest || (*at)->used < (*oldest)->used))
                oldest = at;
        }
        if (!oldest)
            return;
        struct window_sum *gone = *oldest;
        *oldest = gone->next;
        sums->bytes -= gone->bytes;
        sum_free(gone);
    }
}

const struct window_sum *sums_take(struct sums *sums, const struct sum_key *key, int64_t now_ns)
{
    struct window_sum *sum = find_made(sums, key);
    if (sum)
        return sum;
    pthread_mutex_lock(&sums->making);
    sum = find_made(sums, key); /* by somebody else, meanwhile */
    if (!sum && (sum = sum_make(sums, key, now_ns))) {
        pthread_mutex_lock(&sums->lock);
        sum->next = sums->first;
        sums->first = sum;
        sums->bytes += sum->bytes;
        sum->users = 1;
        sum->used = ++sums->uses;
        make_room(sums);
        pthread_mutex_unlock(&sums->lock);
    }
    pthread_mutex_unlock(&sums->making);
    return sum;
}

void sums_give(struct sums *sums, const struct window_sum *sum)
{
    if (!sum)
        return;
    pthread_mutex_lock(&sums->lock);
    ((struct window_sum *)sum)->users--;
    make_room(sums);
    pthread_mutex_unlock(&sums->lock);
}
