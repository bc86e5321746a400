#include "base/nh.h"

void nh_key_make(struct nh_key *key, const struct siphash_key *random)
{
    for (uint64_t i = 0; i < 2 * NH_PAIRS; i++)
        key->words[i] = siphash_bytes(random, span_of((const uint8_t *)&i, sizeof i));
}
