/* History without memory: whichever allocation fails, it goes on, counts nothing twice, and the
 * next minute is complete again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/place.h"
#include "failmalloc.h"

enum { STEPS = 3, LISTED = 4 };

/* The list of domains of a minute, as bytes. */
static struct buf make_list(void)
{
    struct tops tops = {0};
    struct buf bytes = {0};
    for (int i = 0; i < LISTED; i++) {
        char name[20];
        int len = snprintf(name, sizeof name, "name%d.", i);
        tops_append(&tops, span_of(name, (size_t)len))->values.of[MEASURE_QUERIES] = 10;
    }
    tops_encode(&tops, &bytes);
    tops_free(&tops);
    return bytes;
}

/* A minute: seen, sealed, written with a list, and asked for. */
static void live_a_minute(struct place *place, const struct stats_snapshot *const *snapshots,
                          struct span list)
{
    struct history_question question = {.from_ms = morning, .to_ms = morning + DAY};
    struct portion portion = {.start_ms = morning};
    struct buf out = {0};
    struct error err;
    for (int i = 0; i < STEPS; i++)
        history_see(place->history, snapshots[i]);
    history_seal(place->history);
    portion_put(&portion, RECORD_TOPS + TABLE_DOMAINS, (struct span){0}, list);
    if (portion.records.failed)
        buf_free(&portion.records);
    else
        waiting_put(&place->history->waiting, &portion);
    place_write(place);
    out.failed = history_series_json(place->history, &question, &out, &err) < 0;
    out.failed |= history_tops_json(place->history, &question, 10, &out, &err) < 0;
    buf_free(&out);
}

/* Lives a minute in which the n-th allocation fails; true when there was one to fail. */
static bool live_badly(struct place *place, struct story *story, struct span list, unsigned n)
{
    const struct stats_snapshot *snapshots[STEPS];
    for (int i = 0; i < STEPS; i++) {
        story_count(story, 0, 5, 5, 0, 1000000 * (i + 1));
        story_wait(story, 20 * SECOND);
        snapshots[i] = story_snapshot(story);
    }
    place->history->writer.retry_ns = 0; /* without waiting for better times */
    place->history->writer.trimmed_ns = 0;
    failmalloc_start(n);
    live_a_minute(place, snapshots, list);
    return failmalloc_stop();
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    struct place place;
    struct story story = story_begin(morning);
    struct buf list = make_list();
    place_begin(&place);
    uint64_t sum = 0;
    unsigned failures = 0;
    for (unsigned n = 1; live_badly(&place, &story, buf_span(&list), n); n += 1 + n / 50) {
        uint64_t now = total(&place, NULL, "queries", morning, morning + 30 * DAY, HOUR);
        assert_in_range(now, sum, sum + 5 * STEPS * WAITING_MAX);
        assert_true(now <= story.total.direction[STATS_QUERY].events);
        /* And the next one is complete. */
        live_badly(&place, &story, buf_span(&list), 0);
        sum = total(&place, NULL, "queries", morning, morning + 30 * DAY, HOUR);
        assert_true(sum >= now + 5 * STEPS);
        assert_int_equal(total(&place, NULL, "queries", morning, morning + 30 * DAY, DAY), sum);
        failures++;
    }
    print_message("%u allocations have failed\n", failures);
    assert_true(failures > 100);
    assert_true(sum > story.total.direction[STATS_QUERY].events / 2);
    buf_free(&list);
    place_end(&place);
}

static void without_memory_it_does_not_open(void **state)
{
    (void)state;
    struct place place;
    struct error err;
    place_begin(&place);
    place_close(&place, true);
    unsigned n = 1;
    for (bool failed = true; failed; n++) {
        failmalloc_start(n);
        place.history = history_open(&place.settings, &place.key, &err);
        failed = failmalloc_stop();
        assert_true(place.history || failed);
        history_close(place.history);
    }
    assert_true(n > 3);
    place.history = NULL;
    place_open(&place);
    place_end(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(without_memory_it_does_not_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
