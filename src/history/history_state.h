/* What the parts of history share. */
#ifndef SPILE_HISTORY_HISTORY_STATE_H
#define SPILE_HISTORY_HISTORY_STATE_H

#include <pthread.h>

#include "history/recorder.h"
#include "history/store.h"
#include "history/trust.h"
#include "history/waiting.h"
#include "history/windows.h"

enum {
    HISTORY_READERS = 4,     /* connections to the database for answers, beside the writer's */
    WINDOWS_BYTES = 6 << 20, /* of windows, until the statistics say how many they may have */
};

/* The writer's own. */
struct history_writer {
    struct store *store; /* NULL: closed */
    uint64_t retry_ns, delay_ns;
    uint64_t silent_until_ns; /* what goes wrong is said once a minute */
    bool said;                /* trouble has been told, but not yet that it is over */
    uint64_t aside_ns, trimmed_ns;
    uint64_t convert_ns; /* not before */
    struct trust trust;
    int64_t begun_ms[WHEEL_WINDOWS]; /* as the database has them */
};

/* A connection for answers. Owner: whoever has made it busy. */
struct history_reader {
    struct reader *reader; /* NULL: closed */
    unsigned epoch;        /* of its database */
    uint64_t until_ns;     /* when it should not be busy any more */
    bool busy;
};

/*
 * Locks. Who has one may take those below it, none above it, and none twice:
 *
 *     windows.making      so that one snapshot of a window is made at a time
 *     windows.lock        of the windows: to read for an answer, the follower's to write
 *     then one of these:
 *         lock            of what the threads here share
 *         windows.sums.making, then windows.sums.lock
 *         the statistics' own, as between stats_window_enter and stats_window_leave
 *
 * and `reading`, of questions on their way, with none of them. Nobody who has one asks a disk for
 * something, or writes to the log. Conditions are waited for with no other lock than theirs.
 */
struct history {
    /* The path is a copy of its own, and set before there are other threads; the rest is under
     * `lock`: history_rules. */
    struct history_settings settings;
    struct siphash_key key;
    struct stats *stats;
    uint64_t run;       /* this one, in the database's mark */
    uint64_t answer_ns; /* for one answer */
    pthread_t follower_thread, writer_thread;
    bool started;

    /* The follower's own: when the last portion ended, and whether memory was short since. */
    uint64_t cut_ns;
    bool failed;

    struct history_writer writer; /* the writer's own */
    struct windows windows;       /* has locks of its own, taken before `lock` */

    /* Of what follows, and of windows.closing.counts; held for moments. The follower reads without
     * it what it alone changes: `recorder`, `minute`. */
    pthread_mutex_t lock;
    pthread_cond_t wake; /* the writer */
    bool stopping, followed;
    bool rules_changed; /* and the writer has not heeded that yet */
    bool following;     /* the follower sees what the statistics make */
    struct recorder recorder;
    struct portion minute; /* what has ended of the running one, for the database */
    bool minute_begun;
    pthread_cond_t seen; /* by the follower: another snapshot */
    unsigned
        resets_wanted; /* bits, 1 << enum wheel_window: to be done with the first snapshot ... */
    uint64_t resets_behind; /* ... behind that generation */
    /* Where each window began anew that was reset: with the first minute, Unix milliseconds, in
     * which nothing is that came before. 0: it was not. A restart goes by that. */
    int64_t begun_ms[WHEEL_WINDOWS];
    struct waiting_portions waiting;
    struct history_state state;
    unsigned epoch;      /* counts databases: readers open a new one */
    bool reader_suspect; /* a reader found the database broken */

    /* Of what follows, and of questions on their way (history/ask.c); held for moments, too. */
    pthread_mutex_t reading;
    pthread_cond_t answered; /* a question: a reader is free */
    struct history_reader readers[HISTORY_READERS];
    unsigned threads;
};

/* What the settings are at the moment. Not for who holds the lock. */
struct history_settings history_rules(struct history *history);
/* The writer's thread. It ends when the follower has ended and either nothing waits any more or a
 * last attempt has written nothing. */
void *history_write(void *history);
/* Opens the database if it is closed; false: it cannot be opened now. Called by the writer and by
 * history_open. */
bool history_open_store(struct history *history);
/* Takes a snapshot over, with the caller's reference. Called by the follower. */
void history_see(struct history *history, const struct stats_snapshot *snapshot);
/* Ends the running portion and has it written. */
void history_seal(struct history *history);
/* restore.c: fills the windows with what the database has of the day before `now_ms`. */
void history_restore(struct history *history, int64_t now_ms);

/* Calls `take` for what is in memory: the seconds, or else the portions whose numbers are behind
 * `written`, and the open one. The caller holds `lock`. */
void history_each(struct history *history, bool seconds, uint64_t written,
                  void (*take)(void *ctx, const struct portion *portion), void *ctx);

#endif
