/*
 * SipHash-1-3 (Aumasson and Bernstein, 2012): a hash keyed by 128 secret bits, for tables whose
 * keys an attacker may choose. By 64-bit words for hot paths, or over bytes as the paper has it.
 */
#ifndef SPILE_BASE_SIPHASH_H
#define SPILE_BASE_SIPHASH_H

#include "base/cursor.h"

struct siphash_key {
    uint64_t words[2];
};

/* A fresh random key. -1: the system has no randomness to give. */
int siphash_key_random(struct siphash_key *key);

/* Owner: the stack. */
struct siphash {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t siphash_rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline __attribute__((always_inline)) void siphash_round(struct siphash *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = siphash_rotate(s->v1, 13) ^ s->v0;
    s->v3 = siphash_rotate(s->v3, 16) ^ s->v2;
    s->v0 = siphash_rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = siphash_rotate(s->v1, 17) ^ s->v2;
    s->v3 = siphash_rotate(s->v3, 21) ^ s->v0;
    s->v2 = siphash_rotate(s->v2, 32);
}

static inline struct siphash siphash_begin(const struct siphash_key *key)
{
    uint64_t k0 = key->words[0], k1 = key->words[1];
    return (struct siphash){.v0 = k0 ^ 0x736f6d6570736575,
                            .v1 = k1 ^ 0x646f72616e646f6d,
                            .v2 = k0 ^ 0x6c7967656e657261,
                            .v3 = k1 ^ 0x7465646279746573};
}

static inline void siphash_word(struct siphash *s, uint64_t word)
{
    s->v3 ^= word;
    siphash_round(s);
    s->v0 ^= word;
}

static inline uint64_t siphash_end(struct siphash *s)
{
    s->v2 ^= 0xff;
    siphash_round(s);
    siphash_round(s);
    siphash_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* `len` bytes at `p`, at most 8, as a little-endian word with zeros behind them. By loads that may
 * overlap: a memcpy of unknown length would be a call. */
static inline uint64_t siphash_load(const uint8_t *p, size_t len)
{
    if (len == 8)
        return load_le64(p);
    if (len >= 4)
        return load_le32(p) | (uint64_t)load_le32(p + len - 4) << 8 * (len - 4);
    if (len == 0)
        return 0;
    return p[0] | (uint64_t)p[len / 2] << 8 * (len / 2) | (uint64_t)p[len - 1] << 8 * (len - 1);
}

/* SipHash-1-3 of the bytes. */
uint64_t siphash_bytes(const struct siphash_key *key, struct span bytes);

#endif
