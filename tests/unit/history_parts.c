/* What history is made of: counts, sketches, top lists, and plans for answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../support/random.h"
#include "history/plan.h"
#include "history/record.h"
#include "history/series.h"
#include "history/tops_sum.h"
#include "history/trust.h"

/* --- counts --------------------------------------------------------------------------------- */

enum { IDS = 300 };

static struct counts random_counts(struct random *r, uint64_t *truth)
{
    struct counts counts = {0};
    for (size_t i = random_below(r, 200); i > 0; i--) {
        uint32_t id = (uint32_t)random_below(r, IDS);
        uint64_t n = random_below(r, 1000);
        counts_put(&counts, id * 70000, n);
        truth[id] += n;
    }
    return counts;
}

static void assert_counts(const struct counts *counts, const uint64_t *truth)
{
    uint32_t some = 0;
    for (uint32_t id = 0; id < IDS; id++) {
        assert_true(counts_get(counts, id * 70000) == truth[id]);
        some += truth[id] != 0;
    }
    assert_int_equal(counts->len, some);
    for (uint32_t i = 1; i < counts->len; i++)
        assert_true(counts->items[i - 1].id < counts->items[i].id);
}

static void counts_add_up(void **state)
{
    (void)state;
    struct random r = {7};
    for (int round = 0; round < 500; round++) {
        uint64_t truth[IDS] = {0};
        struct counts a = random_counts(&r, truth), b = random_counts(&r, truth), sum = {0};
        struct buf bytes = {0};
        counts_encode(&a, &bytes);
        counts_add(&sum, &b);
        assert_int_equal(counts_decode(&sum, buf_span(&bytes)), 0);
        assert_counts(&sum, truth);
        buf_free(&bytes);
        counts_free(&a);
        counts_free(&b);
        counts_free(&sum);
    }
}

static void damaged_counts_add_nothing(void **state)
{
    (void)state;
    static const char *const damaged[] = {"\x01", "\x01\xff", "\xff\xff\xff\xff\x7f\x01",
                                          "\x01\x05\xff\xff\xff\xff\x0f\x01"};
    struct counts counts = {0};
    counts_put(&counts, 5, 6);
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++)
        assert_int_equal(counts_decode(&counts, span_str(damaged[i])), -1);
    assert_int_equal(counts.len, 1);
    assert_int_equal(counts_get(&counts, 5), 6);
    counts_free(&counts);
}

/* --- sketches ------------------------------------------------------------------------------- */

static void fill(struct sketch *sketch, struct random *r, size_t keys)
{
    for (size_t i = 0; i < keys; i++)
        hll_add(&sketch->hll, random_u64(r));
}

static void sketches_merge_as_one(void **state)
{
    (void)state;
    static struct sketch a, b, both, read;
    struct buf left = {0}, right = {0}, sum = {0};
    struct random r = {11};
    a.mark = b.mark = both.mark = 99;
    fill(&a, &r, 30000);
    fill(&b, &r, 500);
    both.hll = a.hll;
    hll_merge(&both.hll, &b.hll);
    sketch_encode(&a, &left);
    sketch_encode(&b, &right);
    assert_int_equal(record_merge(RECORD_DISTINCT, buf_span(&left), buf_span(&right), 1, &sum), 0);
    assert_int_equal(sketch_decode(&read, buf_span(&sum)), 0);
    assert_memory_equal(read.hll.registers, both.hll.registers, HLL_REGISTERS);
    buf_free(&left);
    buf_free(&right);
    buf_free(&sum);
}

static void sketches_of_two_keys_do_not_mix(void **state)
{
    (void)state;
    static struct sketch large, small;
    struct random r = {12};
    large.mark = 1;
    small.mark = 2;
    fill(&large, &r, 3000);
    fill(&small, &r, 100);
    struct sketch sum = small;
    sketch_merge(&sum, &large);
    assert_memory_equal(&sum, &large, sizeof sum);
    sketch_merge(&sum, &small);
    assert_memory_equal(&sum, &large, sizeof sum);
}

static void damaged_sketches_are_refused(void **state)
{
    (void)state;
    static struct sketch sketch, read;
    struct buf bytes = {0};
    memset(sketch.hll.registers, 200, HLL_REGISTERS); /* more zeros than a hash has bits */
    sketch_encode(&sketch, &bytes);
    assert_int_equal(sketch_decode(&read, buf_span(&bytes)), -1);
    assert_int_equal(sketch_decode(&read, span_of(bytes.data, bytes.len - 1)), -1);
    assert_int_equal(sketch_decode(&read, span_of(bytes.data, 4)), -1);
    buf_free(&bytes);
}

/* --- top lists ------------------------------------------------------------------------------ */

enum { KEYS = 400, SPANS = 30, TOP = 20 };

/* One key in one span: queries, of which some were answered by NXDOMAIN. */
struct truth {
    struct stats_values keys[KEYS];
};

static uint64_t value_of(const struct truth *truth, size_t key, int rank)
{
    return tops_value(&truth->keys[key], (enum tops_rank)rank);
}

static void random_span(struct truth *truth, struct random *r)
{
    for (size_t key = 0; key < KEYS; key++) {
        uint64_t *of = truth->keys[key].of;
        uint64_t hits = random_below(r, 20000 / (1 + key * (1 + random_below(r, 5))));
        of[MEASURE_QUERIES] = hits / 2;
        of[MEASURE_RESPONSES] = hits - hits / 2;
        of[MEASURE_QUERY_BYTES] = hits * 30;
        of[MEASURE_NXDOMAIN] = random_below(r, of[MEASURE_RESPONSES] + 1);
        of[MEASURE_FAILED] = of[MEASURE_RESPONSES] - of[MEASURE_NXDOMAIN];
        of[MEASURE_SLOWEST] = hits ? random_below(r, 1000000) : 0;
        of[MEASURE_SERVFAIL] = random_below(r, of[MEASURE_FAILED] + 1);
        of[MEASURE_REFUSED] = of[MEASURE_FAILED] - of[MEASURE_SERVFAIL];
        of[MEASURE_NODATA] = random_below(r, of[MEASURE_RESPONSES] - of[MEASURE_FAILED] + 1);
    }
}

static void put_key(char *text, size_t key)
{
    snprintf(text, SAMPLE_TEXT_MAX, "name%zu.example.", key);
}

/* The first rows by a rank, as the statistics would answer. */
static struct stats_answer answer_of(const struct truth *truth, int rank)
{
    struct stats_answer answer = {.rows = calloc(TOP, sizeof *answer.rows), .keys = KEYS};
    bool taken[KEYS] = {false};
    while (answer.count < TOP) {
        size_t best = KEYS;
        for (size_t key = 0; key < KEYS; key++) {
            if (!taken[key] && value_of(truth, key, rank) &&
                (best == KEYS || value_of(truth, key, rank) > value_of(truth, best, rank)))
                best = key;
        }
        if (best == KEYS)
            break;
        taken[best] = true;
        struct stats_top *top = &answer.rows[answer.count++];
        top->value = value_of(truth, best, rank);
        top->values = truth->keys[best];
        put_key(top->text, best);
        top->text_len = (uint16_t)strlen(top->text);
    }
    return answer;
}

static struct tops list_of(const struct truth *truth)
{
    struct tops tops = {0};
    for (size_t key = 0; key < KEYS; key++) {
        char text[SAMPLE_TEXT_MAX];
        put_key(text, key);
        tops_append(&tops, span_str(text))->values = truth->keys[key];
    }
    tops_cut(&tops, TOP);
    tops_sort(&tops);
    assert_false(tops.failed);
    return tops;
}

/* Every promise of history/tops.h. Returns how many keys are listed. */
static size_t check_bounds(const struct tops *tops, const struct truth *truth)
{
    size_t listed = 0;
    for (size_t key = 0; key < KEYS; key++) {
        char text[SAMPLE_TEXT_MAX];
        const struct tops_row *row = NULL;
        put_key(text, key);
        for (uint32_t i = 0; i < tops->len; i++) {
            if (span_equal(tops_text(tops, &tops->rows[i]), span_str(text)))
                row = &tops->rows[i];
        }
        listed += row != NULL;
        for (int rank = 0; rank < TOPS_BOUNDED; rank++) {
            uint64_t true_value = value_of(truth, key, rank);
            if (!row) {
                assert_true(true_value <= tops->floor[rank]);
                continue;
            }
            uint64_t value = tops_value(&row->values, (enum tops_rank)rank);
            assert_true(value <= true_value);
            assert_true(true_value <= value + row->error[rank]);
        }
    }
    return listed;
}

static void merged_lists_keep_their_promises(void **state)
{
    (void)state;
    struct random r = {21};
    struct truth *all = calloc(1, sizeof *all), *span = calloc(1, sizeof *span);
    struct tops sum = {0};
    for (int i = 0; i < SPANS; i++) {
        random_span(span, &r);
        for (size_t key = 0; key < KEYS; key++)
            stats_values_add(&all->keys[key], &span->keys[key]);
        struct tops list = list_of(span);
        check_bounds(&list, span);
        tops_merge(&sum, &list);
        tops_cut(&sum, 2 * TOP);
        assert_true(check_bounds(&sum, all) >= 2 * TOP);
        tops_free(&list);
    }
    /* And they are of use: the ten most frequent are there, in order. */
    size_t n = 10;
    struct stats_answer best = answer_of(all, TOPS_HITS);
    const struct tops_row **first = tops_first(&sum, TOPS_HITS, &n);
    assert_int_equal(n, 10);
    for (size_t i = 0; i < n; i++)
        assert_true(tops_value(&first[i]->values, TOPS_HITS) + first[i]->error[TOPS_HITS] >=
                    best.rows[i].value);
    free(first);
    free(best.rows);
    tops_cut(&sum, 5);
    assert_true(check_bounds(&sum, all) >= 5);
    tops_free(&sum);
    free(all);
    free(span);
}

static void lists_in_full_merge_exactly(void **state)
{
    (void)state;
    struct random r = {22};
    struct truth *all = calloc(1, sizeof *all), *span = calloc(1, sizeof *span);
    struct tops sum = {0};
    for (int i = 0; i < 5; i++) {
        memset(span, 0, sizeof *span);
        for (size_t key = 0; key < TOP - 1; key++) {
            span->keys[key].of[MEASURE_QUERIES] = random_below(&r, 1000);
            stats_values_add(&all->keys[key], &span->keys[key]);
        }
        struct tops list = list_of(span);
        tops_merge(&sum, &list);
        tops_free(&list);
    }
    assert_int_equal(sum.floor[TOPS_HITS], 0);
    for (uint32_t i = 0; i < sum.len; i++)
        assert_int_equal(sum.rows[i].error[TOPS_HITS], 0);
    check_bounds(&sum, all);
    tops_free(&sum);
    free(all);
    free(span);
}

static void add_to_sum(struct tops_sum *sum, const struct tops *list)
{
    struct buf bytes = {0};
    tops_encode(list, &bytes);
    assert_true(tops_sum_add(sum, buf_span(&bytes)));
    buf_free(&bytes);
}

static void sums_are_as_merging_makes_them(void **state)
{
    (void)state;
    struct random r = {24};
    struct siphash_key key = {{1, 2}};
    struct truth *span = calloc(1, sizeof *span);
    struct tops merged = {0};
    struct tops_sum sum = tops_sum_of(&key, KEYS, TOPS_ALL_RANKS);
    for (int i = 0; i < 20; i++) {
        random_span(span, &r);
        struct tops list = list_of(span);
        add_to_sum(&sum, &list);
        tops_merge(&merged, &list);
        tops_free(&list);
    }
    assert_true(tops_sum_add(&sum, span_str("damaged")));
    struct tops added = tops_sum_end(&sum);
    assert_int_equal(added.len, merged.len);
    assert_memory_equal(added.floor, merged.floor, sizeof added.floor);
    for (uint32_t i = 0; i < added.len; i++) {
        const struct tops_row *a = &added.rows[i], *b = &merged.rows[i];
        assert_true(span_equal(tops_text(&added, a), tops_text(&merged, b)));
        assert_memory_equal(&a->values, &b->values, sizeof a->values);
        assert_memory_equal(a->error, b->error, sizeof a->error);
    }
    tops_free(&added);
    tops_free(&merged);
    free(span);
}

/* A list of servers, of which every other one has a tally: a latency of the step with its number,
 * and retries. */
static struct tops servers_of(unsigned first, unsigned count, uint64_t hits)
{
    struct tops list = {0};
    for (unsigned i = first; i < first + count; i++) {
        struct stats_tally tally = {.of = {[TALLY_RETRIES] = hits}};
        char text[16];
        snprintf(text, sizeof text, "%02u", i);
        struct tops_row *row = tops_append(&list, span_str(text));
        row->values.of[MEASURE_QUERIES] = hits * (100 + i);
        tally.of[i] = hits << 32; /* counts are large at times */
        tops_tally_add(&list, row, i % 2 ? &tally : NULL);
    }
    return list;
}

static void check_servers(const struct tops *list, unsigned from, unsigned to, uint64_t hits)
{
    for (uint32_t n = 0; n < list->len; n++) {
        const uint8_t *text = tops_text(list, &list->rows[n]).ptr;
        unsigned i = (text[0] - '0') * 10u + text[1] - '0';
        const struct stats_tally *tally = tops_tally(list, &list->rows[n]);
        uint64_t times = i >= from && i < to ? 2 * hits : hits;
        assert_int_equal(tally != NULL, i % 2);
        assert_true(!tally || (tally->of[TALLY_RETRIES] == times && tally->of[i] == times << 32 &&
                               stats_tally_timed(tally) == times << 32));
    }
}

/* Tallies go where their rows go: through bytes, merges and cuts, in either way of adding up. */
static void tallies_go_with_their_rows(void **state)
{
    (void)state;
    struct tops first = servers_of(0, 30, 3), second = servers_of(20, 30, 3), read = {0};
    const struct siphash_key key = {{1, 2}};
    struct tops_sum sum = tops_sum_of(&key, 5, 1 << TOPS_HITS);
    struct buf bytes = {0};
    tops_encode(&first, &bytes);
    assert_int_equal(tops_decode(&read, buf_span(&bytes)), 0);
    buf_free(&bytes);
    assert_int_equal(read.len, 30);
    check_servers(&read, 0, 0, 3);
    tops_merge(&read, &second);
    assert_int_equal(read.len, 50);
    check_servers(&read, 20, 30, 3);
    tops_cut(&read, 12);
    assert_int_equal(read.len, 12);
    check_servers(&read, 20, 30, 3);
    add_to_sum(&sum, &first);
    add_to_sum(&sum, &second);
    struct tops added = tops_sum_end(&sum);
    assert_int_equal(added.len, 5);
    check_servers(&added, 20, 30, 3);
    tops_clear(&read);
    tops_append(&read, span_str("name"));
    assert_null(tops_tally(&read, &read.rows[0]));
    struct tops *const lists[] = {&first, &second, &read, &added};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        assert_false(lists[i]->failed);
        tops_free(lists[i]);
    }
}

/* A list of the keys of one span that have more than `floor`, each with a random number of queries.
 */
static struct tops crowd_of(struct random *r, uint64_t floor, uint64_t *truth, size_t keys)
{
    struct tops list = {.floor = {[TOPS_HITS] = floor}};
    for (size_t key = 0; key < keys; key++) {
        char text[SAMPLE_TEXT_MAX];
        uint64_t queries = random_below(r, 40) * random_below(r, 10 + key % 90) / 20;
        truth[key] += queries;
        if (queries <= floor)
            continue;
        put_key(text, key);
        struct tops_row *row = tops_append(&list, span_str(text));
        row->values.of[MEASURE_QUERIES] = queries;
    }
    tops_sort(&list);
    return list;
}

/* So many keys that the sum is cut again and again, and bounds hold nevertheless. */
static void sums_of_crowds_keep_their_promises(void **state)
{
    (void)state;
    enum { CROWD = 60000, TIMES = 6, FIRST = 50 };
    struct random r = {25};
    struct siphash_key key = {{1, 2}};
    uint64_t *truth = calloc(CROWD, sizeof *truth);
    struct tops_sum sum = tops_sum_of(&key, FIRST, 1 << TOPS_HITS);
    for (int i = 0; i < TIMES; i++) {
        struct tops list = crowd_of(&r, 12, truth, CROWD);
        assert_true(list.len > 5000);
        add_to_sum(&sum, &list);
        tops_free(&list);
    }
    struct tops added = tops_sum_end(&sum);
    assert_int_equal(added.len, FIRST);
    uint64_t floor = added.floor[TOPS_HITS];
    bool *listed = calloc(CROWD, sizeof *listed);
    for (uint32_t i = 0; i < added.len; i++) {
        const struct tops_row *row = &added.rows[i];
        size_t at = strtoul((const char *)tops_text(&added, row).ptr + strlen("name"), NULL, 10);
        uint64_t value = tops_value(&row->values, TOPS_HITS);
        assert_true(value <= truth[at] && truth[at] <= value + row->error[TOPS_HITS]);
        assert_true(row->error[TOPS_HITS] <= floor);
        listed[at] = true;
    }
    for (size_t at = 0; at < CROWD; at++)
        assert_true(listed[at] || truth[at] <= floor);
    tops_free(&added);
    free(listed);
    free(truth);
}

static void lists_survive_as_bytes(void **state)
{
    (void)state;
    struct random r = {23};
    struct truth *span = calloc(1, sizeof *span);
    random_span(span, &r);
    struct tops list = list_of(span), read = {0};
    struct buf bytes = {0};
    list.rows[3].error[TOPS_NXDOMAIN] = UINT64_MAX;
    tops_encode(&list, &bytes);
    assert_int_equal(tops_decode(&read, buf_span(&bytes)), 0);
    assert_int_equal(read.len, list.len);
    assert_memory_equal(read.floor, list.floor, sizeof read.floor);
    for (uint32_t i = 0; i < read.len; i++) {
        assert_true(span_equal(tops_text(&read, &read.rows[i]), tops_text(&list, &list.rows[i])));
        assert_memory_equal(&read.rows[i].values, &list.rows[i].values, sizeof read.rows[i].values);
        assert_memory_equal(read.rows[i].error, list.rows[i].error, sizeof read.rows[i].error);
    }
    tops_free(&read);
    for (int i = 0; i < 2000; i++) { /* damaged ones: refused, or some list, but never a crash */
        struct buf damaged = {0};
        buf_put(&damaged, bytes.data, random_below(&r, bytes.len + 1));
        for (size_t n = random_below(&r, 4); n > 0 && damaged.len > 0; n--)
            damaged.data[random_below(&r, damaged.len)] = (uint8_t)random_u64(&r);
        if (tops_decode(&read, buf_span(&damaged)) == 0)
            tops_merge(&read, &list);
        tops_free(&read);
        buf_free(&damaged);
    }
    tops_free(&list);
    buf_free(&bytes);
    free(span);
}

/* --- series --------------------------------------------------------------------------------- */

static void series_have_names_of_their_own(void **state)
{
    (void)state;
    char names[64][SERIES_NAME_MAX + 1];
    size_t count = 0;
    for (const struct series *series; (series = series_at(count)); count++) {
        unsigned last = series->members ? series->members - 1u : 0;
        char *end = series_put_name(names[count], series, last);
        assert_true(end - names[count] <= SERIES_NAME_MAX);
        *end = '\0';
        assert_non_null(series->doc);
        for (size_t i = 0; i < count; i++)
            assert_string_not_equal(names[i], names[count]);
    }
    assert_true(count > 20);
}

static void every_member_has_a_name(void **state)
{
    (void)state;
    for (size_t n = 0; series_at(n); n++) {
        const struct series *series = series_at(n);
        for (unsigned member = 0; member < series->members; member++) {
            char name[SERIES_NAME_MAX];
            size_t len = (size_t)(series_put_name(name, series, member) - name);
            assert_true(len > strlen(series->name) + 1);
        }
    }
}

/* --- plans ---------------------------------------------------------------------------------- */

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
static const int64_t now = 20000 * DAY + 13 * HOUR + 37 * MINUTE + 5 * SECOND;

/* Roll-ups of each kind without gap from a moment on, and minutes in memory. */
struct kept {
    int64_t from[HISTORY_ALL_KINDS], to;
};
static const struct kept usual = {
    .from = {now - 2 * DAY, now - 60 * DAY, now - 1830 * DAY, now - 1830 * DAY, now - 1830 * DAY},
    .to = now};

static int64_t next_kept(void *ctx, unsigned what, enum history_kind kind, int64_t from_ms)
{
    const struct kept *kept = ctx;
    (void)what;
    int64_t least = kind_start(kind, kept->from[kind]);
    int64_t at = kind_start(kind, from_ms);
    at = at < from_ms ? kind_end(kind, from_ms) : at;
    at = at < least ? least : at;
    bool over = kind < HISTORY_KINDS || kind_end(kind, at) <= kept->to;
    return at < kept->to && over ? at : INT64_MAX;
}

static struct plan_sources sources_of(const struct kept *kept)
{
    return (struct plan_sources){now, now - 15 * MINUTE, true,
                                 0,   next_kept,         (void *)(uintptr_t)kept};
}

static struct query_plan plan_of(const struct kept *kept, int64_t from, int64_t to, uint64_t step)
{
    struct plan_sources sources = sources_of(kept);
    struct history_question question = {.from_ms = from, .to_ms = to, .step_ms = step};
    struct query_plan plan;
    struct error err;
    assert_int_equal(plan_points(&sources, &question, &plan, &err), 0);
    assert_int_equal(plan.from_ms % plan.step_ms, 0);
    return plan;
}

static void plans_take_what_tells_of_the_time(void **state)
{
    (void)state;
    static const struct {
        int64_t from, to;
        uint64_t step;
        int64_t wanted;
        int kind;
    } cases[] = {
        {5 * MINUTE, 0, 0, SECOND, PLAN_SECONDS},
        {15 * MINUTE, 0, 0, 2 * SECOND, PLAN_SECONDS},
        {HOUR, 0, 0, MINUTE, HISTORY_MINUTES},
        {DAY, 0, 0, 5 * MINUTE, HISTORY_MINUTES},
        {3 * DAY, 0, 0, HOUR, HISTORY_HOURS},
        {3 * DAY, 3 * DAY - HOUR, 0, HOUR, HISTORY_HOURS},
        {59 * DAY, 0, 0, 3 * HOUR, HISTORY_HOURS},
        {61 * DAY, 0, 0, DAY, HISTORY_DAYS},
        {1800 * DAY, 0, 0, 7 * DAY, HISTORY_DAYS},
        {15 * MINUTE, 0, 1000, SECOND, PLAN_SECONDS},
        {HOUR, 0, 1000, 5 * SECOND, PLAN_SECONDS}, /* at most 1000 points */
        {HOUR, 0, 61000, 2 * MINUTE, HISTORY_MINUTES},
        {HOUR, 0, 3600000, HOUR, HISTORY_HOURS},
        {2 * DAY, 0, 86400000, DAY, HISTORY_DAYS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t to = cases[i].to ? now - cases[i].to : 0;
        struct query_plan plan = plan_of(&usual, now - cases[i].from, to, cases[i].step);
        assert_int_equal(plan.step_ms, cases[i].wanted);
        assert_int_equal(plan.kind, cases[i].kind);
        assert_true(plan.count <= PLAN_POINTS_MAX);
        int64_t end = plan.from_ms + (int64_t)plan.count * plan.step_ms;
        assert_true(plan.from_ms <= now - cases[i].from && end >= (to ? to : now));
    }
}

static void plans_refuse_what_is_no_span(void **state)
{
    (void)state;
    struct plan_sources sources = sources_of(&usual);
    struct history_question questions[] = {
        {.from_ms = -1}, {.from_ms = 5, .to_ms = 4}, {.from_ms = 0, .to_ms = INT64_MAX}};
    for (size_t i = 0; i < 3; i++) {
        struct query_plan plan;
        struct plan_span span;
        struct error err;
        assert_int_equal(plan_points(&sources, &questions[i], &plan, &err), -1);
        assert_int_equal(plan_span(&sources, &questions[i], &span, &err), -1);
    }
    assert_true(plan_of(&usual, 0, INT64_C(253402300799999), 1).count <= PLAN_POINTS_MAX);
}

/* What is there decides: whatever was to be kept, charts have points. */
static void plans_go_by_what_is_there(void **state)
{
    (void)state;
    static const struct {
        struct kept kept;
        int64_t from;
        uint64_t step;
        int64_t wanted;
        int kind;
    } cases[] = {
        /* Minutes were trimmed away; hours were, too. */
        {{.from = {now, now - 60 * DAY, now - 60 * DAY}, .to = now}, 10 * HOUR, 0, HOUR, 1},
        {{.from = {now, now, now - 60 * DAY}, .to = now}, 3 * DAY, 0, DAY, 2},
        {{.from = {now + DAY, now - 9 * DAY, now - 9 * DAY}, .to = now}, 10 * HOUR, 60000, HOUR, 1},
        /* They reach further back than they were to be kept, or all begin lately. */
        {{.from = {now - 9 * DAY, now - 9 * DAY, now - 9 * DAY}, .to = now},
         9 * DAY,
         0,
         1800000,
         0},
        {{.from = {now - HOUR, now - HOUR, now - HOUR}, .to = now}, 9 * DAY, 0, 1800000, 0},
        {{.from = {now, now, now}, .to = now}, 9 * HOUR, 0, MINUTE, 0},
        /* Half of the minutes are there. */
        {{.from = {now - 5 * HOUR, now - DAY, now - DAY}, .to = now}, 10 * HOUR, 0, HOUR, 1},
        /* Seconds that are not in memory. */
        {{.from = {now - DAY, now - DAY, now - DAY}, .to = now}, 10 * HOUR, 5000, MINUTE, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct query_plan plan =
            plan_of(&cases[i].kept, now - cases[i].from,
                    cases[i].step == 5000 ? now - cases[i].from + HOUR : 0, cases[i].step);
        assert_int_equal(plan.step_ms, cases[i].wanted);
        assert_int_equal(plan.kind, cases[i].kind);
    }
}

static void assert_span(const struct kept *kept, int64_t from, int64_t to, int64_t wanted_from,
                        int64_t wanted_to)
{
    struct plan_sources sources = sources_of(kept);
    struct history_question question = {.from_ms = from, .to_ms = to};
    struct plan_span span;
    struct error err;
    assert_int_equal(plan_span(&sources, &question, &span, &err), 0);
    assert_int_equal(span.from_ms, wanted_from);
    assert_int_equal(span.to_ms, wanted_to);
    assert_true(plan_end(&sources, &question, span.to_ms) <= (to > now ? to : now));
}

/* An end moves to that of the longest roll-up that it cuts and that has no shorter ones there. */
static void spans_are_widened_to_what_is_there(void **state)
{
    (void)state;
    const int64_t midnight = 20000 * DAY, before = now - 30 * DAY, long_ago = now - 400 * DAY;
    assert_span(&usual, now - DAY, now, kind_start(HISTORY_MINUTES, now - DAY), midnight + DAY);
    assert_span(&usual, before, before + 3 * DAY, kind_start(HISTORY_HOURS, before),
                kind_end(HISTORY_HOURS, before + 3 * DAY));
    assert_span(&usual, long_ago, long_ago + 3 * DAY, kind_start(HISTORY_DAYS, long_ago),
                kind_end(HISTORY_DAYS, long_ago + 3 * DAY));
    struct kept months = {.from = {now, now, now, now, long_ago}, .to = now};
    assert_span(&months, long_ago, long_ago + DAY, kind_start(HISTORY_MONTHS, long_ago),
                kind_end(HISTORY_MONTHS, long_ago + DAY));
    assert_span(&usual, now - 3000 * DAY, now - 2000 * DAY,
                kind_start(HISTORY_MINUTES, now - 3000 * DAY),
                kind_end(HISTORY_MINUTES, now - 2000 * DAY));
}

/* --- the calendar ---------------------------------------------------------------------------- */

static void kinds_follow_the_calendar(void **state)
{
    (void)state;
    struct random r = {31};
    for (int i = 0; i < 20000; i++) {
        int64_t ms = (int64_t)random_below(&r, (size_t)(4000000 * DAY)) - 1000000 * DAY;
        for (int k = 0; k < HISTORY_ALL_KINDS; k++) {
            enum history_kind kind = (enum history_kind)k;
            int64_t start = kind_start(kind, ms), end = kind_end(kind, ms);
            assert_true(start <= ms && ms < end);
            assert_int_equal(kind_start(kind, start), start);
            assert_int_equal(kind_start(kind, end - 1), start);
            assert_int_equal(kind_start(kind, end), end);
        }
        time_t month = (time_t)(kind_start(HISTORY_MONTHS, ms) / SECOND);
        time_t week = (time_t)(kind_start(HISTORY_WEEKS, ms) / SECOND);
        struct tm tm;
        assert_int_equal(gmtime_r(&month, &tm)->tm_mday, 1);
        assert_int_equal(tm.tm_hour, 0);
        assert_int_equal(gmtime_r(&week, &tm)->tm_wday, 1);
    }
}

/* --- whom to believe ------------------------------------------------------------------------- */

static void clocks_that_leap_are_not_believed(void **state)
{
    (void)state;
    static const int64_t leaps[] = {6 * 365 * DAY, -6 * 365 * DAY, 95 * MINUTE, -95 * MINUTE,
                                    40 * DAY};
    const uint64_t ms_ns = 1000000, hour_ns = (uint64_t)HOUR * ms_ns;
    for (size_t i = 0; i < sizeof leaps / sizeof *leaps; i++) {
        struct trust trust = {0};
        uint64_t ns = 7;
        assert_true(trust_judge(&trust, now, ns)); /* a new database */
        /* For a minute: then all is as before. */
        assert_false(trust_judge(&trust, now + leaps[i], ns));
        assert_false(trust_judge(&trust, now + leaps[i] + MINUTE, ns + (uint64_t)MINUTE * ms_ns));
        assert_true(trust_judge(&trust, now + 2 * MINUTE, ns += 2 * (uint64_t)MINUTE * ms_ns));
        assert_int_equal(trust.believed_ms, now + 2 * MINUTE);
        /* For good: after some hours, and not sooner when it leaps about. */
        for (int hour = 0; hour < 20; hour++) {
            int64_t there = now + leaps[i] * (1 + hour % 2) + 3 * HOUR + hour * HOUR;
            assert_false(trust_judge(&trust, there, ns += hour_ns));
        }
        int64_t there = trust.last_ms;
        assert_false(trust_judge(&trust, there + 2 * HOUR, ns += 2 * hour_ns));
        assert_true(trust_judge(&trust, there + 3 * HOUR, ns += hour_ns));
        assert_true(trust_judge(&trust, there + 300 * HOUR, ns += 297 * hour_ns));
    }
}

/* No two numbers are too far apart to be compared. */
static void any_two_times_are_compared(void **state)
{
    (void)state;
    static const int64_t times[] = {INT64_MIN, -DAY * 2, DAY * 2, INT64_MAX};
    for (int i = 0; i < 4 * 4; i++) {
        struct trust trust = {.believed_ms = times[i / 4]};
        assert_int_equal(trust_judge(&trust, times[i % 4], 5), i / 4 == i % 4);
    }
}

static void pauses_are_believed_for_a_day(void **state)
{
    (void)state;
    static const struct {
        int64_t pause;
        bool believed;
    } cases[] = {
        {HOUR, true}, {23 * HOUR, true}, {3 * DAY, false}, {-HOUR, true}, {-3 * DAY, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trust trust = {.believed_ms = now};
        assert_int_equal(trust_judge(&trust, now + cases[i].pause, 5), cases[i].believed);
        assert_true(trust_judge(&trust, now + cases[i].pause + 3 * HOUR,
                                5 + (uint64_t)(3 * HOUR) * 1000000));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tallies_go_with_their_rows),
        cmocka_unit_test(counts_add_up),
        cmocka_unit_test(damaged_counts_add_nothing),
        cmocka_unit_test(sketches_merge_as_one),
        cmocka_unit_test(sketches_of_two_keys_do_not_mix),
        cmocka_unit_test(damaged_sketches_are_refused),
        cmocka_unit_test(merged_lists_keep_their_promises),
        cmocka_unit_test(lists_in_full_merge_exactly),
        cmocka_unit_test(lists_survive_as_bytes),
        cmocka_unit_test(series_have_names_of_their_own),
        cmocka_unit_test(every_member_has_a_name),
        cmocka_unit_test(plans_take_what_tells_of_the_time),
        cmocka_unit_test(plans_refuse_what_is_no_span),
        cmocka_unit_test(plans_go_by_what_is_there),
        cmocka_unit_test(spans_are_widened_to_what_is_there),
        cmocka_unit_test(kinds_follow_the_calendar),
        cmocka_unit_test(clocks_that_leap_are_not_believed),
        cmocka_unit_test(any_two_times_are_compared),
        cmocka_unit_test(pauses_are_believed_for_a_day),
        cmocka_unit_test(sums_are_as_merging_makes_them),
        cmocka_unit_test(sums_of_crowds_keep_their_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
