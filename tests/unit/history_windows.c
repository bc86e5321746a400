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
#include "core/engine.h"
#include "history/history_state.h"

extern const struct module output_null;
const struct module *const registry[] = {&output_null, NULL};

enum { WORKERS = 2, MINE = 1, NAMES = 40, READERS = 4 };

static atomic_uint names_used = NAMES, streams_used = 2;

struct scene {
    struct history *history;
    struct stats *stats;
    struct observer observer;
    struct engine *engine; /* of the first worker, which sees nothing ... */
    struct config config;
    pthread_t worker;         /* ... and this is the other one */
    atomic_uint wanted, sent; /* events */
    atomic_uint at_rounds;    /* so many at each of the next rounds of collecting, ... */
    atomic_uint rounds_free;  /* ... but for the first ones */
    atomic_bool busy;         /* the worker does not answer */
    atomic_uint turns;
    atomic_bool over;
};

static struct scene scene;

static void send_wanted(void)
{
    for (unsigned n = atomic_load(&scene.sent); n < atomic_load(&scene.wanted); n++) {
        char name[32], stream[16];
        unsigned streams = atomic_load(&streams_used);
        unsigned number = streams > 2 ? n % streams : n % 3 == 0 && streams == 2;
        snprintf(name, sizeof name, "n%u.example.", n % atomic_load(&names_used));
        snprintf(stream, sizeof stream, "ns%u", number + 1);
        send_event(scene.stats, MINE, stream, name, n % 7, STATS_QUERY, 1, 0, -1, 60);
        atomic_store(&scene.sent, n + 1);
    }
}

/* Sends what is wanted, and hands over what it has when it is asked to. */
static void *work(void *arg)
{
    (void)arg;
    const struct observer *observer = &scene.observer;
    unsigned last = 0, answered = 0;
    while (!atomic_load(&scene.over)) {
        unsigned round = atomic_load(&scene.stats->round);
        if (round != last && atomic_load(&scene.at_rounds)) {
            if (atomic_load(&scene.rounds_free) > 0)
                atomic_fetch_sub(&scene.rounds_free, 1);
            else
                atomic_fetch_add(&scene.wanted, atomic_load(&scene.at_rounds));
        }
        last = round;
        send_wanted();
        if (answered != round && !atomic_load(&scene.busy)) {
            observer->collect(observer->state, MINE);
            answered = round;
        }
        atomic_fetch_add(&scene.turns, 1);
        sched_yield();
    }
    return NULL;
}

/* The worker has seen what it was told. */
static void two_turns(void)
{
    for (unsigned turns = atomic_load(&scene.turns); atomic_load(&scene.turns) - turns < 2;)
        sched_yield();
}

/* One for all tests. */
static int begin(void **state)
{
    static const struct history_settings in_memory;
    struct siphash_key key;
    struct error err;
    (void)state;
    scene = (struct scene){.history = history_open(&in_memory, &key, &err)};
    const struct stats_options options = {.settings = {.memory = 32 << 20, .streams = 16},
                                          .reader = &stats_native_reader,
                                          .workers = WORKERS,
                                          .key = &key};
    scene.stats = stats_new(&options, &err);
    scene.observer = stats_observer(scene.stats);
    const struct engine_options observers = {.observers = &scene.observer, .observer_count = 1};
    assert_int_equal(config_init(&scene.config, &err), 0);
    scene.config.settings.threads = WORKERS - 1;
    scene.engine = engine_new(&scene.config, &observers, &err);
    assert_non_null(scene.engine);
    assert_int_equal(pthread_create(&scene.worker, NULL, work, NULL), 0);
    assert_int_equal(stats_start(scene.stats, scene.engine, &err), 0);
    assert_int_equal(history_start(scene.history, scene.stats, &err), 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    history_stop(scene.history);
    atomic_store(&scene.over, true);
    pthread_join(scene.worker, NULL);
    engine_abort(scene.engine);
    stats_stop(scene.stats);
    engine_free(scene.engine);
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
    atomic_store(&scene.busy, false);
    assert_true(history_reset(scene.history, WINDOW_ALL));
    atomic_store(&scene.wanted, 0);
    atomic_store(&scene.sent, 0);
}

/* Events go on coming while parts close: one part has the rows of the events that it counts, and
 * no others. A stream that is new just then has its own, too. */
static void parts_have_rows_of_what_they_count(void **state)
{
    (void)state;
    anew();
    for (unsigned i = 0; i < 20; i++) {
        atomic_store(&streams_used, i ? 2 : 1);
        atomic_store(&scene.rounds_free, i ? 0 : 1);
        atomic_store(&scene.at_rounds, 10);
        assert_true(history_reset(scene.history, WINDOW_5M));
        atomic_store(&scene.at_rounds, 0);
        two_turns();
        send_more(1);
        assert_int_equal(rows_in(WINDOW_5M), queries_in(WINDOW_5M));
        assert_int_equal(rows_in(WINDOW_1D), atomic_load(&scene.sent));
        if (i > 0)
            continue;
        const struct stats_snapshot *day = history_snapshot(scene.history, WINDOW_1D);
        const struct stats_stream *stream = find_stream(day, "ns1");
        unsigned sent = atomic_load(&scene.sent);
        assert_non_null(stream);
        assert_int_equal(stream->distinct.domains, sent < NAMES ? sent : NAMES);
        assert_int_equal(stream->distinct.clients, sent < 7 ? sent : 7);
        stats_release(day);
    }
}

static uint64_t rows_since_start(void)
{
    const struct stats_question question = {.table = TABLE_DOMAINS, .by = BY_HITS};
    struct stats_answer answer;
    uint64_t sum = 0;
    assert_int_equal(stats_top(scene.stats, &of_all, &question, 1, STATS_TOP_MAX, &answer), 0);
    for (size_t i = 0; i < answer.count; i++)
        sum += answer.rows[i].value;
    stats_answers_free(&answer, 1);
    return sum;
}

/* As if nobody had asked for long, and the history had had tables collected now. */
static void nobody_looks(void)
{
    pthread_mutex_lock(&scene.stats->lock);
    scene.stats->asked_ns = 0;
    scene.stats->whole_ns = clock_ns();
    pthread_mutex_unlock(&scene.stats->lock);
}

/* Sends, and waits until a second's snapshot counts it, for which no tables were collected. */
static void count_unseen(unsigned n)
{
    const struct stats_snapshot *seen = NULL;
    uint64_t generation = 0;
    nobody_looks();
    send_some(n);
    do {
        stats_release(seen);
        while (!(seen = stats_wait(scene.stats, generation, CLOCK_SECOND_NS)))
            ;
        generation = seen->generation;
    } while (queries_of(seen) < atomic_load(&scene.sent));
    stats_release(seen);
}

/* Who looks for the first time sees no counters without their rows. */
static void the_first_look_is_whole(void **state)
{
    (void)state;
    anew();
    count_unseen(200);
    nobody_looks();
    const struct stats_snapshot *taken = stats_take(scene.stats);
    assert_int_equal(queries_of(taken), 200);
    assert_int_equal(taken->total[STATS_CLIENT].distinct.domains, NAMES);
    assert_true(taken->whole);
    assert_int_equal(rows_since_start(), 200);
    assert_true(stats_is_now(scene.stats, taken->version));
    assert_int_equal(queries_in(WINDOW_1M), 200);
    assert_int_equal(rows_in(WINDOW_1M), 200);
    stats_release(taken);
}

/* A worker that does not answer is not waited for for ever, and that it owes something is told. */
static void what_is_behind_is_told(void **state)
{
    (void)state;
    anew();
    count_unseen(200);
    nobody_looks();
    atomic_store(&scene.busy, true);
    two_turns();
    const struct stats_snapshot *taken = stats_take(scene.stats);
    assert_int_equal(queries_of(taken), 200);
    assert_false(taken->whole);
    stats_release(taken);
    atomic_store(&scene.busy, false);
    taken = fresh_with(200);
    while (!taken->whole) { /* on a machine that is busy, too */
        stats_release(taken);
        taken = stats_fresh(scene.stats);
    }
    assert_int_equal(taken->total[STATS_CLIENT].distinct.domains, NAMES);
    stats_release(taken);
}

/* Of so many names that shards get full between the seconds: what is read is of the snapshot's
 * moment, or known not to be. */
static void what_is_read_is_of_one_moment(void **state)
{
    (void)state;
    unsigned settled = 0;
    anew();
    names_used = STATS_TOP_MAX - 1;
    for (unsigned i = 0; i < 1000 && settled < 50; i++) {
        atomic_fetch_add(&scene.wanted, 3000);
        const struct stats_snapshot *taken = stats_take(scene.stats);
        uint64_t rows = rows_since_start();
        bool unlisted = taken->unlisted > 0; /* the machine is busy: rows are too few from now on */
        if (taken->whole && !unlisted && stats_is_now(scene.stats, taken->version)) {
            assert_int_equal(rows, queries_of(taken));
            settled++;
        }
        stats_release(taken);
        if (unlisted)
            anew();
    }
    names_used = NAMES;
    assert_true(settled >= 50);
    send_more(1);
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

/* Names are too many for the lists, clients and what names end with are not: each says so of
 * itself. */
static void check_some_exact(const struct stats_snapshot *snapshot)
{
    const unsigned names = 1u << DISTINCT_DOMAINS | 1u << DISTINCT_ASKED | 1u << DISTINCT_ANSWERED;
    unsigned exact = snapshot->exact[STATS_CLIENT];
    assert_int_equal(snapshot->total[STATS_CLIENT].distinct.counted, STATS_ALL_COUNTED & ~names);
    assert_int_equal(snapshot->total[STATS_CLIENT].distinct.clients, 7);
    assert_false(exact & 1u << TABLE_DOMAINS);
    assert_true(exact & 1u << TABLE_CLIENTS && exact & 1u << TABLE_TLDS);
    assert_int_equal(snapshot->exact[STATS_UPSTREAM], (1u << STATS_TABLES) - 1);
    assert_false(stats_is_exact(snapshot));
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
            assert_true(answers[0].keys_exact && stats_is_exact(minute));
            assert_int_equal(minute->total[STATS_CLIENT].distinct.domains, 900);
            assert_int_equal(minute->total[STATS_CLIENT].distinct.counted, STATS_ALL_COUNTED);
        } else {
            check_some_exact(minute);
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

/* What is said of a window that reaches as far and of the time since the start is of one moment. */
static void check_moment(void)
{
    const struct stats_snapshot *now;
    const struct stats_snapshot *day = history_moment(scene.history, WINDOW_1D, &now);
    assert_non_null(day);
    assert_int_equal(queries_of(day), queries_of(now));
    stats_release(day);
    stats_release(now);
}

static void *read_on(void *arg)
{
    struct readers *readers = arg;
    for (unsigned i = 0; !atomic_load(&readers->enough); i++) {
        enum stats_window_id window = WINDOW_1M + i % 4;
        if (i % 7 == 0)
            check_moment();
        else if (i % 3)
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

/* The keys of every stream in a window, of which about so many are told. */
static void check_crowd(enum stats_window_id window, size_t streams, unsigned names)
{
    const struct stats_snapshot *snapshot = history_snapshot(scene.history, window);
    assert_int_equal(snapshot->stream_count, streams);
    for (size_t i = 0; i < streams; i++) {
        const struct stats_distinct *told = &snapshot->streams[i][STATS_CLIENT].distinct;
        assert_in_range(told->domains, names - names / 20, names + names / 20);
        assert_int_equal(told->asked, told->domains);
        assert_int_equal(told->answered, 0);
        assert_int_equal(told->clients, 7);
        assert_int_equal(told->servers, 0);
    }
    stats_release(snapshot);
}

/* Of many streams keys are estimated: those of what is open, and of parts that have closed. */
static void keys_of_a_crowd(void **state)
{
    (void)state;
    enum { CROWD = 10, EACH = 100 };
    anew();
    atomic_store(&names_used, CROWD * EACH);
    atomic_store(&streams_used, CROWD);
    send_more(7 * CROWD * EACH);
    check_crowd(WINDOW_1M, CROWD, EACH);
    assert_true(history_reset(scene.history, WINDOW_1M)); /* what was open has closed */
    check_crowd(WINDOW_5M, CROWD, EACH);
    atomic_store(&names_used, 2 * CROWD * EACH); /* those, and others */
    send_more(2 * 7 * CROWD * EACH);
    check_crowd(WINDOW_1M, CROWD, 2 * EACH);
    check_crowd(WINDOW_5M, CROWD, 2 * EACH);
    atomic_store(&names_used, NAMES);
    atomic_store(&streams_used, 2);
    anew();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_have_rows_of_what_they_count), /* first: streams are new */
        cmocka_unit_test(the_first_look_is_whole),
        cmocka_unit_test(what_is_behind_is_told),
        cmocka_unit_test(what_is_read_is_of_one_moment),
        cmocka_unit_test(windows_are_of_the_same_moment),
        cmocka_unit_test(resets_are_done_at_once),
        cmocka_unit_test(all_begin_with_the_statistics),
        cmocka_unit_test(lists_are_as_long_as_can_be),
        cmocka_unit_test(readers_keep_nobody_out),
        cmocka_unit_test(keys_of_a_crowd),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, begin, end);
}
