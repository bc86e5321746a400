/* stats/: a window that has ended is folded into what came before it some rows at a time, and what
 * is known since the start is the same before, meanwhile and after. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>

#include "../support/names.h"
#include "../support/statistics.h"

enum { NAMES = 300, QUESTIONS = 4, SCOPES = 3, ANSWERS = SCOPES * QUESTIONS };

static const char *const streams[] = {"ns1", "ns2"};

/* Messages about name number `i`, of which there are more than of those with larger numbers. */
static void send_name(struct stats *stats, unsigned i)
{
    char name[32];
    snprintf(name, sizeof name, "n%u.d%u.example.", i, i % 7);
    for (unsigned times = 1 + (NAMES - i) / 3; times > 0; times--) {
        const char *stream = streams[(i + times) % 2];
        send_event(stats, 0, stream, name, i % 50, STATS_QUERY, 1, 0, -1, 40 + times % 3);
        send_event(stats, 0, stream, name, i % 50, STATS_RESPONSE, 1, i % 4 ? 0 : 3, times, 90);
    }
}

static void send_names(struct stats *stats, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        send_name(stats, i);
    merge_all(stats);
}

static const struct stats_question questions[QUESTIONS] = {
    {.table = TABLE_DOMAINS, .by = BY_HITS},
    {.table = TABLE_DOMAINS, .by = BY_RCODE, .direction = STATS_RESPONSE, .code = 3},
    {.table = TABLE_REGISTRABLE, .by = BY_BYTES},
    {.table = TABLE_CLIENTS, .by = BY_MEASURE, .measure = MEASURE_NXDOMAIN},
};

/* Of all streams together, and of each. */
static void ask_all(struct stats *stats, struct stats_answer answers[ANSWERS], size_t n)
{
    for (int s = 0; s < SCOPES; s++)
        assert_int_equal(stats_top(stats, OF_STREAM(s ? s - 1 : STATS_ALL), questions, QUESTIONS, n,
                                   &answers[s * QUESTIONS]),
                         0);
}

static void check_same(struct stats *stats, const struct stats_answer wanted[ANSWERS], size_t n)
{
    struct stats_answer answers[ANSWERS];
    ask_all(stats, answers, n);
    for (int a = 0; a < ANSWERS; a++) {
        assert_int_equal(answers[a].count, wanted[a].count);
        assert_int_equal(answers[a].keys, wanted[a].keys);
        assert_int_equal(answers[a].floor, wanted[a].floor);
        for (size_t i = 0; i < wanted[a].count; i++) {
            const struct stats_top *row = &answers[a].rows[i], *other = &wanted[a].rows[i];
            assert_string_equal(row->text, other->text);
            assert_int_equal(row->value, other->value);
            assert_int_equal(row->error, other->error);
            assert_memory_equal(&row->values, &other->values, sizeof row->values);
        }
    }
    stats_answers_free(answers, ANSWERS);
}

/* Folds some rows of one table. False: there is nothing left to do. */
static bool fold_on(struct stats *stats, uint32_t rows)
{
    enum stats_table_id id = 0;
    struct table_set *later = &stats->folding->tables;
    while (id < STATS_TABLES && later->tables[id].folded == later->tables[id].row_count)
        id++;
    if (id < STATS_TABLES)
        table_set_fold_some(&stats->tables, later, id, rows);
    return id < STATS_TABLES;
}

static struct stats_window *end_fold(struct stats *stats, struct stats_window *window)
{
    stats_window_fold(stats, window);
    assert_null(stats->folding);
    stats_window_seal(window);
    return window;
}

/* Names that came before the window, in it, and in both. */
static struct stats *with_two_windows(uint64_t memory)
{
    struct stats *stats = new_stats(memory, 2);
    send_names(stats, 0, NAMES / 2);
    stats_window_free(take_window(stats));
    send_names(stats, NAMES / 4, NAMES);
    return stats;
}

/* Few rows are asked for as well, where rows that cannot be among them are passed over. */
static void test_answers_stay(void **state)
{
    (void)state;
    static const size_t ns[] = {STATS_TOP_MAX, 5};
    for (size_t i = 0; i < sizeof ns / sizeof *ns; i++) {
        struct stats *stats = with_two_windows(32 << 20);
        struct stats_answer answers[ANSWERS];
        unsigned rounds = 0;
        ask_all(stats, answers, ns[i]);
        struct stats_window *window = stats_window_take(stats, NULL);
        do
            check_same(stats, answers, ns[i]);
        while (fold_on(stats, 1 + rounds++ % 40));
        assert_true(rounds > 20);
        stats_window_free(end_fold(stats, window));
        check_same(stats, answers, ns[i]);
        stats_answers_free(answers, ANSWERS);
        stats_free(stats);
    }
}

static uint64_t domains_of(struct stats *stats, int stream)
{
    struct stats_snapshot *snapshot = stats_photograph(stats, true);
    const struct stats_stream *of = stream < 0 ? snapshot->total : snapshot->streams[stream];
    uint64_t count = of[STATS_CLIENT].distinct.domains;
    assert_true(snapshot->exact);
    stats_release(snapshot);
    return count;
}

/* What comes meanwhile is known already, or new: in what came before, in what is being folded, or
 * nowhere. */
static void test_keys_are_counted_once(void **state)
{
    (void)state;
    struct stats *stats = with_two_windows(32 << 20);
    unsigned came = NAMES;
    struct stats_window *window = stats_window_take(stats, NULL);
    do {
        send_names(stats, came % NAMES, came % NAMES + 2);
        send_event(stats, 0, "ns1", "new.example.", 1, STATS_QUERY, 1, 0, -1, 40);
        merge_all(stats);
        assert_int_equal(domains_of(stats, -1), NAMES + 1);
        came += 7;
    } while (fold_on(stats, 40));
    assert_true(came > NAMES + 70);
    stats_window_free(end_fold(stats, window));
    assert_int_equal(domains_of(stats, -1), NAMES + 1);
    stats_free(stats);
}

/* A reset ends it, and what comes then is counted from nothing. */
static void test_a_reset_between(void **state)
{
    (void)state;
    struct stats *stats = with_two_windows(32 << 20);
    struct stats_window *window = stats_window_take(stats, NULL);
    fold_on(stats, 10);
    stats_forget(stats);
    send_names(stats, NAMES - 2, NAMES);
    stats_window_free(end_fold(stats, window));
    assert_int_equal(domains_of(stats, -1), 2);
    assert_int_equal(stats->tables.tables[TABLE_DOMAINS].row_count, 0);
    stats_free(stats);
}

/* While a window is folded nobody gives up a place: its rows would go to who has it then. */
static void test_places_are_kept(void **state)
{
    (void)state;
    struct stats *stats = with_two_windows(32 << 20);
    struct stats_window *window = stats_window_take(stats, NULL);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 5000; i++)
            send_event(stats, 0, "busy", "busy.example.", 1, STATS_QUERY, 1, 0, -1, 40);
        stats->ticks += 1000;
        merge_all(stats);
        listing_second(stats);
        assert_int_equal(listing_find(stats, span_str("busy")) != NULL, round == 1);
        if (round == 0)
            stats_window_free(end_fold(stats, window));
    }
    stats_free(stats);
}

struct folder {
    struct stats *stats;
    struct stats_window *window;
};

static void *fold_all(void *arg)
{
    struct folder *folder = arg;
    stats_window_fold(folder->stats, folder->window);
    return NULL;
}

static uint32_t folded_of(const struct stats_window *window)
{
    uint32_t folded = 0;
    for (int id = 0; id < STATS_TABLES; id++)
        folded += window->tables.tables[id].folded;
    return folded;
}

/* Who waits for the tables waits for a moment: that is how often the fold lets them be seen. */
static void test_others_get_between(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    struct stats *stats = new_stats(32 << 20, 2);
    for (unsigned i = 0; i < MANY; i++) {
        char name[32];
        snprintf(name, sizeof name, "n%u.example.", i);
        send_event(stats, 0, "ns1", name, i, STATS_QUERY, 1, 0, -1, 40);
    }
    merge_all(stats);
    struct folder folder = {stats, stats_window_take(stats, NULL)};
    pthread_t thread;
    unsigned seen = 0;
    uint32_t last = 0, most = 0;
    pthread_rwlock_rdlock(&stats->tables_lock); /* so that it cannot be done before we look */
    assert_int_equal(pthread_create(&thread, NULL, fold_all, &folder), 0);
    for (bool folding = true; folding;) {
        pthread_rwlock_unlock(&stats->tables_lock);
        pthread_rwlock_rdlock(&stats->tables_lock);
        folding = stats->folding != NULL;
        uint32_t folded = folded_of(folder.window);
        most = folded - last > most ? folded - last : most;
        seen += folding && folded > last;
        last = folded;
    }
    pthread_rwlock_unlock(&stats->tables_lock);
    pthread_join(thread, NULL);
    assert_true(last > MANY);
    assert_true(seen >= 3);
    assert_true(most < last);
    stats_window_free(folder.window);
    stats_free(stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_stay),       cmocka_unit_test(test_keys_are_counted_once),
        cmocka_unit_test(test_a_reset_between),    cmocka_unit_test(test_places_are_kept),
        cmocka_unit_test(test_others_get_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
