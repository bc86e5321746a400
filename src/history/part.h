/* The portion of a span of time: what the statistics gathered in it. */
#ifndef SPILE_HISTORY_PART_H
#define SPILE_HISTORY_PART_H

#include "history/record.h"
#include "stats/leaders.h"

/* What a portion is made with. */
struct part_options {
    const struct siphash_key *key;         /* of the hashes */
    size_t top;                            /* rows of each list by each rank */
    const struct stats_snapshot *snapshot; /* of the window's end: whose streams these are */
};

/* Puts lists and sketches of a window into the portion of its span: of all streams, and where there
 * are several of each. */
void part_put_window(struct portion *portion, const struct stats_window *window,
                     const struct part_options *options);
/* The list (into an empty one) of one scope's table. */
void part_tops(struct leaders *leaders, const struct stats_window *window,
               const struct stats_scope *scope, enum stats_table_id table, size_t top,
               struct tops *tops);

#endif
