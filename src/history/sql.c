#include "history/sql.h"

#include <stdarg.h>

enum store_status sql_status(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return STORE_FINE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return STORE_BROKEN;
    default:
        return STORE_TROUBLE;
    }
}

enum store_status sql_fail(sqlite3 *db, int code, const char *path, struct error *err)
{
    bool same = db && sqlite3_extended_errcode(db) == code;
    error_set(err, "%.200s: %.250s", path, same ? sqlite3_errmsg(db) : sqlite3_errstr(code));
    return sql_status(code);
}

int sql_run(sqlite3 *db, const char *text)
{
    return sqlite3_exec(db, text, NULL, NULL, NULL);
}

int sql_number(sqlite3 *db, const char *text, int64_t *number)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, text, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return code;
}

void sql_bind(sqlite3_stmt *statement, const char *kinds, ...)
{
    va_list arguments;
    va_start(arguments, kinds);
    for (int i = 1; kinds[i - 1]; i++) {
        if (kinds[i - 1] == 'i') {
            sqlite3_bind_int64(statement, i, va_arg(arguments, int64_t));
        } else {
            struct span bytes = va_arg(arguments, struct span);
            sqlite3_bind_blob64(statement, i, bytes.len ? (const void *)bytes.ptr : "", bytes.len,
                                SQLITE_STATIC);
        }
    }
    va_end(arguments);
}

struct span sql_bytes(sqlite3_stmt *statement, int column)
{
    const void *bytes = sqlite3_column_blob(statement, column);
    return span_of(bytes, bytes ? (size_t)sqlite3_column_bytes(statement, column) : 0);
}

int sql_finish(sqlite3_stmt *statement)
{
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW)
        ;
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int sql_prepare(sqlite3 *db, const char *const *texts, sqlite3_stmt **statements, size_t count)
{
    int code = SQLITE_OK;
    for (size_t i = 0; code == SQLITE_OK && i < count; i++)
        code =
            sqlite3_prepare_v3(db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &statements[i], NULL);
    return code;
}

void sql_finalize(sqlite3_stmt **statements, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sqlite3_finalize(statements[i]);
}
