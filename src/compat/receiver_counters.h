/*
 * The counters of dnstap-receiver 4.7.0 by their names: `query/udp`, `response/nxdomain`,
 * `clients`. What /counters and /tables show, of one stream or of all.
 *
 * There a counter is a key in one of several maps, which are added up where they share a key: `-`
 * is both an rcode and a type without a name. TLDs, which may collide too (`query/mx`), are not
 * counters here, but rows of a table.
 */
#ifndef SPILE_COMPAT_RECEIVER_COUNTERS_H
#define SPILE_COMPAT_RECEIVER_COUNTERS_H

#include "compat/receiver_words.h"
#include "stats/snapshot.h"

/* Words with their counts, each word once; the largest count first, ties by number. */
struct receiver_tally {
    struct receiver_count {
        const struct receiver_word *word; /* in upper case, as formats print it */
        uint64_t value;
    } counts[128];
    size_t count;
};

/* Borrows the stream. */
struct receiver_counters {
    const struct stats_stream *stream;
    uint64_t domains;
    struct receiver_tally rcodes[STATS_DIRECTIONS];
    struct receiver_tally rrtypes[STATS_DIRECTIONS];
};

/* Of `snapshot->total` or one of its streams. A stream's `domains` are, with `last_direction`,
 * as 4.7.0 has them: of queries when the stream's last event was a query, else of responses. */
void receiver_counters_read(struct receiver_counters *counters,
                            const struct stats_snapshot *snapshot,
                            const struct stats_stream *stream, bool last_direction);

/* 0 when there is no such counter. */
uint64_t receiver_counters_get(const struct receiver_counters *counters, struct span name);

/* `query/` or `response/` is taken off the front of the name; false when it has neither. */
bool receiver_direction_cut(struct span *name, enum stats_direction *direction);

extern const char *const receiver_direction_names[STATS_DIRECTIONS];

#endif
