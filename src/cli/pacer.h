/*
 * Says when a frame may be sent: evenly, so many a second, or as far apart as the frames' own
 * times. What a stalled receiver held up is caught up, but for no more than a second's worth.
 *
 * Own times may jump: the recording paused for a night, a clock was set, or somebody lied. A gap of
 * more than max_gap_ns is cut to that. A frame that is late is due at once and changes nothing,
 * since servers report a little out of order; where two in a row are more than max_gap_ns late, and
 * near to each other, the clock was set back, and the times go on from there.
 */
#ifndef SPILE_CLI_PACER_H
#define SPILE_CLI_PACER_H

#include "base/span.h"

enum pacer_kind {
    PACER_OFF,
    PACER_RATE,
    PACER_TIMES, /* a frame without a time, or with an earlier one, follows at once */
};

/*
 * How a recording's own times lie on a clock that runs evenly: the clock stood at `at_ns` when it
 * was `time_ns` in the recording. That holds up to the next jump, where a new pair begins.
 */
struct pacer_anchor {
    uint64_t time_ns; /* since 1970; 0: no frame has had a time yet */
    uint64_t at_ns;
};

/* Owner: one thread. Times are nanoseconds of the monotonic clock unless said otherwise. */
struct pacer {
    enum pacer_kind kind;
    uint64_t rate;       /* frames a second */
    uint64_t origin_ns;  /* of PACER_RATE: when the first frame was due */
    uint64_t passed;     /* frames so far */
    uint64_t last_ns;    /* when the latest frame was due */
    uint64_t slipped_ns; /* since the rewind: how much of a stall will not be caught up */

    /* Of PACER_TIMES. */
    uint64_t max_gap_ns; /* longer gaps are cut to this; 0: none is */
    struct pacer_anchor anchor;
    uint64_t high_ns;  /* the latest of the frames' own times, since the anchor */
    uint64_t stray_ns; /* the own time of the last frame, where that was far behind `high_ns` */
    uint64_t cut_ns;   /* the length of the last gap that was cut; the caller may zero it */
};

void pacer_init(struct pacer *pacer, enum pacer_kind kind, uint64_t rate);
/* A file starts over: the own time of the next frame is matched with `now_ns` anew. */
void pacer_rewind(struct pacer *pacer, uint64_t now_ns);
/* When `frame` is due. To be called once for each frame, in order. */
uint64_t pacer_due(struct pacer *pacer, struct span frame, uint64_t now_ns);

#endif
