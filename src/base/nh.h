/*
 * A keyed hash for tables whose hashes nobody sees, cheaper than SipHash: NH of UMAC (Black,
 * Halevi, Krawczyk, Krovetz and Rogaway, 1999) in words of 64 bits, its sum folded by one product
 * more.
 *
 * NH adds a secret word to each word and sums up the products of pairs. Whatever two keys somebody
 * chooses who does not know the secret: their sums of 128 bits are equal for one secret in 2^64 at
 * most. The fold may tell of the secret, so a hash must not be shown, nor what follows from its
 * bits.
 */
#ifndef SPILE_BASE_NH_H
#define SPILE_BASE_NH_H

#include "base/siphash.h"

enum { NH_PAIRS = 32 };

struct nh_key {
    uint64_t words[2 * NH_PAIRS];
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

/* Adds two words that are hashes by a key of their own: as good as random for whoever does not know
 * that key, they need no product. */
static inline void nh_hashes(struct nh *nh, uint64_t a, uint64_t b)
{
    nh->sum += (unsigned __int128)a << 64 | b;
}

/* Adds (len + 15) / 16 pairs, of words in the form that `form` gives them: zeros must stay zeros.
 * The last 16 bytes are always a pair of their own, even if they overlap the pair before them:
 * since keys of different lengths differ anyway, no two keys become alike by that. */
static inline __attribute__((always_inline)) void nh_bytes_as(struct nh *nh, const uint8_t *p,
                                                              size_t len,
                                                              uint64_t (*form)(uint64_t word))
{
    if (len >= 16) {
        const uint8_t *last = p + len - 16;
        for (; p < last; p += 16)
            nh_pair(nh, form(siphash_load(p, 8)), form(siphash_load(p + 8, 8)));
        nh_pair(nh, form(siphash_load(last, 8)), form(siphash_load(last + 8, 8)));
    } else if (len >= 8) {
        nh_pair(nh, form(siphash_load(p, 8)), form(siphash_load(p + len - 8, 8)));
    } else if (len > 0) {
        nh_pair(nh, form(siphash_load(p, len)), 0);
    }
}

static inline uint64_t nh_as_is(uint64_t word)
{
    return word;
}

static inline __attribute__((always_inline)) void nh_bytes(struct nh *nh, const uint8_t *p,
                                                           size_t len)
{
    nh_bytes_as(nh, p, len, nh_as_is);
}

/* The hash. Counts as another pair, and takes the length of a key that is the only one. */
static inline uint64_t nh_fold(const struct nh *nh, size_t len)
{
    struct nh last = {.secret = nh->secret};
    nh_pair(&last, (uint64_t)nh->sum + len, (uint64_t)(nh->sum >> 64));
    return (uint64_t)last.sum ^ (uint64_t)(last.sum >> 64);
}

#endif
