/* Top lists over a span of time, as JSON. */
#include <stdlib.h>

#include "base/escape.h"
#include "base/put.h"
#include "history/gather.h"

enum { KEEP_LEAST = 1000 /* rows of each list while lists are merged */ };

/* The answer being made. */
struct answer {
    const struct history_question *question;
    struct plan_span span;
    struct tops lists[STATS_TABLES];
    unsigned table; /* that is being read */
    size_t keep;
    bool failed; /* no memory */
};

static bool wants_table(const struct answer *answer, unsigned table)
{
    const char *name = stats_table_name((enum stats_table_id)table);
    return gather_wants(answer->question->table, span_str(name));
}

static bool add_list(struct answer *answer, unsigned table, struct span bytes)
{
    struct tops *sum = &answer->lists[table];
    struct tops list = {0};
    int rc = tops_decode(&list, bytes);
    answer->failed |= rc == READ_NO_MEMORY;
    if (rc < 0)
        return !answer->failed; /* a damaged one is as if it were not there */
    tops_merge(sum, &list);
    if (sum->len > 4 * answer->keep)
        tops_cut(sum, answer->keep);
    answer->failed |= sum->failed;
    tops_free(&list);
    return !answer->failed;
}

static bool take_record(void *ctx, int64_t start_ms, struct span bytes)
{
    struct answer *answer = ctx;
    (void)start_ms;
    return add_list(answer, answer->table, bytes);
}

static void take_portion(void *ctx, const struct portion *portion)
{
    struct answer *answer = ctx;
    struct cursor c = cursor_of(buf_span(&portion->records));
    bool inside =
        portion->start_ms >= answer->span.from_ms && portion->start_ms < answer->span.to_ms;
    struct record record;
    while (inside && portion_next(&c, &record)) {
        unsigned table = record.what - RECORD_TOPS;
        if (record.what >= RECORD_TOPS && table < STATS_TABLES && wants_table(answer, table))
            add_list(answer, table, record.bytes);
    }
}

static int read_part(struct answer *answer, struct gather *gather, const struct reader_span *span,
                     struct error *err)
{
    struct reader_span part = *span;
    for (unsigned table = 0; table < STATS_TABLES; table++) {
        answer->table = table;
        part.what = RECORD_TOPS + table;
        if (wants_table(answer, table) && gather_each(gather, &part, take_record, answer, err) < 0)
            return -1;
    }
    return 0;
}

static int gather_lists(struct answer *answer, struct history *history, struct error *err)
{
    struct gather gather;
    struct plan_span left = answer->span, part;
    struct reader_span span = {0};
    if (gather_begin(&gather, history, false, take_portion, answer, err) < 0)
        return -1;
    int rc = 0;
    while (rc == 0 && plan_next(&left, &part, &span.kind)) {
        span.from_ms = part.from_ms;
        span.to_ms = part.to_ms;
        rc = read_part(answer, &gather, &span, err);
    }
    gather_end(&gather);
    return rc;
}

/* --- writing -------------------------------------------------------------------------------- */

static void put_field(struct buf *out, const char *name, uint64_t value,
                      const struct stats_unit *unit)
{
    char digits[PUT_DECIMAL_MAX];
    buf_str(out, ",\"");
    buf_str(out, name);
    buf_str(out, "\":");
    buf_put(out, digits, (size_t)(put_decimal(digits, value, unit->decimals) - digits));
}

static void put_row(struct buf *out, const struct tops *list, const struct tops_row *row,
                    enum tops_rank rank)
{
    struct span text = tops_text(list, row);
    buf_str(out, "{\"name\":\"");
    char *p = buf_reserve(out, text.len * ESCAPE_JSON_MAX);
    if (p)
        buf_commit(out, escape_json(p, text, ESCAPE_PRESENTED));
    buf_byte(out, '"');
    put_field(out, "value", tops_value(&row->values, rank), tops_ranks[rank].unit);
    if (rank < TOPS_BOUNDED)
        put_field(out, "error", row->error[rank], tops_ranks[rank].unit);
    for (int m = 0; m < STATS_MEASURES; m++)
        put_field(out, stats_measures[m].name, row->values.of[m], stats_measures[m].unit);
    buf_byte(out, '}');
}

static void put_list(struct buf *out, struct answer *answer, unsigned table, enum tops_rank rank,
                     size_t n)
{
    const struct tops *list = &answer->lists[table];
    const struct tops_row **rows = tops_first(list, rank, &n);
    buf_printf(out, ",\"%s\":[", stats_table_name((enum stats_table_id)table));
    for (size_t i = 0; rows && i < n; i++) {
        if (i)
            buf_byte(out, ',');
        put_row(out, list, rows[i], rank);
    }
    buf_byte(out, ']');
    answer->failed |= !rows || list->failed;
    free(rows);
}

/* Writes what a name that a list does not show may have at most. */
static void put_floors(struct buf *out, const struct answer *answer, enum tops_rank rank)
{
    buf_str(out, ",\"floor\":{");
    bool comma = false;
    for (unsigned table = 0; rank < TOPS_BOUNDED && table < STATS_TABLES; table++) {
        if (!wants_table(answer, table))
            continue;
        buf_printf(out, "%s\"%s\":%llu", comma ? "," : "",
                   stats_table_name((enum stats_table_id)table),
                   (unsigned long long)answer->lists[table].floor[rank]);
        comma = true;
    }
    buf_byte(out, '}');
}

static void put_answer(struct buf *out, struct answer *answer, enum tops_rank rank, size_t n)
{
    buf_printf(out, "{\"from\":%lld,\"to\":%lld,\"by\":\"%s\"", (long long)answer->span.from_ms,
               (long long)answer->span.to_ms, tops_ranks[rank].name);
    put_floors(out, answer, rank);
    for (unsigned table = 0; table < STATS_TABLES; table++) {
        if (wants_table(answer, table))
            put_list(out, answer, table, rank, n);
    }
    buf_byte(out, '}');
    answer->failed |= out->failed;
}

int history_tops_json(struct history *history, const struct history_question *question, size_t n,
                      struct buf *out, struct error *err)
{
    struct answer answer = {.question = question};
    struct plan_sources sources = gather_sources(history);
    size_t start = out->len;
    int rank = question->by.len ? tops_rank_find(question->by) : TOPS_HITS;
    if (rank < 0)
        return error_set(err, "lists can be had by hits, nxdomain, failed, bytes and slowest");
    if (question->stream.len)
        return error_set(err, "top lists are kept of all streams together");
    if (plan_span(&sources, question, &answer.span, err) < 0)
        return -1;
    answer.keep = n > KEEP_LEAST ? n : KEEP_LEAST;
    int rc = gather_lists(&answer, history, err);
    if (rc == 0)
        put_answer(out, &answer, (enum tops_rank)rank, n);
    if (rc == 0 && answer.failed)
        rc = error_set(err, "no memory for so much history");
    if (rc < 0)
        out->len = start;
    for (unsigned table = 0; table < STATS_TABLES; table++)
        tops_free(&answer.lists[table]);
    return rc;
}
