/* Reading the database while it is written. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "history/sql.h"
#include "io/folder.h"

enum { BUSY_MS = 1000, STEPS = 10000 /* of SQLite's machine, between two looks at the clock */ };

enum reader_statement { BEGIN, LOOK, EACH_OF_ALL, EACH_OF_STREAM, EACH_RECORD, NEXT, STATEMENTS };

static const char *const texts[STATEMENTS] = {
    [BEGIN] = "BEGIN",
    [LOOK] = "SELECT max(value) FROM meta WHERE name = 'written'", /* a row in any case */
    [EACH_OF_ALL] = "SELECT start, data FROM record WHERE what = ?1 AND kind = ?2 AND stream = 0"
                    " AND start >= ?3 AND start < ?4 ORDER BY start",
    [EACH_OF_STREAM] = "SELECT start, data FROM record WHERE what = ?1 AND kind = ?2"
                       " AND start >= ?3 AND start < ?4"
                       " AND stream = (SELECT id FROM stream WHERE name = ?5) ORDER BY start",
    [EACH_RECORD] = "SELECT start, what, name, data FROM record LEFT JOIN stream ON stream = id"
                    " WHERE kind = ?1 AND start >= ?2 AND start < ?3",
    [NEXT] = "SELECT start FROM record WHERE what = ?1 AND kind = ?2 AND stream = 0"
             " AND start >= ?3 ORDER BY start LIMIT 1",
};

struct reader {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    char *path;
    uint64_t until_ns;
};

/* Called by SQLite now and then; true ends the statement. */
static int is_late(void *ctx)
{
    const struct reader *reader = ctx;
    return clock_ns() > reader->until_ns;
}

void reader_close(struct reader *reader)
{
    if (!reader)
        return;
    sql_finalize(reader->statements, STATEMENTS);
    sqlite3_close(reader->db);
    free(reader->path);
    free(reader);
}

static enum store_status fail(struct reader *reader, int code, struct error *err)
{
    if ((code & 0xff) == SQLITE_INTERRUPT) {
        error_set(err, "so much history takes too long to read: ask for less");
        return STORE_TROUBLE;
    }
    return sql_fail(reader->db, code, reader->path, err);
}

/* A path to the file without links, as the writer's. A FIFO, which whoever owns the folder may have
 * put there, would be waited for. */
static int find_file(const struct reader *reader, char path[PATH_MAX], struct error *err)
{
    struct folder folder;
    struct error why;
    struct stat file;
    if (folder_open(&folder, reader->path, &why))
        return error_set(err, "%.300s: %s", reader->path, why.text);
    int rc = folder_stat(&folder, &file) || folder_real_path(&folder, path) ? -1 : 0;
    if (rc)
        error_set(err, "%.300s: %s", reader->path, strerror(errno));
    else if (!S_ISREG(file.st_mode))
        rc = error_set(err, "%.300s: it is no regular file", reader->path);
    folder_close(&folder);
    return rc;
}

static enum store_status connect(struct reader *reader, struct error *err)
{
    const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    char path[PATH_MAX];
    if (find_file(reader, path, err))
        return STORE_TROUBLE;
    int code = sqlite3_open_v2(path, &reader->db, flags, NULL);
    if (code == SQLITE_OK) {
        sqlite3_extended_result_codes(reader->db, 1);
        sqlite3_busy_timeout(reader->db, BUSY_MS);
        sqlite3_progress_handler(reader->db, STEPS, is_late, reader);
        code = sql_run(reader->db, "PRAGMA trusted_schema = OFF");
    }
    if (code == SQLITE_OK)
        code = sql_prepare(reader->db, texts, reader->statements, STATEMENTS);
    return code == SQLITE_OK ? STORE_FINE : fail(reader, code, err);
}

enum store_status reader_open(const char *path, struct reader **reader, struct error *err)
{
    struct reader *opened = calloc(1, sizeof *opened);
    if (!opened || !(opened->path = strdup(path))) {
        free(opened);
        error_set(err, "no memory to read the history");
        return STORE_TROUBLE;
    }
    opened->until_ns = UINT64_MAX;
    enum store_status status = connect(opened, err);
    if (status == STORE_FINE)
        *reader = opened;
    else
        reader_close(opened);
    return status;
}

enum store_status reader_begin(struct reader *reader, uint64_t until_ns, struct store_mark *mark,
                               struct error *err)
{
    sqlite3_stmt *look = reader->statements[LOOK];
    reader->until_ns = until_ns;
    *mark = (struct store_mark){0};
    int code = sql_finish(reader->statements[BEGIN]);
    /* Not before it reads does a transaction stand still. */
    if (code == SQLITE_OK)
        code = sqlite3_step(look);
    struct span value = code == SQLITE_ROW ? sql_bytes(look, 0) : (struct span){0};
    if (value.len == sizeof *mark)
        memcpy(mark, value.ptr, sizeof *mark);
    sqlite3_reset(look);
    if (sql_status(code) == STORE_FINE)
        return STORE_FINE;
    enum store_status status = fail(reader, code, err);
    reader_end(reader);
    return status;
}

void reader_end(struct reader *reader)
{
    reader->until_ns = UINT64_MAX;
    if (!sqlite3_get_autocommit(reader->db))
        sql_run(reader->db, "ROLLBACK");
}

enum store_status reader_each(struct reader *reader, const struct reader_span *span,
                              bool (*take)(void *ctx, int64_t start_ms, struct span bytes),
                              void *ctx, struct error *err)
{
    bool all = span->stream.len == 0;
    sqlite3_stmt *statement = reader->statements[all ? EACH_OF_ALL : EACH_OF_STREAM];
    sql_bind(statement, all ? "iiii" : "iiiib", (int64_t)span->what, (int64_t)span->kind,
             span->from_ms, span->to_ms, span->stream);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (is_late(reader))
            code = SQLITE_INTERRUPT;
        if (code != SQLITE_ROW ||
            !take(ctx, sqlite3_column_int64(statement, 0), sql_bytes(statement, 1)))
            break;
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return sql_status(code) == STORE_FINE ? STORE_FINE : fail(reader, code, err);
}

enum store_status reader_records(struct reader *reader, const struct reader_span *span,
                                 void (*take)(void *ctx, int64_t start_ms,
                                              const struct record *record),
                                 void *ctx, struct error *err)
{
    sqlite3_stmt *statement = reader->statements[EACH_RECORD];
    sql_bind(statement, "iii", (int64_t)span->kind, span->from_ms, span->to_ms);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const struct record record = {
            .what = (unsigned)sqlite3_column_int64(statement, 1),
            .stream = sql_bytes(statement, 2),
            .bytes = sql_bytes(statement, 3),
        };
        take(ctx, sqlite3_column_int64(statement, 0), &record);
    }
    sqlite3_reset(statement);
    return sql_status(code) == STORE_FINE ? STORE_FINE : fail(reader, code, err);
}

int64_t reader_next(struct reader *reader, unsigned what, enum history_kind kind, int64_t from_ms)
{
    sqlite3_stmt *next = reader->statements[NEXT];
    sql_bind(next, "iii", (int64_t)what, (int64_t)kind, from_ms);
    int64_t start = sqlite3_step(next) == SQLITE_ROW ? sqlite3_column_int64(next, 0) : INT64_MAX;
    sqlite3_reset(next);
    return start;
}
