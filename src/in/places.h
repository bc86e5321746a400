/*
 * Places: who may be connected to an input, and who has to make room. There are so many for all,
 * and so many for each account of a peer (base/account.h); the last of them are kept for peers that
 * have none yet. When a limit is reached, a silent connection makes room: of that account, or else
 * of the peer that has most. So a newcomer that sends is always served, and one that is active is
 * never closed for another.
 *
 * Connections that are told to leave do so on their own threads, a little later; until then their
 * places are not free, but no longer count. One that turns out to have something to say stays.
 */
#ifndef SPILE_IN_PLACES_H
#define SPILE_IN_PLACES_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/account_book.h"
#include "core/worker.h"

/* A connection that has brought nothing for so long is silent; one that never has, at once. */
enum { PLACES_QUIET_MS = 10000 };

/* Owner: the places. */
struct place {
    struct account_entry entry;
    struct worker *worker;      /* poked when the connection is to leave */
    uint64_t since_ms;          /* when it came */
    _Atomic uint64_t active_ms; /* when it last brought frames; 0: it never has */
    atomic_int leave;           /* an enum input_cut: why it is to leave; -1: it may stay */
    struct place *next_free;
    bool taken;
};

struct places_limits {
    size_t all;
    size_t peer; /* for each account, times its share */
};

/* Any thread. */
struct places {
    pthread_mutex_t lock;
    struct places_limits limits;
    struct account_book book;
    struct place *table;
    size_t size;   /* of the table: limits.all, and some for those that are leaving */
    size_t begun;  /* of the table: no place behind has ever been taken */
    size_t used;   /* those that are leaving included */
    size_t going;  /* told to leave */
    size_t cursor; /* where the search for somebody silent goes on */
    struct place *free;
};

/* How many descriptors places with this limit may take; and the highest limit that takes no more
 * than so many, 1 at least. */
size_t places_size(size_t all);
size_t places_within(size_t descriptors);
/* -1: no memory. */
int places_init(struct places *places, const struct places_limits *limits);
void places_free(struct places *places);

/* A place for a newcomer, who will be served by `worker`. PLACES_TAKEN: *place is his. Else there
 * is none, and nobody silent who could make room. */
enum places_answer { PLACES_TAKEN, PLACES_FULL, PLACES_PEER_FULL, PLACES_NO_MEMORY };
enum places_answer places_take(struct places *places, const struct accounts *peer,
                               struct worker *worker, uint64_t now_ms, struct place **place);
/* Whether there is no room before somebody has left who has been told to, or is told now: who comes
 * had better wait. */
bool places_crowded(struct places *places, uint64_t now_ms);
/* Tells somebody silent to leave, for want of something that all share. False: nobody is. */
bool places_make_room(struct places *places, enum input_cut why, uint64_t now_ms);
/* The connection is no more. */
void places_leave(struct places *places, struct place *place);

/* The connection has brought frames. */
static inline void place_active(struct place *place, uint64_t now_ms)
{
    atomic_store_explicit(&place->active_ms, now_ms, memory_order_relaxed);
}

/* Whether it has brought nothing for a while, or ever. */
static inline bool place_silent(const struct place *place, uint64_t now_ms)
{
    uint64_t active_ms = atomic_load_explicit(&place->active_ms, memory_order_relaxed);
    return active_ms == 0 || active_ms + PLACES_QUIET_MS <= now_ms;
}

/* Why it is to leave, or -1. */
static inline int place_wanted(const struct place *place)
{
    return atomic_load(&place->leave);
}

/* It has something to say, and stays: its place counts again. */
void places_keep(struct places *places, struct place *place);

#endif
