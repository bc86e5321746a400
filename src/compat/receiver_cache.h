/*
 * The times of queries that await their responses, as dnstap-receiver 4.7.0 keeps them: in a
 * cachetools.TTLCache. An entry lives for a fixed time from when it was set; a hit leaves it in
 * place and makes it the most recently used; when the cache is full of living entries, the least
 * recently used one goes.
 */
#ifndef SPILE_COMPAT_RECEIVER_CACHE_H
#define SPILE_COMPAT_RECEIVER_CACHE_H

#include "base/span.h"

/* Owner: one thread. Its memory is reserved at once, but becomes resident only as it is used. */
struct receiver_cache;

struct receiver_key {
    uint8_t address[16];
    uint32_t port;
    uint16_t id;
    uint16_t address_len; /* 4 and 16 bytes differ even where they mean the same address */
};

/* `lifetime_ns` in the clock of `now_ns` below. NULL: no memory. */
struct receiver_cache *receiver_cache_new(uint32_t capacity, uint64_t lifetime_ns);
void receiver_cache_free(struct receiver_cache *cache);

/* Times must not run backwards from call to call. */
void receiver_cache_set(struct receiver_cache *cache, const struct receiver_key *key, double value,
                        uint64_t now_ns);
bool receiver_cache_get(struct receiver_cache *cache, const struct receiver_key *key,
                        uint64_t now_ns, double *value);

#endif
