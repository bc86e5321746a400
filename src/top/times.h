/*
 * From when to when a recording is, by the times in its messages. These are what strangers say: one
 * message of 1970, or of a century to come, must not make an hour into decades.
 *
 * So times are gathered in parts that lie apart. The span reaches over the part with the most times
 * and over the others that are credible: with many times, or with fewer but near enough.
 */
#ifndef SPILE_TOP_TIMES_H
#define SPILE_TOP_TIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TIMES_PARTS = 64 };

/* Nanoseconds since 1970, both ends included. */
struct times_part {
    uint64_t from, to;
    uint64_t count;
};

/* In ascending order, none touching the next. Zeroed is empty. */
struct times {
    struct times_part parts[TIMES_PARTS + 1]; /* one more while a time is added */
    size_t count;
    size_t last; /* the part that took the last time */
};

/* One message's time. Where there are too many parts the two that are nearest become one. */
void times_add(struct times *times, uint64_t ns);
/* True for a time since dnstap was invented that is not behind `latest_ns`. */
bool times_plausible(uint64_t ns, uint64_t latest_ns);
/* Sets the span. Times that are not plausible count only when none is plausible. False: no time has
 * been added. */
bool times_span(const struct times *times, uint64_t latest_ns, uint64_t *from, uint64_t *to);

#endif
