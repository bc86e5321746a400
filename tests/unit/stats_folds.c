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

enum {
    NAMES = 300,
    QUESTIONS = 5,
    SCOPES = 3 * STATS_SIDES,
    ANSWERS = SCOPES * QUESTIONS,
    SINCES = 3,
    NEWS = SCOPES * SINCES
};
#define FIRST_NS (10 * CLOCK_SECOND_NS) /* when the windows began */
#define SECOND_NS (20 * CLOCK_SECOND_NS)
static const uint64_t sinces_ns[SINCES] = {0, 15 * CLOCK_SECOND_NS, 25 * CLOCK_SECOND_NS};

static const char *const streams[] = {"ns1", "ns2"};

/* What a server was asked, and how long it took. */
static void send_upstream(struct stats *stats, const char *stream, const char *name,
                          unsigned server, int64_t latency_us)
{
    sent_side = STATS_UPSTREAM;
    send_event(stats, 0, stream, name, server, STATS_RESPONSE, 1, 0, latency_us * 1000, 90);
    sent_side = STATS_CLIENT;
}

/* Messages about name number `i`, of which there are more than of those with larger numbers. */
static void send_name(struct stats *stats, unsigned i)
{
    char name[32];
    snprintf(name, sizeof name, "n%u.d%u.example.", i, i % 7);
    for (unsigned times = 1 + (NAMES - i) / 3; times > 0; times--) {
        const char *stream = streams[(i + times) % 2];
        send_event(stats, 0, stream, name, i % 50, STATS_QUERY, 1, 0, -1, 40 + times % 3);
        send_event(stats, 0, stream, name, i % 50, STATS_RESPONSE, 1, i % 4 ? 0 : 3, times, 90);
        send_upstream(stats, stream, name, i % 20, (int64_t)times << i % 17);
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
    {.table = TABLE_SERVERS, .by = BY_HITS},
};

struct told {
    struct stats_answer answers[ANSWERS];
    struct stats_news news[NEWS];
};

/* Of all streams together, and of each. */
static void ask_all(struct stats *stats, struct told *told, size_t n)
{
    for (int s = 0; s < SCOPES; s++) {
        int stream = s / STATS_SIDES;
        const struct stats_scope scope = {.stream = stream ? stream - 1 : STATS_ALL,
                                          .side = s % STATS_SIDES};
        assert_int_equal(
            stats_top(stats, &scope, questions, QUESTIONS, n, &told->answers[s * QUESTIONS]), 0);
        for (int i = 0; i < SINCES; i++)
            assert_int_equal(stats_news(stats, &scope, TABLE_DOMAINS, sinces_ns[i], n,
                                        &told->news[s * SINCES + i]),
                             0);
    }
}

static void free_told(struct told *told)
{
    stats_answers_free(told->answers, ANSWERS);
    for (int i = 0; i < NEWS; i++)
        stats_news_free(&told->news[i]);
}

static void check_row(const struct stats_top *row, const struct stats_top *wanted)
{
    assert_string_equal(row->text, wanted->text);
    assert_int_equal(row->value, wanted->value);
    assert_int_equal(row->error, wanted->error);
    assert_memory_equal(&row->values, &wanted->values, sizeof row->values);
}

static void check_answer(const struct stats_answer *answer, const struct stats_answer *wanted)
{
    assert_int_equal(answer->count, wanted->count);
    assert_int_equal(answer->keys, wanted->keys);
    assert_int_equal(answer->floor, wanted->floor);
    assert_int_equal(!answer->tallies, !wanted->tallies);
    for (size_t i = 0; i < wanted->count; i++)
        check_row(&answer->rows[i], &wanted->rows[i]);
    if (wanted->count > 0 && wanted->tallies)
        assert_memory_equal(answer->tallies, wanted->tallies,
                            wanted->count * sizeof *wanted->tallies);
}

static void check_news(const struct stats_news *news, const struct stats_news *wanted)
{
    assert_int_equal(news->from_ns, wanted->from_ns);
    assert_int_equal(news->count, wanted->count);
    assert_int_equal(news->found, wanted->found);
    assert_true(news->found_all);
    assert_int_equal(news->floor, wanted->floor);
    for (size_t i = 0; i < wanted->count; i++) {
        check_row(&news->rows[i].row, &wanted->rows[i].row);
        assert_int_equal(news->rows[i].first_ns, wanted->rows[i].first_ns);
    }
}

static void check_same(struct stats *stats, const struct told *wanted, size_t n)
{
    struct told told;
    ask_all(stats, &told, n);
    for (int a = 0; a < ANSWERS; a++)
        check_answer(&told.answers[a], &wanted->answers[a]);
    for (int i = 0; i < NEWS; i++)
        check_news(&told.news[i], &wanted->news[i]);
    free_told(&told);
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
    stats->window_ns = FIRST_NS;
    send_names(stats, 0, NAMES / 2);
    stats_window_free(take_window(stats));
    stats->window_ns = SECOND_NS;
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
        struct told told;
        unsigned rounds = 0;
        ask_all(stats, &told, ns[i]);
        assert_int_equal(told.news[2].found,
                         NAMES / 2); /* in the window that ends, in all streams */
        struct stats_window *window = stats_window_take(stats, NULL);
        do
            check_same(stats, &told, ns[i]);
        while (fold_on(stats, 1 + rounds++ % 40));
        assert_true(rounds > 20);
        stats_window_free(end_fold(stats, window));
        check_same(stats, &told, ns[i]);
        free_told(&told);
        stats_free(stats);
    }
}

static uint64_t domains_of(struct stats *stats, int stream)
{
    struct stats_snapshot *snapshot = stats_photograph(stats);
    const struct stats_stream *of = stream < 0 ? snapshot->total : snapshot->streams[stream];
    uint64_t count = of[STATS_CLIENT].distinct.domains;
    assert_true(stats_is_exact(snapshot));
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

/* The servers' latencies, of which there are so many. */
static void check_timed(struct stats *stats, uint64_t wanted)
{
    const struct stats_scope scope = {.stream = STATS_ALL, .side = STATS_UPSTREAM};
    const struct stats_question question = {.table = TABLE_SERVERS, .by = BY_HITS};
    struct stats_answer answer;
    uint64_t sum = 0;
    assert_int_equal(stats_top(stats, &scope, &question, 1, STATS_TOP_MAX, &answer), 0);
    for (size_t i = 0; i < answer.count; i++) {
        uint64_t timed = stats_tally_timed(&answer.tallies[i]);
        assert_int_equal(timed, answer.rows[i].values.of[MEASURE_TIMED]);
        sum += timed;
    }
    assert_int_equal(sum, wanted);
    stats_answers_free(&answer, 1);
}

/* Of the window that runs so many names are new; the one that came last stands first. */
static void check_fresh(struct stats *stats, const char *stream, unsigned wanted)
{
    int id = stream ? listing_find(stats, span_str(stream))->id : STATS_ALL;
    struct stats_news news;
    char name[32];
    assert_int_equal(
        stats_news(stats, OF_STREAM(id), TABLE_DOMAINS, stats->window_ns, STATS_TOP_MAX, &news), 0);
    assert_int_equal(news.from_ns, stats->window_ns);
    assert_int_equal(news.count, wanted);
    for (unsigned i = 0; i < wanted; i++) {
        snprintf(name, sizeof name, "fresh%u.example.", wanted - 1 - i);
        assert_string_equal(news.rows[i].row.text, name);
        assert_int_equal(news.rows[i].first_ns, stats->window_ns);
    }
    stats_news_free(&news);
}

/* What comes meanwhile is new if it is in no set before, be it folded by then or not; and latencies
 * are counted once. */
static void test_news_meanwhile(void **state)
{
    (void)state;
    struct stats *stats = with_two_windows(32 << 20);
    struct stats_window *window = stats_window_take(stats, NULL);
    uint64_t timed = 0;
    unsigned fresh = 0;
    char name[32];
    for (unsigned i = 0; i < NAMES; i++)
        timed += (1 + (NAMES - i) / 3) * (1 + (i >= NAMES / 4 && i < NAMES / 2));
    do {
        for (unsigned i = 0; i < NAMES; i += 29) {
            snprintf(name, sizeof name, "n%u.d%u.example.", i, i % 7);
            send_event(stats, 0, streams[i % 2], name, 1, STATS_QUERY, 1, 0, -1, 40);
            send_upstream(stats, streams[i % 2], name, i % 20, 1 + fresh);
            timed++;
        }
        snprintf(name, sizeof name, "fresh%u.example.", fresh);
        send_event(stats, 0, "ns1", name, 1, STATS_QUERY, 1, 0, -1, 40);
        if (fresh > 0) { /* the one before comes to the other stream, too */
            snprintf(name, sizeof name, "fresh%u.example.", fresh - 1);
            send_event(stats, 0, "ns2", name, 1, STATS_QUERY, 1, 0, -1, 40);
        }
        merge_all(stats);
        fresh++;
        check_fresh(stats, NULL, fresh);
        check_fresh(stats, "ns1", fresh);
        check_fresh(stats, "ns2", fresh - 1);
        check_timed(stats, timed);
    } while (fold_on(stats, 40));
    assert_true(fresh > 10);
    stats_window_free(end_fold(stats, window));
    check_fresh(stats, NULL, fresh);
    check_fresh(stats, "ns2", fresh - 1);
    check_timed(stats, timed);
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

/* How often who waits for the tables sees them while a window is folded. */
static unsigned seen_between(void)
{
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
    uint32_t last = 0;
    pthread_rwlock_rdlock(&stats->tables_lock); /* so that it cannot be done before we look */
    assert_int_equal(pthread_create(&thread, NULL, fold_all, &folder), 0);
    for (bool folding = true; folding;) {
        pthread_rwlock_unlock(&stats->tables_lock);
        pthread_rwlock_rdlock(&stats->tables_lock);
        folding = stats->folding != NULL;
        uint32_t folded = folded_of(folder.window);
        seen += folding && folded > last;
        last = folded;
    }
    pthread_rwlock_unlock(&stats->tables_lock);
    pthread_join(thread, NULL);
    assert_true(last > MANY);
    stats_window_free(folder.window);
    stats_free(stats);
    return seen;
}

/* Who waits for the tables waits for a moment: that is how often the fold lets them be seen. On a
 * busy machine it may be done before who waits has a processor, so the best of some times counts.
 */
static void test_others_get_between(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (int i = 0; i < 20 && seen < 3; i++)
        seen = seen_between();
    assert_true(seen >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_stay),       cmocka_unit_test(test_keys_are_counted_once),
        cmocka_unit_test(test_a_reset_between),    cmocka_unit_test(test_places_are_kept),
        cmocka_unit_test(test_others_get_between), cmocka_unit_test(test_news_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
