/*
 * The windows: what came in the last minute, five minutes, hour and day, out of a wheel of portions
 * (history/wheel.h) and of what the statistics still gather. What the closed parts of a window add
 * up to is kept until the next part closes, so only the first question in ten seconds costs more
 * than adding the part that is open.
 */
#ifndef SPILE_HISTORY_WINDOWS_H
#define SPILE_HISTORY_WINDOWS_H

#include <pthread.h>

#include "history/counts.h"
#include "history/tops.h"
#include "history/wheel.h"

/* One kind of records of one stream, added up. */
struct window_record {
    unsigned what;
    uint8_t name_len; /* of the stream; 0: all together */
    char name[STREAM_NAME_MAX];
    struct counts counts; /* of these three one, by `what` */
    struct tops tops;
    struct sketch *sketch;
};

/* What the closed parts of a window add up to. */
struct window_sum {
    bool made, failed;
    int64_t from_ns; /* where the first part begins; without any, where the open one does */
    struct window_record *records; /* in the order of streams and kinds */
    size_t count;
};

/* Readers take `lock` for reading, and for writing where a sum is to be made; the follower for
 * writing while a part closes. */
struct windows {
    pthread_rwlock_t lock;
    struct wheel wheel;
    struct siphash_key key;
    int64_t offset_ns; /* the wheel's clock is that of snapshots and this */
    bool started;
    int64_t open_ns; /* where the open part begins, by the wheel's clock */
    struct window_sum sums[WHEEL_WINDOWS];
    uint64_t begun;         /* how often windows have begun anew */
    pthread_mutex_t making; /* taken before `lock`: of what history_snapshot made last */
    struct {
        const struct stats_snapshot *snapshot;
        uint64_t begun;
    } made[WHEEL_WINDOWS];
};

void windows_init(struct windows *windows, const struct siphash_key *key, size_t bytes);
void windows_free(struct windows *windows);

/* The first snapshot sets the wheel's clock. */
void windows_start(struct windows *windows, const struct stats_snapshot *snapshot);
int64_t windows_now(const struct windows *windows, const struct stats_snapshot *snapshot);
/* True when the open part has had its ten seconds. */
bool windows_is_due(const struct windows *windows, const struct stats_snapshot *snapshot);
/* The open part ends with the snapshot; its bytes are taken over. With the lock, for writing. */
void windows_put(struct windows *windows, const struct stats_snapshot *snapshot,
                 struct portion *portion);
/* A part of a run before; see wheel_restore. */
void windows_restore(struct windows *windows, enum wheel_window length, struct wheel_part *part);
/* Some windows, bits (1 << enum wheel_window), have nothing but what comes from the open part on,
 * which begins with this snapshot's numbers, no earlier. With the lock, for writing. */
void windows_begin(struct windows *windows, unsigned which, const struct stats_snapshot *snapshot);

/* The sum of a window's closed parts; with the lock, for reading, which is given up for a while
 * when it has to be made. */
const struct window_sum *windows_sum(struct windows *windows, enum wheel_window window,
                                     int64_t now_ns);
/* The sum of one portion; window_forget frees it. */
struct window_sum windows_sum_of(const struct windows *windows, const struct portion *portion);
void window_forget(struct window_sum *sum);
/* NULL: nothing of that kind came. `stream` empty: all together. */
const struct window_record *window_find(const struct window_sum *sum, unsigned what,
                                        struct span stream);

#endif
