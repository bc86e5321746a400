/*
 * Windows: whatever comes when, on whichever side and stream, and however clocks leap, windows are
 * reset and the program is restarted between, every window has just what exact counting gives for
 * the time that it says it covers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../support/place.h"
#include "../support/random.h"
#include "../support/share.h"
#include "../support/statistics.h"

enum { STREAMS = 2, KEYS_MAX = 3000, PEERS_MAX = 200, HISTORY_MAX = 400000 };
static const char *const stream_names[STREAMS] = {"ns1", "ns2"};

/* One event that came: the truth is all of them. */
struct came {
    int64_t at_ms; /* by the clock that is never set */
    uint8_t stream, side, direction, peer, rcode;
    uint16_t name, latency_us;
};

/* How much comes, and of what. */
struct traffic {
    unsigned names, peers, at_once;
    uint64_t memory;
    bool exact; /* there is room for all */
};
static const struct traffic little = {30, 5, 6, 32 << 20, true};

struct world {
    struct traffic traffic;
    struct place place;
    struct stats *stats;
    struct random random;
    struct came *came;
    size_t count;
    int64_t now_ms, wall_ms; /* the steady clock, and that of the wall */
    int64_t told_ms;         /* what the last snapshot says of the latter */
    int64_t since_ms;
    int64_t reset_ms[STATS_WINDOWS]; /* by the steady clock */
    int64_t restart_ms;              /* the same; 0: none */
};

/* --- living --------------------------------------------------------------------------------- */

static void begin_statistics(struct world *w)
{
    struct error err;
    const struct stats_options options = {.settings = {.memory = w->traffic.memory, .streams = 4},
                                          .reader = &stats_native_reader,
                                          .workers = 2,
                                          .key = &w->place.key};
    w->stats = stats_new(&options, &err);
    assert_non_null(w->stats);
    w->place.history->stats = w->stats;
    w->since_ms = w->now_ms;
    w->stats->window_ns = (uint64_t)w->now_ms * 1000000;
}

static void send_one(struct world *w)
{
    struct random *r = &w->random;
    struct came c = {
        .at_ms = w->now_ms,
        .stream = (uint8_t)random_below(r, STREAMS),
        .side = (uint8_t)random_below(r, STATS_SIDES),
        .direction = (uint8_t)random_below(r, STATS_DIRECTIONS),
        .peer = (uint8_t)random_below(r, w->traffic.peers),
    };
    char text[40];
    /* Every other one is among the few that come most. */
    size_t name = random_below(r, w->traffic.names);
    bool often = random_below(r, 2) > 0;
    c.name = (uint16_t)(often ? random_below(r, name + 1) / 20 : name);
    c.rcode = c.direction == STATS_RESPONSE && random_below(r, 3) == 0 ? NXDOMAIN : 0;
    c.latency_us = c.direction == STATS_RESPONSE ? (uint16_t)(1 + random_below(r, 60000)) : 0;
    snprintf(text, sizeof text, "n%u.example.", c.name);
    sent_side = (enum stats_side)c.side;
    send_event(w->stats, (unsigned)random_below(r, 2), stream_names[c.stream], text, c.peer,
               (enum stats_direction)c.direction, 1, c.rcode,
               c.latency_us ? c.latency_us * INT64_C(1000) : -1, 60);
    assert_true(w->count < HISTORY_MAX);
    w->came[w->count++] = c;
}

/* The statistics' second: a snapshot of this moment, which all see. */
static void tick(struct world *w)
{
    merge_all(w->stats);
    struct stats_snapshot *snapshot = stats_photograph(w->stats);
    snapshot->made_ns = (uint64_t)w->now_ms * 1000000;
    snapshot->since_ns = (uint64_t)w->since_ms * 1000000;
    snapshot->made_ms = w->told_ms = w->wall_ms;
    stats_release(w->stats->snapshot);
    w->stats->snapshot = snapshot;
    atomic_fetch_add(&snapshot->references, 1);
    history_see(w->place.history, snapshot);
}

static void pass(struct world *w, int64_t ms)
{
    w->now_ms += ms;
    w->wall_ms += ms;
}

/* Seconds, each with some events or none. */
static void live_for(struct world *w, int64_t seconds)
{
    for (; seconds > 0; seconds--) {
        pass(w, SECOND - 10);
        for (size_t n = random_below(&w->random, 3) ? 0
                                                    : random_below(&w->random, w->traffic.at_once);
             n; n--)
            send_one(w);
        pass(w, 10);
        tick(w);
    }
}

/* --- judging -------------------------------------------------------------------------------- */

/* What exact counting gives. */
struct truth {
    uint64_t events[STATS_DIRECTIONS], nxdomain, timed, latency_us;
    uint64_t names[KEYS_MAX], name_nxdomain[KEYS_MAX], peers[PEERS_MAX];
};

/* By servers of the same time and place: how often a latency of each step came. */
static uint64_t true_steps[PEERS_MAX][QUANTILE_STEPS];

static struct truth count_truth(const struct world *w, int stream, unsigned side, int64_t from_ms,
                                int64_t to_ms)
{
    struct truth t = {0};
    memset(true_steps, 0, sizeof true_steps);
    for (size_t i = 0; i < w->count; i++) {
        const struct came *c = &w->came[i];
        if (c->side != side || (stream >= 0 && c->stream != stream) || c->at_ms <= from_ms ||
            c->at_ms > to_ms)
            continue;
        t.events[c->direction]++;
        t.names[c->name]++;
        t.peers[c->peer]++;
        t.nxdomain += c->rcode == NXDOMAIN;
        t.name_nxdomain[c->name] += c->rcode == NXDOMAIN;
        t.timed += c->latency_us > 0;
        true_steps[c->peer][stats_tally_step(c->latency_us)] += c->latency_us > 0;
        t.latency_us += c->latency_us;
    }
    return t;
}

static uint64_t nonzero(const uint64_t *numbers, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += numbers[i] > 0;
    return sum;
}

/* An exact number, or an estimate. */
static void check_distinct(const struct world *w, uint64_t number, uint64_t wanted)
{
    uint64_t off = w->traffic.exact && !w->restart_ms ? 0 : 3 + wanted / 25;
    assert_in_range(number, wanted > off ? wanted - off : 0, wanted + off);
}

static void check_stream(const struct world *w, const struct stats_stream *s, const struct truth *t)
{
    const struct stats_direction_counters *d = s->counters.direction;
    bool client = s->side == STATS_CLIENT;
    assert_int_equal(d[STATS_QUERY].events, t->events[STATS_QUERY]);
    assert_int_equal(d[STATS_RESPONSE].events, t->events[STATS_RESPONSE]);
    assert_int_equal(d[STATS_QUERY].qtype[1], t->events[STATS_QUERY]);
    assert_int_equal(d[STATS_QUERY].transport[DNSTAP_UDP], t->events[STATS_QUERY]);
    assert_int_equal(d[STATS_RESPONSE].transport[DNSTAP_UDP], t->events[STATS_RESPONSE]);
    assert_int_equal(d[STATS_RESPONSE].rcode[NXDOMAIN], t->nxdomain);
    assert_int_equal(d[STATS_RESPONSE].timed, t->timed);
    assert_int_equal(d[STATS_RESPONSE].latency_sum_us, t->latency_us);
    assert_int_equal(quantile_total(s->counters.latency), t->timed);
    check_distinct(w, s->distinct.domains, nonzero(t->names, KEYS_MAX));
    check_distinct(w, s->distinct.clients, client ? nonzero(t->peers, PEERS_MAX) : 0);
    check_distinct(w, s->distinct.servers, client ? 0 : nonzero(t->peers, PEERS_MAX));
}

/* The largest first, each with the true value within its bounds; what is missing is below the
 * floor. */
static void check_answer(const struct stats_answer *answer, const char *form,
                         const uint64_t *wanted, size_t count)
{
    bool seen[KEYS_MAX] = {false};
    for (size_t i = 0; i < answer->count; i++) {
        const struct stats_top *row = &answer->rows[i];
        unsigned n;
        assert_int_equal(sscanf(row->text, form, &n), 1);
        assert_in_range(wanted[n], row->value, row->value + row->error);
        assert_true(i == 0 || row->value <= answer->rows[i - 1].value);
        seen[n] = true;
    }
    for (size_t n = 0; n < count; n++)
        assert_true(seen[n] || wanted[n] <= answer->floor);
}

/* The servers' latencies: none is where it was not, and where there was room for all none is
 * missing. */
static void check_tallies(const struct world *w, const struct stats_answer *answer)
{
    assert_non_null(answer->tallies);
    for (size_t i = 0; i < answer->count; i++) {
        unsigned n;
        bool whole = w->traffic.exact && answer->rows[i].error == 0;
        assert_int_equal(sscanf(answer->rows[i].text, "192.0.2.%u", &n), 1);
        for (int step = 0; step < QUANTILE_STEPS; step++) {
            uint64_t told = answer->tallies[i].of[step], wanted = true_steps[n][step];
            assert_in_range(told, whole ? wanted : 0, wanted);
        }
    }
}

static void check_lists(struct world *w, const struct stats_scope *scope, const struct truth *t)
{
    bool client = scope->side == STATS_CLIENT;
    const struct stats_question questions[] = {
        {.table = TABLE_DOMAINS, .by = BY_HITS},
        {.table = client ? TABLE_CLIENTS : TABLE_SERVERS, .by = BY_HITS},
        {.table = TABLE_DOMAINS, .measure = MEASURE_NXDOMAIN},
        {.table = TABLE_DOMAINS, .by = BY_HITS, .under = span_str("n7.example.")},
        {.table = TABLE_DOMAINS, .by = BY_HITS, .contains = span_str("n1")},
    };
    struct stats_answer answers[5];
    assert_int_equal(history_top(w->place.history, scope, questions, 5, KEYS_MAX, answers), 0);
    check_answer(&answers[0], "n%u.example.", t->names, KEYS_MAX);
    check_answer(&answers[1], "192.0.2.%u", t->peers, PEERS_MAX);
    check_answer(&answers[2], "n%u.example.", t->name_nxdomain, KEYS_MAX);
    if (!client)
        check_tallies(w, &answers[1]);
    assert_true(answers[3].count <= 1);
    size_t have = 0;
    for (size_t i = 0; i < answers[0].count; i++)
        have += strncmp(answers[0].rows[i].text, "n1", 2) == 0;
    if (w->traffic.exact)
        assert_int_equal(answers[4].count, have);
    else
        assert_true(answers[4].count >= have);
    if (answers[0].keys_exact)
        assert_int_equal(answers[0].keys, nonzero(t->names, KEYS_MAX));
    stats_answers_free(answers, 5);
}

/* How long a window is that began as soon as it could: by one part longer than its name says, at
 * most; but what a restart finds in the database are minutes. */
static void check_span(const struct world *w, const struct stats_snapshot *snapshot,
                       enum stats_window_id window)
{
    static const int64_t lengths_ms[] = {
        [WINDOW_1M] = MINUTE, [WINDOW_5M] = 5 * MINUTE, [WINDOW_1H] = HOUR, [WINDOW_1D] = DAY};
    static const int64_t parts_ms[] = {[WINDOW_1M] = 10 * SECOND,
                                       [WINDOW_5M] = MINUTE,
                                       [WINDOW_1H] = 5 * MINUTE,
                                       [WINDOW_1D] = HOUR};
    int64_t covered_ms = snapshot->to_ms - snapshot->from_ms;
    int64_t begin_ms = w->reset_ms[window] ? w->reset_ms[window] : w->came[0].at_ms;
    int64_t most_ms = w->now_ms - begin_ms;
    bool restarted = w->restart_ms && w->now_ms < w->restart_ms + 2 * MINUTE;
    int64_t part_ms = restarted && window == WINDOW_1M ? MINUTE + 10 * SECOND : parts_ms[window];
    assert_int_equal(snapshot->to_ms, w->told_ms);
    assert_true(covered_ms <= lengths_ms[window] + part_ms);
    assert_true(covered_ms >=
                (most_ms < lengths_ms[window] ? most_ms : lengths_ms[window]) - 3 * SECOND);
    assert_true(snapshot->seconds * 1e3 <= (double)covered_ms + 1500);
}

static void check_window(struct world *w, enum stats_window_id window)
{
    const struct stats_snapshot *snapshot = history_snapshot(w->place.history, window);
    assert_non_null(snapshot);
    assert_int_equal(snapshot->window, window);
    check_span(w, snapshot, window);
    int64_t from_ms = w->now_ms - (snapshot->to_ms - snapshot->from_ms);
    for (int stream = -1; stream < STREAMS; stream++) {
        int at =
            stream < 0 ? STATS_ALL : stats_snapshot_find(snapshot, span_str(stream_names[stream]));
        if (stream >= 0 && at == STATS_ALL)
            continue; /* it has sent nothing since the start */
        for (unsigned side = 0; side < STATS_SIDES; side++) {
            const struct stats_stream *s = stats_snapshot_at(snapshot, at, side);
            struct truth t = count_truth(w, stream, side, from_ms, w->now_ms);
            const struct stats_scope scope = {.stream = s->id, .side = side, .window = window};
            if (stream < 0)
                check_stream(w, s, &t);
            assert_int_equal(s->counters.direction[STATS_QUERY].events, t.events[STATS_QUERY]);
            check_lists(w, &scope, &t);
        }
    }
    stats_release(snapshot);
}

/* Lists since the begin of the statistics. */
static void check_since(struct world *w)
{
    for (int n = 0; n < STATS_SIDES * (STREAMS + 1); n++) {
        int stream = n / STATS_SIDES - 1, at = STATS_ALL;
        enum stats_side side = n % STATS_SIDES;
        if (stream >= 0)
            at = stats_snapshot_find(w->stats->snapshot, span_str(stream_names[stream]));
        if (stream >= 0 && at == STATS_ALL)
            continue;
        const struct stats_scope scope = {
            .stream = stats_snapshot_at(w->stats->snapshot, at, side)->id, .side = side};
        struct truth t = count_truth(w, stream, side, w->since_ms, w->now_ms);
        check_lists(w, &scope, &t);
    }
}

static void check_all(struct world *w)
{
    check_since(w);
    for (enum stats_window_id window = WINDOW_1M; window < STATS_WINDOWS; window++)
        check_window(w, window);
}

/* --- what may happen ------------------------------------------------------------------------ */

static void begin_world(struct world *w, uint64_t seed, const struct traffic *traffic)
{
    *w = (struct world){.traffic = *traffic,
                        .random = {seed},
                        .came = calloc(HISTORY_MAX, sizeof *w->came),
                        .now_ms = 1000000,
                        .wall_ms = morning + 3 * HOUR + 12 * SECOND};
    place_begin(&w->place);
    begin_statistics(w);
    pass(w, 10);
    send_one(w);
    pass(w, SECOND - 10);
    tick(w);
}

static void end_world(struct world *w)
{
    stats_free(w->stats);
    place_end(&w->place);
    free(w->came);
}

/* The wall clock leaps to and fro; the other one goes on. */
static void leap(struct world *w)
{
    static const int64_t leaps[] = {-HOUR, HOUR, -90 * SECOND, 3 * SECOND, 2 * DAY, -2 * DAY};
    w->wall_ms += leaps[random_below(&w->random, sizeof leaps / sizeof *leaps)];
}

static void reset_window(struct world *w)
{
    enum stats_window_id window = WINDOW_1M + (unsigned)random_below(&w->random, 4);
    w->place.history->resets_wanted |= 1u << (window - 1);
    live_for(w, 1);
    w->reset_ms[window] = w->now_ms;
}

static void any_story(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        struct world w;
        begin_world(&w, seed, &little);
        for (int i = share_of(60); i > 0; i--) {
            live_for(&w, 1 + (int64_t)random_below(&w.random, 40));
            if (random_below(&w.random, 12) == 0)
                leap(&w);
            if (random_below(&w.random, 8) == 0)
                reset_window(&w);
            if (random_below(&w.random, 30) == 0)
                live_for(&w, 400);
            if (random_below(&w.random, 4) == 0)
                check_all(&w);
        }
        check_all(&w);
        end_world(&w);
    }
}

/* So many names that lists are cut, and with less memory that tables evict: the truth is within the
 * bounds that are told. */
static void more_than_there_is_room_for(void **state)
{
    (void)state;
    static const struct traffic much[] = {{KEYS_MAX, PEERS_MAX, 400, 32 << 20, false},
                                          {KEYS_MAX, PEERS_MAX, 400, 6 << 20, false}};
    for (size_t i = 0; i < sizeof much / sizeof *much; i++) {
        struct world w;
        begin_world(&w, 5 + i, &much[i]);
        for (int k = share_of(8); k > 0; k--) {
            live_for(&w, 11 + (int64_t)random_below(&w.random, 40));
            if (random_below(&w.random, 3) == 0)
                reset_window(&w);
            check_all(&w);
        }
        bool evicted = w.stats->tables.tables[TABLE_DOMAINS].floor > 0;
        assert_true(evicted || i == 0 || share_of(8) < 8);
        end_world(&w);
    }
}

/* The statistics begin anew, and with them all windows. */
static void resets_of_all(void **state)
{
    (void)state;
    struct world w;
    begin_world(&w, 13, &little);
    for (int i = share_of(4); i > 0; i--) {
        live_for(&w, 700);
        check_all(&w);
        tick(&w);
        stats_forget(w.stats);
        w.since_ms = w.now_ms;
        tick(&w); /* as the thread does */
        for (enum stats_window_id window = WINDOW_1M; window < STATS_WINDOWS; window++)
            w.reset_ms[window] = w.now_ms;
    }
    live_for(&w, 20);
    check_all(&w);
    end_world(&w);
}

/* The program ends and starts again: what was in the database is in the windows at once. */
static void restarts(void **state)
{
    (void)state;
    struct world w;
    begin_world(&w, 7, &little);
    for (int i = share_of(5); i > 0; i--) {
        live_for(&w, 100 + (int64_t)random_below(&w.random, 700));
        check_all(&w);
        place_close(&w.place, true);
        stats_free(w.stats);
        pass(&w, 2 * SECOND);
        place_open(&w.place);
        history_restore(w.place.history, w.wall_ms);
        begin_statistics(&w);
        tick(&w);
        w.restart_ms = w.now_ms;
        check_all(&w);
    }
    end_world(&w);
}

/* A name that was busy an hour ago and one that is busy now: each leads its window. */
static void each_name_leads_its_window(void **state)
{
    (void)state;
    struct world w;
    begin_world(&w, 11, &little);
    sent_side = STATS_CLIENT;
    for (int i = 0; i < 500; i++)
        send_event(w.stats, 0, "ns1", "earlier.example.", 1, STATS_QUERY, 1, 0, -1, 40);
    w.count = 1;
    for (int tens = 0; tens < 300; tens++) { /* an idle hour, nearly, on a slow machine */
        pass(&w, 10 * SECOND);
        tick(&w);
    }
    for (int i = 0; i < 50; i++)
        send_event(w.stats, 0, "ns1", "now.example.", 1, STATS_QUERY, 1, 0, -1, 40);
    pass(&w, SECOND);
    tick(&w);
    static const char *const leaders[] = {[WINDOW_ALL] = "earlier.example.",
                                          [WINDOW_1M] = "now.example.",
                                          [WINDOW_5M] = "now.example.",
                                          [WINDOW_1H] = "earlier.example.",
                                          [WINDOW_1D] = "earlier.example."};
    const struct stats_question question = {.table = TABLE_DOMAINS, .by = BY_HITS};
    for (enum stats_window_id window = 0; window < STATS_WINDOWS; window++) {
        const struct stats_scope scope = {.stream = STATS_ALL, .window = window};
        struct stats_answer answer;
        assert_int_equal(history_top(w.place.history, &scope, &question, 1, 5, &answer), 0);
        assert_string_equal(answer.rows[0].text, leaders[window]);
        if (window == WINDOW_1M || window == WINDOW_5M)
            assert_int_equal(answer.count, 1);
        stats_answers_free(&answer, 1);
    }
    end_world(&w);
}

/* --- what came first lately ----------------------------------------------------------------- */

/* Parts end when windows begin anew, too, but what is noted of them is eight seconds apart. */
enum { PART = 18 * SECOND };

/* By the steady clock when each name came first in a stream, or in all, since the statistics'
 * begin; 0: it has not. */
static void find_firsts(const struct world *w, int stream, enum stats_side side, int64_t *firsts,
                        uint64_t *hits)
{
    memset(firsts, 0, KEYS_MAX * sizeof *firsts);
    memset(hits, 0, KEYS_MAX * sizeof *hits);
    for (size_t i = 0; i < w->count; i++) {
        const struct came *c = &w->came[i];
        if (c->side != side || c->at_ms < w->since_ms || (stream >= 0 && c->stream != stream))
            continue;
        hits[c->name]++;
        if (firsts[c->name] == 0)
            firsts[c->name] = c->at_ms;
    }
}

/* A row is new, and if it has no error it came first when it says; what has more hits than the
 * tables may have forgotten is not missing. */
static void check_news_of(struct world *w, int stream, const struct stats_scope *scope,
                          int64_t length_ms)
{
    static int64_t firsts[KEYS_MAX];
    static uint64_t hits[KEYS_MAX];
    bool seen[KEYS_MAX] = {false};
    struct stats_news news;
    int64_t since_ms = w->now_ms > length_ms ? w->now_ms - length_ms : 0;
    uint64_t since_ns = (uint64_t)since_ms * 1000000, before_ns = UINT64_MAX;
    find_firsts(w, stream, scope->side, firsts, hits);
    assert_int_equal(stats_news(w->stats, scope, TABLE_DOMAINS, since_ns, KEYS_MAX, &news), 0);
    int64_t from_ms = (int64_t)(news.from_ns / 1000000);
    assert_true(from_ms == w->since_ms || from_ms <= since_ms);
    assert_true(from_ms >= w->since_ms && from_ms > since_ms - PART - SECOND);
    assert_true(news.found_all && news.found == news.count);
    for (size_t i = 0; i < news.count; i++) {
        const struct stats_new *new = &news.rows[i];
        unsigned n;
        assert_int_equal(sscanf(new->row.text, "n%u.example.", &n), 1);
        int64_t told_ms = (int64_t)(new->first_ns / 1000000);
        assert_true(!seen[n] && new->first_ns <= before_ns);
        assert_in_range(hits[n], new->row.value, new->row.value + new->row.error);
        if (new->row.error == 0)
            assert_in_range(firsts[n] - told_ms, 1, PART + SECOND);
        before_ns = new->first_ns;
        seen[n] = true;
    }
    for (size_t n = 0; n < KEYS_MAX; n++)
        assert_true(seen[n] || firsts[n] <= from_ms || hits[n] <= news.floor);
    stats_news_free(&news);
}

static void check_news(struct world *w)
{
    static const int64_t lengths_ms[] = {MINUTE, 5 * MINUTE, HOUR};
    for (int n = 0; n < 3 * STATS_SIDES * (STREAMS + 1); n++) {
        int stream = n / 3 / STATS_SIDES - 1;
        int at = stream < 0
                     ? STATS_ALL
                     : stats_snapshot_find(w->stats->snapshot, span_str(stream_names[stream]));
        if (stream >= 0 && at == STATS_ALL)
            continue; /* it has sent nothing since the start */
        const struct stats_scope scope = {
            .stream = stats_snapshot_at(w->stats->snapshot, at, STATS_CLIENT)->id,
            .side = n / 3 % STATS_SIDES};
        check_news_of(w, stream, &scope, lengths_ms[n % 3]);
    }
}

/* The window that runs ends, and a part of each table has been folded. */
static void check_between(struct world *w)
{
    struct stats_window *window = stats_window_take(w->stats, w->stats->snapshot);
    assert_non_null(window);
    for (enum stats_table_id id = 0; id < STATS_TABLES; id++) {
        uint32_t rows = window->tables.tables[id].row_count;
        table_set_fold_some(&w->stats->tables, &window->tables, id,
                            (uint32_t)random_below(&w->random, rows + 1));
    }
    check_news(w);
    check_since(w);
    pass(w, 10);
    for (size_t n = random_below(&w->random, w->traffic.at_once); n > 0; n--)
        send_one(w);
    pass(w, 10);
    merge_all(w->stats);
    check_news(w);
    check_since(w);
    stats_window_fold(w->stats, window);
    check_news(w);
    stats_window_free(window);
}

/* Of the last minute, five minutes and hour, in each stream and in all; with evictions, too. */
static void what_is_new_is_told(void **state)
{
    (void)state;
    static const struct traffic kinds[] = {{KEYS_MAX, PEERS_MAX, 6, 32 << 20, true},
                                           {KEYS_MAX, PEERS_MAX, 400, 6 << 20, false}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct world w;
        begin_world(&w, 23 + i, &kinds[i]);
        for (int k = share_of(i ? 4 : 30); k > 0; k--) {
            live_for(&w, 5 + (int64_t)random_below(&w.random, i ? 40 : 400));
            if (random_below(&w.random, 4) == 0)
                reset_window(&w);
            check_news(&w);
            check_between(&w);
        }
        tick(&w);
        stats_forget(w.stats);
        w.since_ms = w.now_ms;
        w.stats->window_ns = (uint64_t)w.now_ms * 1000000;
        tick(&w);
        check_news(&w);
        live_for(&w, 50);
        check_news(&w);
        end_world(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_story),
        cmocka_unit_test(more_than_there_is_room_for),
        cmocka_unit_test(resets_of_all),
        cmocka_unit_test(restarts),
        cmocka_unit_test(each_name_leads_its_window),
        cmocka_unit_test(what_is_new_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
