#include "stats/tick.h"

#include <stdbool.h>

enum {
    LEAST_STEPS = 64, /* fewer tell nothing */
    REPEATS_PART = 8, /* on a coarse clock one step in so many leads nowhere, at least */
    STRAY_PART = 100, /* steps smaller than a tick, when a clock was set, are fewer than that */
    WHOLE_SECOND = 1000000000,
};

void tick_add(struct tick *into, const struct tick *from)
{
    into->repeats += from->repeats;
    into->grain_ns = tick_divisor(into->grain_ns, from->grain_ns);
    for (int i = 0; i < TICK_CLASSES; i++) {
        if (from->steps[i] > 0 && (into->steps[i] == 0 || from->least_ns[i] < into->least_ns[i]))
            into->least_ns[i] = from->least_ns[i];
        into->steps[i] += from->steps[i];
    }
}

/* The least step, but for some strays. 0: there was none. */
static uint64_t least_step(const struct tick *tick, uint64_t steps)
{
    uint64_t seen = 0;
    for (int i = 0; i < TICK_CLASSES; i++) {
        seen += tick->steps[i];
        if (seen > steps / STRAY_PART)
            return tick->least_ns[i];
    }
    return 0;
}

uint64_t tick_estimate(const struct tick *tick)
{
    uint64_t steps = 0;
    for (int i = 0; i < TICK_CLASSES; i++)
        steps += tick->steps[i];
    if (steps + tick->repeats < LEAST_STEPS)
        return 0;
    uint64_t grain = tick->grain_ns ? tick->grain_ns : WHOLE_SECOND;
    bool coarse = tick->repeats >= (steps + tick->repeats) / REPEATS_PART;
    uint64_t step = coarse ? least_step(tick, steps) : 0;
    if (step > grain)
        return step;
    return grain > 1 ? grain : 0;
}
