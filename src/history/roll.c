/* Top lists of weeks and months, made of those of days when they are over. */
#include "base/clock.h"
#include "history/store_state.h"
#include "history/tops_sum.h"

/* At once: others wait to be written. */
static const uint64_t time_ns = CLOCK_SECOND_NS / 2;

/* Makes one table's list of a span, if there are days of it. A result code. */
static int roll_table(struct store *store, const struct store_place *place, size_t top)
{
    sqlite3_stmt *each = store->statements[EACH_DAY];
    struct tops_sum sum = tops_sum_of(&store->key, LISTS_LONGER * top, TOPS_ALL_RANKS);
    struct buf bytes = {0};
    bool any = false;
    int code;
    sql_bind(each, "iii", (int64_t)place->what, place->start_ms,
             kind_end(place->kind, place->start_ms));
    for (; (code = sqlite3_step(each)) == SQLITE_ROW; any = true) {
        if (!tops_sum_add(&sum, sql_bytes(each, 0)))
            break;
    }
    sqlite3_reset(each);
    struct tops list = tops_sum_end(&sum);
    tops_encode(&list, &bytes);
    if (code == SQLITE_DONE)
        code = list.failed || bytes.failed ? SQLITE_NOMEM
               : any                       ? store_put_record(store, place, buf_span(&bytes), 0)
                                           : SQLITE_OK;
    tops_free(&list);
    buf_free(&bytes);
    return code == SQLITE_ROW ? SQLITE_NOMEM : code;
}

static int is_there(struct store *store, const struct store_place *place, bool *there)
{
    sqlite3_stmt *find = store->statements[FIND_RECORD];
    sql_bind(find, "iiii", (int64_t)place->what, (int64_t)place->kind, place->stream,
             place->start_ms);
    int code = sqlite3_step(find);
    *there = code == SQLITE_ROW;
    sqlite3_reset(find);
    return sql_status(code) == STORE_FINE ? SQLITE_OK : code;
}

static int roll_span(struct store *store, enum history_kind kind, int64_t start_ms, size_t top)
{
    int code = SQLITE_OK;
    for (unsigned n = 0; code == SQLITE_OK && n < STATS_SIDES * STATS_TABLES; n++) {
        unsigned table = n % STATS_TABLES, side = n / STATS_TABLES;
        struct store_place place = {
            .what = record_of(RECORD_TOPS + table, side), .kind = kind, .start_ms = start_ms};
        bool there;
        code = is_there(store, &place, &there);
        if (code == SQLITE_OK && !there)
            code = roll_table(store, &place, top);
    }
    return code;
}

/* Goes on from where it came to until the time is up, or to spans that are not over. */
static int roll_kind(struct store *store, enum history_kind kind, int64_t now_ms, size_t top,
                     uint64_t until_ns)
{
    sqlite3_stmt *next = store->statements[NEXT_DAY];
    int code;
    do {
        sql_bind(next, "i", store->rolled_ms[kind]);
        code = sqlite3_step(next);
        int64_t day = code == SQLITE_ROW ? sqlite3_column_int64(next, 0) : 0;
        sqlite3_reset(next);
        if (code != SQLITE_ROW || day > now_ms || kind_end(kind, day) > now_ms)
            return sql_status(code) == STORE_FINE ? SQLITE_OK : code;
        code = roll_span(store, kind, kind_start(kind, day), top);
        if (code == SQLITE_OK)
            store->rolled_ms[kind] = kind_end(kind, day);
    } while (code == SQLITE_OK && clock_ns() < until_ns);
    return code;
}

enum store_status store_roll(struct store *store, int64_t now_ms, size_t top, struct error *err)
{
    uint64_t until_ns = clock_after(time_ns);
    int code = SQLITE_OK;
    for (int kind = HISTORY_KINDS; code == SQLITE_OK && kind < HISTORY_ALL_KINDS; kind++)
        code = roll_kind(store, (enum history_kind)kind, now_ms, top, until_ns);
    return code == SQLITE_OK ? STORE_FINE : store_undo(store, code, err);
}
