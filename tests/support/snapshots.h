/* Made-up snapshots of statistics, for what follows them over time. */
#ifndef SPILE_TESTS_SNAPSHOTS_H
#define SPILE_TESTS_SNAPSHOTS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/stats.h"

enum { STORY_STREAMS = 2 };

/* What has come so far. Owner: one test. */
struct story {
    int64_t ms, since_ms;  /* the wall clock */
    uint64_t ns, since_ns; /* the other clock */
    uint64_t generation;
    enum stats_side side;                                      /* where story_count counts */
    struct stats_counters total, streams[STORY_STREAMS];       /* of the client side */
    struct stats_counters others_total, others[STORY_STREAMS]; /* of the other */
};

static inline struct story story_begin(int64_t ms)
{
    const uint64_t ns = (uint64_t)ms * 1000000;
    return (struct story){.ms = ms, .since_ms = ms, .ns = ns, .since_ns = ns};
}

/* Queries and responses of one stream; every response takes that long. */
static inline void story_count(struct story *story, int stream, uint64_t queries,
                               uint64_t responses, unsigned rcode, int64_t latency_ns)
{
    bool client = story->side == STATS_CLIENT;
    struct stats_counters *both[] = {client ? &story->total : &story->others_total,
                                     client ? &story->streams[stream] : &story->others[stream]};
    for (int i = 0; i < 2; i++) {
        struct stats_direction_counters *direction = both[i]->direction;
        direction[STATS_QUERY].events += queries;
        direction[STATS_QUERY].qtype[1] += queries;
        direction[STATS_QUERY].transport[1] += queries;
        direction[STATS_RESPONSE].events += responses;
        direction[STATS_RESPONSE].rcode[rcode] += responses;
        direction[STATS_RESPONSE].transport[1] += responses;
        direction[STATS_RESPONSE].timed += responses;
        direction[STATS_RESPONSE].latency_sum_us += responses * (uint64_t)(latency_ns / 1000);
        both[i]->latency[quantile_bucket(latency_ns)] += responses;
    }
}

static inline void story_wait(struct story *story, int64_t ms)
{
    story->ms += ms;
    story->ns += (uint64_t)ms * 1000000;
}

/* As stats_reset: the numbers begin anew. */
static inline void story_reset(struct story *story)
{
    story->since_ms = story->ms;
    story->since_ns = story->ns;
    memset(&story->total, 0, sizeof story->total);
    memset(story->streams, 0, sizeof story->streams);
    memset(&story->others_total, 0, sizeof story->others_total);
    memset(story->others, 0, sizeof story->others);
}

/* A snapshot of `count` streams that are alike. The caller's reference is the only one. */
static inline struct stats_snapshot *story_crowd(struct story *story, size_t count)
{
    size_t size = sizeof(struct stats_snapshot) + count * sizeof(struct stats_stream[STATS_SIDES]);
    struct stats_snapshot *snapshot = calloc(1, size);
    if (!snapshot)
        abort();
    atomic_init(&snapshot->references, 1);
    snapshot->generation = ++story->generation;
    snapshot->made_ms = story->ms;
    snapshot->made_ns = story->ns;
    snapshot->since_ms = story->since_ms;
    snapshot->since_ns = story->since_ns;
    snapshot->total[STATS_CLIENT].counters = story->total;
    memcpy(snapshot->latency[STATS_CLIENT], story->total.latency, sizeof *snapshot->latency);
    snapshot->total[STATS_UPSTREAM] =
        (struct stats_stream){.side = STATS_UPSTREAM, .counters = story->others_total};
    memcpy(snapshot->latency[STATS_UPSTREAM], story->others_total.latency,
           sizeof *snapshot->latency);
    snapshot->stream_count = count;
    for (size_t i = 0; i < count; i++) {
        struct stats_stream *stream = &snapshot->streams[i][STATS_CLIENT];
        stream->name_len = (size_t)snprintf(stream->name, sizeof stream->name, "server%zu", i);
        stream->counters = story->streams[i % STORY_STREAMS];
        snapshot->streams[i][STATS_UPSTREAM] = *stream;
        snapshot->streams[i][STATS_UPSTREAM].side = STATS_UPSTREAM;
        snapshot->streams[i][STATS_UPSTREAM].counters = story->others[i % STORY_STREAMS];
    }
    return snapshot;
}

static inline const struct stats_snapshot *story_snapshot(struct story *story)
{
    return story_crowd(story, STORY_STREAMS);
}

#endif
