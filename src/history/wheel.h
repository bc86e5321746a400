/*
 * The wheel: what came in the last day, in memory, in parts that are the longer the older they are.
 *
 * A window (the last minute, five minutes, hour or day) is made up of whole parts, so it may begin
 * earlier than its name says: by one part at the most, a sixth, fifth, twelfth or twenty-fourth of
 * it. How far it reaches is told with it.
 *
 * Parts are told apart by a clock that is never set, for that of the wall may be while they are
 * here. It began with the wall clock's time, so that what a restart finds in a database fits in.
 */
#ifndef SPILE_HISTORY_WHEEL_H
#define SPILE_HISTORY_WHEEL_H

#include "history/record.h"

/* One less than enum stats_window_id. */
enum wheel_window { WHEEL_MINUTE, WHEEL_FIVE_MINUTES, WHEEL_HOUR, WHEEL_DAY, WHEEL_WINDOWS };

/* How a window is divided. */
struct wheel_span {
    int64_t part_ns;
    unsigned parts;
};
extern const struct wheel_span wheel_spans[WHEEL_WINDOWS];

/* What came in a span of time, of which nothing is missing. */
struct wheel_part {
    int64_t from_ns, to_ns;
    struct portion portion;
};

enum { WHEEL_PARTS_MAX = 26 };

/* Closed parts of one length, oldest first: a wheel. */
struct wheel_level {
    struct wheel_part parts[WHEEL_PARTS_MAX];
    size_t first, count;
};

/* Owner: one thread at a time. Zeroed, with the first two set, is empty. */
struct wheel {
    size_t bytes_max; /* of all parts; past it the oldest lose what is of single streams */
    size_t top;       /* rows that merged lists have by each rank */
    size_t bytes;
    bool failed;    /* memory was short: something is missing */
    int64_t cut_ns; /* before that everything has been cut from what comes; 0: nothing */
    struct wheel_level levels[WHEEL_WINDOWS];
};

void wheel_free(struct wheel *wheel);
/* A part that begins no earlier than the one before has begun, and has about the length of those of
 * WHEEL_MINUTE. Its bytes are taken over. */
void wheel_put(struct wheel *wheel, struct wheel_part *part);
/* What comes from now on is in no part together with what came before. */
void wheel_cut(struct wheel *wheel);
/* As wheel_put, of any length that there is, in an empty wheel or behind others that were restored:
 * what was kept elsewhere. */
void wheel_restore(struct wheel *wheel, enum wheel_window length, struct wheel_part *part);
/* Calls `take` for each part of a window that ends at `now_ns`, oldest first. Returns when the
 * window begins: with its first part, or where it has none, at now_ns. */
int64_t wheel_each(const struct wheel *wheel, enum wheel_window window, int64_t now_ns,
                   void (*take)(void *ctx, const struct wheel_part *part), void *ctx);

#endif
