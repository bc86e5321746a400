#include "in/penalty.h"

enum {
    PENALTY_FREE = 5, /* useless connections: a restart on either side makes a few */
    PENALTY_STEP_MS = 100,
    PENALTY_SLACK_MS = 20, /* timers and clocks differ by a few */
    PENALTY_FORGET_MS = 10000,
};

void penalty_init(struct penalty *p)
{
    *p = (struct penalty){0};
    pthread_mutex_init(&p->lock, NULL);
}

static struct penalty_account *account_of(struct penalty *p, uint64_t peer_key)
{
    return &p->accounts[(peer_key * UINT64_C(0x9e3779b97f4a7c15) >> 32) % PENALTY_SLOTS];
}

static bool forgotten(const struct penalty_account *account, uint64_t now_ms)
{
    return account->useless == 0 || now_ms > account->last_ms + PENALTY_FORGET_MS;
}

void penalty_note(struct penalty *p, uint64_t peer_key, bool useful, uint64_t now_ms)
{
    struct penalty_account *account = account_of(p, peer_key);
    pthread_mutex_lock(&p->lock);
    if (forgotten(account, now_ms))
        *account = (struct penalty_account){.peer_key = peer_key};
    if (account->peer_key == peer_key) {
        account->useless = useful ? 0 : account->useless + 1;
        account->last_ms = now_ms;
    }
    pthread_mutex_unlock(&p->lock);
}

/* Under the lock. */
static bool admit(struct penalty_account *account, uint64_t now_ms, uint64_t *delay_ms)
{
    uint64_t delay = (uint64_t)(account->useless - PENALTY_FREE) * PENALTY_STEP_MS;
    if (account->next_ms > now_ms + PENALTY_SLACK_MS)
        return false;
    *delay_ms = delay < PENALTY_MAX_MS ? delay : PENALTY_MAX_MS;
    account->next_ms = now_ms + *delay_ms;
    return true;
}

bool penalty_admit(struct penalty *p, uint64_t peer_key, uint64_t now_ms, uint64_t *delay_ms)
{
    struct penalty_account *account = account_of(p, peer_key);
    bool admitted = true;
    *delay_ms = 0;
    pthread_mutex_lock(&p->lock);
    if (account->peer_key == peer_key && account->useless > PENALTY_FREE &&
        !forgotten(account, now_ms))
        admitted = admit(account, now_ms, delay_ms);
    pthread_mutex_unlock(&p->lock);
    return admitted;
}
