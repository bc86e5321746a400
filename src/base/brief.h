/* Spans of a few bytes, such as identities and addresses: for these a call of memcmp costs more
 * than what it does. */
#ifndef SPILE_BASE_BRIEF_H
#define SPILE_BASE_BRIEF_H

#include "base/siphash.h"

/* By words, the last of which may overlap the one before. */
static inline bool brief_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
    if (len < 8)
        return siphash_load(a, len) == siphash_load(b, len);
    for (size_t at = 0; at + 8 < len; at += 8) {
        if (siphash_load(a + at, 8) != siphash_load(b + at, 8))
            return false;
    }
    return siphash_load(a + len - 8, 8) == siphash_load(b + len - 8, 8);
}

/* A place, of 1 << bits, for what is met again and again: everybody can choose what falls together,
 * so nothing may depend on it but how soon it is found. */
static inline unsigned brief_place(struct span bytes, unsigned bits)
{
    uint64_t word =
        bytes.len < 8 ? siphash_load(bytes.ptr, bytes.len)
                      : siphash_load(bytes.ptr, 8) + 3 * siphash_load(bytes.ptr + bytes.len - 8, 8);
    return (unsigned)(word * UINT64_C(0x9e3779b97f4a7c15) >> (64 - bits));
}

#endif
