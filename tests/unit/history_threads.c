/* History with its writer and readers at work at the same time: at every moment an answer has all
 * that was seen, and has it once, wherever it is on its way to the database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "../support/share.h"
#include "../support/snapshots.h"
#include "history/history_state.h"

enum { READERS = 3, SECONDS = 4000, QUERIES = 7 };

static const int64_t morning = 20000 * INT64_C(86400000), day = INT64_C(86400000);

struct scene {
    struct history *history;
    int seconds;
    atomic_uint_fast64_t begun, seen; /* queries: about to be seen, and seen */
    atomic_bool over;
    atomic_uint answers, wrong;
};

/* The sum of all queries; UINT64_MAX: no answer. */
static uint64_t ask(struct history *history, int64_t step_ms)
{
    struct history_question question = {.from_ms = morning,
                                        .to_ms = morning + day,
                                        .step_ms = (uint64_t)step_ms,
                                        .series = span_str("queries")};
    struct buf out = {0};
    struct error err;
    uint64_t sum = UINT64_MAX;
    if (history_series_json(history, &question, &out, &err) == 0) {
        buf_byte(&out, '\0');
        char *p = strstr((char *)out.data, "\"queries\":[");
        sum = 0;
        for (p += strlen("\"queries\":["); *p != ']'; p += *p == ',') {
            char *end;
            sum += strtoull(p, &end, 10);
            p = end > p ? end : p + strlen("null");
        }
    }
    buf_free(&out);
    return sum;
}

static void *read_on(void *arg)
{
    static const int64_t steps[] = {5 * 60000, 3600000, 86400000};
    struct scene *scene = arg;
    for (unsigned i = 0; !atomic_load(&scene->over); i++) {
        uint64_t least = atomic_load(&scene->seen);
        uint64_t sum = ask(scene->history, steps[i % 3]);
        uint64_t most = atomic_load(&scene->begun);
        atomic_fetch_add(&scene->answers, 1);
        if (sum < least || sum > most)
            atomic_fetch_add(&scene->wrong, 1);
    }
    return NULL;
}

/* Sees an hour and more, or the test's share of it around the end of an hour, second by second:
 * longer, in any case, than seconds are remembered. */
static void see_all(struct scene *scene)
{
    struct story story = story_begin(morning + INT64_C(3600000) - scene->seconds / 2 * 1000);
    for (int i = 0; i < scene->seconds; i++) {
        story_count(&story, i % STORY_STREAMS, QUERIES, 0, 0, 0);
        story_wait(&story, 1000);
        atomic_fetch_add(&scene->begun, QUERIES);
        history_see(scene->history, story_snapshot(&story));
        atomic_fetch_add(&scene->seen, QUERIES);
        if (i % 10 == 0)
            usleep(500);
    }
    history_seal(scene->history);
}

static void nothing_is_missing_or_twice(void **state)
{
    (void)state;
    char folder[] = "/tmp/spile-threads-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/history.db", folder);
    struct history_settings settings = {.path = path,
                                        .keep_ns = {UINT64_MAX / 2, UINT64_MAX / 2, UINT64_MAX / 2},
                                        .top = 10,
                                        .write_every_ns = UINT64_C(1000000000)};
    struct siphash_key key;
    struct error err;
    struct scene scene = {.history = history_open(&settings, &key, &err),
                          .seconds = share_of(SECONDS)};
    assert_true(scene.seconds > RECORDER_SECONDS);
    struct history *history = scene.history;
    pthread_t writer, readers[READERS];
    history->answer_ns = UINT64_C(3600000000000); /* on a machine that is busy, too */
    assert_int_equal(pthread_create(&writer, NULL, history_write, history), 0);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, &scene), 0);
    see_all(&scene);
    pthread_mutex_lock(&history->lock);
    history->followed = true;
    pthread_cond_signal(&history->wake);
    pthread_mutex_unlock(&history->lock);
    pthread_join(writer, NULL);
    atomic_store(&scene.over, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    print_message("%u answers\n", atomic_load(&scene.answers));
    assert_int_equal(atomic_load(&scene.wrong), 0);
    assert_true(atomic_load(&scene.answers) > 20);
    assert_int_equal(history->waiting.lost, 0);
    history_close(history);
    history = history_open(&settings, &key, &err);
    assert_int_equal(ask(history, 60000), scene.seconds * QUERIES);
    history_close(history);
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_missing_or_twice)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
