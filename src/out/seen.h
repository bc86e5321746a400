/*
 * How many different keys came since last asked: exact up to a quarter of a million, estimated
 * beyond (HyperLogLog). Memory is bounded, and goes back when the number is taken.
 */
#ifndef SPILE_OUT_SEEN_H
#define SPILE_OUT_SEEN_H

#include <pthread.h>

#include "stats/hll.h"

enum { SEEN_SLOTS = 1 << 19, SEEN_EXACT = SEEN_SLOTS / 2 };

/* Any thread may add and take. */
struct seen {
    pthread_mutex_t lock;
    uint64_t *slots; /* open addressing; 0: free. NULL: no memory, all is estimated */
    uint32_t count;
    struct hll sketch; /* of all */
};

void seen_init(struct seen *seen);
void seen_free(struct seen *seen);
/* The hash must be keyed and of full 64-bit quality. */
void seen_add(struct seen *seen, uint64_t hash);
/* Returns the number of different keys, and begins again with none. */
uint64_t seen_take(struct seen *seen);

#endif
