#include "history/sums.h"

#include <stdlib.h>

#include "history/tops_sum.h"

enum { AGAIN_MAX = 32 /* lists that are made again */ };

void sums_init(struct sums *sums, const struct wheel *wheel, const struct siphash_key *key)
{
    *sums = (struct sums){.wheel = wheel, .key = *key};
    pthread_mutex_init(&sums->making, NULL);
    pthread_mutex_init(&sums->lock, NULL);
}

static void sum_free(struct list_sum *sum)
{
    tops_free(&sum->tops);
    free(sum);
}

/* Its key is kept when it is to be made again. */
static void forget_list(struct sums *sums, struct list_sum *sum)
{
    if (!sum->asked || sums->lists_again_count == AGAIN_MAX) {
        sum_free(sum);
        return;
    }
    tops_free(&sum->tops);
    sum->next = sums->lists_again;
    sums->lists_again = sum;
    sums->lists_again_count++;
}

void sums_forget(struct sums *sums)
{
    while (sums->first) {
        struct list_sum *first = sums->first;
        sums->first = first->next;
        forget_list(sums, first);
    }
    sums->bytes = 0;
    for (int w = 0; w < WHEEL_WINDOWS; w++) {
        small_sums_free(&sums->counts[w]);
        small_sums_free(&sums->sketches[w]);
        small_sums_free(&sums->untold[w]);
        sums->again[w] |= sums->asked[w];
        sums->asked[w] = false;
    }
}

static struct list_sum *next_again(struct sums *sums)
{
    struct list_sum *next = sums->lists_again;
    if (next) {
        sums->lists_again = next->next;
        sums->lists_again_count--;
    }
    return next;
}

void sums_free(struct sums *sums)
{
    sums_forget(sums);
    for (struct list_sum *again; (again = next_again(sums));)
        sum_free(again);
    pthread_mutex_destroy(&sums->making);
    pthread_mutex_destroy(&sums->lock);
}

/* --- counts and sketches -------------------------------------------------------------------- */

void small_sums_free(struct small_sums *sums)
{
    for (size_t i = 0; i < sums->count; i++) {
        counts_free(&sums->items[i].counts);
        buf_free(&sums->items[i].sketch);
    }
    free(sums->items);
    *sums = (struct small_sums){0};
}

/* Records of many portions. */
struct pieces {
    struct record *items;
    size_t count, max;
    int64_t known_ns; /* of single streams nothing of earlier parts is taken (wheel_known) */
    bool untold;      /* and this part is earlier */
    bool failed;
};

static void add_piece(void *ctx, const struct record *record)
{
    struct pieces *pieces = ctx;
    if (pieces->untold && record->stream.len > 0)
        return;
    if (pieces->count == pieces->max) {
        size_t max = 2 * pieces->max + 256;
        struct record *items = realloc(pieces->items, max * sizeof *items);
        pieces->failed |= !items;
        if (!items)
            return;
        pieces->items = items;
        pieces->max = max;
    }
    pieces->items[pieces->count++] = *record;
}

static void add_counts(struct pieces *pieces, const struct portion *portion)
{
    struct cursor c = cursor_of(buf_span(&portion->records));
    for (struct record record; portion_next(&c, &record);) {
        if (record_kind(record.what) == RECORD_COUNTS)
            add_piece(pieces, &record);
    }
}

static void take_counts(void *ctx, const struct wheel_part *part)
{
    struct pieces *pieces = ctx;
    pieces->untold = part->from_ns < pieces->known_ns;
    add_counts(pieces, &part->portion);
}

static void take_untold(void *ctx, const struct wheel_part *part)
{
    struct pieces *pieces = ctx;
    if (part->from_ns < pieces->known_ns)
        take_counts(ctx, part);
}

static void take_sketches(void *ctx, const struct wheel_part *part)
{
    struct pieces *pieces = ctx;
    pieces->untold = part->from_ns < pieces->known_ns;
    portion_sketches(&part->portion, add_piece, pieces);
}

static int by_kind(const void *a, const void *b)
{
    return record_compare(a, b);
}

static size_t copy_name(char name[STREAM_NAME_MAX], struct span from)
{
    size_t len = from.len < STREAM_NAME_MAX ? from.len : STREAM_NAME_MAX - 1;
    if (len)
        memcpy(name, from.ptr, len);
    return len;
}

/* Adds up sketches of one kind; `two` has room for as many. */
static void add_sketches(struct small_sum *to, const struct record *pieces, size_t count,
                         struct sketch *two)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        if (sketch_decode(&two[any], pieces[i].bytes) < 0)
            continue;
        if (any)
            sketch_merge(&two[0], &two[1]);
        any = true;
    }
    if (!any)
        return;
    sketch_encode(&two[0], &to->sketch);
    to->mark = two[0].mark;
    hll_count_ranks(&two[0].hll, to->ranks);
}

/* Makes one sum of pieces that are alike. */
static bool add_small(struct small_sum *to, const struct record *pieces, size_t count,
                      struct sketch *two)
{
    bool good = true;
    *to = (struct small_sum){.what = pieces->what};
    to->name_len = (uint8_t)copy_name(to->name, pieces->stream);
    if (record_kind(to->what) != RECORD_COUNTS)
        add_sketches(to, pieces, count, two);
    else
        for (size_t i = 0; i < count; i++)
            good &= counts_decode(&to->counts, pieces[i].bytes) != READ_NO_MEMORY;
    return good && !to->sketch.failed;
}

/* Makes the sums of pieces, which are freed. */
static struct small_sums add_up(struct pieces *pieces)
{
    struct small_sums sums = {.made = true, .failed = pieces->failed};
    struct record *items = pieces->items;
    struct sketch *two = malloc(2 * sizeof *two);
    if (pieces->count)
        qsort(items, pieces->count, sizeof *items, by_kind);
    sums.items = malloc((pieces->count + 1) * sizeof *sums.items);
    sums.failed |= !sums.items || !two;
    for (size_t i = 0, end; !sums.failed && i < pieces->count; i = end) {
        for (end = i + 1; end < pieces->count && by_kind(&items[i], &items[end]) == 0;)
            end++;
        sums.failed |= !add_small(&sums.items[sums.count++], &items[i], end - i, two);
    }
    struct small_sum *smaller = realloc(sums.items, (sums.count + 1) * sizeof *sums.items);
    sums.items = smaller ? smaller : sums.items;
    free(items);
    free(two);
    return sums;
}

struct small_sums small_sums_of(const struct portion *portion)
{
    struct pieces pieces = {0};
    add_counts(&pieces, portion);
    return add_up(&pieces);
}

static const struct small_sums *make_small(struct sums *sums, struct small_sums *small,
                                           enum wheel_window window, int64_t now_ns,
                                           int64_t known_ns,
                                           void (*take)(void *, const struct wheel_part *))
{
    pthread_mutex_lock(&sums->making);
    if (!small->made) {
        struct pieces pieces = {.known_ns = known_ns};
        wheel_each(sums->wheel, window, now_ns, take, &pieces);
        *small = add_up(&pieces);
    }
    pthread_mutex_unlock(&sums->making);
    return small;
}

const struct small_sums *sums_counts(struct sums *sums, enum wheel_window window, int64_t now_ns)
{
    int64_t known_ns = wheel_known(sums->wheel, window, now_ns).counts_ns;
    return make_small(sums, &sums->counts[window], window, now_ns, known_ns, take_counts);
}

const struct small_sums *sums_untold(struct sums *sums, enum wheel_window window, int64_t now_ns)
{
    int64_t known_ns = wheel_known(sums->wheel, window, now_ns).counts_ns;
    return make_small(sums, &sums->untold[window], window, now_ns, known_ns, take_untold);
}

static const struct small_sums *make_sketches(struct sums *sums, enum wheel_window window,
                                              int64_t now_ns)
{
    int64_t known_ns = wheel_known(sums->wheel, window, now_ns).keys_ns;
    return make_small(sums, &sums->sketches[window], window, now_ns, known_ns, take_sketches);
}

const struct small_sums *sums_sketches(struct sums *sums, enum wheel_window window, int64_t now_ns)
{
    pthread_mutex_lock(&sums->making);
    sums->asked[window] = true;
    pthread_mutex_unlock(&sums->making);
    return make_sketches(sums, window, now_ns);
}

const struct small_sum *small_sums_find(const struct small_sums *sums, unsigned what,
                                        struct span stream)
{
    const struct record wanted = {what, stream, {0}};
    size_t low = 0, high = sums->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct small_sum *item = &sums->items[middle];
        const struct record its = {item->what, span_of(item->name, item->name_len), {0}};
        int order = record_compare(&its, &wanted);
        if (order == 0)
            return item;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* --- lists ---------------------------------------------------------------------------------- */

/* A list being made. */
struct making {
    const struct list_key *key;
    int64_t known_ns; /* of a single stream nothing of earlier parts is taken */
    struct tops_sum tops;
    bool failed;
};

static void take_list(void *ctx, const struct wheel_part *part)
{
    struct making *making = ctx;
    struct buf made = {0};
    struct span bytes;
    if (making->key->stream.len > 0 && part->from_ns < making->known_ns)
        return;
    if (portion_find(&part->portion, making->key->what, making->key->stream, &made, &bytes))
        making->failed |= !tops_sum_add(&making->tops, bytes);
    making->failed |= made.failed;
    buf_free(&made);
}

struct tops sums_part(const struct sums *sums, const struct list_key *key,
                      const struct tops_part *part, int64_t now_ns)
{
    struct making making = {.key = key, .tops = tops_sum_of(&sums->key, key->top, TOPS_ALL_RANKS)};
    making.tops.part = *part;
    making.known_ns = wheel_known(sums->wheel, key->window, now_ns).keys_ns;
    wheel_each(sums->wheel, key->window, now_ns, take_list, &making);
    struct tops tops = tops_sum_end(&making.tops);
    tops.failed |= making.failed;
    return tops;
}

static struct list_sum *make_list(const struct sums *sums, const struct list_key *key,
                                  int64_t now_ns)
{
    struct list_sum *sum = calloc(1, sizeof *sum);
    if (!sum)
        return NULL;
    sum->key = *key;
    sum->key.stream = span_of(sum->name, copy_name(sum->name, key->stream));
    sum->tops = sums_part(sums, key, &(struct tops_part){0}, now_ns);
    sum->bytes = sizeof *sum + sum->tops.max * sizeof *sum->tops.rows + sum->tops.text.cap +
                 sum->tops.tally_max * sizeof *sum->tops.tallies;
    return sum;
}

/* With the lock. */
static struct list_sum *find(struct sums *sums, const struct list_key *key)
{
    struct list_sum *sum = sums->first;
    while (sum && !(sum->key.window == key->window && sum->key.what == key->what &&
                    sum->key.top == key->top && span_equal(sum->key.stream, key->stream)))
        sum = sum->next;
    if (sum) {
        sum->users++;
        sum->used = ++sums->uses;
    }
    return sum;
}

static struct list_sum *find_made(struct sums *sums, const struct list_key *key)
{
    pthread_mutex_lock(&sums->lock);
    struct list_sum *sum = find(sums, key);
    pthread_mutex_unlock(&sums->lock);
    return sum;
}

/* Frees those that were used longest ago while there are too many, but none that is in use. */
static void make_room(struct sums *sums)
{
    while (sums->bytes > sums->bytes_max) {
        struct list_sum **oldest = NULL;
        for (struct list_sum **at = &sums->first; *at; at = &(*at)->next) {
            if ((*at)->users == 0 && (!oldest || (*at)->used < (*oldest)->used))
                oldest = at;
        }
        if (!oldest)
            return;
        struct list_sum *gone = *oldest;
        *oldest = gone->next;
        sums->bytes -= gone->bytes;
        sum_free(gone);
    }
}

static struct list_sum *take(struct sums *sums, const struct list_key *key, int64_t now_ns)
{
    struct list_sum *sum = find_made(sums, key);
    if (sum)
        return sum;
    pthread_mutex_lock(&sums->making);
    sum = find_made(sums, key); /* by somebody else, meanwhile */
    if (!sum && (sum = make_list(sums, key, now_ns))) {
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

const struct list_sum *sums_take(struct sums *sums, const struct list_key *key, int64_t now_ns)
{
    struct list_sum *sum = take(sums, key, now_ns);
    if (!sum)
        return NULL;
    pthread_mutex_lock(&sums->lock);
    sum->asked = true;
    pthread_mutex_unlock(&sums->lock);
    return sum;
}

void sums_give(struct sums *sums, const struct list_sum *sum)
{
    if (!sum)
        return;
    pthread_mutex_lock(&sums->lock);
    ((struct list_sum *)sum)->users--;
    make_room(sums);
    pthread_mutex_unlock(&sums->lock);
}

void sums_make_again(struct sums *sums, int64_t now_ns)
{
    for (enum wheel_window w = 0; w < WHEEL_WINDOWS; w++) {
        if (sums->again[w]) {
            sums_counts(sums, w, now_ns);
            make_sketches(sums, w, now_ns);
        }
        sums->again[w] = false;
    }
    for (struct list_sum *again; (again = next_again(sums));) {
        sums_give(sums, take(sums, &again->key, now_ns));
        sum_free(again);
    }
}
