/* The page /metrics, from a snapshot made up here: its form, and that its numbers add up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../support/random.h"
#include "api/metrics.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { STREAMS = 6, EVENTS = 4000 };

/* Names that want escaping, and one that the page has another use for. */
static const char *const names[STREAMS] = {"ns1", "a\"b\\c\n", "other", "\xff", "\\255", "ns6"};

/* Owner: the test; the samples' latencies of responses are kept. */
struct made {
    struct stats_snapshot *snapshot;
    int64_t latency[STREAMS * EVENTS];
    size_t latencies;
    char *page, **lines;
    size_t line_count;
};

static struct stats_sample random_sample(struct random *random)
{
    struct stats_sample sample = {
        .length = (uint32_t)random_below(random, 3000),
        .latency_ns = (int64_t)1 << random_below(random, 36),
        .kind.flags = (uint16_t)random_u64(random),
        .kind.rcode = (uint16_t)random_below(random, 40),
        .qtype = (uint16_t)random_below(random, 400),
        .kind.direction = (uint8_t)random_below(random, 2),
        .kind.message_type = (uint8_t)random_below(random, 15),
        .kind.transport = (uint8_t)random_below(random, 8),
        .kind.family = (uint8_t)random_below(random, 3),
        .kind.marks = (uint16_t)random_below(random, 1 << SAMPLE_MARKS),
        .kind.has_header = random_below(random, 10) > 0,
        .kind.has_qtype = random_below(random, 10) > 0,
        .has_latency = random_below(random, 3) > 0,
    };
    sample.latency_ns += (int64_t)random_below(random, (size_t)(sample.latency_ns >> 4) + 1);
    return sample;
}

static void make_snapshot(struct made *made)
{
    struct random random = {20261121};
    struct stats_snapshot *snapshot =
        calloc(1, sizeof *snapshot + STREAMS * sizeof *snapshot->streams);
    assert_non_null(snapshot);
    *made = (struct made){.snapshot = snapshot};
    for (size_t i = 0; i < STREAMS; i++) {
        struct stats_stream *stream = &snapshot->streams[snapshot->stream_count++][STATS_CLIENT];
        stream->name_len = (size_t)snprintf(stream->name, sizeof stream->name, "%s", names[i]);
        stream->distinct = (struct stats_distinct){i, i + 10, i + 20, i + 30};
        stream->last_direction = i % 2 ? STATS_RESPONSE : STATS_QUERY;
        stream->rates[STATS_QUERY] = (struct stats_rates){1.5 * (double)i, 0.25, 0};
        for (int event = 0; event < EVENTS; event++) {
            struct stats_sample sample = random_sample(&random);
            if (sample.kind.direction == STATS_RESPONSE && sample.has_latency)
                made->latency[made->latencies++] = sample.latency_ns;
            stats_counters_sample(&stream->counters, &sample);
        }
        stats_counters_add(&snapshot->total[STATS_CLIENT].counters, &stream->counters);
        stream[STATS_UPSTREAM] = (struct stats_stream){.side = STATS_UPSTREAM};
        for (int event = 0; event < EVENTS && i % 2; event++) {
            struct stats_sample sample = random_sample(&random);
            stats_counters_sample(&stream[STATS_UPSTREAM].counters, &sample);
        }
        stats_counters_add(&snapshot->total[STATS_UPSTREAM].counters,
                           &stream[STATS_UPSTREAM].counters);
        snapshot->total[STATS_CLIENT].rates[STATS_QUERY].last += stream->rates[STATS_QUERY].last;
    }
    /* Events of streams past the statistics' own limit. */
    struct stats_sample sample = {
        .kind.direction = STATS_QUERY, .qtype = 1, .kind.has_qtype = true};
    stats_counters_sample(&snapshot->total[STATS_CLIENT].counters, &sample);
}

static void make_page(struct made *made, struct metrics_limits limits, bool legacy, bool compat)
{
    struct api_context context = {
        .legacy_metrics = legacy, .compat = compat, .started_ms = 1795250000123};
    struct buf out = {0};
    struct metrics_view view = {.context = &context,
                                .snapshot = made->snapshot,
                                .lately = made->snapshot,
                                .scope = {.sides = METRICS_BOTH_SIDES},
                                .limits = limits};
    metrics_write(&out, &view, false);
    assert_false(out.failed);
    assert_int_equal(out.data[out.len - 1], '\n');
    buf_byte(&out, 0);
    made->page = (char *)out.data;
    made->lines = calloc(out.len, sizeof *made->lines);
    assert_non_null(made->lines);
    char *rest = made->page;
    for (char *line; (line = strsep(&rest, "\n")) && rest;)
        made->lines[made->line_count++] = line;
}

static void make(struct made *made, struct metrics_limits limits, bool legacy, bool compat)
{
    make_snapshot(made);
    make_page(made, limits, legacy, compat);
}

static void clear(struct made *made)
{
    free(made->lines);
    free(made->page);
    free(made->snapshot);
}

/* The value of "name" or "name{labels}"; fails when there is none. */
static uint64_t value(const struct made *made, const char *sample)
{
    size_t len = strlen(sample);
    for (size_t i = 0; i < made->line_count; i++)
        if (strncmp(made->lines[i], sample, len) == 0 && made->lines[i][len] == ' ')
            return strtoull(made->lines[i] + len, NULL, 10);
    fail_msg("no sample %s", sample);
    return 0;
}

/* The sum of all samples of the name that have this among their labels. */
static uint64_t sum(const struct made *made, const char *name, const char *label)
{
    uint64_t total = 0;
    size_t len = strlen(name);
    for (size_t i = 0; i < made->line_count; i++) {
        const char *line = made->lines[i];
        if (strncmp(line, name, len) == 0 && line[len] == '{' && strstr(line, label))
            total += strtoull(strrchr(line, ' '), NULL, 10);
    }
    return total;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool of_family(const char *line, const char *family)
{
    static const char *const suffixes[] = {"", "_bucket", "_sum", "_count"};
    size_t len = strlen(family);
    if (strncmp(line, family, len) != 0)
        return false;
    for (size_t i = 0; i < COUNT(suffixes); i++) {
        size_t more = strlen(suffixes[i]);
        if (strncmp(line + len, suffixes[i], more) == 0 && strchr("{ ", line[len + more]))
            return true;
    }
    return false;
}

/* Each family has HELP, TYPE and then all of its samples; no family and no sample comes twice. */
static void check_form(struct made *made)
{
    char *families[512];
    char family[128] = "";
    size_t count = 0, samples = 0;
    char **seen = calloc(made->line_count, sizeof *seen);
    assert_non_null(seen);
    for (size_t i = 0; i < made->line_count; i++) {
        char *line = made->lines[i];
        if (sscanf(line, "# HELP %127s", family) == 1) {
            assert_true(count < COUNT(families));
            families[count++] = strdup(family);
            char type[128], word[16];
            assert_int_equal(sscanf(made->lines[++i], "# TYPE %127s %15s", type, word), 2);
            assert_string_equal(type, family);
            assert_true(of_family(made->lines[i + 1], family));
            continue;
        }
        if (!of_family(line, family))
            fail_msg("%s among the samples of %s", line, family);
        seen[samples++] = line;
    }
    qsort(families, count, sizeof *families, by_text);
    for (size_t i = 1; i < count; i++)
        assert_string_not_equal(families[i - 1], families[i]);
    for (size_t i = 0; i < count; i++)
        free(families[i]);
    for (size_t i = 0; i < samples; i++)
        *strrchr(seen[i], ' ') = '\0';
    qsort(seen, samples, sizeof *seen, by_text);
    for (size_t i = 1; i < samples; i++)
        if (strcmp(seen[i - 1], seen[i]) == 0)
            fail_msg("%s comes twice", seen[i]);
    free(seen);
}

static void test_form(void **state)
{
    (void)state;
    static const struct metrics_limits limits[] = {{100, 40, 0}, {2, 3, 0}, {0, 0, 0}};
    for (size_t i = 0; i < 2 * COUNT(limits); i++) {
        struct made made;
        make(&made, limits[i / 2], i % 2, i % 2);
        check_form(&made);
        clear(&made);
    }
}

/* Rates of a window that is longer than the run say what they are of. */
static void test_windows_are_explained(void **state)
{
    (void)state;
    struct made made;
    bool found = false;
    make(&made, (struct metrics_limits){100, 40, 0}, false, false);
    for (size_t i = 0; i < made.line_count; i++)
        found |= strcmp(made.lines[i], "# HELP spile_events_per_second Events a second over the "
                                       "time named; while the collector has run for less, since "
                                       "its start.") == 0;
    assert_true(found);
    clear(&made);
}

static void check_sums(const struct made *made, enum stats_side side)
{
    static const char *const by[] = {
        "spile_events_total", "spile_events_by_qtype_total", "spile_events_by_family_total",
        "spile_events_by_transport_total", "spile_dns_message_size_bytes_count"};
    const struct stats_counters *total = &made->snapshot->total[side].counters;
    char of_side[32], label[64];
    snprintf(of_side, sizeof of_side, "side=\"%s\"", stats_side_name(side));
    for (int s = 0; s < STATS_DIRECTIONS; s++) {
        snprintf(label, sizeof label, "%s,direction=\"%s\"", of_side, api_directions[s]);
        for (size_t b = 0; b < COUNT(by); b++)
            assert_int_equal(sum(made, by[b], label), total->direction[s].events);
        assert_int_equal(sum(made, "spile_dns_bytes_total", label), total->direction[s].bytes);
        assert_int_equal(sum(made, "spile_dns_message_size_bytes_sum", label),
                         total->direction[s].bytes);
        assert_int_equal(sum(made, "spile_events_by_opcode_total", label),
                         total->direction[s].events - total->direction[s].no_header);
    }
    const struct stats_direction_counters *responses = &total->direction[STATS_RESPONSE];
    assert_int_equal(sum(made, "spile_responses_by_rcode_total", of_side),
                     responses->events - responses->no_header);
    assert_int_equal(sum(made, "spile_dnstap_messages_total", of_side),
                     total->direction[0].events + total->direction[1].events);
}

/* Whatever the limits: over all streams and words the counters are those of the total. */
static void test_sums(void **state)
{
    (void)state;
    static const struct metrics_limits limits[] = {{100, 320, 0}, {2, 3, 0}, {0, 0, 0}};
    for (size_t i = 0; i < COUNT(limits); i++) {
        struct made made;
        make(&made, limits[i], false, false);
        check_sums(&made, STATS_CLIENT);
        check_sums(&made, STATS_UPSTREAM);
        assert_int_equal(sum(&made, "spile_response_latency_seconds_count", "side=\"client\""),
                         made.latencies);
        clear(&made);
    }
}

/* A stream by the name of the rest is part of it, and shown names are told apart. */
static void test_streams(void **state)
{
    (void)state;
    struct made made;
    make(&made, (struct metrics_limits){100, 40, 0}, false, false);
    const struct stats_stream(*streams)[STATS_SIDES] = made.snapshot->streams;
    assert_int_equal(value(&made, "spile_events_total{stream=\"a\\\"b\\\\\\\\c\\\\010\",side="
                                  "\"client\",direction=\"query\"}"),
                     streams[1][STATS_CLIENT].counters.direction[STATS_QUERY].events);
    assert_int_equal(
        value(&made, "spile_events_total{stream=\"other\",side=\"client\",direction=\"query\"}"),
        streams[2][STATS_CLIENT].counters.direction[STATS_QUERY].events + 1);
    assert_int_equal(
        value(&made, "spile_events_total{stream=\"\\\\255\",side=\"client\",direction=\"query\"}"),
        streams[3][STATS_CLIENT].counters.direction[STATS_QUERY].events);
    assert_int_equal(
        value(&made,
              "spile_events_total{stream=\"\\\\\\\\255\",side=\"client\",direction=\"query\"}"),
        streams[4][STATS_CLIENT].counters.direction[STATS_QUERY].events);
    assert_int_equal(sum(&made, "spile_stream_clients", "stream=\"other\""), 0);
    assert_int_equal(
        value(&made, "spile_stream_clients{stream=\"ns6\",side=\"client\",window=\"all\"}"), 5);
    assert_int_equal(
        value(&made,
              "spile_stream_domains{stream=\"ns6\",side=\"client\",window=\"all\",in=\"queries\"}"),
        25);
    clear(&made);
}

/* A window that has less of single streams says since when, and of each table whether it is whole.
 */
static void test_what_is_known(void **state)
{
    (void)state;
    struct made made;
    make_snapshot(&made);
    made.snapshot->from_ms = 1795250000000;
    made.snapshot->streams_ms = 1795250001500;
    made.snapshot->keys_ms = 1795250003250;
    made.snapshot->exact[STATS_CLIENT] = 1u << TABLE_TLDS | 1u << TABLE_CLIENTS;
    made.snapshot->exact[STATS_UPSTREAM] = (1u << STATS_TABLES) - 1;
    make_page(&made, (struct metrics_limits){100, 40, 0}, false, false);
    const char *const lines[] = {
        "spile_window_begin_timestamp_seconds{window=\"all\",of=\"all\"} 1795250000.000",
        "spile_window_begin_timestamp_seconds{window=\"all\",of=\"streams\"} 1795250001.500",
        "spile_window_begin_timestamp_seconds{window=\"all\",of=\"distinct\"} 1795250003.250",
        "spile_table_exact{side=\"client\",window=\"all\",table=\"domains\"} 0",
        "spile_table_exact{side=\"client\",window=\"all\",table=\"clients\"} 1",
        "spile_table_exact{side=\"upstream\",window=\"all\",table=\"domains\"} 1",
        "spile_statistics_exact 0",
    };
    for (size_t i = 0; i < COUNT(lines); i++) {
        bool found = false;
        for (size_t k = 0; k < made.line_count; k++)
            found |= strcmp(made.lines[k], lines[i]) == 0;
        if (!found)
            fail_msg("no line %s", lines[i]);
    }
    clear(&made);
}

static size_t lines_with(const struct made *made, const char *begin, const char *text)
{
    size_t count = 0;
    for (size_t i = 0; i < made->line_count; i++)
        count += strncmp(made->lines[i], begin, strlen(begin)) == 0 && strstr(made->lines[i], text);
    return count;
}

/* Limits of streams and types bound the page. */
static void test_limits(void **state)
{
    (void)state;
    struct made made;
    make(&made, (struct metrics_limits){2, 3, 0}, true, false);
    assert_int_equal(
        lines_with(&made, "spile_events_total{", "side=\"client\",direction=\"query\""), 3);
    assert_int_equal(lines_with(&made, "spile_stream_clients{", ""), 2);
    assert_int_equal(lines_with(&made, "dnstap_queries{", ""), 2);
    assert_int_equal(
        lines_with(&made,
                   "spile_events_by_qtype_total{stream=\"ns1\",side=\"client\",direction=\"query\"",
                   ""),
        3 + 2); /* and other and none */
    clear(&made);
}

static uint64_t below(const struct made *made, int64_t ns)
{
    uint64_t count = 0;
    for (size_t i = 0; i < made->latencies; i++)
        count += made->latency[i] < ns;
    return count;
}

/* The bounds are 2^10 ns and on, each twice the one before, written as Go writes numbers; a bucket
 * has what was quicker, to the last one. */
static void test_latency(void **state)
{
    (void)state;
    struct made made;
    make(&made, (struct metrics_limits){0, 0, 0}, false, false);
    unsigned power = 10;
    for (size_t i = 0; i < made.line_count; i++) {
        char bound[32];
        unsigned long long count;
        if (sscanf(made.lines[i],
                   "spile_response_latency_seconds_bucket{stream=\"other\",side=\"client\",le=\"%"
                   "31[^\"]\"} %llu",
                   bound, &count) != 2)
            continue;
        if (power <= 34) {
            assert_true(fabs(strtod(bound, NULL) * 1e9 - (double)(INT64_C(1) << power)) < 1e-3);
            assert_int_equal(count, below(&made, INT64_C(1) << power));
        } else {
            assert_string_equal(bound, "+Inf");
            assert_int_equal(count, made.latencies);
        }
        power++;
    }
    assert_int_equal(power, 36);
    assert_int_equal(
        lines_with(&made, "spile_response_latency_seconds_bucket{stream=\"other\",side=\"client\"",
                   "le=\"1.024e-06\""),
        1);
    assert_int_equal(
        lines_with(&made, "spile_response_latency_seconds_bucket{stream=\"other\",side=\"client\"",
                   "le=\"0.000131072\""),
        1);
    assert_int_equal(
        lines_with(&made, "spile_response_latency_seconds_bucket{stream=\"other\",side=\"client\"",
                   "le=\"1.073741824\""),
        1);
    clear(&made);
}

/* dnstap-receiver's samples: of all, and by identity. */
static void test_legacy(void **state)
{
    (void)state;
    struct made made;
    make(&made, (struct metrics_limits){100, 40, 0}, false, false);
    assert_int_equal(lines_with(&made, "dnstap_", ""), 0);
    clear(&made);
    for (int compat = 0; compat < 2; compat++) {
        make(&made, (struct metrics_limits){100, 40, 0}, true, compat);
        const struct stats_snapshot *snapshot = made.snapshot;
        const struct stats_direction_counters *all =
                                                  snapshot->total[STATS_CLIENT].counters.direction,
                                              *other = snapshot->streams[2][STATS_CLIENT]
                                                           .counters.direction;
        assert_int_equal(value(&made, "dnstap_queries"), all[STATS_QUERY].events);
        assert_int_equal(value(&made, "dnstap_queries_bytes_total"), all[STATS_QUERY].bytes);
        assert_int_equal(value(&made, "dnstap_queries_bytes{identity=\"other\"}"),
                         other[STATS_QUERY].bytes);
        assert_int_equal(value(&made, "dnstap_response_tcp{identity=\"other\"}"),
                         other[STATS_RESPONSE].transport[DNSTAP_TCP]);
        assert_int_equal(value(&made, "dnstap_responses_refused"), all[STATS_RESPONSE].rcode[5]);
        assert_int_equal(value(&made, "dnstap_queries_svr"), 0);
        assert_int_equal(value(&made, "dnstap_queries_srv"), all[STATS_QUERY].qtype[33]);
        assert_int_equal(value(&made, "dnstap_qps"), 23); /* 22.5 */
        assert_int_equal(value(&made, "dnstap_rps{identity=\"other\"}"), 0);
        /* Names of what came last, or of both. */
        assert_int_equal(value(&made, "dnstap_domains{identity=\"other\"}"), compat ? 22 : 12);
        assert_int_equal(value(&made, "dnstap_domains{identity=\"ns6\"}"), compat ? 35 : 15);
        clear(&made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows_are_explained),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_what_is_known),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_latency),
        cmocka_unit_test(test_legacy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
