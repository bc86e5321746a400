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

/* Whether some connection sends as much as is wanted within so long. */
static bool is_fast(const struct gather_sum *past, double ns)
{
    return past->most_frames * ns > past->time_ns * GATHER_FRAMES ||
           past->most_bytes * ns > past->time_ns * GATHER_BYTES;
}

/* After the rest before this round a connection that is fast enough to fill its socket meanwhile
 * brought much: the rest was half as long again as it was to be, or longer, or it was short because
 * frames come fast. (What comes on time in a burst, after a long one, is the sender's own doing.)
 */
static bool was_too_long(const struct gather *gather, uint64_t passed_ns)
{
    const struct gather_sum *round = &gather->round;
    bool late = passed_ns > gather->rest_ns + gather->rest_ns / 2;
    return gather->rest_ns > 0 && (late || gather->rest_ns < GATHER_FAST_NS) &&
           is_fast(&gather->past, GATHER_FAST_NS) &&
           (round->most_frames >= GATHER_TOO_MANY * GATHER_FRAMES ||
            round->most_bytes >= GATHER_TOO_MANY * GATHER_BYTES);
}

/* No rests for a while: twice as long as the last time, unless there were some for as long since.
 */
static void beware(struct gather *gather, uint64_t now_ns)
{
    uint64_t last_ns = gather->wary_for_ns, most_ns = GATHER_WARY_TIMES * (uint64_t)GATHER_WARY_NS;
    bool again = now_ns < gather->wary_ns + last_ns;
    gather->wary_for_ns = !again ? GATHER_WARY_NS : 2 * last_ns < most_ns ? 2 * last_ns : most_ns;
    gather->wary_ns = now_ns + gather->wary_for_ns;
}

/* Adds the round to what is known of the traffic. What came after quiet is a new one's first. */
static void learn(struct gather *gather, uint64_t now_ns)
{
    uint64_t passed = now_ns - gather->round_ns;
    if (was_too_long(gather, passed))
        beware(gather, now_ns);
    if (passed > gather->rest_ns + GATHER_QUIET_NS) {
        gather->past = (struct gather_sum){0};
        gather->begin_ns = now_ns;
    } else {
        gather->round.time_ns = (double)passed;
        halve(&gather->past);
        add(&gather->past, &gather->round);
    }
    gather->round = (struct gather_sum){0};
    gather->round_ns = now_ns;
}

/* The rest that suits what has come lately. */
static uint64_t fitting(const struct gather *gather, uint64_t most_ns)
{
    const struct gather_sum *past = &gather->past;
    uint64_t lasted_ns = gather->round_ns - gather->begin_ns;
    double rest = (double)(lasted_ns < most_ns ? lasted_ns : most_ns);
    rest = time_for(GATHER_FRAMES, past->most_frames, past->time_ns, rest);
    rest = time_for(GATHER_BYTES, past->most_bytes, past->time_ns, rest);
    bool worth = rest >= GATHER_LEAST_NS && past->frames * rest >= past->time_ns * GATHER_WORTH;
    return worth ? (uint64_t)rest : 0;
}

/* In how many nanoseconds the worker will probably look again, when it does not rest. */
static uint64_t next_look(const struct gather *gather)
{
    const struct gather_sum *past = &gather->past;
    return gather->more ? 0 : (uint64_t)time_for(1, past->frames, past->time_ns, GATHER_OLD_NS);
}

/* What was read came at the earliest when the rest before it began. */
static bool grows_old(struct gather *gather, uint64_t last_rest_ns)
{
    if (gather->oldest_ns == 0)
        gather->oldest_ns = gather->round_ns - last_rest_ns;
    uint64_t next_ns = gather->rest_ns ? gather->rest_ns : next_look(gather);
    return gather->round_ns + next_ns - gather->oldest_ns >= GATHER_OLD_NS;
}

void gather_look(struct gather *gather, uint64_t now_ns, uint64_t waited_ns)
{
    uint64_t since_ns = now_ns - gather->look_ns + GATHER_LOOK_NS;
    uint64_t waited = waited_ns - gather->waited_ns;
    gather->crowded = gather->look_ns > 0 && waited > since_ns / GATHER_CROWD;
    gather->waited_ns = waited_ns;
    gather->look_ns = now_ns + GATHER_LOOK_NS;
}

struct gather_step gather_round(struct gather *gather, uint64_t now_ns, bool seen)
{
    uint64_t last_rest_ns = gather->rest_ns;
    uint64_t most_ns = gather->max_ns * (seen ? 1 : GATHER_UNSEEN);
    learn(gather, now_ns);
    bool awake = gather->more || now_ns < gather->wary_ns ||
                 (gather->crowded && is_fast(&gather->past, GATHER_CROWD_NS));
    gather->rest_ns = awake ? 0 : fitting(gather, most_ns);
    bool old = grows_old(gather, last_rest_ns);
    if (old)
        gather->oldest_ns = 0;
    gather->read = gather->more = false;
    return (struct gather_step){.rest_ns = gather->rest_ns, .hand_over = old};
}
