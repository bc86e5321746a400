/*
 * What the closed parts of windows add up to. Counts of all streams are added up at once, and so
 * are sketches, for they are small; lists one by one when somebody asks for them. Sums are kept
 * until a part closes, lists as long as there is room for them. What somebody has asked for since
 * the last part closed is made again when the next one has, by who closes it: most who ask come
 * again, and only the first question takes longer.
 *
 * Whoever asks holds the windows' lock for reading, so that parts and sums stand still.
 */
#ifndef SPILE_HISTORY_SUMS_H
#define SPILE_HISTORY_SUMS_H

#include <pthread.h>

#include "history/counts.h"
#include "history/tops.h"
#include "history/wheel.h"

/* The counts of one stream on one side, or one of its sketches. */
struct small_sum {
    unsigned what;
    uint8_t name_len; /* of the stream; 0: all together */
    char name[STREAM_NAME_MAX];
    struct counts counts;
    struct buf sketch;         /* as bytes */
    uint64_t mark;             /* sketch_mark of it ... */
    uint16_t ranks[HLL_RANKS]; /* ... and how many of its registers have each rank */
};

/* Those of all, in the order of streams and kinds. */
struct small_sums {
    bool made, failed;
    struct small_sum *items;
    size_t count;
};

/* Which list. */
struct list_key {
    enum wheel_window window;
    unsigned what;      /* enum record_what, of a side */
    struct span stream; /* its name; empty: all together */
    size_t top;         /* rows by each rank */
};

struct list_sum {
    struct list_sum *next;
    struct list_key key;
    char name[STREAM_NAME_MAX]; /* what key.stream is in */
    struct tops tops;           /* `failed`: something is missing */
    size_t bytes;
    unsigned users; /* who have it from sums_take */
    uint64_t used;  /* larger is later */
    bool asked;     /* by somebody */
};

/* Who asks has the windows' lock for reading, behind which both of these are taken, until he is
 * done with what he got; who has it for writing needs neither. */
struct sums {
    const struct wheel *wheel;
    struct siphash_key key;
    pthread_mutex_t making; /* one sum at a time, and of what follows; taken before `lock` */
    struct small_sums counts[WHEEL_WINDOWS], untold[WHEEL_WINDOWS], sketches[WHEEL_WINDOWS];
    bool asked[WHEEL_WINDOWS]; /* somebody has asked for these */

    pthread_mutex_t lock; /* of what follows, for moments */
    struct list_sum *first;
    size_t bytes, bytes_max; /* of lists: past it the oldest go, but none that is in use */
    uint64_t uses;

    /* What had been asked for when it was forgotten; of lists the keys. Without these locks: who
     * forgets makes again. */
    bool again[WHEEL_WINDOWS];
    struct list_sum *lists_again;
    unsigned lists_again_count;
};

void sums_init(struct sums *sums, const struct wheel *wheel, const struct siphash_key *key);
void sums_free(struct sums *sums);
/* Something else is in the windows now. With the windows' lock, for writing. */
void sums_forget(struct sums *sums);
/* Makes again what had been asked for, for windows that end at that moment. Who has made the sums
 * be forgotten; with the windows' lock, for reading. */
void sums_make_again(struct sums *sums, int64_t now_ns);

/* The counts, or the sketches, in a window that ends at that moment. */
const struct small_sums *sums_counts(struct sums *sums, enum wheel_window window, int64_t now_ns);
/* The counts of all streams together in those parts from which single streams have none
 * (wheel_known). */
const struct small_sums *sums_untold(struct sums *sums, enum wheel_window window, int64_t now_ns);
const struct small_sums *sums_sketches(struct sums *sums, enum wheel_window window, int64_t now_ns);
/* A list of the same; give it back with sums_give. NULL: no memory. */
const struct list_sum *sums_take(struct sums *sums, const struct list_key *key, int64_t now_ns);
void sums_give(struct sums *sums, const struct list_sum *sum);
/* A list of just some rows, taken before it is cut: not kept, the caller frees it. */
struct tops sums_part(const struct sums *sums, const struct list_key *key,
                      const struct tops_part *part, int64_t now_ns);

/* The counts of one portion; the caller frees them. */
struct small_sums small_sums_of(const struct portion *portion);
void small_sums_free(struct small_sums *sums);
/* NULL: nothing came. `stream` empty: all together. */
const struct small_sum *small_sums_find(const struct small_sums *sums, unsigned what,
                                        struct span stream);

#endif
