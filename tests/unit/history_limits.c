/* What a history forgets, and what it must not: limits of size and age, clocks that are wrong,
 * older databases, and disks that do not answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "../support/kept.h"
#include "../support/random.h"
#include "../support/share.h"

static const unsigned domains = RECORD_TOPS + TABLE_DOMAINS;

/* --- size ------------------------------------------------------------------------------------- */

/* A minute with lists of names that are seldom the same, and do not compress well. */
static void put_crowd(struct place *place, int64_t ms, size_t rows, struct random *r)
{
    struct portion portion = {.start_ms = ms};
    for (unsigned table = 0; table < STATS_TABLES; table++) {
        struct tops list = {0};
        for (size_t i = 0; i < rows; i++) {
            char name[40];
            snprintf(name, sizeof name, "%zx-%llx.", i, (unsigned long long)random_u64(r));
            list_name(&list, name, 1 + random_below(r, 1000));
        }
        put_list(&portion, table, &list);
    }
    waiting_put(&place->history->waiting, &portion);
    put_minute(place, ms, 3, "server");
}

static void assert_bound(struct place *place)
{
    uint64_t size = store_size(place->path);
    if (size > place->history->settings.size_max)
        print_message("%llu bytes\n", (unsigned long long)size);
    assert_true(size <= place->history->settings.size_max);
}

/* The whole on the disk stays below the limit, and every kind keeps some of the past. */
static void size_is_a_bound(void **state)
{
    (void)state;
    static const uint64_t limits[] = {1 << 20, 3 << 20};
    for (int i = 0; i < share_of(2); i++) {
        struct place place;
        struct random r = {61};
        int64_t ms = morning;
        place_begin(&place);
        place.history->settings.size_max = limits[i];
        place.history->settings.top = 5;
        for (int step = 0; step < 600; step++, ms += step % 4 ? MINUTE : 24 * HOUR) {
            put_crowd(&place, ms, 20, &r);
            if (step % 3 == 0) {
                place_clean(&place, ms);
                assert_bound(&place);
            }
        }
        place_clean(&place, ms);
        assert_bound(&place);
        assert_true(store_size(place.path) > limits[i] / 3);
        for (int kind = 0; kind < HISTORY_ALL_KINDS; kind++)
            assert_true(records(&place, domains, kind) >= 3);
        /* Longer ones reach further back. */
        for (int kind = 1; kind < HISTORY_KINDS; kind++) {
            char text[200];
            snprintf(text, sizeof text,
                     "SELECT (SELECT min(start) FROM record WHERE kind = %d) <= (SELECT min(start)"
                     " FROM record WHERE kind = %d)",
                     kind, kind - 1);
            assert_int_equal(number(place.path, text), 1);
        }
        place_end(&place);
    }
}

/* Whatever one write brings: far too much for the limit. */
static void too_much_is_bounded(void **state)
{
    (void)state;
    struct place place;
    struct random r = {62};
    place_begin(&place);
    place.history->settings.size_max = 1 << 20;
    place.history->settings.top = 1000;
    for (int step = 0; step < 8; step++) {
        put_crowd(&place, morning + step * DAY, 3000, &r);
        place_clean(&place, morning + step * DAY);
        place_clean(&place, morning + step * DAY);
        assert_bound(&place);
    }
    place_end(&place);
}

/* A limit that is set later, far below what is there: room is given back. */
static void room_is_given_back(void **state)
{
    (void)state;
    struct place place;
    struct random r = {63};
    place_begin(&place);
    for (int step = 0; step < 300; step++) {
        put_crowd(&place, morning + step * 5 * HOUR, 120, &r);
        place_write(&place);
    }
    int64_t ms = morning + 300 * 5 * HOUR, hours = records(&place, domains, HISTORY_HOURS);
    place_clean(&place, ms);
    assert_true(store_size(place.path) > 4 << 20);
    place.history->settings.size_max = 4 << 20;
    place_clean(&place, ms);
    assert_bound(&place);
    /* Trimmed by their bytes, not by the thousand rows: most of the limit is in use. */
    assert_true(store_size(place.path) > 2 << 20);
    assert_in_range(records(&place, domains, HISTORY_HOURS), 10, (uintmax_t)hours);
    assert_true(records(&place, domains, HISTORY_MINUTES) > 5);
    /* By age, too, once more is free than the next minutes want. */
    place.history->settings.size_max = 0;
    for (int kind = 0; kind < HISTORY_KINDS; kind++)
        place.history->settings.keep_ns[kind] = DAY * UINT64_C(1000000);
    uint64_t size = store_size(place.path);
    place_clean(&place, ms + MINUTE);
    place_clean(&place, ms + 2 * MINUTE);
    struct stat file; /* its log is left a little longer */
    assert_int_equal(stat(place.path, &file), 0);
    assert_true((uint64_t)file.st_size < size / 2);
    place_end(&place);
}

/* Limits that change while it is at work are heeded with the next write, and that is at once. */
static void limits_change(void **state)
{
    (void)state;
    struct place place;
    int64_t end = morning + 10 * HOUR;
    place_begin(&place);
    for (int i = 0; i < 10 * 60; i++) {
        put_minute(&place, morning + i * MINUTE, 1, "server");
        if (i % 60 == 0)
            place_write(&place);
    }
    place_clean(&place, end);
    assert_in_range(records(&place, RECORD_COUNTS, HISTORY_MINUTES), 600, 601);
    place_write(&place); /* nothing is to be done */
    struct history_settings changed = place.settings;
    changed.path = NULL; /* which stays */
    changed.keep_ns[HISTORY_MINUTES] = HOUR * UINT64_C(1000000);
    history_change(place.history, &changed);
    place_write(&place);
    assert_in_range(records(&place, RECORD_COUNTS, HISTORY_MINUTES), 58, 62);
    assert_in_range(records(&place, RECORD_COUNTS, HISTORY_HOURS), 10, 11);
    place_end(&place);
}

/* --- what is there ---------------------------------------------------------------------------- */

static size_t known_points(struct place *place, int64_t from, int64_t to, uint64_t *sum)
{
    size_t known;
    char *answer =
        ask(place,
            (struct history_question){.from_ms = from, .to_ms = to, .series = span_str("queries")});
    *sum = sum_of(answer, "queries", &known);
    free(answer);
    return known;
}

static void erase(struct place *place, const char *text)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* Charts and lists show what longer roll-ups have where shorter ones are gone, whatever is said to
 * be kept. */
static void what_is_there_is_shown(void **state)
{
    (void)state;
    struct place place;
    uint64_t sum;
    int64_t end = morning + 20 * HOUR;
    place_begin(&place);
    for (int i = 0; i < 20 * 60; i += 5) {
        struct portion portion = {.start_ms = morning + i * MINUTE};
        struct tops list = {0};
        put_minute(&place, portion.start_ms, 1, "server");
        list_name(&list, "name.", 1);
        put_list(&portion, TABLE_DOMAINS, &list);
        waiting_put(&place.history->waiting, &portion);
        place_write(&place);
    }
    place_clean(&place, end);
    place.history->settings.keep_ns[HISTORY_MINUTES] = 365 * DAY * UINT64_C(1000000);
    assert_true(known_points(&place, end - 10 * HOUR, end, &sum) >= 120);
    assert_int_equal(sum, 120);
    erase(&place, "DELETE FROM record WHERE kind = 0");
    assert_true(known_points(&place, end - 10 * HOUR, end, &sum) >= 10);
    assert_int_equal(sum, 120);
    assert_top(&place, end - 10 * HOUR, end, "\"name\":\"name.\",\"value\":120,");
    assert_top(&place, end - 10 * HOUR + 7 * MINUTE, end - 90 * MINUTE,
               "\"name\":\"name.\",\"value\":108,"); /* whole hours */
    erase(&place, "DELETE FROM record WHERE kind = 1");
    assert_true(known_points(&place, end - 10 * HOUR, end, &sum) >= 1);
    assert_int_equal(sum, 240);
    assert_top(&place, end - 10 * HOUR, end, "\"name\":\"name.\",\"value\":240,");
    place_end(&place);
}

/* Days that are missing are made up of hours, in steps of days, too. */
static void gaps_are_filled_with_shorter_ones(void **state)
{
    (void)state;
    struct place place;
    place_begin(&place);
    for (int i = 0; i < 4 * 24; i++) {
        put_minute(&place, morning + i * HOUR, 1, "server");
        place_write(&place);
    }
    erase(&place, "DELETE FROM record WHERE kind = 2 AND start < 86400000 * 20002");
    assert_int_equal(total(&place, NULL, "queries", morning, morning + 4 * DAY, DAY), 4 * 24);
    assert_int_equal(total(&place, "server", "queries", morning, morning + 4 * DAY, DAY), 4 * 24);
    place_end(&place);
}

/* --- clocks ----------------------------------------------------------------------------------- */

enum { PAST_DAYS = 6 };

static void live_before(struct place *place)
{
    for (int i = 0; i < PAST_DAYS * 24; i++) {
        put_minute(place, morning + i * HOUR + 30 * MINUTE, 1, "server");
        place_write(place);
    }
    for (int i = 0; i < 30; i++) { /* and the last half hour, minute by minute */
        put_minute(place, morning + PAST_DAYS * DAY - (30 - i) * MINUTE, 1, "server");
        place_write(place);
    }
    place_clean(place, morning + PAST_DAYS * DAY);
}

/* For so long the clock is off; one looks every half minute. */
static void live_wrong(struct place *place, int64_t off, int64_t long_ms)
{
    place->keeper.ms += off;
    for (int64_t ms = 0; ms < long_ms; ms += 32 * SECOND)
        place_clean(place, place->keeper.ms + 32 * SECOND);
    place->keeper.ms -= off;
}

/* Minutes, hours and days before the present one. */
static void count_past(struct place *place, int64_t counts[HISTORY_KINDS])
{
    for (int kind = 0; kind < HISTORY_KINDS; kind++) {
        char text[160];
        snprintf(text, sizeof text,
                 "SELECT count(*) FROM record WHERE kind = %d AND start >= %lld AND start < %lld",
                 kind, (long long)morning, (long long)(morning + PAST_DAYS * DAY));
        counts[kind] = number(place->path, text);
    }
}

static void clock_errors_delete_nothing(void **state)
{
    (void)state;
    static const int64_t offs[] = {6 * 365 * DAY, -6 * 365 * DAY, 90 * DAY, 3 * DAY};
    for (size_t i = 0; i < sizeof offs / sizeof *offs; i++) {
        for (int restarts = 0; restarts < 2; restarts++) {
            struct place place;
            int64_t before[HISTORY_KINDS], after[HISTORY_KINDS];
            uint64_t sum;
            place_begin(&place);
            live_before(&place);
            count_past(&place, before);
            if (restarts) {
                place_close(&place, true);
                place_open(&place);
            }
            live_wrong(&place, offs[i], 64 * SECOND);
            if (restarts) {
                place_close(&place, true);
                place_open(&place);
                live_wrong(&place, offs[i], 64 * SECOND); /* and once more */
            }
            place_clean(&place, place.keeper.ms + MINUTE);
            count_past(&place, after);
            assert_memory_equal(before, after, sizeof before);
            /* The present is shown as before. */
            int64_t now = place.keeper.ms;
            assert_true(known_points(&place, now - 30 * MINUTE, now, &sum) >= 25);
            assert_true(sum >= 25);
            place_end(&place);
        }
    }
}

/* A clock that stays where it leapt to is believed after some hours. */
static void clocks_that_stay_are_believed(void **state)
{
    (void)state;
    static const int64_t offs[] = {400 * DAY, -400 * DAY};
    for (size_t i = 0; i < 2; i++) {
        struct place place;
        int64_t before[HISTORY_KINDS], after[HISTORY_KINDS];
        place_begin(&place);
        live_before(&place);
        count_past(&place, before);
        place.keeper.ms += offs[i];
        for (int hour = 0; hour < 2; hour++)
            place_clean(&place, place.keeper.ms + HOUR);
        count_past(&place, after);
        assert_memory_equal(before, after, sizeof before);
        for (int hour = 0; hour < 3; hour++)
            place_clean(&place, place.keeper.ms + HOUR);
        count_past(&place, after);
        assert_int_equal(after[HISTORY_MINUTES], offs[i] > 0 ? 0 : before[HISTORY_MINUTES]);
        assert_int_equal(after[HISTORY_HOURS], offs[i] > 0 ? 0 : before[HISTORY_HOURS]);
        assert_int_equal(after[HISTORY_DAYS], before[HISTORY_DAYS]);
        place_end(&place);
    }
}

/* What a clock wrote that was ahead for long does not push the present out. */
static void the_future_goes_before_the_present(void **state)
{
    (void)state;
    struct place place;
    struct random r = {64};
    place_begin(&place);
    place.history->settings.size_max = 2 << 20;
    for (int i = 0; i < 200; i++) {
        put_crowd(&place, morning + 3000 * DAY + i * HOUR, 60, &r);
        place_clean(&place, morning + 3000 * DAY + i * HOUR);
    }
    place.keeper.ms = morning;
    for (int i = 1; i < 200; i++) {
        put_crowd(&place, morning + i * HOUR, 60, &r);
        place_clean(&place, morning + i * HOUR);
        assert_bound(&place);
    }
    for (int kind = HISTORY_MINUTES; kind <= HISTORY_HOURS; kind++) {
        char text[120];
        snprintf(text, sizeof text,
                 "SELECT count(*) FROM record WHERE kind = %d AND what = %u AND start < %lld", kind,
                 domains, (long long)(morning + 200 * HOUR));
        assert_true(number(place.path, text) > 15);
    }
    place_end(&place);
}

/* Seconds of another time in memory hide neither the seconds after them nor the minutes before,
 * though they are the first that memory has. */
static void strange_seconds_hide_nothing(void **state)
{
    (void)state;
    static const int64_t offs[] = {6 * 365 * DAY, -6 * 365 * DAY};
    for (size_t i = 0; i < 2; i++) {
        struct place place;
        struct story story = story_begin(morning + 3 * HOUR);
        place_begin(&place);
        uint64_t sum, queries = live(&place, &story, 1000);
        story.ms += offs[i];
        live(&place, &story, RECORDER_SECONDS);
        story.ms -= offs[i];
        queries += live(&place, &story, RECORDER_SECONDS - 100);
        place_write(&place);
        assert_true(known_points(&place, story.ms - 10 * MINUTE, story.ms, &sum) >= 500);
        assert_true(known_points(&place, story.ms - HOUR, story.ms, &sum) >= 30);
        assert_int_equal(sum, queries);
        place_end(&place);
    }
}

/* What a damaged database says the time was is believed only if it can be one. */
static void times_that_cannot_be_are_not_taken(void **state)
{
    (void)state;
    static const int64_t times[] = {INT64_MIN, -1, INT64_MAX, INT64_C(253402300800000),
                                    INT64_C(253402300799999)};
    struct place place;
    char text[400], meta[2 * sizeof *times + 1];
    place_begin(&place);
    live_before(&place);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        place_close(&place, true);
        for (size_t byte = 0; byte < sizeof *times; byte++)
            snprintf(meta + 2 * byte, 3, "%02x", ((const uint8_t *)&times[i])[byte]);
        snprintf(text, sizeof text,
                 "INSERT INTO meta VALUES ('time', x'%s') ON CONFLICT (name) DO UPDATE SET value ="
                 " excluded.value; INSERT OR REPLACE INTO record VALUES (0, 0, 0, %lld, x'00'),"
                 " (0, 0, 0, -9223372036854775808, x'00')",
                 meta, (long long)(times[i] > 0 ? INT64_MAX : times[i]));
        erase(&place, text);
        int64_t newest =
            number(place.path, "SELECT max(start) FROM record WHERE kind = 0 AND start >= 0 AND"
                               " start < 253402300800000");
        assert_true(newest > 0);
        place_open(&place);
        bool fine = i + 1 == sizeof times / sizeof *times;
        assert_int_equal(place.history->writer.trust.believed_ms, fine ? times[i] : newest);
        place_clean(&place, newest + MINUTE);
        assert_int_equal(place.history->writer.trust.believed_ms,
                         fine ? times[i] : newest + MINUTE);
    }
    place_end(&place);
}

/* --- older databases -------------------------------------------------------------------------- */

/* As the first version made it. */
static void make_old(const struct place *place)
{
    static const char schema[] =
        "PRAGMA journal_mode = WAL; PRAGMA application_id = 1399875948; PRAGMA user_version = 1;"
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE stream (id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE);"
        "CREATE TABLE record (what INTEGER, kind INTEGER, stream INTEGER, start INTEGER,"
        " data BLOB NOT NULL, PRIMARY KEY (what, kind, stream, start)) WITHOUT ROWID;"
        "CREATE INDEX record_age ON record (kind, start);"
        "INSERT INTO meta VALUES ('key', x'00112233445566778899aabbccddeeff');";
    char *text = sqlite3_mprintf(
        "%s ATTACH '%q' AS new; INSERT INTO record SELECT * FROM new.record WHERE kind < 3;"
        "INSERT INTO stream SELECT * FROM new.stream; DETACH new;"
        "CREATE TABLE filler AS SELECT randomblob(900000) AS x; DROP TABLE filler",
        schema, place->path);
    char old[120];
    sqlite3 *db;
    snprintf(old, sizeof old, "%s.old", place->path);
    assert_int_equal(sqlite3_open(old, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    sqlite3_free(text);
    unlink(place->path);
    assert_int_equal(rename(old, place->path), 0);
}

static void old_databases_gain(void **state)
{
    (void)state;
    static const uint8_t key[] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                  0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    enum { OLD_DAYS = 200 };
    struct place place;
    int64_t end = morning + OLD_DAYS * DAY;
    place_begin(&place);
    for (int day = 0; day < OLD_DAYS; day++) {
        struct portion portion = {.start_ms = morning + day * DAY + HOUR};
        struct tops list = {0};
        put_minute(&place, portion.start_ms, 5, "server");
        list_name(&list, day % 2 ? "odd." : "even.", 7);
        put_list(&portion, TABLE_DOMAINS, &list);
        waiting_put(&place.history->waiting, &portion);
        place_write(&place);
    }
    place_close(&place, true);
    make_old(&place);
    int64_t size = (int64_t)store_size(place.path);
    assert_int_equal(number(place.path, "PRAGMA auto_vacuum"), 0);
    place_open(&place);
    assert_memory_equal(&place.key, key, sizeof key);
    assert_queries(&place, morning, end, 5 * OLD_DAYS);
    place_clean(&place, end);
    place_clean(&place, end + MINUTE);
    assert_int_equal(number(place.path, "PRAGMA auto_vacuum"), 2);
    assert_true((int64_t)store_size(place.path) < size);
    assert_int_equal(number(place.path, "PRAGMA user_version"), 3);
    assert_int_equal(records(&place, domains, HISTORY_WEEKS), OLD_DAYS / 7 + 1);
    assert_int_equal(records(&place, domains, HISTORY_MONTHS), 6);
    assert_int_equal(total(&place, NULL, "queries", morning, end, DAY), 5 * OLD_DAYS);
    assert_top(&place, morning, end, "\"name\":\"odd.\",\"value\":700,\"error\":0,");
    /* What comes late is in all of them. */
    struct portion late = {.start_ms = morning + 100 * DAY + 2 * HOUR};
    struct tops list = {0};
    list_name(&list, "late.", 3);
    put_list(&late, TABLE_DOMAINS, &list);
    waiting_put(&place.history->waiting, &late);
    place_write(&place);
    assert_top(&place, morning, end, "\"name\":\"late.\",\"value\":3,");
    assert_top(&place, morning + 100 * DAY, morning + 101 * DAY, "\"name\":\"late.\",\"value\":3,");
    place_end(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(size_is_a_bound),
        cmocka_unit_test(too_much_is_bounded),
        cmocka_unit_test(room_is_given_back),
        cmocka_unit_test(limits_change),
        cmocka_unit_test(what_is_there_is_shown),
        cmocka_unit_test(gaps_are_filled_with_shorter_ones),
        cmocka_unit_test(clock_errors_delete_nothing),
        cmocka_unit_test(clocks_that_stay_are_believed),
        cmocka_unit_test(the_future_goes_before_the_present),
        cmocka_unit_test(strange_seconds_hide_nothing),
        cmocka_unit_test(times_that_cannot_be_are_not_taken),
        cmocka_unit_test(old_databases_gain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
