#include "core/gather.h"

static void halve(struct gather_sum *sum)
{
    sum->frames /= 2;
    sum->most_frames /= 2;
    sum->most_bytes /= 2;
    sum->time_ns /= 2;
}

static void add(struct gather_sum *into, const struct gather_sum *from)
{
    into->frames += from->frames;
    into->most_frames += from->most_frames;
    into->most_bytes += from->most_bytes;
    into->time_ns += from->time_ns;
}

/* How long it takes until `wanted` have come, where `came` came in `time_ns`, but no more than
 * `most`. */
static double time_for(double wanted, double came, double time_ns, double most)
{
    return time_ns * wanted < came * most ? time_ns * wanted / came : most;
}

/* The rest that suits what has come lately. */
static double fitting(const struct gather *gather)
{
    const struct gather_sum *past = &gather->past;
    double most = (double)gather->max_ns, rest = 2 * (double)gather->rest_ns;
    if (gather->more || past->frames * most < past->time_ns * GATHER_WORTH)
        return 0;
    rest = rest > GATHER_FIRST_NS ? rest : GATHER_FIRST_NS;
    rest = rest < most ? rest : most;
    rest = time_for(GATHER_FRAMES, past->most_frames, past->time_ns, rest);
    return time_for(GATHER_BYTES, past->most_bytes, past->time_ns, rest);
}

uint64_t gather_rest(struct gather *gather, uint64_t now_ns)
{
    if (!gather->read || gather->max_ns == 0)
        return 0;
    uint64_t passed = now_ns - gather->round_ns;
    gather->round_ns = now_ns;
    if (passed / GATHER_QUIET >= gather->max_ns) {
        gather->past = (struct gather_sum){0};
        gather->rest_ns = 0;
    } else {
        gather->round.time_ns = (double)passed;
        halve(&gather->past);
        add(&gather->past, &gather->round);
        gather->rest_ns = (uint64_t)fitting(gather);
    }
    gather->round = (struct gather_sum){0};
    gather->read = gather->more = false;
    return gather->rest_ns > GATHER_LEAST_NS ? gather->rest_ns : 0;
}
