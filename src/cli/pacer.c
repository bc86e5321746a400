#include "cli/pacer.h"

#include "wire/dnstap.h"

static const uint64_t SECOND = 1000000000;

void pacer_init(struct pacer *pacer, enum pacer_kind kind, uint64_t rate)
{
    *pacer = (struct pacer){.kind = kind, .rate = rate};
}

void pacer_rewind(struct pacer *pacer, uint64_t now_ns)
{
    pacer->slipped_ns = 0;
    if (pacer->kind != PACER_TIMES)
        return;
    pacer->first_ns = 0;
    pacer->origin_ns = pacer->last_ns = now_ns;
}

static uint64_t frame_time(struct span frame)
{
    struct dnstap tap;
    return dnstap_decode(frame, &tap) == 0 ? dnstap_time_ns(&tap) : 0;
}

static uint64_t due_by_rate(const struct pacer *pacer)
{
    uint64_t seconds = pacer->passed / pacer->rate;
    uint64_t rest = pacer->passed % pacer->rate;
    return pacer->origin_ns + seconds * SECOND + rest * SECOND / pacer->rate;
}

static uint64_t due_by_time(struct pacer *pacer, struct span frame)
{
    uint64_t time_ns = frame_time(frame);
    if (time_ns == 0)
        return pacer->last_ns;
    if (pacer->first_ns == 0)
        pacer->first_ns = time_ns;
    uint64_t due = time_ns < pacer->first_ns ? 0 : pacer->origin_ns + (time_ns - pacer->first_ns);
    return due < pacer->last_ns ? pacer->last_ns : due;
}

uint64_t pacer_due(struct pacer *pacer, struct span frame, uint64_t now_ns)
{
    if (pacer->kind == PACER_OFF)
        return 0;
    if (pacer->origin_ns == 0)
        pacer->origin_ns = pacer->last_ns = now_ns;
    uint64_t due = pacer->kind == PACER_RATE ? due_by_rate(pacer) : due_by_time(pacer, frame);
    if (due + SECOND < now_ns) {
        pacer->origin_ns += now_ns - due - SECOND;
        pacer->slipped_ns += now_ns - due - SECOND;
        due = now_ns - SECOND;
    }
    pacer->last_ns = due;
    pacer->passed++;
    return due;
}
