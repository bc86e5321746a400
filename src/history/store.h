/*
 * The database: SQLite, in WAL mode, so that readers and the writer do not wait for each other.
 *
 *     record(what, kind, stream, start, data)   kind: enum history_kind; start: Unix milliseconds;
 *                                               stream: 0 is all; what, data: history/record.h
 *     stream(id, name)
 *     meta(name, value)                         the key of the hashes
 *
 * A portion is added to the roll-ups of its minute, its hour and its day at once, in one
 * transaction: they are always complete, however the program ends.
 */
#ifndef SPILE_HISTORY_STORE_H
#define SPILE_HISTORY_STORE_H

#include "history/history.h"
#include "history/record.h"

struct store_kind {
    const char *name;
    int64_t ms;
};
extern const struct store_kind store_kinds[HISTORY_KINDS];
/* The beginning of the span of that kind that a moment lies in. */
int64_t store_start(enum history_kind kind, int64_t ms);

enum store_status {
    STORE_FINE,
    STORE_TROUBLE, /* what may pass: full, busy, no permission, an I/O error */
    STORE_BROKEN,  /* this is no database, or a damaged one */
};

/* For writing. Owner: one thread at a time. */
struct store;

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
/* Deletes some of the records that are too old, or that make the database too large; call it again
 * for the rest. */
enum store_status store_trim(struct store *store, const struct history_settings *settings,
                             int64_t now_ms, struct error *err);
enum store_status store_commit(struct store *store, struct error *err);
/* Moves what was committed from the log to the database's file: may take its time. */
enum store_status store_checkpoint(struct store *store, struct error *err);

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
 * clock_ns() is past `until_ns`. */
enum store_status reader_begin(struct reader *reader, uint64_t until_ns, struct error *err);
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

#endif
