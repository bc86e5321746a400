/*
 * From when to when a recording or a stream is, by the times in its messages. These are what
 * strangers say: one message of 1970, or of a century to come, must not make an hour into decades.
 *
 * So times are gathered in parts that lie apart. The span reaches over the part with the most times
 * and over the others that are credible: with many times, or with fewer but near enough. Only the
 * other messages tell what is far: a laboratory's clock may stand at 1970 or 2100 for all of them.
 */
#ifndef SPILE_STATS_TIMES_H
#define SPILE_STATS_TIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#define TIMES_NEAR_NS CLOCK_SECOND_NS /* times no farther apart are of one part */
enum { TIMES_PARTS = 64 };

/* Nanoseconds since 1970, both ends included. */
struct times_part {
    uint64_t from, to;
    uint64_t count;
};

/* In ascending order, none touching the next. Zeroed is empty. Owner: one thread at a time. */
struct times {
    struct times_part parts[TIMES_PARTS + 1]; /* one more while a time is added */
    size_t count;
    size_t last; /* the part that took the last time */
};

/* Empties it, by far quicker than zeroing does. */
static inline void times_clear(struct times *times)
{
    times->count = times->last = 0;
}

/* The times of a part. Where there are too many parts the two that are nearest become one. */
void times_add_part(struct times *times, const struct times_part *part);
void times_merge(struct times *into, const struct times *from);

/* One message's time, nearly always of the part that took the last one, or just behind it. */
static inline void times_add(struct times *times, uint64_t ns)
{
    struct times_part *part = &times->parts[times->last];
    bool newest = times->last + 1 == times->count;
    if (times->count > 0 && ns >= part->from &&
        (ns <= part->to || (newest && ns - part->to <= TIMES_NEAR_NS))) {
        part->to = ns > part->to ? ns : part->to;
        part->count++;
        return;
    }
    times_add_part(times, &(struct times_part){.from = ns, .to = ns, .count = 1});
}

/* Sets the span. False: no time has been added. */
bool times_span(const struct times *times, uint64_t *from, uint64_t *to);

#endif
