/*
 * The hand-over of frames to the engine, for whatever reads them: who they came from, how many
 * they were, and whether more are wanted.
 */
#ifndef SPILE_IN_HANDOVER_H
#define SPILE_IN_HANDOVER_H

#include "core/roster.h"
#include "core/worker.h"

/* Owner: one connection or file, on its worker's thread. */
struct handover {
    struct worker *worker;
    struct origin origin;
    struct roster_seat seat;
    uint64_t look_ms; /* when frames are looked at next, of the loop's clock */
    struct input_counters *counters;
    uint64_t frames;
    bool dnstap; /* the frames that came last are, by those that were looked at */
    bool enough; /* the engine wants no more */
};

void handover_init(struct handover *handover, struct worker *worker,
                   struct input_counters *counters);
/* Lists the origin, which the caller has set, in the roster until handover_end. */
void handover_list(struct handover *handover);
/* Leaves the roster, if it was listed. */
void handover_end(struct handover *handover);

/* Counts `len` bytes as read. */
void handover_bytes(struct handover *handover, size_t len);
/* Hands over at least one frame of an origin that is listed. They are formatted or counted when it
 * returns. */
void handover_frames(struct handover *handover, const struct span *frames, size_t count);

#endif
