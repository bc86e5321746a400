/*
 * The writer: the thread of one queued output. It takes chunks off the output's queue, calls the
 * output's hooks, waits and tries again when they ask for it, and counts what became of each
 * record.
 */
#ifndef SPILE_CORE_WRITER_H
#define SPILE_CORE_WRITER_H

#include <pthread.h>

#include "core/ledger.h"
#include "core/output.h"
#include "core/queue.h"

/* Owner: the output's part of the engine; must not move while the thread runs. */
struct writer {
    struct output *out;
    struct queue *queue;
    struct ledger *ledger; /* the writer counts delivered, bytes and dropped; nobody else does */
    void (*on_closed)(void *arg);
    void *arg;
    pthread_t thread;
    atomic_bool reopen;
    atomic_bool rotate;
    atomic_bool paused;    /* nothing is taken off the queue ... */
    atomic_bool ending;    /* ... unless it is to end */
    atomic_bool gave_up;   /* output.gives_up, and it could not be written */
    atomic_bool closed;    /* its reader has gone away */
    atomic_bool stuck;     /* the last attempts wrote nothing */
    uint64_t next_tick_ns; /* the thread's alone, as what follows */
    uint64_t backoff_ns;
    uint32_t random;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool ended;     /* under the lock, as is the next */
    bool abandoned; /* nobody waits for it any longer */
};

/*
 * Starts the thread; `out` has been opened, and the thread closes it at the end. `on_closed` (or
 * NULL) is called once, on the writer's thread, when the output says OUTPUT_CLOSED or the writer
 * gave it up: from then on its queue takes nothing. -1: no thread; the output is then still the
 * caller's to close.
 */
int writer_start(struct writer *writer, struct output *out, struct queue *queue,
                 struct ledger *ledger, void (*on_closed)(void *arg), void *arg, struct error *err);

/* Any thread: has the output opened anew, before the next record. */
void writer_reopen(struct writer *writer);

/* Any thread: the same, but where its file can be rotated, it is. */
void writer_rotate(struct writer *writer);
/* Any thread: has it write nothing until it is to go on, or to end. What is being written is
 * written first. */
void writer_pause(struct writer *writer, bool paused);

/* Any thread, at a second signal or when workers wait for a stuck output past the deadline: what is
 * queued, and what the workers still push, is dropped for DROP_SHUTDOWN. Does not wait. */
void writer_abandon(struct writer *writer);

/* No producer is left: has the writer end when it has written what is queued. Does not wait. */
void writer_drain(struct writer *writer);

/*
 * Lets the writer drain until the deadline (clock_ns() time) or until somebody abandons it, then
 * abandons the rest and interrupts a write that blocks. Joins the thread: the ledger is final when
 * it returns.
 */
void writer_finish(struct writer *writer, uint64_t deadline_ns);
/* After writer_finish, when no other thread knows the writer any more. */
void writer_free(struct writer *writer);

#endif
