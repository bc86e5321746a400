#include "stats/times.h"

#include <string.h>

/* 20 years: no collection lasts so long, and a clock that was never set is farther off. */
#define ERA_NS (UINT64_C(20) * 365 * 86400 * CLOCK_SECOND_NS)

enum {
    FEW = 50,       /* a part with less than 1/50 of the largest one's times has to be near */
    VERY_FEW = 1000 /* one with less than 1/1000 is a stray */
};

/* --- parts ---------------------------------------------------------------------------------- */

static bool touches(const struct times_part *part, const struct times_part *other)
{
    return (other->from <= part->to || other->from - part->to <= TIMES_NEAR_NS) &&
           (part->from <= other->to || part->from - other->to <= TIMES_NEAR_NS);
}

static void take_in(struct times_part *part, const struct times_part *other)
{
    part->from = other->from < part->from ? other->from : part->from;
    part->to = other->to > part->to ? other->to : part->to;
    part->count += other->count;
}

/* Merges the part with the one behind it. */
static void join_next(struct times *times, size_t at)
{
    struct times_part *part = &times->parts[at];
    take_in(part, part + 1);
    times->count--;
    memmove(part + 1, part + 2, (times->count - at - 1) * sizeof *part);
    times->last -= times->last > at;
}

/* `at` is the first part that touches what comes. */
static void extend(struct times *times, size_t at, const struct times_part *by)
{
    struct times_part *part = &times->parts[at];
    take_in(part, by);
    times->last = at;
    while (at + 1 < times->count && touches(part, part + 1))
        join_next(times, at);
}

static void insert(struct times *times, size_t at, const struct times_part *new)
{
    struct times_part *part = &times->parts[at];
    memmove(part + 1, part, (times->count - at) * sizeof *part);
    *part = *new;
    times->count++;
    times->last = at;
}

/* How little is lost by joining a part with the next one: the gap's magnitude counts most, then how
 * many times they have, so that where gaps are alike no part swallows all others. */
struct cost {
    int magnitude;
    uint64_t count;
};

static struct cost cost_of(const struct times_part *part)
{
    return (struct cost){.magnitude = 64 - __builtin_clzll(part[1].from - part->to),
                         .count = part->count + part[1].count};
}

static void join_nearest(struct times *times)
{
    size_t nearest = 0;
    struct cost least = cost_of(times->parts);
    for (size_t i = 1; i + 1 < times->count; i++) {
        struct cost cost = cost_of(&times->parts[i]);
        if (cost.magnitude < least.magnitude ||
            (cost.magnitude == least.magnitude && cost.count < least.count)) {
            nearest = i;
            least = cost;
        }
    }
    join_next(times, nearest);
}

void times_add_part(struct times *times, const struct times_part *part)
{
    size_t at = 0;
    while (at < times->count && times->parts[at].to < part->from &&
           !touches(&times->parts[at], part))
        at++;
    if (at < times->count && touches(&times->parts[at], part)) {
        extend(times, at, part);
        return;
    }
    insert(times, at, part);
    if (times->count > TIMES_PARTS)
        join_nearest(times);
}

void times_merge(struct times *into, const struct times *from)
{
    for (size_t i = 0; i < from->count; i++)
        times_add_part(into, &from->parts[i]);
}

/* --- the span ------------------------------------------------------------------------------- */

/* The part behind those that lie in one era with `part`. */
static const struct times_part *era_end(const struct times_part *part, const struct times_part *end)
{
    do
        part++;
    while (part < end && part->from - part[-1].to <= ERA_NS);
    return part;
}

static uint64_t count_of(const struct times_part *part, const struct times_part *end)
{
    uint64_t count = 0;
    for (; part < end; part++)
        count += part->count;
    return count;
}

/* The largest part of the era that has the most times, of the later one where they are alike. */
static const struct times_part *largest(const struct times *times)
{
    const struct times_part *best = NULL, *end = times->parts + times->count, *next;
    uint64_t most = 0;
    for (const struct times_part *era = times->parts; era < end; era = next) {
        next = era_end(era, end);
        uint64_t count = count_of(era, next);
        if (count < most)
            continue;
        most = count;
        best = era;
        for (const struct times_part *part = era; part < next; part++)
            best = part->count > best->count ? part : best;
    }
    return best;
}

/* Whether a part that lies `gap` away from a span belongs to it. */
static bool credible(const struct times_part *part, const struct times_part *best, uint64_t gap,
                     uint64_t span)
{
    if (part->count >= best->count / FEW)
        return gap <= ERA_NS;
    return part->count >= best->count / VERY_FEW && gap <= span;
}

bool times_span(const struct times *times, uint64_t *from, uint64_t *to)
{
    const struct times_part *best = largest(times);
    const struct times_part *end = times->parts + times->count;
    if (!best)
        return false;
    *from = best->from;
    *to = best->to;
    for (const struct times_part *part = best; part-- > times->parts;) {
        if (credible(part, best, *from - part->to, *to - *from))
            *from = part->from;
    }
    for (const struct times_part *part = best + 1; part < end; part++) {
        if (credible(part, best, part->from - *to, *to - *from))
            *to = part->to;
    }
    return true;
}
