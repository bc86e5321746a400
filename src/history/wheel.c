#include "history/wheel.h"

#include "base/clock.h"

enum {
    MINUTE_S = 60,
    HOUR_S = 3600,
    TOP_SOME = 200, /* rows that lists keep before those of single streams go */
    TOP_FEW = 100,  /* rows that lists keep before counts of single streams go */
    TOP_LEAST = 25, /* in any case */
};
#define SECONDS(n) ((int64_t)(n) * (int64_t)CLOCK_SECOND_NS)

const struct wheel_span wheel_spans[WHEEL_WINDOWS] = {
    [WHEEL_MINUTE] = {SECONDS(10), 6, 1000},
    [WHEEL_FIVE_MINUTES] = {SECONDS(MINUTE_S), 5, 1000},
    [WHEEL_HOUR] = {SECONDS(5 * MINUTE_S), 12, 700},
    [WHEEL_DAY] = {SECONDS(HOUR_S), 24, 400},
};

static struct wheel_part *part_at(struct wheel_level *level, size_t i)
{
    return &level->parts[(level->first + i) % WHEEL_PARTS_MAX];
}

static const struct wheel_part *part_of(const struct wheel_level *level, size_t i)
{
    return &level->parts[(level->first + i) % WHEEL_PARTS_MAX];
}

static struct wheel_part *newest(struct wheel_level *level)
{
    return level->count > 0 ? part_at(level, level->count - 1) : NULL;
}

/* The number of the part that a moment belongs to; also of moments before the machine's start. */
static int64_t number_at(int64_t ns, enum wheel_window length)
{
    int64_t part_ns = wheel_spans[length].part_ns;
    return ns / part_ns - (ns % part_ns < 0);
}

/* Where a window that ends at a moment begins, by the numbers of its parts: the one that the moment
 * belongs to is open. */
static int64_t start_of(enum wheel_window window, int64_t now_ns)
{
    const struct wheel_span *span = &wheel_spans[window];
    return (number_at(now_ns, window) - (int64_t)span->parts) * span->part_ns;
}

void wheel_init(struct wheel *wheel, size_t bytes_max)
{
    *wheel = (struct wheel){.bytes_max = bytes_max};
    for (int w = 0; w < WHEEL_WINDOWS; w++)
        wheel->begin_ns[w] = wheel->levels[w].closed_ns = INT64_MIN;
}

/* --- memory --------------------------------------------------------------------------------- */

static void drop_oldest(struct wheel *wheel, enum wheel_window length)
{
    struct wheel_level *level = &wheel->levels[length];
    struct wheel_part *oldest = part_at(level, 0);
    wheel->bytes -= oldest->portion.records.cap;
    buf_free(&oldest->portion.records);
    *oldest = (struct wheel_part){0};
    level->first = (level->first + 1) % WHEEL_PARTS_MAX;
    level->count--;
}

static void shrink(struct wheel *wheel, struct wheel_part *part, enum portion_has has)
{
    wheel->bytes -= part->portion.records.cap;
    portion_shrink(&part->portion, has);
    wheel->bytes += part->portion.records.cap;
}

/* The oldest part that still has more forgets what it has of single streams. */
static bool shrink_oldest(struct wheel *wheel, enum portion_has has)
{
    for (int length = WHEEL_WINDOWS - 1; length >= 0; length--) {
        struct wheel_level *level = &wheel->levels[length];
        for (size_t i = 0; i < level->count; i++) {
            if (part_at(level, i)->portion.has < has) {
                shrink(wheel, part_at(level, i), has);
                return true;
            }
        }
    }
    return false;
}

/* Halves the lists of the part that takes the most memory. False: they would be shorter than that.
 */
static bool cut_largest(struct wheel *wheel, size_t least)
{
    struct wheel_part *largest = NULL;
    size_t top = 0;
    for (size_t i = 0; i < WHEEL_WINDOWS * (size_t)WHEEL_PARTS_MAX; i++) {
        enum wheel_window length = (enum wheel_window)(i / WHEEL_PARTS_MAX);
        struct wheel_level *level = &wheel->levels[length];
        struct wheel_part *part = part_at(level, i % WHEEL_PARTS_MAX);
        size_t its = (part->top ? part->top : wheel_spans[length].top) / 2;
        if (i % WHEEL_PARTS_MAX >= level->count || its < least ||
            (largest && part->portion.records.cap <= largest->portion.records.cap))
            continue;
        largest = part;
        top = its;
    }
    if (!largest)
        return false;
    wheel->bytes -= largest->portion.records.cap;
    wheel->failed |= portion_cut(&largest->portion, top) < 0;
    portion_shrink(&largest->portion, PORTION_ALL);
    wheel->bytes += largest->portion.records.cap;
    largest->top = top;
    return true;
}

/* First go the ends of long lists, then lists of single streams, then the ends of all lists, then
 * counts of single streams; then the oldest part goes, and windows begin later. */
static void forget_some(struct wheel *wheel)
{
    int length = WHEEL_WINDOWS - 1;
    if (cut_largest(wheel, TOP_SOME) || shrink_oldest(wheel, PORTION_COUNTS) ||
        cut_largest(wheel, TOP_FEW) || shrink_oldest(wheel, PORTION_TOTAL) ||
        cut_largest(wheel, TOP_LEAST))
        return;
    while (length > 0 && wheel->levels[length].count == 0)
        length--;
    drop_oldest(wheel, (enum wheel_window)length);
}

/* Readers go on when this is over. */
static void begin_change(pthread_rwlock_t *lock)
{
    if (lock)
        pthread_rwlock_wrlock(lock);
}

static void end_change(pthread_rwlock_t *lock)
{
    if (lock)
        pthread_rwlock_unlock(lock);
}

static bool is_empty(const struct wheel *wheel)
{
    size_t count = 0;
    for (int length = 0; length < WHEEL_WINDOWS; length++)
        count += wheel->levels[length].count;
    return count == 0;
}

static void push(struct wheel *wheel, enum wheel_window length, struct wheel_part *part)
{
    struct wheel_level *level = &wheel->levels[length];
    if (level->count == WHEEL_PARTS_MAX)
        drop_oldest(wheel, length);
    portion_shrink(&part->portion, PORTION_ALL);
    wheel->bytes += part->portion.records.cap;
    level->closed_ns = part->to_ns;
    *part_at(level, level->count++) = *part;
    while (wheel->bytes > wheel->bytes_max && !is_empty(wheel))
        forget_some(wheel);
}

void wheel_limit(struct wheel *wheel, size_t bytes_max)
{
    wheel->bytes_max = bytes_max;
    while (wheel->bytes > wheel->bytes_max && !is_empty(wheel))
        forget_some(wheel);
}

void wheel_free(struct wheel *wheel)
{
    for (int length = 0; length < WHEEL_WINDOWS; length++) {
        while (wheel->levels[length].count > 0)
            drop_oldest(wheel, (enum wheel_window)length);
    }
}

/* --- time ----------------------------------------------------------------------------------- */

static enum portion_has lesser(enum portion_has a, enum portion_has b)
{
    return a > b ? a : b;
}

/* A sum of portions has of single streams what all of them have: the rest would be half the truth.
 */
static void have_alike(struct portion *sum, const struct portion *a, const struct portion *b)
{
    enum portion_has has = lesser(a->has, b->has);
    sum->lacks = lesser(a->lacks, b->lacks);
    sum->has = PORTION_ALL;
    portion_shrink(sum, has);
}

/* Adds a part to one that lies before it. */
static void join(struct wheel *wheel, enum wheel_window length, struct wheel_part *into,
                 const struct wheel_part *part)
{
    struct portion *sum = &into->portion;
    if (portion_merge(sum, &part->portion, wheel_spans[length].top) < 0)
        wheel->failed = true;
    have_alike(sum, sum, &part->portion);
    into->to_ns = part->to_ns;
}

/* True when some window that parts of this length are in begins between the two beginnings. */
static bool is_between(const struct wheel *wheel, enum wheel_window length, int64_t earlier_ns,
                       int64_t later_ns)
{
    for (int w = (int)length; w < WHEEL_WINDOWS; w++) {
        if (wheel->begin_ns[w] > earlier_ns && wheel->begin_ns[w] <= later_ns)
            return true;
    }
    return false;
}

/* Where the parts of one length end. */
static int64_t end_of(const struct wheel *wheel, enum wheel_window length)
{
    const struct wheel_level *level = &wheel->levels[length];
    return level->count > 0 ? part_of(level, level->count - 1)->to_ns : INT64_MIN;
}

/* The first part that was added to no longer one yet; NULL: there is none. */
static const struct wheel_part *first_open(const struct wheel *wheel, enum wheel_window length)
{
    const struct wheel_level *level = &wheel->levels[length];
    int64_t closed_ns = wheel->levels[length + 1].closed_ns;
    for (size_t i = 0; i < level->count; i++) {
        if (part_of(level, i)->from_ns >= closed_ns)
            return part_of(level, i);
    }
    return NULL;
}

/* The sum of the parts of one length from `first` on that belong to the same longer part. */
static struct wheel_part sum_from(struct wheel *wheel, enum wheel_window length,
                                  const struct wheel_part *first)
{
    struct wheel_level *level = &wheel->levels[length];
    enum wheel_window longer = (enum wheel_window)(length + 1);
    int64_t from_ns = first->from_ns, number = number_at(from_ns, longer);
    struct wheel_part sum = {.from_ns = from_ns, .portion = {.start_ms = first->portion.start_ms}};
    for (size_t i = 0; i < level->count; i++) {
        const struct wheel_part *part = part_at(level, i);
        if (part->from_ns >= from_ns && number_at(part->from_ns, longer) == number &&
            !is_between(wheel, longer, from_ns, part->from_ns))
            join(wheel, longer, &sum, part);
    }
    return sum;
}

/* Adds up what longer parts have ended before one of that number begins. */
static void close_before(struct wheel *wheel, enum wheel_window length, int64_t end,
                         pthread_rwlock_t *lock)
{
    enum wheel_window longer = (enum wheel_window)(length + 1);
    const struct wheel_part *open;
    while ((open = first_open(wheel, length)) && number_at(open->from_ns, longer) < end) {
        struct wheel_part sum = sum_from(wheel, length, open);
        begin_change(lock);
        push(wheel, longer, &sum);
        end_change(lock);
    }
}

/* Takes the part behind the i-th out, whose bytes have been added to that. */
static void close_gap(struct wheel *wheel, struct wheel_level *level, size_t i)
{
    wheel->bytes -= part_at(level, i + 1)->portion.records.cap;
    buf_free(&part_at(level, i + 1)->portion.records);
    for (size_t k = i + 1; k + 1 < level->count; k++)
        *part_at(level, k) = *part_at(level, k + 1);
    *part_at(level, --level->count) = (struct wheel_part){0};
}

/* Neighbours of one number, whether or not both are in a longer part, become one again when no
 * window begins between them any more. */
static void join_neighbours(struct wheel *wheel, enum wheel_window length)
{
    struct wheel_level *level = &wheel->levels[length];
    int64_t closed_ns =
        length + 1 < WHEEL_WINDOWS ? wheel->levels[length + 1].closed_ns : INT64_MIN;
    for (size_t i = 0; i + 1 < level->count;) {
        struct wheel_part *part = part_at(level, i), *next = part_at(level, i + 1);
        bool alike = number_at(part->from_ns, length) == number_at(next->from_ns, length) &&
                     (part->from_ns < closed_ns) == (next->from_ns < closed_ns);
        if (!alike || is_between(wheel, length, part->from_ns, next->from_ns)) {
            i++;
            continue;
        }
        wheel->bytes -= part->portion.records.cap;
        join(wheel, length, part, next);
        wheel->bytes += part->portion.records.cap;
        close_gap(wheel, level, i);
    }
}

void wheel_begin(struct wheel *wheel, enum wheel_window window, int64_t begin_ns)
{
    wheel->begin_ns[window] = begin_ns;
    for (int length = 0; length <= (int)window; length++)
        join_neighbours(wheel, (enum wheel_window)length);
}

/* Parts that no window reaches any more. */
static void drop_old(struct wheel *wheel, int64_t now_ns)
{
    for (int length = 0; length < WHEEL_WINDOWS; length++) {
        struct wheel_level *level = &wheel->levels[length];
        while (level->count > 0 &&
               part_at(level, 0)->to_ns <= start_of((enum wheel_window)length, now_ns))
            drop_oldest(wheel, (enum wheel_window)length);
    }
}

/* Parts end with the first snapshot behind their time: what is past that is no later part's. */
static int64_t nominal_end(const struct wheel_part *part)
{
    int64_t part_ns = wheel_spans[WHEEL_MINUTE].part_ns;
    int64_t end_ns = number_at(part->to_ns, WHEEL_MINUTE) * part_ns;
    return end_ns > part->from_ns ? end_ns : part->to_ns;
}

/* The last part, if this one belongs to the same, and nothing begins between them. */
static const struct wheel_part *one_with(struct wheel *wheel, const struct wheel_part *part)
{
    const struct wheel_part *last = newest(&wheel->levels[WHEEL_MINUTE]);
    bool same =
        last && number_at(last->from_ns, WHEEL_MINUTE) == number_at(part->from_ns, WHEEL_MINUTE);
    return same && !is_between(wheel, WHEEL_MINUTE, last->from_ns, part->from_ns) ? last : NULL;
}

void wheel_prepare(struct wheel *wheel, struct wheel_part *part, pthread_rwlock_t *lock)
{
    for (int length = 0; length + 1 < WHEEL_WINDOWS; length++)
        close_before(wheel, (enum wheel_window)length,
                     number_at(part->from_ns, (enum wheel_window)(length + 1)), lock);
    begin_change(lock);
    drop_old(wheel, part->from_ns);
    end_change(lock);
    const struct wheel_part *last = one_with(wheel, part);
    part->to_ns = nominal_end(part);
    part->joined = false;
    if (!last)
        return;
    struct buf sum = {0};
    if (portion_sum(&last->portion, &part->portion, wheel_spans[WHEEL_MINUTE].top, &sum) < 0)
        wheel->failed = true;
    part->joined = sum.data != NULL;
    if (!sum.data)
        return;
    buf_free(&part->portion.records);
    part->portion.records = sum;
    have_alike(&part->portion, &part->portion, &last->portion);
    part->portion.start_ms = last->portion.start_ms;
    part->from_ns = last->from_ns;
}

void wheel_put(struct wheel *wheel, struct wheel_part *part)
{
    struct wheel_level *level = &wheel->levels[WHEEL_MINUTE];
    if (part->joined && level->count > 0) {
        wheel->bytes -= newest(level)->portion.records.cap;
        buf_free(&newest(level)->portion.records);
        level->count--;
    }
    part->joined = false;
    push(wheel, WHEEL_MINUTE, part);
    *part = (struct wheel_part){0};
}

void wheel_restore(struct wheel *wheel, enum wheel_window length, struct wheel_part *part)
{
    push(wheel, length, part);
    *part = (struct wheel_part){0};
}

int64_t wheel_each(const struct wheel *wheel, enum wheel_window window, int64_t now_ns,
                   void (*take)(void *ctx, const struct wheel_part *part), void *ctx)
{
    int64_t begin_ns = now_ns, start_ns = start_of(window, now_ns), covered_ns = INT64_MIN;
    for (int length = (int)window; length >= 0; length--) {
        const struct wheel_level *level = &wheel->levels[length];
        for (size_t i = 0; i < level->count; i++) {
            const struct wheel_part *part = part_of(level, i);
            if (part->to_ns <= start_ns || part->from_ns < covered_ns ||
                part->from_ns < wheel->begin_ns[window])
                continue;
            begin_ns = part->from_ns < begin_ns ? part->from_ns : begin_ns;
            take(ctx, part);
        }
        covered_ns = end_of(wheel, (enum wheel_window)length) > covered_ns
                         ? end_of(wheel, (enum wheel_window)length)
                         : covered_ns;
    }
    return begin_ns;
}

static void look_what_is_known(void *ctx, const struct wheel_part *part)
{
    struct wheel_known *known = ctx;
    if (part->portion.lacks == PORTION_TOTAL)
        known->counts_ns = part->to_ns;
    if (part->portion.lacks >= PORTION_COUNTS)
        known->keys_ns = part->to_ns;
}

struct wheel_known wheel_known(const struct wheel *wheel, enum wheel_window window, int64_t now_ns)
{
    struct wheel_known known = {.counts_ns = INT64_MIN, .keys_ns = INT64_MIN};
    wheel_each(wheel, window, now_ns, look_what_is_known, &known);
    return known;
}
