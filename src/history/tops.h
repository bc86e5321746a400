/*
 * Top lists of a span of time. A list holds the first keys by each of several ranks, with all their
 * values; each rank's floor says what a key that is not listed may have at most.
 *
 * Two lists of different spans merge as Agarwal and others (Mergeable Summaries, 2012) have it: a
 * key that only one of them lists may have had up to the other's floor there, which becomes part of
 * its error; floors add up. So for every listed key, after any number of merges and cuts,
 *
 *     value <= true value <= value + error,    and of one that is not listed: true value <= floor.
 *
 * The slowest answer has neither error nor floor: it merges by maximum.
 */
#ifndef SPILE_HISTORY_TOPS_H
#define SPILE_HISTORY_TOPS_H

#include "base/buf.h"
#include "stats/stats.h"

/* Names and what they ask of the statistics: tops_ranks. The first TOPS_BOUNDED have errors; these
 * have their numbers in databases, too, which are never changed. */
enum tops_rank {
    TOPS_HITS, /* queries and responses */
    TOPS_NXDOMAIN,
    TOPS_FAILED,
    TOPS_BYTES,
    TOPS_SERVFAIL, /* lists that were written before there were these say nothing of them */
    TOPS_REFUSED,
    TOPS_NODATA,
    TOPS_BOUNDED,
    TOPS_SLOWEST = TOPS_BOUNDED,
    TOPS_RANKS
};

struct tops_rank_row {
    const char *name, *doc;
    enum stats_by by;
    enum stats_measure measure; /* with BY_MEASURE */
    const struct stats_unit *unit;
    uint64_t step; /* what one message may add */
};
extern const struct tops_rank_row tops_ranks[TOPS_RANKS];
/* -1: no such rank. */
int tops_rank_find(struct span name);

struct tops_row {
    uint32_t text_at, text_len; /* in `text` of the list */
    struct stats_values values;
    uint64_t error[TOPS_BOUNDED];
    uint32_t tally; /* of a server: its number + 1 in `tallies` of the list; 0: it has none */
};

/* Zeroed is empty: nothing came. Rows in the order of their texts' bytes, each text once. */
struct tops {
    struct tops_row *rows;
    uint32_t len, max;
    struct buf text;
    struct stats_tally *tallies;
    uint32_t tally_count, tally_max;
    uint64_t floor[TOPS_BOUNDED];
    bool failed; /* memory was short */
};

void tops_free(struct tops *tops);
/* Empties the list and keeps its memory. */
void tops_clear(struct tops *tops);
/* One more row behind the last, of a text that is not empty; NULL: no memory. Of errors and values
 * the caller takes care. */
struct tops_row *tops_append(struct tops *tops, struct span text);
/* Puts the rows in the order of their texts, each text once. */
void tops_sort(struct tops *tops);
static inline struct span tops_text(const struct tops *tops, const struct tops_row *row)
{
    return span_of(tops->text.data + row->text_at, row->text_len);
}
/* NULL: the row has none. */
static inline const struct stats_tally *tops_tally(const struct tops *tops,
                                                   const struct tops_row *row)
{
    return row->tally ? &tops->tallies[row->tally - 1] : NULL;
}
/* Adds to the row's tally; NULL adds nothing. Without memory the list has `failed`. */
void tops_tally_add(struct tops *tops, struct tops_row *row, const struct stats_tally *tally);
uint64_t tops_value(const struct stats_values *values, enum tops_rank rank);

/* Merges two lists as said above; which span was earlier makes no difference. */
void tops_merge(struct tops *into, const struct tops *from);
/* Keeps only the first n rows by each rank. */
void tops_cut(struct tops *tops, size_t n);
/* The same by some ranks, each a bit: 1 << TOPS_HITS, ... */
enum { TOPS_ALL_RANKS = (1 << TOPS_RANKS) - 1 };
void tops_cut_by(struct tops *tops, size_t n, unsigned ranks);
/* Which rows are wanted, by their text: as in stats_question; absent: all. */
struct tops_part {
    struct span under, contains;
};
static inline bool tops_part_is_all(const struct tops_part *part)
{
    return part->under.len == 0 && part->contains.len == 0;
}
static inline bool tops_is_in(struct span text, const struct tops_part *part)
{
    return stats_is_under(text, part->under) && stats_contains(text, part->contains);
}
/* Forgets all other rows. */
void tops_keep(struct tops *tops, const struct tops_part *part);
/* Pointers to the first n rows by a rank, descending; rows without any value are left out. NULL:
 * no memory. The caller frees the array. */
const struct tops_row **tops_first(const struct tops *tops, enum tops_rank rank, size_t *n);

/* As bytes, compressed. */
void tops_encode(const struct tops *tops, struct buf *out);
/* Into an empty list. READ_... (history/counts.h): the list is empty then. */
int tops_decode(struct tops *tops, struct span bytes);

#endif
