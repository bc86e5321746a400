/* A disk that does not answer: it holds up neither who follows the statistics nor who asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/kept.h"
#include "history/ask.h"

static void assert_asked(struct place *place, uint64_t queries)
{
    struct history_state state;
    history_state(place->history, &state);
    assert_true(state.on_disk);
    assert_queries(place, morning, morning + DAY, queries);
    free(ask_tops(place, morning, morning + DAY));
}

static void stuck_writes_hold_nobody_up(void **state)
{
    (void)state;
    struct place place;
    struct story story = story_begin(morning);
    pthread_t writer;
    place_begin(&place);
    struct history *history = place.history;
    uint64_t queries = live(&place, &story, 130);
    place_write(&place);
    history->followed = false;
    assert_int_equal(pthread_create(&writer, NULL, history_write, history), 0);
    disk_set_stuck(DISK_WRITES, true);
    for (int minute = 0; minute < 3; minute++) {
        queries += live(&place, &story, 60);
        disk_await_stuck(DISK_WRITES, 1);
        assert_asked(&place, queries);
    }
    disk_set_stuck(DISK_WRITES, false);
    pthread_mutex_lock(&history->lock);
    history->followed = true;
    pthread_cond_signal(&history->wake);
    pthread_mutex_unlock(&history->lock);
    pthread_join(writer, NULL);
    assert_asked(&place, queries);
    assert_int_equal(history->waiting.count, 0);
    place_end(&place);
}

/* Whoever asks is told so in time; when all readers are stuck, at once. Answers from memory are as
 * good as ever, and so is everything when the disk answers again. */
static void stuck_reads_are_told(void **state)
{
    (void)state;
    const struct history_question question = {.from_ms = morning, .to_ms = morning + DAY};
    struct place place;
    struct story story = story_begin(morning);
    struct buf out = {0};
    struct error err;
    place_begin(&place);
    uint64_t queries = live(&place, &story, 600);
    place_close(&place, true);
    place_open(&place);
    struct history *history = place.history;
    uint64_t answer_ns = history->answer_ns;
    history->answer_ns = 50 * UINT64_C(1000000);
    disk_set_stuck(DISK_READS, true);
    for (int i = 0; i < HISTORY_READERS; i++) {
        assert_int_equal(history_tops_json(history, &question, 5, &out, &err), -1);
        assert_non_null(strstr(err.text, "in time"));
        disk_await_stuck(DISK_READS, i + 1);
    }
    history->answer_ns = UINT64_C(3600000000000);
    assert_int_equal(history_series_json(history, &question, &out, &err), -1);
    assert_non_null(strstr(err.text, "in time"));
    assert_int_equal(out.len, 0);
    struct history_state now;
    history_state(history, &now);
    assert_true(now.healthy);
    disk_set_stuck(DISK_READS, false);
    ask_end(history);
    history->answer_ns = answer_ns;
    assert_asked(&place, queries);
    place_end(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stuck_writes_hold_nobody_up),
        cmocka_unit_test(stuck_reads_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
