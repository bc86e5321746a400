/*
 * The wheel: what came in the last day, in memory, in parts that are the longer the older they are.
 *
 * A window (the last minute, five minutes, hour or day) is made up of whole parts, so it may begin
 * earlier than its name says: by one part at the most, a sixth, fifth, twelfth or twenty-fourth of
 * it. How far it reaches is told with it. After a restart the parts of the last minute may be as
 * long as itself.
 *
 * Parts are told apart by a clock that is never set, for that of the wall may be while they are
 * here. It began with the wall clock's time, so that what a restart finds in a database fits in.
 * Time is divided alike for all, so parts have numbers, and by these they are told whether they are
 * in a window: snapshots come a little early or late, and what ends late is not new for that.
 *
 * A window that was begun anew has what came since, and no part that it is made up of reaches over
 * that moment: where longer parts have to be divided there, they are, until the window begins anew
 * once more.
 */
#ifndef SPILE_HISTORY_WHEEL_H
#define SPILE_HISTORY_WHEEL_H

#include <pthread.h>

#include "history/record.h"

/* One less than enum stats_window_id. */
enum wheel_window { WHEEL_MINUTE, WHEEL_FIVE_MINUTES, WHEEL_HOUR, WHEEL_DAY, WHEEL_WINDOWS };

/* How a window is divided. */
struct wheel_span {
    int64_t part_ns;
    unsigned parts;
    size_t top; /* rows that lists have by each rank, while there is memory for them */
};
extern const struct wheel_span wheel_spans[WHEEL_WINDOWS];

/* What came in a span of time, of which nothing is missing. */
struct wheel_part {
    int64_t from_ns, to_ns; /* to_ns without what a part took too long to end */
    struct portion portion;
    size_t top;  /* rows that its lists were cut to for want of memory; 0: they were not */
    bool joined; /* when it is prepared: the last one is in it */
};

/* Those that a day needs, those that end or begin with it, and one more for each window that has
 * begun anew. */
enum { WHEEL_PARTS_MAX = 24 + 2 + WHEEL_WINDOWS };

/* Closed parts of one length, oldest first: a ring. */
struct wheel_level {
    struct wheel_part parts[WHEEL_PARTS_MAX];
    size_t first, count;
    int64_t closed_ns; /* where the last one that came ended, though it be forgotten */
};

/* Owner: one thread at a time. Made with wheel_init. */
struct wheel {
    /* Of all parts. Past it the oldest lose the lists of single streams; then the largest have
     * shorter lists, and only then the oldest lose the counts of single streams. */
    size_t bytes_max;
    size_t bytes;
    bool failed;                     /* memory was short: something is missing */
    int64_t begin_ns[WHEEL_WINDOWS]; /* nothing before is in the window; INT64_MIN: all is */
    struct wheel_level levels[WHEEL_WINDOWS];
};

void wheel_init(struct wheel *wheel, size_t bytes_max);
void wheel_limit(struct wheel *wheel, size_t bytes_max);
void wheel_free(struct wheel *wheel);
/*
 * A part that begins no earlier than the one before has ended, and has about the length of those of
 * WHEEL_MINUTE. First it is prepared: all is added up that takes long, while others may read; what
 * they see changes with the lock (NULL: there are none), for moments. Then, with the lock, the part
 * is put: its bytes are taken over.
 */
void wheel_prepare(struct wheel *wheel, struct wheel_part *part, pthread_rwlock_t *lock);
void wheel_put(struct wheel *wheel, struct wheel_part *part);
/* The window has what comes from that moment on, which is no earlier than the last part's end. */
void wheel_begin(struct wheel *wheel, enum wheel_window window, int64_t begin_ns);
/* As wheel_put, of any length that there is, in an empty wheel or behind others that were restored:
 * what was kept elsewhere. */
void wheel_restore(struct wheel *wheel, enum wheel_window length, struct wheel_part *part);
/* Calls `take` for each part of a window that ends at `now_ns`, oldest first. Returns when the
 * window begins: with its first part, or where it has none, at now_ns. */
int64_t wheel_each(const struct wheel *wheel, enum wheel_window window, int64_t now_ns,
                   void (*take)(void *ctx, const struct wheel_part *part), void *ctx);
/*
 * Where the oldest parts of a window have had to forget what they had of single streams, what is
 * left of these would pass for what they sent in the whole window. So of single streams a window
 * has what came later than that: counts from the first moment on, and lists and how many different
 * keys there were from the second. INT64_MIN: all is there.
 */
struct wheel_known {
    int64_t counts_ns, keys_ns;
};
struct wheel_known wheel_known(const struct wheel *wheel, enum wheel_window window, int64_t now_ns);

#endif
