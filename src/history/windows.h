/*
 * The windows: what came in the last minute, five minutes, hour and day, out of a wheel of portions
 * (history/wheel.h), of the part that is on its way there, and of what the statistics still gather.
 * What the closed parts add up to is kept until the next one closes (history/sums.h).
 */
#ifndef SPILE_HISTORY_WINDOWS_H
#define SPILE_HISTORY_WINDOWS_H

#include <pthread.h>

#include "history/sums.h"
#include "history/wheel.h"

/* In which order locks are taken, history/history_state.h says. */
struct windows {
    /* Of what follows, but for `making` and what is behind it. Readers take it for reading, for one
     * answer; the follower for writing, for moments: what it alone changes it reads without. */
    pthread_rwlock_t lock;
    struct wheel wheel;
    struct sums sums;
    int64_t offset_ns; /* the wheel's clock is that of snapshots and this */
    bool started;
    int64_t open_ns; /* where the open part begins, by the wheel's clock */
    struct {
        struct stats_window *window; /* its lists and sketches; NULL: it has none */
        struct portion counts;       /* changed with the history's lock, too: either lets read */
        int64_t from_ns;
        bool any;
    } closing;      /* the part that has ended and is not in the wheel yet */
    uint64_t begun; /* how often windows have begun anew */

    pthread_mutex_t making; /* taken before `lock`: of what history_moment made last */
    struct {
        const struct stats_snapshot *snapshot;
        uint64_t begun;
    } made[WHEEL_WINDOWS];
};

/* bytes: of the wheel and the sums together, about. */
void windows_init(struct windows *windows, const struct siphash_key *key, size_t bytes);
void windows_limit(struct windows *windows, size_t bytes);
void windows_free(struct windows *windows);

/* The first snapshot sets the wheel's clock. */
void windows_start(struct windows *windows, const struct stats_snapshot *snapshot);
int64_t windows_now(const struct windows *windows, const struct stats_snapshot *snapshot);
/* True when the open part has had its ten seconds. */
bool windows_is_due(const struct windows *windows, const struct stats_snapshot *snapshot);
/* The open part ends with the snapshot, and is closing from then on: the caller sets its window and
 * counts. With the lock, for writing. */
struct wheel_part windows_close(struct windows *windows, const struct stats_snapshot *snapshot);
/* What is closing goes into the wheel, with its portion, whose bytes are taken over: what takes
 * long of that is done by windows_prepare, without the lock, which it takes for moments;
 * windows_put has the lock, for writing. What is closing's window is the caller's again. */
void windows_prepare(struct windows *windows, struct wheel_part *part);
void windows_put(struct windows *windows, struct wheel_part *part);
/* Then, without the lock: makes what others will ask for again. */
void windows_add_up(struct windows *windows);
/* A part of a run before; see wheel_restore. */
void windows_restore(struct windows *windows, enum wheel_window length, struct wheel_part *part);
/* Before: nothing that began before that moment is to be in the window. */
void windows_restore_begun(struct windows *windows, enum wheel_window window, int64_t begin_ns);
/* Some windows, bits (1 << enum wheel_window), have nothing but what comes from the open part on,
 * which begins with this snapshot's numbers, no earlier. With the lock, for writing. */
void windows_begin(struct windows *windows, unsigned which, const struct stats_snapshot *snapshot);
/* Forgets what was made for somebody who has not asked again since. */
void windows_tidy(struct windows *windows, uint64_t generation);

#endif
