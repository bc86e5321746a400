#include "stage/waiting.h"

void judge_init(struct judge *judge, uint64_t window_ns, struct losses *losses)
{
    *judge = (struct judge){.window_ns = window_ns, .streams = losses->streams};
    atomic_init(&judge->mark, 1);
}

bool judge_is_due(const struct judge *judge, uint64_t heard_ns)
{
    uint64_t last_ns = judge->mark_ns[(judge_mark(judge) - 1) % WAITING_MARKS];
    return heard_ns - last_ns >= judge->window_ns / WAITING_MARKS;
}

void judge_marked(struct judge *judge, uint64_t heard_ns)
{
    judge->mark_ns[judge_mark(judge) % WAITING_MARKS] = heard_ns;
    atomic_fetch_add_explicit(&judge->mark, 1, memory_order_relaxed);
}

void judge_condemn(const struct judge *judge, struct ring_entry *entry)
{
    struct loss_stream *stream = &judge->streams[entry->stream];
    if (waiting_is_query(entry))
        loss_unanswered(stream, entry->type, entry->time_ns);
    else if (entry->fate == FATE_OPEN)
        loss_unasked(stream);
    entry->fate = FATE_JUDGED;
}

uint8_t *waiting_open(struct waiting *waiting, uint32_t entries, uint8_t *base)
{
    base = ring_open(&waiting->ring, entries, base);
    waiting->judged = waiting->ring.next;
    for (int i = 0; i < WAITING_MARKS; i++)
        waiting->marks[i] = waiting->ring.next;
    return base;
}

/* How long a stream has been quiet, in nanoseconds listened: no longer than that, and at least a
 * window when marks since then are forgotten. */
static uint64_t quiet_for(const struct judge *judge, const struct loss_stream *stream,
                          uint64_t heard_ns)
{
    uint32_t mark = atomic_load_explicit(&stream->heard, memory_order_relaxed);
    uint32_t since = judge_mark(judge) - mark;
    if (since == 0)
        return 0;
    return since <= WAITING_MARKS ? heard_ns - judge->mark_ns[mark % WAITING_MARKS]
                                  : judge->window_ns;
}

/* Whether a stream goes on, and so slowly by its own times that the entry, which came a window ago,
 * may still meet its other half. A stream that has gone quiet does not tell that its windows are
 * over; so the time since then counts for it. Half a window more does, so that nothing is kept
 * that goes about as fast as the clock. */
static bool goes_slowly(const struct judge *judge, const struct ring_entry *entry,
                        uint64_t heard_ns)
{
    const struct loss_stream *stream = &judge->streams[entry->stream];
    int64_t window_ns = (int64_t)judge->window_ns;
    int64_t passed_ns = (int64_t)quiet_for(judge, stream, heard_ns) + window_ns / 2;
    return loss_time(&stream->clock_ns) - entry->time_ns < window_ns - passed_ns;
}

/* The entry comes once more, and waits for another window; unless its question was asked again. */
static bool stay(struct ring *ring, struct ring_entry *entry)
{
    struct ring_walk walk = ring_begin(ring, entry->hash);
    const struct ring_entry was = *entry;
    if (was.stays == WAITING_STAYS - 1 || ring_next(ring, was.hash, &walk) != entry)
        return false;
    entry->hash = 0;
    struct ring_entry *again = ring_add(ring, was.hash);
    again->time_ns = was.time_ns;
    again->stream = was.stream;
    again->type = was.type;
    again->fate = was.fate;
    again->stays = was.stays + 1;
    return true;
}

static void judge_until(const struct judge *judge, struct waiting *waiting, uint32_t serial,
                        uint64_t heard_ns)
{
    for (; (int32_t)(serial - waiting->judged) > 0; waiting->judged++) {
        struct ring_entry *entry = ring_at(&waiting->ring, waiting->judged);
        if (!waiting_is_open(entry) ||
            (goes_slowly(judge, entry, heard_ns) && stay(&waiting->ring, entry)))
            continue;
        judge_condemn(judge, entry);
    }
}

void waiting_mark(const struct judge *judge, struct waiting *waiting, uint64_t heard_ns, bool due)
{
    for (int m = 0; m < WAITING_MARKS; m++) {
        if (heard_ns - judge->mark_ns[m] >= judge->window_ns)
            judge_until(judge, waiting, waiting->marks[m], heard_ns);
    }
    if (due)
        waiting->marks[judge_mark(judge) % WAITING_MARKS] = waiting->ring.next;
}

void waiting_judge_rest(const struct judge *judge, struct waiting *waiting)
{
    for (uint32_t serial = waiting->judged; serial != waiting->ring.next; serial++)
        waiting_judge(judge, ring_at(&waiting->ring, serial), false);
}
