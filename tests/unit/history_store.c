/* The database of history: what it keeps, what becomes of it on bad disks, and the lists in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/kept.h"
#include "../support/share.h"

/* --- what is kept ------------------------------------------------------------------------------
 */

static void old_rollups_go(void **state)
{
    (void)state;
    struct place place;
    enum { DAYS = 100 };
    place_begin(&place);
    for (int i = 0; i < DAYS * 24; i++) {
        put_minute(&place, morning + i * HOUR, 1, i < 24 ? "early" : "late");
        place_write(&place);
    }
    assert_int_equal(number(place.path, "SELECT count(*) FROM stream"), 2);
    place_clean(&place, morning + DAYS * DAY);
    place_clean(&place, morning + DAYS * DAY);
    static const struct {
        const char *text;
        int64_t wanted;
    } cases[] = {
        {"SELECT count(*) FROM record WHERE kind = 0 AND stream = 0", 48},
        {"SELECT count(*) FROM record WHERE kind = 1 AND stream = 0", 60 * 24},
        {"SELECT count(*) FROM record WHERE kind = 2 AND stream = 0", DAYS},
        {"SELECT count(*) FROM stream", 2},
    };
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(number(place.path, cases[i].text), cases[i].wanted);
    assert_int_equal(total(&place, NULL, "queries", morning, morning + DAYS * DAY, DAY), DAYS * 24);
    place_clean(&place, morning + (1830 + 10) * DAY); /* the days of `early` are gone */
    assert_int_equal(number(place.path, "SELECT count(*) FROM stream"), 1);
    place_end(&place);
}

static void size_is_bounded(void **state)
{
    (void)state;
    struct place place;
    place_begin(&place);
    int part = share_parts() > 1 ? 2 : 1, days = 14 / part;
    place.history->settings.size_max = (1 << 20) / part;
    for (int i = 0; i < 20 * 1000 / part; i++) {
        put_minute(&place, morning + i * MINUTE, UINT64_MAX, "a stream with a long name");
        if (i % 16 == 15)
            place_write(&place);
        if (i % 1000 == 999)
            place_clean(&place, morning + i * MINUTE);
    }
    int64_t used = number(place.path, "SELECT (SELECT page_count FROM pragma_page_count) - "
                                      "(SELECT freelist_count FROM pragma_freelist_count)");
    assert_true(used * 4096 < (2 << 20) / part);
    assert_true(number(place.path, "SELECT count(*) FROM record WHERE kind = 0") > 1000);
    assert_true(number(place.path, "SELECT count(*) FROM record WHERE kind = 2") >= 2 * (days - 1));
    place_end(&place);
}

/* --- disks and files ---------------------------------------------------------------------------
 */

static struct history_state state_of(struct place *place)
{
    struct history_state state;
    history_state(place->history, &state);
    return state;
}

static void file_is_private(void **state)
{
    (void)state;
    struct place place;
    struct stat file;
    mode_t mask = umask(0);
    place_begin(&place);
    struct story story = story_begin(morning);
    live(&place, &story, 61);
    place_write(&place);
    char log[128];
    snprintf(log, sizeof log, "%s-wal", place.path);
    assert_int_equal(stat(place.path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_int_equal(stat(log, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    umask(mask);
    place_end(&place);
}

static size_t count_files(const struct place *place, const char *suffix)
{
    glob_t files;
    char pattern[160];
    snprintf(pattern, sizeof pattern, "%s%s", place->path, suffix);
    size_t count = glob(pattern, 0, NULL, &files) == 0 ? files.gl_pathc : 0;
    if (count)
        globfree(&files);
    return count;
}

static void write_file(const char *path, const void *bytes, size_t len, off_t at)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, at), (ssize_t)len);
    close(fd);
}

static void garbage_is_set_aside(void **state)
{
    (void)state;
    struct place place;
    char garbage[9000];
    memset(garbage, 'x', sizeof garbage);
    place_begin(&place);
    place_close(&place, true);
    write_file(place.path, garbage, sizeof garbage, 0);
    place_open(&place);
    assert_int_equal(count_files(&place, ".broken-*Z"), 1);
    assert_true(state_of(&place).healthy);
    struct story story = story_begin(morning);
    uint64_t queries = live(&place, &story, 100);
    place_write(&place);
    assert_queries(&place, morning, morning + HOUR, queries);
    assert_int_equal(number(place.path, "SELECT count(*) > 0 FROM record"), 1);
    place_end(&place);
}

/* A clock that stands still, or a service that starts at once again, gives two the same time. */
static void none_takes_the_place_of_another(void **state)
{
    (void)state;
    enum { TIMES = 5 };
    struct place place;
    place_begin(&place);
    place_close(&place, true);
    for (int i = 0; i < TIMES; i++) {
        char to[160];
        struct error err;
        write_file(place.path, "not a database", 14, 0);
        assert_int_equal(store_set_aside(place.path, to, sizeof to, &err), 0);
        assert_int_equal(access(to, F_OK), 0);
        assert_int_equal(count_files(&place, ".broken-*"), i + 1);
    }
    place_open(&place);
    place_end(&place);
}

/* Pages are damaged while the program runs. What waits then goes to the new database. */
static void damage_is_set_aside(void **state)
{
    (void)state;
    struct place place;
    char garbage[4096];
    memset(garbage, 0xa5, sizeof garbage);
    place_begin(&place);
    struct story story = story_begin(morning);
    live_by(&place, &story, 5 * 3600, 5);
    place_close(&place, true);
    int64_t pages = number(place.path, "SELECT page_count FROM pragma_page_count");
    assert_true(pages > 20);
    for (int64_t page = 5; page < pages; page++)
        write_file(place.path, garbage, sizeof garbage, page * 4096);
    place_open(&place);
    struct story next = story_begin(story.ms);
    uint64_t queries = live(&place, &next, 120);
    place_write(&place);
    place_write(&place);
    assert_int_equal(count_files(&place, ".broken-*Z"), 1);
    assert_queries(&place, morning, morning + DAY, queries);
    assert_int_equal(state_of(&place).waiting, 0);
    assert_true(state_of(&place).write_errors > 0);
    place_end(&place);
}

/* A database that is another program's, or a newer Spile's, is left alone. */
static void others_files_are_left_alone(void **state)
{
    (void)state;
    static const char *const owners[] = {"PRAGMA application_id = 7; CREATE TABLE mine (x)",
                                         "PRAGMA user_version = 99", "CREATE TABLE theirs (x)"};
    for (size_t i = 0; i < 3; i++) {
        struct place place;
        sqlite3 *db;
        char before[512], after[512];
        place_begin(&place);
        place_close(&place, true);
        if (i != 1)
            unlink(place.path);
        assert_int_equal(sqlite3_open(place.path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, owners[i], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        int fd = open(place.path, O_RDONLY);
        assert_int_equal(read(fd, before, sizeof before), sizeof before);
        place_open(&place);
        assert_false(state_of(&place).healthy);
        assert_true(strlen(state_of(&place).problem) > 0);
        assert_int_equal(count_files(&place, ".broken-*"), 0);
        assert_int_equal(pread(fd, after, sizeof after, 0), sizeof after);
        assert_memory_equal(before, after, sizeof after);
        close(fd);
        place_end(&place);
    }
}

/* The folder is not there, then it is; all that has come in the meantime is written. */
static void troubles_pass(void **state)
{
    (void)state;
    struct place place;
    char away[96];
    place_begin(&place);
    place_close(&place, true);
    unlink(place.path);
    snprintf(away, sizeof away, "%s.away", place.folder);
    assert_int_equal(rename(place.folder, away), 0);
    place_open(&place);
    struct story story = story_begin(morning);
    uint64_t queries = live(&place, &story, 3 * 60);
    place_write(&place);
    struct history_state trouble = state_of(&place);
    assert_false(trouble.healthy);
    assert_int_equal(trouble.waiting, 3);
    assert_true(trouble.write_errors >= 2);
    assert_queries(&place, morning, morning + HOUR, queries); /* from memory */

    assert_int_equal(rename(away, place.folder), 0);
    queries += live(&place, &story, 60);
    place_write(&place);
    assert_true(state_of(&place).healthy);
    assert_int_equal(state_of(&place).waiting, 0);
    assert_int_equal(state_of(&place).lost, 0);
    assert_queries(&place, morning, morning + HOUR, queries);
    place_end(&place);
}

/* Where the database was there may be something else by the time that it is read. */
static void readers_follow_no_links(void **state)
{
    (void)state;
    struct place place;
    struct reader *reader;
    struct error err;
    char aside[128];
    place_begin(&place);
    snprintf(aside, sizeof aside, "%s.aside", place.path);
    place_close(&place, true);
    assert_int_equal(reader_open(place.path, &reader, &err), STORE_FINE);
    reader_close(reader);
    assert_int_equal(rename(place.path, aside) | symlink(aside, place.path), 0);
    assert_int_equal(reader_open(place.path, &reader, &err), STORE_TROUBLE);
    assert_int_equal(unlink(place.path) | mkfifo(place.path, 0600), 0);
    alarm(60); /* so that one that waits fails */
    assert_int_equal(reader_open(place.path, &reader, &err), STORE_TROUBLE);
    alarm(0);
    place_end(&place);
}

static void removed_file_is_made_anew(void **state)
{
    (void)state;
    struct place place;
    place_begin(&place);
    struct story story = story_begin(morning);
    live(&place, &story, 120);
    place_write(&place);
    unlink(place.path);
    uint64_t queries = live(&place, &story, 60);
    place_write(&place);
    assert_int_equal(number(place.path, "SELECT count(*) > 0 FROM record"), 1);
    assert_queries(&place, morning, morning + HOUR, queries);
    place_end(&place);
}

static void memory_is_bounded(void **state)
{
    (void)state;
    struct place place;
    place_begin(&place);
    place_close(&place, true);
    snprintf(place.path, sizeof place.path, "%s/none/history.db", place.folder);
    place_open(&place);
    struct story story = story_begin(morning);
    live_by(&place, &story, (WAITING_MAX + 60) * 60, 15);
    assert_int_equal(state_of(&place).waiting, WAITING_MAX);
    assert_int_equal(state_of(&place).lost, 60);
    assert_true(place.history->recorder.bytes <= RECORDER_BYTES);
    place_end(&place);
}

/* Many streams: the seconds that have no room for them keep what is of all, and of a stream they
 * say that they do not know. */
static void many_streams_have_fewer_seconds(void **state)
{
    (void)state;
    enum { CROWD = 20, LATENCIES = 700 };
    struct place place;
    struct story story = story_begin(morning);
    place_begin(&place);
    place_close(&place, true);
    place.settings.path = NULL;
    place_open(&place);
    for (int second = 0; second < RECORDER_SECONDS; second++) {
        for (int i = 0; i < LATENCIES; i++)
            story_count(&story, 0, 1, 1, 0, quantile_value((unsigned)i + 1));
        story.streams[1] = story.streams[0];
        story_wait(&story, SECOND);
        history_see(place.history, story_crowd(&story, CROWD));
        assert_true(place.history->recorder.bytes <= RECORDER_BYTES);
    }
    assert_int_equal(place.history->recorder.count, RECORDER_SECONDS);
    size_t all, some;
    struct history_question question = {
        .from_ms = morning, .to_ms = story.ms, .step_ms = SECOND, .series = span_str("queries")};
    char *answer = ask(&place, question);
    assert_int_equal(sum_of(answer, "queries", &all), RECORDER_SECONDS * LATENCIES);
    assert_int_equal(all, RECORDER_SECONDS);
    free(answer);
    question.stream = span_str("server19");
    answer = ask(&place, question);
    uint64_t sum = sum_of(answer, "queries", &some);
    assert_int_equal(sum, some * LATENCIES);
    assert_in_range(some, 100, RECORDER_SECONDS - 1);
    free(answer);
    place_end(&place);
}

/* --- top lists ----------------------------------------------------------------------------------
 */

/* A portion whose list of domains has one name with these values. */
static void put_values(struct place *place, int64_t ms, const char *name,
                       const struct stats_values *values)
{
    struct portion portion = {.start_ms = ms};
    struct tops tops = {0};
    struct buf bytes = {0};
    tops_append(&tops, span_str(name))->values = *values;
    tops_encode(&tops, &bytes);
    portion_put(&portion, RECORD_TOPS + TABLE_DOMAINS, (struct span){0}, buf_span(&bytes));
    waiting_put(&place->history->waiting, &portion);
    tops_free(&tops);
    buf_free(&bytes);
}

/* The same of an upstream server with a latency of that step, and retries. */
static void put_server(struct place *place, int64_t ms, unsigned step, uint64_t retries)
{
    const struct stats_tally tally = {
        .of = {[TALLY_RETRIES] = retries, [30] = 1, [31] = step == 31}};
    struct portion portion = {.start_ms = ms};
    struct tops tops = {0};
    struct buf bytes = {0};
    struct tops_row *row = tops_append(&tops, span_str("192.0.2.1"));
    row->values.of[MEASURE_QUERIES] = 1;
    tops_tally_add(&tops, row, &tally);
    tops_encode(&tops, &bytes);
    portion_put(&portion, record_of(RECORD_TOPS + TABLE_SERVERS, STATS_UPSTREAM), (struct span){0},
                buf_span(&bytes));
    waiting_put(&place->history->waiting, &portion);
    tops_free(&tops);
    buf_free(&bytes);
}

static void put_top(struct place *place, int64_t ms, const char *name, uint64_t queries)
{
    struct stats_values values = {.of = {[MEASURE_QUERIES] = queries}};
    put_values(place, ms, name, &values);
}

static void lists_span_any_time(void **state)
{
    (void)state;
    struct place place;
    place_begin(&place);
    for (int i = 0; i < 26 * 60; i++) { /* a day and two hours, each minute */
        put_top(&place, morning + i * MINUTE, i % 2 ? "odd." : "even.", 10);
        place_write(&place);
    }
    put_top(&place, morning + 26 * HOUR, "even.", 1); /* waits */
    int64_t end = morning + 26 * HOUR + MINUTE;
    place_clean(&place, end);
    assert_top(&place, morning, end, "\"name\":\"even.\",\"value\":7801,\"error\":0,");
    assert_top(&place, morning, end, "\"name\":\"odd.\",\"value\":7800,\"error\":0,");
    assert_top(&place, morning + MINUTE, morning + 2 * MINUTE, "\"name\":\"odd.\",\"value\":10,");
    assert_top(&place, morning + 59 * MINUTE, end - HOUR, "\"name\":\"odd.\",\"value\":7210,");
    assert_top(&place, end + HOUR, end + 2 * HOUR, "\"domains\":[]");
    place_end(&place);
}

/* As they are in all other replies. */
static void latencies_are_in_seconds(void **state)
{
    (void)state;
    struct place place;
    struct buf out = {0};
    struct error err;
    struct history_question question = {.from_ms = morning,
                                        .to_ms = morning + 2 * MINUTE,
                                        .table = span_str("domains"),
                                        .by = span_str("slowest")};
    place_begin(&place);
    for (uint64_t i = 1; i <= 2; i++) {
        struct stats_values values = {.of = {[MEASURE_TIMED] = i,
                                             [MEASURE_LATENCY] = 1500000 * i,
                                             [MEASURE_SLOWEST] = 1000000 + 7 * i}};
        put_values(&place, morning + (int64_t)(i - 1) * MINUTE, "slow.", &values);
    }
    assert_int_equal(history_tops_json(place.history, &question, 5, &out, &err), 0);
    buf_byte(&out, '\0');
    assert_non_null(strstr((char *)out.data, "\"name\":\"slow.\",\"value\":1.000014,"));
    assert_non_null(
        strstr((char *)out.data, "\"timed\":3,\"latency-sum\":4.500000,\"slowest\":1.000014,"));
    buf_free(&out);
    place_end(&place);
}

static void names_are_escaped(void **state)
{
    (void)state;
    struct place place;
    place_begin(&place);
    put_top(&place, morning, "\"<script>\xff\n\\032\x7f", 10);
    char *answer = ask_tops(&place, morning, morning + MINUTE);
    assert_non_null(strstr(answer, "\"name\":\"\\\"<script>"));
    free(answer);
    place_end(&place);
}

static void questions_without_answer(void **state)
{
    (void)state;
    struct place place;
    struct buf out = {0};
    struct error err;
    place_begin(&place);
    struct history_question questions[] = {{.to_ms = 1, .by = span_str("colour")},
                                           {.to_ms = 1, .stream = span_str("one")},
                                           {.from_ms = 2, .to_ms = 1}};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(history_tops_json(place.history, &questions[i], 5, &out, &err), -1);
    assert_int_equal(history_series_json(place.history, &questions[2], &out, &err), -1);
    assert_int_equal(out.len, 0);
    buf_free(&out);
    place_end(&place);
}

/* How fast servers have been, and how often they were asked again. */
static void servers_have_latencies(void **state)
{
    (void)state;
    struct place place;
    struct buf out = {0};
    struct error err;
    struct history_question question = {.from_ms = morning,
                                        .to_ms = morning + 2 * MINUTE,
                                        .side = STATS_UPSTREAM,
                                        .table = span_str("servers")};
    char wanted[200];
    place_begin(&place);
    put_server(&place, morning, 30, 2);
    put_server(&place, morning + MINUTE, 31, 3);
    int64_t low = quantile_step_lower(30), middle = quantile_step_lower(31);
    int64_t high = quantile_step_lower(32);
    snprintf(wanted, sizeof wanted,
             "\"retries\":5,\"latency\":{\"count\":3,\"p50\":%.9f,\"p90\":%.9f,",
             (double)(2 * low * middle / (low + middle)) / 1e9,
             (double)(2 * middle * high / (middle + high)) / 1e9);
    assert_int_equal(history_tops_json(place.history, &question, 5, &out, &err), 0);
    buf_byte(&out, '\0');
    assert_non_null(strstr((char *)out.data, wanted));
    buf_free(&out);
    place_end(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_have_latencies),
        cmocka_unit_test(old_rollups_go),
        cmocka_unit_test(size_is_bounded),
        cmocka_unit_test(file_is_private),
        cmocka_unit_test(garbage_is_set_aside),
        cmocka_unit_test(none_takes_the_place_of_another),
        cmocka_unit_test(damage_is_set_aside),
        cmocka_unit_test(others_files_are_left_alone),
        cmocka_unit_test(troubles_pass),
        cmocka_unit_test(readers_follow_no_links),
        cmocka_unit_test(removed_file_is_made_anew),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(many_streams_have_fewer_seconds),
        cmocka_unit_test(lists_span_any_time),
        cmocka_unit_test(latencies_are_in_seconds),
        cmocka_unit_test(names_are_escaped),
        cmocka_unit_test(questions_without_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
