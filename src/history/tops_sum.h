/*
 * The sum of many top lists: what merging them one after the other (history/tops.h) would make,
 * with the same bounds, but in a time in proportion to their rows. Of the keys those are kept that
 * the wanted ranks list, and many more while lists still come.
 */
#ifndef SPILE_HISTORY_TOPS_SUM_H
#define SPILE_HISTORY_TOPS_SUM_H

#include "base/siphash.h"
#include "history/tops.h"

/* Owner: the caller's stack. Make it with tops_sum_of. */
struct tops_sum {
    const struct siphash_key *key; /* whoever chooses names knows nothing of it */
    size_t n;                      /* rows by each wanted rank */
    unsigned ranks;                /* bits, as for tops_cut_by */
    struct tops_part part;         /* other rows are passed over */
    struct tops list;              /* errors without the list's floors: these add to every row */
    uint32_t *slots;               /* hashed: a row's index, from 1 */
    size_t slot_count;
    struct tops read; /* the list that is being added */
};

static inline struct tops_sum tops_sum_of(const struct siphash_key *key, size_t n, unsigned ranks)
{
    return (struct tops_sum){.key = key, .n = n, .ranks = ranks};
}
/* Adds an encoded list. A damaged one is as if it were not there; false: no memory. */
bool tops_sum_add(struct tops_sum *sum, struct span bytes);
/* The sum, cut to n rows by each rank; the caller frees it, and `failed` says that something is
 * missing. The sum is freed. */
struct tops tops_sum_end(struct tops_sum *sum);

#endif
