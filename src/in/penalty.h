/*
 * Penalties for peers that connect again and again without bringing anything: each such connection
 * makes the peer's next one wait longer before it is served, up to a second; and while one waits,
 * the peer's others are refused, so that it cannot take the places of everybody else. The first
 * frame that is dnstap clears the peer's accounts.
 *
 * Again means that it came after the last such one had ended: a server that restarts ends many that
 * were idle side by side, which are one. And one that lasted for ten seconds is part of no loop.
 *
 * The table is fixed, and found by a keyed hash: nobody can choose whom he meets in it. Where a set
 * of it is full, who has done least is forgotten, and who is being punished never: the next one
 * then goes unwatched, and nobody pays for another.
 */
#ifndef SPILE_IN_PENALTY_H
#define SPILE_IN_PENALTY_H

#include <pthread.h>

#include "base/account.h"

enum { PENALTY_SETS = 128, PENALTY_WAYS = 8, PENALTY_MAX_MS = 1000 };

struct penalty_record {
    struct account account;
    uint64_t last_ms; /* when the last useless connection ended */
    uint64_t next_ms; /* connections wait until then */
    uint32_t useless; /* in a row; 0: the record is free */
};

/* Any thread. */
struct penalty {
    pthread_mutex_t lock;
    struct siphash_key key;
    struct penalty_record records[PENALTY_SETS][PENALTY_WAYS];
};

/* -1: the system has no randomness. */
int penalty_init(struct penalty *p);
void penalty_destroy(struct penalty *p);
/* A connection of that peer, which came then, has ended without bringing anything. */
void penalty_note(struct penalty *p, const struct accounts *peer, uint64_t since_ms,
                  uint64_t now_ms);
/* One has brought something. */
void penalty_clear(struct penalty *p, const struct accounts *peer, uint64_t now_ms);
/* The peer connects: false refuses it, else *delay_ms is how long the connection waits. */
bool penalty_admit(struct penalty *p, const struct accounts *peer, uint64_t now_ms,
                   uint64_t *delay_ms);

#endif
