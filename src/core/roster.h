/*
 * The roster: who is connected. Every open connection and file has a seat, in order of joining;
 * what it brings is counted there by its own worker, and any thread may look.
 *
 * The lock is taken for joining, leaving and listing; the data path counts without it, and tells a
 * changed identity only when nobody holds it.
 */
#ifndef SPILE_CORE_ROSTER_H
#define SPILE_CORE_ROSTER_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/counter.h"
#include "base/log.h"
#include "base/siphash.h"
#include "event/event.h"

enum { ROSTER_IDENTITY_MAX = 128 };

/* Zeroed: not in the roster. Owner: the connection or file, on its worker's thread. */
struct roster_seat {
    struct roster_seat *next, *prev;
    const struct origin *origin; /* NULL: not seated */
    int64_t since_ms;            /* wall clock, Unix milliseconds */
    counter frames;              /* one writer each */
    counter bytes;
    counter malformed; /* frames that are no dnstap messages */
    uint8_t identity[ROSTER_IDENTITY_MAX];
    uint8_t identity_len;  /* 0: not known, or it sends none */
    bool identified;       /* roster_identify has been called, be it with no identity */
    bool compared;         /* the identity has been compared with those of the other seats */
    bool dismissible;      /* it looks at `dismissed` when it is poked */
    atomic_bool dismissed; /* somebody wants it to leave */
};

enum { ROSTER_SHARED_MAX = 16 };

/* Owner: the engine. */
struct roster {
    pthread_mutex_t lock; /* of all below, and of the seats' identities */
    struct roster_seat *first, *last;
    size_t count;
    uint32_t last_id;
    uint64_t shared[ROSTER_SHARED_MAX]; /* hashes of the identities last warned of: a ring */
    unsigned shared_count;
    struct log_limit warnings;
};

/* What others see of a seat: a copy. */
struct roster_entry {
    struct origin origin;
    int64_t since_ms;
    uint64_t frames, bytes, malformed;
    uint8_t identity[ROSTER_IDENTITY_MAX]; /* as sent, cut */
    uint8_t identity_len;
    bool identified; /* the identity is known, be it that there is none */
};

/* The machine or the process of a peer, without the port, which differs between its connections.
 * Absent for files. */
static inline struct span roster_host(const struct origin *origin)
{
    return span_of(origin->host_len ? origin->peer : NULL, origin->host_len);
}

/* Whose connection it is, for sharing out what there is little of: its account, or the connection
 * itself where it is charged to none, as on loopback, behind which there are all programs of the
 * machine, and as for a file. */
static inline uint64_t roster_peer(const struct siphash_key *key, const struct origin *origin)
{
    return origin->charged ? account_hash(key, &origin->account) : origin->id;
}

/* What the users of one identity are to know and to do. */
#define ROSTER_ADVICE "servers of one name are counted as one; give each an identity of its own"

void roster_init(struct roster *roster);
void roster_destroy(struct roster *roster);

/* Takes a seat, of which the caller sets `dismissible` before, and sets origin->id, which no other
 * origin of the roster ever has, and origin->seat. The origin stays where it is until the seat is
 * left. */
void roster_join(struct roster *roster, struct roster_seat *seat, struct origin *origin);
/* Whoever has that seat is told to leave when he is poked next. False: nobody has it who could.
 * Any thread. */
bool roster_dismiss(struct roster *roster, uint32_t id);
/* Leaves the seat; does nothing when it was not taken. */
void roster_leave(struct roster *roster, struct roster_seat *seat);
/* Notes the identity that a recent frame carried; absent or empty when frames carry none. To be
 * called now and then on the seat's own thread. An identity that is new it notes at once, as
 * joining does; to warn it never waits: while another thread holds the lock the next call does it.
 * Warns when another host is using the same identity, since two servers of one name are counted as
 * one; once for each identity (of the last few). */
void roster_identify(struct roster *roster, struct roster_seat *seat, struct span identity);

/* Copies the first `max` entries, in ascending order of their ids, and returns how many; *all gets
 * how many there are. Any thread. */
size_t roster_list(struct roster *roster, struct roster_entry *entries, size_t max, size_t *all);

#endif
