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
    pacer->anchor = (struct pacer_anchor){.at_ns = now_ns};
    pacer->last_ns = now_ns;
    pacer->stray_ns = 0;
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

static bool far_apart(const struct pacer *pacer, uint64_t a, uint64_t b)
{
    uint64_t gap = a < b ? b - a : a - b;
    return pacer->max_gap_ns > 0 && gap > pacer->max_gap_ns;
}

static uint64_t set_anchor(struct pacer *pacer, uint64_t time_ns, uint64_t at_ns)
{
    pacer->anchor = (struct pacer_anchor){.time_ns = time_ns, .at_ns = at_ns};
    pacer->high_ns = time_ns;
    pacer->stray_ns = 0;
    return at_ns;
}

static uint64_t due_by_time(struct pacer *pacer, struct span frame)
{
    uint64_t time_ns = frame_time(frame);
    if (time_ns == 0)
        return pacer->last_ns;
    if (pacer->anchor.time_ns == 0)
        return set_anchor(pacer, time_ns, pacer->last_ns);
    bool far = far_apart(pacer, time_ns, pacer->high_ns);
    if (time_ns < pacer->high_ns) {
        bool set_back = far && pacer->stray_ns && !far_apart(pacer, time_ns, pacer->stray_ns);
        pacer->stray_ns = far ? time_ns : 0;
        return set_back ? set_anchor(pacer, time_ns, pacer->last_ns) : pacer->last_ns;
    }
    if (far) {
        pacer->cut_ns = time_ns - pacer->high_ns;
        return set_anchor(pacer, time_ns, pacer->last_ns + pacer->max_gap_ns);
    }
    pacer->high_ns = time_ns;
    pacer->stray_ns = 0;
    uint64_t due;
    if (__builtin_add_overflow(pacer->anchor.at_ns, time_ns - pacer->anchor.time_ns, &due))
        due = UINT64_MAX - SECOND;
    return due < pacer->last_ns ? pacer->last_ns : due;
}

uint64_t pacer_due(struct pacer *pacer, struct span frame, uint64_t now_ns)
{
    if (pacer->kind == PACER_OFF)
        return 0;
    if (pacer->passed == 0 && pacer->kind == PACER_RATE)
        pacer->origin_ns = pacer->last_ns = now_ns;
    uint64_t due = pacer->kind == PACER_RATE ? due_by_rate(pacer) : due_by_time(pacer, frame);
    if (due + SECOND < now_ns) {
        uint64_t slip = now_ns - due - SECOND;
        pacer->origin_ns += slip;
        pacer->anchor.at_ns += slip;
        pacer->slipped_ns += slip;
        due = now_ns - SECOND;
    }
    pacer->last_ns = due;
    pacer->passed++;
    return due;
}
