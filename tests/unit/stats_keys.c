/* stats/: how many different keys came, of one stream and among several, exactly while there is
 * room and estimated then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "../support/names.h"
#include "../support/random.h"
#include "../support/statistics.h"
#include "stats/leaders.h"

static struct stats_answer keys_of(struct stats *stats, int stream, enum stats_table_id table)
{
    struct stats_question question = {.table = table, .by = BY_HITS};
    struct stats_answer answer;
    assert_int_equal(stats_top(stats, OF_STREAM(stream), &question, 1, 1, &answer), 0);
    struct stats_answer told = {.keys = answer.keys, .keys_exact = answer.keys_exact};
    stats_answers_free(&answer, 1);
    return told;
}

static void check_keys(struct stats *stats, int stream, enum stats_table_id table, uint64_t wanted)
{
    struct stats_answer told = keys_of(stats, stream, table);
    assert_int_equal(told.keys, wanted);
    assert_true(told.keys_exact);
}

/* A key that several streams have is one key; what no longer fits is estimated, and that is told.
 */
static void test_keys_are_distinct(void **state)
{
    (void)state;
    enum { SHARED = 30, OWN = 10, FLOOD = 60000 };
    static const char *const streams[] = {"a", "b", "c"};
    struct stats *stats = new_stats(4 << 20, 2); /* c is past the limit */
    char name[64];
    for (unsigned s = 0; s < 3; s++) {
        for (unsigned i = 0; i < SHARED + OWN; i++) {
            snprintf(name, sizeof name, "x.n%u%s.example%s.", i, i < SHARED ? "" : streams[s],
                     i < SHARED ? "" : streams[s]);
            send_event(stats, 0, streams[s], name, i, STATS_QUERY, 1, 0, -1, 40);
        }
    }
    merge_all(stats);
    static const struct {
        enum stats_table_id table;
        unsigned of_stream, of_all;
    } rows[] = {
        {TABLE_DOMAINS, SHARED + OWN, SHARED + 3 * OWN},
        {TABLE_REGISTRABLE, SHARED + OWN, SHARED + 3 * OWN},
        {TABLE_TLDS, 2, 4},
        {TABLE_CLIENTS, SHARED + OWN, SHARED + OWN},
        {TABLE_SERVERS, 0, 0}, /* what clients asked has none */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_keys(stats, 0, rows[i].table, rows[i].of_stream);
        check_keys(stats, 1, rows[i].table, rows[i].of_stream);
        check_keys(stats, STATS_ALL, rows[i].table, rows[i].of_all);
    }
    for (unsigned i = 0; i < FLOOD; i++) {
        snprintf(name, sizeof name, "f%u.flood.", i);
        for (unsigned s = 0; s < 2; s++)
            send_event(stats, 0, streams[s], name, 1, STATS_QUERY, 1, 0, -1, 40);
        if (i % 200 == 0)
            merge_all(stats);
    }
    merge_all(stats);
    for (int stream = STATS_ALL; stream < 2; stream++) {
        struct stats_answer told = keys_of(stats, stream, TABLE_REGISTRABLE);
        assert_false(told.keys_exact);
        assert_in_range(told.keys, FLOOD * 97 / 100, FLOOD * 103 / 100);
    }
    stats_free(stats);
}

static const struct stats_table *names_of(const struct table_set *set)
{
    return &set->tables[TABLE_DOMAINS];
}

/* A name of one of two streams, or of both, until `rows` more are in the window. Returns the next
 * one. */
static unsigned fill_window(struct stats *stats, unsigned next, uint32_t rows)
{
    uint32_t before = names_of(&stats->window->tables)->row_count, sent = 0;
    for (; sent < rows; next++) {
        char name[32];
        snprintf(name, sizeof name, "n%u.example.com.", next);
        unsigned streams = next % 10 == 0 && sent + 2 <= rows ? 2 : 1;
        for (unsigned i = 0; i < streams; i++)
            send_event(stats, i, (next + i) % 2 ? "ns1" : "ns2", name, 1, STATS_QUERY, 1, 0, -1,
                       60);
        sent += streams;
        if (next % 50 == 0)
            merge_all(stats);
    }
    merge_all(stats);
    assert_int_equal(names_of(&stats->window->tables)->row_count, before + rows);
    return next;
}

static void check_names(struct stats *stats, bool exact, uint64_t count)
{
    struct stats_snapshot *snapshot = stats_photograph(stats);
    uint64_t counted = snapshot->total[STATS_CLIENT].distinct.domains;
    assert_int_equal(stats_is_exact(snapshot), exact);
    assert_int_equal(snapshot->unlisted, 0);
    assert_in_range(counted, exact ? count : count * 95 / 100, exact ? count : count * 105 / 100);
    stats_release(snapshot);
}

/* Two streams have as many keys as fit before the window and in it, and then more. */
static void test_two_streams_fill_all(void **state)
{
    (void)state;
    struct stats *stats = new_stats(6 << 20, 2);
    for (int round = 0; round < 2; round++) {
        send_event(stats, 0, "ns1", "first.example.com.", 1, STATS_QUERY, 1, 0, -1, 60);
        send_event(stats, 0, "ns2", "first.example.com.", 1, STATS_QUERY, 1, 0, -1, 60);
        merge_all(stats);
        uint32_t most = names_of(&stats->tables)->row_most;
        unsigned next = 0;
        for (uint32_t full = 2; full < most;) {
            uint32_t room = names_of(&stats->window->tables)->row_most - 2;
            uint32_t rows = most - full < room ? most - full : room;
            next = fill_window(stats, next, rows);
            full += rows;
            stats_window_free(take_window(stats));
        }
        assert_int_equal(names_of(&stats->tables)->row_count, most);
        next = fill_window(stats, next, names_of(&stats->window->tables)->row_most);
        check_names(stats, true, next + 1);
        for (unsigned stop = next + 3000; next < stop; next++) {
            char name[32];
            snprintf(name, sizeof name, "n%u.example.com.", next);
            send_event(stats, 0, "ns1", name, 1, STATS_QUERY, 1, 0, -1, 60);
            if (next % 50 == 0)
                merge_all(stats);
        }
        merge_all(stats);
        check_names(stats, false, next + 1);
        stats_forget(stats);
    }
    stats_free(stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_are_distinct),
        cmocka_unit_test(test_two_streams_fill_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
