/*
 * The first keys of a window's table by several ranks at once: what lists are made of. (Questions
 * since the start have answers of their own: stats_top.)
 */
#ifndef SPILE_STATS_LEADERS_H
#define SPILE_STATS_LEADERS_H

#include "stats/stats.h"

/* What keys are ordered by. */
struct stats_rank {
    struct stats_question question; /* `by` and `measure` count; no types, no rcodes */
    uint64_t step;                  /* what one message may add to its value */
};

struct stats_ranks {
    const struct stats_rank *ranks;
    size_t count;
    size_t n; /* so many keys of each */
};

/* A key that is among the first by some rank. */
struct stats_leader {
    struct span text; /* for the call */
    struct stats_values values;
    uint64_t error;                  /* it may have so many more hits */
    const struct stats_tally *tally; /* for the call; NULL: the table has none */
};

struct stats_taker {
    void (*take)(void *ctx, const struct stats_leader *leader);
    void *ctx;
};

/* The memory that it takes, kept from one call to the next; zeroed is empty. Owner: the caller. */
struct leaders {
    struct leader_row *rows; /* the keys of the scope */
    uint64_t *numbers;
    bool *marks;
    uint32_t *slots;             /* open addressing: row + 1, by hash */
    struct stats_tally *tallies; /* of all rows, where the table has them */
    size_t max, slots_max, tallies_max;
};
void leaders_free(struct leaders *leaders);

/* Gives the first keys of the scope (whose window does not count), each once, in no order. A
 * rank's floor is what a key has at most that was not given. -1: no memory. */
int stats_window_leaders(struct leaders *leaders, const struct stats_window *window,
                         const struct stats_scope *scope, enum stats_table_id table,
                         const struct stats_ranks *ranks, uint64_t *floors,
                         const struct stats_taker *taker);

#endif
