/*
 * The recorder: takes snapshots as they come, keeps the last quarter of an hour by seconds, and
 * adds up the portion of the running minute. It knows no clock, thread or file.
 *
 * What came between two snapshots belongs to one second, and with it to that second's minute. A
 * clock that jumps takes the recorder along: a minute that comes again is one more portion of it.
 */
#ifndef SPILE_HISTORY_RECORDER_H
#define SPILE_HISTORY_RECORDER_H

#include "history/record.h"
#include "history/series.h"

enum {
    RECORDER_SECONDS = 900,
    RECORDER_BYTES = 16 << 20, /* of all seconds together; past it the oldest lose their streams */
    RECORDER_MINUTE_MS = 60000,
};

/* Owner: one thread at a time. Zeroed is empty. */
struct recorder {
    const struct stats_snapshot *last; /* a reference; NULL before the first */
    int64_t second;                    /* Unix time of the second that `last` belongs to ... */
    uint64_t second_ns;                /* ... which ends about then, by the other clock */
    struct portion seconds[RECORDER_SECONDS];
    size_t first, count, bytes; /* of `seconds`: a ring */
    size_t thin;                /* so many of the first have only what is of all streams */
    struct counts *open; /* the running portion: of all, and of each stream of `last`, by side */
    size_t open_count;
    struct portion gone; /* of it, too: of streams that have given up their places since */
    int64_t open_ms;     /* its minute */
    bool dirty;          /* there is something in it, since it was cut */
    struct counts scratch;
    bool failed; /* memory was short: numbers are missing */
};

void recorder_free(struct recorder *recorder);

/* The Unix second that what a snapshot brings belongs to. */
int64_t recorder_second(const struct recorder *recorder, const struct stats_snapshot *snapshot);
/* True when another minute begins with that second: recorder_cut comes first. */
bool recorder_must_cut(const struct recorder *recorder, int64_t second);
/* Takes the snapshot, and the caller's reference to it. */
void recorder_take(struct recorder *recorder, const struct stats_snapshot *snapshot,
                   int64_t second);
/* Ends the portion: its counts go to *portion, which is empty; the next one begins. */
void recorder_cut(struct recorder *recorder, struct portion *portion);
/* The counts so far of the portion that is open: a copy. */
void recorder_peek(const struct recorder *recorder, struct portion *portion);

#endif
