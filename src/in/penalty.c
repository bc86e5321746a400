#include "in/penalty.h"

enum {
    PENALTY_STEP_MS = 100,
    PENALTY_SLACK_MS = 20, /* timers and clocks differ by a few */
    PENALTY_FORGET_MS = 10000,
};

int penalty_init(struct penalty *p)
{
    *p = (struct penalty){0};
    pthread_mutex_init(&p->lock, NULL);
    return siphash_key_random(&p->key);
}

void penalty_destroy(struct penalty *p)
{
    pthread_mutex_destroy(&p->lock);
}

static bool forgotten(const struct penalty_record *record, uint64_t now_ms)
{
    return record->useless == 0 || now_ms > record->last_ms + PENALTY_FORGET_MS;
}

static unsigned mishaps(const struct account *account)
{
    return account_rules[account->kind].mishap;
}

static struct penalty_record *set_of(struct penalty *p, const struct account *account)
{
    return p->records[account_hash(&p->key, account) % PENALTY_SETS];
}

/* The account's record; NULL: it has done nothing that is remembered. */
static struct penalty_record *find(struct penalty *p, const struct account *account,
                                   uint64_t now_ms)
{
    struct penalty_record *set = set_of(p, account);
    for (size_t i = 0; i < PENALTY_WAYS; i++) {
        if (account_same(&set[i].account, account) && !forgotten(&set[i], now_ms))
            return &set[i];
    }
    return NULL;
}

/* A record for a new account: one that is forgotten, or else that of who has done least, as long as
 * he is not being punished. */
static struct penalty_record *find_room(struct penalty *p, const struct account *account,
                                        uint64_t now_ms)
{
    struct penalty_record *set = set_of(p, account), *least = NULL;
    for (size_t i = 0; i < PENALTY_WAYS; i++) {
        if (forgotten(&set[i], now_ms))
            return &set[i];
        if (set[i].useless <= mishaps(&set[i].account) &&
            (!least || set[i].useless < least->useless))
            least = &set[i];
    }
    return least;
}

static void note_useless(struct penalty *p, const struct account *account, uint64_t since_ms,
                         uint64_t now_ms)
{
    struct penalty_record *record = find(p, account, now_ms);
    if (record && since_ms <= record->last_ms)
        return; /* it was there already when the last one ended */
    if (!record) {
        record = find_room(p, account, now_ms);
        if (!record)
            return;
        *record = (struct penalty_record){.account = *account};
    }
    record->useless++;
    record->last_ms = now_ms;
}

void penalty_note(struct penalty *p, const struct accounts *peer, uint64_t since_ms,
                  uint64_t now_ms)
{
    if (now_ms >= since_ms + PENALTY_FORGET_MS)
        return;
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < peer->count; i++) {
        if (mishaps(&peer->at[i]) > 0)
            note_useless(p, &peer->at[i], since_ms, now_ms);
    }
    pthread_mutex_unlock(&p->lock);
}

void penalty_clear(struct penalty *p, const struct accounts *peer, uint64_t now_ms)
{
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < peer->count; i++) {
        struct penalty_record *record = find(p, &peer->at[i], now_ms);
        if (record)
            record->useless = 0;
    }
    pthread_mutex_unlock(&p->lock);
}

/* The record of an account that is being punished, or NULL. */
static struct penalty_record *punished(struct penalty *p, const struct account *account,
                                       uint64_t now_ms)
{
    struct penalty_record *record = find(p, account, now_ms);
    return record && record->useless > mishaps(account) ? record : NULL;
}

/* Under the lock. */
static bool admit(struct penalty *p, const struct accounts *peer, uint64_t now_ms,
                  uint64_t *delay_ms)
{
    struct penalty_record *records[ACCOUNTS_MAX];
    for (size_t i = 0; i < peer->count; i++) {
        records[i] = punished(p, &peer->at[i], now_ms);
        if (!records[i])
            continue;
        if (records[i]->next_ms > now_ms + PENALTY_SLACK_MS)
            return false;
        uint64_t steps = records[i]->useless - mishaps(&peer->at[i]);
        uint64_t delay = steps * PENALTY_STEP_MS;
        delay = delay < PENALTY_MAX_MS ? delay : PENALTY_MAX_MS;
        *delay_ms = delay > *delay_ms ? delay : *delay_ms;
    }
    for (size_t i = 0; i < peer->count; i++) {
        if (records[i])
            records[i]->next_ms = now_ms + *delay_ms;
    }
    return true;
}

bool penalty_admit(struct penalty *p, const struct accounts *peer, uint64_t now_ms,
                   uint64_t *delay_ms)
{
    *delay_ms = 0;
    pthread_mutex_lock(&p->lock);
    bool admitted = admit(p, peer, now_ms, delay_ms);
    pthread_mutex_unlock(&p->lock);
    return admitted;
}
