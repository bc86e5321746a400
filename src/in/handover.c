#include "in/handover.h"

#include "core/engine.h"
#include "wire/dnstap.h"

enum { LOOK_MS = 1000, LOOKS_MAX = 16 };

void handover_init(struct handover *handover, struct worker *worker,
                   struct input_counters *counters)
{
    *handover = (struct handover){.worker = worker, .counters = counters};
}

static struct roster *roster_of(const struct handover *handover)
{
    return engine_roster(worker_engine(handover->worker));
}

void handover_list(struct handover *handover)
{
    roster_join(roster_of(handover), &handover->seat, &handover->origin);
}

void handover_end(struct handover *handover)
{
    roster_leave(roster_of(handover), &handover->seat);
}

void handover_bytes(struct handover *handover, size_t len)
{
    counter_add_shared(&handover->counters->bytes, len);
    counter_add(&handover->seat.bytes, len);
}

/* Looks at a frame once a second: who says it, for the roster, and whether it is dnstap at all.
 * Where none of some is, the next ones are looked at, too. */
static void look(struct handover *handover, const struct span *frames, size_t count)
{
    struct dnstap tap;
    uint64_t now = uv_now(worker_loop(handover->worker));
    if (now < handover->look_ms)
        return;
    handover->dnstap = false;
    for (size_t i = 0; i < count && i < LOOKS_MAX && !handover->dnstap; i++)
        handover->dnstap = dnstap_decode(frames[i], &tap) == 0;
    if (!handover->dnstap)
        return;
    handover->look_ms = now + LOOK_MS;
    roster_identify(roster_of(handover), &handover->seat, tap.identity);
}

void handover_frames(struct handover *handover, const struct span *frames, size_t count)
{
    handover->frames += count;
    counter_add(&handover->seat.frames, count);
    look(handover, frames, count);
    if (!worker_frames(handover->worker, &handover->origin, handover->counters, frames, count))
        handover->enough = true;
}
