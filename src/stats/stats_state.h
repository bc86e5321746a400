/* The inside of the statistics, for the files of this room only. */
#ifndef SPILE_STATS_STATS_STATE_H
#define SPILE_STATS_STATS_STATE_H

#include <pthread.h>

#include "base/clock.h"
#include "stats/distinct.h"
#include "stats/shard.h"
#include "stats/stats.h"
#include "stats/tables.h"

/* 15 minutes are looked back, from tick to tick. */
enum { RATE_SECONDS = 900, RATE_TICKS = RATE_SECONDS + 1 };

/* How many events there had been at a tick, modulo 2^32: of what came since, less than that. */
struct past {
    uint32_t events[STATS_SIDES][STATS_DIRECTIONS];
};

/* Losses of all sides: that of a side has STATS_LOSSES times enum stats_side more. */
enum { ALL_LOSSES = STATS_SIDES * STATS_LOSSES };

/* What is counted of one stream, or of the total, on one side. */
struct side_state {
    struct stats_counters counters;
    bool counted; /* there is something in it */
    bool apart;   /* the clock ticks more coarsely than the latencies here; until a reset */
};

/* What is known of one stream, or of the total. Owner: the statistics' thread. */
struct stream_state {
    char name[STREAM_NAME_MAX];
    size_t name_len;
    int id;          /* struct stats_stream */
    uint64_t peer;   /* who brought it: roster_peer */
    uint64_t listed; /* the tick since which it has its place */
    struct side_state sides[STATS_SIDES];
    struct distinct_counts *distinct; /* by side */
    struct past *past;                /* a ring: the last RATE_TICKS ticks */
    struct tick tick;
    /* What the stages say of losses since the start, and what they said at the last reset. */
    uint64_t losses[ALL_LOSSES], losses_before[ALL_LOSSES];
    bool judged; /* some exchanges were seen whole: struct stage_loss */
    uint32_t origin;
    uint8_t last_direction;
    int64_t first_seen_ms, last_seen_ms;
    struct times times; /* of its events, since the last reset */
    double age;         /* struct stats_times */
    uint64_t aged;      /* the tick in which that was seen, + 1 */
};

/* Two shards a worker: it counts into one while the other is on its way. Of the atomic pointers
 * each has one thread that fills it and one that takes from it. What is in `blocks` is from a shard
 * that is not full yet, or was made so later: who takes `full` first and then the blocks, and
 * merges these first, has all in order. */
struct worker_shards {
    struct shard shards[2];
    struct shard *active;                     /* the worker's own */
    struct shard *_Atomic spare;              /* clean, for the worker to take */
    struct shard *_Atomic full;               /* for the statistics' thread to take */
    struct shard_blocks *own;                 /* empty, the worker's; or NULL: it is on its way */
    struct shard_blocks *_Atomic blocks;      /* for the statistics' thread to take ... */
    struct shard_blocks *_Atomic blocks_back; /* ... and to give back */
    atomic_uint answered;                     /* the last round of collecting that it has heard */
    bool owes; /* the thread's: of something in counters the tables are still with the worker */
    struct shard_batch batch;
    char padding[64];
};

/* Tables and sketches (none of domains: stats/distinct.h) of a span of time. Owner: the statistics
 * while it runs, then who took it. */
struct stats_window {
    struct table_set tables;
    struct hll distinct[STATS_SIDES][STATS_DISTINCTS];
    const struct stats *running; /* whose streams these are; NULL: it was taken */
    int *ids; /* of streams by their numbers, when it was taken; NULL: they are not known */
    size_t stream_count;
};

struct stats {
    struct stats_settings settings;
    const struct stats_reader *reader;
    struct siphash_key key;
    struct worker_shards *workers;
    unsigned worker_count;
    bool patient;
    struct engine *engine; /* the thread's own */
    atomic_bool left;      /* no worker of it counts any more */
    unsigned places; /* for streams; settings.streams, or as many as the memory has room for */
    struct pool pool;

    atomic_uint round; /* of collecting; the lowest bit: tables, too */
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows up to `snapshot`, and the conditions */
    pthread_cond_t wake;  /* of the thread: a shard is full, all have answered, stop, reset */
    pthread_cond_t news;  /* of readers: a snapshot is there, or the end */
    bool running, stopping, stopped;
    bool hurry;                        /* a shard is full */
    unsigned ticks_wanted, ticks_done; /* snapshots asked for between the seconds, and those made */
    uint64_t whole_ns;                 /* when tables were collected last ... */
    uint64_t asked_ns;                 /* ... and when somebody asked about them */
    bool tried;                        /* the last tick has asked workers for them */
    bool ahead;                        /* they have what no snapshot has, nor is one being made */
    bool reset_wanted;                 /* with the next tick */
    struct stats_snapshot *snapshot;

    /* The thread's own; the tables and streams under `tables_lock`, which readers of tables take
     * for reading, and for writing who takes a window. Never taken on a worker. */
    pthread_rwlock_t tables_lock;
    struct table_set tables;      /* of what came before the window ... */
    struct stats_window *window;  /* ... that runs, ... */
    uint64_t window_ns;           /* ... since then */
    struct stats_window *folding; /* which ended last, while `tables` get what it has; or NULL */
    struct suffix_list suffixes;
    struct stream_state *streams; /* as many as places, then the nameless rest, then the total */
    size_t stream_count;
    struct listing *listing;
    struct names names;                      /* numbers of streams, + 1, by their names */
    struct distinct_counts *distinct_counts; /* what the streams' pointers point into */
    struct past *past;
    bool rest_used;
    bool knows; /* it is noted which keys the streams have between them, here: */
    struct known known[STATS_TABLES];
    size_t fitted;     /* the streams that the tables' limits leave room for */
    struct hll others; /* the identities of the rest */
    /* The latencies in the rest of streams that had been set apart. */
    uint64_t left_apart[STATS_SIDES][QUANTILE_BUCKETS];
    uint64_t malformed, unlisted;
    uint64_t generation;
    /* Of the tables; the thread's, but others read it. While it is odd something is merged that no
     * snapshot has yet; while nothing is, the last snapshot has the same. */
    _Atomic uint64_t version;
    uint64_t tick_ns[RATE_TICKS]; /* when the last ticks were */
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

/* What there is since the start. Under tables_lock, as long as it is looked at. */
static inline struct table_sets stats_sets(const struct stats *stats)
{
    struct table_sets sets = {{&stats->tables}, 1};
    if (stats->folding)
        sets.of[sets.count++] = &stats->folding->tables;
    sets.of[sets.count++] = &stats->window->tables;
    return sets;
}

/* shares.c: how the memory is shared out, all in bytes, while so many streams are there, of which
 * the rest may be one. */
struct shares {
    size_t tables, window;
    size_t known; /* all together, as are shards and streams */
    size_t shards;
    size_t streams;  /* and the total */
    unsigned places; /* so many may be listed */
    uint32_t blocks; /* of the pool, for as many */
};
struct shares stats_shares(const struct stats_settings *settings, size_t streams);
/* There may be more streams: the tables make room. Under tables_lock, for writing. */
void stats_fit(struct stats *stats);

/* listing.c: who is listed. -1: no memory. */
int listing_init(struct stats *stats);
void listing_free(struct stats *stats);
/* The number of one of the shard's streams, by its place there: in ascending order, from 0 on,
 * those that have sent something; what it has is to be counted before the next one. A new one,
 * whose block is given, is listed if there is room, or if it has a better claim to it than another;
 * one without a block is part of the rest by now. Under tables_lock, for writing. */
unsigned listing_number(struct stats *stats, const struct shard *shard, uint32_t at,
                        const struct block *block);
/* All numbers are known: the tables follow. Returns the numbers by place; under the same lock. */
const uint16_t *listing_settle(struct stats *stats);
/* True when others are listed by now than have their places in the shard. Any thread. */
bool listing_is_stale(const struct stats *stats, const struct shard *shard);
/* Empties a shard that was merged: those that are listed now have their places in it. */
void listing_clear_shard(struct stats *stats, struct shard *shard);
/* A second has passed. */
void listing_second(struct stats *stats);
/* The listed stream of that name; NULL: there is none. */
struct stream_state *listing_find(const struct stats *stats, struct span name);

/* window.c: empty tables of so many bytes, and a window of its share. -1, NULL: no memory. */
int stats_init_tables(struct table_set *set, const struct stats *stats, size_t memory);
struct stats_window *stats_window_new(struct stats *stats);
/* The number of the stream with that id, or STATS_ALL. False: it has given up its place. */
bool stats_number_of(const struct stats *stats, int id, int *number);

/* stats.c: merges what workers have handed over. */
void stats_merge_handed(struct stats *stats);
/* merge.c: adds what the shard holds to the tables and streams, taking tables_lock for a moment at
 * a time. The shard is untouched. */
void stats_merge(struct stats *stats, const struct shard *shard);
/* Adds what blocks hold to the streams, and gives them back to the pool. */
void stats_merge_blocks(struct stats *stats, struct shard_blocks *blocks);
/* Takes over what the engine's stages know of frames that never came. */
void stats_merge_losses(struct stats *stats);
/* Forgets all numbers, not the streams. */
void stats_forget(struct stats *stats);
/* Forgets what was counted of a stream, not its name. */
void stats_forget_stream(struct stream_state *s);
/* snapshot.c: true when counters have something that tables do not have yet. */
bool stats_owes(const struct stats *stats);
/* Adds all keys of a side to a sketch. */
void stats_window_all(const struct stats_window *window, enum stats_side side,
                      enum stats_distinct_id id, struct hll *sketch);
/* Events a second over the last 15 minutes, or since the stream was listed. */
double stats_busy(const struct stats *stats, const struct stream_state *s);
/* How many there are in a stream, or in all; exact while nothing was left out. */
uint64_t stats_count_distinct(const struct stats *stats, const struct stream_state *stream,
                              enum stats_side side, enum stats_distinct_id id);
/* True when that table has left no key out. */
bool stats_counts_all(const struct stats *stats, enum stats_table_id table);
/* The statistics of this moment, with tables_lock for reading. NULL: no memory. */
struct stats_snapshot *stats_photograph(struct stats *stats);
/* A second has passed, or the first begins: remembers the counters for the rates. */
void stats_remember(struct stats *stats, uint64_t now_ns);

#endif
