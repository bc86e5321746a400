/*
 * The suffixes of a name that have tables of their own: its registrable domain (the public suffix
 * and one label more, by libpsl) and its TLD.
 */
#ifndef SPILE_STATS_SUFFIX_H
#define SPILE_STATS_SUFFIX_H

#include "base/siphash.h"
#include "stats/sample.h"

/* A cache of what libpsl's list said: buckets of one cache line, in each of which the oldest makes
 * room. A word is the hash of a key with what is known of it in the lowest byte; 0: free. */
enum { SUFFIX_WAYS = 8, SUFFIX_BUCKETS = 1 << 14 };

struct suffix_cache {
    uint64_t words[SUFFIX_BUCKETS][SUFFIX_WAYS];
    uint8_t next[SUFFIX_BUCKETS]; /* the oldest */
};

/* How many labels the registrable domain of the key's name has; 0: it has none. At most 127. */
unsigned suffix_registrable(struct suffix_cache *cache, const struct siphash_key *key,
                            const struct stats_reader *reader, struct span name);
/* The last `labels` labels of the key, which are a key, too; absent when it has fewer. */
struct span suffix_of(const struct stats_reader *reader, struct span key, unsigned labels);
/* The key of the name's TLD; absent when it has none. */
struct span suffix_tld(const struct stats_reader *reader, struct span key);

#endif
