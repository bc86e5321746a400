#include "history/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "history/store_state.h"
#include "io/folder.h"

enum {
    APPLICATION = 0x5370696c, /* "Spil" */
    BUSY_MS = 2000,
    MEMORY_KB = 2048, /* of the writer's page cache */
};

/* The n-th brings a database of version n to version n + 1. */
static const char *const migrations[] = {
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE stream (id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE);"
    "CREATE TABLE record (what INTEGER, kind INTEGER, stream INTEGER, start INTEGER,"
    " data BLOB NOT NULL, PRIMARY KEY (what, kind, stream, start)) WITHOUT ROWID;"
    "CREATE INDEX record_age ON record (kind, start);",
    "", /* weeks and months, which an older program would not add to: they are made when it is time
         */
    "", /* sides, which an older program would add up again; what it wrote of both together stays
           where the client side has its records */
};
enum { VERSION = sizeof migrations / sizeof *migrations };

static const char *const texts[STATEMENTS] = {
    [FIND_STREAM] = "SELECT id FROM stream WHERE name = ?1",
    [ADD_STREAM] = "INSERT INTO stream (name) VALUES (?1) RETURNING id",
    [FIND_RECORD] =
        "SELECT data FROM record WHERE what = ?1 AND kind = ?2 AND stream = ?3 AND start = ?4",
    [PUT_RECORD] =
        "INSERT INTO record (what, kind, stream, start, data) VALUES (?1, ?2, ?3, ?4, ?5)"
        " ON CONFLICT (what, kind, stream, start) DO UPDATE SET data = excluded.data",
    [TRIM] = "DELETE FROM record WHERE (what, kind, stream, start) IN (SELECT what, kind, stream,"
             " start FROM record WHERE kind = ?1 AND start >= ?2 AND start < ?3"
             " ORDER BY kind, start LIMIT ?4) RETURNING length(data)",
    [TRIM_STREAMS] = "DELETE FROM stream WHERE NOT EXISTS (SELECT 1 FROM record"
                     " WHERE what IN (?1, ?2) AND kind IN (0, 1, 2) AND stream = stream.id)",
    [OLDEST] = "SELECT start FROM record WHERE kind = ?1 AND start < ?2 ORDER BY start LIMIT 1",
    [NEWEST] =
        "SELECT start FROM record WHERE kind = ?1 AND start > ?2 ORDER BY start DESC LIMIT 1",
    [LATEST] = "SELECT max(start) FROM record WHERE kind = ?1 AND start >= 0 AND start < ?2",
    [SIZES] = "SELECT kind, sum(length(data)), count(*) FROM record GROUP BY kind",
    [NEXT_DAY] = "SELECT start FROM record WHERE kind = 2 AND start >= ?1 ORDER BY start LIMIT 1",
    [EACH_DAY] = "SELECT data FROM record WHERE what = ?1 AND kind = 2 AND stream = 0"
                 " AND start >= ?2 AND start < ?3",
    [FIND_META] = "SELECT value FROM meta WHERE name = CAST(?1 AS TEXT)",
    [PUT_META] = "INSERT INTO meta (name, value) VALUES (CAST(?1 AS TEXT), ?2)"
                 " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
};

enum store_status store_fail(struct store *store, int code, struct error *err)
{
    return sql_fail(store->db, code, store->path, err);
}

enum store_status store_undo(struct store *store, int code, struct error *err)
{
    enum store_status status = store_fail(store, code, err);
    sql_run(store->db, "ROLLBACK");
    store->sizes_known = false;
    return status;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    sql_finalize(store->statements, STATEMENTS);
    sqlite3_close(store->db);
    free(store->path);
    free(store);
}

static enum store_status trouble(const struct store *store, const char *why, struct error *err)
{
    error_set(err, "%.300s: %s", store->path, why);
    return STORE_TROUBLE;
}

/* Makes the file, readable to nobody else: it holds a key. SQLite gives the log the same mode. One
 * that is there is not opened here: closing it would end SQLite's locks on it. */
static enum store_status make_file(const struct store *store, const struct folder *folder,
                                   struct error *err)
{
    struct error why;
    int fd = folder_make(folder, 0600, &why);
    if (fd >= 0)
        close(fd);
    if (fd < 0 && (errno != EEXIST || folder_probe(store->path, false, &why)))
        return trouble(store, why.text, err);
    return STORE_FINE;
}

/* A database of another program's, or of a newer Spile, is not ours to change. */
static enum store_status check_owner(struct store *store, int64_t *version, struct error *err)
{
    int64_t application = 0, tables = 0;
    int code = sql_number(store->db, "SELECT count(*) FROM sqlite_master", &tables);
    if (code == SQLITE_ROW)
        code = sql_number(store->db, "PRAGMA application_id", &application);
    if (code == SQLITE_ROW)
        code = sql_number(store->db, "PRAGMA user_version", version);
    if (code != SQLITE_ROW)
        return store_fail(store, code, err);
    if (tables == 0 && application == 0 && *version == 0)
        return STORE_FINE;
    if (application == APPLICATION && *version >= 0 && *version <= VERSION)
        return STORE_FINE;
    error_set(err, "%.400s: a database of %s", store->path,
              application == APPLICATION ? "a newer Spile" : "another program");
    return STORE_TROUBLE;
}

static enum store_status migrate(struct store *store, int64_t version, struct error *err)
{
    char mark[96];
    snprintf(mark, sizeof mark, "PRAGMA application_id = %d; PRAGMA user_version = %d", APPLICATION,
             VERSION);
    int code = SQLITE_OK;
    for (; code == SQLITE_OK && version < VERSION; version++)
        code = sql_run(store->db, migrations[version]);
    if (code == SQLITE_OK)
        code = sql_run(store->db, mark);
    return code == SQLITE_OK ? STORE_FINE : store_fail(store, code, err);
}

/* A result code: SQLITE_ROW when there is that value and it is so many bytes, which are then at
 * `to`. */
static int read_meta(struct store *store, const char *name, void *to, size_t len)
{
    sqlite3_stmt *find = store->statements[FIND_META];
    sql_bind(find, "b", span_str(name));
    int code = sqlite3_step(find);
    if (code == SQLITE_ROW) {
        struct span value = sql_bytes(find, 0);
        if (value.len == len)
            memcpy(to, value.ptr, len);
        else
            code = SQLITE_CORRUPT;
    }
    sqlite3_reset(find);
    return code;
}

static int put_meta(struct store *store, const char *name, const void *value, size_t len)
{
    sqlite3_stmt *put = store->statements[PUT_META];
    sql_bind(put, "bb", span_str(name), span_of(value, len));
    return sql_finish(put);
}

static enum store_status read_key(struct store *store, struct siphash_key *key, struct error *err)
{
    int code = read_meta(store, "key", key->words, sizeof key->words);
    if (code == SQLITE_DONE)
        code = put_meta(store, "key", key->words, sizeof key->words);
    return sql_status(code) == STORE_FINE ? STORE_FINE : store_fail(store, code, err);
}

/* Schema, statements and key: in one transaction, so that two programs that come at the same time
 * do not both make them. */
static enum store_status set_up(struct store *store, struct siphash_key *key, struct error *err)
{
    int64_t version = 0;
    enum store_status status = store_begin(store, err);
    if (status == STORE_FINE)
        status = check_owner(store, &version, err);
    if (status == STORE_FINE)
        status = migrate(store, version, err);
    if (status != STORE_FINE)
        return status;
    int code = sql_prepare(store->db, texts, store->statements, STATEMENTS);
    if (code != SQLITE_OK)
        return store_fail(store, code, err);
    status = read_key(store, key, err);
    return status == STORE_FINE ? store_commit(store, err) : status;
}

static enum store_status connect_at(struct store *store, const struct folder *folder,
                                    struct error *err)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    char path[PATH_MAX];
    if (folder_real_path(folder, path))
        return trouble(store, strerror(errno), err);
    int code = sqlite3_open_v2(path, &store->db, flags, NULL);
    if (code != SQLITE_OK)
        return store_fail(store, code, err);
    sqlite3_extended_result_codes(store->db, 1);
    sqlite3_busy_timeout(store->db, BUSY_MS);
    return STORE_FINE;
}

static enum store_status connect(struct store *store, struct error *err)
{
    struct folder folder;
    struct error why;
    if (folder_open(&folder, store->path, &why))
        return trouble(store, why.text, err);
    enum store_status status = make_file(store, &folder, err);
    if (status == STORE_FINE)
        status = connect_at(store, &folder, err);
    folder_close(&folder);
    return status;
}

static enum store_status set_modes(struct store *store, struct error *err)
{
    static const char modes[] =
        "PRAGMA auto_vacuum = INCREMENTAL;" /* of a new database: before there is anything in it */
        "PRAGMA journal_mode = WAL;"
        "PRAGMA synchronous = NORMAL;"
        "PRAGMA wal_autocheckpoint = 2000;" /* pages: between those of the writer */
        "PRAGMA trusted_schema = OFF;";
    char sizes[96];
    snprintf(sizes, sizeof sizes, "PRAGMA journal_size_limit = %d; PRAGMA cache_size = -%d",
             LOG_BYTES, MEMORY_KB);
    int code = sql_run(store->db, modes);
    if (code == SQLITE_OK)
        code = sql_run(store->db, sizes);
    return code == SQLITE_OK ? STORE_FINE : store_fail(store, code, err);
}

/* The file is looked at before anything in it is changed. */
static enum store_status open_database(struct store *store, struct siphash_key *key,
                                       struct error *err)
{
    int64_t version;
    enum store_status status = connect(store, err);
    if (status == STORE_FINE)
        status = check_owner(store, &version, err);
    if (status == STORE_FINE)
        status = set_modes(store, err);
    if (status == STORE_FINE)
        status = set_up(store, key, err);
    if (status == STORE_FINE && stat(store->path, &store->file) < 0)
        status = trouble(store, strerror(errno), err);
    return status;
}

enum store_status store_open(const char *path, struct siphash_key *key, struct store **store,
                             struct error *err)
{
    struct store *opened = calloc(1, sizeof *opened);
    struct siphash_key held = *key;
    if (!opened || !(opened->path = strdup(path))) {
        free(opened);
        error_set(err, "no memory for the history");
        return STORE_TROUBLE;
    }
    enum store_status status = open_database(opened, &held, err);
    if (status != STORE_FINE) {
        store_close(opened);
        return status;
    }
    opened->key = *key = held;
    for (int kind = 0; kind < HISTORY_ALL_KINDS; kind++)
        opened->rolled_ms[kind] = INT64_MIN / 2; /* whatever a damaged database has before */
    *store = opened;
    return STORE_FINE;
}

bool store_in_place(const struct store *store)
{
    struct stat now;
    return stat(store->path, &now) == 0 && now.st_dev == store->file.st_dev &&
           now.st_ino == store->file.st_ino;
}

enum store_status store_begin(struct store *store, struct error *err)
{
    int code = sql_run(store->db, "BEGIN IMMEDIATE");
    return code == SQLITE_OK ? STORE_FINE : store_fail(store, code, err);
}

enum store_status store_commit(struct store *store, struct error *err)
{
    int code = sql_run(store->db, "COMMIT");
    return code == SQLITE_OK ? STORE_FINE : store_undo(store, code, err);
}

/* The stream's id, made when there is none. A result code. */
static int stream_id(struct store *store, struct span name, int64_t *id)
{
    int code = SQLITE_ROW;
    *id = 0;
    for (int way = FIND_STREAM; name.len > 0 && way <= ADD_STREAM; way++) {
        sqlite3_stmt *statement = store->statements[way];
        sql_bind(statement, "b", name);
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
            *id = sqlite3_column_int64(statement, 0);
        int rest = sql_finish(statement);
        if (code != SQLITE_DONE)
            return code == SQLITE_ROW ? rest : code;
    }
    return code == SQLITE_ROW ? SQLITE_OK : SQLITE_INTERNAL;
}

/* A roll-up of weeks or months, which is there when all of it was made, or not at all. */
static bool is_made_later(enum history_kind kind)
{
    return kind >= HISTORY_KINDS;
}

int store_put_record(struct store *store, const struct store_place *place, struct span bytes,
                     size_t replaced)
{
    sqlite3_stmt *put = store->statements[PUT_RECORD];
    sql_bind(put, "iiiib", (int64_t)place->what, (int64_t)place->kind, place->stream,
             place->start_ms, bytes);
    store->sizes[place->kind] += bytes.len - replaced + (replaced ? 0 : ROW_BYTES);
    return sql_finish(put);
}

/* Adds one record to what is there of its span. A result code; *rows: one more, if it was put. */
static int add_record(struct store *store, const struct store_place *place, struct span bytes,
                      size_t top, uint64_t *rows)
{
    sqlite3_stmt *find = store->statements[FIND_RECORD];
    struct buf sum = {0};
    size_t replaced = 0;
    sql_bind(find, "iiii", (int64_t)place->what, (int64_t)place->kind, place->stream,
             place->start_ms);
    int code = sqlite3_step(find);
    bool put = code == SQLITE_ROW || !is_made_later(place->kind);
    if (code == SQLITE_ROW) {
        struct span there = sql_bytes(find, 0);
        size_t listed = place->kind == HISTORY_MINUTES ? top : LISTS_LONGER * top;
        bool merged = record_merge(place->what, there, bytes, listed, &sum) == 0;
        code = merged ? SQLITE_DONE : SQLITE_NOMEM;
        bytes = buf_span(&sum);
        replaced = there.len;
    }
    sqlite3_reset(find);
    if (code == SQLITE_DONE)
        code = put ? store_put_record(store, place, bytes, replaced) : SQLITE_OK;
    *rows += put && code == SQLITE_OK;
    buf_free(&sum);
    return code;
}

enum store_status store_add(struct store *store, const struct portion *portion, size_t top,
                            uint64_t *rows, struct error *err)
{
    struct cursor c = cursor_of(buf_span(&portion->records));
    struct record record;
    int code = SQLITE_OK;
    while (code == SQLITE_OK && portion_next(&c, &record)) {
        struct store_place place = {.what = record.what};
        code = stream_id(store, record.stream, &place.stream);
        int kinds = record_kind(record.what) >= RECORD_TOPS ? HISTORY_ALL_KINDS : HISTORY_KINDS;
        for (int kind = 0; code == SQLITE_OK && kind < kinds; kind++) {
            place.kind = (enum history_kind)kind;
            place.start_ms = kind_start(place.kind, portion->start_ms);
            code = add_record(store, &place, record.bytes, top, rows);
        }
    }
    return code == SQLITE_OK ? STORE_FINE : store_undo(store, code, err);
}

enum store_status store_put_mark(struct store *store, const struct store_mark *mark,
                                 struct error *err)
{
    int code = put_meta(store, "written", mark, sizeof *mark);
    return code == SQLITE_OK ? STORE_FINE : store_undo(store, code, err);
}

uint64_t store_mark_number(struct store *store, uint64_t run)
{
    struct store_mark mark;
    int code = read_meta(store, "written", &mark, sizeof mark);
    return code == SQLITE_ROW && mark.run == run ? mark.number : 0;
}

int64_t store_time(struct store *store)
{
    int64_t ms;
    if (read_meta(store, "time", &ms, sizeof ms) == SQLITE_ROW && ms >= 0 && ms < HISTORY_END_MS)
        return ms;
    sqlite3_stmt *latest = store->statements[LATEST];
    sql_bind(latest, "ii", (int64_t)HISTORY_MINUTES, HISTORY_END_MS);
    ms = sqlite3_step(latest) == SQLITE_ROW ? sqlite3_column_int64(latest, 0) : 0;
    sqlite3_reset(latest);
    return ms;
}

enum store_status store_put_time(struct store *store, int64_t ms, struct error *err)
{
    int code = put_meta(store, "time", &ms, sizeof ms);
    return code == SQLITE_OK ? STORE_FINE : store_undo(store, code, err);
}

void store_begun(struct store *store, int64_t *begun_ms, size_t count)
{
    if (read_meta(store, "begun", begun_ms, count * sizeof *begun_ms) != SQLITE_ROW)
        memset(begun_ms, 0, count * sizeof *begun_ms);
    for (size_t i = 0; i < count; i++)
        if (begun_ms[i] < 0 || begun_ms[i] >= HISTORY_END_MS)
            begun_ms[i] = 0;
}

enum store_status store_put_begun(struct store *store, const int64_t *begun_ms, size_t count,
                                  struct error *err)
{
    int code = put_meta(store, "begun", begun_ms, count * sizeof *begun_ms);
    return code == SQLITE_OK ? STORE_FINE : store_undo(store, code, err);
}
