/*
 * A keyed hash of long keys, cheaper than SipHash alone and no easier to attack: NH of UMAC (Black,
 * Halevi, Krawczyk, Krovetz and Rogaway, 1999) in words of 64 bits, and SipHash over its sum.
 *
 * NH adds a secret word to each word and sums up the products of pairs. Whatever two keys somebody
 * chooses who does not know the secret: their sums of 128 bits are equal for one secret in 2^64 at
 * most. SipHash makes of the sum 64 bits that tell nothing of the secret.
 */
#ifndef SPILE_BASE_NH_H
#define SPILE_BASE_NH_H

#include "base/ascii.h"
#include "base/siphash.h"

enum { NH_PAIRS = 32 };

struct nh_key {
    uint64_t words[2 * NH_PAIRS];
    struct siphash_key last;
};

/* Derives all words of the secret from 128 random bits. */
void nh_key_make(struct nh_key *key, const struct siphash_key *random);

/* Owner: the stack. The caller adds at most NH_PAIRS pairs, and first of all the lengths of what
 * follows: bytes are padded with zeros, so without the length some different keys would be alike.
 */
struct nh {
    unsigned __int128 sum;
    const uint64_t *secret;
};

static inline struct nh nh_begin(const struct nh_key *key)
{
    return (struct nh){.secret = key->words};
}

static inline void nh_pair(struct nh *nh, uint64_t a, uint64_t b)
{
    nh->sum += (unsigned __int128)(a + nh->secret[0]) * (b + nh->secret[1]);
    nh->secret += 2;
}

/* 8 bytes; with `fold`, letters in lower case. */
static inline uint64_t nh_word(const uint8_t *p, bool fold)
{
    uint64_t word = siphash_load(p, 8);
    return fold ? ascii_lower(word) : word;
}

/* Adds (len + 15) / 16 pairs. The last 16 bytes are always a pair of their own, even if they
 * overlap the pair before them: since keys of different lengths differ anyway, no two keys become
 * alike by that. With `fold`, ASCII letters count as lower case. */
static inline __attribute__((always_inline)) void nh_bytes(struct nh *nh, const uint8_t *p,
                                                           size_t len, bool fold)
{
    if (len >= 16) {
        const uint8_t *last = p + len - 16;
        for (; p < last; p += 16)
            nh_pair(nh, nh_word(p, fold), nh_word(p + 8, fold));
        nh_pair(nh, nh_word(last, fold), nh_word(last + 8, fold));
    } else if (len >= 8) {
        nh_pair(nh, nh_word(p, fold), nh_word(p + len - 8, fold));
    } else if (len > 0) {
        uint64_t word = siphash_load(p, len);
        nh_pair(nh, fold ? ascii_lower(word) : word, 0);
    }
}

/* Cheaper than nh_end, for a table whose hashes nobody sees: it may tell of the secret. Counts as
 * another pair, and takes the length of a key that is the only one. */
static inline uint64_t nh_fold(const struct nh *nh, size_t len)
{
    struct nh last = {.secret = nh->secret};
    nh_pair(&last, (uint64_t)nh->sum + len, (uint64_t)(nh->sum >> 64));
    return (uint64_t)last.sum ^ (uint64_t)(last.sum >> 64);
}

static inline uint64_t nh_end(const struct nh *nh, const struct nh_key *key)
{
    struct siphash s = siphash_begin(&key->last);
    siphash_word(&s, (uint64_t)nh->sum);
    siphash_word(&s, (uint64_t)(nh->sum >> 64));
    return siphash_end(&s);
}

#endif
