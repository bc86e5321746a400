/* Clocks: the monotonic one, and that of the time of day. */
#ifndef SPILE_BASE_CLOCK_H
#define SPILE_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_SECOND_NS UINT64_C(1000000000)
#define CLOCK_MS_NS UINT64_C(1000000)

static inline uint64_t clock_read_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * CLOCK_SECOND_NS + (uint64_t)now.tv_nsec;
}

static inline uint64_t clock_ns(void)
{
    return clock_read_ns(CLOCK_MONOTONIC);
}

/* The processor's time that this thread has had: a system call, unlike the others. */
static inline uint64_t clock_thread_ns(void)
{
    return clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* Since 1970, UTC: negative before. It jumps when somebody, or NTP, sets the clock, so it is for
 * people, and never an order or a duration. */
static inline struct timespec clock_wall(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now;
}

/* The same in nanoseconds; of years before 1970 and behind 2553 it is useless. */
static inline uint64_t clock_wall_ns(void)
{
    struct timespec now = clock_wall();
    return (uint64_t)now.tv_sec * CLOCK_SECOND_NS + (uint64_t)now.tv_nsec;
}

/* Milliseconds since 1970, negative before; moments that these cannot say are the first or last. */
static inline int64_t clock_in_ms(struct timespec at)
{
    const int64_t limit = INT64_MAX / 1000 - 1;
    int64_t s = at.tv_sec < -limit ? -limit : at.tv_sec > limit ? limit : (int64_t)at.tv_sec;
    return s * 1000 + at.tv_nsec / (int64_t)CLOCK_MS_NS;
}

/* The same in milliseconds, the unit of times that users see as numbers. */
static inline int64_t clock_wall_ms(void)
{
    return clock_in_ms(clock_wall());
}

/* The moment `delay_ns` from now; UINT64_MAX when that would overflow. */
static inline uint64_t clock_after(uint64_t delay_ns)
{
    uint64_t now = clock_ns();
    return delay_ns > UINT64_MAX - now ? UINT64_MAX : now + delay_ns;
}

static inline struct timespec clock_timespec(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / CLOCK_SECOND_NS),
                             .tv_nsec = (long)(ns % CLOCK_SECOND_NS)};
}

#endif
