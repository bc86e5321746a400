/*
 * Statistics. Workers count into shards of their own (stats/shard.c); the statistics' thread takes
 * the shards once a second, when somebody asks, or when one is full, merges them into tables and
 * counters of fixed size, and publishes a snapshot. No lock is on the data path.
 */
#ifndef SPILE_STATS_STATS_H
#define SPILE_STATS_STATS_H

#include "base/error.h"
#include "base/siphash.h"
#include "core/observer.h"
#include "stats/distinct.h"
#include "stats/measure.h"
#include "stats/snapshot.h"
#include "stats/tally.h"

struct stats;
struct engine;

/* The section `statistics` of the configuration; rows: statistics_section in stats/section.c. */
struct stats_settings {
    uint64_t memory; /* of all statistics, bytes; the program itself needs some 30 MB more */
    uint64_t
        streams; /* identities that have statistics of their own, if there is memory for them */
    bool before_stages; /* counts what comes to the configured stages, not what they leave */
};
enum { STATS_STREAMS_MAX = 4096 };
/* True when the memory is not for so many streams; err says for how many, and what to do. */
bool stats_short(const struct stats_settings *settings, struct error *err);

struct stats_options {
    struct stats_settings settings;
    const struct stats_reader *reader;
    unsigned workers;              /* engine_worker_count */
    const struct siphash_key *key; /* of the hashes; NULL: a fresh one */
    bool patient; /* all inputs are files, which can wait: the tables leave no event out */
};

/* Has all that other threads read: they may look from here on. */
struct stats *stats_new(const struct stats_options *options, struct error *err);
/* For the engine. Good as long as the statistics. */
struct observer stats_observer(struct stats *stats);
/* Starts the thread that collects; the engine must outlive stats_stop. */
int stats_start(struct stats *stats, struct engine *engine, struct error *err);
/* No worker calls the observer any more, though the engine runs: then stats_stop has all. */
void stats_leave(struct stats *stats);
/* Ends the thread. When the workers have ended, or left, everything that they saw is in the last
 * snapshot. Wakes stats_wait for good. */
void stats_stop(struct stats *stats);
void stats_free(struct stats *stats);

/* What is asked about: one stream or all, what it was asked or what it asked others, and when. */
struct stats_scope {
    int stream; /* id of a snapshot's stream, or STATS_ALL */
    enum stats_side side;
    enum stats_window_id window;
};
/* "client", "upstream"; STATS_SIDES when no side has that name. */
const char *stats_side_name(enum stats_side side);
enum stats_side stats_side_parse(struct span name);
/* "all", "1m", "5m", "1h", "1d"; STATS_WINDOWS when no window has that name. */
const char *stats_window_name(enum stats_window_id window);
enum stats_window_id stats_window_parse(struct span name);

/* The latest snapshot, with a reference for the caller; never NULL. Tables have what it counts, and
 * so have its distinct numbers: where need be it is made now, as stats_fresh does, for which a
 * worker that is busy is given half a second; `whole` says whether that was enough. */
const struct stats_snapshot *stats_take(struct stats *stats);
/* True when the tables are those of the snapshot of that version. If they are so after somebody has
 * read them, all that was read is of the snapshot's moment. Any thread. */
bool stats_is_now(struct stats *stats, uint64_t version);
void stats_release(const struct stats_snapshot *snapshot);
/* The same, but made now. It has all that was seen by workers which have ended or which answer
 * within a tenth of a second, or half of one where tables wait for them; callers at the same moment
 * share one. Waits for a second at most and
 * then returns the latest. NULL before stats_start. */
const struct stats_snapshot *stats_fresh(struct stats *stats);
/* Waits until there is a snapshot later than `generation`, because a second has ended, the numbers
 * were reset, somebody wanted one or tables are looked at and got something, for at most
 * timeout_ns; then as stats_take. NULL: none came, or the statistics have stopped (then
 * stats_stopped). Any thread. */
const struct stats_snapshot *stats_wait(struct stats *stats, uint64_t generation,
                                        uint64_t timeout_ns);
bool stats_stopped(struct stats *stats);

/* Forgets all numbers, but not the streams. Waits until there is a snapshot without them. */
void stats_reset(struct stats *stats);

enum stats_table_id {
    TABLE_DOMAINS, /* query names */
    TABLE_REGISTRABLE,
    TABLE_TLDS,
    TABLE_CLIENTS,
    TABLE_SERVERS,
    STATS_TABLES
};

enum stats_by {
    BY_MEASURE, /* measure */
    BY_MEAN,    /* mean latency; rows with at least 1 timed response */
    BY_RCODE,   /* TABLE_DOMAINS: hits of `direction` with `code` for rcode */
    BY_QTYPE,   /* TABLE_DOMAINS: hits of `direction` with `code` for type */
    BY_HITS,    /* queries and responses */
    BY_BYTES,   /* their bytes */
};

/* What is asked of a table. */
struct stats_question {
    enum stats_table_id table;
    enum stats_by by;
    enum stats_measure measure;
    enum stats_direction direction;
    uint32_t code; /* STATS_NO_QTYPE, STATS_NO_RCODE: what had none */
    /* Optional, instead of `code`: how often a hit of that type and rcode counts, 0 to 2
     * (dnstap-receiver's `-` is what has no name, be it the type, the rcode or both). */
    unsigned (*weight)(uint16_t qtype, uint16_t rcode);
    /* Optional: only keys whose text is this domain or below it; lower case, with final dot. */
    struct span under;
    struct span contains; /* optional: only keys whose text has this in it; in lower case */
};

/* True when there is no part that the text must have, or it has it. */
bool stats_contains(struct span text, struct span part);

/* The same question by a measure, where one counts just that. Of windows nothing but measures is
 * known: the others are BY_RCODE or BY_QTYPE still. */
struct stats_question stats_measured(const struct stats_question *question);
/* What a question counts of a row's values; of those by rcode and type what that cannot exceed. */
uint64_t stats_value(const struct stats_values *values, const struct stats_question *question);
/* True when a name as text is the domain or below it, both in lower case: where the domain begins a
 * label must. The root has all below it, and so has nothing at all. */
bool stats_is_under(struct span name, struct span domain);
/* The distinct number that counts a table's keys. */
enum stats_distinct_id stats_table_distinct(enum stats_table_id table);

/* One row of the answer. */
struct stats_top {
    uint64_t value; /* what was asked for; the mean in microseconds */
    uint64_t error; /* the true value may be larger by so much */
    uint64_t key;   /* no other text of these statistics has it, as good as surely; 0: not known */
    struct stats_values values;
    uint16_t text_len;
    char text[SAMPLE_TEXT_MAX + 1]; /* name or address, terminated; "-" for no address */
};

struct stats_answer {
    struct stats_top *rows;      /* descending; ties in order of first appearance */
    struct stats_tally *tallies; /* one for each row; NULL: the table has none, but servers have */
    size_t count;
    size_t found;    /* keys that it counts something of, of which there may be more than n */
    bool found_all;  /* else there may be more of them */
    uint64_t keys;   /* different ones that have come in the scope; of windows: rows */
    bool keys_exact; /* else estimated, with a standard error of 0.8 % */
    uint64_t floor;  /* no key that is missing in the table has more hits than this */
};

/*
 * The `n` (at most STATS_TOP_MAX) largest rows for each of `count` questions, at once, since the
 * start (of windows: history_top). Nothing is found of a stream that has given up its place since.
 * Rows with the value 0 are left out. Any thread; looks at every row of the tables asked, some
 * milliseconds at most. -1: no memory. Free with stats_answers_free.
 */
enum { STATS_TOP_MAX = 10000 };
int stats_top(struct stats *stats, const struct stats_scope *scope,
              const struct stats_question *questions, size_t count, size_t n,
              struct stats_answer *answers);
void stats_answers_free(struct stats_answer *answers, size_t count);

/* A key that came first lately. */
struct stats_new {
    struct stats_top row; /* what it has since; by hits */
    uint64_t first_ns;    /* clock_ns: no earlier it came, and mostly in ten seconds from then */
};

struct stats_news {
    struct stats_new *rows; /* the newest first */
    size_t count;
    uint64_t found;   /* keys that are new, of which there may be more than rows */
    bool found_all;   /* else there may be more of them: not every row was looked at */
    uint64_t from_ns; /* clock_ns since when they are */
    uint64_t floor;   /* what has no row has at most so many hits */
};

/*
 * The keys of a table that came first since a moment (clock_ns, an hour ago at the most), or in ten
 * seconds before that; where nobody counted yet then, since the statistics' begin. At most `n`
 * rows. A key that had come before and was evicted meanwhile is new: of one whose row has an error
 * nobody knows. One of a stream is new if it has not come in that stream. What is new is told by
 * when the history takes windows; without it all is new since the begin. Any thread. -1: no memory.
 * Free with stats_news_free.
 */
int stats_news(struct stats *stats, const struct stats_scope *scope, enum stats_table_id table,
               uint64_t since_ns, size_t n, struct stats_news *news);
void stats_news_free(struct stats_news *news);

/* Names for users and parsers: "domains", "registrable", ...; NULL behind the last. */
const char *stats_table_name(enum stats_table_id table);
const char *stats_measure_name(enum stats_measure measure);

/* The key that names and addresses are hashed with. Who keeps sketches keeps it with them, so that
 * they can be merged after a restart. */
struct siphash_key stats_key(const struct stats *stats);
/* How events become samples here, and keys text. */
const struct stats_reader *stats_get_reader(const struct stats *stats);

/*
 * What came lately, for what keeps statistics by spans of time (history): tables and sketches of
 * what came since somebody took them last. The tables above cannot tell: a name that is asked a
 * thousand times this minute may be far from the top since the start. A reset empties them.
 */
struct stats_window;
/* Bytes of `statistics: memory` that are for who keeps that. */
size_t stats_windows_memory(const struct stats *stats);
/* What came since the last call up to a snapshot (NULL: up to now), unchanging from here on; the
 * next window begins with what came after the snapshot. Good after stats_stop, too. One thread at a
 * time. NULL: it has more by now (stats_is_now), or there is no memory; the window goes on. */
struct stats_window *stats_window_take(struct stats *stats, const struct stats_snapshot *of);
/* Adds what it has to what came before, some rows at a time: what is known since the start is the
 * same before, meanwhile and after. To be called once, without locks that others wait for. Then the
 * window is the caller's own. */
void stats_window_fold(struct stats *stats, struct stats_window *window);
/* Gives back memory that the window, which has been folded, does not need any more, and makes the
 * rows of each stream quick to find. Nobody may look at it meanwhile. */
void stats_window_seal(struct stats_window *window);
void stats_window_free(struct stats_window *window);
/* The window that runs, which stands still until stats_window_leave: for moments. It has what the
 * workers have handed over: stats_take sees to that. */
const struct stats_window *stats_window_enter(struct stats *stats);
void stats_window_leave(struct stats *stats);
/* The keys of single streams in the window that runs, at one moment: for who asks for sketches of
 * many. NULL: no memory. */
struct stats_window_keys;
struct stats_window_keys *stats_window_keys(struct stats *stats);
void stats_window_keys_free(struct stats_window_keys *keys);
/* As stats_window_sketch, of one stream, into a sketch that has so many registers of each rank. */
bool stats_window_keys_add(const struct stats_window_keys *keys, const struct stats_scope *scope,
                           enum stats_distinct_id which, struct hll *sketch,
                           uint16_t ranks[HLL_RANKS]);

/* The first keys of its tables: stats/leaders.h. */
/* Adds the keys of a scope to a sketch. Of a single stream those that tables still have are known.
 * False: there are none. */
bool stats_window_sketch(const struct stats_window *window, const struct stats_scope *scope,
                         enum stats_distinct_id which, struct hll *sketch);
/* Bits by enum stats_table_id: those of its tables that have evicted nothing. */
unsigned stats_window_exact(const struct stats_window *window);
/* False when nothing of that stream and side is in the tables. */
bool stats_window_has(const struct stats_window *window, const struct stats_scope *scope);

#endif
