/* ASCII letters, eight bytes at a time. */
#ifndef SPILE_BASE_ASCII_H
#define SPILE_BASE_ASCII_H

#include <stdint.h>

/* Returns the eight bytes with each ASCII upper-case letter among them in lower case. */
static inline uint64_t ascii_lower(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t low = word & 0x7f * ones;
    uint64_t from_a = low + (0x80 - 'A') * ones;
    uint64_t beyond_z = low + (0x80 - 'Z' - 1) * ones;
    uint64_t upper = (from_a & ~beyond_z & ~word) & 0x80 * ones;
    return word | upper >> 2;
}

#endif
