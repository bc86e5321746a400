/*
 * Penalties for peers that connect again and again without bringing anything: each such connection
 * makes the peer's next one wait longer before it is served, up to a second. A connection that
 * brings frames clears the account. The table is small and fixed; peers that collide share one.
 */
#ifndef SPILE_IN_PENALTY_H
#define SPILE_IN_PENALTY_H

#include <stdbool.h>
#include <stdint.h>

#include <pthread.h>

enum { PENALTY_SLOTS = 256, PENALTY_MAX_MS = 1000 };

/* Any thread. */
struct penalty {
    pthread_mutex_t lock;
    struct {
        uint64_t last_ms; /* of the last useless connection */
        uint32_t useless; /* in a row */
    } slots[PENALTY_SLOTS];
};

void penalty_init(struct penalty *p);
/* A connection of that peer ended. */
void penalty_note(struct penalty *p, uint64_t peer_key, bool useful, uint64_t now_ms);
/* How long the peer's next connection waits. */
uint64_t penalty_delay_ms(struct penalty *p, uint64_t peer_key, uint64_t now_ms);

#endif
