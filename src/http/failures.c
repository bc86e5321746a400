#include "http/failures.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/client.h"

enum {
    SETS = 128, /* of accounts whose hash is alike */
    WAYS = 8,
    TELL_MS = 60000, /* how often the log says so of one address */
    LINES_SECOND = 2,
    FORGET_MS = 10000,
};

/* How many failures are forgiven at once: more where strangers may share the account. */
static const uint32_t allowances[ACCOUNT_KINDS] = {[ACCOUNT_LOOPBACK] = 200,
                                                   [ACCOUNT_IPV4] = 50,
                                                   [ACCOUNT_IPV6_64] = 50,
                                                   [ACCOUNT_IPV6_56] = 200,
                                                   [ACCOUNT_IPV6_48] = 800};

/* Owner: the table. */
struct failure_record {
    struct account account;
    uint32_t spent;                 /* of the allowance, as of `last_ns` */
    uint64_t last_ns;               /* the last failure; 0: the record is free */
    uint64_t untold;                /* failures that the log has not told of */
    uint64_t tell_ns;               /* when it may again */
    uint8_t address[ADDRESS_BYTES]; /* of the last one, for the log */
};

struct failures {
    pthread_mutex_t lock;
    struct siphash_key key;
    struct log_limit limit;
    counter count;
    struct failure_record table[SETS][WAYS];
};

struct failures *failures_new(struct error *err)
{
    struct failures *failures = calloc(1, sizeof *failures);
    if (!failures || siphash_key_random(&failures->key)) {
        free(failures);
        error_set(err, "no memory, or no randomness, for a table of failures");
        return NULL;
    }
    pthread_mutex_init(&failures->lock, NULL);
    return failures;
}

void failures_free(struct failures *failures)
{
    if (!failures)
        return;
    pthread_mutex_destroy(&failures->lock);
    free(failures);
}

uint64_t failures_count(const struct failures *failures)
{
    return counter_get(&failures->count);
}

/* After some quiet all is forgiven. */
static uint32_t spent_at(const struct failure_record *record, uint64_t now)
{
    return now > record->last_ns + FORGET_MS * CLOCK_MS_NS ? 0 : record->spent;
}

static struct failure_record *set_of(struct failures *failures, const struct account *account)
{
    return failures->table[account_hash(&failures->key, account) % SETS];
}

static struct failure_record *find(struct failures *failures, const struct account *account)
{
    struct failure_record *set = set_of(failures, account);
    for (struct failure_record *r = set; r < set + WAYS; r++) {
        if (r->last_ns && account_same(&r->account, account))
            return r;
    }
    return NULL;
}

static void tell(struct failures *failures, struct failure_record *record, uint64_t now)
{
    char text[ADDRESS_TEXT_BYTES];
    unsigned held;
    if (!log_limit_pass(&failures->limit, LINES_SECOND, &held))
        return;
    log_warning("web: %" PRIu64 " request%s with wrong credentials from %s%s", record->untold,
                record->untold == 1 ? "" : "s", address_text(text, record->address),
                record->account.kind == ACCOUNT_IPV6_64 ? " and its /64" : "");
    record->untold = 0;
    record->tell_ns = now + TELL_MS * CLOCK_MS_NS;
}

/* The account's record; a new one takes the place of that which has rested longest. */
static struct failure_record *open_record(struct failures *failures, const struct account *account,
                                          uint64_t now)
{
    struct failure_record *found = find(failures, account), *set = set_of(failures, account);
    if (found)
        return found;
    found = set;
    for (struct failure_record *r = set + 1; r < set + WAYS; r++) {
        if (r->last_ns < found->last_ns)
            found = r;
    }
    if (found->untold)
        tell(failures, found, now);
    *found = (struct failure_record){.account = *account};
    return found;
}

/* One failure more on an account; false when nothing was left of its allowance. Of a client's
 * accounts the narrowest is the one that is told of. */
static bool charge(struct failures *failures, const struct account *account, bool narrowest,
                   const struct sockaddr *from)
{
    uint64_t now = clock_ns();
    struct failure_record *record = open_record(failures, account, now);
    uint32_t spent = spent_at(record, now), allowance = allowances[account->kind];
    bool left = spent < allowance;
    record->spent = left ? spent + 1 : allowance;
    record->last_ns = now;
    if (!narrowest)
        return left;
    client_address(from, record->address);
    record->untold++;
    if (now >= record->tell_ns)
        tell(failures, record, now);
    return left;
}

void failures_note(struct failures *failures, const struct sockaddr *from)
{
    struct accounts accounts = client_accounts(from);
    pthread_mutex_lock(&failures->lock);
    counter_add(&failures->count, 1);
    /* Who is slowed already costs the account around it nothing more: it holds others, too. */
    for (size_t i = 0; i < accounts.count; i++) {
        if (!charge(failures, &accounts.at[i], i == 0, from))
            break;
    }
    pthread_mutex_unlock(&failures->lock);
}

bool failures_slow(struct failures *failures, const struct sockaddr *from)
{
    uint64_t now = clock_ns();
    struct accounts accounts = client_accounts(from);
    bool slow = false;
    pthread_mutex_lock(&failures->lock);
    for (size_t i = 0; i < accounts.count; i++) {
        const struct failure_record *record = find(failures, &accounts.at[i]);
        slow |= record && spent_at(record, now) >= allowances[accounts.at[i].kind];
    }
    pthread_mutex_unlock(&failures->lock);
    return slow;
}

bool failures_sweep(struct failures *failures, uint64_t now)
{
    bool more = false;
    pthread_mutex_lock(&failures->lock);
    for (size_t i = 0; i < (size_t)SETS * WAYS; i++) {
        struct failure_record *r = &failures->table[i / WAYS][i % WAYS];
        if (r->untold && now >= r->tell_ns)
            tell(failures, r, now);
        more |= r->untold > 0;
    }
    pthread_mutex_unlock(&failures->lock);
    return more;
}
