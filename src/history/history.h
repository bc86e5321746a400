/*
 * History: roll-ups of the statistics in SQLite, per minute, hour and day, and in memory the last
 * quarter of an hour by seconds. One thread follows the snapshots (stats_wait), another writes; a
 * broken or full disk is reported, counted and tried again, and never hurts collection.
 */
#ifndef SPILE_HISTORY_HISTORY_H
#define SPILE_HISTORY_HISTORY_H

#include "base/buf.h"
#include "base/error.h"
#include "stats/stats.h"

struct history;

/* Of the first kinds the time to keep is chosen; weeks and months are of top lists alone, made of
 * days, and kept as long as these. */
enum history_kind {
    HISTORY_MINUTES,
    HISTORY_HOURS,
    HISTORY_DAYS,
    HISTORY_KINDS,
    HISTORY_WEEKS = HISTORY_KINDS,
    HISTORY_MONTHS,
    HISTORY_ALL_KINDS
};

/* The section `history`; rows: history_section in history/section.c. */
struct history_settings {
    char *path;                      /* the database; NULL: only what is in memory */
    uint64_t keep_ns[HISTORY_KINDS]; /* how long each kind of roll-up is kept */
    uint64_t top;                    /* rows of each table in a roll-up, by each measure */
    uint64_t write_every_ns;
    uint64_t size_max; /* bytes of the database; 0: as large as it gets */
};

/* Opens or makes the database. A broken one is set aside (renamed) with a warning; one that cannot
 * be opened is tried again later, with a warning, too. The key of the hashes that the database
 * holds, or a fresh one, is in *key: what stats_options wants. NULL: err, no memory. */
struct history *history_open(const struct history_settings *settings, struct siphash_key *key,
                             struct error *err);
/* Any thread: from now on it goes by these, but for the path, which stays. What is to go by them
 * goes at once. */
void history_change(struct history *history, const struct history_settings *settings);
/* Windows may be asked for from here on. */
int history_start(struct history *history, struct stats *stats, struct error *err);
/* Writes what has begun, and ends the threads. */
void history_stop(struct history *history);
void history_close(struct history *history);

/*
 * What came in a window, on both sides, as a snapshot: counters, distinct numbers and latencies of
 * its streams are those of the window, rates those of now; from_ms, to_ms and seconds tell how far
 * it really reaches. It has what stats_take has, if the follower has seen that within moments; else
 * what it has seen last. Where tables got more meanwhile its version is none that they have
 * (stats_is_now): then counters and distinct numbers may differ. WINDOW_ALL: stats_take. With a
 * reference for the caller (stats_release); NULL: no memory. Any thread.
 */
const struct stats_snapshot *history_snapshot(struct history *history, enum stats_window_id window);
/* The same, and in `now` what there is since the start of the same moment, with a reference, too.
 */
const struct stats_snapshot *history_moment(struct history *history, enum stats_window_id window,
                                            const struct stats_snapshot **now);
/* What stats_top says, of a window, too, where lists are made of the largest rows of its parts:
 * errors and floors say what may be missing. How often each type or rcode came they do not know: of
 * those questions only they find anything that stats_measured makes others of. Free with
 * stats_answers_free. */
int history_top(struct history *history, const struct stats_scope *scope,
                const struct stats_question *questions, size_t count, size_t n,
                struct stats_answer *answers);
/* A window begins anew now, and with WINDOW_ALL all statistics, all windows among them. What is in
 * the database stays. Waits until that is done, for some seconds at most; false: then it has not
 * been, but will be. */
bool history_reset(struct history *history, enum stats_window_id window);

/* A question about a span of time. */
struct history_question {
    struct span stream;     /* absent: all */
    enum stats_side side;   /* what an older Spile wrote is of both together, on the client side */
    int64_t from_ms, to_ms; /* Unix milliseconds; to_ms 0: now */
    uint64_t step_ms;       /* 0: chosen so that there are at most 600 points */
    /* Of series: names or families between commas, "queries,rcode,latency.p99,heat"; absent: all.
     * What can be followed: history/series.h. */
    struct span series;
    struct span table; /* of tops: a table's name; absent: all */
    struct span by;    /* of tops: "hits", "nxdomain", ... (history/tops.h); absent: hits */
};

/*
 * Appends members of a JSON object: "side": "client", "step": ms, "from": ms, "to": ms, "seconds":
 * how long Spile was watching, "times": [...], "series": {"queries": [...], ...}, "heat": [[...],
 * ...], with null where nothing is known. Numbers are sums over a step that begins at its time; a
 * family has the members that occurred. `heat` has for each time how many latencies there were by
 * powers of two: up to 2^10 ns, up to 2^11, ..., without zeros at the end. Steps and beginnings are
 * rounded: seconds, minutes, hours and days (UTC) are not cut; the step grows when there would be
 * more than 1000, or just longer roll-ups are there. Any thread. -1: err. It is an error, too, when
 * waiting for others' answers and reading the database together take more than two seconds, be it
 * for a disk that does not answer.
 */
int history_series_json(struct history *history, const struct history_question *question,
                        struct buf *out, struct error *err);
/*
 * Appends the top lists over a span of time, of all streams together, as members: "side": "client",
 * "from": ms, "to": ms (from when to when the numbers are), "seconds": the time between, "by":
 * "hits", "floor": {"domains": ..., ...}, "domains": [{"name": ..., "value": ..., "error": ...,
 * "queries": ..., ...}, ...], ... The true value is at least `value` and at most `error` more; a
 * name that is not listed in full has at most `floor`. As above.
 */
int history_tops_json(struct history *history, const struct history_question *question, size_t n,
                      struct buf *out, struct error *err);

/* For the API and Prometheus. */
struct history_state {
    bool on_disk;
    bool healthy;
    uint64_t rows_written, write_errors, size_bytes;
    uint64_t waiting;  /* portions (minutes) that could not be written yet */
    uint64_t lost;     /* portions that had to be dropped */
    char problem[160]; /* the last one, or empty */
};
void history_state(struct history *history, struct history_state *state);

#endif
