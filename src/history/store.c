#include "history/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "history/sql.h"

enum {
    APPLICATION = 0x5370696c, /* "Spil" */
    BUSY_MS = 2000,
    TRIM_ROWS = 5000,   /* deleted at once, of each kind */
    LISTS_LONGER = 4,   /* an hour and a day list so many times the rows of a minute */
    MEMORY_KB = 2048,   /* of the writer's page cache */
    LOG_BYTES = 4 << 20 /* what the log's file is cut to after it was used */
};

const struct store_kind store_kinds[HISTORY_KINDS] = {
    [HISTORY_MINUTES] = {"minute", 60000},
    [HISTORY_HOURS] = {"hour", 3600000},
    [HISTORY_DAYS] = {"day", 86400000},
};

int64_t store_start(enum history_kind kind, int64_t ms)
{
    int64_t length = store_kinds[kind].ms, into = ms % length;
    return ms - (into < 0 ? into + length : into);
}

/* The n-th brings a database of version n to version n + 1. */
static const char *const migrations[] = {
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE stream (id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE);"
    "CREATE TABLE record (what INTEGER, kind INTEGER, stream INTEGER, start INTEGER,"
    " data BLOB NOT NULL, PRIMARY KEY (what, kind, stream, start)) WITHOUT ROWID;"
    "CREATE INDEX record_age ON record (kind, start);",
};
enum { VERSION = sizeof migrations / sizeof *migrations };

enum statement {
    FIND_STREAM,
    ADD_STREAM,
    FIND_RECORD,
    PUT_RECORD,
    TRIM,
    TRIM_STREAMS,
    FIND_META,
    PUT_META,
    STATEMENTS
};

static const char *const texts[STATEMENTS] = {
    [FIND_STREAM] = "SELECT id FROM stream WHERE name = ?1",
    [ADD_STREAM] = "INSERT INTO stream (name) VALUES (?1) RETURNING id",
    [FIND_RECORD] =
        "SELECT data FROM record WHERE what = ?1 AND kind = ?2 AND stream = ?3 AND start = ?4",
    [PUT_RECORD] =
        "INSERT INTO record (what, kind, stream, start, data) VALUES (?1, ?2, ?3, ?4, ?5)"
        " ON CONFLICT (what, kind, stream, start) DO UPDATE SET data = excluded.data",
    [TRIM] = "DELETE FROM record WHERE (what, kind, stream, start) IN (SELECT what, kind, stream,"
             " start FROM record WHERE kind = ?1 AND start < ?2 ORDER BY kind, start LIMIT ?3)",
    [TRIM_STREAMS] = "DELETE FROM stream WHERE NOT EXISTS (SELECT 1 FROM record WHERE what = ?1"
                     " AND kind IN (0, 1, 2) AND stream = stream.id)",
    [FIND_META] = "SELECT value FROM meta WHERE name = 'key'",
    [PUT_META] = "INSERT INTO meta (name, value) VALUES ('key', ?1)",
};

struct store {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    char *path;
    struct stat file; /* that was opened */
};

static enum store_status fail(struct store *store, int code, struct error *err)
{
    return sql_fail(store->db, code, store->path, err);
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

/* Makes the file, readable to nobody else: it holds a key. SQLite gives the log the same mode. */
static enum store_status make_file(const char *path, struct error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno != EEXIST) {
        error_set(err, "%.400s: %s", path, strerror(errno));
        return STORE_TROUBLE;
    }
    if (fd >= 0)
        close(fd);
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
        return fail(store, code, err);
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
    return code == SQLITE_OK ? STORE_FINE : fail(store, code, err);
}

static enum store_status read_key(struct store *store, struct siphash_key *key, struct error *err)
{
    sqlite3_stmt *find = store->statements[FIND_META], *put = store->statements[PUT_META];
    int code = sqlite3_step(find);
    if (code == SQLITE_ROW) {
        struct span value = sql_bytes(find, 0);
        if (value.len == sizeof key->words)
            memcpy(key->words, value.ptr, sizeof key->words);
        else
            code = SQLITE_CORRUPT;
    }
    sqlite3_reset(find);
    if (code == SQLITE_DONE) {
        sql_bind(put, "b", span_of(key->words, sizeof key->words));
        code = sql_finish(put);
    }
    return sql_status(code) == STORE_FINE ? STORE_FINE : fail(store, code, err);
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
        return fail(store, code, err);
    status = read_key(store, key, err);
    return status == STORE_FINE ? store_commit(store, err) : status;
}

static enum store_status connect(struct store *store, struct error *err)
{
    int code =
        sqlite3_open_v2(store->path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK)
        return fail(store, code, err);
    sqlite3_extended_result_codes(store->db, 1);
    sqlite3_busy_timeout(store->db, BUSY_MS);
    return STORE_FINE;
}

static enum store_status set_modes(struct store *store, struct error *err)
{
    static const char modes[] =
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
    return code == SQLITE_OK ? STORE_FINE : fail(store, code, err);
}

/* The file is looked at before anything in it is changed. */
static enum store_status open_database(struct store *store, struct siphash_key *key,
                                       struct error *err)
{
    int64_t version;
    enum store_status status = make_file(store->path, err);
    if (status == STORE_FINE)
        status = connect(store, err);
    if (status == STORE_FINE)
        status = check_owner(store, &version, err);
    if (status == STORE_FINE)
        status = set_modes(store, err);
    if (status == STORE_FINE)
        status = set_up(store, key, err);
    if (status == STORE_FINE && stat(store->path, &store->file) < 0) {
        error_set(err, "%.400s: %s", store->path, strerror(errno));
        status = STORE_TROUBLE;
    }
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
    *key = held;
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
    return code == SQLITE_OK ? STORE_FINE : fail(store, code, err);
}

enum store_status store_commit(struct store *store, struct error *err)
{
    int code = sql_run(store->db, "COMMIT");
    if (code == SQLITE_OK)
        return STORE_FINE;
    enum store_status status = fail(store, code, err);
    sql_run(store->db, "ROLLBACK");
    return status;
}

enum store_status store_checkpoint(struct store *store, struct error *err)
{
    int code = sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return code == SQLITE_OK || code == SQLITE_BUSY ? STORE_FINE : fail(store, code, err);
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

/* Adds one record to what is there of its span. A result code. */
static int add_record(struct store *store, enum history_kind kind, int64_t start,
                      const struct record *record, int64_t stream, size_t top)
{
    sqlite3_stmt *find = store->statements[FIND_RECORD], *put = store->statements[PUT_RECORD];
    struct buf sum = {0};
    struct span bytes = record->bytes;
    sql_bind(find, "iiii", (int64_t)record->what, (int64_t)kind, stream, start);
    int code = sqlite3_step(find);
    if (code == SQLITE_ROW) {
        struct span there = sql_bytes(find, 0);
        size_t rows = kind == HISTORY_MINUTES ? top : LISTS_LONGER * top;
        bool merged = record_merge(record->what, there, bytes, rows, &sum) == 0;
        code = merged ? SQLITE_DONE : SQLITE_NOMEM;
        bytes = buf_span(&sum);
    }
    sqlite3_reset(find);
    if (code == SQLITE_DONE) {
        sql_bind(put, "iiiib", (int64_t)record->what, (int64_t)kind, stream, start, bytes);
        code = sql_finish(put);
    }
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
        int64_t stream;
        code = stream_id(store, record.stream, &stream);
        for (int kind = 0; code == SQLITE_OK && kind < HISTORY_KINDS; kind++) {
            code = add_record(store, (enum history_kind)kind,
                              store_start((enum history_kind)kind, portion->start_ms), &record,
                              stream, top);
            *rows += code == SQLITE_OK;
        }
    }
    if (code == SQLITE_OK)
        return STORE_FINE;
    enum store_status status = fail(store, code, err);
    sql_run(store->db, "ROLLBACK");
    return status;
}

/* Deletes the oldest of a kind that begin before that moment. A result code; *deleted rows. */
static int trim(struct store *store, int kind, int64_t before_ms, int *deleted)
{
    sqlite3_stmt *statement = store->statements[TRIM];
    sql_bind(statement, "iii", (int64_t)kind, before_ms, (int64_t)TRIM_ROWS);
    int code = sql_finish(statement);
    *deleted = code == SQLITE_OK ? sqlite3_changes(store->db) : 0;
    return code;
}

/* A result code; *used: bytes that are not free within the database. */
static int used_bytes(struct store *store, uint64_t *used)
{
    int64_t pages = 0, unused = 0, page = 0;
    int code = sql_number(store->db, "PRAGMA page_count", &pages);
    if (code == SQLITE_ROW)
        code = sql_number(store->db, "PRAGMA freelist_count", &unused);
    if (code == SQLITE_ROW)
        code = sql_number(store->db, "PRAGMA page_size", &page);
    *used = (uint64_t)((pages - unused) * page);
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

static int trim_size(struct store *store, const struct history_settings *settings, int64_t now_ms)
{
    uint64_t used;
    int deleted = 0, code = used_bytes(store, &used);
    if (code != SQLITE_OK || settings->size_max == 0 || used <= settings->size_max)
        return code;
    for (int kind = 0; code == SQLITE_OK && deleted == 0 && kind < HISTORY_KINDS; kind++)
        code = trim(store, kind, store_start((enum history_kind)kind, now_ms), &deleted);
    return code;
}

enum store_status store_trim(struct store *store, const struct history_settings *settings,
                             int64_t now_ms, struct error *err)
{
    int code = SQLITE_OK;
    int deleted, most = 0;
    for (int kind = 0; code == SQLITE_OK && kind < HISTORY_KINDS; kind++) {
        int64_t before = now_ms - (int64_t)(settings->keep_ns[kind] / 1000000);
        code = trim(store, kind, before, &deleted);
        most = deleted > most ? deleted : most;
    }
    if (code == SQLITE_OK)
        code = trim_size(store, settings, now_ms);
    if (code == SQLITE_OK && most > 0) {
        sql_bind(store->statements[TRIM_STREAMS], "i", (int64_t)RECORD_COUNTS);
        code = sql_finish(store->statements[TRIM_STREAMS]);
    }
    if (code == SQLITE_OK)
        return STORE_FINE;
    enum store_status status = fail(store, code, err);
    sql_run(store->db, "ROLLBACK");
    return status;
}
