#include "stats/known.h"

#include <string.h>

#include "base/pages.h"

static size_t bytes_of(const struct known *known)
{
    return known->slot_count * sizeof *known->slots;
}

int known_init(struct known *known, size_t keys)
{
    const size_t slot = sizeof *known->slots, most = UINT32_MAX / STATS_KNOWN_BYTES;
    keys = keys < most ? keys : most;
    *known = (struct known){.max = (uint32_t)keys};
    known->slot_count = (uint32_t)(keys * STATS_KNOWN_BYTES / slot + 1); /* one is always free */
    known->slots = pages_alloc(bytes_of(known));
    return known->slots ? 0 : -1;
}

void known_free(struct known *known)
{
    pages_free(known->slots, bytes_of(known));
    *known = (struct known){0};
}

void known_clear(struct known *known)
{
    if (known->count)
        memset(known->slots, 0, bytes_of(known));
    known->count = 0;
    known->full = false;
}

/* Two keys are taken for one if they agree in 25 bits of their hashes and in where they are looked
 * for: among a million keys that happens once in 60 tables. */
uint8_t known_note(struct known *known, uint64_t hash, uint8_t bits)
{
    const uint32_t all = (1u << STATS_KNOWN_BITS) - 1;
    uint32_t *word, tag = (uint32_t)(hash >> 32) & ~all;
    uint32_t slot = (uint32_t)((hash & UINT32_MAX) * known->slot_count >> 32);
    while (*(word = &known->slots[slot]) != 0 && (*word & ~all) != tag)
        slot = slot + 1 < known->slot_count ? slot + 1 : 0;
    uint8_t before = *word & all;
    if (*word == 0 && known->count == known->max) {
        known->full = true;
        return 0;
    }
    known->count += *word == 0;
    *word = tag | before | bits;
    return before;
}
