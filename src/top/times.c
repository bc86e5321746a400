#include "top/times.h"

#include <string.h>

#include "base/clock.h"

#define NEAR_NS CLOCK_SECOND_NS                              /* such times are of one part */
#define EARLIEST_NS (UINT64_C(1262304000) * CLOCK_SECOND_NS) /* of 2010 */

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

bool times_plausible(uint64_t ns, uint64_t latest_ns)
{
    return ns >= EARLIEST_NS && ns <= latest_ns;
}

static bool plausible(const struct times_part *part, uint64_t latest_ns)
{
    return times_plausible(part->from, latest_ns) && times_plausible(part->to, latest_ns);
}

/* The largest part, of those that are plausible if there is one. */
static const struct times_part *largest(const struct times *times, uint64_t latest_ns)
{
    const struct times_part *best = NULL;
    for (size_t i = 0; i < times->count; i++) {
        const struct times_part *part = &times->parts[i];
        bool sound = plausible(part, latest_ns);
        if (!best || sound > plausible(best, latest_ns) ||
            (sound == plausible(best, latest_ns) && part->count > best->count))
            best = part;
    }
    return best;
}

/* Whether a part that lies `gap` away from a span belongs to it. */
static bool credible(const struct times_part *part, const struct times_part *best, uint64_t gap,
                     uint64_t span)
{
    if (part->count >= best->count / FEW)
        return true;
    return part->count >= best->count / VERY_FEW && gap <= span;
}

bool times_span(const struct times *times, uint64_t latest_ns, uint64_t *from, uint64_t *to)
{
    const struct times_part *best = largest(times, latest_ns);
    const struct times_part *end = times->parts + times->count;
    if (!best)
        return false;
    bool sound = plausible(best, latest_ns);
    *from = best->from;
    *to = best->to;
    for (const struct times_part *part = best; part-- > times->parts;) {
        if (plausible(part, latest_ns) == sound &&
            credible(part, best, *from - part->to, *to - *from))
            *from = part->from;
    }
    for (const struct times_part *part = best + 1; part < end; part++) {
        if (plausible(part, latest_ns) == sound &&
            credible(part, best, part->from - *to, *to - *from))
            *to = part->to;
    }
    return true;
}
