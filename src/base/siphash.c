#include "base/siphash.h"

#include <sys/random.h>

int siphash_key_random(struct siphash_key *key)
{
    struct siphash_key fresh;
    if (getrandom(&fresh, sizeof fresh, 0) != (ssize_t)sizeof fresh)
        return -1;
    *key = fresh;
    return 0;
}

uint64_t siphash_bytes(const struct siphash_key *key, struct span bytes)
{
    struct siphash s = siphash_begin(key);
    const uint8_t *p = bytes.ptr;
    size_t rest = bytes.len;
    for (; rest >= 8; rest -= 8, p += 8)
        siphash_word(&s, siphash_load(p, 8));
    /* The last word: what is left, and the length's low byte on top. */
    siphash_word(&s, siphash_load(p, rest) | (uint64_t)bytes.len << 56);
    return siphash_end(&s);
}
