/* SQLite, a little shorter. Text and numbers are bound, never pasted into statements. */
#ifndef SPILE_HISTORY_SQL_H
#define SPILE_HISTORY_SQL_H

#include <sqlite3.h>

#include "base/error.h"
#include "base/span.h"
#include "history/store.h"

/* What a result code means. */
enum store_status sql_status(int code);
/* The connection's last error, as an error about the file. */
enum store_status sql_fail(sqlite3 *db, int code, const char *path, struct error *err);
/* One or more statements without results. */
int sql_run(sqlite3 *db, const char *text);
/* The first number that a statement gives. A result code: SQLITE_ROW when there is one. */
int sql_number(sqlite3 *db, const char *text, int64_t *number);

/* Binds the parameters from the first on, each by its letter: 'i' int64_t, 'b' struct span. */
void sql_bind(sqlite3_stmt *statement, const char *kinds, ...);
/* The bytes of a column, good until the next step. */
struct span sql_bytes(sqlite3_stmt *statement, int column);
/* Steps once more, or to the end, and makes the statement ready for the next time. SQLITE_OK, or
 * an error's code. */
int sql_finish(sqlite3_stmt *statement);

/* Prepares `count` statements. A result code. */
int sql_prepare(sqlite3 *db, const char *const *texts, sqlite3_stmt **statements, size_t count);
void sql_finalize(sqlite3_stmt **statements, size_t count);

#endif
