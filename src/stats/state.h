/* The inside of the statistics, for the files of this room only. */
#ifndef SPILE_STATS_STATE_H
#define SPILE_STATS_STATE_H

#include <pthread.h>

#include "base/clock.h"
#include "stats/distinct.h"
#include "stats/shard.h"
#include "stats/stats.h"
#include "stats/tables.h"

enum { RATE_SECONDS = 900 }; /* 15 minutes are looked back */

/* What is known of one stream, or of the total. Owner: the statistics' thread. */
struct stream_state {
    char name[STREAM_NAME_MAX];
    size_t name_len;
    int id;          /* struct stats_stream */
    uint64_t peer;   /* who brought it: roster_peer */
    uint64_t listed; /* the tick since which it has its place */
    struct stats_counters counters;
    struct distinct_counts *distinct;
    uint64_t (*past)[STATS_DIRECTIONS]; /* events at the last RATE_SECONDS ticks, a ring */
    struct tick tick;
    /* What the stages say of losses since the start, and what they said at the last reset. */
    uint64_t losses[STATS_LOSSES], losses_before[STATS_LOSSES];
    bool judged; /* some exchanges were seen whole: struct stage_loss */
    bool apart;  /* its clock ticks more coarsely than its latencies; until a reset */
    uint32_t origin;
    uint8_t last_direction;
    int64_t first_seen_ms, last_seen_ms;
    struct times times; /* of its events, since the last reset */
    double age;         /* struct stats_times */
    uint64_t aged;      /* the tick in which that was seen, + 1 */
};

/* Two shards a worker: it counts into one while the other is on its way. Of the two atomic pointers
 * each has one thread that fills it and one that takes from it. */
struct worker_shards {
    struct shard shards[2];
    struct shard *active;        /* the worker's own */
    struct shard *_Atomic spare; /* clean, for the worker to take */
    struct shard *_Atomic full;  /* for the statistics' thread to take */
    atomic_uint answered;        /* the last round of collecting that it has heard */
    struct shard_batch batch;
    char padding[64];
};

/* Tables and sketches of a span of time. Owner: the statistics while it runs, then who took it. */
struct stats_window {
    struct table_set tables;
    struct hll distinct[WINDOW_DISTINCTS];
};

struct stats {
    struct stats_settings settings;
    const struct stats_reader *reader;
    struct siphash_key key;
    struct worker_shards *workers;
    unsigned worker_count;
    bool patient;
    struct pipeline *pipeline; /* the thread's own */
    unsigned places; /* for streams; settings.streams, or as many as the memory has room for */
    struct pool pool;

    atomic_uint round; /* of collecting */
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows up to `snapshot`, and the conditions */
    pthread_cond_t wake;  /* of the thread: a shard is full, all have answered, stop, reset */
    pthread_cond_t news;  /* of readers: a snapshot is there, or the end */
    bool running, stopping, stopped;
    bool hurry;                        /* a shard is full */
    unsigned ticks_wanted, ticks_done; /* snapshots asked for between the seconds, and those made */
    bool reset_wanted;                 /* with the next tick */
    uint64_t regular;                  /* generation of the last one that stats_wait sees */
    struct stats_snapshot *snapshot;

    /* The thread's own; the tables and streams under `tables_lock`, which readers of tables take
     * for reading. Never taken on a worker. */
    pthread_rwlock_t tables_lock;
    struct table_set tables;
    struct stats_window *window; /* the one that runs; NULL: nobody asked for windows */
    struct suffix_list suffixes;
    struct stream_state *streams; /* as many as places, then the nameless rest, then the total */
    size_t stream_count;
    struct listing *listing;
    struct names names;                      /* numbers of streams, + 1, by their names */
    struct distinct_counts *distinct_counts; /* what the streams' pointers point into */
    uint64_t (*past)[STATS_DIRECTIONS];
    bool rest_used;
    struct hll others; /* the identities of the rest */
    /* The latencies in the rest of streams that had been set apart. */
    uint64_t left_apart[QUANTILE_BUCKETS];
    uint64_t malformed, unlisted;
    uint64_t generation;
    uint64_t tick_ns[RATE_SECONDS]; /* when the last ticks were */
    uint64_t ticks;
    int64_t since_ms;  /* of the start or the last reset: wall clock ... */
    uint64_t since_ns; /* ... and clock_ns */
};

static inline struct stream_state *stats_rest(const struct stats *stats)
{
    return &stats->streams[stats->places];
}

static inline size_t stats_total_index(const struct stats *stats)
{
    return stats->places + 1;
}

static inline struct stream_state *stats_total(const struct stats *stats)
{
    return &stats->streams[stats_total_index(stats)];
}

/* The first moment after `now_ns` that lies whole seconds, at least one, after `due_ns`. Moments
 * that were missed are skipped, so that a late one does not make the others later. */
static inline uint64_t stats_next_second(uint64_t due_ns, uint64_t now_ns)
{
    uint64_t missed = now_ns > due_ns ? (now_ns - due_ns) / CLOCK_SECOND_NS : 0;
    return due_ns + (missed + 1) * CLOCK_SECOND_NS;
}

/* shares.c: how the memory is shared out, all in bytes. */
struct shares {
    size_t tables, shards, window;
    size_t streams;  /* all together */
    unsigned places; /* streams that these are for */
    uint32_t blocks; /* of the pool */
};
struct shares stats_shares(const struct stats_settings *settings);

/* listing.c: who is listed. -1: no memory. */
int listing_init(struct stats *stats);
void listing_free(struct stats *stats);
/* The number of one of the shard's streams, by its place there: in ascending order, from 0 on,
 * those that have a block; what it has is to be counted before the next one. A new one is listed if
 * there is room, or if it has a better claim to it than another. Under tables_lock, for writing. */
unsigned listing_number(struct stats *stats, const struct shard *shard, uint32_t at);
/* All numbers are known: the tables follow. Returns the numbers by place; under the same lock. */
const uint16_t *listing_settle(struct stats *stats);
/* Empties a shard that was merged: those that are listed now have their places in it. */
void listing_clear_shard(struct stats *stats, struct shard *shard);
/* A second has passed. */
void listing_second(struct stats *stats);
/* The listed stream of that name; NULL: there is none. */
struct stream_state *listing_find(const struct stats *stats, struct span name);

/* merge.c: adds what the shard holds to the tables and streams, taking tables_lock for a moment at
 * a time. The shard is untouched. */
void stats_merge(struct stats *stats, const struct shard *shard);
/* Takes over what the pipeline's stages know of frames that never came. */
void stats_merge_losses(struct stats *stats);
/* Forgets all numbers, not the streams. */
void stats_forget(struct stats *stats);
/* Forgets what was counted of a stream, not its name. */
void stats_forget_stream(struct stream_state *s);
/* snapshot.c: events a second over the last 15 minutes, or since the stream was listed. */
double stats_busy(const struct stats *stats, const struct stream_state *s);
/* How many there are in a stream, or in all; exact while nothing was left out. */
uint64_t stats_count_distinct(const struct stats *stats, const struct stream_state *stream,
                              enum stats_distinct_id id);
/* True when that table has left no key out. */
bool stats_counts_all(const struct stats *stats, enum stats_table_id table);
/* The statistics of this moment, with which a second ends or does not; NULL: no memory. */
struct stats_snapshot *stats_photograph(struct stats *stats, bool second_ends);
/* A second has passed: remembers the counters for the rates. */
void stats_remember(struct stats *stats, uint64_t now_ns);

#endif
