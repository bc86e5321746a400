#include "out/seen.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Fresh memory is resident only where it is used. */
static void begin(struct seen *seen)
{
    free(seen->slots);
    seen->slots = calloc(SEEN_SLOTS, sizeof *seen->slots);
    seen->count = 0;
    memset(&seen->sketch, 0, sizeof seen->sketch);
}

void seen_init(struct seen *seen)
{
    pthread_mutex_init(&seen->lock, NULL);
    seen->slots = NULL;
    begin(seen);
}

void seen_free(struct seen *seen)
{
    free(seen->slots);
    pthread_mutex_destroy(&seen->lock);
}

static void insert(struct seen *seen, uint64_t hash)
{
    size_t at = hash % SEEN_SLOTS;
    while (seen->slots[at] != 0 && seen->slots[at] != hash)
        at = (at + 1) % SEEN_SLOTS;
    seen->count += seen->slots[at] == 0;
    seen->slots[at] = hash;
}

static bool is_exact(const struct seen *seen)
{
    return seen->slots && seen->count <= SEEN_EXACT;
}

void seen_add(struct seen *seen, uint64_t hash)
{
    pthread_mutex_lock(&seen->lock);
    hll_add(&seen->sketch, hash);
    if (is_exact(seen))
        insert(seen, hash ? hash : 1);
    pthread_mutex_unlock(&seen->lock);
}

uint64_t seen_take(struct seen *seen)
{
    pthread_mutex_lock(&seen->lock);
    uint64_t number = is_exact(seen) ? seen->count : (uint64_t)llround(hll_estimate(&seen->sketch));
    begin(seen);
    pthread_mutex_unlock(&seen->lock);
    return number;
}
