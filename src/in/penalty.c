#include "in/penalty.h"

/* So many useless connections are free: a restart on either side makes a few. */
enum { PENALTY_FREE = 5, PENALTY_STEP_MS = 100, PENALTY_FORGET_MS = 10000 };

void penalty_init(struct penalty *p)
{
    *p = (struct penalty){0};
    pthread_mutex_init(&p->lock, NULL);
}

static unsigned slot_of(uint64_t peer_key)
{
    return (unsigned)(peer_key * UINT64_C(0x9e3779b97f4a7c15) >> 56) % PENALTY_SLOTS;
}

void penalty_note(struct penalty *p, uint64_t peer_key, bool useful, uint64_t now_ms)
{
    unsigned slot = slot_of(peer_key);
    pthread_mutex_lock(&p->lock);
    if (useful) {
        p->slots[slot].useless = 0;
    } else {
        if (now_ms - p->slots[slot].last_ms > PENALTY_FORGET_MS)
            p->slots[slot].useless = 0;
        p->slots[slot].useless++;
        p->slots[slot].last_ms = now_ms;
    }
    pthread_mutex_unlock(&p->lock);
}

uint64_t penalty_delay_ms(struct penalty *p, uint64_t peer_key, uint64_t now_ms)
{
    unsigned slot = slot_of(peer_key);
    pthread_mutex_lock(&p->lock);
    uint64_t useless = p->slots[slot].useless;
    if (now_ms - p->slots[slot].last_ms > PENALTY_FORGET_MS)
        useless = 0;
    pthread_mutex_unlock(&p->lock);
    if (useless <= PENALTY_FREE)
        return 0;
    uint64_t delay = (useless - PENALTY_FREE) * PENALTY_STEP_MS;
    return delay < PENALTY_MAX_MS ? delay : PENALTY_MAX_MS;
}
