/*
 * Counts: a number for each of some ids, out of very many possible ones (history/series.h). They
 * hold what came in a span of time for one stream; those of two spans add up.
 */
#ifndef SPILE_HISTORY_COUNTS_H
#define SPILE_HISTORY_COUNTS_H

#include "base/buf.h"

struct count {
    uint32_t id;
    uint64_t n;
};

/* Zeroed is empty. Ascending ids, no zeros. `failed`: memory was short, something is missing. */
struct counts {
    struct count *items;
    uint32_t len, max;
    bool failed;
};

void counts_free(struct counts *counts);
static inline void counts_clear(struct counts *counts)
{
    counts->len = 0;
    counts->failed = false;
}

/* Adds n to an id. Quick when ids come in ascending order. */
void counts_put(struct counts *counts, uint32_t id, uint64_t n);
void counts_add(struct counts *into, const struct counts *from);
/* 0 where there is none. */
uint64_t counts_get(const struct counts *counts, uint32_t id);
/* The first item whose id is at least `id`; `len` when there is none. */
uint32_t counts_from(const struct counts *counts, uint32_t id);

/* As bytes: for each item two varints, the distance to the id before and the number. */
void counts_encode(const struct counts *counts, struct buf *out);
/* What functions that read bytes return when they fail. */
enum { READ_DAMAGED = -1, READ_NO_MEMORY = -2 };

/* Adds encoded counts. 0, or READ_...: then nothing was added. */
int counts_decode(struct counts *into, struct span bytes);

#endif
