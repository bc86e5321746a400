#include "compat/receiver_cache.h"

#include <stdlib.h>
#include <sys/random.h>

/*
 * Entries stand in one array and are named by their index; index 0 is no entry, but the head of
 * both rings. Every entry is on a chain of its hash bucket and on two rings: by age (when it was
 * set) and by use.
 */
enum cache_ring { BY_AGE, BY_USE, RINGS };

struct entry {
    struct receiver_key key;
    uint32_t chain; /* the next entry of the bucket, or of the free list */
    uint32_t next[RINGS];
    uint32_t prev[RINGS];
    double value;
    uint64_t expires_ns;
};

struct receiver_cache {
    struct entry *entries;
    uint32_t *buckets;
    uint32_t mask;
    uint32_t capacity;
    uint32_t count;   /* entries in use */
    uint32_t touched; /* indexes from 1 to here have been used before */
    uint32_t free;    /* list of those that are free again */
    uint64_t lifetime_ns;
    uint64_t seed[3]; /* secret: clients choose their ports and ids */
};

struct receiver_cache *receiver_cache_new(uint32_t capacity, uint64_t lifetime_ns)
{
    struct receiver_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return NULL;
    size_t buckets = 16;
    while (buckets < capacity)
        buckets *= 2;
    cache->capacity = capacity;
    cache->lifetime_ns = lifetime_ns;
    cache->mask = (uint32_t)(buckets - 1);
    cache->entries = calloc((size_t)capacity + 1, sizeof *cache->entries);
    cache->buckets = calloc(buckets, sizeof *cache->buckets);
    if (!cache->entries || !cache->buckets ||
        getrandom(cache->seed, sizeof cache->seed, 0) != sizeof cache->seed) {
        receiver_cache_free(cache);
        return NULL;
    }
    return cache;
}

void receiver_cache_free(struct receiver_cache *cache)
{
    if (!cache)
        return;
    free(cache->entries);
    free(cache->buckets);
    free(cache);
}

static uint64_t fold_multiply(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint32_t *bucket_of(struct receiver_cache *cache, const struct receiver_key *key)
{
    uint64_t words[3];
    memcpy(words, key, sizeof words);
    uint64_t hash = fold_multiply(words[0] ^ cache->seed[0], words[1] ^ cache->seed[1]);
    hash = fold_multiply(hash ^ cache->seed[2], words[2] ^ cache->seed[0]);
    return &cache->buckets[hash & cache->mask];
}

static uint32_t find(struct receiver_cache *cache, const struct receiver_key *key)
{
    uint32_t i = *bucket_of(cache, key);
    while (i && memcmp(&cache->entries[i].key, key, sizeof *key) != 0)
        i = cache->entries[i].chain;
    return i;
}

static void ring_remove(struct entry *entries, enum cache_ring ring, uint32_t i)
{
    uint32_t next = entries[i].next[ring], prev = entries[i].prev[ring];
    entries[next].prev[ring] = prev;
    entries[prev].next[ring] = next;
}

/* Puts the entry last: it is the youngest, or the most recently used. */
static void ring_append(struct entry *entries, enum cache_ring ring, uint32_t i)
{
    uint32_t last = entries[0].prev[ring];
    entries[i].prev[ring] = last;
    entries[i].next[ring] = 0;
    entries[last].next[ring] = i;
    entries[0].prev[ring] = i;
}

static void ring_renew(struct entry *entries, enum cache_ring ring, uint32_t i)
{
    ring_remove(entries, ring, i);
    ring_append(entries, ring, i);
}

static void evict(struct receiver_cache *cache, uint32_t i)
{
    struct entry *entries = cache->entries;
    uint32_t *link = bucket_of(cache, &entries[i].key);
    while (*link != i)
        link = &entries[*link].chain;
    *link = entries[i].chain;
    ring_remove(entries, BY_AGE, i);
    ring_remove(entries, BY_USE, i);
    entries[i].chain = cache->free;
    cache->free = i;
    cache->count--;
}

static void expire(struct receiver_cache *cache, uint64_t now_ns)
{
    uint32_t oldest;
    while ((oldest = cache->entries[0].next[BY_AGE]) != 0 &&
           cache->entries[oldest].expires_ns <= now_ns)
        evict(cache, oldest);
}

/* A free entry, on its chain and rings. */
static uint32_t insert(struct receiver_cache *cache, const struct receiver_key *key)
{
    struct entry *entries = cache->entries;
    if (cache->count == cache->capacity)
        evict(cache, entries[0].next[BY_USE]);
    uint32_t i = cache->free;
    if (i)
        cache->free = entries[i].chain;
    else
        i = ++cache->touched;
    uint32_t *bucket = bucket_of(cache, key);
    entries[i].key = *key;
    entries[i].chain = *bucket;
    *bucket = i;
    ring_append(entries, BY_AGE, i);
    ring_append(entries, BY_USE, i);
    cache->count++;
    return i;
}

void receiver_cache_set(struct receiver_cache *cache, const struct receiver_key *key, double value,
                        uint64_t now_ns)
{
    expire(cache, now_ns);
    uint32_t i = find(cache, key);
    if (i) {
        ring_renew(cache->entries, BY_AGE, i);
        ring_renew(cache->entries, BY_USE, i);
    } else {
        i = insert(cache, key);
    }
    cache->entries[i].value = value;
    cache->entries[i].expires_ns = now_ns + cache->lifetime_ns;
}

bool receiver_cache_get(struct receiver_cache *cache, const struct receiver_key *key,
                        uint64_t now_ns, double *value)
{
    uint32_t i = find(cache, key);
    if (!i || cache->entries[i].expires_ns <= now_ns)
        return false;
    ring_renew(cache->entries, BY_USE, i);
    *value = cache->entries[i].value;
    return true;
}
