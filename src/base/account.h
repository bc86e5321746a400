/*
 * Accounts: whom the things that a peer does are charged to. Limits, penalties and budgets ask one
 * question, "is this the same peer again?", and this is its one answer: not the address, since who
 * has one IPv6 address has 2^64 of them, but what one cannot have many of.
 *
 * A peer has some accounts, from the narrowest to the widest: its /64, the /56 and the /48 around
 * it, which a provider gives to one customer; or its process and its user. The wider one is, the
 * more it is allowed (account_rules). An IPv4 address stands for itself alone, also when it comes
 * through a translator: strangers share a /24, and nobody gets many addresses for nothing.
 *
 * Loopback is one account that has no limit and no penalty, for behind it there are all programs of
 * this machine. A process has an account where it is known: all those of other containers have the
 * number 0 here, and are their user's alone.
 */
#ifndef SPILE_BASE_ACCOUNT_H
#define SPILE_BASE_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/siphash.h"

enum account_kind {
    ACCOUNT_LOOPBACK,
    ACCOUNT_IPV4,
    ACCOUNT_IPV6_64,
    ACCOUNT_IPV6_56,
    ACCOUNT_IPV6_48,
    ACCOUNT_PROCESS, /* a process of this machine, told from a later one of its number */
    ACCOUNT_USER,
    ACCOUNT_KINDS
};

/* A value: two are the same account when account_same says so. */
struct account {
    uint64_t words[2];
    enum account_kind kind;
};

/* What one account of a kind is granted. */
struct account_rule {
    unsigned share;  /* for how many peers it stands; of ACCOUNT_SHARE one is a whole number */
    bool limited;    /* whether it may hold no more than so many peers may */
    unsigned mishap; /* connections without use that are forgiven, in a row; 0: all */
};
extern const struct account_rule account_rules[ACCOUNT_KINDS];

enum { ACCOUNTS_MAX = 3, ACCOUNT_SHARE = 16 };

/* One peer's accounts, the narrowest first. Empty: it is nobody's, such as a file. */
struct accounts {
    struct account at[ACCOUNTS_MAX];
    uint8_t count;
};

/* Of an address in the form of base/address.h. */
struct accounts accounts_of_address(const uint8_t *address);
/* Of a process, 0 where that is not known; `start` is when it began, in any unit. */
struct accounts accounts_of_process(uid_t user, pid_t process, uint64_t start);

/* The one by which things are shared out among peers: the narrowest that has a limit. NULL: there
 * is none, and each connection counts for itself. */
const struct account *accounts_limited(const struct accounts *accounts);

static inline bool account_same(const struct account *a, const struct account *b)
{
    return a->kind == b->kind && a->words[0] == b->words[0] && a->words[1] == b->words[1];
}

static inline uint64_t account_hash(const struct siphash_key *key, const struct account *account)
{
    struct siphash s = siphash_begin(key);
    siphash_word(&s, account->words[0]);
    siphash_word(&s, account->words[1]);
    siphash_word(&s, (uint64_t)account->kind);
    return siphash_end(&s);
}

#endif
