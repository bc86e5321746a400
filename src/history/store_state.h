/* What the parts of the database's writing side share: store.c, trim.c, roll.c. */
#ifndef SPILE_HISTORY_STORE_STATE_H
#define SPILE_HISTORY_STORE_STATE_H

#include <sys/stat.h>

#include "history/sql.h"

enum {
    LOG_BYTES = 4 << 20, /* the longest that the log's file is left */
    ROW_BYTES = 48,      /* what a record takes beside its data, about */
};

enum statement {
    FIND_STREAM,
    ADD_STREAM,
    FIND_RECORD,
    PUT_RECORD,
    TRIM,
    TRIM_STREAMS,
    OLDEST,
    NEWEST,
    LATEST,
    SIZES,
    NEXT_DAY,
    EACH_DAY,
    FIND_META,
    PUT_META,
    STATEMENTS
};

struct store {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    char *path;
    struct stat file; /* that was opened */
    /* Bytes of the records of each kind: counted when they are first asked for, kept up from then
     * on, counted anew after a transaction that was undone. */
    bool sizes_known;
    uint64_t sizes[HISTORY_ALL_KINDS];
    int64_t rolled_ms[HISTORY_ALL_KINDS]; /* weeks and months before have been made */
    struct siphash_key key;
};

/* Where a record is. */
struct store_place {
    unsigned what;
    enum history_kind kind;
    int64_t stream, start_ms;
};
/* Puts a record in the place of one of `replaced` bytes; 0: of none. A result code. */
int store_put_record(struct store *store, const struct store_place *place, struct span bytes,
                     size_t replaced);

enum store_status store_fail(struct store *store, int code, struct error *err);
/* The same, and the transaction is undone. */
enum store_status store_undo(struct store *store, int code, struct error *err);

#endif
