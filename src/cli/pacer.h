/*
 * When a frame may be sent: evenly at so many a second, or as far apart as the frames' own times
 * are. What a stalled receiver held up is caught up, but for no more than a second's worth.
 */
#ifndef SPILE_CLI_PACER_H
#define SPILE_CLI_PACER_H

#include "base/span.h"

enum pacer_kind {
    PACER_OFF,
    PACER_RATE,
    PACER_TIMES, /* a frame without a time, or with an earlier one, follows at once */
};

/* Owner: one thread. Times are nanoseconds of the monotonic clock unless said otherwise. */
struct pacer {
    enum pacer_kind kind;
    uint64_t rate;       /* frames a second */
    uint64_t origin_ns;  /* when the first frame was due */
    uint64_t passed;     /* frames so far */
    uint64_t first_ns;   /* of PACER_TIMES: the first frame's own time, since 1970 */
    uint64_t last_ns;    /* when the latest frame was due */
    uint64_t slipped_ns; /* since the rewind: how much of a stall will not be caught up */
};

void pacer_init(struct pacer *pacer, enum pacer_kind kind, uint64_t rate);
/* The next frame's own time begins anew from here: a file starts over. */
void pacer_rewind(struct pacer *pacer, uint64_t now_ns);
/* When `frame` is due. To be called once for each frame, in order. */
uint64_t pacer_due(struct pacer *pacer, struct span frame, uint64_t now_ns);

#endif
