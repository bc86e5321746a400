/*
 * Penalties for peers that connect again and again without bringing anything: each such connection
 * makes the peer's next one wait longer before it is served, up to a second; and while one waits,
 * the peer's others are refused, so that it cannot take the places of everybody else. A connection
 * that brings frames clears the account. The table is small and fixed; of peers that want the same
 * slot, only the first is watched: nobody pays for another.
 */
#ifndef SPILE_IN_PENALTY_H
#define SPILE_IN_PENALTY_H

#include <stdbool.h>
#include <stdint.h>

#include <pthread.h>

enum { PENALTY_SLOTS = 256, PENALTY_MAX_MS = 1000 };

struct penalty_account {
    uint64_t peer_key;
    uint64_t last_ms; /* of the last useless connection */
    uint64_t next_ms; /* connections wait until then */
    uint32_t useless; /* in a row */
};

/* Any thread. */
struct penalty {
    pthread_mutex_t lock;
    struct penalty_account accounts[PENALTY_SLOTS];
};

void penalty_init(struct penalty *p);
/* A connection of that peer ended. */
void penalty_note(struct penalty *p, uint64_t peer_key, bool useful, uint64_t now_ms);
/* The peer connects: false refuses it, else *delay_ms is how long the connection waits. */
bool penalty_admit(struct penalty *p, uint64_t peer_key, uint64_t now_ms, uint64_t *delay_ms);

#endif
