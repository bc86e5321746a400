/* stats/query: the first of thousands of keys, of what came before, of a window that is being
 * folded into it and of the one that runs, are those that counting by hand gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "../support/random.h"
#include "../support/statistics.h"

enum {
    SEEDS = 3,
    NAMES = 5000,
    EVENTS = 3 * NAMES,
    QUESTIONS = 8,
    CROWD = 1000, /* candidates of a short list */
    LEADERS = 5,
};

static const struct stats_question questions[QUESTIONS] = {
    {.table = TABLE_DOMAINS, .by = BY_HITS},
    {.table = TABLE_DOMAINS, .by = BY_BYTES},
    {.table = TABLE_DOMAINS, .by = BY_MEAN},
    {.table = TABLE_DOMAINS, .by = BY_RCODE, .direction = STATS_RESPONSE, .code = 0},
    {.table = TABLE_DOMAINS, .by = BY_QTYPE, .direction = STATS_QUERY, .code = 28},
    {.table = TABLE_DOMAINS, .measure = MEASURE_NXDOMAIN},
    {.table = TABLE_DOMAINS, .measure = MEASURE_SLOWEST},
    {.table = TABLE_DOMAINS, .measure = MEASURE_RESPONSE_BYTES},
};

/* What a name has come with, and before how many other names it came. */
struct counted {
    uint64_t younger, hits, bytes, response_bytes, timed, latency_us, slowest_us, noerror, nxdomain,
        aaaa;
};
static struct counted counted[NAMES];
static unsigned came;

static uint64_t value_of(const struct counted *c, unsigned question)
{
    const uint64_t values[QUESTIONS] = {
        c->hits,       c->bytes,          c->timed ? c->latency_us / c->timed : 0,
        c->noerror,    c->aaaa,           c->nxdomain,
        c->slowest_us, c->response_bytes,
    };
    return values[question];
}

static void count_query(struct counted *c, uint16_t type, size_t length)
{
    c->hits++;
    c->bytes += length;
    c->aaaa += type == 28;
}

static void count_response(struct counted *c, uint8_t rcode, uint64_t latency_us, size_t length)
{
    c->hits++;
    c->bytes += length;
    c->response_bytes += length;
    c->noerror += rcode == 0;
    c->nxdomain += rcode == 3;
    c->timed++;
    c->latency_us += latency_us;
    c->slowest_us = latency_us > c->slowest_us ? latency_us : c->slowest_us;
}

/* Most names come once or twice, as under an attack; a few often. In each window others do. */
static void send_some(struct stats *stats, struct random *random, const char *stream,
                      unsigned window)
{
    for (unsigned i = 0; i < EVENTS; i++) {
        bool usual = random_below(random, 3) == 0;
        unsigned number = usual ? 300 * window + random_below(random, 1 + random_below(random, 600))
                                : random_below(random, NAMES);
        uint16_t type = random_below(random, 2) ? 28 : 1;
        uint8_t rcode = random_below(random, 3) ? 0 : 3;
        uint64_t latency_us = random_below(random, 1000) << random_below(random, 8);
        size_t length = 20 + random_below(random, 400);
        char name[32];
        snprintf(name, sizeof name, "n%u.example.", number);
        send_event(stats, 0, stream, name, 1, STATS_QUERY, type, 0, -1, length);
        if (counted[number].hits == 0)
            counted[number].younger = NAMES - came++;
        count_query(&counted[number], type, length);
        if (random_below(random, 5) == 0)
            continue;
        send_event(stats, 0, stream, name, 1, STATS_RESPONSE, type, rcode,
                   (int64_t)latency_us * 1000, length);
        count_response(&counted[number], rcode, latency_us, length);
    }
    merge_all(stats);
}

static unsigned asked; /* the question by which names are sorted */

static int compare(const void *a, const void *b)
{
    const struct counted *x = &counted[*(const unsigned *)a], *y = &counted[*(const unsigned *)b];
    uint64_t mine = value_of(x, asked), other = value_of(y, asked);
    return mine != other ? (mine < other) - (mine > other)
                         : (x->younger < y->younger) - (x->younger > y->younger);
}

/* The largest values, and of equal ones those of the names that came first. */
static void check_order(const struct stats_answer *answer, unsigned question)
{
    static unsigned sorted[NAMES];
    char name[32];
    for (unsigned i = 0; i < NAMES; i++)
        sorted[i] = i;
    asked = question;
    qsort(sorted, NAMES, sizeof *sorted, compare);
    for (size_t i = 0; i < answer->count; i++) {
        snprintf(name, sizeof name, "n%u.example.", sorted[i]);
        assert_string_equal(answer->rows[i].text, name);
    }
}

/* Each row says what its name has, which stands there once. */
static void check_rows(const struct stats_answer *answer, unsigned question)
{
    static bool seen[NAMES];
    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < answer->count; i++) {
        unsigned long number = strtoul(answer->rows[i].text + 1, NULL, 10);
        assert_false(seen[number]);
        seen[number] = true;
        assert_int_equal(answer->rows[i].value, value_of(&counted[number], question));
        assert_int_equal(answer->rows[i].values.of[MEASURE_TIMED], counted[number].timed);
        assert_true(i == 0 || answer->rows[i].value <= answer->rows[i - 1].value);
    }
}

/* Where names come in several streams, some that are among the first in none of them may be
 * missing; and so may one by its mean, if many had larger ones that fell later. */
static void check_lists(struct stats *stats, bool whole)
{
    static const size_t ns[] = {1, 10, 100, 400};
    for (size_t i = 0; i < sizeof ns / sizeof *ns; i++) {
        struct stats_answer answers[QUESTIONS];
        assert_int_equal(stats_top(stats, &of_all, questions, QUESTIONS, ns[i], answers), 0);
        for (unsigned q = 0; q < QUESTIONS; q++) {
            assert_int_equal(answers[q].count, ns[i]);
            check_rows(&answers[q], q);
            if (whole && (questions[q].by != BY_MEAN || ns[i] <= 10))
                check_order(&answers[q], q);
        }
        stats_answers_free(answers, QUESTIONS);
    }
}

/* Three sets, the second of which is folded into the first step by step. */
static void check_windows(uint64_t seed, const char *last_stream)
{
    struct random random = {seed};
    bool one = strcmp(last_stream, "ns1") == 0;
    struct stats *stats = new_stats(64 << 20, 4);
    memset(counted, 0, sizeof counted);
    came = 0;
    send_some(stats, &random, "ns1", 0);
    check_lists(stats, true);
    stats_window_free(take_window(stats));
    send_some(stats, &random, "ns1", 1);
    check_lists(stats, true);
    struct stats_window *window = stats_window_take(stats, NULL);
    send_some(stats, &random, last_stream, 2);
    while (!table_set_fold_some(&stats->tables, &stats->folding->tables, TABLE_DOMAINS, 1000))
        check_lists(stats, one);
    stats_window_fold(stats, window);
    stats_window_free(window);
    check_lists(stats, one);
    stats_free(stats);
}

static void of_one_stream(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        check_windows(seed, "ns1");
}

static void of_several_streams(void **state)
{
    (void)state;
    check_windows(7, "ns2");
}

static void send_number(struct stats *stats, unsigned number, unsigned queries)
{
    char name[32];
    snprintf(name, sizeof name, "n%u.example.", number);
    for (; queries > 0; queries--)
        send_event(stats, 0, "ns1", name, 1, STATS_QUERY, 1, 0, -1, 40);
}

static void answer_number(struct stats *stats, unsigned number, unsigned times, int64_t latency_us)
{
    char name[32];
    snprintf(name, sizeof name, "n%u.example.", number);
    for (; times > 0; times--)
        send_event(stats, 0, "ns1", name, 1, STATS_RESPONSE, 1, 0, latency_us * 1000, 40);
}

static void end_window(struct stats *stats)
{
    merge_all(stats);
    stats_window_free(take_window(stats));
}

static void check_first(struct stats *stats, const struct stats_question *question,
                        const unsigned *numbers, size_t count)
{
    struct stats_answer answer;
    char name[32];
    merge_all(stats);
    assert_int_equal(stats_top(stats, &of_all, question, 1, LEADERS, &answer), 0);
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "n%u.example.", numbers[i]);
        assert_string_equal(answer.rows[i].text, name);
    }
    stats_answers_free(&answer, 1);
}

/* As many names as are kept as candidates, and three that get to the front with what comes later:
 * one that was a candidate from the beginning, one that became one, and one that was none. */
static void those_that_catch_up_lead(void **state)
{
    (void)state;
    static const unsigned wanted[] = {CROWD + 1, 0, CROWD, 1, 2};
    struct stats *stats = new_stats(64 << 20, 4);
    send_number(stats, 0, 12);
    for (unsigned i = 1; i < CROWD; i++)
        send_number(stats, i, i <= 2 * LEADERS ? 20 : 10);
    for (unsigned i = CROWD + 2; i < CROWD + 200; i++)
        send_number(stats, i, 5);
    send_number(stats, CROWD, 11);
    send_number(stats, CROWD + 1, 9);
    end_window(stats);
    send_number(stats, 0, 10);
    send_number(stats, CROWD, 10);
    send_number(stats, CROWD + 1, 14);
    check_first(stats, &questions[0], wanted, LEADERS);
    stats_free(stats);
}

/* The means of all candidates fall, so that two are the largest that would have been small before.
 */
static void means_fall(void **state)
{
    (void)state;
    static const unsigned wanted[] = {CROWD, CROWD + 1};
    struct stats *stats = new_stats(64 << 20, 4);
    for (unsigned i = 0; i < CROWD; i++)
        answer_number(stats, i, 1, i < LEADERS ? 20000 : 10000);
    send_number(stats, CROWD, 1);
    answer_number(stats, CROWD + 1, 9, 9000);
    end_window(stats);
    for (unsigned i = 0; i < CROWD; i++)
        answer_number(stats, i, 9, i < LEADERS ? 3000 : 0);
    answer_number(stats, CROWD, 1, 9900);
    answer_number(stats, CROWD + 1, 1, 3000);
    check_first(stats, &(struct stats_question){.table = TABLE_DOMAINS, .by = BY_MEAN}, wanted, 2);
    stats_free(stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_one_stream),
        cmocka_unit_test(of_several_streams),
        cmocka_unit_test(those_that_catch_up_lead),
        cmocka_unit_test(means_fall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
