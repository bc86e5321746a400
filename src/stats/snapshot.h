/*
 * A snapshot: the statistics of one moment, immutable and shared by count. Made by the
 * statistics' thread once a second, and when somebody wants one now (stats_fresh); read by the web,
 * Prometheus, history, `top` and the `metrics` output. Tables of names and addresses are not in it:
 * ask stats_top (stats/stats.h).
 */
#ifndef SPILE_STATS_SNAPSHOT_H
#define SPILE_STATS_SNAPSHOT_H

#include <stdatomic.h>

#include "stats/counters.h"
#include "stats/distinct.h"

enum { STREAM_NAME_MAX = 128, STATS_ALL = -1 /* instead of one stream */ };

/* What time is asked about: all since the start or a reset, or what came lately. */
enum stats_window_id {
    WINDOW_ALL,
    WINDOW_1M,
    WINDOW_5M,
    WINDOW_1H,
    WINDOW_1D,
    STATS_WINDOWS,
};

/* Distinct keys: counted while tables have room for all, else estimated. */
struct stats_distinct {
    uint64_t clients;  /* on the client side; upstream has servers */
    uint64_t domains;  /* asked or answered */
    uint64_t asked;    /* names in queries */
    uint64_t answered; /* names in responses */
    uint64_t servers;
    unsigned counted; /* bits by enum stats_distinct_id; the others are estimates */
};

/* Where the number with that id stands, or NULL. */
uint64_t *stats_distinct_in(struct stats_distinct *distinct, enum stats_distinct_id which);

/* Events a second of one direction, over windows that end now; but for `last`, which may have ended
 * up to a second ago, since it is of a whole second. */
struct stats_rates {
    double last;    /* over the last whole second; 0: none is over yet */
    double minute;  /* 60 s, or since the start */
    double quarter; /* 15 minutes, or since the start */
};

/* When events happened, by what they say themselves; strays do not count (stats/times.h). */
struct stats_times {
    int64_t first_ms, last_ms; /* Unix milliseconds; 0: not known */
    double age; /* seconds by which the newest event arrived after its time, of the last second in
                   which some came; of all streams, the one nearest to 0; negative: before it; NAN:
                   not known */
    bool elsewhen; /* by far: a recording, or a server whose clock is wrong */
};

/* What is counted of one stream, or of all, on one side. */
struct stats_stream {
    int id;                     /* for stats_top; no other stream has it; STATS_ALL: the total */
    char name[STREAM_NAME_MAX]; /* the identity: bytes as sent, cut and terminated; "-" without */
    size_t name_len;
    uint8_t side; /* enum stats_side */
    struct stats_counters counters;
    struct stats_distinct distinct;
    struct stats_rates rates[STATS_DIRECTIONS];
    uint64_t tick_ns; /* of its clock, estimated; 0: not known, or too fine to be seen */
    bool judged;      /* counters.loss mean something: some exchanges were seen whole; of what was
                         asked alone, for what servers ask others often has no answer */
    bool apart;       /* half of its latencies or more are below a tick: see `latency` below */
    /* The rest, as the tick, is the stream's, whatever the side. */
    uint32_t origin;        /* connection that it last came by */
    uint8_t last_direction; /* enum stats_direction of the event recorded last */
    int64_t first_seen_ms;  /* wall clock, Unix milliseconds; 0: never (since a reset) */
    int64_t last_seen_ms;
    struct stats_times times;
};

/* One of WINDOW_ALL is made of the counters since the start or a reset; of a window it has what
 * came in that (history_snapshot). */
struct stats_snapshot {
    atomic_uint references;
    uint64_t generation; /* counts snapshots, from 1 */
    uint64_t version;    /* of the tables that go with it (stats_is_now); never 0 */
    bool whole;          /* they have all that it counts; else a worker was too busy */
    uint64_t made_ns;    /* clock_ns */
    int64_t made_ms;     /* wall clock, Unix milliseconds */
    int64_t since_ms;    /* of the start or the last reset ... */
    uint64_t since_ns;   /* ... and that by clock_ns */
    enum stats_window_id window;
    int64_t from_ms, to_ms; /* what it really covers: of WINDOW_ALL from since_ms to made_ms */
    /* Of single streams a window may have less: their counts from the first moment on, their lists
     * and how many different keys they had from the second. */
    int64_t streams_ms, keys_ms;
    double seconds;         /* how long that is by the clock that nobody sets */
    uint64_t malformed;     /* frames that are no dnstap messages: they belong to no stream */
    uint64_t unlisted;      /* events counted, but missing in tables: too many new keys at once */
    uint64_t other_streams; /* events of streams that have no place: they are in the total alone */
    uint64_t other_identities;   /* how many of these there were, about */
    uint64_t places;             /* for streams: settings.streams, or fewer for want of memory */
    unsigned exact[STATS_SIDES]; /* bits by enum stats_table_id: nothing was left out of these */
    struct stats_stream total[STATS_SIDES];
    /* The latencies that quantiles of all streams together are made of. Streams that are set apart
     * (`apart`) are left out, so the counts shrink when that happens to one. */
    uint64_t latency[STATS_SIDES][QUANTILE_BUCKETS];
    size_t stream_count;
    /* In order of first appearance; but one that takes another's place (stats/listing.c) has that.
     */
    struct stats_stream streams[][STATS_SIDES];
};

/* True when nothing was left out of any table. */
bool stats_is_exact(const struct stats_snapshot *snapshot);

/* What quantiles of a stream of the snapshot, or of its total, are made of. */
static inline const uint64_t *stats_latency(const struct stats_snapshot *snapshot,
                                            const struct stats_stream *stream)
{
    return stream == &snapshot->total[stream->side] ? snapshot->latency[stream->side]
                                                    : stream->counters.latency;
}

/* The part of its frames that a server has probably dropped before it sent them; NAN while nothing
 * is known of it. */
double stats_source_loss(const struct stats_stream *stream);
/* One more reference to it; stats_release gives it back. */
static inline const struct stats_snapshot *stats_hold(const struct stats_snapshot *snapshot)
{
    atomic_fetch_add(&((struct stats_snapshot *)snapshot)->references, 1);
    return snapshot;
}
/* A copy, the caller's own, with one reference. NULL: no memory. */
struct stats_snapshot *stats_snapshot_copy(const struct stats_snapshot *snapshot);
/* The index of the stream of that name; STATS_ALL when there is none. */
int stats_snapshot_find(const struct stats_snapshot *snapshot, struct span name);
/* One of the streams by its index, or with STATS_ALL the total. */
static inline const struct stats_stream *stats_snapshot_at(const struct stats_snapshot *snapshot,
                                                           int index, enum stats_side side)
{
    return index < 0 ? &snapshot->total[side] : &snapshot->streams[index][side];
}

#endif
