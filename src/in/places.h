/*
 * Places: who may be connected to an input, and who has to make room. The rule:
 *
 * There are so many places for all, and so many for each account of a peer (base/account.h); of
 * all, the last sixteenth is for peers that have none. Where none is left for a newcomer, a silent
 * connection makes room: of the account that is full, or else of any, but of a peer alone that
 * holds at least as much as the newcomer's would then, in fair shares (core/account_book.h). So who
 * has little is never closed for who has much, and who comes first finds a place as long as anybody
 * is silent. Of those that may be asked the peer goes first that holds most; of one peer's, who has
 * never brought anything; then the longest silence.
 *
 * A connection is active while it brings frames that are dnstap, and silent ten seconds after. A
 * new one has a second for its handshake before, unless its peer has sixteen places: a crowd that
 * comes without end is always new.
 *
 * Who is told to leave does so on its own thread, a little later; until then its place is not free,
 * but no longer counts. What it has sent is still heard. If it turns out to be active, or that
 * its handshake had to wait for us, it is as a newcomer itself: it stays where there is room, or
 * another can be told in its stead. So nobody stays beyond the limits, nor where the reserve is.
 *
 * A search for room looks at places; who was refused is refused for a moment without one.
 */
#ifndef SPILE_IN_PLACES_H
#define SPILE_IN_PLACES_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/account_book.h"
#include "core/worker.h"

enum {
    PLACES_QUIET_MS = 10000, /* without frames for so long: silent */
    PLACES_GRACE_MS = 1000,  /* for a handshake */
    PLACES_REFUSED_MS = 100, /* no search for who was refused */
    PLACES_REFUSALS_SETS = 256,
};

/* Owner: the places. */
struct place {
    struct account_entry entry;
    struct account_entry use;   /* among those that have brought frames, once it has */
    struct worker *worker;      /* poked when the connection is to leave */
    uint64_t since_ms;          /* when it came */
    uint64_t settled_ms;        /* when its handshake should be over */
    _Atomic uint64_t active_ms; /* when it last brought frames; 0: it never has */
    atomic_int leave;           /* an enum input_cut: why it is to leave; -1: it may stay */
    struct place *next_free;
    bool taken;
};

struct places_limits {
    size_t all;
    size_t peer; /* for each account, times its share */
};

/* Who was refused, and until when that stands. */
struct places_refusal {
    struct account account; /* his narrowest */
    uint64_t until_ms;
};

/* Any thread. */
struct places {
    pthread_mutex_t lock;
    struct places_limits limits;
    struct account_book book;
    struct account_book useful; /* the accounts of connections that have brought frames */
    struct place *table;
    size_t size;   /* of the table: limits.all, and some for those that are leaving */
    size_t begun;  /* of the table: no place behind has ever been taken */
    size_t used;   /* those that are leaving included */
    size_t going;  /* told to leave */
    size_t cursor; /* where the search for somebody silent goes on */
    struct place *free;
    struct places_refusal refusals[PLACES_REFUSALS_SETS];
};

/* How many descriptors places with this limit may take; and the highest limit that takes no more
 * than so many, 1 at least. */
size_t places_size(size_t all);
size_t places_within(size_t descriptors);
/* -1: no memory. */
int places_init(struct places *places, const struct places_limits *limits);
void places_free(struct places *places);

/* Who comes, by whom he will be served, and how much later. */
struct newcomer {
    const struct accounts *peer;
    struct worker *worker;
    uint64_t now_ms;
    uint64_t delay_ms;
};
/* PLACES_TAKEN: *place is his. Else there is none, and nobody who could make room. */
enum places_answer { PLACES_TAKEN, PLACES_FULL, PLACES_PEER_FULL, PLACES_NO_MEMORY };
enum places_answer places_take(struct places *places, const struct newcomer *newcomer,
                               struct place **place);
/* Whether so many have been told to leave, and have not left, that who comes had better wait. */
bool places_crowded(struct places *places);
/* Tells somebody silent to leave, for want of something that others share, too; or looks who that
 * would be. Returns how much his peer holds (account_entry_load); 0: nobody is silent. */
uint64_t places_make_room(struct places *places, enum input_cut why, uint64_t now_ms, bool tell);
/* The connection is no more. */
void places_leave(struct places *places, struct place *place);

/* The connection has brought frames. */
static inline void place_active(struct place *place, uint64_t now_ms)
{
    atomic_store_explicit(&place->active_ms, now_ms, memory_order_relaxed);
}

/* Whether it has brought some lately. */
static inline bool place_is_active(const struct place *place, uint64_t now_ms)
{
    uint64_t active_ms = atomic_load_explicit(&place->active_ms, memory_order_relaxed);
    return active_ms > 0 && now_ms < active_ms + PLACES_QUIET_MS;
}

/* Whether it ever has. */
static inline bool place_was_useful(const struct place *place)
{
    return atomic_load_explicit(&place->active_ms, memory_order_relaxed) > 0;
}

/* Why it is to leave, or -1. */
static inline int place_wanted(const struct place *place)
{
    return atomic_load(&place->leave);
}

/* It was told to leave, and has a reason not to: true when it may stay all the same. */
bool places_keep(struct places *places, struct place *place, uint64_t now_ms);

/* It has brought frames for the first time. `peer` is whose it is. */
void places_note_use(struct places *places, struct place *place, const struct accounts *peer);
/* Those of a peer's accounts that have no connection open which has ever brought frames. */
struct accounts places_useless(struct places *places, const struct accounts *peer);

#endif
