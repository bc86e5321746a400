/* Windows while all their threads are at work: the statistics', the history's and readers', with a
 * worker that this test plays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <sched.h>

#include "../support/share.h"
#include "../support/statistics.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/pipeline.h"
#include "history/history_priv.h"

extern const struct module output_null;
const struct module *const registry[] = {&output_null, NULL};

enum { WORKERS = 2, MINE = 1, NAMES = 40, READERS = 4 };

static atomic_uint names_used = NAMES;

struct scene {
    struct history *history;
    struct stats *stats;
    struct observer observer;
    struct pipeline *pipeline; /* of the first worker, which sees nothing ... */
    struct config config;
    pthread_t worker;         /* ... and this is the other one */
    atomic_uint wanted, sent; /* events */
    atomic_bool over;
};

/* Sends what is wanted, and hands over what it has whenever somebody may ask. */
static void *work(void *arg)
{
    struct scene *scene = arg;
    const struct observer *observer = &scene->observer;
    while (!atomic_load(&scene->over)) {
        for (unsigned n = atomic_load(&scene->sent); n < atomic_load(&scene->wanted); n++) {
            char name[32];
            snprintf(name, sizeof name, "n%u.example.", n % atomic_load(&names_used));
            send_event(scene->stats, MINE, n % 3 ? "ns1" : "ns2", name, n % 7, STATS_QUERY, 1, 0,
                       -1, 60);
            atomic_store(&scene->sent, n + 1);
        }
        observer->collect(observer->state, MINE);
        sched_yield();
    }
    return NULL;
}

static struct scene scene;

/* One for all tests. */
static int begin(void **state)
{
    static const struct history_settings in_memory;
    struct siphash_key key;
    struct error err;
    (void)state;
    scene = (struct scene){.history = history_open(&in_memory, &key, &err)};
    const struct stats_options options = {.settings = {.memory = 32 << 20, .streams = 4},
                                          .reader = &stats_native_reader,
                                          .workers = WORKERS,
                                          .key = &key};
    scene.stats = stats_new(&options, &err);
    scene.observer = stats_observer(scene.stats);
    const struct pipeline_options observers = {.observers = &scene.observer, .observer_count = 1};
    assert_int_equal(config_init(&scene.config, &err), 0);
    scene.config.settings.threads = WORKERS - 1;
    scene.pipeline = pipeline_new(&scene.config, &observers, &err);
    assert_non_null(scene.pipeline);
    assert_int_equal(pthread_create(&scene.worker, NULL, work, &scene), 0);
    assert_int_equal(stats_start(scene.stats, scene.pipeline, &err), 0);
    assert_int_equal(history_start(scene.history, scene.stats, &err), 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    history_stop(scene.history);
    atomic_store(&scene.over, true);
    pthread_join(scene.worker, NULL);
    pipeline_abort(scene.pipeline);
    stats_stop(scene.stats);
    pipeline_free(scene.pipeline);
    history_close(scene.history);
    stats_free(scene.stats);
    config_free(&scene.config);
    return 0;
}

static uint64_t queries_of(const struct stats_snapshot *snapshot)
{
    return snapshot->total[STATS_CLIENT].counters.direction[STATS_QUERY].events;
}

/* A snapshot that has at least so many. */
static const struct stats_snapshot *fresh_with(uint64_t queries)
{
    const struct stats_snapshot *fresh = stats_fresh(scene.stats);
    while (queries_of(fresh) < queries) {
        stats_release(fresh);
        fresh = stats_fresh(scene.stats);
    }
    return fresh;
}

static void send_some(unsigned n)
{
    unsigned wanted = atomic_fetch_add(&scene.wanted, n) + n;
    while (atomic_load(&scene.sent) != wanted)
        sched_yield();
}

/* Sends some more, and waits until all since `anew` have been counted. */
static void send_more(unsigned n)
{
    send_some(n);
    stats_release(fresh_with(atomic_load(&scene.sent)));
}

static uint64_t queries_in(enum stats_window_id window)
{
    const struct stats_snapshot *snapshot = history_snapshot(scene.history, window);
    uint64_t queries = queries_of(snapshot);
    stats_release(snapshot);
    return queries;
}

/* The sum of all rows of the names' list. */
static uint64_t rows_in(enum stats_window_id window)
{
    const struct stats_question question = {.table = TABLE_DOMAINS, .by = BY_HITS};
    const struct stats_scope scope = {.stream = STATS_ALL, .window = window};
    struct stats_answer answer;
    uint64_t sum = 0;
    assert_int_equal(history_top(scene.history, &scope, &question, 1, 1000, &answer), 0);
    for (size_t i = 0; i < answer.count; i++)
        sum += answer.rows[i].value;
    stats_answers_free(&answer, 1);
    return sum;
}

static void anew(void)
{
    assert_true(history_reset(scene.history, WINDOW_ALL));
    atomic_store(&scene.wanted, 0);
    atomic_store(&scene.sent, 0);
}

/* Whoever has a snapshot made has windows made of it, too: numbers, lists and times agree. */
static void windows_are_of_the_same_moment(void **state)
{
    (void)state;
    anew();
    for (unsigned i = 1; i <= 30; i++) {
        send_more(50);
        const struct stats_snapshot *fresh = stats_fresh(scene.stats);
        const struct stats_snapshot *day = history_snapshot(scene.history, WINDOW_1D);
        assert_int_equal(queries_of(fresh), 50 * i);
        assert_int_equal(queries_of(day), 50 * i);
        assert_int_equal(rows_in(WINDOW_1D), 50 * i);
        assert_true(fabs((double)(day->to_ms - day->from_ms) / 1e3 - day->seconds) < 0.1);
        assert_true(day->generation >= fresh->generation);
        stats_release(fresh);
        stats_release(day);
    }
}

/* A window that begins anew does so at once, the others go on, and how often makes no difference.
 */
static void resets_are_done_at_once(void **state)
{
    (void)state;
    uint64_t begun_ns = clock_ns();
    anew();
    for (unsigned i = 1; i <= 40; i++) {
        send_more(10);
        assert_true(history_reset(scene.history, i % 4 ? WINDOW_1M : WINDOW_5M));
        assert_int_equal(queries_in(i % 4 ? WINDOW_1M : WINDOW_5M), 0);
        assert_int_equal(queries_in(WINDOW_1D), 10 * i);
        assert_int_equal(queries_in(WINDOW_1H), 10 * i);
    }
    assert_int_equal(queries_in(WINDOW_5M), 0);
    assert_true(clock_ns() - begun_ns < 30 * CLOCK_SECOND_NS); /* not one a second */
}

/* All windows begin when all numbers do, no sooner and no later. */
static void all_begin_with_the_statistics(void **state)
{
    (void)state;
    anew();
    for (unsigned i = 0; i < 10; i++) {
        atomic_fetch_add(&scene.wanted, 200); /* meanwhile */
        assert_true(history_reset(scene.history, WINDOW_ALL));
        send_some(20);
        const struct stats_snapshot *all = fresh_with(20);
        for (uint64_t before = 0; before != queries_of(all);) { /* sent meanwhile, or before */
            before = queries_of(all);
            stats_release(all);
            all = stats_fresh(scene.stats);
        }
        const struct stats_snapshot *day = history_snapshot(scene.history, WINDOW_1D);
        assert_in_range(queries_of(all), 20, 220);
        assert_int_equal(queries_of(day), queries_of(all));
        assert_int_equal(rows_in(WINDOW_1D), queries_of(all));
        assert_in_range(day->from_ms, all->since_ms - 500, all->since_ms + 500);
        stats_release(all);
        stats_release(day);
    }
}

/* Of more names than lists have room for, in what is open and in what has closed: the numbers that
 * are told are true, and what is asked for below a name is looked for among all. */
static void lists_are_as_long_as_can_be(void **state)
{
    (void)state;
    const struct stats_scope scope = {.stream = STATS_ALL, .window = WINDOW_1M};
    const struct stats_question questions[] = {
        {.table = TABLE_DOMAINS, .by = BY_HITS},
        {.table = TABLE_DOMAINS, .by = BY_HITS, .under = span_str("n899.example.")},
        {.table = TABLE_DOMAINS, .by = BY_HITS, .under = span_str("n1399.example.")}};
    struct stats_answer answers[3];
    anew();
    for (int closed = 0; closed < 2; closed++) {
        names_used = closed ? 1400 : 900;
        send_more(names_used * 2);
        assert_int_equal(history_top(scene.history, &scope, questions, 3, 1000, answers), 0);
        const struct stats_snapshot *minute = history_snapshot(scene.history, WINDOW_1M);
        if (!closed) {
            assert_int_equal(answers[0].count, 900);
            assert_int_equal(answers[0].floor, 0);
            assert_true(answers[0].keys_exact && minute->exact);
            assert_int_equal(minute->total[STATS_CLIENT].distinct.domains, 900);
        } else {
            assert_int_equal(answers[0].count, 1000);
            assert_int_equal(answers[2].count, 1);
            assert_true(answers[2].rows[0].value + answers[2].rows[0].error >= 2);
        }
        assert_int_equal(answers[1].count, 1);
        stats_answers_free(answers, 3);
        stats_release(minute);
        assert_true(history_reset(scene.history, WINDOW_5M)); /* the open part closes */
    }
    names_used = NAMES;
}

struct readers {
    atomic_bool enough;
    atomic_uint answers;
};

static void *read_on(void *arg)
{
    struct readers *readers = arg;
    for (unsigned i = 0; !atomic_load(&readers->enough); i++) {
        enum stats_window_id window = WINDOW_1M + i % 4;
        if (i % 3)
            rows_in(window);
        else
            queries_in(window);
        atomic_fetch_add(&readers->answers, 1);
    }
    return NULL;
}

/* Readers that come all the time keep nobody out, and nothing is read that is on its way. */
static void readers_keep_nobody_out(void **state)
{
    (void)state;
    struct readers readers = {0};
    pthread_t threads[READERS];
    anew();
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readers), 0);
    for (int i = share_of(40); i > 0 || atomic_load(&readers.answers) < 20; i--) {
        send_more(100);
        assert_true(history_reset(scene.history, WINDOW_1M));
    }
    atomic_store(&readers.enough, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(queries_in(WINDOW_1D), atomic_load(&scene.sent));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_are_of_the_same_moment),
        cmocka_unit_test(resets_are_done_at_once),
        cmocka_unit_test(all_begin_with_the_statistics),
        cmocka_unit_test(lists_are_as_long_as_can_be),
        cmocka_unit_test(readers_keep_nobody_out),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, begin, end);
}
