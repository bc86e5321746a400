/* History, fed with made-up snapshots: roll-ups add up whatever happens to the program and the
 * clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "../support/place.h"
#include "../support/share.h"

/* --- roll-ups -------------------------------------------------------------------------------- */

static void rollups_add_up(void **state)
{
    (void)state;
    struct place place;
    struct story story = story_begin(morning + HOUR / 2 + 100);
    int seconds = share_of(3 * 3600) + 17; /* over the end of an hour, in any case */
    place_begin(&place);
    uint64_t queries = live(&place, &story, seconds);
    /* Some is in the database, some waits, some is open: together it is all. */
    assert_queries(&place, morning, morning + DAY, queries);
    place_write(&place);
    assert_queries(&place, morning, morning + DAY, queries);
    history_seal(place.history);
    assert_queries(&place, morning, morning + DAY, queries);
    place_write(&place);
    assert_queries(&place, morning, morning + DAY, queries);
    for (int i = 0; i < LENGTHS; i++) {
        uint64_t first = total(&place, "server0", "queries", morning, morning + DAY, lengths[i]);
        uint64_t second = total(&place, "server1", "queries", morning, morning + DAY, lengths[i]);
        assert_int_equal(first + second, queries);
        assert_int_equal(second, 2 * seconds);
        assert_int_equal(total(&place, NULL, "rcode.NXDOMAIN", morning, morning + DAY, lengths[i]),
                         seconds);
        assert_int_equal(total(&place, "nobody", "queries", morning, morning + DAY, lengths[i]), 0);
        assert_int_equal(total(&place, NULL, "observed", morning, morning + DAY, lengths[i]),
                         seconds);
    }
    place_end(&place);
}

static void assert_sides(struct place *place, const uint64_t wanted[STATS_SIDES])
{
    for (asked_side = STATS_SIDES; asked_side-- > 0;) {
        for (int i = 0; i < LENGTHS; i++) {
            uint64_t all = total(place, NULL, "queries", morning, morning + DAY, lengths[i]);
            uint64_t first = total(place, "server0", "queries", morning, morning + DAY, lengths[i]);
            assert_int_equal(all, wanted[asked_side]);
            assert_int_equal(first, asked_side == STATS_UPSTREAM ? all : 0);
        }
    }
    asked_side = STATS_CLIENT;
}

/* Each side has its own numbers: in seconds, in what waits, on disk, and after a restart. */
static void sides_are_kept_apart(void **state)
{
    (void)state;
    struct place place;
    struct story story = story_begin(morning + 100);
    uint64_t wanted[STATS_SIDES] = {0};
    place_begin(&place);
    for (uint64_t i = 0; i < 400; i++) {
        story.side = (enum stats_side)(i % 3 == 0);
        story_count(&story, 1 - (int)story.side, i % 7, 1, 0, 1000000);
        wanted[story.side] += i % 7;
        story_wait(&story, SECOND);
        history_see(place.history, story_snapshot(&story));
    }
    assert_sides(&place, wanted);
    place_write(&place);
    assert_sides(&place, wanted);
    place_close(&place, true);
    place_open(&place);
    assert_sides(&place, wanted);
    place_end(&place);
}

/* A stream takes the place of another in the middle of a minute: each has what it sent itself. */
static void places_change_hands(void **state)
{
    (void)state;
    struct place place;
    struct story story = story_begin(morning);
    place_begin(&place);
    for (uint64_t second = 1; second <= 6; second++) {
        story_count(&story, 0, 10, 0, 0, 0);
        story_count(&story, 1, 1, 0, 0, 0);
        if (second == 4)
            story.streams[0].direction[STATS_QUERY].events = 3;
        story_wait(&story, SECOND);
        struct stats_snapshot *snapshot = story_crowd(&story, STORY_STREAMS);
        if (second >= 4) {
            snapshot->streams[0][STATS_CLIENT].id = 1 << 12;
            memcpy(snapshot->streams[0][STATS_CLIENT].name, "another", 8);
            snapshot->streams[0][STATS_CLIENT].name_len = 7;
        }
        history_see(place.history, snapshot);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(total(&place, "server0", "queries", morning, morning + MINUTE, MINUTE),
                         30);
        assert_int_equal(total(&place, "another", "queries", morning, morning + MINUTE, MINUTE),
                         23);
        assert_int_equal(total(&place, "server1", "queries", morning, morning + MINUTE, MINUTE), 6);
        history_seal(place.history);
        place_write(&place);
    }
    place_end(&place);
}

static void minutes_hold_their_minute(void **state)
{
    (void)state;
    struct place place;
    struct story story = story_begin(morning + 20);
    place_begin(&place);
    for (int minute = 0; minute < 5; minute++) {
        for (int second = 0; second < 60; second++) {
            story_count(&story, 0, (uint64_t)minute + 1, 0, 0, 0);
            story_wait(&story, SECOND);
            history_see(place.history, story_snapshot(&story));
        }
    }
    char *answer = ask(&place, (struct history_question){.from_ms = morning,
                                                         .to_ms = morning + 6 * MINUTE,
                                                         .step_ms = MINUTE,
                                                         .series = span_str("queries")});
    assert_non_null(strstr(answer, "\"series\":{\"queries\":[60,120,180,240,300,null]}"));
    free(answer);
    place_end(&place);
}

static void seconds_are_in_memory(void **state)
{
    (void)state;
    struct place place;
    struct story story = story_begin(morning + 400);
    place_begin(&place);
    live(&place, &story, 2000);
    size_t known;
    char *answer =
        ask(&place, (struct history_question){
                        .from_ms = story.ms - 900 * SECOND, .to_ms = story.ms, .step_ms = SECOND});
    sum_of(answer, "queries", &known);
    assert_in_range(known, 899, 901);
    free(answer);
    place_close(&place, true);

    /* Without a database, too. */
    place.settings.path = NULL;
    place_open(&place);
    story = story_begin(story.ms);
    uint64_t queries = live(&place, &story, 100);
    assert_int_equal(
        total(&place, NULL, "queries", story.ms - 101 * SECOND, story.ms + SECOND, SECOND),
        queries);
    place_end(&place);
}

/* Snapshots come late and early by some milliseconds, and a little more than a second apart: no
 * second is counted twice, and only where a whole second has been lost one is empty. */
static void seconds_follow_each_other(void **state)
{
    (void)state;
    struct recorder recorder = {0};
    struct story story = story_begin(morning + 990);
    int64_t before = -1;
    int gaps = 0;
    for (int i = 0; i < 800; i++) {
        story_wait(&story, 1000 + (i * 7919 % 13) * (i % 2 ? 1 : -1) + 1);
        const struct stats_snapshot *snapshot = story_snapshot(&story);
        int64_t second = recorder_second(&recorder, snapshot);
        assert_true(second * 1000 - story.ms < 900 && story.ms - second * 1000 < 2000);
        if (before >= 0) {
            assert_in_range(second - before, 1, 2);
            gaps += second - before == 2;
        }
        before = second;
        recorder_take(&recorder, snapshot, second);
    }
    assert_in_range(gaps, 0, 1);
    recorder_free(&recorder);
}

/* Others may have snapshots made between those of each second. */
static void snapshots_in_between_change_nothing(void **state)
{
    (void)state;
    struct place place;
    struct story story = story_begin(morning + 300);
    place_begin(&place);
    for (int i = 0; i < 4 * 1200; i++) {
        story_count(&story, 0, 1, 0, 0, 0);
        story_wait(&story, i % 4 ? 200 : 400);
        history_see(place.history, story_snapshot(&story));
    }
    assert_queries(&place, morning, morning + HOUR, 4 * 1200);
    size_t known;
    char *answer = ask(&place, (struct history_question){.from_ms = story.ms - 890 * SECOND,
                                                         .to_ms = story.ms,
                                                         .step_ms = SECOND,
                                                         .series = span_str("queries")});
    uint64_t sum = sum_of(answer, "queries", &known);
    assert_in_range(known, 889, 891);
    assert_in_range(sum, 4 * 889, 4 * 891);
    free(answer);
    place_end(&place);
}

static void latencies_merge_exactly(void **state)
{
    (void)state;
    struct place place;
    struct story story = story_begin(morning);
    struct stats_counters *counters = &story.total;
    place_begin(&place);
    for (int i = 1; i <= 7200; i++) {
        story_count(&story, 0, 0, (uint64_t)(1 + i % 3), 0, (int64_t)i * i * 100);
        story_wait(&story, SECOND);
        history_see(place.history, story_snapshot(&story));
    }
    place_close(&place, true);
    place_open(&place);
    uint64_t timed = counters->direction[STATS_RESPONSE].timed;
    static const struct {
        const char *name;
        double q;
    } quantiles[] = {
        {"latency.p50", 0.5}, {"latency.p90", 0.9}, {"latency.p99", 0.99}, {"latency.p999", 0.999}};
    char *answer =
        ask(&place,
            (struct history_question){.from_ms = morning, .to_ms = morning + DAY, .step_ms = DAY});
    for (size_t i = 0; i < 4; i++) {
        char wanted[80];
        snprintf(wanted, sizeof wanted, "\"%s\":[%.9g]", quantiles[i].name,
                 (double)quantile_of(counters->latency, timed, quantiles[i].q) / 1e9);
        assert_non_null(strstr(answer, wanted));
    }
    char *whole = strstr(answer, "\"whole\":{");
    assert_non_null(whole);
    char wanted[80];
    snprintf(wanted, sizeof wanted, "\"latency.p99\":%.9g",
             (double)quantile_of(counters->latency, timed, 0.99) / 1e9);
    assert_non_null(strstr(whole, wanted));
    /* Of the heat map, too, nothing is lost. */
    const char *heat = strstr(answer, "\"heat\":[[");
    uint64_t sum = 0;
    assert_non_null(heat);
    for (heat += strlen("\"heat\":[["); *heat != ']'; heat += *heat == ',') {
        char *end;
        sum += strtoull(heat, &end, 10);
        heat = end;
    }
    assert_int_equal(sum, timed);
    free(answer);
    place_end(&place);
}

/* The first number behind a name in the reply. */
static double number_of(const char *answer, const char *name)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\"%s\":[", name);
    const char *at = strstr(answer, wanted);
    assert_non_null(at);
    return strtod(at + strlen(wanted), NULL);
}

/* Seconds, minutes, hours and days have the precision of the totals; and so have the buckets. */
static void short_spans_are_as_precise_as_long_ones(void **state)
{
    (void)state;
    static const int64_t steps[] = {SECOND, 10 * SECOND, MINUTE, HOUR, DAY};
    struct place place;
    struct story story = story_begin(morning);
    place_begin(&place);
    for (int i = 0; i < 60; i++) {
        story_count(&story, 0, 0, 90, 0, 10000000); /* 10 ms */
        story_count(&story, 0, 0, 10, 0, 200000000);
        story_count(&story, 1, 0, 1, 0, INT64_C(300000000000));
        story_wait(&story, SECOND);
        history_see(place.history, story_snapshot(&story));
    }
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct history_question question = {.stream = span_str("server0"),
                                            .from_ms = morning,
                                            .to_ms = morning + MINUTE,
                                            .step_ms = (uint64_t)steps[i],
                                            .series = span_str("latency,fine")};
        char *answer = ask(&place, question), pairs[64];
        assert_true(fabs(number_of(answer, "latency.p50") - 0.01) < 0.0001);
        assert_true(fabs(number_of(answer, "latency.p99") - 0.2) < 0.002);
        int count = (int)(steps[i] < MINUTE ? steps[i] / SECOND : 60);
        snprintf(pairs, sizeof pairs, "\"fine\":[[%u,%d,%u,%d]", quantile_bucket(10000000),
                 90 * count, quantile_bucket(200000000), 10 * count);
        assert_non_null(strstr(answer, pairs));
        free(answer);
        question.stream = span_str("server1");
        answer = ask(&place, question);
        assert_true(fabs(number_of(answer, "latency.p50") - 300) < 3);
        free(answer);
        question.series = span_str("queries"); /* who does not name them does not get them */
        answer = ask(&place, question);
        assert_null(strstr(answer, "fine"));
        free(answer);
    }
    place_end(&place);
}

/* --- what happens ----------------------------------------------------------------------------- */

static void restarts_add_up(void **state)
{
    (void)state;
    struct place place;
    uint64_t queries = 0;
    int64_t ms = morning + 7 * SECOND;
    place_begin(&place);
    struct siphash_key key = place.key;
    for (int i = 0; i < 12; i++) {
        struct story story = story_begin(ms); /* counters begin at zero */
        queries += live(&place, &story, 25 + 11 * i);
        ms = story.ms + 300;
        place_close(&place, true);
        place_open(&place);
        assert_memory_equal(&place.key, &key, sizeof key);
        assert_queries(&place, morning, morning + DAY, queries);
    }
    place_end(&place);
}

static void resets_lose_nothing_and_add_nothing(void **state)
{
    (void)state;
    struct place place;
    struct story story = story_begin(morning);
    uint64_t queries = 0;
    place_begin(&place);
    for (int i = 0; i < 10; i++) {
        queries += live(&place, &story, 47);
        story_reset(&story);
        if (i % 2) /* and often less has come since than was there before */
            queries += live(&place, &story, 1);
    }
    assert_queries(&place, morning, morning + DAY, queries);
    place_end(&place);
}

/* Counters that go back without a reset, or with a reset that looks like none. */
static void counters_never_run_backwards(void **state)
{
    (void)state;
    struct place place;
    struct story story = story_begin(morning);
    place_begin(&place);
    live(&place, &story, 30);
    uint64_t before = total(&place, NULL, "queries", morning, morning + HOUR, MINUTE);
    memset(&story.total, 0, sizeof story.total);
    uint64_t more = live(&place, &story, 1);
    assert_int_equal(total(&place, NULL, "queries", morning, morning + HOUR, MINUTE),
                     before + more);
    place_end(&place);
}

static void clock_jumps(void **state)
{
    (void)state;
    static const int64_t jumps[] = {-3 * SECOND, -90 * SECOND, HOUR,       -2 * HOUR,
                                    5 * MINUTE,  -10 * MINUTE, 2 * SECOND, -SECOND};
    struct place place;
    struct story story = story_begin(morning + 12 * HOUR);
    uint64_t queries = 0;
    place_begin(&place);
    for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
        queries += live(&place, &story, 130);
        story.ms += jumps[i];
        if (i % 3 == 0)
            place_write(&place);
    }
    queries += live(&place, &story, 10);
    assert_queries(&place, morning, morning + 2 * DAY, queries);
    place_close(&place, true);
    place_open(&place);
    assert_queries(&place, morning, morning + 2 * DAY, queries);
    place_end(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rollups_add_up),
        cmocka_unit_test(sides_are_kept_apart),
        cmocka_unit_test(places_change_hands),
        cmocka_unit_test(minutes_hold_their_minute),
        cmocka_unit_test(seconds_are_in_memory),
        cmocka_unit_test(seconds_follow_each_other),
        cmocka_unit_test(snapshots_in_between_change_nothing),
        cmocka_unit_test(latencies_merge_exactly),
        cmocka_unit_test(short_spans_are_as_precise_as_long_ones),
        cmocka_unit_test(restarts_add_up),
        cmocka_unit_test(resets_lose_nothing_and_add_nothing),
        cmocka_unit_test(counters_never_run_backwards),
        cmocka_unit_test(clock_jumps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
