#include "history/wheel.h"

#include "base/clock.h"

enum { MINUTE_S = 60, HOUR_S = 3600 };
#define SECONDS(n) ((int64_t)(n) * (int64_t)CLOCK_SECOND_NS)

const struct wheel_span wheel_spans[WHEEL_WINDOWS] = {
    [WHEEL_MINUTE] = {SECONDS(10), 6},
    [WHEEL_FIVE_MINUTES] = {SECONDS(MINUTE_S), 5},
    [WHEEL_HOUR] = {SECONDS(5 * MINUTE_S), 12},
    [WHEEL_DAY] = {SECONDS(HOUR_S), 24},
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

static int64_t span_ns(enum wheel_window window)
{
    return wheel_spans[window].part_ns * (int64_t)wheel_spans[window].parts;
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

static void thin(struct wheel *wheel, struct wheel_part *part)
{
    wheel->bytes -= part->portion.records.cap;
    portion_shrink(&part->portion, true);
    wheel->bytes += part->portion.records.cap;
}

/* The oldest part that still knows single streams forgets them; where none does, the oldest goes.
 */
static void forget_some(struct wheel *wheel)
{
    for (int length = WHEEL_WINDOWS - 1; length >= 0; length--) {
        struct wheel_level *level = &wheel->levels[length];
        for (size_t i = 0; i < level->count; i++) {
            if (!part_at(level, i)->portion.thin) {
                thin(wheel, part_at(level, i));
                return;
            }
        }
    }
    int length = WHEEL_WINDOWS - 1;
    while (length > 0 && wheel->levels[length].count == 0)
        length--;
    wheel->failed = true;
    drop_oldest(wheel, (enum wheel_window)length);
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
    portion_shrink(&part->portion, false);
    wheel->bytes += part->portion.records.cap;
    *part_at(level, level->count++) = *part;
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

/* Adds a part to one that lies before it. */
static void join(struct wheel *wheel, struct wheel_part *into, const struct wheel_part *part)
{
    struct portion *sum = &into->portion;
    if (portion_merge(sum, &part->portion, wheel->top) < 0)
        wheel->failed = true;
    sum->thin |= part->portion.thin;
    into->to_ns = part->to_ns;
}

/* Where the parts of one length end. */
static int64_t end_of(const struct wheel *wheel, enum wheel_window length)
{
    const struct wheel_level *level = &wheel->levels[length];
    return level->count > 0 ? part_of(level, level->count - 1)->to_ns : INT64_MIN;
}

/* The first part that is in no longer one yet; NULL: there is none. */
static const struct wheel_part *first_open(const struct wheel *wheel, enum wheel_window length)
{
    const struct wheel_level *level = &wheel->levels[length];
    int64_t closed_ns = end_of(wheel, (enum wheel_window)(length + 1));
    for (size_t i = 0; i < level->count; i++) {
        if (part_of(level, i)->from_ns >= closed_ns)
            return part_of(level, i);
    }
    return NULL;
}

/* The sum of the parts of one length that belong to the longer part of that number and are not
 * added up yet. */
static struct wheel_part sum_of(struct wheel *wheel, enum wheel_window length, int64_t number)
{
    struct wheel_level *level = &wheel->levels[length];
    enum wheel_window longer = (enum wheel_window)(length + 1);
    int64_t closed_ns = end_of(wheel, longer);
    struct wheel_part sum = {0};
    bool any = false;
    for (size_t i = 0; i < level->count; i++) {
        const struct wheel_part *part = part_at(level, i);
        if (part->from_ns < closed_ns || number_at(part->from_ns, longer) != number)
            continue;
        if (!any)
            sum = (struct wheel_part){.from_ns = part->from_ns,
                                      .portion = {.start_ms = part->portion.start_ms}};
        join(wheel, &sum, part);
        any = true;
    }
    return sum;
}

/* Adds up what longer parts have ended before one of that number begins. */
static void close_before(struct wheel *wheel, enum wheel_window length, int64_t end)
{
    enum wheel_window longer = (enum wheel_window)(length + 1);
    const struct wheel_part *open;
    while ((open = first_open(wheel, length)) && number_at(open->from_ns, longer) < end) {
        struct wheel_part sum = sum_of(wheel, length, number_at(open->from_ns, longer));
        push(wheel, longer, &sum);
    }
}

void wheel_cut(struct wheel *wheel)
{
    for (int length = 0; length + 1 < WHEEL_WINDOWS; length++)
        close_before(wheel, (enum wheel_window)length, INT64_MAX);
    wheel->cut_ns = end_of(wheel, WHEEL_MINUTE);
}

/* Parts that no window reaches any more. */
static void drop_old(struct wheel *wheel, int64_t now_ns)
{
    for (int length = 0; length < WHEEL_WINDOWS; length++) {
        struct wheel_level *level = &wheel->levels[length];
        while (level->count > 0 && part_at(level, 0)->to_ns <= now_ns - span_ns(length))
            drop_oldest(wheel, (enum wheel_window)length);
    }
}

void wheel_put(struct wheel *wheel, struct wheel_part *part)
{
    struct wheel_part *last = newest(&wheel->levels[WHEEL_MINUTE]);
    int64_t number = number_at(part->from_ns, WHEEL_MINUTE);
    bool cut = last && wheel->cut_ns && last->to_ns <= wheel->cut_ns;
    if (last && !cut && number_at(last->from_ns, WHEEL_MINUTE) == number) {
        wheel->bytes -= last->portion.records.cap;
        join(wheel, last, part);
        wheel->bytes += last->portion.records.cap;
        buf_free(&part->portion.records);
    } else {
        for (int length = 0; length + 1 < WHEEL_WINDOWS; length++)
            close_before(wheel, (enum wheel_window)length,
                         number_at(part->from_ns, (enum wheel_window)(length + 1)));
        drop_old(wheel, part->from_ns);
        push(wheel, WHEEL_MINUTE, part);
    }
    *part = (struct wheel_part){0};
}

void wheel_restore(struct wheel *wheel, enum wheel_window length, struct wheel_part *part)
{
    push(wheel, length, part);
    *part = (struct wheel_part){0};
}

/* Of the parts of one length those that reach behind `start_ns` and are in no longer part. */
static void each_of(const struct wheel_level *level, int64_t start_ns, int64_t covered_ns,
                    int64_t *begin_ns, void (*take)(void *ctx, const struct wheel_part *part),
                    void *ctx)
{
    for (size_t i = 0; i < level->count; i++) {
        const struct wheel_part *part = part_of(level, i);
        if (part->to_ns <= start_ns || part->from_ns < covered_ns)
            continue;
        if (part->from_ns < *begin_ns)
            *begin_ns = part->from_ns;
        take(ctx, part);
    }
}

int64_t wheel_each(const struct wheel *wheel, enum wheel_window window, int64_t now_ns,
                   void (*take)(void *ctx, const struct wheel_part *part), void *ctx)
{
    int64_t begin_ns = now_ns, start_ns = now_ns - span_ns(window), covered_ns = INT64_MIN;
    for (int length = (int)window; length >= 0; length--) {
        const struct wheel_level *level = &wheel->levels[length];
        each_of(level, start_ns, covered_ns, &begin_ns, take, ctx);
        if (level->count > 0 && part_of(level, level->count - 1)->to_ns > covered_ns)
            covered_ns = part_of(level, level->count - 1)->to_ns;
    }
    return begin_ns;
}
