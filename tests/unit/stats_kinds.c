/* stats/shard.c: what many events have in common is counted once for all of them, and the counters
 * are the same as if each had been counted by itself, however many kinds there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "../support/random.h"
#include "../support/statistics.h"

enum { STREAMS = 3, ROUNDS = 4000 };
static const char *const stream_names[STREAMS] = {"a", "ns2.example", "an identity of many bytes"};

static struct stats_counters wanted[STREAMS][STATS_SIDES];

/* `variety`: of how many values each field of the header has one. */
static void make_event(struct random *r, struct event *ev, unsigned stream, unsigned variety)
{
    static const uint8_t zeros[600], address[4] = {192, 0, 2, 1};
    static const uint8_t name[] = "\4name\4test";
    event_init(ev, span_str("frame"), &stats_test_origin);
    ev->have = ~(uint32_t)FACET_HASHES;
    ev->tap = (struct dnstap){
        .has = DNSTAP_HAS_MESSAGE_TYPE,
        .message_type = 1 + (uint32_t)random_below(r, 16),
        .identity = span_str(stream_names[stream]),
        .protocol = (uint32_t)random_below(r, 8),
        .query_message = span_of(zeros, random_below(r, sizeof zeros)),
        .response_message = span_of(zeros, random_below(r, sizeof zeros)),
    };
    ev->family = (uint32_t)random_below(r, 4);
    ev->side = (uint8_t)dnstap_side(ev->tap.message_type);
    ev->query_address = ev->response_address = span_of(address, sizeof address);
    ev->header.flags = (uint16_t)(random_below(r, variety) * 0x9e37);
    ev->header.qdcount = 1;
    ev->header.ancount = random_below(r, 2);
    ev->rcode = (uint16_t)random_below(r, variety);
    ev->edns.present = random_below(r, 2);
    ev->edns.version = (uint8_t)random_below(r, 2);
    ev->edns.udp_size = (uint16_t)random_below(r, variety);
    ev->bad = random_below(r, 8) ? 0 : FACET_HEADER | FACET_QUESTION | FACET_EDNS;
    ev->question = (struct dns_question){.name = {name, sizeof name},
                                         .type = (uint16_t)random_below(r, COUNTERS_QTYPES)};
    ev->has_latency = random_below(r, 2);
    ev->latency_ns = (int64_t)random_below(r, 1 << 30);
    ev->context = (uint8_t)random_below(r, 16);
    ev->left_out = LEFT_OUT_NOT;
}

static void note(const struct stats *stats, struct event *ev, unsigned stream)
{
    uint8_t space[SAMPLE_NAME_MAX + 1];
    struct stats_sample sample;
    if (stats->reader->read(ev, space, &sample))
        stats_counters_sample(&wanted[stream][sample.kind.side], &sample);
}

static void check(struct stats *stats)
{
    merge_all(stats);
    struct stats_snapshot *snapshot = stats_photograph(stats);
    assert_int_equal(snapshot->stream_count, STREAMS);
    for (unsigned i = 0; i < STREAMS; i++) {
        int at = stats_snapshot_find(snapshot, span_str(stream_names[i]));
        assert_in_range(at, 0, STREAMS - 1);
        const struct stats_stream *got = snapshot->streams[at];
        for (int side = 0; side < STATS_SIDES; side++)
            assert_memory_equal(&got[side].counters, &wanted[i][side], sizeof wanted[i][side]);
    }
    stats_release(snapshot);
}

/* Now few kinds, now more than there is room for. */
static void test_kinds_add_up(void **state)
{
    (void)state;
    static const unsigned varieties[] = {1, 3, 60000};
    struct random r = {20261130};
    struct stats *stats = new_stats(32 << 20, 4 * STREAMS);
    struct observer observer = stats_observer(stats);
    struct event *events = calloc(OBSERVER_EVENTS, sizeof *events);
    assert_non_null(events);
    memset(wanted, 0, sizeof wanted);
    for (int round = 0; round < ROUNDS; round++) {
        size_t count = 1 + random_below(&r, OBSERVER_EVENTS);
        for (size_t i = 0; i < count; i++) {
            unsigned stream = (unsigned)random_below(&r, STREAMS);
            make_event(&r, &events[i], stream, varieties[round * 3 / ROUNDS]);
            events[i].key = observer.key;
            event_need(&events[i], observer.needs);
            note(stats, &events[i], stream);
        }
        observer.events(observer.state, random_below(&r, 2), events, count);
        if (random_below(&r, 100) == 0)
            collect_round(stats, random_below(&r, 2));
        if (random_below(&r, 400) == 0)
            check(stats);
    }
    check(stats);
    free(events);
    stats_free(stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
