/*
 * What the closed parts of windows add up to. Counts of all streams are added up at once, for they
 * are small; lists and sketches one by one when somebody asks for them. Sums are kept until a part
 * closes, as many as there is room for: so only the first question in ten seconds takes longer.
 *
 * Whoever asks holds the windows' lock for reading, so that parts and sums stand still.
 */
#ifndef SPILE_HISTORY_SUMS_H
#define SPILE_HISTORY_SUMS_H

#include <pthread.h>

#include "history/counts.h"
#include "history/tops.h"
#include "history/wheel.h"

/* The counts of one stream on one side. */
struct counts_of {
    unsigned what;
    uint8_t name_len; /* of the stream; 0: all together */
    char name[STREAM_NAME_MAX];
    struct counts counts;
};

/* Those of all, in the order of streams and sides. */
struct counts_sum {
    bool made, failed;
    struct counts_of *items;
    size_t count;
};

/* Which list or sketch. */
struct sum_key {
    enum wheel_window window;
    unsigned what;      /* enum record_what, of a side */
    struct span stream; /* its name; empty: all together */
    size_t top;         /* rows of a list by each rank */
};

/* A list or a sketch, by `what`. */
struct window_sum {
    struct window_sum *next;
    struct sum_key key;
    char name[STREAM_NAME_MAX]; /* what key.stream is in */
    bool failed;                /* memory was short: something is missing */
    struct tops tops;
    struct sketch sketch;
    size_t bytes;
    unsigned users; /* who have it from sums_take */
    uint64_t used;  /* larger is later */
};

struct sums {
    const struct wheel *wheel;
    struct siphash_key key;
    pthread_mutex_t making; /* one sum at a time; taken before `lock` */
    struct counts_sum counts[WHEEL_WINDOWS];
    pthread_mutex_t lock; /* of what follows */
    struct window_sum *first;
    size_t bytes, bytes_max; /* of lists and sketches that nobody uses: past it the oldest go */
    uint64_t uses;
};

void sums_init(struct sums *sums, const struct wheel *wheel, const struct siphash_key *key);
void sums_free(struct sums *sums);
/* Something else is in the windows now. With the windows' lock, for writing. */
void sums_forget(struct sums *sums);

/* The counts in a window that ends at that moment. */
const struct counts_sum *sums_counts(struct sums *sums, enum wheel_window window, int64_t now_ns);
/* A list or sketch of the same; give it back with sums_give. NULL: no memory. */
const struct window_sum *sums_take(struct sums *sums, const struct sum_key *key, int64_t now_ns);
void sums_give(struct sums *sums, const struct window_sum *sum);
/* A list of just some rows, taken before it is cut: not kept, the caller frees it. */
struct tops sums_part(const struct sums *sums, const struct sum_key *key,
                      const struct tops_part *part, int64_t now_ns);

/* The counts of one portion; the caller frees them. */
struct counts_sum counts_sum_of(const struct portion *portion);
void counts_sum_free(struct counts_sum *sum);
/* NULL: nothing came. `stream` empty: all together. */
const struct counts *counts_sum_find(const struct counts_sum *sum, unsigned what,
                                     struct span stream);

#endif
