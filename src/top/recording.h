/*
 * A recording that `top` reads: when its messages happened, and how many a second there were then.
 * The statistics know only when they were read.
 */
#ifndef SPILE_TOP_RECORDING_H
#define SPILE_TOP_RECORDING_H

#include <pthread.h>

#include "core/observer.h"
#include "stats/times.h"
#include "top/view.h"

enum {
    RECORDING_SECONDS = 1024, /* more than the 15 minutes that are looked back */
    RECORDING_STRETCHES = 4,
};

/* Messages of one second. */
struct recorded_second {
    uint64_t second; /* since 1970 */
    uint64_t count[STATS_SIDES][STATS_DIRECTIONS];
};

/* Seconds that lie near each other. A second's place is that of its number modulo
 * RECORDING_SECONDS, and goes to the one that comes last. */
struct recorded_stretch {
    uint64_t newest; /* second */
    uint64_t count;  /* messages; 0: the stretch is free */
    struct recorded_second seconds[RECORDING_SECONDS];
};

/* Which times are strays is known only at the end. So a time that is far from the others begins a
 * stretch of its own, and takes the place of the least one. Owner: the command. */
struct top_recording {
    pthread_mutex_t lock;
    struct times times;
    struct recorded_stretch stretches[RECORDING_STRETCHES];
    size_t last; /* the stretch that took the last message */
};

void top_recording_init(struct top_recording *recording);
void top_recording_free(struct top_recording *recording);

/* Sees every event of the engine. Good as long as the recording. */
struct observer top_recording_observer(struct top_recording *recording);

/* Any thread. Puts the recording's own times and rates into a view, in place of those of reading
 * it: over the whole recording, its last minute and its last 15 minutes. A view of less than all
 * has the last two alone: what it counts came then. */
void top_recording_show(struct top_recording *recording, struct top_view *view);

#endif
