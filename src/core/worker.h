/*
 * Workers: one thread and one event loop each. A connection or file belongs to one worker for life,
 * so its events keep their order, and nothing on the way from read() to a formatted chunk is
 * shared.
 *
 * What a worker reads lands in its one read buffer, stays in the cache, and is through when
 * worker_frames returns: decoded, passed by the stages, formatted once per lane, counted.
 */
#ifndef SPILE_CORE_WORKER_H
#define SPILE_CORE_WORKER_H

#include <stdatomic.h>
#include <uv.h>

#include "core/input_counters.h"
#include "event/event.h"

struct worker;
struct engine;
struct gather;
struct turns;

/* What is posted to a worker. It lies in what it is about, so posting needs no memory and cannot
 * fail. */
struct worker_post {
    struct worker_post *next;
    void (*call)(struct worker *worker, struct worker_post *post);
};

/* Whose items are there: an input. Any thread. */
struct worker_owner {
    atomic_uint items; /* those on their way included */
    atomic_bool leaving;
};

/* Something that lives on a worker: a connection, a file. Hooks run on the worker's thread. */
struct worker_item {
    struct worker_item *next, *prev;
    struct worker_owner *owner; /* NULL: nobody's */
    struct worker_post post;
    /* It lives there from now on. */
    void (*begin)(struct worker_item *item, struct worker *worker);
    /* The engine drains: read what is there already, then end. Calls worker_detach when through,
     * at once or later. */
    void (*stop)(struct worker_item *item);
    /* Optional: something may have been asked of the item by another thread. */
    void (*poke)(struct worker_item *item);
};

/* Any thread, but not once the engine drains. Has post->call called on the worker's thread, soon,
 * in the order in which posts come, and before the worker's items are stopped. Until then the post
 * is the worker's. */
void worker_post(struct worker *worker, struct worker_post *post);
/* The same for an item: it is begun there. Its load counts from now on until it is detached. */
void worker_begin(struct worker *worker, struct worker_item *item);
/* Any thread. Has every item of the worker poked; one that has ended has none. */
void worker_poke(struct worker *worker);

/* The rest on the worker's own thread. */
void worker_detach(struct worker *worker, struct worker_item *item);
/* True when the time for draining is over: items end at once and leave the rest unread. */
bool worker_late(const struct worker *worker);
uv_loop_t *worker_loop(struct worker *worker);
struct engine *worker_engine(struct worker *worker);
/* Those that are in force there: good until the next batch. */
const struct settings *worker_settings(const struct worker *worker);
/* Where those wait that have had much of the worker's time: see core/turns.h. */
struct turns *worker_turns(struct worker *worker);
/* The worker's read buffer: good until the next read by anybody on this worker. */
uint8_t *worker_buffer(struct worker *worker, size_t *size);
/* Where a connection tells what its turn has brought: see core/gather.h. */
struct gather *worker_gather(struct worker *worker);
/* Hands frames over. They are through (formatted or counted) when it returns. False: the engine
 * has had enough (a total was asked for), the reader should end. */
bool worker_frames(struct worker *worker, const struct origin *origin, struct input_counters *in,
                   const struct span *frames, size_t count);

#endif
