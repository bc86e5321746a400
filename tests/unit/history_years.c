/* Years of a history's life, under clocks of the test's own: whatever is kept is what came, and can
 * be asked for quickly. With --long it lives by the hour instead of by the day. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <time.h>

#include "../support/kept.h"
#include "../support/patience.h"
#include "../support/random.h"

enum { YEARS = 5, DAYS = YEARS * 365 + 2, NAMES = 6 };

static bool live_long;

/* --- sums ------------------------------------------------------------------------------------ */

/* What was sent, by day. */
struct sent {
    uint64_t queries[DAYS], of_first[DAYS], names[DAYS][NAMES];
};

static const char *const names[NAMES] = {"a.", "b.", "c.", "d.", "e.", "f."};
static const char *const streams[2] = {"first", "second"};

static void send_minute(struct place *place, struct sent *sent, int day, int64_t ms,
                        struct random *r)
{
    struct portion portion = {.start_ms = kind_start(HISTORY_MINUTES, ms)};
    struct tops list = {0};
    uint64_t queries = 1 + random_below(r, 1000);
    size_t stream = random_below(r, 2);
    put_minute(place, portion.start_ms, queries, streams[stream]);
    sent->queries[day] += queries;
    sent->of_first[day] += stream == 0 ? queries : 0;
    for (int i = 0; i < NAMES; i++) {
        uint64_t n = random_below(r, 1000) * (random_below(r, 3) > 0);
        if (n)
            list_name(&list, names[i], n);
        sent->names[day][i] += n;
    }
    put_list(&portion, TABLE_DOMAINS, &list);
    waiting_put(&place->history->waiting, &portion);
}

static void live_years(struct place *place, struct sent *sent)
{
    struct random r = {51};
    int each_day = live_long ? 24 : 2;
    for (int day = 0; day < DAYS; day++) {
        for (int i = 0; i < each_day; i++) {
            int64_t ms = morning + day * DAY + (2 * i + 1) * DAY / (2 * each_day);
            send_minute(place, sent, day, ms + (int64_t)random_below(&r, MINUTE), &r);
        }
        if (live_long || day % 8 == 7 || day > DAYS - 4)
            place_clean(place, morning + (day + 1) * DAY);
    }
}

static uint64_t sum_days(const uint64_t *days, int from, int to)
{
    uint64_t sum = 0;
    for (int day = from; day < to; day++)
        sum += days[day];
    return sum;
}

static uint64_t sum_names(const struct sent *sent, int from, int to)
{
    uint64_t sum = 0;
    for (int i = 0; i < NAMES; i++) {
        for (int day = from; day < to; day++)
            sum += sent->names[day][i];
    }
    return sum;
}

/* The records of each kind, by those of the calendar that lie in what is kept as a whole. */
static void assert_kinds(const struct place *place, const struct sent *sent)
{
    static const int kept[HISTORY_KINDS] = {2, 60, 1800};
    const unsigned domains = RECORD_TOPS + TABLE_DOMAINS;
    for (int kind = 0; kind < HISTORY_KINDS; kind++) {
        int from = DAYS - kept[kind];
        int64_t from_ms = morning + from * DAY;
        enum history_kind k = (enum history_kind)kind;
        assert_int_equal(kept_queries(place, RECORD_COUNTS, k, "", from_ms, INT64_MAX),
                         sum_days(sent->queries, from, DAYS));
        assert_int_equal(kept_queries(place, RECORD_COUNTS, k, "first", from_ms, INT64_MAX),
                         sum_days(sent->of_first, from, DAYS));
        assert_int_equal(kept_queries(place, domains, k, "", from_ms, INT64_MAX),
                         sum_names(sent, from, DAYS));
    }
    int spans[HISTORY_ALL_KINDS] = {0};
    for (int k = HISTORY_KINDS; k < HISTORY_ALL_KINDS; k++) {
        enum history_kind kind = (enum history_kind)k;
        for (int64_t at = kind_end(kind, morning); kind_end(kind, at) <= morning + DAYS * DAY;
             at = kind_end(kind, at), spans[k]++) {
            int from = (int)((at - morning) / DAY),
                to = (int)((kind_end(kind, at) - morning) / DAY);
            assert_int_equal(kept_queries(place, domains, kind, "", at, at + 1),
                             sum_names(sent, from, to));
        }
    }
    assert_int_equal(spans[HISTORY_WEEKS], DAYS / 7 - 1);
    assert_int_equal(spans[HISTORY_MONTHS], 12 * YEARS - 1);
}

static void assert_names(struct place *place, const struct sent *sent, int from, int to)
{
    char *answer = ask_tops(place, morning + from * DAY, morning + to * DAY);
    uint64_t best = 0;
    for (int i = 0; i < NAMES; i++) {
        uint64_t n = 0;
        for (int day = from; day < to; day++)
            n += sent->names[day][i];
        char wanted[80];
        snprintf(wanted, sizeof wanted, "\"name\":\"%s\",\"value\":%llu,\"error\":0,", names[i],
                 (unsigned long long)n);
        best += strstr(answer, wanted) != NULL;
    }
    assert_int_equal(best, 5); /* so many are asked for */
    free(answer);
}

static void years_add_up(void **state)
{
    (void)state;
    struct place place;
    struct sent *sent = calloc(1, sizeof *sent);
    struct random r = {52};
    place_begin(&place);
    live_years(&place, sent);
    assert_kinds(&place, sent);
    int64_t end = morning + DAYS * DAY;
    assert_int_equal(total(&place, NULL, "queries", morning, end, 7 * DAY),
                     sum_days(sent->queries, 0, DAYS));
    assert_int_equal(total(&place, NULL, "queries", morning, end, 0),
                     sum_days(sent->queries, 0, DAYS));
    assert_int_equal(total(&place, "first", "queries", morning, end, 0),
                     sum_days(sent->of_first, 0, DAYS));
    assert_names(&place, sent, 0, DAYS);
    for (int i = 0; i < (live_long ? 300 : 60); i++) {
        int from = (int)random_below(&r, DAYS - 1);
        assert_names(&place, sent, from, from + 1 + (int)random_below(&r, (size_t)(DAYS - from)));
    }
    /* Read by another one, too. */
    place_close(&place, true);
    place_open(&place);
    assert_names(&place, sent, 0, DAYS);
    place_end(&place);
    free(sent);
}

/* --- quick ----------------------------------------------------------------------------------- */

enum { ROWS = 120, ROWS_LONG = 1500, POOL = 12, ASKERS = 4 };

/* A day's list as of a busy resolver: some names always, most of them seldom. */
static struct buf make_list(struct random *r)
{
    struct tops list = {.floor = {50, 5, 5, 5000}};
    struct buf bytes = {0};
    size_t rows = live_long ? ROWS_LONG : ROWS;
    bool *taken = calloc(20 * rows, sizeof *taken);
    for (size_t i = 0; i < rows; i++) {
        size_t key = i < rows / 4 ? i : random_below(r, 20 * rows);
        char name[64];
        if (taken[key])
            continue;
        taken[key] = true;
        snprintf(name, sizeof name, "host%zu.some-zone%zu.example.net.", key, key % 97);
        struct tops_row *row = tops_append(&list, span_str(name));
        for (int m = 0; m < STATS_MEASURES; m++)
            row->values.of[m] = random_magnitude(r) >> 34;
        for (int e = 0; e < TOPS_BOUNDED; e++)
            row->error[e] = random_below(r, 50);
    }
    tops_sort(&list);
    tops_encode(&list, &bytes);
    tops_free(&list);
    free(taken);
    return bytes;
}

/* Lists of every day, as an older Spile has left them; then those of weeks and months are made. */
static void fill_years(struct place *place)
{
    struct random r = {53};
    struct buf pool[POOL];
    sqlite3 *db;
    sqlite3_stmt *put;
    for (int i = 0; i < POOL; i++)
        pool[i] = make_list(&r);
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_prepare_v2(db, "INSERT INTO record VALUES (?1, 2, 0, ?2, ?3)", -1, &put, NULL);
    for (int i = 0; i < DAYS * STATS_TABLES; i++) {
        const struct buf *list = &pool[random_below(&r, POOL)];
        sqlite3_bind_int64(put, 1, RECORD_TOPS + i % STATS_TABLES);
        sqlite3_bind_int64(put, 2, morning + i / STATS_TABLES * DAY);
        sqlite3_bind_blob(put, 3, list->data, (int)list->len, SQLITE_STATIC);
        assert_int_equal(sqlite3_step(put), SQLITE_DONE);
        sqlite3_reset(put);
    }
    sqlite3_finalize(put);
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    for (int i = 0; i < POOL; i++)
        buf_free(&pool[i]);
    for (int i = 0; records(place, RECORD_TOPS, HISTORY_MONTHS) < 12 * YEARS; i++) {
        assert_true(i < 1000);
        place_clean(place, morning + (DAYS + 1) * DAY + i * MINUTE);
    }
}

/* One question, and its answer. */
struct asker {
    pthread_t thread;
    struct history *history;
    const char *by;
    struct buf out;
};

static void *ask_for_years(void *arg)
{
    struct asker *asker = arg;
    struct history_question question = {
        .from_ms = morning, .to_ms = morning + DAYS * DAY, .by = span_str(asker->by)};
    struct error err;
    if (history_tops_json(asker->history, &question, 10, &asker->out, &err) < 0)
        buf_free(&asker->out);
    return NULL;
}

/* What this program's threads have had of the processor: others may have it, too. */
static double processor_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The page asks for four ranks at once: they get the same answers as one by one. */
static void years_of_lists_are_quick(void **state)
{
    (void)state;
    static const char *const ranks[ASKERS] = {"hits", "nxdomain", "failed", "slowest"};
    struct place place;
    struct asker alone[ASKERS], askers[ASKERS];
    place_begin(&place);
    place.settings.top = place.history->settings.top = 100;
    fill_years(&place);
    print_message("%lld MB\n", (long long)(store_size(place.path) >> 20));
    for (int i = 0; i < ASKERS; i++) {
        alone[i] = askers[i] = (struct asker){.history = place.history, .by = ranks[i]};
        double before = processor_s();
        ask_for_years(&alone[i]);
        double took = processor_s() - before;
        print_message("%s: %.3f s\n", ranks[i], took);
        assert_true(alone[i].out.len > 1000);
        assert_true(took <= 0.3 * patience());
    }
    for (int i = 0; i < ASKERS; i++)
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_for_years, &askers[i]), 0);
    for (int i = 0; i < ASKERS; i++) {
        pthread_join(askers[i].thread, NULL);
        assert_true(span_equal(buf_span(&askers[i].out), buf_span(&alone[i].out)));
        buf_free(&askers[i].out);
        buf_free(&alone[i].out);
    }
    place_end(&place);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(years_add_up),
        cmocka_unit_test(years_of_lists_are_quick),
    };
    live_long = argc > 1 && strcmp(argv[1], "--long") == 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
