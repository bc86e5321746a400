/*
 * Observers look at every event on its way and change nothing (statistics, live views). They run on
 * the workers' threads, between the stages and the formats, so that they see what outputs get; one
 * that is `early` before the stages of the configuration's list.
 *
 * An observer keeps what it learns in one shard a worker, without locks; `collect` is where it may
 * hand a shard over to other threads.
 */
#ifndef SPILE_CORE_OBSERVER_H
#define SPILE_CORE_OBSERVER_H

#include "event/event.h"

enum {
    OBSERVERS_MAX = 32,            /* how many an engine may have: a worker keeps a bit for each */
    OBSERVER_EVENTS = EVENT_BATCH, /* how many events `events` gets at most */
};

/* Plans have copies. Owner: who gives them to the engine. */
struct observer {
    void *state;
    uint32_t needs; /* facets that are wanted decoded, FACETS_OF_STAGES too */
    bool early;     /* sees events before the configured stages drop or change any */
    /* Optional: the key that events are to be hashed with (FACET_HASHES). Of several the first
     * one's; without any a random one. */
    const struct siphash_key *key;
    /* Optional. Asked at the beginning of each worker_frames, by any worker; false: the observer is
     * not called for those frames. */
    bool (*active)(void *state);
    /* One event. Its frame is no dnstap message when ev->bad has FACET_DNSTAP. */
    void (*event)(void *state, unsigned worker, struct event *ev);
    /* Instead of it: some events that came one after another, all of which are there until it
     * returns. */
    void (*events)(void *state, unsigned worker, struct event *events, size_t count);
    /* Optional. Called at the end of worker_frames. */
    void (*flush)(void *state, unsigned worker);
    /* Optional. Called after engine_collect, and for the last time when the worker ends, or takes a
     * plan that has no observer of this state any more. */
    void (*collect)(void *state, unsigned worker);
};

#endif
