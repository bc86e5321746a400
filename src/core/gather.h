/*
 * Gathering: how long a worker leaves its sockets alone, so that one wake-up brings tens of frames,
 * and when it hands over what it has made of them, so that one wake-up of an output does, too.
 *
 * Servers write a frame at a time, some thousand a second. To be woken for each and to read each by
 * itself costs many times what is then done with it. So after a round, in which all connections
 * that had something were read and none had much, the worker rests before it looks again. The rest
 * and the wake-up behind it are shared by all its connections.
 *
 * How long follows from how fast frames came lately: until the busiest connection has sent some
 * tens, since its socket must not fill up meanwhile, and for `gather-time` at the most, or some
 * times that where nobody looks at what comes out. Where not even two frames would come, the worker
 * does not rest. Nor does it after quiet: the first frame is read when it comes, and from then on
 * no rest is longer than the traffic has lasted. So a burst is never kept waiting for longer than
 * that; nor is the STOP at its end. Where others keep the worker resting, one that begins to send
 * waits for the end of the rest, too.
 *
 * Where the worker often waits for a processor, all others do, a sender too: it writes while it has
 * one, and a socket that is full then ends its turn. So there are no rests then where frames come
 * fast; they are read while they are written.
 *
 * Where others have the processors a rest lasts longer than it was to. A sender whose socket is
 * full by then has to wait, which DNS servers answer by leaving frames out. So after one that was
 * late, or short already, and brought three times what was wanted there is none for a while, and
 * when the next one is so, too, none for twice as long.
 *
 * Records are handed over when they would otherwise grow too old until the worker looks again.
 * Where rests are long that is before each, where they are short before one of some; and where
 * nothing is to be expected soon it is at once, which also spares a wake-up for the hand-over
 * alone.
 */
#ifndef SPILE_CORE_GATHER_H
#define SPILE_CORE_GATHER_H

#include <stdbool.h>
#include <stdint.h>

enum {
    GATHER_UNSEEN = 4,          /* where nobody looks, rests are so many times `gather-time` */
    GATHER_WORTH = 2,           /* frames of all connections for which a rest is worth its cost */
    GATHER_FRAMES = 64,         /* of one connection in a rest: a unix socket holds some 280 */
    GATHER_BYTES = 48 * 1024,   /* of one connection in a rest: a unix socket holds 208 KiB */
    GATHER_TOO_MANY = 3,        /* so many times that after a rest: it was too long */
    GATHER_FAST_NS = 4000000,   /* of a connection that sends as much as is wanted within so long */
    GATHER_WARY_NS = 100000000, /* and for so long there is no other, */
    GATHER_WARY_TIMES = 64,     /* at most so many times that */
    GATHER_MUCH = 24 * 1024,    /* who brought so much at once has more already: there is no rest */
    GATHER_LEAST_NS = 1000000,  /* where frames come faster, a rest that ends late fills a socket */
    GATHER_QUIET_NS = 30000000, /* quiet is when nothing has come for so long */
    GATHER_LOOK_NS =
        100000000, /* so often the worker looks how long it has waited for a processor: */
    GATHER_CROWD_NS = 8000000, /* fast, where it waits much, is who sends that within so long */
    GATHER_CROWD = 20,         /* one such part of the time is much */
    GATHER_OLD_NS = 6000000,   /* what has been in a socket or a chunk for longer is old */
};

/* What has come, and within which time. */
struct gather_sum {
    double frames;      /* of all connections */
    double most_frames; /* of the busiest one of each round */
    double most_bytes;
    double time_ns;
};

/* Owner: one worker, on its own thread. Zeroed never rests. Times are clock_ns. */
struct gather {
    uint64_t max_ns;         /* gather-time */
    uint64_t rest_ns;        /* the last rest; 0: there was none */
    uint64_t round_ns;       /* when the last round was over */
    uint64_t begin_ns;       /* when the traffic began, after quiet */
    uint64_t wary_ns;        /* no rests until then, */
    uint64_t wary_for_ns;    /* which was for so long; 0: there always were */
    uint64_t oldest_ns;      /* since when frames may have come that are not handed over; 0: none */
    struct gather_sum round; /* of this one; its time is not known yet */
    struct gather_sum past;  /* of those before, each counting half as much as the next */
    uint64_t look_ns;        /* when the worker is to look next how long it has waited */
    uint64_t waited_ns;      /* for a processor, in all, when it looked last */
    bool crowded;            /* it had waited much */
    bool read;               /* something was read in this round */
    bool more;               /* and some connection has more */
};

/* What to do when a round is over. */
struct gather_step {
    uint64_t rest_ns; /* 0: no rest */
    bool hand_over;   /* before it */
};

/* One connection had its turn in this round: so much has come, and there may be more to read now.
 */
static inline void gather_turn(struct gather *gather, uint64_t frames, uint64_t bytes, bool more)
{
    struct gather_sum *round = &gather->round;
    gather->read = true;
    gather->more |= more || bytes >= GATHER_MUCH;
    round->frames += (double)frames;
    if ((double)frames > round->most_frames)
        round->most_frames = (double)frames;
    if ((double)bytes > round->most_bytes)
        round->most_bytes = (double)bytes;
}

/* The worker looks at gather->look_ns how long it has waited for a processor since its begin. */
void gather_look(struct gather *gather, uint64_t now_ns, uint64_t waited_ns);

/* A round in which something was read is over now. `seen`: somebody may be looking at what comes
 * out. */
struct gather_step gather_round(struct gather *gather, uint64_t now_ns, bool seen);

#endif
