#include "in/handover.h"

#include "core/pipeline.h"
#include "wire/dnstap.h"

enum { IDENTIFY_MS = 1000 };

void handover_init(struct handover *handover, struct worker *worker,
                   struct input_counters *counters)
{
    *handover = (struct handover){.worker = worker, .counters = counters};
}

static struct roster *roster_of(const struct handover *handover)
{
    return pipeline_roster(worker_pipeline(handover->worker));
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

/* Looks at the frames' identity once a second, for the roster to show who is connected. */
static void identify(struct handover *handover, struct span frame)
{
    struct dnstap tap;
    uint64_t now = uv_now(worker_loop(handover->worker));
    if (now < handover->identify_ms || dnstap_decode(frame, &tap) < 0)
        return;
    handover->identify_ms = now + IDENTIFY_MS;
    roster_identify(roster_of(handover), &handover->seat, tap.identity);
}

void handover_frames(struct handover *handover, const struct span *frames, size_t count)
{
    handover->frames += count;
    counter_add(&handover->seat.frames, count);
    identify(handover, frames[0]);
    if (!worker_frames(handover->worker, &handover->origin, handover->counters, frames, count))
        handover->enough = true;
}
