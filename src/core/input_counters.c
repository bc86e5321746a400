#include "core/input_counters.h"

/* A limit's reason is called as the option that sets it. */
static const char *const refusals[INPUT_REFUSALS] = {
    [REFUSED_ACCESS] = "allow",
    [REFUSED_FULL] = "max-connections",
    [REFUSED_PEER_FULL] = "max-connections-peer",
    [REFUSED_LOOP] = "reconnecting",
    [REFUSED_MEMORY] = "memory",
};

static const char *const cuts[INPUT_CUTS] = {
    [CUT_FULL] = "max-connections",
    [CUT_PEER_FULL] = "max-connections-peer",
    [CUT_DESCRIPTORS] = "descriptors",
    [CUT_HANDSHAKE] = "handshake-timeout",
    [CUT_IDLE] = "idle-timeout",
    [CUT_PARTIAL] = "partial-max",
    [CUT_ASKED] = "asked",
};

const char *input_refusal_name(size_t reason)
{
    return refusals[reason];
}

const char *input_cut_name(size_t reason)
{
    return cuts[reason];
}

void input_counters_add(struct input_counters *into, const struct input_counters *from)
{
    counter *sums = (counter *)into;
    const counter *more = (const counter *)from;
    _Static_assert(sizeof *into % sizeof *sums == 0, "counters and nothing else");
    for (size_t i = 0; i < sizeof *into / sizeof *sums; i++)
        counter_add(&sums[i], counter_get(&more[i]));
}

void input_counters_end(struct input_counters *counters)
{
    counter_set(&counters->open, 0);
    counter_set(&counters->silent, 0);
    counter_set(&counters->taken, 0);
    counter_set(&counters->size, 0);
}
