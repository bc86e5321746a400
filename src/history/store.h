/*
 * The database: SQLite, in WAL mode, so that readers and the writer do not wait for each other.
 *
 *     record(what, kind, stream, start, data)   kind: enum history_kind; start: Unix milliseconds;
 *                                               stream: 0 is all; what, data: history/record.h
 *     stream(id, name)
 *     meta(name, value)                         key: of the hashes; time: what the clock said last
 *                                               that was believed; written: struct store_mark;
 *                                               begun: when windows last began anew
 *
 * A portion is added to the roll-ups of its minute, its hour and its day at once, in one
 * transaction: they are always complete, however the program ends. Top lists of weeks and months
 * are made when these are over; from then on what still comes for them is added, so one that is
 * there is complete, too.
 */
#ifndef SPILE_HISTORY_STORE_H
#define SPILE_HISTORY_STORE_H

#include "history/history.h"
#include "history/kind.h"
#include "history/record.h"

enum store_status {
    STORE_FINE,
    STORE_TROUBLE, /* what may pass: full, busy, no permission, an I/O error */
    STORE_BROKEN,  /* this is no database, or a damaged one */
};

/* For writing. Owner: one thread at a time. */
struct store;

enum {
    LISTS_LONGER = 4, /* an hour and a day list so many times the rows of a minute */
};

/* Opens or makes the database, and brings its schema up to date. *key goes in as the one to use in
 * a new database and comes out as the one that it holds. Not FINE: *store is untouched. */
enum store_status store_open(const char *path, struct siphash_key *key, struct store **store,
                             struct error *err);
void store_close(struct store *store);
/* False: the file at the path is not the one that was opened. */
bool store_in_place(const struct store *store);

/* A transaction. After anything but FINE it has been undone. */
enum store_status store_begin(struct store *store, struct error *err);
/* Adds to the roll-ups; `top`: rows of a minute's lists by each rank. *rows: written so far. */
enum store_status store_add(struct store *store, const struct portion *portion, size_t top,
                            uint64_t *rows, struct error *err);
/* Which portions the database has, of one run of the program: all up to a number. */
struct store_mark {
    uint64_t run, number;
};
/* Says so in the same transaction. */
enum store_status store_put_mark(struct store *store, const struct store_mark *mark,
                                 struct error *err);
/* 0: none of that run. */
uint64_t store_mark_number(struct store *store, uint64_t run);

/* Makes some of the top lists of weeks and months that are over and have none yet; call it again
 * for the rest. `top`: as for store_add. */
enum store_status store_roll(struct store *store, int64_t now_ms, size_t top, struct error *err);

/* What is trimmed: see history/trim.c. */
struct store_limits {
    const struct history_settings *settings;
    int64_t now_ms;
    bool believed; /* the time; else nothing is too old */
};
/* Deletes some of the records that are too old, or that make the database too large, and gives
 * their room back to the disk; call it again for the rest. */
enum store_status store_trim(struct store *store, const struct store_limits *limits,
                             struct error *err);
/* True when the database is larger than it may be. */
bool store_is_over(struct store *store, const struct history_settings *settings);
enum store_status store_commit(struct store *store, struct error *err);
/* Moves what was committed from the log to the database's file, and empties the log if it is long:
 * may take its time. */
enum store_status store_checkpoint(struct store *store, const struct history_settings *settings,
                                   struct error *err);
/* Outside a transaction: has a database that an older Spile made give room back to the disk from
 * now on, which rewrites it. */
enum store_status store_convert(struct store *store, struct error *err);

/* The last time that was believed: what store_put_time put, else that of the newest minute, as far
 * as these can be times (history/kind.h): a damaged database may say anything. 0: there is none. */
int64_t store_time(struct store *store);
enum store_status store_put_time(struct store *store, int64_t ms, struct error *err);

/* When some windows began anew: Unix milliseconds, 0 where one has not, and where a damaged
 * database says what cannot be. */
void store_begun(struct store *store, int64_t *begun_ms, size_t count);
enum store_status store_put_begun(struct store *store, const int64_t *begun_ms, size_t count,
                                  struct error *err);

/* Renames a broken database and what belongs to it to PATH.broken-TIME, which is then in `to`
 * (`size` bytes). -1: err. */
int store_set_aside(const char *path, char *to, size_t size, struct error *err);
/* Bytes of the database and its log. */
uint64_t store_size(const char *path);

/* For reading, while somebody else writes. Owner: one thread at a time. */
struct reader;

enum store_status reader_open(const char *path, struct reader **reader, struct error *err);
void reader_close(struct reader *reader);
/* From here to reader_end the database is seen as it is now. Reading fails with STORE_TROUBLE once
 * clock_ns() is past `until_ns`. *mark: which portions it has. */
enum store_status reader_begin(struct reader *reader, uint64_t until_ns, struct store_mark *mark,
                               struct error *err);
void reader_end(struct reader *reader);

/* Which records are wanted, in order of time. */
struct reader_span {
    unsigned what;
    enum history_kind kind;
    struct span stream;     /* empty: all together */
    int64_t from_ms, to_ms; /* of their starts; to_ms is not in it */
};
/* Calls `take` for each; it ends with the first that returns false. */
enum store_status reader_each(struct reader *reader, const struct reader_span *span,
                              bool (*take)(void *ctx, int64_t start_ms, struct span bytes),
                              void *ctx, struct error *err);
/* The same of all records of a kind, of whatever sort and stream, in any order. */
enum store_status reader_records(struct reader *reader, const struct reader_span *span,
                                 void (*take)(void *ctx, int64_t start_ms,
                                              const struct record *record),
                                 void *ctx, struct error *err);
/* The start of the first record of that kind, of all streams together, from a moment on: INT64_MAX
 * when there is none. */
int64_t reader_next(struct reader *reader, unsigned what, enum history_kind kind, int64_t from_ms);

#endif
