#include "core/account_book.h"

#include <stdlib.h>

enum { BUCKETS_MIN = 64 };

int account_book_init(struct account_book *book)
{
    *book = (struct account_book){.bucket_count = BUCKETS_MIN};
    book->buckets = calloc(BUCKETS_MIN, sizeof(struct account_sum *));
    return book->buckets && siphash_key_random(&book->key) == 0 ? 0 : -1;
}

void account_book_free(struct account_book *book)
{
    for (size_t i = 0; book->buckets && i < book->bucket_count; i++) {
        struct account_sum *next;
        for (struct account_sum *sum = book->buckets[i]; sum; sum = next) {
            next = sum->next;
            free(sum);
        }
    }
    free(book->buckets);
    *book = (struct account_book){0};
}

static struct account_sum **bucket_of(struct account_book *book, const struct account *account)
{
    return &book->buckets[account_hash(&book->key, account) & (book->bucket_count - 1)];
}

/* Twice the buckets; without memory for them, chains are longer. */
static void grow(struct account_book *book)
{
    struct account_book larger = *book;
    larger.bucket_count *= 2;
    larger.buckets = calloc(larger.bucket_count, sizeof(struct account_sum *));
    if (!larger.buckets)
        return;
    for (size_t i = 0; i < book->bucket_count; i++) {
        struct account_sum *next;
        for (struct account_sum *sum = book->buckets[i]; sum; sum = next) {
            struct account_sum **bucket = bucket_of(&larger, &sum->account);
            next = sum->next;
            sum->next = *bucket;
            *bucket = sum;
        }
    }
    free(book->buckets);
    *book = larger;
}

static struct account_sum *find(struct account_book *book, const struct account *account)
{
    struct account_sum *sum = *bucket_of(book, account);
    while (sum && !account_same(&sum->account, account))
        sum = sum->next;
    return sum;
}

const struct account_sum *account_book_find(struct account_book *book,
                                            const struct account *account)
{
    return find(book, account);
}

/* The account's sum, made if there is none. NULL: no memory. */
static struct account_sum *sum_of(struct account_book *book, const struct account *account)
{
    struct account_sum *sum = find(book, account);
    if (sum)
        return sum;
    sum = calloc(1, sizeof *sum);
    if (!sum)
        return NULL;
    sum->account = *account;
    struct account_sum **bucket = bucket_of(book, account);
    sum->next = *bucket;
    *bucket = sum;
    if (++book->sums > book->bucket_count)
        grow(book);
    return sum;
}

static void drop_sum(struct account_book *book, struct account_sum *sum)
{
    struct account_sum **at = bucket_of(book, &sum->account);
    while (*at != sum)
        at = &(*at)->next;
    *at = sum->next;
    book->sums--;
    free(sum);
}

int account_book_enter(struct account_book *book, const struct accounts *peer,
                       struct account_entry *entry)
{
    *entry = (struct account_entry){0};
    for (; entry->count < peer->count; entry->count++) {
        struct account_sum *sum = sum_of(book, &peer->at[entry->count]);
        if (!sum) {
            account_book_leave(book, entry);
            return -1;
        }
        sum->entries++;
        entry->sums[entry->count] = sum;
    }
    return 0;
}

void account_book_leave(struct account_book *book, struct account_entry *entry)
{
    account_entry_hold(entry, 0);
    for (size_t i = 0; i < entry->count; i++) {
        if (--entry->sums[i]->entries == 0)
            drop_sum(book, entry->sums[i]);
    }
    *entry = (struct account_entry){0};
}

void account_entry_hold(struct account_entry *entry, size_t held)
{
    for (size_t i = 0; i < entry->count; i++)
        entry->sums[i]->held = entry->sums[i]->held - entry->held + held;
    entry->held = held;
}

size_t account_limit(const struct account_sum *sum, size_t each, size_t all)
{
    const struct account_rule *rule = &account_rules[sum->account.kind];
    size_t limit;
    if (!rule->limited || __builtin_mul_overflow(each, rule->share, &limit))
        return SIZE_MAX;
    size_t most = each > all / 2 ? each : all / 2;
    return limit < most ? limit : most;
}

/* So much in an account: how much that is for one peer, ACCOUNT_SHARE times. */
static uint64_t load_of(const struct account_sum *sum, size_t held)
{
    return (uint64_t)held * ACCOUNT_SHARE / account_rules[sum->account.kind].share;
}

static bool has(const struct account_entry *entry, const struct account_sum *sum)
{
    for (size_t i = 0; entry && i < entry->count; i++) {
        if (entry->sums[i] == sum)
            return true;
    }
    return false;
}

uint64_t account_entry_load(const struct account_entry *entry, const struct account_entry *other,
                            size_t more)
{
    uint64_t most = (uint64_t)(entry->held + more) * ACCOUNT_SHARE;
    for (size_t i = 0; i < entry->count; i++) {
        uint64_t load = load_of(entry->sums[i], entry->sums[i]->held + more);
        most = load > most && !has(other, entry->sums[i]) ? load : most;
    }
    return most;
}

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

int account_entry_compare(const struct account_entry *a, const struct account_entry *b)
{
    if (a->count > 0 && b->count > 0 && a->sums[0] == b->sums[0])
        return compare(a->held, b->held); /* of one peer */
    int heavier = compare(account_entry_load(a, b, 0), account_entry_load(b, a, 0));
    if (heavier != 0 || a->count == 0 || b->count == 0)
        return heavier;
    return compare(load_of(a->sums[0], a->sums[0]->held), load_of(b->sums[0], b->sums[0]->held));
}
