/* What replies about statistics have in common. */
#ifndef SPILE_API_STATISTICS_H
#define SPILE_API_STATISTICS_H

#include "api/scope.h"

#define API_STREAM_PARAMETER                                                                       \
    {                                                                                              \
        "stream", "string", "Identity of a stream; absent: all together."                          \
    }

/* Members that tell of the snapshot a reply was made from, and of the part of it. */
#define API_SNAPSHOT_SHAPE                                                                         \
    API_SCOPE_SHAPE                                                                                \
    ", streams-from: time (single streams have what came then or later: where memory is short, "   \
    "windows forget theirs first), distinct-from: time (the same of their tables and of how many " \
    "different names and addresses each of them had)"                                              \
    ", time: time, since: time (the start or the last reset), "                                    \
    "exact: bool (nothing was left out of any table so far), tables-exact: Exact, "                \
    "one-moment: bool (names, addresses and how many there are go with the counters; false: "      \
    "a worker or the merging were too busy, and they may lag or lead by a second), "               \
    "malformed: int (frames that are no dnstap messages), "                                        \
    "unlisted: int (events that are counted but missing in tables), "                              \
    "other-streams: int (events of streams without a place, in the total alone), "                 \
    "other-identities: int (how many of these there were, about), "                                \
    "places: int (for streams with statistics of their own)"
void api_put_snapshot(struct json *j, const struct stats_snapshot *snapshot,
                      const struct api_scope *scope);

/* Members of a stream: "rates", "distinct" and "distinct-exact", a quantile of its latency in
 * seconds, and "left-out", the latencies that are none. */
void api_put_rates(struct json *j, const struct stats_stream *stream);
void api_put_distinct(struct json *j, const struct stats_distinct *distinct);
void api_put_quantile(struct json *j, const char *key, const uint64_t *latency, double q);
void api_put_left_out(struct json *j, const struct stats_counters *counters);
/* "clock-tick" and "clock-coarse". */
void api_put_clock(struct json *j, const struct stats_stream *stream);
/* "event-times". */
void api_put_event_times(struct json *j, const struct stats_times *times);

/* A member with the shape Direction; and "latency": how many, their mean and quantiles. */
void api_put_direction(struct json *j, const char *key, const struct stats_counters *counters,
                       enum stats_direction which);
void api_put_quantiles(struct json *j, const struct stats_counters *counters);
/* "retries" and "latency" of a server. */
void api_put_tally(struct json *j, const struct stats_tally *tally);
/* "rcodes". */
void api_put_rcodes(struct json *j, const struct stats_direction_counters *direction);
/* How many keys a table has, and what one may have that is not among its rows: "keys",
 * "keys-exact", "floor". */
void api_put_keys(struct json *j, const struct stats_answer *answer);
/* A row of a table, by what has that unit. */
void api_put_row(struct json *j, const struct stats_top *row, const struct stats_unit *unit);
void api_put_row_members(struct json *j, const struct stats_top *row,
                         const struct stats_unit *unit);

/* The name of the i-th counter of response codes; the last is "other". */
struct api_code api_rcode_counter(unsigned i);

/* Walks the counters of types: zero it, then call until it returns false. */
struct api_type_counter {
    struct api_code name;
    uint64_t count[STATS_DIRECTIONS];
    unsigned next; /* private */
};
bool api_type_next(const struct stats_counters *counters, struct api_type_counter *type);

#endif
