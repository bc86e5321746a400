/* How statistics start: all that other threads look at is there before these can. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "../support/statistics.h"
#include "base/log.h"
#include "core/engine_state.h"

extern const struct module output_null;
const struct module *const registry[] = {&output_null, NULL};

/* Outputs look at the statistics from the moment when they are opened, and that is before the
 * statistics' thread starts and while it does (to be seen under ThreadSanitizer). */
struct early {
    struct stats *stats;
    atomic_bool looked; /* once, before the start */
    atomic_bool enough;
};

static void *look_early(void *arg)
{
    struct early *early = arg;
    while (!atomic_load(&early->enough)) {
        const struct stats_snapshot *latest = stats_take(early->stats);
        assert_true(latest->generation > 0);
        stats_release(latest);
        stats_release(stats_fresh(early->stats));
        assert_false(stats_stopped(early->stats));
        atomic_store(&early->looked, true);
    }
    return NULL;
}

static void test_looked_at_early(void **state)
{
    (void)state;
    struct config config;
    struct error err;
    assert_int_equal(config_init(&config, &err), 0);
    for (int i = 0; i < 20; i++) {
        struct early early = {.stats = new_stats(4 << 20, 2)};
        struct observer observer = stats_observer(early.stats);
        const struct engine_options options = {.observers = &observer, .observer_count = 1};
        pthread_t thread;
        assert_null(stats_fresh(early.stats)); /* nobody collects yet */
        assert_int_equal(pthread_create(&thread, NULL, look_early, &early), 0);
        while (!atomic_load(&early.looked))
            sched_yield();
        config.settings.threads = 2;
        struct engine *engine = engine_new(&config, &options, &err);
        assert_non_null(engine);
        assert_int_equal(stats_start(early.stats, engine, &err), 0);
        const struct stats_snapshot *fresh = stats_fresh(early.stats);
        assert_true(fresh->generation > 1);
        stats_release(fresh);
        atomic_store(&early.enough, true);
        pthread_join(thread, NULL);
        engine_abort(engine);
        stats_stop(early.stats);
        engine_free(engine);
        stats_free(early.stats);
    }
    config_free(&config);
}

/* An event that is posted. */
struct one {
    struct worker_post post;
    struct stats *stats;
    atomic_bool sent;
};

static void send_one(struct worker *worker, struct worker_post *post)
{
    struct one *one = (struct one *)post;
    (void)worker;
    send_event(one->stats, 0, "a", "kept.example.", 1, STATS_QUERY, 1, 0, -1, 40);
    atomic_store(&one->sent, true);
}

/* Has a worker count an event, and waits until the counters say so; nobody asks about tables. */
static void count_one(struct stats *stats, struct engine *engine, uint64_t wanted)
{
    uint64_t counted = 0, generation = 0;
    struct one one = {.post.call = send_one, .stats = stats};
    worker_post(&engine->workers[0], &one.post);
    while (counted < wanted || !atomic_load(&one.sent)) {
        const struct stats_snapshot *snapshot = stats_wait(stats, generation, CLOCK_SECOND_NS);
        if (!snapshot)
            continue;
        generation = snapshot->generation;
        counted = snapshot->total[STATS_CLIENT].counters.direction[STATS_QUERY].events;
        stats_release(snapshot);
    }
}

/* What the tables say; with `ask` to somebody who asks. */
static uint64_t listed(struct stats *stats, bool ask)
{
    struct stats_question question = {.table = TABLE_DOMAINS, .by = BY_HITS};
    struct stats_answer answer;
    if (ask) {
        assert_int_equal(stats_top(stats, &of_all, &question, 1, 1, &answer), 0);
    } else {
        pthread_rwlock_rdlock(&stats->tables_lock);
        const struct table_sets sets = stats_sets(stats);
        assert_int_equal(table_set_top(&sets, &of_all, &question, 1, 1, &answer), 0);
        pthread_rwlock_unlock(&stats->tables_lock);
    }
    uint64_t value = answer.count ? answer.rows[0].value : 0;
    stats_answers_free(&answer, 1);
    return value;
}

/* Statistics of two workers, at work in an engine. */
struct program {
    struct config config;
    struct stats *stats;
    struct observer observer;
    struct engine *engine;
};

static void begin(struct program *program, unsigned threads)
{
    struct error err;
    assert_int_equal(config_init(&program->config, &err), 0);
    program->stats = new_stats(4 << 20, 2);
    program->observer = stats_observer(program->stats);
    const struct engine_options options = {.observers = &program->observer, .observer_count = 1};
    program->config.settings.threads = threads;
    program->engine = engine_new(&program->config, &options, &err);
    assert_non_null(program->engine);
    assert_int_equal(stats_start(program->stats, program->engine, &err), 0);
}

static void stop(struct program *program)
{
    engine_abort(program->engine);
    stats_stop(program->stats);
}

static void end(struct program *program)
{
    engine_free(program->engine);
    stats_free(program->stats);
    config_free(&program->config);
}

/* Tables that nobody has asked about for long are collected for who does. */
static void test_asked_after_long(void **state)
{
    (void)state;
    struct program program;
    begin(&program, 2);
    struct stats *stats = program.stats;
    for (uint64_t i = 1; i <= 2; i++) { /* the stream is new to each of two shards: these come */
        count_one(stats, program.engine, i);
        assert_int_equal(listed(stats, false), i);
    }
    pthread_mutex_lock(&stats->lock);
    stats->asked_ns = 0;
    stats->whole_ns = clock_ns() - 2 * CLOCK_SECOND_NS;
    pthread_mutex_unlock(&stats->lock);
    count_one(stats, program.engine, 3);
    assert_int_equal(listed(stats, false), 2);
    assert_int_equal(listed(stats, true), 3);
    count_one(stats, program.engine, 4); /* and for a while after that */
    assert_int_equal(listed(stats, false), 4);
    stop(&program);
    end(&program);
}

/* One thread counts events as the second worker, one takes windows, one wants snapshots, and the
 * numbers are reset again and again (to be seen under ThreadSanitizer). */
struct busy {
    struct stats *stats;
    atomic_uint events, windows, looks; /* so many there were */
    atomic_bool enough;
};

static void *count_events(void *arg)
{
    struct busy *busy = arg;
    struct observer observer = stats_observer(busy->stats);
    for (unsigned i = 0; !atomic_load(&busy->enough); i++) {
        char name[32], stream[16];
        snprintf(name, sizeof name, "n%u.example.", i % 1000);
        snprintf(stream, sizeof stream, "ns%u", i % 3);
        send_event(busy->stats, 1, stream, name, i % 200, STATS_QUERY, 1, 0, -1, 40);
        if (i % 16 == 0)
            observer.collect(observer.state, 1);
        atomic_fetch_add(&busy->events, 1);
    }
    return NULL;
}

static void *take_windows(void *arg)
{
    struct busy *busy = arg;
    while (!atomic_load(&busy->enough)) {
        struct stats_window *window = take_window(busy->stats);
        assert_non_null(window);
        stats_window_has(window,
                         &(struct stats_scope){.side = STATS_CLIENT}); /* of the first stream */
        stats_window_free(window);
        atomic_fetch_add(&busy->windows, 1);
    }
    return NULL;
}

static void *want_snapshots(void *arg)
{
    struct busy *busy = arg;
    while (!atomic_load(&busy->enough)) {
        const struct stats_snapshot *fresh = stats_fresh(busy->stats);
        assert_true(fresh->generation > 0);
        stats_release(fresh);
        atomic_fetch_add(&busy->looks, 1);
    }
    return NULL;
}

static void test_windows_beside_snapshots(void **state)
{
    (void)state;
    struct config config;
    struct error err;
    struct busy busy = {.stats = new_stats(4 << 20, 2)};
    struct observer observer = stats_observer(busy.stats);
    const struct engine_options options = {.observers = &observer, .observer_count = 1};
    void *(*const runs[])(void *) = {count_events, take_windows, want_snapshots};
    pthread_t threads[3];
    assert_int_equal(config_init(&config, &err), 0);
    config.settings.threads = 1; /* the other worker is a thread here */
    struct engine *engine = engine_new(&config, &options, &err);
    assert_non_null(engine);
    assert_int_equal(stats_start(busy.stats, engine, &err), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, runs[i], &busy), 0);
    for (unsigned i = 1; i <= 10; i++) {
        while (atomic_load(&busy.events) < 50 * i || atomic_load(&busy.windows) < 5 * i ||
               atomic_load(&busy.looks) < i)
            sched_yield();
        stats_reset(busy.stats);
    }
    atomic_store(&busy.enough, true);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    engine_abort(engine);
    stats_stop(busy.stats);
    engine_free(engine);
    stats_free(busy.stats);
    config_free(&config);
}

/* What a worker had not handed over when it ended is in the last snapshot, whole. */
static void test_all_is_counted_at_the_end(void **state)
{
    (void)state;
    struct program program;
    begin(&program, 1); /* the other worker, which never collects, is this thread */
    struct stats *stats = program.stats;
    for (int i = 0; i < 7; i++)
        send_event(stats, 1, "a", "kept.example.", 1, STATS_QUERY, 1, 0, -1, 40);
    stop(&program);
    const struct stats_snapshot *last = stats_take(stats);
    assert_int_equal(last->total[STATS_CLIENT].counters.direction[STATS_QUERY].events, 7);
    assert_int_equal(listed(stats, true), 7);
    stats_release(last);
    end(&program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_looked_at_early),
                                       cmocka_unit_test(test_asked_after_long),
                                       cmocka_unit_test(test_all_is_counted_at_the_end),
                                       cmocka_unit_test(test_windows_beside_snapshots)};
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
