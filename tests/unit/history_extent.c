/* From when to when the numbers of an answer are: what replies say of that is true. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/kept.h"
#include "history/series.h"

/* What a minute of Spile's brings: so many milliseconds of it were watched. */
static void put_watched(struct place *place, int64_t ms, uint64_t observed_ms)
{
    struct portion portion = {.start_ms = ms};
    struct counts counts = {0};
    struct tops list = {0};
    struct buf bytes = {0};
    counts_put(&counts, 1 << 16, observed_ms);
    counts_put(&counts, 2 << 16, 10);
    assert_int_equal(series_observed(&counts), observed_ms);
    counts_encode(&counts, &bytes);
    portion_put(&portion, RECORD_COUNTS, (struct span){0}, buf_span(&bytes));
    list_name(&list, "a.", 10);
    put_list(&portion, TABLE_DOMAINS, &list);
    waiting_put(&place->history->waiting, &portion);
    counts_free(&counts);
    buf_free(&bytes);
}

static void watch_minutes(struct place *place, int64_t from_ms, int64_t to_ms)
{
    for (int64_t ms = from_ms; ms < to_ms; ms += MINUTE) {
        put_watched(place, ms, MINUTE);
        place_write(place);
    }
}

/* The answer is of that span and has so many queries. */
static void assert_told(struct place *place, int64_t from, int64_t to, int64_t wanted_from,
                        int64_t wanted_to, unsigned queries)
{
    char wanted[160];
    snprintf(wanted, sizeof wanted, "\"from\":%lld,\"to\":%lld,\"seconds\":%lld.000,",
             (long long)wanted_from, (long long)wanted_to,
             (long long)(wanted_to - wanted_from) / 1000);
    assert_top(place, from, to, wanted);
    snprintf(wanted, sizeof wanted, "{\"name\":\"a.\",\"value\":%u,", queries);
    assert_top(place, from, to, queries ? wanted : "\"domains\":[]");
}

enum { BEGIN = 14 * 60 + 3, END = 16 * 60 + 20 /* minutes of the day */ };
static const int64_t begin = morning + BEGIN * MINUTE, end = morning + END * MINUTE;

/* Whatever is asked: the numbers begin where Spile began, and not with the hour or the day. */
static void begins_where_spile_began(void **state)
{
    (void)state;
    struct place place;
    place_begin(&place);
    put_watched(&place, begin, MINUTE); /* in memory alone */
    assert_told(&place, begin - HOUR, begin + MINUTE, begin, begin + MINUTE, 10);
    watch_minutes(&place, begin + MINUTE, end);
    place_clean(&place, end);
    assert_told(&place, end - HOUR, end, end - HOUR, end, 600);
    assert_told(&place, begin - HOUR, end, begin, end, 10 * (END - BEGIN));
    assert_told(&place, begin - 5 * DAY, end, begin, end, 10 * (END - BEGIN));
    assert_told(&place, begin - HOUR, begin, begin - HOUR, begin, 0);
    place_end(&place);
}

/* The same on another day, when it was away for some hours. */
static void begins_behind_a_pause(void **state)
{
    (void)state;
    struct place place;
    place_begin(&place);
    watch_minutes(&place, begin - DAY, begin - DAY + 90 * MINUTE);
    watch_minutes(&place, begin, end);
    place_clean(&place, end);
    assert_told(&place, begin - HOUR, end, begin, end, 10 * (END - BEGIN));
    assert_told(&place, begin - 2 * DAY, end, begin - DAY, end, 10 * (END - BEGIN + 90));
    /* Nothing came behind the end that was asked for, either. */
    assert_told(&place, begin - DAY, begin - 10 * HOUR, begin - DAY, begin - 10 * HOUR, 900);
    place_end(&place);
}

/* When minutes have been trimmed, and then hours, no more is known than the longer ones tell. */
static void trimmed_ones_tell_no_more(void **state)
{
    (void)state;
    struct place place;
    place_begin(&place);
    watch_minutes(&place, begin, end);
    place_clean(&place, morning + 4 * DAY);
    assert_int_equal(records(&place, RECORD_COUNTS, HISTORY_MINUTES), 0);
    assert_told(&place, begin + 10 * MINUTE, end - 10 * MINUTE, morning + 14 * HOUR,
                morning + 17 * HOUR, 10 * (END - BEGIN));
    assert_int_equal(records(&place, RECORD_TOPS, HISTORY_WEEKS), 1);
    assert_told(&place, begin - 9 * DAY, begin + 3 * DAY, morning + 14 * HOUR, begin + 3 * DAY,
                10 * (END - BEGIN));
    place_clean(&place, morning + 70 * DAY);
    place_clean(&place, morning + 70 * DAY + 12 * HOUR);                /* the time is believed */
    assert_int_equal(records(&place, RECORD_COUNTS, HISTORY_HOURS), 2); /* of the cleaning */
    int64_t week = kind_start(HISTORY_WEEKS, morning), month = kind_start(HISTORY_MONTHS, morning);
    assert_told(&place, begin + 10 * MINUTE, end - 10 * MINUTE, week < month ? week : month,
                kind_end(HISTORY_MONTHS, morning), 10 * (END - BEGIN));
    place_end(&place);
}

/* Some of the minutes of an hour have gone: those that are left are not all that it counts. */
static void some_trimmed_ones_are_not_all(void **state)
{
    (void)state;
    struct place place;
    place_begin(&place);
    watch_minutes(&place, morning, morning + 3 * HOUR);
    place_clean(&place, morning + 2 * DAY + 90 * MINUTE);
    assert_int_equal(records(&place, RECORD_COUNTS, HISTORY_MINUTES), 90);
    assert_told(&place, morning - HOUR, morning + 3 * HOUR, morning, morning + 3 * HOUR, 1800);
    assert_told(&place, morning + 70 * MINUTE, morning + 3 * HOUR, morning + HOUR,
                morning + 3 * HOUR, 1200);
    place_end(&place);
}

static void count_part(void *ctx, const struct wheel_part *part)
{
    unsigned *parts = ctx;
    *parts += part->portion.records.len > 0;
}

/* After a restart. */
static void windows_begin_where_spile_began(void **state)
{
    (void)state;
    static const int64_t ns = INT64_C(1000000);
    struct place place;
    place_begin(&place);
    watch_minutes(&place, begin, end);
    for (int restarts = 0; restarts < 2; restarts++) {
        int64_t now = restarts ? end : begin + 17 * MINUTE + 30 * SECOND;
        unsigned parts = 0;
        history_restore(place.history, now);
        const struct wheel *wheel = &place.history->windows.wheel;
        assert_int_equal(wheel_each(wheel, WHEEL_HOUR, now * ns, count_part, &parts) / ns,
                         restarts ? end - HOUR : begin);
        assert_int_equal(wheel_each(wheel, WHEEL_DAY, now * ns, count_part, &parts) / ns, begin);
        assert_true(parts > 4);
        place_close(&place, true);
        place_open(&place);
    }
    place_end(&place);
}

struct found {
    uint64_t queries;
    int64_t from_ms;
};

static void add_part(void *ctx, const struct wheel_part *part)
{
    struct found *found = ctx;
    struct cursor c = cursor_of(buf_span(&part->portion.records));
    for (struct record record; portion_next(&c, &record);) {
        struct counts counts = {0};
        if (record.what == RECORD_COUNTS && record.stream.len == 0)
            assert_int_equal(counts_decode(&counts, record.bytes), 0);
        found->queries += counts_get(&counts, 2 << 16);
        counts_free(&counts);
    }
}

/* What a restart at a moment finds of a window. */
static struct found found_of(struct place *place, enum wheel_window window, int64_t now_ms)
{
    static const int64_t ns = INT64_C(1000000);
    struct found found = {0};
    place_close(place, true);
    place_open(place);
    history_restore(place->history, now_ms);
    const struct wheel *wheel = &place->history->windows.wheel;
    found.from_ms = wheel_each(wheel, window, now_ms * ns, add_part, &found) / ns;
    return found;
}

/* Lives until the next minute begins. */
static uint64_t live_minute(struct place *place, struct story *story)
{
    return live(place, story, (MINUTE - story->ms % MINUTE) / SECOND);
}

static void reset(struct place *place, struct story *story, unsigned windows)
{
    place->history->resets_wanted = windows;
    live(place, story, 1);
    assert_int_equal(place->history->resets_wanted, 0);
}

/* A restart shows of a window that was reset what came in the minutes behind that, and of the
 * others what there is. */
static void resets_outlast_a_restart(void **state)
{
    (void)state;
    static const struct {
        enum wheel_window window;
        int64_t before, behind; /* seconds */
    } cases[] = {
        {WHEEL_FIVE_MINUTES, 100, 20}, {WHEEL_FIVE_MINUTES, 7, 130}, {WHEEL_HOUR, 1000, 90},
        {WHEEL_HOUR, 1000, 1500},      {WHEEL_DAY, 700, 1000},       {WHEEL_DAY, 300, 2 * 3600},
        {WHEEL_MINUTE, 100, 65},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct place place;
        place_begin(&place);
        struct story story = story_begin(begin + 20 * SECOND);
        uint64_t before = live_by(&place, &story, cases[i].before, 1);
        reset(&place, &story, 1u << cases[i].window);
        before += live_minute(&place, &story) + 2 + 7;
        int64_t from_ms = story.ms;
        uint64_t behind = live_by(&place, &story, cases[i].behind, 5);
        struct found found = found_of(&place, cases[i].window, story.ms);
        assert_int_equal(found.queries, behind);
        assert_int_equal(found.from_ms, from_ms);
        if (cases[i].window != WHEEL_DAY) {
            found = found_of(&place, WHEEL_DAY, story.ms);
            assert_int_equal(found.from_ms, begin);
            assert_in_range(found.queries, before + behind - 9, before + behind);
        }
        place_end(&place);
    }
}

/* A clock that was far ahead when a window was reset keeps it empty for no longer than that. */
static void resets_in_the_future_are_now(void **state)
{
    (void)state;
    struct place place;
    place_begin(&place);
    struct story story = story_begin(begin + DAY);
    live(&place, &story, 10);
    reset(&place, &story, 1u << WHEEL_HOUR);
    place_close(&place, true);
    place_open(&place);
    watch_minutes(&place, begin, end);
    assert_int_equal(found_of(&place, WHEEL_HOUR, end - 10).queries, 0);
    assert_int_equal(place.history->begun_ms[WHEEL_HOUR], end);
    watch_minutes(&place, end, end + 3 * MINUTE);
    assert_int_equal(found_of(&place, WHEEL_HOUR, end + 3 * MINUTE).queries, 30);
    place_end(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_where_spile_began),
        cmocka_unit_test(begins_behind_a_pause),
        cmocka_unit_test(trimmed_ones_tell_no_more),
        cmocka_unit_test(some_trimmed_ones_are_not_all),
        cmocka_unit_test(windows_begin_where_spile_began),
        cmocka_unit_test(resets_outlast_a_restart),
        cmocka_unit_test(resets_in_the_future_are_now),
    };
    return cmocka_run_group_tests_name("history_extent", tests, NULL, NULL);
}
