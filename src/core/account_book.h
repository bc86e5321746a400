/*
 * Account books: how much of something (connections, bytes) each account holds now, found by a
 * keyed hash. Every one who holds has an entry, through which he is charged to all accounts of his
 * peer; an account is in the book as long as it has an entry, so the book is as long as these are
 * many. The caller has the lock.
 */
#ifndef SPILE_CORE_ACCOUNT_BOOK_H
#define SPILE_CORE_ACCOUNT_BOOK_H

#include "base/account.h"

/* Owner: the book. */
struct account_sum {
    struct account account;
    struct account_sum *next; /* in the bucket */
    size_t held;
    size_t entries;
};

struct account_book {
    struct siphash_key key;
    struct account_sum **buckets;
    size_t bucket_count; /* a power of two */
    size_t sums;
};

/* Zeroed: not in the book; it is nobody's, and is charged to itself alone. */
struct account_entry {
    struct account_sum *sums[ACCOUNTS_MAX]; /* the narrowest first */
    size_t held;                            /* by this entry */
    uint8_t count;
};

/* -1: no memory, or the system has no randomness. */
int account_book_init(struct account_book *book);
void account_book_free(struct account_book *book);

/* The account's sum, or NULL: it has no entry. */
const struct account_sum *account_book_find(struct account_book *book,
                                            const struct account *account);
/* A new entry that holds nothing. -1: no memory; *entry is then in no book. */
int account_book_enter(struct account_book *book, const struct accounts *peer,
                       struct account_entry *entry);
/* The entry gives back what it holds, and leaves the book. */
void account_book_leave(struct account_book *book, struct account_entry *entry);
/* The entry now holds so much. */
void account_entry_hold(struct account_entry *entry, size_t held);

/* What an account may hold where one peer may hold `each`, of `all` that there is: a network that
 * stands for some peers no more than half of it, if one peer may not; SIZE_MAX: it has no limit. */
size_t account_limit(const struct account_sum *sum, size_t each, size_t all);

/*
 * Fair shares. What a peer holds is what the one of its accounts holds that has most in proportion
 * to its share, and what the entry itself holds at the least. Where two peers are compared, what
 * they have in common is left out: it holds as much whoever of them gets something.
 */
/* What the entry's peer would hold if it held `more`, ACCOUNT_SHARE times, but for what it has in
 * common with the other one; NULL: with nobody. */
uint64_t account_entry_load(const struct account_entry *entry, const struct account_entry *other,
                            size_t more);
/* Above zero: of the two, `a` is who should give something back, since its peer holds more; or else
 * its narrowest account. */
int account_entry_compare(const struct account_entry *a, const struct account_entry *b);

#endif
