/* kill -9 at any moment: the database opens, is sound, and its roll-ups agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/disk.h"
#include "../support/random.h"
#include "../support/snapshots.h"
#include "history/history_state.h"

enum { ROUNDS = 100, WRITES = 6, MOMENT_US = 3000 };

static char folder[] = "/tmp/spile-crash-XXXXXX";
static char path[64];
static const int64_t day = 86400 * INT64_C(1000), morning = 20000 * INT64_C(86400000);

static struct history *open_history(void)
{
    struct history_settings settings = {
        .path = path,
        /* Minutes go soon, so that deleting is interrupted, too. */
        .keep_ns = {3600 * UINT64_C(1000000000), UINT64_MAX / 2, UINT64_MAX / 2},
        .top = 10,
        .write_every_ns = UINT64_C(1000000000),
    };
    struct siphash_key key;
    struct error err;
    struct history *history = history_open(&settings, &key, &err);
    assert_non_null(history);
    return history;
}

/* A child that lives through years quickly and writes all the time, until it is killed. `told` gets
 * a byte for each time that it has written. */
static void live(int64_t from_ms, int told)
{
    struct history *history = open_history();
    struct story story = story_begin(from_ms);
    struct random r = {(uint64_t)from_ms};
    history->followed = true;
    for (;;) {
        story_count(&story, story.generation % STORY_STREAMS, 1 + story.generation % 100, 0, 0, 0);
        story_wait(&story, 997);
        history_see(history, story_snapshot(&story));
        if (history->waiting.count > 0) {
            story_wait(&story, (int64_t)(story.generation % 7) * 600000);
            if (random_below(&r, 4) == 0)
                history->writer.trimmed_ns = 0; /* deletes, and empties the log */
            history_write(history);
            assert_int_equal(write(told, "w", 1), 1);
        }
    }
}

/* Runs a child until it has written so often, and a moment longer. Returns when it is dead. */
static void live_and_die(int64_t from_ms, unsigned writes, unsigned moment_us)
{
    int ends[2], status;
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        live(from_ms, ends[1]);
        _exit(1);
    }
    close(ends[1]);
    while (writes-- > 0)
        assert_int_equal(read(ends[0], &byte, 1), 1);
    usleep(moment_us);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    close(ends[0]);
}

static void assert_sound(void)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(statement, 0), "ok");
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

struct sum {
    uint64_t n;
    size_t records;
};

static bool add_record(void *ctx, int64_t start_ms, struct span bytes)
{
    struct sum *sum = ctx;
    struct counts counts = {0};
    (void)start_ms;
    assert_int_equal(counts_decode(&counts, bytes), 0);
    sum->n += counts_get(&counts, 2 << 16);
    sum->records++;
    counts_free(&counts);
    return true;
}

/* All queries by roll-ups of that kind. */
static struct sum queries(struct reader *reader, enum history_kind kind, const char *stream)
{
    struct reader_span span = {
        .what = RECORD_COUNTS, .kind = kind, .stream = span_str(stream), .to_ms = INT64_MAX};
    struct sum sum = {0};
    struct error err;
    assert_int_equal(reader_each(reader, &span, add_record, &sum, &err), STORE_FINE);
    return sum;
}

static void killed_again_and_again(void **state)
{
    (void)state;
    struct random r = {41};
    uint64_t before = 0;
    int64_t from_ms = morning;
    disk_use(); /* what the system was given outlives a killed program, synced or not */
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/history.db", folder);
    for (int round = 0; round < ROUNDS; round++) {
        live_and_die(from_ms, (unsigned)random_below(&r, WRITES),
                     (unsigned)random_below(&r, MOMENT_US));
        from_ms += 40 * day;
        history_close(open_history()); /* the next one comes and finds it good */
        assert_sound();
        struct reader *reader;
        struct error err;
        assert_int_equal(reader_open(path, &reader, &err), STORE_FINE);
        struct sum hours = queries(reader, HISTORY_HOURS, "");
        struct sum days = queries(reader, HISTORY_DAYS, "");
        uint64_t streams = queries(reader, HISTORY_HOURS, "server0").n +
                           queries(reader, HISTORY_HOURS, "server1").n;
        assert_int_equal(hours.n, days.n);
        assert_int_equal(hours.n, streams);
        assert_true(hours.n >= before); /* what was written once stays */
        before = hours.n;
        reader_close(reader);
    }
    print_message("%llu queries survived %d deaths\n", (unsigned long long)before, ROUNDS);
    assert_true(before > 100);
}

static int clean_up(void **state)
{
    (void)state;
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (int i = 0; i < 3; i++) {
        char name[96];
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        unlink(name);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(killed_again_and_again, clean_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
