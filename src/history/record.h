/*
 * Records: what is kept of a span of time, as bytes. Two records of the same kind merge into the
 * one that would have been made of both spans together. A portion is the records of one span
 * together.
 */
#ifndef SPILE_HISTORY_RECORD_H
#define SPILE_HISTORY_RECORD_H

#include "history/tops.h"
#include "stats/hll.h"

/* Numbers in databases: never changed. */
enum record_what {
    RECORD_COUNTS = 0,   /* history/counts.h */
    RECORD_DISTINCT = 1, /* and on, by enum stats_distinct_id */
    RECORD_TOPS = 16,    /* and on, by enum stats_table_id: history/tops.h */
    RECORD_SIDE = 64,    /* what is of a side has so many more, times enum stats_side */
};
static inline unsigned record_of(unsigned what, enum stats_side side)
{
    return what + RECORD_SIDE * side;
}
/* The same of all sides. */
static inline unsigned record_kind(unsigned what)
{
    return what % RECORD_SIDE;
}

struct record {
    unsigned what;
    struct span stream; /* its name; empty: all streams together */
    struct span bytes;
};

/* Appends the merger of two records of the same kind. Top lists are cut to `top` rows by each rank.
 * One that is damaged counts as nothing; -1: both are, or there is no memory. */
int record_merge(unsigned what, struct span a, struct span b, size_t top, struct buf *out);

/* A sketch with a mark of the key that its hashes were made with. Sketches of different keys cannot
 * be merged: of two, the one with more in it then stands for both. */
struct sketch {
    uint64_t mark;
    struct hll hll;
};
uint64_t sketch_mark(const struct siphash_key *key);
void sketch_encode(const struct sketch *sketch, struct buf *out);
/* READ_... (history/counts.h): the sketch is untouched. */
int sketch_decode(struct sketch *sketch, struct span bytes);
void sketch_merge(struct sketch *into, const struct sketch *from);

/* What a portion still has of single streams. */
enum portion_has { PORTION_ALL, PORTION_COUNTS, PORTION_TOTAL };

/* Records one behind the other. */
struct portion {
    int64_t start_ms; /* Unix time of the span's beginning */
    uint64_t number;  /* of those that wait to be written, each one more than the one before */
    enum portion_has has;
    /* What it had of single streams and does not have any more: with PORTION_COUNTS all but their
     * counts, with PORTION_TOTAL these, too. */
    enum portion_has lacks;
    struct buf records;
};
void portion_put(struct portion *portion, unsigned what, struct span stream, struct span bytes);
/* Gives back the memory that it does not need, and forgets what is no longer wanted of single
 * streams. */
void portion_shrink(struct portion *portion, enum portion_has has);
/* Cuts all lists to so many rows by each rank. -1: no memory; it is as it was. */
int portion_cut(struct portion *portion, size_t top);
/* By stream, then by kind. */
int record_compare(const struct record *x, const struct record *y);
/* Where one stream sends alone, what all have is its own, and a portion has that once. Appends such
 * records as the stream's, on those of the sides, bits, where the portion has nothing but counts of
 * single streams. Of several, lists that say what their keys can have at most. */
void portion_imply(const struct portion *portion, unsigned sides, struct portion *implied);
/* The list of one stream (empty: of all) in a portion: its record, or what portion_imply makes, for
 * which `made`, that the caller frees, may be used. False: there is none. */
bool portion_find(const struct portion *portion, unsigned what, struct span stream,
                  struct buf *made, struct span *bytes);
/* Calls `take` for all sketches that a portion has or implies. */
void portion_sketches(const struct portion *portion,
                      void (*take)(void *ctx, const struct record *record), void *ctx);
/* The sum of two portions' records: as portion_merge, into an empty buffer. */
int portion_sum(const struct portion *a, const struct portion *b, size_t top, struct buf *out);
/* Adds another portion's records: those of the same kind and stream become one, in the order of
 * streams and kinds. -1: there was no memory, or something was damaged; that is missing then. */
int portion_merge(struct portion *portion, const struct portion *from, size_t top);
/* Begin with a cursor of all records' bytes. False at the end. */
bool portion_next(struct cursor *c, struct record *record);

#endif
