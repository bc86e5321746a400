/*
 * From when to when a recording is, by the times in its messages. These are what strangers say: one
 * message of 1970, or of a century to come, must not make an hour into decades.
 *
 * So times are gathered in parts that lie apart. The span reaches over the part with the most times
 * and over the others that are credible: with many times, or with fewer but near enough. Only the
 * other messages tell what is far: a laboratory's clock may stand at 1970 or 2100 for all of them.
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
/* Sets the span. False: no time has been added. */
bool times_span(const struct times *times, uint64_t *from, uint64_t *to);

#endif
