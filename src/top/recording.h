/*
 * A recording that `top` reads: when its messages happened, and how many a second there were then.
 * The statistics know only when they were read.
 */
#ifndef SPILE_TOP_RECORDING_H
#define SPILE_TOP_RECORDING_H

#include <pthread.h>

#include "core/observer.h"
#include "top/times.h"
#include "top/view.h"

enum { RECORDING_SECONDS = 1024 /* more than the 15 minutes that are looked back */ };

/* Messages of one second. Its place is that of the second modulo RECORDING_SECONDS, and goes to the
 * later one. */
struct recorded_second {
    uint64_t second; /* since 1970 */
    uint64_t queries, responses;
};

/* Owner: the command. */
struct top_recording {
    uint64_t latest_ns; /* times after this cannot be true */
    pthread_mutex_t lock;
    struct times times;
    struct recorded_second seconds[RECORDING_SECONDS];
};

void top_recording_init(struct top_recording *recording);
void top_recording_free(struct top_recording *recording);

/* Sees every event of the pipeline. Good as long as the recording. */
struct observer top_recording_observer(struct top_recording *recording);

/* Any thread. Puts the recording's own times and rates into a view, in place of those of reading
 * it: over the whole recording, its last minute and its last 15 minutes. */
void top_recording_show(struct top_recording *recording, struct top_view *view);

#endif
