/*
 * Halves of exchanges that wait for their other halves: queries in one ring (stage/ring.h),
 * responses that came before their queries in another. They are judged in order when their window
 * is over: by the times of later events of their stream, or, when no event comes, a window after
 * they came. Where events do come and their times go much slower than the clock, as those of a
 * capture that is sent slowly, they stay for some windows more.
 */
#ifndef SPILE_STAGE_WAITING_H
#define SPILE_STAGE_WAITING_H

#include "stage/loss.h"
#include "stage/ring.h"

enum fate {
    FATE_OPEN,
    FATE_MAYBE,    /* a response whose query may come, but is not missed */
    FATE_JUDGED,   /* it may still be answered, but is not judged any more */
    FATE_ANSWERED, /* it was asked again, and that was answered; a response of its own may come */
};

enum {
    WAITING_MARKS = 4,   /* in a window */
    WAITING_AT_ONCE = 2, /* entries judged with each that comes */
    WAITING_STAYS = 16,  /* windows that an entry may stay */
};

/* What the entries of all rings are judged by. Owner: the latency stage. */
struct judge {
    uint64_t window_ns;
    struct loss_stream *streams;
    /* When the last marks were taken, as time listened: only who takes them uses these. And the
     * number of the next, from 1 on. */
    uint64_t mark_ns[WAITING_MARKS];
    _Atomic uint32_t mark;
};

/* Of each entry, `stream` is the number (stage/loss.h), `type` enum dnstap_message_type, `fate`
 * enum fate, `stays` how often it has stayed. */
struct waiting {
    struct ring ring;
    uint32_t judged;               /* serial of the first entry that is not judged yet */
    uint32_t marks[WAITING_MARKS]; /* ring.next at judge.mark_ns */
};

void judge_init(struct judge *judge, uint64_t window_ns, struct losses *losses);
/* The number for loss_heard. */
static inline uint32_t judge_mark(const struct judge *judge)
{
    return atomic_load_explicit(&judge->mark, memory_order_relaxed);
}
/* Whether a mark is due after so long listened; marks are a quarter of a window apart. */
bool judge_is_due(const struct judge *judge, uint64_t heard_ns);
/* Each ring has been marked. */
void judge_marked(struct judge *judge, uint64_t heard_ns);
/* An entry's other half has not come in time. */
void judge_condemn(const struct judge *judge, struct ring_entry *entry);

/* Places a ring of so many entries at `base`; returns what is behind it. */
uint8_t *waiting_open(struct waiting *waiting, uint32_t entries, uint8_t *base);
/* Judges the entries from before those marks that are a window old, whatever the streams' clocks
 * say; but those that stay. With `due` a new mark is taken. */
void waiting_mark(const struct judge *judge, struct waiting *waiting, uint64_t heard_ns, bool due);
/* No more will come: judges what can be judged by the streams' clocks. */
void waiting_judge_rest(const struct judge *judge, struct waiting *waiting);

static inline bool waiting_is_open(const struct ring_entry *entry)
{
    bool waits = entry->fate == FATE_OPEN || entry->fate == FATE_MAYBE;
    return entry->hash != 0 && waits && entry->stream != 0;
}

static inline bool waiting_is_query(const struct ring_entry *entry)
{
    return entry->type & 1;
}

/* Judges what is at the ring's end, if it can be judged: its window is over by its stream's clock,
 * or it must leave. False: it is too early. */
static inline bool waiting_judge(const struct judge *judge, struct ring_entry *entry, bool leaves)
{
    struct loss_stream *stream = &judge->streams[entry->stream];
    if (!waiting_is_open(entry))
        return true;
    if (loss_time(&stream->clock_ns) - entry->time_ns > (int64_t)judge->window_ns) {
        judge_condemn(judge, entry);
        return true;
    }
    if (leaves && waiting_is_query(entry) && loss_judges(entry->type))
        loss_forgotten(stream, entry->time_ns);
    return leaves;
}

/* Judges some entries at the ring's end. Done with each that comes, so that no work piles up. */
static inline void waiting_judge_some(const struct judge *judge, struct waiting *waiting)
{
    const struct ring *ring = &waiting->ring;
    for (int i = 0; i < WAITING_AT_ONCE && waiting->judged != ring->next; i++) {
        if (!waiting_judge(judge, ring_at(ring, waiting->judged),
                           ring_leaves(ring, waiting->judged)))
            return;
        waiting->judged++;
    }
}

#endif
