#include "history/trust.h"

#include "base/clock.h"

/* True when a time is what another has become after so many nanoseconds, but for `most_ms`. */
static bool follows(int64_t ms, int64_t before_ms, uint64_t passed_ns, int64_t most_ms)
{
    int64_t off;
    return !__builtin_sub_overflow(ms, before_ms, &off) &&
           !__builtin_sub_overflow(off, (int64_t)(passed_ns / CLOCK_MS_NS), &off) &&
           off >= -most_ms && off <= most_ms;
}

bool trust_judge(struct trust *trust, int64_t ms, uint64_t ns)
{
    if (!trust->judged) {
        trust->believed_ns = trust->steady_ns = ns;
        trust->leap_ms = TRUST_PAUSE_MS;
    } else if (!follows(ms, trust->last_ms, ns - trust->last_ns, TRUST_LEAP_MS)) {
        trust->steady_ns = ns;
    }
    trust->judged = true;
    trust->last_ms = ms;
    trust->last_ns = ns;
    bool expected = trust->believed_ms == 0 ||
                    follows(ms, trust->believed_ms, ns - trust->believed_ns, trust->leap_ms);
    if (!expected && ns - trust->steady_ns < TRUST_HOLD_MS * CLOCK_MS_NS)
        return false;
    trust->believed_ms = ms;
    trust->believed_ns = ns;
    trust->leap_ms = TRUST_LEAP_MS;
    return true;
}
