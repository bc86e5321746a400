/* The wheel of what came lately: every window has what came in it, whatever came when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "../support/random.h"
#include "../support/share.h"
#include "base/clock.h"
#include "history/counts.h"
#include "history/sums.h"

enum { ID = 7, PARTS_MAX = 20000, NAMES = 5 };
#define S ((int64_t)CLOCK_SECOND_NS)
#define DAY_NS (90000 * S) /* and an hour */

static const char *const streams[] = {"", "one", "two"};
enum { STREAMS = sizeof streams / sizeof *streams };

/* What was put, by part: the truth. */
struct truth {
    struct {
        int64_t from_ns, to_ns;
        uint64_t n[STREAMS], names[NAMES];
    } parts[PARTS_MAX];
    size_t count;
};

static struct truth truth;

static void put_count(struct portion *portion, const char *stream, uint64_t n)
{
    struct counts counts = {0};
    struct buf bytes = {0};
    counts_put(&counts, ID, n);
    counts_encode(&counts, &bytes);
    portion_put(portion, RECORD_COUNTS, span_str(stream), buf_span(&bytes));
    counts_free(&counts);
    buf_free(&bytes);
}

static void put_names(struct portion *portion, const uint64_t *names)
{
    struct tops list = {0};
    struct buf bytes = {0};
    for (char i = 0; i < NAMES; i++) {
        if (names[(int)i])
            tops_append(&list, span_of((char[]){(char)('a' + i)}, 1))->values.of[MEASURE_QUERIES] =
                names[(int)i];
    }
    tops_encode(&list, &bytes);
    portion_put(portion, RECORD_TOPS + TABLE_DOMAINS, (struct span){0}, buf_span(&bytes));
    tops_free(&list);
    buf_free(&bytes);
}

/* A part with what the generator says; streams may be silent in it. */
static struct wheel_part part_of(struct random *r, int64_t from_ns, int64_t to_ns)
{
    struct wheel_part part = {.from_ns = from_ns, .to_ns = to_ns};
    size_t at = truth.count++;
    truth.parts[at].from_ns = from_ns;
    truth.parts[at].to_ns = to_ns;
    for (int i = 0; i < STREAMS; i++) {
        uint64_t n = random_below(r, 3) ? 1 + random_below(r, 1000) : 0;
        truth.parts[at].n[i] = n;
        if (n)
            put_count(&part.portion, streams[i], n);
    }
    for (int i = 0; i < NAMES; i++)
        truth.parts[at].names[i] = random_below(r, 2) * random_below(r, 1000);
    put_names(&part.portion, truth.parts[at].names);
    return part;
}

static void put(struct wheel *wheel, struct wheel_part *part)
{
    wheel_prepare(wheel, part, NULL);
    wheel_put(wheel, part);
}

/* What a window has. */
struct found {
    uint64_t n[STREAMS], names[NAMES];
    int64_t last_ns; /* of the parts so far */
    size_t parts;
};

static void add_tops(struct found *found, struct span bytes)
{
    struct tops list = {0};
    assert_int_equal(tops_decode(&list, bytes), 0);
    for (uint32_t i = 0; i < list.len; i++)
        found->names[tops_text(&list, &list.rows[i]).ptr[0] - 'a'] +=
            list.rows[i].values.of[MEASURE_QUERIES];
    tops_free(&list);
}

static void add_part(void *ctx, const struct wheel_part *part)
{
    struct found *found = ctx;
    struct cursor c = cursor_of(buf_span(&part->portion.records));
    struct record record;
    assert_true(part->from_ns >= found->last_ns); /* oldest first, and none twice */
    found->last_ns = part->to_ns;
    found->parts++;
    while (portion_next(&c, &record)) {
        if (record.what == RECORD_TOPS + TABLE_DOMAINS) {
            add_tops(found, record.bytes);
            continue;
        }
        struct counts counts = {0};
        assert_int_equal(counts_decode(&counts, record.bytes), 0);
        for (int i = 0; i < STREAMS; i++)
            found->n[i] +=
                span_equal(record.stream, span_str(streams[i])) ? counts_get(&counts, ID) : 0;
        counts_free(&counts);
    }
    assert_false(c.failed);
}

/* The number of the part that a moment belongs to, where parts have that length. */
static int64_t number_at(int64_t ns, int64_t part_ns)
{
    return ns / part_ns - (ns % part_ns < 0);
}

/* Everything that the window promises, at that moment: it reaches as far back as its name says, but
 * for what the part there took too long to end, and no further than one part. What was restored is
 * of parts of that length. */
static void check_window(const struct wheel *wheel, enum wheel_window window, int64_t now_ns,
                         int64_t restored_ns)
{
    const struct wheel_span *span = &wheel_spans[window];
    int64_t start_ns = now_ns - span->part_ns * (int64_t)span->parts, late_ns = 2 * S;
    struct found found = {.last_ns = INT64_MIN}, wanted = {0};
    int64_t begin_ns = wheel_each(wheel, window, now_ns, add_part, &found);
    int64_t more_ns = restored_ns > span->part_ns ? restored_ns : span->part_ns;
    assert_true(begin_ns > start_ns - more_ns && begin_ns <= now_ns);
    assert_true(begin_ns >= wheel->begin_ns[window]);
    for (size_t i = 0; i < truth.count; i++) {
        int64_t least_ns = start_ns > wheel->begin_ns[window] ? start_ns : wheel->begin_ns[window];
        if (truth.parts[i].to_ns - late_ns > least_ns)
            assert_true(truth.parts[i].from_ns >= begin_ns);
        if (truth.parts[i].from_ns < begin_ns)
            continue;
        for (int k = 0; k < STREAMS; k++)
            wanted.n[k] += truth.parts[i].n[k];
        for (int k = 0; k < NAMES; k++)
            wanted.names[k] += truth.parts[i].names[k];
    }
    assert_memory_equal(found.n, wanted.n, sizeof found.n);
    assert_memory_equal(found.names, wanted.names, sizeof found.names);
    assert_true(found.parts < 60);
}

static void check_all(const struct wheel *wheel, int64_t now_ns, int64_t restored_ns)
{
    assert_false(wheel->failed);
    for (int window = 0; window < WHEEL_WINDOWS; window++)
        check_window(wheel, (enum wheel_window)window, now_ns, restored_ns);
}

/* Days of parts, most of them ten seconds apart, some with gaps of minutes, hours or a day. */
static void any_time(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct random r = {seed};
        struct wheel wheel;
        wheel_init(&wheel, 64 << 20);
        int64_t now_ns = -3 * 86400 * S + (int64_t)random_below(&r, 3600) * S;
        truth.count = 0;
        for (int i = share_of(12000); i > 0; i--) {
            static const int64_t gaps[] = {0, 0, 1, 15, 61, 400, 5000, 100000};
            size_t gap = random_below(&r, 300);
            int64_t from_ns = now_ns + (gap < 8 ? gaps[gap] * S : 0);
            bool cut = random_below(&r, 200) == 0;
            now_ns = cut ? from_ns + (int64_t)random_below(&r, 9) * S
                         : (number_at(from_ns, 10 * S) + 1) * 10 * S +
                               (int64_t)random_below(&r, 2000000000);
            struct wheel_part part = part_of(&r, from_ns, now_ns);
            put(&wheel, &part);
            if (cut || random_below(&r, 2000) == 0)
                wheel_begin(&wheel, (enum wheel_window)random_below(&r, WHEEL_WINDOWS), now_ns);
            if (random_below(&r, 50) == 0)
                check_all(&wheel, now_ns + (int64_t)random_below(&r, 100) * S, 0);
        }
        check_all(&wheel, now_ns, 0);
        check_all(&wheel, now_ns + 7200 * S, 0);
        wheel_free(&wheel);
        assert_int_equal(wheel.bytes, 0);
    }
}

/* What was kept elsewhere is as if it had come here. */
static void after_a_restart(void **state)
{
    (void)state;
    struct random r = {4};
    struct wheel wheel;
    wheel_init(&wheel, 64 << 20);
    truth.count = 0;
    for (int64_t hour = -30; hour < -2; hour++) {
        struct wheel_part part = part_of(&r, hour * 3600 * S, (hour + 1) * 3600 * S);
        wheel_restore(&wheel, WHEEL_DAY, &part);
    }
    for (int64_t five = -24; five < -2; five++) {
        struct wheel_part part = part_of(&r, five * 300 * S, (five + 1) * 300 * S);
        wheel_restore(&wheel, WHEEL_HOUR, &part);
    }
    for (int64_t minute = -10; minute < 0; minute++) {
        struct wheel_part part = part_of(&r, minute * 60 * S, (minute + 1) * 60 * S);
        wheel_restore(&wheel, minute < -1 ? WHEEL_FIVE_MINUTES : WHEEL_MINUTE, &part);
    }
    for (int64_t now_ns = 0; now_ns < 100 * 60 * S; now_ns += 10 * S) {
        struct wheel_part part = part_of(&r, now_ns, now_ns + 10 * S);
        put(&wheel, &part);
        check_all(&wheel, now_ns + 10 * S, now_ns < 120 * S ? 60 * S : 0);
    }
    wheel_free(&wheel);
}

/* However often windows begin anew, nothing is missing in the others, and they do not grow. */
static void resets_cost_the_others_nothing(void **state)
{
    (void)state;
    struct random r = {6};
    struct wheel wheel;
    int64_t now_ns = 0;
    wheel_init(&wheel, 64 << 20);
    truth.count = 0;
    for (int i = 0; i < 12000; i++) {
        bool often = i / 100 % 10 == 9; /* as fast as one can ask, now and then */
        int64_t end_ns = often ? now_ns + S / 2 : (number_at(now_ns, 10 * S) + 1) * 10 * S;
        struct wheel_part part = part_of(&r, now_ns, end_ns);
        put(&wheel, &part);
        now_ns = end_ns;
        if (often || i % 3 == 0)
            wheel_begin(&wheel, (enum wheel_window)(i / 7 % 3), now_ns);
        if (i % 200 == 0)
            check_all(&wheel, now_ns, 0);
    }
    check_all(&wheel, now_ns, 0);
    struct found found = {.last_ns = INT64_MIN};
    assert_true(wheel_each(&wheel, WHEEL_DAY, now_ns, add_part, &found) <= now_ns - 86400 * S);
    for (int length = 0; length < WHEEL_WINDOWS; length++)
        assert_true(wheel.levels[length].count < WHEEL_PARTS_MAX);
    wheel_free(&wheel);
}

/* A day and some, in a wheel with so much memory, which is never exceeded. */
static struct wheel day_of(size_t bytes_max)
{
    int64_t parts = share_of(9000), part_ns = DAY_NS / parts;
    struct random r = {5};
    struct wheel wheel;
    wheel_init(&wheel, bytes_max);
    truth.count = 0;
    for (int64_t i = 0; i < parts; i++) {
        struct wheel_part part = part_of(&r, i * part_ns, (i + 1) * part_ns);
        put(&wheel, &part);
        assert_true(wheel.bytes <= wheel.bytes_max);
    }
    return wheel;
}

static struct found day_in(const struct wheel *wheel)
{
    struct found found = {.last_ns = INT64_MIN};
    assert_true(wheel_each(wheel, WHEEL_DAY, DAY_NS, add_part, &found) <= DAY_NS - 24 * 3600 * S);
    return found;
}

/* What is in parts whose lists may have been cut. */
struct shortened {
    struct tops list;
    uint64_t n;
    size_t shortened; /* parts */
};

static void add_shortened(void *ctx, const struct wheel_part *part)
{
    struct shortened *found = ctx;
    struct cursor c = cursor_of(buf_span(&part->portion.records));
    found->shortened += part->top > 0;
    for (struct record record; portion_next(&c, &record);) {
        struct tops list = {0};
        struct counts counts = {0};
        if (record.what == RECORD_TOPS + TABLE_DOMAINS) {
            assert_int_equal(tops_decode(&list, record.bytes), 0);
            tops_merge(&found->list, &list);
        } else {
            assert_int_equal(counts_decode(&counts, record.bytes), 0);
            found->n += counts_get(&counts, ID);
        }
        tops_free(&list);
        counts_free(&counts);
    }
}

static void put_stream_names(struct portion *portion)
{
    struct portion names = {0};
    put_names(&names, truth.parts[truth.count - 1].names);
    struct cursor c = cursor_of(buf_span(&names.records));
    struct record record;
    assert_true(portion_next(&c, &record));
    portion_put(portion, record.what, span_str("one"), record.bytes);
    buf_free(&names.records);
}

/* Hours of parts with lists of a stream, in so much memory, and when they end. */
static struct wheel wheel_of_hours(size_t bytes_max, int64_t *now_ns)
{
    struct random r = {7};
    struct wheel wheel;
    wheel_init(&wheel, bytes_max);
    truth.count = 0;
    *now_ns = 0;
    for (int64_t i = 0; i < 1500; i++, *now_ns += 10 * S) {
        struct wheel_part part = part_of(&r, *now_ns, *now_ns + 10 * S);
        put_stream_names(&part.portion);
        put(&wheel, &part);
    }
    return wheel;
}

/* The same of hours; all of its counts are there. Returns
 * what the oldest part still has. */
static enum portion_has hours_in(size_t bytes_max, size_t *bytes)
{
    int64_t now_ns;
    uint64_t wanted = 0;
    struct wheel wheel = wheel_of_hours(bytes_max, &now_ns);
    struct found found = {.last_ns = INT64_MIN};
    for (size_t i = 0; i < truth.count; i++)
        wanted += truth.parts[i].n[1];
    wheel_each(&wheel, WHEEL_DAY, now_ns, add_part, &found);
    assert_int_equal(found.n[1], wanted);
    const struct wheel_level *days = &wheel.levels[WHEEL_DAY];
    enum portion_has has = days->parts[days->first].portion.has;
    *bytes = wheel.bytes;
    wheel_free(&wheel);
    return has;
}

/* Lists of single streams go first, and counts are complete. */
static void lists_of_streams_go_first(void **state)
{
    (void)state;
    size_t all, some;
    assert_int_equal(hours_in(64 << 20, &all), PORTION_ALL);
    assert_int_equal(hours_in(all / 16 * 15, &some), PORTION_COUNTS);
    assert_true(some <= all / 16 * 15);
}

/* With less and less memory lists get shorter, and nothing else is missing, however long it is ago;
 * what lists leave out they tell. */
static void lists_get_shorter(void **state)
{
    (void)state;
    enum { MANY = 400 };
    struct wheel wheel;
    uint64_t wanted = 0;
    int64_t now_ns = 0;
    wheel_init(&wheel, 14 << 10);
    for (int i = 0; i < 800; i++, now_ns += 10 * S) {
        struct wheel_part part = {.from_ns = now_ns, .to_ns = now_ns + 10 * S};
        struct tops list = {0};
        struct buf bytes = {0};
        for (int k = 0; k < MANY; k++) {
            char name[32];
            snprintf(name, sizeof name, "n%d.%d.example.", k, k < 3 ? 0 : i);
            tops_append(&list, span_str(name))->values.of[MEASURE_QUERIES] = k < 3 ? 100 : 1;
        }
        tops_sort(&list);
        tops_encode(&list, &bytes);
        portion_put(&part.portion, RECORD_TOPS + TABLE_DOMAINS, (struct span){0}, buf_span(&bytes));
        put_count(&part.portion, "", 7);
        wanted += 7;
        put(&wheel, &part);
        assert_true(wheel.bytes <= wheel.bytes_max);
        tops_free(&list);
        buf_free(&bytes);
    }
    struct shortened found = {0};
    assert_int_equal(wheel_each(&wheel, WHEEL_DAY, now_ns, add_shortened, &found), 0);
    assert_int_equal(found.n, wanted);
    assert_true(found.shortened > 0 && found.list.floor[TOPS_HITS] > 0);
    for (int k = 0; k < 3; k++) {
        size_t n = 3;
        const struct tops_row **first = tops_first(&found.list, TOPS_HITS, &n);
        assert_in_range(800 * 100, first[k]->values.of[MEASURE_QUERIES],
                        first[k]->values.of[MEASURE_QUERIES] + first[k]->error[TOPS_HITS]);
        free(first);
    }
    tops_free(&found.list);
    wheel_free(&wheel);
}

/* Memory is bounded: what is lost first is what the oldest parts have of single streams. */
static void little_memory(void **state)
{
    (void)state;
    struct wheel much = day_of(64 << 20), little = day_of(much.bytes / 20 * 19);
    struct found all = day_in(&much), rest = day_in(&little);
    assert_false(little.failed);
    assert_int_equal(rest.n[0], all.n[0]);
    assert_true(rest.n[1] > 0 && rest.n[1] < all.n[1]);
    wheel_free(&much);
    wheel_free(&little);
}

/* Longer parts for which there is no memory are forgotten at once, and time goes on. */
static void memory_for_no_part(void **state)
{
    (void)state;
    struct wheel wheel = day_of(1);
    for (int length = 0; length < WHEEL_WINDOWS; length++)
        assert_int_equal(wheel.levels[length].count, 0);
    wheel_free(&wheel);
    struct wheel few = day_of(600);
    assert_true(few.levels[WHEEL_MINUTE].count > 0);
    wheel_free(&few);
}

static void ignore_part(void *ctx, const struct wheel_part *part)
{
    (void)ctx;
    (void)part;
}

/* Parts have had to forget some of their streams: a window has of these what came since, whole, and
 * says since when; of all together it has everything, and says how much was of nobody known. */
static void streams_since_when(void **state)
{
    (void)state;
    static const struct siphash_key key;
    struct wheel much = day_of(64 << 20), little = day_of(much.bytes / 3);
    struct sums sums;
    int64_t now_ns = DAY_NS;
    bool some = false;
    sums_init(&sums, &little, &key);
    for (enum wheel_window w = 0; w < WHEEL_WINDOWS; w++) {
        struct wheel_known known = wheel_known(&little, w, now_ns);
        uint64_t wanted[STREAMS] = {0}, got[STREAMS] = {0};
        int64_t begin_ns = wheel_each(&little, w, now_ns, ignore_part, NULL);
        for (size_t i = 0; i < truth.count; i++) {
            bool told = truth.parts[i].from_ns >= known.counts_ns;
            for (int k = 0; truth.parts[i].from_ns >= begin_ns && k < STREAMS; k++)
                wanted[k] += k == 0 || told ? truth.parts[i].n[k] : 0;
        }
        for (int k = 0; k < STREAMS; k++) {
            const struct small_sum *sum =
                small_sums_find(sums_counts(&sums, w, now_ns), RECORD_COUNTS, span_str(streams[k]));
            got[k] = sum ? counts_get(&sum->counts, ID) : 0;
            assert_int_equal(got[k], wanted[k]);
        }
        const struct small_sum *untold =
            small_sums_find(sums_untold(&sums, w, now_ns), RECORD_COUNTS, (struct span){0});
        assert_int_equal(!untold, known.counts_ns == INT64_MIN);
        some |= known.counts_ns > begin_ns && got[1] > 0;
    }
    assert_true(some);
    sums_free(&sums);
    wheel_free(&much);
    wheel_free(&little);
}

/* What the list of stream "one" has in a window. */
static void list_of_one(struct sums *sums, enum wheel_window window, int64_t now_ns,
                        uint64_t names[NAMES])
{
    const struct list_key key = {.window = window,
                                 .what = RECORD_TOPS + TABLE_DOMAINS,
                                 .stream = span_str("one"),
                                 .top = 100};
    const struct list_sum *sum = sums_take(sums, &key, now_ns);
    assert_non_null(sum);
    memset(names, 0, NAMES * sizeof *names);
    for (uint32_t i = 0; i < sum->tops.len; i++)
        names[tops_text(&sum->tops, &sum->tops.rows[i]).ptr[0] - 'a'] =
            sum->tops.rows[i].values.of[MEASURE_QUERIES];
    sums_give(sums, sum);
}

/* Lists that were forgotten begin, as numbers of different keys do, later than counts: where it is
 * said that they do. */
static void lists_since_when(void **state)
{
    (void)state;
    static const struct siphash_key key;
    size_t all;
    assert_int_equal(hours_in(64 << 20, &all), PORTION_ALL);
    int64_t now_ns;
    struct wheel wheel = wheel_of_hours(all / 16 * 15, &now_ns);
    struct sums sums;
    bool some = false;
    sums_init(&sums, &wheel, &key);
    for (enum wheel_window w = 0; w < WHEEL_WINDOWS; w++) {
        struct wheel_known known = wheel_known(&wheel, w, now_ns);
        int64_t begin_ns = wheel_each(&wheel, w, now_ns, ignore_part, NULL);
        uint64_t wanted[NAMES] = {0}, got[NAMES];
        for (size_t i = 0; i < truth.count; i++) {
            bool told =
                truth.parts[i].from_ns >= begin_ns && truth.parts[i].from_ns >= known.keys_ns;
            for (int k = 0; told && k < NAMES; k++)
                wanted[k] += truth.parts[i].names[k];
        }
        list_of_one(&sums, w, now_ns, got);
        assert_memory_equal(got, wanted, sizeof wanted);
        some |= known.keys_ns > begin_ns && known.counts_ns == INT64_MIN;
    }
    assert_true(some);
    sums_free(&sums);
    wheel_free(&wheel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_since_when),   cmocka_unit_test(any_time),
        cmocka_unit_test(after_a_restart),    cmocka_unit_test(resets_cost_the_others_nothing),
        cmocka_unit_test(little_memory),      cmocka_unit_test(memory_for_no_part),
        cmocka_unit_test(streams_since_when), cmocka_unit_test(lists_of_streams_go_first),
        cmocka_unit_test(lists_get_shorter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
