/* Portions put into a history by hand, and what its database has. */
#ifndef SPILE_TESTS_KEPT_H
#define SPILE_TESTS_KEPT_H

#include <sqlite3.h>

#include "place.h"

/* A portion of what comes in a minute: queries of all and of one stream, and of each name. */
static inline void put_minute(struct place *place, int64_t ms, uint64_t queries, const char *stream)
{
    struct portion portion = {.start_ms = ms};
    struct counts counts = {0};
    struct buf bytes = {0};
    counts_put(&counts, 2 << 16, queries);
    counts_encode(&counts, &bytes);
    portion_put(&portion, RECORD_COUNTS, (struct span){0}, buf_span(&bytes));
    portion_put(&portion, RECORD_COUNTS, span_str(stream), buf_span(&bytes));
    waiting_put(&place->history->waiting, &portion);
    counts_free(&counts);
    buf_free(&bytes);
}

/* Puts a list into a portion, and frees it. */
static inline void put_list(struct portion *portion, unsigned table, struct tops *list)
{
    struct buf bytes = {0};
    tops_sort(list);
    tops_encode(list, &bytes);
    portion_put(portion, RECORD_TOPS + table, (struct span){0}, buf_span(&bytes));
    buf_free(&bytes);
    tops_free(list);
}

static inline void list_name(struct tops *list, const char *name, uint64_t queries)
{
    struct tops_row *row = tops_append(list, span_str(name));
    row->values.of[MEASURE_QUERIES] = queries;
}

static inline int64_t number(const char *path, const char *text)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

/* Records of one kind in the database, of `what` and all streams together. */
static inline int64_t records(const struct place *place, unsigned what, int kind)
{
    char text[120];
    snprintf(text, sizeof text,
             "SELECT count(*) FROM record WHERE what = %u AND kind = %d AND stream = 0", what,
             kind);
    return number(place->path, text);
}

struct kept_sum {
    unsigned what;
    uint64_t queries;
};

static inline bool add_kept(void *ctx, int64_t start_ms, struct span bytes)
{
    struct kept_sum *sum = ctx;
    struct counts counts = {0};
    struct tops list = {0};
    (void)start_ms;
    if (sum->what == RECORD_COUNTS) {
        assert_int_equal(counts_decode(&counts, bytes), 0);
        sum->queries += counts_get(&counts, 2 << 16);
    } else {
        assert_int_equal(tops_decode(&list, bytes), 0);
        for (uint32_t i = 0; i < list.len; i++)
            sum->queries += list.rows[i].values.of[MEASURE_QUERIES];
    }
    counts_free(&counts);
    tops_free(&list);
    return true;
}

/* Queries by all records of one kind from a moment on: counted, or of all names in lists. */
static inline uint64_t kept_queries(const struct place *place, unsigned what,
                                    enum history_kind kind, const char *stream, int64_t from_ms,
                                    int64_t to_ms)
{
    struct reader *reader;
    struct error err;
    struct kept_sum sum = {.what = what};
    struct reader_span span = {
        .what = what, .kind = kind, .stream = span_str(stream), .from_ms = from_ms, .to_ms = to_ms};
    assert_int_equal(reader_open(place->path, &reader, &err), STORE_FINE);
    assert_int_equal(reader_each(reader, &span, add_kept, &sum, &err), STORE_FINE);
    reader_close(reader);
    return sum.queries;
}

/* The answer to a question about domains, by hits. */
static inline char *ask_tops(struct place *place, int64_t from, int64_t to)
{
    struct history_question question = {.from_ms = from, .to_ms = to, .table = span_str("domains")};
    struct buf out = {0};
    struct error err = {0};
    int rc = history_tops_json(place->history, &question, 5, &out, &err);
    return answer_text(rc, &out, &err);
}

static inline void assert_top(struct place *place, int64_t from, int64_t to, const char *wanted)
{
    char *answer = ask_tops(place, from, to);
    if (!strstr(answer, wanted))
        print_message("%s\n%s\n", wanted, answer);
    assert_non_null(strstr(answer, wanted));
    free(answer);
}

#endif
