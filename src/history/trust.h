/*
 * Whether the time of day may be believed. What is deleted by age is gone, so a clock that leaps,
 * because somebody sets it or because it has come up wrong, is believed only once it has gone on
 * steadily for some hours, measured by the other clock. Knows neither clock itself.
 */
#ifndef SPILE_HISTORY_TRUST_H
#define SPILE_HISTORY_TRUST_H

#include <stdbool.h>
#include <stdint.h>

enum {
    TRUST_LEAP_MS = 600 * 1000,        /* what a clock may be off by and be believed at once */
    TRUST_PAUSE_MS = 24 * 3600 * 1000, /* the same after a restart: nobody was watching */
    TRUST_HOLD_MS = 3 * 3600 * 1000,   /* how long it must hold else */
};

/* Owner: one thread at a time. Zeroed: nothing is known yet, and the first time is believed. */
struct trust {
    int64_t believed_ms; /* the last time that was believed, Unix milliseconds; 0: none */
    bool judged;         /* since the start of the program: the rest holds something */
    int64_t last_ms;
    uint64_t last_ns;     /* of the other clock at the same moment */
    uint64_t believed_ns; /* the same of believed_ms, or of the first look */
    uint64_t steady_ns;   /* since when the clock has not leapt */
    int64_t leap_ms;      /* TRUST_LEAP_MS or TRUST_PAUSE_MS */
};

/* Judges a moment by both clocks. */
bool trust_judge(struct trust *trust, int64_t ms, uint64_t ns);

#endif
