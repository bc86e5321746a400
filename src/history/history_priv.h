/* What the parts of history share. */
#ifndef SPILE_HISTORY_HISTORY_PRIV_H
#define SPILE_HISTORY_HISTORY_PRIV_H

#include <pthread.h>

#include "history/recorder.h"
#include "history/store.h"

enum {
    WAITING_MAX = 240,         /* portions that wait for a disk: four hours, then the oldest go */
    WAITING_BYTES = 16 << 20,  /* and of so many bytes */
    TRANSACTION_PORTIONS = 16, /* written at once */
};

/* Portions that wait to be written, oldest first: a ring. */
struct waiting {
    struct portion portions[WAITING_MAX];
    size_t first, count, bytes;
    size_t busy; /* the first so many are being written */
    uint64_t lost;
};
static inline struct portion *waiting_at(struct waiting *waiting, size_t i)
{
    return &waiting->portions[(waiting->first + i) % WAITING_MAX];
}
/* Takes the portion's bytes over. */
void waiting_put(struct waiting *waiting, struct portion *portion);
/* Frees and forgets the first portion. */
void waiting_drop(struct waiting *waiting);

/* The writer's own. */
struct history_writer {
    struct store *store; /* NULL: closed */
    uint64_t retry_ns, delay_ns;
    uint64_t silent_until_ns; /* what goes wrong is said once a minute */
    bool said;                /* trouble has been told, but not yet that it is over */
    uint64_t aside_ns, trimmed_ns;
};

struct history {
    struct history_settings settings; /* the path is a copy of its own */
    struct siphash_key key;
    struct stats *stats;
    pthread_t follower_thread, writer_thread;
    bool started;
    uint64_t cut_ns; /* the follower's: when the last portion ended */

    pthread_mutex_t lock; /* of what follows; held for moments */
    pthread_cond_t wake;  /* the writer */
    bool stopping, followed;
    struct recorder recorder;
    struct waiting waiting;
    struct history_state state;
    unsigned epoch;      /* counts databases: the reader opens a new one */
    bool reader_suspect; /* the reader found the database broken */

    pthread_mutex_t settled; /* a portion is either waiting or in the database: held while one
                                becomes the other, and while a reader begins */
    struct history_writer writer;

    pthread_mutex_t reading; /* of the reader */
    struct reader *reader;
    unsigned reader_epoch;
};

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

/* Calls `take` for what is in memory: the seconds, or else the portions that are in no database
 * yet. The caller holds `lock`. */
void history_each(struct history *history, bool seconds,
                  void (*take)(void *ctx, const struct portion *portion), void *ctx);

#endif
