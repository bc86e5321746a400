/*
 * The public suffix list as a table of hashes. libpsl finds a name by following a graph of letters,
 * some thousand instructions long; here it is looked up, and where the list has nothing below a
 * domain, the table knows that, too.
 */
#ifndef SPILE_STATS_SUFFIX_LIST_H
#define SPILE_STATS_SUFFIX_LIST_H

#include "base/siphash.h"

/* What the list says of a domain. libpsl's list has the first two, in these bits. */
enum suffix_mark {
    SUFFIX_EXCEPTION = 1, /* no public suffix, whatever the wildcard above it says */
    SUFFIX_WILDCARD = 2,  /* all domains right below it are public suffixes */
    SUFFIX_RULE = 4,      /* named by a rule: a public suffix, unless it is an exception */
    SUFFIX_DEEPER = 8,    /* there are rules for domains below it */
    SUFFIX_MARKS = 15,
};

/* Where the filter of TLDs has one, which is in wire form: by its first and its last letter. */
enum { SUFFIX_WILD_BITS = 1024 };

/* Ten times as many as there are domains in the list. */
enum { SUFFIX_FILTER_BITS = 1 << 17 };

static inline unsigned suffix_wild_bit(struct span tld)
{
    return (tld.ptr[1] * 32u ^ tld.ptr[tld.len - 1]) % SUFFIX_WILD_BITS;
}

/* Owner: whoever counts names; constant once it is made. Nobody can choose names whose hashes
 * collide, for the key is secret. */
struct suffix_list {
    struct siphash_key key;
    struct psl_ctx_st *psl; /* the same list, from libpsl; NULL: libpsl's own */
    uint64_t *words; /* hashes of domains, the lowest bits replaced by marks; 0: free. NULL: none */
    uint32_t mask, used;
    uint64_t wild[SUFFIX_WILD_BITS / 64]; /* a filter of the TLDs with a wildcard */
    /* A filter of all domains: most that are looked for are not there, and the table is larger than
     * what stays near the processor. */
    uint64_t filter[SUFFIX_FILTER_BITS / 64];
};

/* The list that the system has installed for libpsl. Where there is none, or an older one than
 * libpsl was built with, or one in another form than libpsl's compact one, libpsl's own remains,
 * without a table: the answers are as right, and take longer. */
void suffix_list_init(struct suffix_list *list, const struct siphash_key *key);
/* As suffix_list_init does, from another file; NULL: none. */
void suffix_list_load(struct suffix_list *list, const struct siphash_key *key, const char *path);
void suffix_list_free(struct suffix_list *list);

static inline unsigned suffix_filter_bit(uint64_t hash)
{
    return (unsigned)(hash >> 8) % SUFFIX_FILTER_BITS;
}

/* False: the TLD has no wildcard, so that it need not be looked up. */
static inline bool suffix_list_wild(const struct suffix_list *list, struct span tld)
{
    unsigned bit = suffix_wild_bit(tld);
    return list->wild[bit / 64] >> bit % 64 & 1;
}

/* The marks of a domain in wire form, without the root; 0: the list has nothing on it, nor on any
 * below it. There is a table. */
static inline unsigned suffix_list_marks(const struct suffix_list *list, struct span domain)
{
    uint64_t hash = siphash_bytes(&list->key, domain);
    unsigned bit = suffix_filter_bit(hash);
    if (!(list->filter[bit / 64] >> bit % 64 & 1))
        return 0;
    for (uint32_t at = (uint32_t)(hash >> 32) & list->mask; list->words[at] != 0;
         at = (at + 1) & list->mask) {
        if ((list->words[at] ^ hash) <= SUFFIX_MARKS)
            return list->words[at] & SUFFIX_MARKS;
    }
    return 0;
}

#endif
