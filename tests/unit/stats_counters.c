/* Counters: every member by the samples that touch it, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../support/random.h"
#include "stats/counters.h"
#include "stats/measure.h"

static struct stats_counters *fresh(void)
{
    static struct stats_counters counters;
    counters = (struct stats_counters){0};
    return &counters;
}

static uint64_t sum(const uint64_t *values, size_t count)
{
    uint64_t total = 0;
    while (count--)
        total += *values++;
    return total;
}
#define SUM(array) sum(array, sizeof(array) / sizeof *(array))

static void a_response_is_counted(void **state)
{
    (void)state;
    struct stats_counters *counters = fresh();
    const struct stats_direction_counters *direction = &counters->direction[STATS_RESPONSE];
    stats_counters_sample(counters, &(struct stats_sample){
                                        .kind.direction = STATS_RESPONSE,
                                        .length = 100,
                                        .kind.has_header = true,
                                        .kind.flags = 0x8583 | 5 << 11, /* qr aa rd ra, opcode 5 */
                                        .kind.rcode = 3,
                                        .kind.has_qtype = true,
                                        .qtype = 28,
                                        .kind.marks = 1 << SAMPLE_EDNS | 1 << SAMPLE_DO,
                                        .kind.udp_size = 1232,
                                        .kind.message_type = DNSTAP_CLIENT_RESPONSE,
                                        .kind.transport = DNSTAP_DOT,
                                        .kind.family = DNSTAP_INET6,
                                        .has_latency = true,
                                        .latency_ns = 1500000,
                                    });
    assert_int_equal(direction->events, 1);
    assert_int_equal(direction->bytes, 100);
    assert_int_equal(direction->size[2], 1); /* 65 to 128 */
    assert_int_equal(direction->transport[DNSTAP_DOT], 1);
    assert_int_equal(direction->family[DNSTAP_INET6], 1);
    assert_int_equal(direction->opcode[5], 1);
    assert_int_equal(direction->rcode[3], 1);
    assert_int_equal(direction->qtype[28], 1);
    assert_int_equal(direction->marks[SAMPLE_EDNS], 1);
    assert_int_equal(direction->marks[SAMPLE_DO], 1);
    assert_int_equal(SUM(direction->marks), 2);
    assert_int_equal(direction->udp_size[1], 1);
    assert_int_equal(direction->edns_version[0], 1);
    static const bool flags[COUNTERS_FLAGS] = {1, 1, 0, 1, 1, 0, 0, 0};
    for (int i = 0; i < COUNTERS_FLAGS; i++)
        assert_int_equal(direction->flags[i], flags[i]);
    assert_int_equal(direction->timed, 1);
    assert_int_equal(direction->latency_sum_us, 1500);
    assert_int_equal(direction->bucket[1], 1);
    assert_int_equal(direction->no_header + direction->no_qtype, 0);
    assert_int_equal(counters->message[DNSTAP_CLIENT_RESPONSE], 1);
    assert_int_equal(counters->latency[quantile_bucket(1500000)], 1);
    assert_int_equal(counters->transport_timed[DNSTAP_DOT], 1);
    assert_int_equal(counters->transport_latency_us[DNSTAP_DOT], 1500);
    const uint64_t *steps = stats_steps(counters, DNSTAP_DOT);
    assert_int_equal(steps[quantile_step(quantile_bucket(1500000))], 1);
    assert_int_equal(sum(counters->steps[0], COUNTERS_STEPPED * QUANTILE_STEPS), 1);
    assert_int_equal(counters->direction[STATS_QUERY].events, 0);
}

static void a_query_without_dns_is_counted(void **state)
{
    (void)state;
    struct stats_counters *counters = fresh();
    const struct stats_direction_counters *direction = &counters->direction[STATS_QUERY];
    stats_counters_sample(counters, &(struct stats_sample){.kind.marks = 1 << SAMPLE_NO_DNS,
                                                           .has_latency = true,
                                                           .latency_ns = -5000});
    assert_int_equal(direction->events, 1);
    assert_int_equal(direction->size[0], 1);
    assert_int_equal(direction->transport[0], 1);
    assert_int_equal(direction->family[0], 1);
    assert_int_equal(direction->no_header, 1);
    assert_int_equal(direction->no_qtype, 1);
    assert_int_equal(SUM(direction->rcode) + SUM(direction->opcode) + SUM(direction->qtype), 0);
    assert_int_equal(direction->marks[SAMPLE_NO_DNS], 1);
    assert_int_equal(direction->bucket[0], 1); /* a negative latency is a short one */
    assert_int_equal(direction->latency_sum_us, 0);
    assert_int_equal(SUM(counters->latency) + SUM(counters->transport_timed), 0); /* responses */
    assert_int_equal(SUM(direction->udp_size) + SUM(direction->edns_version), 0);
    assert_int_equal(counters->message[0], 1);
}

/* What no table has an index for. */
static void unknown_values_have_places(void **state)
{
    (void)state;
    struct stats_counters *counters = fresh();
    const struct stats_direction_counters *direction = &counters->direction[STATS_RESPONSE];
    stats_counters_sample(counters, &(struct stats_sample){
                                        .kind.direction = STATS_RESPONSE,
                                        .kind.has_header = true,
                                        .kind.rcode = UINT16_MAX,
                                        .kind.flags = UINT16_MAX,
                                        .length = UINT32_MAX,
                                        .kind.transport = 255,
                                        .kind.family = 255,
                                        .kind.message_type = 255,
                                        .kind.marks = UINT16_MAX,
                                        .kind.udp_size = UINT16_MAX,
                                        .kind.edns_version = 255,
                                        .has_latency = true,
                                        .latency_ns = INT64_MAX,
                                    });
    assert_int_equal(direction->rcode[COUNTERS_RCODES - 1], 1);
    assert_int_equal(direction->opcode[15], 1);
    assert_int_equal(SUM(direction->flags), COUNTERS_FLAGS);
    assert_int_equal(SUM(direction->marks), SAMPLE_MARKS);
    assert_int_equal(direction->size[COUNTERS_SIZES - 1], 1);
    assert_int_equal(direction->transport[0], 1);
    assert_int_equal(direction->family[0], 1);
    assert_int_equal(direction->bucket[COUNTERS_BUCKETS - 1], 1);
    assert_int_equal(counters->message[0], 1);
    assert_int_equal(counters->latency[QUANTILE_BUCKETS - 1], 1);
    assert_int_equal(counters->transport_timed[0], 1);
    assert_int_equal(sum(counters->steps[0], COUNTERS_STEPPED * QUANTILE_STEPS), 0);
    assert_null(stats_steps(counters, 0));
    assert_int_equal(direction->udp_size[COUNTERS_UDP_SIZES - 1], 1);
    assert_int_equal(direction->edns_version[1], 1);
    assert_int_equal(direction->latency_sum_us, UINT32_MAX); /* or a few would make it overflow */
}

/* A bound belongs to the class that it ends. */
static void classes_include_their_bounds(void **state)
{
    (void)state;
    struct stats_counters *counters = fresh();
    const struct stats_direction_counters *direction = &counters->direction[STATS_QUERY];
    for (int i = 0; i < COUNTERS_SIZES - 1; i++) {
        for (uint32_t more = 0; more < 2; more++)
            stats_counters_sample(counters,
                                  &(struct stats_sample){.length = stats_size_bounds[i] + more});
        assert_int_equal(direction->size[i], i ? 2 : 1);
        assert_int_equal(direction->size[i + 1], 1);
    }
    for (int i = 0; i < COUNTERS_BUCKETS - 1; i++) {
        for (int64_t more = 0; more < 2; more++)
            stats_counters_sample(
                counters, &(struct stats_sample){.has_latency = true,
                                                 .latency_ns = stats_bucket_bounds_ns[i] + more});
        assert_int_equal(direction->bucket[i], i ? 2 : 1);
        assert_int_equal(direction->bucket[i + 1], 1);
    }
}

/* What is no more than 512 means 512; between the others nothing is theirs. */
static void udp_sizes_are_those_by_name(void **state)
{
    (void)state;
    static const struct {
        uint16_t size;
        const char *name;
    } cases[] = {{0, "512"},     {512, "512"},    {513, "other"},  {1231, "other"},
                 {1232, "1232"}, {1400, "1400"},  {1452, "1452"},  {4095, "other"},
                 {4096, "4096"}, {4097, "other"}, {65535, "other"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stats_counters *counters = fresh();
        const uint64_t *sizes = counters->direction[STATS_QUERY].udp_size;
        stats_counters_sample(counters, &(struct stats_sample){.kind.marks = 1 << SAMPLE_EDNS,
                                                               .kind.udp_size = cases[i].size});
        for (int n = 0; n < COUNTERS_UDP_SIZES; n++)
            assert_int_equal(sizes[n], strcmp(stats_udp_size_names[n], cases[i].name) == 0);
    }
}

static void count_types(struct stats_counters *counters, unsigned first, unsigned count,
                        unsigned direction)
{
    for (unsigned i = 0; i < count; i++)
        stats_counters_sample(counters, &(struct stats_sample){.kind.direction = (uint8_t)direction,
                                                               .kind.has_qtype = true,
                                                               .qtype = (uint16_t)(first + i)});
}

static void rare_types_have_slots(void **state)
{
    (void)state;
    struct stats_counters *counters = fresh();
    const struct stats_direction_counters *query = &counters->direction[STATS_QUERY];
    const struct stats_direction_counters *response = &counters->direction[STATS_RESPONSE];
    count_types(counters, COUNTERS_QTYPES - 1, 1, STATS_QUERY);
    assert_int_equal(query->qtype[COUNTERS_QTYPES - 1], 1);
    assert_int_equal(SUM(query->rare_qtype), 0);
    count_types(counters, 65280, 100, STATS_QUERY);
    count_types(counters, 65280 + 5, 95, STATS_RESPONSE);
    for (unsigned i = 0; i < COUNTERS_RARE - 1; i++) {
        assert_int_equal(counters->rare_type[i], 65280 + i);
        assert_int_equal(query->rare_qtype[i], 1);
        assert_int_equal(response->rare_qtype[i], i >= 5);
    }
    assert_int_equal(query->rare_qtype[COUNTERS_RARE - 1], 100 - (COUNTERS_RARE - 1));
    assert_int_equal(SUM(response->rare_qtype), 95);
    assert_int_equal(counters->rare_type[COUNTERS_RARE - 1], 0);
}

/* The same type stands in another slot of each; what has none is not lost. */
static void rare_types_merge_by_type(void **state)
{
    (void)state;
    struct stats_counters *into = fresh(), *from = calloc(1, sizeof *from);
    assert_non_null(from);
    count_types(into, 1000, 20, STATS_QUERY);
    count_types(from, 1019, 1, STATS_QUERY);
    count_types(from, 1018, 2, STATS_RESPONSE);
    count_types(from, 40000, 50, STATS_RESPONSE);
    stats_counters_add(into, from);
    assert_int_equal(into->rare_type[19], 1019);
    assert_int_equal(into->direction[STATS_QUERY].rare_qtype[19], 2);
    assert_int_equal(into->direction[STATS_RESPONSE].rare_qtype[19], 1);
    assert_int_equal(into->direction[STATS_RESPONSE].rare_qtype[18], 1);
    assert_int_equal(into->rare_type[20], 40000);
    assert_int_equal(SUM(into->direction[STATS_QUERY].rare_qtype), 21);
    assert_int_equal(SUM(into->direction[STATS_RESPONSE].rare_qtype), 52);
    free(from);
}

/* Every number of a direction is added once, every one behind the directions, too. */
static void all_members_are_added(void **state)
{
    (void)state;
    struct stats_counters *a = fresh(), *b = calloc(1, sizeof *b);
    assert_non_null(b);
    struct random random = {3};
    uint64_t *words[2] = {(uint64_t *)a, (uint64_t *)b};
    const size_t count = offsetof(struct stats_counters, rare_type) / sizeof(uint64_t);
    for (size_t i = 0; i < count; i++)
        words[0][i] = random_u64(&random) >> 8, words[1][i] = random_u64(&random) >> 8;
    for (uint16_t i = 0; i < COUNTERS_RARE - 1; i++)
        a->rare_type[i] = b->rare_type[i] = 1000 + i;
    struct stats_counters *before = malloc(sizeof *before);
    assert_non_null(before);
    *before = *a;
    stats_counters_add(a, b);
    for (size_t i = 0; i < count; i++)
        assert_true(words[0][i] == ((uint64_t *)before)[i] + words[1][i]);
    free(before);
    free(b);
}

static void measures_have_names(void **state)
{
    (void)state;
    for (enum stats_measure i = 0; i < STATS_MEASURES; i++) {
        assert_non_null(stats_measures[i].unit);
        assert_non_null(stats_measures[i].doc);
        assert_int_equal(stats_measure_parse(span_str(stats_measure_name(i))), i);
    }
    assert_null(stats_measure_name(STATS_MEASURES));
    assert_int_equal(stats_measure_parse(span_str("querie")), STATS_MEASURES);
}

static void values_add_up(void **state)
{
    (void)state;
    struct stats_values a = {.of = {1, 2, 3, 4, 5, 6, 7, 8, 90, 10, 11, 12}}, b = a;
    b.of[MEASURE_SLOWEST] = 50;
    stats_values_add(&b, &a);
    for (int i = 0; i < STATS_MEASURES; i++)
        assert_int_equal(b.of[i], i == MEASURE_SLOWEST ? 90 : 2 * (i + 1));
    assert_int_equal(b.of[MEASURE_SLOWEST], 90);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_response_is_counted),
        cmocka_unit_test(a_query_without_dns_is_counted),
        cmocka_unit_test(unknown_values_have_places),
        cmocka_unit_test(classes_include_their_bounds),
        cmocka_unit_test(udp_sizes_are_those_by_name),
        cmocka_unit_test(rare_types_have_slots),
        cmocka_unit_test(rare_types_merge_by_type),
        cmocka_unit_test(all_members_are_added),
        cmocka_unit_test(measures_have_names),
        cmocka_unit_test(values_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
