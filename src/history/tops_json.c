/* Top lists over a span of time, as JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "history/extent.h"
#include "history/gather.h"
#include "history/tops_sum.h"

enum { KEEP_LEAST = 1000 /* rows of each list while lists are added up */ };

/* The answer being made. */
struct tops_answer {
    const struct history_question *question;
    struct plan_span span;
    struct plan_span told; /* from when to when the numbers are */
    int64_t open_ms;       /* where the first minute in memory begins; INT64_MAX: there is none */
    struct tops_sum sums[STATS_TABLES];
    struct tops lists[STATS_TABLES]; /* when they have been added up */
    unsigned table;                  /* that is being read */
    bool failed;                     /* no memory */
};

static bool wants_table(const struct tops_answer *answer, unsigned table)
{
    const char *name = stats_table_name((enum stats_table_id)table);
    return gather_wants(answer->question->table, span_str(name));
}

static unsigned what_of(const struct tops_answer *answer, unsigned table)
{
    return record_of(RECORD_TOPS + table, answer->question->side);
}

static bool take_record(void *ctx, int64_t start_ms, struct span bytes)
{
    struct tops_answer *answer = ctx;
    (void)start_ms;
    answer->failed |= !tops_sum_add(&answer->sums[answer->table], bytes);
    return !answer->failed;
}

static void take_portion(void *ctx, const struct portion *portion)
{
    struct tops_answer *answer = ctx;
    struct cursor c = cursor_of(buf_span(&portion->records));
    bool inside =
        portion->start_ms >= answer->span.from_ms && portion->start_ms < answer->span.to_ms;
    struct record record;
    if (inside && portion->start_ms < answer->open_ms)
        answer->open_ms = portion->start_ms;
    while (inside && portion_next(&c, &record)) {
        unsigned table = record.what - what_of(answer, 0);
        if (table < STATS_TABLES && record.stream.len == 0 && wants_table(answer, table))
            answer->failed |= !tops_sum_add(&answer->sums[table], record.bytes);
    }
}

/* The first table that is asked for; all have roll-ups of the same spans. */
static unsigned first_table(const struct tops_answer *answer)
{
    unsigned table = 0;
    while (table < STATS_TABLES - 1 && !wants_table(answer, table))
        table++;
    return table;
}

/* Where nothing is there at all the answer is of the span that was asked for. */
static struct plan_span told_of(const struct tops_answer *answer, const struct gatherer *gather,
                                const struct plan_sources *sources)
{
    int64_t asked_end = plan_asked_end(sources, answer->question);
    struct plan_span told = {INT64_MAX, answer->span.to_ms};
    if (gather->reads)
        told = extent_of_span(gather->held->reader, sources->what, &answer->span, asked_end);
    if (answer->open_ms < told.from_ms)
        told.from_ms = answer->open_ms;
    if (told.from_ms == INT64_MAX)
        told =
            (struct plan_span){kind_start(HISTORY_MINUTES, answer->question->from_ms), asked_end};
    told.to_ms = plan_end(sources, answer->question, told.to_ms);
    return told;
}

/* Table by table, so that just one has many rows at a time. */
static int gather_lists(struct tops_answer *answer, struct gatherer *gather, struct error *err)
{
    struct plan_sources sources = gather_sources(gather, what_of(answer, first_table(answer)));
    if (plan_span(&sources, answer->question, &answer->span, err) < 0)
        return -1;
    int rc = gather_memory(gather, false, take_portion, answer, err);
    answer->told = told_of(answer, gather, &sources);
    struct reader_span span = {
        .kind = HISTORY_MONTHS, .from_ms = answer->span.from_ms, .to_ms = answer->span.to_ms};
    for (unsigned table = 0; rc == 0 && table < STATS_TABLES; table++) {
        answer->table = table;
        span.what = what_of(answer, table);
        if (wants_table(answer, table))
            rc = gather_span(gather, &span, take_record, answer, err);
        answer->lists[table] = tops_sum_end(&answer->sums[table]);
    }
    return rc;
}

/* --- writing -------------------------------------------------------------------------------- */

/* As the API has it of a server: "retries" and "latency". */
static void put_tally(struct json *j, const struct stats_tally *tally)
{
    uint64_t timed = stats_tally_timed(tally);
    json_put_u64(j, "retries", tally->of[TALLY_RETRIES]);
    json_key(j, "latency");
    json_object(j);
    json_put_u64(j, "count", timed);
    for (size_t i = 0; i < QUANTILES_SHOWN; i++) {
        int64_t ns = quantile_of_steps(tally->of, timed, quantile_shown[i].q);
        if (timed > 0)
            json_put_decimal(j, quantile_shown[i].key, (uint64_t)ns, 9);
        else
            json_put_null(j, quantile_shown[i].key);
    }
    json_object_end(j);
}

static void put_row(struct json *j, const struct tops *list, const struct tops_row *row,
                    enum tops_rank rank)
{
    struct span text = tops_text(list, row);
    unsigned decimals = tops_ranks[rank].unit->decimals;
    json_object(j);
    json_put_text(j, "name", text.len ? text : span_str(""));
    json_put_decimal(j, "value", tops_value(&row->values, rank), decimals);
    if (rank < TOPS_BOUNDED)
        json_put_decimal(j, "error", row->error[rank], decimals);
    for (int m = 0; m < STATS_MEASURES; m++)
        json_put_decimal(j, stats_measures[m].name, row->values.of[m],
                         stats_measures[m].unit->decimals);
    if (row->tally)
        put_tally(j, tops_tally(list, row));
    json_object_end(j);
}

static void put_list(struct json *j, struct tops_answer *answer, unsigned table,
                     enum tops_rank rank, size_t n)
{
    const struct tops *list = &answer->lists[table];
    const struct tops_row **rows = tops_first(list, rank, &n);
    json_key(j, stats_table_name((enum stats_table_id)table));
    json_array(j);
    for (size_t i = 0; rows && i < n; i++)
        put_row(j, list, rows[i], rank);
    json_array_end(j);
    answer->failed |= !rows || list->failed;
    free(rows);
}

/* Writes what a name that a list does not show may have at most. */
static void put_floors(struct json *j, const struct tops_answer *answer, enum tops_rank rank)
{
    json_key(j, "floor");
    json_object(j);
    for (unsigned table = 0; rank < TOPS_BOUNDED && table < STATS_TABLES; table++) {
        if (wants_table(answer, table))
            json_put_u64(j, stats_table_name((enum stats_table_id)table),
                         answer->lists[table].floor[rank]);
    }
    json_object_end(j);
}

static void put_answer(struct buf *out, struct tops_answer *answer, enum tops_rank rank, size_t n)
{
    int64_t from_ms = answer->told.from_ms, end_ms = answer->told.to_ms;
    struct json j = json_begin(out);
    json_put_str(&j, "side", stats_side_name(answer->question->side));
    json_put_i64(&j, "from", from_ms);
    json_put_i64(&j, "to", end_ms);
    json_put_decimal(&j, "seconds", end_ms > from_ms ? (uint64_t)(end_ms - from_ms) : 0, 3);
    json_put_str(&j, "by", tops_ranks[rank].name);
    put_floors(&j, answer, rank);
    for (unsigned table = 0; table < STATS_TABLES; table++) {
        if (wants_table(answer, table))
            put_list(&j, answer, table, rank, n);
    }
    answer->failed |= out->failed;
}

/* Says which there are. */
static int no_such_rank(struct error *err)
{
    char names[128];
    size_t len = 0;
    for (int rank = 0; rank < TOPS_RANKS; rank++)
        len += (size_t)snprintf(names + len, sizeof names - len, "%s%s", rank ? ", " : "",
                                tops_ranks[rank].name);
    return error_set(err, "lists are by %s", names);
}

static int answer_tops(const struct ask *ask, struct buf *out, struct error *err)
{
    struct tops_answer answer = {.question = &ask->question, .open_ms = INT64_MAX};
    struct gatherer gather;
    size_t start = out->len, keep = ask->n > KEEP_LEAST ? ask->n : KEEP_LEAST;
    int rank = ask->question.by.len ? tops_rank_find(ask->question.by) : TOPS_HITS;
    if (rank < 0)
        return no_such_rank(err);
    if (ask->question.stream.len)
        return error_set(err, "top lists are kept of all streams together");
    for (unsigned table = 0; table < STATS_TABLES; table++)
        answer.sums[table] = tops_sum_of(&ask->history->key, keep, 1U << rank);
    gather_begin(&gather, ask);
    int rc = gather_lists(&answer, &gather, err);
    gather_end(&gather);
    if (rc == 0)
        put_answer(out, &answer, (enum tops_rank)rank, ask->n);
    if (rc == 0 && answer.failed)
        rc = error_set(err, "no memory for so much history");
    if (rc < 0)
        out->len = start;
    for (unsigned table = 0; table < STATS_TABLES; table++) {
        struct tops unfinished = tops_sum_end(&answer.sums[table]);
        tops_free(&unfinished);
        tops_free(&answer.lists[table]);
    }
    return rc;
}

int history_tops_json(struct history *history, const struct history_question *question, size_t n,
                      struct buf *out, struct error *err)
{
    return ask_question(history, question, n, answer_tops, out, err);
}
