/*
 * How finely a stream's clock ticks, estimated from the times that come. A server that reads a
 * coarse clock (BIND: every 4 ms) writes the same time again and again, and others that lie a tick
 * apart; one whose times are rounded writes multiples of something. Latencies below a tick are then
 * 0 or a whole tick, and quantiles of them say nothing.
 */
#ifndef SPILE_STATS_TICK_H
#define SPILE_STATS_TICK_H

#include <stdint.h>

enum { TICK_CLASSES = 32 /* steps by powers of two; those from 2^32 ns (4 s) on are no steps */ };

/* Zeroed is empty. Owner: one thread. */
struct tick {
    uint64_t last_ns;                /* the time seen last; 0: none */
    uint64_t repeats;                /* how often a time was the same as the one before */
    uint64_t steps[TICK_CLASSES];    /* how often it was another one, by how far it lay away */
    uint64_t least_ns[TICK_CLASSES]; /* the least of these */
    uint64_t grain_ns; /* divides all times; 0: all were whole multiples of a second */
};

/* Greatest common divisor. */
static inline uint64_t tick_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Counts two times that lie `ns` apart: those of a response and its query, or of one event and the
 * next. */
static inline void tick_step(struct tick *tick, uint64_t ns)
{
    if (ns == 0) {
        tick->repeats++;
        return;
    }
    unsigned class = 63u - (unsigned)__builtin_clzll(ns);
    if (class >= TICK_CLASSES)
        return;
    tick->steps[class]++;
    if (ns < tick->least_ns[class] || tick->steps[class] == 1)
        tick->least_ns[class] = ns;
}

/* Counts the time of an event, in Unix nanoseconds; not 0. */
static inline void tick_time(struct tick *tick, uint64_t ns)
{
    uint32_t nanos = (uint32_t)(ns % 1000000000);
    if (tick->grain_ns != 1 && (tick->grain_ns == 0 || nanos % (uint32_t)tick->grain_ns != 0))
        tick->grain_ns = tick_divisor(tick->grain_ns, nanos);
    if (tick->last_ns != 0)
        tick_step(tick, ns > tick->last_ns ? ns - tick->last_ns : tick->last_ns - ns);
    tick->last_ns = ns;
}

void tick_add(struct tick *into, const struct tick *from);
/* The tick in nanoseconds; 0: there were too few times to tell, or it is finer than can be seen. */
uint64_t tick_estimate(const struct tick *tick);

#endif
