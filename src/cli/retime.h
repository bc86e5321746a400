/*
 * Times of a recording moved to now: all by the same amount, so that latencies and the order of
 * things stay what they were.
 */
#ifndef SPILE_CLI_RETIME_H
#define SPILE_CLI_RETIME_H

#include "base/buf.h"

/* Owner: one thread. Times are nanoseconds since 1970. */
struct retime {
    uint64_t start_ns; /* what the recording's first time becomes */
    uint64_t first_ns; /* the recording's first time; 0 until a frame has one */
};

/* Begins a recording, whose first time will become `start_ns`. */
void retime_begin(struct retime *retime, uint64_t start_ns);
/*
 * Appends `frame` to `out` with its times moved by start_ns - first_ns. All fields stay, also those
 * that this program does not know. False, and nothing appended: the frame is to be sent as it is,
 * since it is no dnstap message, has no time, or has one that cannot be moved (before 1970 then, or
 * absurd).
 */
bool retime_frame(struct retime *retime, struct span frame, struct buf *out);

#endif
