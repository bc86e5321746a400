/*
 * What the database forgets, and how it gives the room back.
 *
 * By age: what is older than its kind is kept for, when the time is one to be believed
 * (history/trust.h). By size: when the pages in use are more than the limit leaves them, that kind
 * is trimmed which has most in proportion to its share, so that none forgets all while others have
 * plenty. Of a kind that goes first which is farthest from the present: mostly the oldest, but
 * after a clock was ahead for long, what it wrote there. The running spans go last of all.
 *
 * Free pages are given back, but for some that the next minutes will want again.
 */
#include <stdio.h>

#include "base/clock.h"
#include "history/store_state.h"

enum {
    AGED_ROWS = 5000,       /* too old: deleted by one statement; more, while there is time */
    SIZED_BYTES = 64 << 20, /* too many: deleted at once */
    SIZED_STEPS = 3,        /* and of what is too much, such a part before the next look */
    SPARE_PAGES = 64,       /* free ones that are left */
    SPARE_PART = 16,        /* or such a part of all */
    SHRINK_PAGES = 16384,   /* given back at once */
    LOG_PART = 8,           /* of the limit: the longest that the log is left */
    NAME_BYTES = 4200,
    MONTH_DAYS = 31,
};

static const uint64_t aged_ns = CLOCK_SECOND_NS / 2;

/* Of the room, by kind. Hours and days are small, and go back far. */
static const unsigned shares[HISTORY_ALL_KINDS] = {
    [HISTORY_MINUTES] = 5, [HISTORY_HOURS] = 4,  [HISTORY_DAYS] = 4,
    [HISTORY_WEEKS] = 1,   [HISTORY_MONTHS] = 2,
};

struct pages {
    int64_t all, unused, bytes /* of one */;
};

/* A result code. */
static int count_pages(struct store *store, struct pages *pages)
{
    int code = sql_number(store->db, "PRAGMA page_count", &pages->all);
    if (code == SQLITE_ROW)
        code = sql_number(store->db, "PRAGMA freelist_count", &pages->unused);
    if (code == SQLITE_ROW)
        code = sql_number(store->db, "PRAGMA page_size", &pages->bytes);
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

static uint64_t log_max(const struct history_settings *settings)
{
    uint64_t part = settings->size_max / LOG_PART;
    return part && part < LOG_BYTES ? part : LOG_BYTES;
}

/* Pages of the database's file: the rest of the limit is for its log, and for what grows until the
 * next look. */
static int64_t pages_max(const struct history_settings *settings, const struct pages *pages)
{
    if (settings->size_max == 0)
        return INT64_MAX;
    return (int64_t)((settings->size_max - 2 * log_max(settings)) / (uint64_t)pages->bytes);
}

bool store_is_over(struct store *store, const struct history_settings *settings)
{
    struct pages pages;
    return count_pages(store, &pages) == SQLITE_OK && pages.all > pages_max(settings, &pages);
}

/* --- deleting ------------------------------------------------------------------------------- */

/* Deletes the first records of a kind that begin in a span. A result code; *rows and *bytes grow.
 */
static int delete_span(struct store *store, const struct reader_span *span, int64_t most,
                       int64_t *rows, uint64_t *bytes)
{
    sqlite3_stmt *statement = store->statements[TRIM];
    uint64_t gone = 0;
    int code;
    sql_bind(statement, "iiii", (int64_t)span->kind, span->from_ms, span->to_ms, most);
    for (; (code = sqlite3_step(statement)) == SQLITE_ROW; ++*rows)
        gone += (uint64_t)sqlite3_column_int64(statement, 0) + ROW_BYTES;
    sqlite3_reset(statement);
    store->sizes[span->kind] -= gone < store->sizes[span->kind] ? gone : store->sizes[span->kind];
    *bytes += gone;
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Deletes what begins before a moment until nothing is left of it or the time is up. A result code.
 */
static int trim_before(struct store *store, enum history_kind kind, int64_t before_ms,
                       uint64_t until_ns, int64_t *rows)
{
    struct reader_span span = {.kind = kind, .from_ms = INT64_MIN, .to_ms = before_ms};
    uint64_t bytes = 0;
    int64_t before;
    int code;
    do {
        before = *rows;
        code = delete_span(store, &span, AGED_ROWS, rows, &bytes);
    } while (code == SQLITE_OK && *rows - before == AGED_ROWS && clock_ns() < until_ns);
    return code;
}

static int trim_aged(struct store *store, const struct store_limits *limits, int64_t *rows)
{
    const struct history_settings *settings = limits->settings;
    uint64_t until_ns = clock_after(aged_ns);
    int code = SQLITE_OK;
    for (int kind = 0; code == SQLITE_OK && kind < HISTORY_ALL_KINDS; kind++) {
        bool longer = kind >= HISTORY_KINDS; /* goes when all days in it have gone */
        uint64_t keep_ns = settings->keep_ns[longer ? HISTORY_DAYS : kind];
        int64_t days = longer ? MONTH_DAYS * kind_ms[HISTORY_DAYS] : 0;
        int64_t before_ms = limits->now_ms - (int64_t)(keep_ns / CLOCK_MS_NS) - days;
        code = trim_before(store, (enum history_kind)kind, before_ms, until_ns, rows);
    }
    return code;
}

/* A result code. */
static int count_sizes(struct store *store)
{
    sqlite3_stmt *sizes = store->statements[SIZES];
    int code;
    if (store->sizes_known)
        return SQLITE_OK;
    memset(store->sizes, 0, sizeof store->sizes);
    while ((code = sqlite3_step(sizes)) == SQLITE_ROW) {
        int64_t kind = sqlite3_column_int64(sizes, 0), bytes = sqlite3_column_int64(sizes, 1);
        if (kind >= 0 && kind < HISTORY_ALL_KINDS)
            store->sizes[kind] = (uint64_t)(bytes + sqlite3_column_int64(sizes, 2) * ROW_BYTES);
    }
    sqlite3_reset(sizes);
    store->sizes_known = code == SQLITE_DONE;
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* The kind that has most in proportion to its share, of those that are not spent; -1: none. */
static int fullest(const struct store *store, const bool *spent)
{
    int found = -1;
    for (int kind = 0; kind < HISTORY_ALL_KINDS; kind++) {
        if (!spent[kind] &&
            (found < 0 || store->sizes[kind] * shares[found] > store->sizes[found] * shares[kind]))
            found = kind;
    }
    return found;
}

/* The start that a statement finds beside a moment. A result code: SQLITE_ROW when there is one. */
static int find_start(struct store *store, enum statement way, int kind, int64_t beside_ms,
                      int64_t *start_ms)
{
    sqlite3_stmt *statement = store->statements[way];
    sql_bind(statement, "ii", (int64_t)kind, beside_ms);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *start_ms = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return code;
}

/* Deletes all that a kind has of the span that is farthest from the present one; of that itself
 * when it is `all` that must go. A result code: SQLITE_DONE when there is no such span. */
static int delete_farthest(struct store *store, int kind, int64_t now_ms, bool all, int64_t *rows,
                           uint64_t *bytes)
{
    int64_t present = kind_start((enum history_kind)kind, now_ms), oldest = 0, newest = 0;
    int before = find_start(store, OLDEST, kind, present, &oldest);
    int behind = find_start(store, NEWEST, kind, present, &newest);
    if (sql_status(before) != STORE_FINE || sql_status(behind) != STORE_FINE)
        return sql_status(before) != STORE_FINE ? before : behind;
    if (before != SQLITE_ROW && behind != SQLITE_ROW && !all)
        return SQLITE_DONE;
    /* Differences of any two numbers, which a damaged database may have. */
    uint64_t past = before == SQLITE_ROW ? (uint64_t)present - (uint64_t)oldest : 0;
    uint64_t ahead = behind == SQLITE_ROW ? (uint64_t)newest - (uint64_t)present : 0;
    int64_t start = !past && !ahead ? present : past >= ahead ? oldest : newest;
    struct reader_span span = {
        .kind = (enum history_kind)kind, .from_ms = start, .to_ms = start + 1};
    int64_t count = *rows;
    int code = start == INT64_MAX ? SQLITE_DONE : delete_span(store, &span, -1, rows, bytes);
    return code == SQLITE_OK && *rows == count ? SQLITE_DONE : code;
}

/* Deletes until so many bytes are gone, or nothing is left that may go. */
static int delete_bytes(struct store *store, int64_t now_ms, uint64_t wanted, int64_t *rows)
{
    bool spent[2][HISTORY_ALL_KINDS] = {{false}};
    uint64_t bytes = 0;
    int code = SQLITE_OK;
    for (int all = 0; all < 2; all++) {
        int kind;
        while (bytes < wanted && (kind = fullest(store, spent[all])) >= 0) {
            code = delete_farthest(store, kind, now_ms, all, rows, &bytes);
            spent[all][kind] = code == SQLITE_DONE;
            if (code != SQLITE_OK && code != SQLITE_DONE)
                return code;
        }
    }
    return SQLITE_OK;
}

static int trim_sized(struct store *store, const struct store_limits *limits, int64_t *rows)
{
    struct pages pages;
    uint64_t bytes = 0;
    for (;;) {
        int64_t count = *rows;
        int code = count_pages(store, &pages);
        int64_t over = pages.all - pages.unused - pages_max(limits->settings, &pages);
        if (code != SQLITE_OK || over <= 0 || bytes >= SIZED_BYTES)
            return code;
        /* Records free more bytes than their data has: in parts, so that not too many go. */
        uint64_t wanted = (uint64_t)(over * pages.bytes) / SIZED_STEPS + 1;
        wanted = wanted < SIZED_BYTES ? wanted : SIZED_BYTES;
        code = count_sizes(store);
        if (code == SQLITE_OK)
            code = delete_bytes(store, limits->now_ms, wanted, rows);
        if (code != SQLITE_OK || *rows == count)
            return code;
        bytes += wanted;
    }
}

/* --- giving back ---------------------------------------------------------------------------- */

static int give_back(struct store *store, const struct history_settings *settings)
{
    struct pages pages;
    char text[64];
    int code = count_pages(store, &pages);
    if (code != SQLITE_OK)
        return code;
    int64_t spare = SPARE_PAGES + pages.all / SPARE_PART;
    int64_t most = pages_max(settings, &pages);
    int64_t wanted = pages.unused > spare ? pages.unused - spare / 2 : 0;
    if (pages.all > most && pages.all - most > wanted)
        wanted = pages.all - most;
    wanted = wanted < pages.unused ? wanted : pages.unused;
    if (wanted <= 0)
        return SQLITE_OK;
    snprintf(text, sizeof text, "PRAGMA incremental_vacuum(%lld)",
             (long long)(wanted < SHRINK_PAGES ? wanted : SHRINK_PAGES));
    return sql_run(store->db, text);
}

enum store_status store_trim(struct store *store, const struct store_limits *limits,
                             struct error *err)
{
    int64_t rows = 0;
    int code = limits->believed ? trim_aged(store, limits, &rows) : SQLITE_OK;
    if (code == SQLITE_OK)
        code = trim_sized(store, limits, &rows);
    if (code == SQLITE_OK && rows > 0) {
        sql_bind(store->statements[TRIM_STREAMS], "ii",
                 (int64_t)record_of(RECORD_COUNTS, STATS_CLIENT),
                 (int64_t)record_of(RECORD_COUNTS, STATS_UPSTREAM));
        code = sql_finish(store->statements[TRIM_STREAMS]);
    }
    if (code == SQLITE_OK)
        code = give_back(store, limits->settings);
    return code == SQLITE_OK ? STORE_FINE : store_undo(store, code, err);
}

enum store_status store_checkpoint(struct store *store, const struct history_settings *settings,
                                   struct error *err)
{
    char name[NAME_BYTES];
    struct stat file;
    snprintf(name, sizeof name, "%s-wal", store->path);
    bool is_long = stat(name, &file) == 0 && (uint64_t)file.st_size > log_max(settings);
    int mode = is_long ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    int code = sqlite3_wal_checkpoint_v2(store->db, NULL, mode, NULL, NULL);
    return code == SQLITE_OK || code == SQLITE_BUSY ? STORE_FINE : store_fail(store, code, err);
}

enum store_status store_convert(struct store *store, struct error *err)
{
    enum { OFF = 0 };
    int64_t mode = OFF;
    int code = sql_number(store->db, "PRAGMA auto_vacuum", &mode);
    if (code != SQLITE_ROW || mode != OFF)
        return code == SQLITE_ROW ? STORE_FINE : store_fail(store, code, err);
    code = sql_run(store->db, "PRAGMA auto_vacuum = INCREMENTAL; VACUUM");
    return code == SQLITE_OK ? STORE_FINE : store_fail(store, code, err);
}
