/*
 * What is known of keys whatever their stream: a key that two streams have has a row in each, and
 * counts once among all. It is asked while the tables have left nothing out, and has room for every
 * key that they may have until then.
 */
#ifndef SPILE_STATS_KNOWN_H
#define SPILE_STATS_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STATS_KNOWN_BITS = 7,  /* of a key */
    STATS_KNOWN_BYTES = 5, /* what a key takes */
};

/* Owner: the statistics' thread. Zeroed: nothing fits. */
struct known {
    uint32_t *slots; /* open addressing: bits of the hash, and the key's own below them */
    uint32_t slot_count, count, max;
    bool full; /* a key found no room: from then on nobody knows how many there were */
};

/* Room for `keys`, of which what is never used costs nothing. -1: no memory. */
int known_init(struct known *known, size_t keys);
void known_free(struct known *known);
void known_clear(struct known *known);
/* Notes some of the bits, at least one, for a key, and returns those that it had before. Where it
 * has no room it is `full`. */
uint8_t known_note(struct known *known, uint64_t hash, uint8_t bits);

#endif
