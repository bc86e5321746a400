/* What statistics say of the clocks of DNS servers: how they tick, and of which time the events
 * are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "../support/statistics.h"

/* An exchange: a query, and a response as much later; both times as the server's clock tells them.
 */
static void send_exchange(struct stats *stats, const char *stream, uint64_t ns, uint64_t latency_ns,
                          uint64_t tick_ns)
{
    uint64_t asked = ns / tick_ns * tick_ns, answered = (ns + latency_ns) / tick_ns * tick_ns;
    sent_ns = UINT64_C(1700000000000000000) + asked;
    send_event(stats, 0, stream, "x.example.", 1, STATS_QUERY, 1, 0, -1, 40);
    sent_ns = UINT64_C(1700000000000000000) + answered;
    send_event(stats, 0, stream, "x.example.", 1, STATS_RESPONSE, 1, 0, (int64_t)(answered - asked),
               40);
    sent_ns = 0;
}

/* A stream whose clock is too coarse for its latencies says so, and quantiles of all are those of
 * the others, from its first event on; sums and counts have it. */
static void test_coarse_clocks_are_set_apart(void **state)
{
    (void)state;
    enum { MANY = 3000 };
    struct stats *stats = new_stats(16 << 20, 4);
    for (uint64_t i = 0; i < MANY; i++) {
        send_exchange(stats, "coarse", i * 500111, 50000, 4000000);
        send_exchange(stats, "fine", i * 500113, 200000, 1);
        send_exchange(stats, "micro", i * 500117, 200000, 1000);
        if (i % 100 == 20)
            merge_all(stats);
    }
    merge_all(stats);
    struct stats_snapshot *snapshot = stats_photograph(stats);
    static const struct {
        const char *name;
        uint64_t tick_ns;
        bool apart;
    } rows[] = {{"coarse", 4000000, true}, {"fine", 0, false}, {"micro", 1000, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct stats_stream *stream = find_stream(snapshot, rows[i].name);
        assert_int_equal(stream->tick_ns, rows[i].tick_ns);
        assert_int_equal(stream->apart, rows[i].apart);
        assert_int_equal(quantile_total(stats_latency(snapshot, stream)), MANY);
    }
    assert_int_equal(snapshot->total[STATS_CLIENT].counters.direction[STATS_RESPONSE].timed,
                     3 * MANY);
    assert_int_equal(quantile_total(stats_latency(snapshot, &snapshot->total[STATS_CLIENT])),
                     2 * MANY);
    assert_int_equal(snapshot->latency[STATS_CLIENT][quantile_bucket(200000)], 2 * MANY);
    stats_release(snapshot);
    stats_forget(stats);
    for (uint64_t i = 0; i < 20; i++)
        send_exchange(stats, "coarse", i * 500111, 50000, 4000000);
    merge_all(stats);
    snapshot = stats_photograph(stats);
    assert_false(snapshot->streams[0][STATS_CLIENT].apart); /* too few to tell */
    assert_int_equal(quantile_total(snapshot->latency[STATS_CLIENT]), 20);
    stats_release(snapshot);
    stats_free(stats);
}

/* Sends an event that was `age` seconds ago, if its server is to be believed. */
static void send_aged(struct stats *stats, unsigned worker, const char *stream, double age)
{
    sent_ns = clock_wall_ns() - (uint64_t)(int64_t)(age * 1e9);
    send_event(stats, worker, stream, "x.example.", 1, STATS_QUERY, 1, 0, -1, 40);
    sent_ns = 0;
}

static void check_age(const struct stats_times *times, double age, bool elsewhen)
{
    assert_float_equal(times->age, age, 30); /* however slow this machine is */
    assert_int_equal(times->elsewhen, elsewhen);
}

/* Each stream has its own times; the total is of now while one of them is. */
static void test_event_times(void **state)
{
    (void)state;
    const uint64_t then_s = 1700000000;
    struct stats *stats = new_stats(16 << 20, 4);
    for (uint64_t i = 0; i < 3000; i++) {
        sent_ns = then_s * CLOCK_SECOND_NS + i * CLOCK_MS_NS;
        if (i == 1000 || i == 2000)
            sent_ns = i == 1000 ? 5 : (then_s - 86400) * CLOCK_SECOND_NS; /* strays */
        send_event(stats, i % 2, "sent", "x.example.", 1, STATS_QUERY, 1, 0, -1, 40);
        if (i == 1500)
            merge_all(stats);
    }
    sent_ns = 0;
    send_event(stats, 0, "timeless", "x.example.", 1, STATS_QUERY, 1, 0, -1, 40);
    merge_all(stats);
    struct stats_snapshot *snapshot = stats_photograph(stats);
    for (int i = 0; i < 2; i++) {
        const struct stats_times *times =
            &(i ? &snapshot->total[STATS_CLIENT] : snapshot->streams[0])->times;
        assert_int_equal(times->first_ms, then_s * 1000);
        assert_int_equal(times->last_ms, then_s * 1000 + 2999);
        check_age(times, (double)clock_wall_ms() / 1e3 - (double)then_s - 3, true);
    }
    assert_true(isnan(snapshot->streams[1][STATS_CLIENT].times.age));
    assert_false(snapshot->streams[1][STATS_CLIENT].times.elsewhen);
    stats_release(snapshot);
    send_aged(stats, 0, "live", 0.5);
    send_aged(stats, 1, "ahead", -200);
    merge_all(stats);
    snapshot = stats_photograph(stats);
    check_age(&snapshot->streams[0][STATS_CLIENT].times,
              (double)clock_wall_ms() / 1e3 - (double)then_s - 3, true);
    check_age(&snapshot->streams[2][STATS_CLIENT].times, 0.5, false);
    check_age(&snapshot->streams[3][STATS_CLIENT].times, -200, true);
    check_age(&snapshot->total[STATS_CLIENT].times, 0.5, false);
    stats_release(snapshot);
    stats_free(stats);
}

/* What comes now decides: of a second what is nearest to now, whichever worker saw it. A reset
 * forgets, and so does the shard that is used again. */
static void test_event_times_follow_what_comes(void **state)
{
    (void)state;
    struct stats *stats = new_stats(16 << 20, 1); /* "b" is of the rest */
    static const struct {
        double ages[2]; /* one of each worker */
        double wanted;
    } rows[] = {
        {{9000, 0}, 0}, {{0, 9000}, 0}, {{9000, 7000}, 7000}, {{0, 0}, 0}, {{-90, -200}, -90}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (unsigned w = 0; w < 2; w++) {
            send_aged(stats, w, "a", rows[i].ages[w]);
            send_aged(stats, w, "b", rows[i].ages[w]);
        }
        merge_all(stats);
        struct stats_snapshot *snapshot = stats_photograph(stats);
        check_age(&snapshot->streams[0][STATS_CLIENT].times, rows[i].wanted,
                  fabs(rows[i].wanted) > 60);
        check_age(&snapshot->total[STATS_CLIENT].times, rows[i].wanted, fabs(rows[i].wanted) > 60);
        stats_release(snapshot);
        stats_remember(stats, clock_ns());
    }
    stats_forget(stats);
    struct stats_snapshot *snapshot = stats_photograph(stats);
    assert_int_equal(snapshot->total[STATS_CLIENT].times.first_ms, 0);
    assert_false(snapshot->streams[0][STATS_CLIENT].times.elsewhen);
    stats_release(snapshot);
    int64_t before = clock_wall_ms();
    send_aged(stats, 0, "a", 0);
    send_aged(stats, 0, "b", 0);
    merge_all(stats);
    snapshot = stats_photograph(stats);
    assert_true(snapshot->total[STATS_CLIENT].times.first_ms >= before);
    assert_true(snapshot->streams[0][STATS_CLIENT].times.first_ms >= before);
    stats_release(snapshot);
    stats_free(stats);
}

static double last_rate(struct stats *stats)
{
    struct stats_snapshot *snapshot = stats_photograph(stats);
    double rate = snapshot->streams[0][STATS_CLIENT].rates[STATS_QUERY].last;
    assert_true(snapshot->total[STATS_CLIENT].rates[STATS_QUERY].last == rate);
    stats_release(snapshot);
    return rate;
}

static void send_queries(struct stats *stats, unsigned count)
{
    while (count-- > 0)
        send_event(stats, 0, "a", "a.example.", 1, STATS_QUERY, 1, 0, -1, 40);
    merge_all(stats);
}

/* A burst is as large as it was, however soon after it somebody looks: rates are from tick to tick.
 */
static void test_rates_are_of_whole_seconds(void **state)
{
    (void)state;
    struct stats *stats = new_stats(4 << 20, 1);
    uint64_t begin_ns = clock_ns() - 3 * CLOCK_SECOND_NS;
    stats->tick_ns[0] = begin_ns; /* the start */
    send_queries(stats, 300);
    assert_true(last_rate(stats) == 0); /* no second is over */
    stats_remember(stats, begin_ns + CLOCK_SECOND_NS);
    assert_true(last_rate(stats) == 300);
    send_queries(stats, 70);
    assert_true(last_rate(stats) == 300);
    stats_remember(stats, begin_ns + 3 * CLOCK_SECOND_NS);
    assert_true(last_rate(stats) == 35); /* by how long the second was */
    send_queries(stats, 500);
    struct stats_snapshot *snapshot = stats_photograph(stats);
    const struct stats_rates *rates = &snapshot->streams[0][STATS_CLIENT].rates[STATS_QUERY];
    assert_true(rates->minute == 370.0 / 3 && rates->quarter == rates->minute);
    stats_release(snapshot);
    stats_free(stats);
}

/* A minute is sixty of them, and a quarter of an hour the last nine hundred. */
static void test_longer_rates(void **state)
{
    (void)state;
    struct stats *stats = new_stats(4 << 20, 1);
    uint64_t now_ns = clock_ns();
    send_queries(stats, 7);
    stats->tick_ns[0] = now_ns;
    for (unsigned second = 1; second <= 1000; second++) {
        send_queries(stats, second > 940 ? 2 : 1);
        stats_remember(stats, now_ns += CLOCK_SECOND_NS);
    }
    struct stats_snapshot *snapshot = stats_photograph(stats);
    const struct stats_rates *rates = &snapshot->streams[0][STATS_CLIENT].rates[STATS_QUERY];
    assert_true(rates->last == 2 && rates->minute == 2 && rates->quarter == 960.0 / 900);
    stats_release(snapshot);
    stats_free(stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_coarse_clocks_are_set_apart),
        cmocka_unit_test(test_event_times),
        cmocka_unit_test(test_event_times_follow_what_comes),
        cmocka_unit_test(test_rates_are_of_whole_seconds),
        cmocka_unit_test(test_longer_rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
