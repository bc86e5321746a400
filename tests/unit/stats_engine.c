/*
 * From events to snapshots and answers: random traffic of several streams over two workers' shards,
 * against a model that counts everything in plain arrays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "../support/names.h"
#include "../support/random.h"
#include "../support/statistics.h"
#include "stats/leaders.h"

enum {
    STREAMS = 3,
    NAMES = 40,
    CLIENTS = 20,
    TYPES = 4,
    RCODES = 3,
    EVENTS = 20000,
};

static const uint16_t types[TYPES] = {1, 28, 15, 300};
static const uint8_t rcodes[RCODES] = {0, 3, 2};
static const char *const suffixes[] = {"example.com.", "example.co.uk.", "lan.", "b.example.org."};

/* What came, in plain numbers. */
struct model {
    uint64_t events[STREAMS][STATS_DIRECTIONS];
    uint64_t hits[STREAMS][NAMES][STATS_DIRECTIONS][TYPES][RCODES];
    uint64_t bytes[STREAMS][NAMES][STATS_DIRECTIONS];
    uint64_t clients[STREAMS][CLIENTS];
    uint64_t slowest_us[NAMES];
};

static void name_of(unsigned number, char *out, size_t size)
{
    snprintf(out, size, "n%u.%s", number, suffixes[number % 4]);
}

static void send_random(struct stats *stats, struct model *model, struct random *random)
{
    static const char *const streams[STREAMS] = {"ns1", "ns2", "-"};
    unsigned stream = (unsigned)random_below(random, STREAMS);
    unsigned name = (unsigned)(random_below(random, NAMES) * random_below(random, NAMES) / NAMES);
    unsigned client = (unsigned)random_below(random, CLIENTS);
    unsigned type = (unsigned)random_below(random, TYPES);
    unsigned direction = (unsigned)random_below(random, STATS_DIRECTIONS);
    unsigned rcode = direction == STATS_QUERY ? 0 : (unsigned)random_below(random, RCODES);
    unsigned length = 12 + (unsigned)random_below(random, 500);
    int64_t latency_us = direction == STATS_QUERY ? -1 : (int64_t)random_below(random, 90000);
    char text[64];
    name_of(name, text, sizeof text);
    if (random_below(random, 2))
        text[0] = 'N';
    send_event(stats, (unsigned)random_below(random, 2), stream == 2 ? "" : streams[stream], text,
               client, direction, types[type], rcodes[rcode],
               latency_us < 0 ? -1 : latency_us * 1000, length);
    model->events[stream][direction]++;
    model->hits[stream][name][direction][type][rcode]++;
    model->bytes[stream][name][direction] += length;
    model->clients[stream][client]++;
    if (latency_us > (int64_t)model->slowest_us[name])
        model->slowest_us[name] = (uint64_t)latency_us;
}

/* --- the model's answers -------------------------------------------------------------------- */

static uint64_t model_hits(const struct model *model, int stream, unsigned name, unsigned direction,
                           int type, int rcode)
{
    uint64_t sum = 0;
    for (int s = 0; s < STREAMS; s++)
        for (int t = 0; t < TYPES; t++)
            for (int r = 0; r < RCODES; r++)
                if ((stream < 0 || s == stream) && (type < 0 || t == type) &&
                    (rcode < 0 || r == rcode))
                    sum += model->hits[s][name][direction][t][r];
    return sum;
}

/* Which of the snapshot's streams the model's is; -1: the total. */
static int number_of(const struct stats_snapshot *snapshot, int stream)
{
    static const char *const streams[STREAMS] = {"ns1", "ns2", "-"};
    if (stream < 0)
        return STATS_ALL;
    int found = stats_snapshot_find(snapshot, span_str(streams[stream]));
    assert_int_not_equal(found, STATS_ALL);
    return found;
}

static void check_domains(struct stats *stats, const struct stats_snapshot *snapshot,
                          const struct model *model, int stream)
{
    struct stats_question questions[] = {
        {.table = TABLE_DOMAINS, .by = BY_MEASURE, .measure = MEASURE_QUERIES},
        {.table = TABLE_DOMAINS, .by = BY_RCODE, .direction = STATS_RESPONSE, .code = 3},
        {.table = TABLE_DOMAINS, .by = BY_QTYPE, .direction = STATS_QUERY, .code = 300},
    };
    struct stats_answer answers[3];
    assert_int_equal(
        stats_top(stats, OF_STREAM(number_of(snapshot, stream)), questions, 3, NAMES, answers), 0);
    const int wanted[3][3] = {{STATS_QUERY, -1, -1}, {STATS_RESPONSE, -1, 1}, {STATS_QUERY, 3, -1}};
    for (int q = 0; q < 3; q++) {
        size_t listed = 0;
        for (unsigned n = 0; n < NAMES; n++) {
            uint64_t hits =
                model_hits(model, stream, n, (unsigned)wanted[q][0], wanted[q][1], wanted[q][2]);
            char text[64];
            name_of(n, text, sizeof text);
            listed += hits > 0;
            for (size_t i = 0; hits > 0; i++) {
                assert_true(i < answers[q].count);
                if (strcmp(answers[q].rows[i].text, text) != 0)
                    continue;
                assert_int_equal(answers[q].rows[i].value, hits);
                assert_int_equal(answers[q].rows[i].error, 0);
                break;
            }
        }
        assert_int_equal(answers[q].count, listed);
        for (size_t i = 1; i < answers[q].count; i++)
            assert_true(answers[q].rows[i - 1].value >= answers[q].rows[i].value);
    }
    stats_answers_free(answers, 3);
}

static void check_distinct(const struct stats_snapshot *snapshot, const struct model *model)
{
    uint64_t asked = 0, answered = 0, domains = 0, clients = 0;
    for (unsigned n = 0; n < NAMES; n++) {
        bool q = model_hits(model, -1, n, STATS_QUERY, -1, -1) > 0;
        bool r = model_hits(model, -1, n, STATS_RESPONSE, -1, -1) > 0;
        asked += q;
        answered += r;
        domains += q || r;
    }
    for (unsigned c = 0; c < CLIENTS; c++)
        clients += model->clients[0][c] + model->clients[1][c] + model->clients[2][c] > 0;
    assert_int_equal(snapshot->total[STATS_CLIENT].distinct.asked, asked);
    assert_int_equal(snapshot->total[STATS_CLIENT].distinct.answered, answered);
    assert_int_equal(snapshot->total[STATS_CLIENT].distinct.domains, domains);
    assert_int_equal(snapshot->total[STATS_CLIENT].distinct.clients, clients);
    assert_true(stats_is_exact(snapshot));
}

static void check_suffixes(struct stats *stats, const struct model *model)
{
    /* By n % 4: n4.example.com. is of example.com., n7.b.example.org. of example.org., n2.lan. is a
     * registrable domain itself, since nobody lists lan. */
    struct stats_question questions[] = {
        {.table = TABLE_REGISTRABLE, .by = BY_HITS},
        {.table = TABLE_TLDS, .by = BY_HITS},
        {.table = TABLE_DOMAINS, .by = BY_HITS, .under = span_str("EXAMPLE.com")},
        {.table = TABLE_DOMAINS, .by = BY_HITS, .contains = span_str("ample.com.")},
        {.table = TABLE_DOMAINS,
         .by = BY_HITS,
         .under = span_str("example.com"),
         .contains = span_str("example.o")},
    };
    struct stats_answer answers[5];
    uint64_t com = 0;
    for (unsigned n = 0; n < NAMES; n += 4)
        com += model_hits(model, -1, n, STATS_QUERY, -1, -1) +
               model_hits(model, -1, n, STATS_RESPONSE, -1, -1);
    assert_int_equal(stats_top(stats, &of_all, questions, 5, 100, answers), 0);
    bool registrable = false, tld = false;
    for (size_t i = 0; i < answers[0].count; i++) {
        if (strcmp(answers[0].rows[i].text, "example.com.") == 0) {
            assert_int_equal(answers[0].rows[i].value, com);
            registrable = true;
        }
        assert_string_not_equal(answers[0].rows[i].text, "co.uk.");
        assert_string_not_equal(answers[0].rows[i].text, "b.example.org.");
    }
    for (size_t i = 0; i < answers[1].count; i++)
        tld |= strcmp(answers[1].rows[i].text, "com") == 0 && answers[1].rows[i].value == com;
    assert_true(registrable && tld);
    for (int filter = 2; filter < 4; filter++) {
        uint64_t filtered = 0;
        for (size_t i = 0; i < answers[filter].count; i++)
            filtered += answers[filter].rows[i].value;
        assert_int_equal(filtered, com);
    }
    assert_int_equal(answers[4].count, 0);
    stats_answers_free(answers, 5);
}

static void check_slowest(struct stats *stats, const struct model *model)
{
    struct stats_question question = {
        .table = TABLE_DOMAINS, .by = BY_MEASURE, .measure = MEASURE_SLOWEST};
    struct stats_answer answer;
    unsigned slowest = 0;
    char text[64];
    for (unsigned n = 1; n < NAMES; n++)
        slowest = model->slowest_us[n] > model->slowest_us[slowest] ? n : slowest;
    name_of(slowest, text, sizeof text);
    assert_int_equal(stats_top(stats, &of_all, &question, 1, 1, &answer), 0);
    assert_string_equal(answer.rows[0].text, text);
    assert_int_equal(answer.rows[0].value, model->slowest_us[slowest]);
    stats_answers_free(&answer, 1);
}

static void test_model(void **state)
{
    (void)state;
    struct stats *stats = new_stats(8 << 20, 8);
    struct model *model = calloc(1, sizeof *model);
    struct random random = {20261121};
    assert_non_null(model);
    for (int i = 0; i < EVENTS; i++) {
        send_random(stats, model, &random);
        if (random_below(&random, 1000) == 0)
            collect_round(stats, random_below(&random, 3) == 0);
        if (random_below(&random, 5000) == 0)
            merge_all(stats);
    }
    merge_all(stats);
    struct stats_snapshot *snapshot = stats_photograph(stats);
    assert_int_equal(snapshot->stream_count, STREAMS);
    for (int stream = 0; stream < STREAMS; stream++) {
        const struct stats_stream *s =
            &snapshot->streams[number_of(snapshot, stream)][STATS_CLIENT];
        for (int direction = 0; direction < STATS_DIRECTIONS; direction++)
            assert_int_equal(s->counters.direction[direction].events,
                             model->events[stream][direction]);
        assert_int_equal(s->origin, 7);
        check_domains(stats, snapshot, model, stream);
    }
    check_domains(stats, snapshot, model, -1);
    check_distinct(snapshot, model);
    check_suffixes(stats, model);
    check_slowest(stats, model);
    stats_release(snapshot);
    stats_free(stats);
    free(model);
}

/* What a name contains is said of its text: dots and escapes are in no key, and the lengths of
 * labels in no text. */
static void test_parts(void **state)
{
    (void)state;
    static const struct {
        const char *part;
        unsigned names;
    } cases[] = {
        {"ab", 3},      {"32ab", 1}, {"\\032ab", 1}, {".ab", 1},   {"x.ab", 1},
        {"1234ab", 1},  {"0", 2},    {"0nn", 0},     {"\\", 2},    {"..", 0},
        {"\\.yz-_", 1}, {"yz-_", 1}, {"2.2", 0},     {".192.", 0}, {"test.", 5},
    };
    /* The long label's length byte is the digit 0. */
    const char *names[] = {"a\\032ab.test.", "x.ab.test.", "n1234ab.test.", "a\\.yz-_.test.",
                           "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn0.test."};
    struct stats *stats = new_stats(4 << 20, 4);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        send_event(stats, 0, "a", names[i], 1, STATS_QUERY, 1, 0, -1, 40);
    merge_all(stats);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct stats_question question = {
            .table = TABLE_DOMAINS, .by = BY_HITS, .contains = span_str(cases[i].part)};
        struct stats_answer answer;
        assert_int_equal(stats_top(stats, &of_all, &question, 1, 10, &answer), 0);
        if (answer.count != cases[i].names)
            fail_msg("%zu names contain %s", answer.count, cases[i].part);
        stats_answers_free(&answer, 1);
    }
    const struct stats_question client = {
        .table = TABLE_CLIENTS, .by = BY_HITS, .contains = span_str("2.2")};
    struct stats_answer answer;
    send_event(stats, 0, "a", "x.ab.test.", 2, STATS_QUERY, 1, 0, -1, 40);
    merge_all(stats);
    assert_int_equal(stats_top(stats, &of_all, &client, 1, 10, &answer), 0);
    assert_int_equal(answer.count, 1); /* 192.0.2.2 */
    stats_answers_free(&answer, 1);
    stats_free(stats);
}

/* A reset forgets the numbers and keeps the streams. */
static void test_forget(void **state)
{
    (void)state;
    struct stats *stats = new_stats(4 << 20, 4);
    send_event(stats, 0, "a", "x.example.", 1, STATS_QUERY, 1, 0, -1, 40);
    merge_all(stats);
    stats_forget(stats);
    struct stats_snapshot *snapshot = stats_photograph(stats);
    assert_int_equal(snapshot->stream_count, 1);
    assert_int_equal(snapshot->total[STATS_CLIENT].counters.direction[STATS_QUERY].events, 0);
    assert_int_equal(snapshot->total[STATS_CLIENT].distinct.domains, 0);
    assert_int_equal(snapshot->streams[0][STATS_CLIENT].first_seen_ms, 0);
    stats_release(snapshot);
    stats_free(stats);
}

static void send_some(struct stats *stats, const char *stream, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        send_event(stats, 0, stream, "kept.example.", 1, STATS_QUERY, 1, 0, -1, 40);
}

/* How many queries there are by the counters, of a stream, and by the tables, of all. */
static void check_kept(struct stats *stats, const char *stream, uint64_t counted, uint64_t listed)
{
    struct stats_snapshot *snapshot = stats_photograph(stats);
    struct stats_question question = {.table = TABLE_DOMAINS, .by = BY_HITS};
    struct stats_answer answer;
    const struct stats_stream *s = find_stream(snapshot, stream);
    assert_non_null(s);
    assert_int_equal(s->counters.direction[STATS_QUERY].events, counted);
    assert_int_equal(stats_top(stats, &of_all, &question, 1, 5, &answer), 0);
    assert_int_equal(answer.rows[0].value, listed);
    stats_answers_free(&answer, 1);
    stats_release(snapshot);
}

/* Workers keep their tables, and hand over the counters of streams that are listed. */
static void test_kept_tables(void **state)
{
    (void)state;
    struct stats *stats = new_stats(8 << 20, 4);
    const struct shard *kept;
    for (uint64_t i = 1; i <= 2; i++) { /* in neither shard it is listed yet: that comes whole */
        kept = stats->workers[0].active;
        send_some(stats, "a", 1);
        collect_round(stats, false);
        check_kept(stats, "a", i, i);
        assert_ptr_not_equal(stats->workers[0].active, kept);
    }
    kept = stats->workers[0].active;
    for (uint64_t seconds = 1; seconds < 5; seconds++) {
        send_some(stats, "a", 10);
        collect_round(stats, false);
        check_kept(stats, "a", 2 + 10 * seconds, 2);
    }
    assert_ptr_equal(stats->workers[0].active, kept);
    collect_round(stats, false); /* nothing came */
    send_some(stats, "a", 2);
    collect_round(stats, true);
    check_kept(stats, "a", 44, 44);
    /* What it keeps of another stream comes whole with that, blocks before it included. */
    send_some(stats, "a", 1);
    collect_round(stats, false);
    check_kept(stats, "a", 45, 44);
    send_some(stats, "b", 5);
    collect_round(stats, false);
    check_kept(stats, "a", 45, 50);
    check_kept(stats, "b", 5, 50);
    collect_round(stats, false); /* from then on it is listed in both */
    /* A block that is on its way when the shard is handed over is counted once. */
    struct observer observer = stats_observer(stats);
    send_some(stats, "a", 1);
    atomic_store(&stats->round, 1000);
    observer.collect(observer.state, 0);
    send_some(stats, "a", 1);
    atomic_store(&stats->round, 1001);
    observer.collect(observer.state, 0);
    stats_merge_handed(stats);
    check_kept(stats, "a", 47, 52);
    stats_free(stats);
}

/* More identities than there are streams: the rest counts in the total, and nowhere else. Long ones
 * are cut. */
static void test_many_streams(void **state)
{
    (void)state;
    struct stats *stats = new_stats(4 << 20, 2);
    char longest[300];
    memset(longest, 'x', sizeof longest);
    longest[299] = '\0';
    send_event(stats, 0, longest, "x.example.", 1, STATS_QUERY, 1, 0, -1, 40);
    for (int i = 0; i < 50; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        send_event(stats, i % 2, name, "x.example.", 1, STATS_QUERY, 1, 0, -1, 40);
    }
    merge_all(stats);
    struct stats_snapshot *snapshot = stats_photograph(stats);
    struct stats_question question = {.table = TABLE_DOMAINS, .by = BY_HITS};
    struct stats_answer answer;
    assert_int_equal(snapshot->stream_count, 2);
    assert_int_equal(snapshot->streams[0][STATS_CLIENT].name_len, STREAM_NAME_MAX - 1);
    assert_int_equal(snapshot->total[STATS_CLIENT].counters.direction[STATS_QUERY].events, 51);
    assert_int_equal(snapshot->other_streams, 49);
    assert_int_equal(snapshot->total[STATS_CLIENT].distinct.domains, 1);
    assert_int_equal(stats_top(stats, &of_all, &question, 1, 5, &answer), 0);
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.rows[0].value, 51);
    stats_answers_free(&answer, 1);
    stats_release(snapshot);
    stats_free(stats);
}

/* More names than fit, and nobody merges: counters stay right, what is missing in tables is said.
 */
static void test_unlisted(void **state)
{
    (void)state;
    enum { MANY = 60000 };
    struct stats *stats = new_stats(4 << 20, 2);
    for (int i = 0; i < MANY; i++) {
        char name[64];
        snprintf(name, sizeof name, "r%d.attack.example.", i);
        send_event(stats, 0, "a", name, 1, STATS_QUERY, 1, 0, -1, 40);
    }
    merge_all(stats);
    struct stats_snapshot *snapshot = stats_photograph(stats);
    assert_int_equal(snapshot->total[STATS_CLIENT].counters.direction[STATS_QUERY].events, MANY);
    assert_true(snapshot->unlisted > 0);
    assert_false(stats_is_exact(snapshot));
    struct stats_question question = {.table = TABLE_REGISTRABLE, .by = BY_HITS};
    struct stats_answer answer;
    assert_int_equal(stats_top(stats, &of_all, &question, 1, 5, &answer), 0);
    assert_string_equal(answer.rows[0].text, "attack.example.");
    assert_int_equal(answer.rows[0].value + snapshot->unlisted, MANY);
    stats_answers_free(&answer, 1);
    stats_release(snapshot);
    stats_free(stats);
}

/* Identities without end: those that came first keep their streams, and neither they nor the others
 * are looked for long, in the shard as in the statistics. */
static void test_invented_streams(void **state)
{
    (void)state;
    enum { LISTED = 64, INVENTED = 5000 };
    struct stats *stats = new_stats(128 << 20, LISTED);
    struct names_cost cost = {0};
    char name[32];
    for (int i = 0; i < 2 * (LISTED + INVENTED); i++) {
        int number = i % (LISTED + INVENTED);
        snprintf(name, sizeof name, "ns%04d.example.net", number);
        if (number == 0)
            merge_all(stats);
        send_event(stats, 0, name, "x.example.", 1, STATS_QUERY, 1, 0, -1, 40);
        names_cost_add(&cost, &stats->workers[0].active->names, span_str(name));
        names_cost_add(&cost, &stats->names, span_str(name));
    }
    assert_in_range(cost.steps, 4 * INVENTED, 32 * INVENTED);
    assert_in_range(cost.compared, 3 * LISTED, 4 * LISTED + INVENTED / 20);
    merge_all(stats);
    struct stats_snapshot *snapshot = stats_photograph(stats);
    assert_int_equal(snapshot->stream_count, LISTED);
    for (int i = 0; i < LISTED; i++)
        assert_int_equal(snapshot->streams[i][STATS_CLIENT].counters.direction[STATS_QUERY].events,
                         2);
    assert_int_equal(snapshot->other_streams, 2 * INVENTED);
    stats_release(snapshot);
    stats_free(stats);
}

/* When rows were dropped, answers over several streams still say how wrong they may be: of what the
 * window has, and of what came before it. */
static void check_bounds(int rounds_a_window)
{
    enum { HOT = 200, ROUNDS = 40, FLOOD = 2000 };
    struct stats *stats = new_stats(8 << 20, 2);
    uint64_t hits[HOT] = {0};
    struct random random = {7};
    unsigned flood = 0;
    char name[64];
    for (int round = 0; round < ROUNDS; round++) {
        /* Each name comes by one stream now and by the other one later. */
        for (unsigned i = 0; i < HOT; i++) {
            const char *stream = (round / 8 + (int)i) % 2 ? "a" : "b";
            uint64_t times = random_below(&random, 3);
            snprintf(name, sizeof name, "hot%u.example.", i);
            for (hits[i] += times; times > 0; times--)
                send_event(stats, 0, stream, name, 1, STATS_QUERY, 1, 0, -1, 40);
        }
        for (int i = 0; i < FLOOD; i++) {
            snprintf(name, sizeof name, "f%u.example.", flood++);
            send_event(stats, 0, i % 2 ? "a" : "b", name, 1, STATS_QUERY, 1, 0, -1, 40);
        }
        merge_all(stats);
        if (round % rounds_a_window == rounds_a_window - 1)
            stats_window_free(take_window(stats));
    }
    struct stats_question question = {.table = TABLE_DOMAINS, .by = BY_HITS};
    struct stats_answer answer;
    assert_int_equal(stats_top(stats, &of_all, &question, 1, STATS_TOP_MAX, &answer), 0);
    assert_int_equal(stats->unlisted, 0);
    assert_true(stats->tables.tables[TABLE_DOMAINS].evicted +
                    stats->window->tables.tables[TABLE_DOMAINS].evicted >
                0);
    for (unsigned i = 0; i < HOT; i++) {
        uint64_t least = 0, most = answer.floor;
        snprintf(name, sizeof name, "hot%u.example.", i);
        for (size_t row = 0; row < answer.count; row++) {
            if (strcmp(answer.rows[row].text, name) == 0) {
                least = answer.rows[row].value;
                most = least + answer.rows[row].error;
            }
        }
        assert_in_range(hits[i], least, most);
    }
    stats_answers_free(&answer, 1);
    stats_free(stats);
}

static void test_bounds(void **state)
{
    (void)state;
    static const int windows[] = {1, 3, 11, 1000};
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
        check_bounds(windows[i]);
}

/* Of names with any number of labels. */
static void test_registrable(void **state)
{
    (void)state;
    static const char *const ends[] = {"example.com.", "example.co.uk."};
    for (unsigned labels = 0; labels < 120; labels++) {
        struct stats *stats = new_stats(4 << 20, 1);
        char name[256];
        for (unsigned i = 0; i < labels; i++)
            memcpy(name + 2 * i, "x.", 2);
        for (int i = 0; i < 2; i++) {
            snprintf(name + (size_t)2 * labels, 16, "%s", ends[i]);
            send_event(stats, 0, "a", name, 1, STATS_QUERY, 1, 0, -1, 40);
        }
        merge_all(stats);
        struct stats_question question = {.table = TABLE_REGISTRABLE, .by = BY_HITS};
        struct stats_answer answer;
        assert_int_equal(stats_top(stats, &of_all, &question, 1, 5, &answer), 0);
        assert_int_equal(answer.count, 2);
        for (int i = 0; i < 2; i++)
            assert_string_equal(answer.rows[i].text, ends[i]);
        stats_answers_free(&answer, 1);
        stats_free(stats);
    }
}

/* What is beyond its place in an entry is carried: hits of a frequent kind, bytes, latencies. */
static void test_beyond_an_entry(void **state)
{
    (void)state;
    enum { NEAR_HITS = (1 << 24) - 1, MORE = 5 };
    struct stats *stats = new_stats(4 << 20, 2);
    struct shard *shard = stats->workers[0].active;
    send_event(stats, 0, "a", "x.example.", 1, STATS_RESPONSE, 28, 3, 2000000, 40);
    for (int id = SHARD_NAMES; id <= SHARD_CLIENTS; id++) {
        struct shard_entry *e = &shard->tables[id].entries[0];
        e->bytes[STATS_RESPONSE] = e->latency_us = UINT32_MAX;
        if (id == SHARD_NAMES)
            e->near[0] |= NEAR_HITS;
        else
            e->outcomes[OUTCOME_NXDOMAIN] = NEAR_HITS;
    }
    for (int i = 0; i < MORE; i++)
        send_event(stats, 0, "a", "x.example.", 1, STATS_RESPONSE, 28, 3, 2000000, 40);
    assert_int_equal(shard->tables[SHARD_NAMES].count, 1);
    merge_all(stats);
    struct stats_question questions[] = {
        {.table = TABLE_DOMAINS, .by = BY_QTYPE, .direction = STATS_RESPONSE, .code = 28},
        {.table = TABLE_DOMAINS, .by = BY_RCODE, .direction = STATS_RESPONSE, .code = 3},
        {.table = TABLE_CLIENTS, .by = BY_HITS},
    };
    struct stats_answer answers[3];
    assert_int_equal(stats_top(stats, &of_all, questions, 3, 5, answers), 0);
    for (int i = 0; i < 3; i++) {
        const struct stats_values *values = &answers[i].rows[0].values;
        assert_int_equal(answers[i].rows[0].value, NEAR_HITS + MORE);
        assert_int_equal(values->of[MEASURE_RESPONSES], NEAR_HITS + MORE);
        assert_int_equal(values->of[MEASURE_NXDOMAIN], NEAR_HITS + MORE);
        assert_int_equal(values->of[MEASURE_RESPONSE_BYTES], UINT32_MAX + UINT64_C(40) * MORE);
        assert_int_equal(values->of[MEASURE_LATENCY], UINT32_MAX + UINT64_C(2000) * MORE);
    }
    stats_answers_free(answers, 3);
    stats_free(stats);
}

/* Whoever asks may choose any type: a name asked by all there are takes no more of a shard than
 * others may, and its numbers are right. */
static void test_many_types(void **state)
{
    (void)state;
    enum { MANY = 30000 };
    struct stats *stats = new_stats(4 << 20, 2);
    for (int i = 0; i < MANY; i++) {
        send_event(stats, 0, "a", "x.example.", 1, STATS_RESPONSE, (uint16_t)(i + 1), rcodes[i % 3],
                   INT64_C(5000000000000), 40);
    }
    const struct shard *shard = stats->workers[0].active;
    assert_int_equal(shard->tables[SHARD_NAMES].count, 1);
    assert_int_equal(shard->tables[SHARD_CLIENTS].count, 1);
    assert_in_range(shard->more.count, 80, SHARD_MORE_CELLS + 10);
    merge_all(stats);
    struct stats_question questions[] = {
        {.table = TABLE_DOMAINS, .by = BY_HITS},
        {.table = TABLE_DOMAINS, .by = BY_QTYPE, .direction = STATS_RESPONSE, .code = 1},
    };
    struct stats_answer answers[2];
    assert_int_equal(stats_top(stats, &of_all, questions, 2, 5, answers), 0);
    const struct stats_values *values = &answers[0].rows[0].values;
    assert_int_equal(answers[0].rows[0].value, MANY);
    assert_int_equal(values->of[MEASURE_NXDOMAIN], MANY / 3);
    assert_int_equal(values->of[MEASURE_FAILED], MANY / 3);
    assert_int_equal(values->of[MEASURE_SERVFAIL], MANY / 3);
    assert_int_equal(values->of[MEASURE_REFUSED], 0);
    assert_int_equal(values->of[MEASURE_RESPONSE_BYTES], MANY * 40);
    assert_int_equal(values->of[MEASURE_LATENCY], MANY * (uint64_t)UINT32_MAX);
    assert_int_equal(answers[1].rows[0].value, 1);
    stats_answers_free(answers, 2);
    stats_free(stats);
}

struct asker {
    struct stats *stats;
    atomic_bool *enough;
};

static void *ask_on(void *arg)
{
    const struct asker *asker = arg;
    const struct stats_question question = {.table = TABLE_DOMAINS, .by = BY_HITS};
    struct stats_answer answer;
    while (!atomic_load(asker->enough)) {
        if (stats_top(asker->stats, &of_all, &question, 1, 10, &answer) == 0)
            stats_answers_free(&answer, 1);
    }
    return NULL;
}

/* Readers who ask all the time do not keep what comes out of the tables: this would not end. */
static void test_askers(void **state)
{
    (void)state;
    enum { ASKERS = 4, NAMES_KNOWN = 4000 };
    struct stats *stats = new_stats(16 << 20, 2);
    atomic_bool enough = false;
    struct asker asker = {stats, &enough};
    pthread_t threads[ASKERS];
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < NAMES_KNOWN; i++) {
            char name[64];
            snprintf(name, sizeof name, "r%d.example.", i);
            send_event(stats, 0, "a", name, 1, STATS_QUERY, 1, 0, -1, 40);
        }
        merge_all(stats);
        for (int i = 0; round == 0 && i < ASKERS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, ask_on, &asker), 0);
    }
    atomic_store(&enough, true);
    for (int i = 0; i < ASKERS; i++)
        pthread_join(threads[i], NULL);
    stats_free(stats);
}

static void take_only(void *ctx, const struct stats_leader *leader)
{
    ++*(int *)ctx;
    assert_true(span_equal(leader->text, span_str("during.example.")));
    assert_int_equal(leader->values.of[MEASURE_QUERIES], 1);
}

/* A window has what came since the last one was taken. */
static void test_windows(void **state)
{
    (void)state;
    struct stats *stats = new_stats(4 << 20, 2);
    send_event(stats, 0, "a", "before.example.", 1, STATS_QUERY, 1, 0, -1, 40);
    merge_all(stats);
    stats_window_free(take_window(stats));
    send_event(stats, 0, "a", "during.example.", 2, STATS_QUERY, 1, 0, -1, 40);
    merge_all(stats);
    struct stats_window *window = take_window(stats);
    send_event(stats, 0, "a", "after.example.", 3, STATS_QUERY, 1, 0, -1, 40);
    merge_all(stats);
    assert_non_null(window);
    struct leaders leaders = {0};
    const struct stats_rank rank = {.question = {.by = BY_HITS}, .step = 1};
    const struct stats_ranks ranks = {&rank, 1, 5};
    int taken = 0;
    const struct stats_taker taker = {take_only, &taken};
    uint64_t floor = 1;
    assert_int_equal(
        stats_window_leaders(&leaders, window, &of_all, TABLE_DOMAINS, &ranks, &floor, &taker), 0);
    assert_true(floor == 0 && taken == 1);
    leaders_free(&leaders);
    struct hll clients = {0};
    assert_true(stats_window_sketch(window, &of_all, DISTINCT_CLIENTS, &clients));
    assert_int_equal((int)(hll_estimate(&clients) + 0.5), 1);
    stats_window_free(window);
    stats_free(stats);
}

/* Seconds are counted from the first, however late one is noticed; those missed are left out. */
static void test_seconds_do_not_drift(void **state)
{
    (void)state;
    const uint64_t second = CLOCK_SECOND_NS, first = 12345678901;
    uint64_t due = first;
    for (uint64_t n = 1; n <= 1000; n++) {
        due = stats_next_second(due, due + 4000000 * (n % 3)); /* up to 8 ms late */
        assert_int_equal(due, first + n * second);
    }
    assert_int_equal(stats_next_second(first, first + 3 * second + 1), first + 4 * second);
    assert_int_equal(stats_next_second(first, first + 3 * second), first + 4 * second);
    assert_int_equal(stats_next_second(first, first - 5), first + second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_forget),
        cmocka_unit_test(test_many_streams),
        cmocka_unit_test(test_invented_streams),
        cmocka_unit_test(test_unlisted),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_kept_tables),
        cmocka_unit_test(test_beyond_an_entry),
        cmocka_unit_test(test_many_types),
        cmocka_unit_test(test_askers),
        cmocka_unit_test(test_registrable),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_seconds_do_not_drift),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
