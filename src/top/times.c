#include "top/times.h"

#include <string.h>

#include "base/clock.h"

#define NEAR_NS CLOCK_SECOND_NS /* such times are of one part */
/* 20 years: no collection lasts so long, and a clock that was never set is farther off. */
#define ERA_NS (UINT64_C(20) * 365 * 86400 * CLOCK_SECOND_NS)

enum {
    FEW = 50,       /* a part with less than 1/50 of the largest one's times has to be near */
    VERY_FEW = 1000 /* one with less than 1/1000 is a stray */
};

/* --- parts ---------------------------------------------------------------------------------- */

static bool touches(const struct times_part *part, uint64_t ns)
{
    return (ns >= part->from || part->from - ns <= NEAR_NS) &&
           (ns <= part->to || ns - part->to <= NEAR_NS);
}

/* Merges the part with the one behind it. */
static void join_next(struct times *times, size_t at)
{
    struct times_part *part = &times->parts[at];
    part->to = part[1].to;
    part->count += part[1].count;
    times->count--;
    memmove(part + 1, part + 2, (times->count - at - 1) * sizeof *part);
    times->last -= times->last > at;
}

static void extend(struct times *times, size_t at, uint64_t ns)
{
    struct times_part *part = &times->parts[at];
    part->from = ns < part->from ? ns : part->from;
    part->to = ns > part->to ? ns : part->to;
    part->count++;
    times->last = at;
    if (at + 1 < times->count && touches(&part[1], part->to))
        join_next(times, at);
    if (at > 0 && touches(&part[-1], part->from))
        join_next(times, at - 1);
}

static void insert(struct times *times, size_t at, uint64_t ns)
{
    struct times_part *part = &times->parts[at];
    memmove(part + 1, part, (times->count - at) * sizeof *part);
    *part = (struct times_part){.from = ns, .to = ns, .count = 1};
    times->count++;
    times->last = at;
}

/* How little is lost by joining a part with the next one: the gap's magnitude counts most, then how
 * many times they have, so that where gaps are alike no part swallows all others. */
static double cost(const struct times_part *part)
{
    uint64_t gap = part[1].from - part->to, count = part->count + part[1].count;
    int magnitude = 64 - __builtin_clzll(gap);
    return magnitude + (double)count / ((double)count + 1);
}

static void join_nearest(struct times *times)
{
    size_t nearest = 0;
    for (size_t i = 1; i + 1 < times->count; i++) {
        if (cost(&times->parts[i]) < cost(&times->parts[nearest]))
            nearest = i;
    }
    join_next(times, nearest);
}

void times_add(struct times *times, uint64_t ns)
{
    if (times->count > 0 && touches(&times->parts[times->last], ns)) {
        extend(times, times->last, ns);
        return;
    }
    size_t at = 0;
    while (at < times->count && times->parts[at].to < ns && !touches(&times->parts[at], ns))
        at++;
    if (at < times->count && touches(&times->parts[at], ns)) {
        extend(times, at, ns);
        return;
    }
    insert(times, at, ns);
    if (times->count > TIMES_PARTS)
        join_nearest(times);
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
