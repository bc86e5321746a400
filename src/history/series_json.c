/* Series over time, as JSON. */
#include <stdlib.h>

#include "base/json.h"
#include "history/gather.h"

/* One point of the answer. */
struct point {
    struct counts counts;
    uint64_t observed_ms;
    bool known;
    struct sketch *sketches[STATS_DISTINCTS]; /* while they are merged */
    double distinct[STATS_DISTINCTS];         /* when they have been */
};

/* The answer being made. */
struct series_answer {
    const struct history_question *question;
    struct query_plan plan;
    struct point *points;
    int distinct; /* which of the sketches are merged */
    bool failed;  /* no memory */
};

static struct point *point_at(struct series_answer *answer, int64_t start_ms)
{
    int64_t into = start_ms - answer->plan.from_ms;
    if (into < 0 || (size_t)(into / answer->plan.step_ms) >= answer->plan.count)
        return NULL;
    return &answer->points[into / answer->plan.step_ms];
}

/* --- gathering ------------------------------------------------------------------------------ */

/* Whether anything is known of a point, and how long was watched, the record of all streams says.
 */
static bool take_total(void *ctx, int64_t start_ms, struct span bytes)
{
    struct series_answer *answer = ctx;
    struct point *point = point_at(answer, start_ms);
    struct counts counts = {0};
    int rc = point ? counts_decode(&counts, bytes) : READ_DAMAGED;
    answer->failed |= rc == READ_NO_MEMORY;
    if (rc == 0) {
        point->known = true;
        point->observed_ms += series_observed(&counts);
        if (answer->question->stream.len == 0)
            counts_add(&point->counts, &counts);
        answer->failed |= point->counts.failed;
    }
    counts_free(&counts);
    return !answer->failed;
}

static bool take_stream(void *ctx, int64_t start_ms, struct span bytes)
{
    struct series_answer *answer = ctx;
    struct point *point = point_at(answer, start_ms);
    answer->failed |= point && counts_decode(&point->counts, bytes) == READ_NO_MEMORY;
    return !answer->failed;
}

static void merge_sketch(struct series_answer *answer, struct point *point, int which,
                         struct span bytes)
{
    struct sketch *sketch = malloc(sizeof *sketch);
    int rc = sketch ? sketch_decode(sketch, bytes) : READ_NO_MEMORY;
    if (rc < 0) {
        answer->failed |= rc == READ_NO_MEMORY;
        free(sketch);
        return;
    }
    if (!point->sketches[which]) {
        point->sketches[which] = sketch;
        return;
    }
    sketch_merge(point->sketches[which], sketch);
    free(sketch);
}

static void finish_sketch(struct point *point, int which)
{
    if (point->sketches[which])
        point->distinct[which] = hll_estimate(&point->sketches[which]->hll);
    free(point->sketches[which]);
    point->sketches[which] = NULL;
}

static bool take_distinct(void *ctx, int64_t start_ms, struct span bytes)
{
    struct series_answer *answer = ctx;
    struct point *point = point_at(answer, start_ms);
    if (point)
        merge_sketch(answer, point, answer->distinct, bytes);
    return !answer->failed;
}

static void take_portion(void *ctx, const struct portion *portion)
{
    struct series_answer *answer = ctx;
    struct cursor c = cursor_of(buf_span(&portion->records));
    struct span stream = answer->question->stream;
    struct point *point = point_at(answer, portion->start_ms);
    struct record record;
    if (portion->has == PORTION_TOTAL && stream.len)
        return; /* nothing is known of it */
    while (point && portion_next(&c, &record)) {
        unsigned kind = record.what - record_of(0, answer->question->side);
        unsigned which = kind - RECORD_DISTINCT;
        if (kind == RECORD_COUNTS && record.stream.len == 0)
            take_total(answer, portion->start_ms, record.bytes);
        else if (kind == RECORD_COUNTS && stream.len && span_equal(record.stream, stream))
            take_stream(answer, portion->start_ms, record.bytes);
        else if (which < STATS_DISTINCTS && record.stream.len == 0 && stream.len == 0)
            merge_sketch(answer, point, (int)which, record.bytes);
    }
}

static bool wants_distinct(const struct series_answer *answer, int which)
{
    for (size_t i = 0; series_at(i); i++) {
        const struct series *series = series_at(i);
        if (series->from == SERIES_DISTINCT && series->distinct == which)
            return answer->question->stream.len == 0 &&
                   gather_wants(answer->question->series, span_str(series->name));
    }
    return false;
}

/* Reads the sketches of one kind: no more are in memory at once. */
static int read_distinct(struct series_answer *answer, struct gatherer *gather,
                         struct reader_span *span, int which, struct error *err)
{
    int rc = 0;
    answer->distinct = which;
    span->what = record_of(RECORD_DISTINCT + (unsigned)which, answer->question->side);
    if (wants_distinct(answer, which))
        rc = gather_span(gather, span, take_distinct, answer, err);
    for (size_t i = 0; i < answer->plan.count; i++)
        finish_sketch(&answer->points[i], which);
    return rc;
}

static int read_database(struct series_answer *answer, struct gatherer *gather, struct error *err)
{
    struct query_plan *plan = &answer->plan;
    struct reader_span span = {
        .what = record_of(RECORD_COUNTS, answer->question->side),
        .kind = (enum history_kind)plan->kind,
        .from_ms = plan->from_ms,
        .to_ms = plan->from_ms + (int64_t)plan->count * plan->step_ms,
    };
    int rc = gather_span(gather, &span, take_total, answer, err);
    for (int which = 0; which < STATS_DISTINCTS; which++) {
        if (rc == 0)
            rc = read_distinct(answer, gather, &span, which, err);
    }
    span.what = record_of(RECORD_COUNTS, answer->question->side);
    span.stream = answer->question->stream;
    return rc == 0 && span.stream.len ? gather_span(gather, &span, take_stream, answer, err) : rc;
}

static int gather_points(struct series_answer *answer, struct gatherer *gather, struct error *err)
{
    bool seconds = answer->plan.kind == PLAN_SECONDS;
    int rc = gather_memory(gather, seconds, take_portion, answer, err);
    if (rc == 0 && !seconds)
        rc = read_database(answer, gather, err);
    for (size_t i = 0; i < answer->plan.count; i++) {
        for (int which = 0; which < STATS_DISTINCTS; which++)
            finish_sketch(&answer->points[i], which);
    }
    return rc;
}

/* --- writing -------------------------------------------------------------------------------- */

/* Absent values are null. */
static void put_derived(struct json *j, bool known, double value)
{
    if (known && value >= 0)
        json_double(j, value);
    else
        json_null(j);
}

static void put_counted(struct json *j, bool known, uint64_t value, unsigned decimals)
{
    if (known)
        json_decimal(j, value, decimals);
    else
        json_null(j);
}

static void put_value(struct json *j, const struct series *series, unsigned member,
                      const struct point *point)
{
    double value;
    switch (series->from) {
    case SERIES_TIME:
        put_counted(j, point->known, point->observed_ms, series->decimals);
        break;
    case SERIES_MEAN:
    case SERIES_QUANTILE:
        put_derived(j, point->known, series_derived(series, &point->counts));
        break;
    case SERIES_DISTINCT:
        value = point->distinct[series->distinct];
        put_counted(j, point->known && value >= 0, (uint64_t)(value < 0 ? 0 : value + 0.5), 0);
        break;
    default:
        put_counted(j, point->known, counts_get(&point->counts, series_id(series, member)),
                    series->decimals);
    }
}

static void put_series(struct json *j, const struct series_answer *answer,
                       const struct series *series, unsigned member)
{
    char name[SERIES_NAME_MAX];
    struct span text = span_of(name, (size_t)(series_put_name(name, series, member) - name));
    if (!gather_wants(answer->question->series, text))
        return;
    json_text_key(j, text);
    json_array(j);
    for (size_t i = 0; i < answer->plan.count; i++)
        put_value(j, series, member, &answer->points[i]);
    json_array_end(j);
}

/* Series of all streams alone have no place in an answer about one. */
static bool is_of_stream(const struct series *series)
{
    return series->from != SERIES_DISTINCT && series->from != SERIES_SNAPSHOT;
}

static void put_all(struct json *j, const struct series_answer *answer, const struct counts *ids)
{
    const struct series *series;
    json_key(j, "series");
    json_object(j);
    for (size_t n = 0; (series = series_at(n)); n++) {
        if (answer->question->stream.len && !is_of_stream(series))
            continue;
        if (!series->members) {
            put_series(j, answer, series, 0);
            continue;
        }
        uint32_t end = series_id(series, SERIES_MEMBER_OTHER);
        for (uint32_t i = counts_from(ids, series_id(series, 0));
             i < ids->len && ids->items[i].id <= end; i++)
            put_series(j, answer, series, ids->items[i].id & 0xffff);
    }
    json_object_end(j);
}

static void put_heat(struct json *j, const struct series_answer *answer)
{
    if (!gather_wants(answer->question->series, span_str("heat")))
        return;
    json_key(j, "heat");
    json_array(j);
    for (size_t i = 0; i < answer->plan.count; i++) {
        uint64_t heat[SERIES_HEAT] = {0};
        unsigned len = SERIES_HEAT;
        series_heat(&answer->points[i].counts, heat);
        while (len > 0 && heat[len - 1] == 0)
            len--;
        json_array(j);
        for (unsigned row = 0; row < len; row++)
            json_u64(j, heat[row]);
        json_array_end(j);
    }
    json_array_end(j);
}

/* Left out unless it is asked for by name, since it is long. */
static void put_fine(struct json *j, const struct series_answer *answer)
{
    struct span asked = answer->question->series;
    if (asked.len == 0 || !gather_wants(asked, span_str("fine")))
        return;
    json_key(j, "fine");
    json_array(j);
    for (size_t i = 0; i < answer->plan.count; i++) {
        uint32_t len;
        const struct count *latencies = series_latencies(&answer->points[i].counts, &len);
        json_array(j);
        for (uint32_t at = 0; at < len; at++) {
            json_u64(j, latencies[at].id & 0xffff);
            json_u64(j, latencies[at].n);
        }
        json_array_end(j);
    }
    json_array_end(j);
}

/* The means and quantiles of all points together, which the reader of the points cannot add up. */
static void put_whole(struct json *j, const struct series_answer *answer, const struct counts *sums)
{
    const struct series *series;
    json_key(j, "whole");
    json_object(j);
    for (size_t n = 0; (series = series_at(n)); n++) {
        if ((series->from != SERIES_MEAN && series->from != SERIES_QUANTILE) ||
            !gather_wants(answer->question->series, span_str(series->name)))
            continue;
        json_key(j, series->name);
        put_derived(j, true, series_derived(series, sums));
    }
    json_object_end(j);
}

static void put_answer(struct buf *out, struct series_answer *answer)
{
    const struct query_plan *plan = &answer->plan;
    struct json j = json_begin(out);
    uint64_t observed_ms = 0;
    struct counts ids = {0}; /* all that occur */
    for (size_t i = 0; i < plan->count; i++) {
        counts_add(&ids, &answer->points[i].counts);
        observed_ms += answer->points[i].observed_ms;
    }
    json_put_str(&j, "side", stats_side_name(answer->question->side));
    json_put_i64(&j, "step", plan->step_ms);
    json_put_i64(&j, "from", plan->from_ms);
    json_put_i64(&j, "to", plan->from_ms + (int64_t)plan->count * plan->step_ms);
    json_put_decimal(&j, "seconds", observed_ms, 3);
    json_key(&j, "times");
    json_array(&j);
    for (size_t i = 0; i < plan->count; i++)
        json_i64(&j, plan->from_ms + (int64_t)i * plan->step_ms);
    json_array_end(&j);
    put_all(&j, answer, &ids);
    put_whole(&j, answer, &ids);
    put_heat(&j, answer);
    put_fine(&j, answer);
    answer->failed |= ids.failed || out->failed;
    counts_free(&ids);
}

/* --- all of it ------------------------------------------------------------------------------ */

static int make_points(struct series_answer *answer, struct error *err)
{
    answer->points = calloc(answer->plan.count + 1, sizeof *answer->points);
    if (!answer->points)
        return error_set(err, "no memory for so many points");
    for (size_t i = 0; i < answer->plan.count; i++) {
        for (int which = 0; which < STATS_DISTINCTS; which++)
            answer->points[i].distinct[which] = -1;
    }
    return 0;
}

static int make_answer(struct series_answer *answer, struct gatherer *gather, struct error *err)
{
    struct plan_sources sources =
        gather_sources(gather, record_of(RECORD_COUNTS, answer->question->side));
    if (plan_points(&sources, answer->question, &answer->plan, err) < 0 ||
        make_points(answer, err) < 0)
        return -1;
    return gather_points(answer, gather, err);
}

static int answer_series(const struct ask *ask, struct buf *out, struct error *err)
{
    struct series_answer answer = {.question = &ask->question};
    struct gatherer gather;
    size_t start = out->len;
    gather_begin(&gather, ask);
    int rc = make_answer(&answer, &gather, err);
    gather_end(&gather);
    if (rc == 0)
        put_answer(out, &answer);
    if (rc == 0 && answer.failed)
        rc = error_set(err, "no memory for so much history");
    if (rc < 0)
        out->len = start;
    for (size_t i = 0; answer.points && i < answer.plan.count; i++)
        counts_free(&answer.points[i].counts);
    free(answer.points);
    return rc;
}

int history_series_json(struct history *history, const struct history_question *question,
                        struct buf *out, struct error *err)
{
    return ask_question(history, question, 0, answer_series, out, err);
}
