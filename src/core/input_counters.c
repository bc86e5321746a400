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
    [CUT_FULL] = "max-connections",    [CUT_PEER_FULL] = "max-connections-peer",
    [CUT_DESCRIPTORS] = "descriptors", [CUT_HANDSHAKE] = "handshake-timeout",
    [CUT_IDLE] = "idle-timeout",       [CUT_PARTIAL] = "partial-max",
};

const char *input_refusal_name(size_t reason)
{
    return refusals[reason];
}

const char *input_cut_name(size_t reason)
{
    return cuts[reason];
}
