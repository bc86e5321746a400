/* What a server was asked, and what it asked others: two sets of numbers that never mix. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../support/random.h"
#include "../support/statistics.h"
#include "compat/receiver_reader.h"

enum { STREAMS = 3, NAMES = 40, PEERS = 9, ROUNDS = 4000 };
static const char *const stream_names[STREAMS] = {"ns1", "ns2", "ns3"};

/* The truth, by stream and side. */
static struct side_model {
    uint64_t events[STATS_DIRECTIONS], names[NAMES], peers[PEERS], nxdomain, timed, latency_us;
} model[STREAMS][STATS_SIDES];

static void send_random(struct stats *stats, struct random *r)
{
    unsigned stream = random_below(r, STREAMS), name = random_below(r, NAMES),
             peer = random_below(r, PEERS), direction = random_below(r, 2);
    sent_side = (enum stats_side)random_below(r, 2);
    uint8_t rcode = direction == STATS_RESPONSE && random_below(r, 3) == 0 ? 3 : 0;
    bool timed = direction == STATS_RESPONSE && random_below(r, 2);
    unsigned us = 1000 + (unsigned)random_below(r, 1000);
    char text[40];
    snprintf(text, sizeof text, "n%u.example%u.com.", name, name % 7);
    send_event(stats, (unsigned)random_below(r, 2), stream_names[stream], text, peer,
               (enum stats_direction)direction, 1, rcode, timed ? us * INT64_C(1000) : -1, 50);
    struct side_model *m = &model[stream][sent_side];
    m->events[direction]++;
    m->names[name]++;
    m->peers[peer]++;
    m->nxdomain += rcode == 3;
    m->timed += timed;
    m->latency_us += timed ? us : 0;
}

static struct side_model model_of(int stream, enum stats_side side)
{
    struct side_model sum = {0};
    for (int s = 0; s < STREAMS; s++) {
        uint64_t *to = (uint64_t *)&sum;
        const uint64_t *from = (const uint64_t *)&model[s][side];
        for (size_t i = 0; (stream < 0 || s == stream) && i < sizeof sum / sizeof *to; i++)
            to[i] += from[i];
    }
    return sum;
}

static uint64_t nonzero(const uint64_t *numbers, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += numbers[i] > 0;
    return sum;
}

static void check_counters(const struct stats_stream *s, const struct side_model *m)
{
    const struct stats_direction_counters *d = s->counters.direction;
    bool client = s->side == STATS_CLIENT;
    assert_int_equal(d[STATS_QUERY].events, m->events[STATS_QUERY]);
    assert_int_equal(d[STATS_RESPONSE].events, m->events[STATS_RESPONSE]);
    assert_int_equal(d[STATS_RESPONSE].rcode[3], m->nxdomain);
    assert_int_equal(d[STATS_RESPONSE].timed, m->timed);
    assert_int_equal(d[STATS_RESPONSE].latency_sum_us, m->latency_us);
    assert_int_equal(quantile_total(s->counters.latency), m->timed);
    assert_int_equal(s->distinct.domains, nonzero(m->names, NAMES));
    assert_int_equal(s->distinct.clients, client ? nonzero(m->peers, PEERS) : 0);
    assert_int_equal(s->distinct.servers, client ? 0 : nonzero(m->peers, PEERS));
    unsigned other = client ? DNSTAP_RESOLVER_QUERY : DNSTAP_CLIENT_QUERY;
    assert_int_equal(s->counters.message[other] + s->counters.message[other + 1], 0);
}

static void check_row(const struct stats_top *row, const char *form, const uint64_t *wanted)
{
    unsigned number, rest;
    assert_int_equal(sscanf(row->text, form, &number, &rest), form[0] == 'n' ? 2 : 1);
    assert_int_equal(row->value, wanted[number]);
    assert_int_equal(row->error, 0);
}

static void check_tables(struct stats *stats, int id, enum stats_side side,
                         const struct side_model *m)
{
    const struct stats_question questions[] = {
        {.table = TABLE_DOMAINS, .by = BY_HITS},
        {.table = TABLE_CLIENTS, .by = BY_HITS},
        {.table = TABLE_SERVERS, .by = BY_HITS},
        {.table = TABLE_DOMAINS, .by = BY_RCODE, .direction = STATS_RESPONSE, .code = 3},
        {.table = TABLE_REGISTRABLE, .by = BY_HITS},
    };
    const struct stats_scope scope = {.stream = id, .side = side};
    struct stats_answer answers[5];
    assert_int_equal(stats_top(stats, &scope, questions, 5, 1000, answers), 0);
    int peers = side == STATS_CLIENT ? 1 : 2;
    assert_int_equal(answers[0].count, nonzero(m->names, NAMES));
    assert_int_equal(answers[peers].count, nonzero(m->peers, PEERS));
    assert_int_equal(answers[peers].keys, nonzero(m->peers, PEERS));
    assert_int_equal(answers[3 - peers].count, 0);
    assert_int_equal(answers[3 - peers].keys, 0);
    for (size_t i = 0; i < answers[0].count; i++)
        check_row(&answers[0].rows[i], "n%u.example%u.com.", m->names);
    for (size_t i = 0; i < answers[peers].count; i++)
        check_row(&answers[peers].rows[i], "192.0.2.%u", m->peers);
    uint64_t nxdomain = 0, registrable = 0;
    for (size_t i = 0; i < answers[3].count; i++)
        nxdomain += answers[3].rows[i].value;
    for (size_t i = 0; i < answers[4].count; i++)
        registrable += answers[4].rows[i].value;
    assert_int_equal(nxdomain, m->nxdomain);
    assert_int_equal(registrable, m->events[STATS_QUERY] + m->events[STATS_RESPONSE]);
    stats_answers_free(answers, 5);
}

static void check_all(struct stats *stats)
{
    struct stats_snapshot *snapshot = stats_photograph(stats);
    for (int stream = -1; stream < STREAMS; stream++) {
        int at =
            stream < 0 ? STATS_ALL : stats_snapshot_find(snapshot, span_str(stream_names[stream]));
        for (enum stats_side side = 0; side < STATS_SIDES; side++) {
            const struct stats_stream *s = stats_snapshot_at(snapshot, at, side);
            struct side_model m = model_of(stream, side);
            assert_int_equal(s->side, side);
            check_counters(s, &m);
            assert_int_equal(quantile_total(stats_latency(snapshot, s)), m.timed);
            check_tables(stats, s->id, side, &m);
        }
    }
    stats_release(snapshot);
}

static void sides_do_not_mix(void **state)
{
    (void)state;
    struct random r = {20261130};
    struct stats *stats = new_stats(32 << 20, 8);
    memset(model, 0, sizeof model);
    for (int i = 0; i < ROUNDS; i++) {
        send_random(stats, &r);
        if (i > 100 && random_below(&r, 500) == 0) {
            merge_all(stats);
            check_all(stats);
        }
    }
    merge_all(stats);
    check_all(stats);
    stats_forget(stats);
    memset(model, 0, sizeof model);
    check_all(stats);
    stats_free(stats);
}

/* A stream that gives up its place leaves what it had to the rest, on the side where it was. */
static void the_rest_has_sides(void **state)
{
    (void)state;
    struct stats *stats = new_stats(32 << 20, 2);
    sent_side = STATS_UPSTREAM;
    for (int i = 0; i < 3; i++)
        send_event(stats, 0, "a", "up.example.", 1, STATS_QUERY, 1, 0, -1, 40);
    send_event(stats, 0, "b", "up.example.", 2, STATS_QUERY, 1, 0, -1, 40);
    merge_all(stats);
    sent_side = STATS_CLIENT;
    for (int i = 0; i < 1000; i++)
        send_event(stats, 0, "c", "asked.example.", 3, STATS_QUERY, 1, 0, -1, 40);
    for (int i = 0; i < 1000; i++)
        stats_remember(stats, clock_ns());
    merge_all(stats);
    struct stats_snapshot *snapshot = stats_photograph(stats);
    assert_int_equal(snapshot->total[STATS_CLIENT].counters.direction[STATS_QUERY].events, 1000);
    assert_int_equal(snapshot->total[STATS_UPSTREAM].counters.direction[STATS_QUERY].events, 4);
    const struct stats_question question = {.table = TABLE_DOMAINS, .by = BY_HITS};
    for (enum stats_side side = 0; side < STATS_SIDES; side++) {
        const struct stats_scope scope = {.stream = STATS_ALL, .side = side};
        struct stats_answer answer;
        assert_int_equal(stats_top(stats, &scope, &question, 1, 10, &answer), 0);
        assert_int_equal(answer.count, 1);
        assert_string_equal(answer.rows[0].text,
                            side == STATS_CLIENT ? "asked.example." : "up.example.");
        assert_int_equal(answer.rows[0].value, side == STATS_CLIENT ? 1000 : 4);
        stats_answers_free(&answer, 1);
    }
    stats_release(snapshot);
    stats_free(stats);
}

static const struct stats_question servers_asked = {.table = TABLE_SERVERS, .by = BY_HITS};

static void tally_of(struct stats *stats, struct stats_answer *answer)
{
    const struct stats_scope scope = {.stream = STATS_ALL, .side = STATS_UPSTREAM};
    merge_all(stats);
    assert_int_equal(stats_top(stats, &scope, &servers_asked, 1, 300, answer), 0);
    assert_non_null(answer->tallies);
}

/* Latencies of a server are known by their steps, be it one or many in what is merged at once, in
 * whichever stream, and when the window has ended and begun. */
static void servers_have_latencies(void **state)
{
    (void)state;
    struct stats *stats = new_stats(32 << 20, 4);
    struct random random = {3};
    uint64_t wanted[4][STATS_TALLIES] = {{0}};
    struct stats_answer answer;
    sent_side = STATS_UPSTREAM;
    for (int round = 0; round < 200; round++) {
        for (size_t n = random_below(&random, 6); n > 0; n--) {
            unsigned server = 1 + (unsigned)random_below(&random, 3);
            uint32_t us = (uint32_t)1 << random_below(&random, 32);
            us = random_below(&random, 40) ? us + (uint32_t)random_below(&random, us) : UINT32_MAX;
            send_event(stats, random_below(&random, 2), random_below(&random, 2) ? "a" : "b",
                       "n.example.", server, STATS_RESPONSE, 1, 0, us * INT64_C(1000), 40);
            wanted[server][stats_tally_step(us)]++;
        }
        if (random_below(&random, 3) == 0)
            merge_all(stats);
        if (random_below(&random, 20) == 0)
            stats_window_free(take_window(stats));
    }
    tally_of(stats, &answer);
    assert_int_equal(answer.count, 3);
    for (size_t i = 0; i < 3; i++) {
        unsigned server = (unsigned)answer.rows[i].text[8] - '0';
        assert_memory_equal(answer.tallies[i].of, wanted[server], sizeof *wanted);
        assert_int_equal(stats_tally_timed(&answer.tallies[i]),
                         answer.rows[i].values.of[MEASURE_TIMED]);
    }
    stats_answers_free(&answer, 1);
    stats_forget(stats);
    tally_of(stats, &answer);
    assert_int_equal(answer.count, 0);
    stats_answers_free(&answer, 1);
    stats_free(stats);
}

/* Where there is no room for all latencies some are missing, but none is wrong, no server is, and
 * neither is a name's type. */
static void latencies_without_room_are_left_out(void **state)
{
    (void)state;
    enum { SERVERS = 255, EACH = 62 };
    struct stats *stats = new_stats(6 << 20, 2);
    struct stats_answer answer;
    uint64_t counted = 0;
    sent_side = STATS_UPSTREAM;
    for (unsigned i = 0; i < SERVERS * EACH; i++)
        send_event(stats, 0, "a", "n.example.", 1 + i % SERVERS, STATS_RESPONSE, 1, 0,
                   INT64_C(1) << (10 + i / SERVERS % 24), 40);
    for (unsigned type = 1000; type < 1020; type++)
        send_event(stats, 0, "a", "n.example.", 1, STATS_QUERY, (uint16_t)type, 0, -1, 40);
    tally_of(stats, &answer);
    assert_int_equal(answer.count, SERVERS);
    for (size_t i = 0; i < answer.count; i++) {
        uint64_t timed = stats_tally_timed(&answer.tallies[i]);
        assert_in_range(timed, 0, EACH);
        assert_int_equal(answer.rows[i].values.of[MEASURE_TIMED], EACH);
        counted += timed;
    }
    assert_in_range(counted, 1, SERVERS * EACH - 1);
    assert_int_equal(stats->unlisted, 0);
    stats_answers_free(&answer, 1);
    const struct stats_scope scope = {.stream = STATS_ALL, .side = STATS_UPSTREAM};
    const struct stats_question last = {
        .table = TABLE_DOMAINS, .by = BY_QTYPE, .direction = STATS_QUERY, .code = 1019};
    assert_int_equal(stats_top(stats, &scope, &last, 1, 10, &answer), 0);
    assert_int_equal(answer.rows[0].value, 1);
    stats_answers_free(&answer, 1);
    stats_free(stats);
}

/* As dnstap-receiver counted: all together, with clients and servers of every message. */
static void compatible_statistics_have_one_side(void **state)
{
    (void)state;
    assert_true(receiver_stats_reader.one_side);
    static struct stats_reader both;
    both = stats_native_reader;
    both.one_side = true;
    struct error err;
    const struct stats_options options = {
        .settings = {.memory = 32 << 20, .streams = 4}, .reader = &both, .workers = 2};
    struct stats *stats = stats_new(&options, &err);
    sent_side = STATS_CLIENT;
    send_event(stats, 0, "a", "n.example.", 3, STATS_QUERY, 1, 0, -1, 40);
    merge_all(stats);
    struct stats_question questions[] = {{.table = TABLE_CLIENTS, .by = BY_HITS},
                                         {.table = TABLE_SERVERS, .by = BY_HITS}};
    struct stats_answer answers[2];
    assert_int_equal(stats_top(stats, &of_all, questions, 2, 10, answers), 0);
    assert_string_equal(answers[0].rows[0].text, "192.0.2.3");
    assert_string_equal(answers[1].rows[0].text, "1.2.3.4");
    stats_answers_free(answers, 2);
    stats_free(stats);
}

/* The words that API, page and labels know. */
static void words(void **state)
{
    (void)state;
    assert_int_equal(stats_side_parse(span_str("client")), STATS_CLIENT);
    assert_int_equal(stats_side_parse(span_str("upstream")), STATS_UPSTREAM);
    assert_int_equal(stats_side_parse(span_str("server")), STATS_SIDES);
    static const char *const windows[] = {"all", "1m", "5m", "1h", "1d"};
    for (enum stats_window_id w = 0; w < STATS_WINDOWS; w++) {
        assert_string_equal(stats_window_name(w), windows[w]);
        assert_int_equal(stats_window_parse(span_str(windows[w])), w);
    }
    assert_int_equal(stats_window_parse(span_str("2h")), STATS_WINDOWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sides_do_not_mix),
        cmocka_unit_test(the_rest_has_sides),
        cmocka_unit_test(servers_have_latencies),
        cmocka_unit_test(latencies_without_room_are_left_out),
        cmocka_unit_test(compatible_statistics_have_one_side),
        cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
