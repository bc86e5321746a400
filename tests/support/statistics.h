/* Statistics without their thread: events go in as a worker has them, and are merged when a test
 * says so. For test programs of one file. */
#ifndef SPILE_TESTS_STATISTICS_H
#define SPILE_TESTS_STATISTICS_H

#include <cmocka.h>

#include "frame.h"
#include "stats/stats_state.h"

/* What clients ask, of all streams, since the start. */
static const struct stats_scope of_all = {.stream = STATS_ALL};
#define OF_STREAM(id) (&(struct stats_scope){.stream = id})

static inline const struct stats_stream *find_stream(const struct stats_snapshot *snapshot,
                                                     const char *name)
{
    int at = stats_snapshot_find(snapshot, span_str(name));
    return at == STATS_ALL ? NULL : &snapshot->streams[at][STATS_CLIENT];
}

static struct origin stats_test_origin = {.id = 7};

static inline struct stats *new_stats(uint64_t memory, uint64_t streams)
{
    struct error err;
    struct stats_options options = {
        .settings = {.memory = memory, .streams = streams},
        .reader = &stats_native_reader,
        .workers = 2,
    };
    struct stats *stats = stats_new(&options, &err);
    assert_non_null(stats);
    return stats;
}

static enum stats_side sent_side; /* of events that are sent */
static uint64_t sent_ns;          /* the time of events that are sent; 0: they carry none */

/* One event as a worker has it when it is decoded; `text` in any case. `client` is who asks, or on
 * the upstream side who is asked. */
static inline void send_event(struct stats *stats, unsigned worker, const char *stream,
                              const char *text, unsigned client, enum stats_direction direction,
                              uint16_t type, uint8_t rcode, int64_t latency_ns, size_t length)
{
    static const uint8_t zeros[600];
    const uint32_t times = DNSTAP_HAS_QUERY_SEC | DNSTAP_HAS_RESPONSE_SEC;
    uint8_t wire[DNS_NAME_MAX], address[4] = {192, 0, 2, (uint8_t)client};
    size_t len = dns_name_parse(span_str(text), wire);
    struct event ev;
    struct observer observer = stats_observer(stats);
    event_init(&ev, span_str("frame"), &stats_test_origin);
    ev.key = observer.key;
    ev.have = ~(uint32_t)FACET_HASHES;
    ev.tap = (struct dnstap){
        .has = DNSTAP_HAS_MESSAGE_TYPE | (sent_ns ? times : 0),
        .query_sec = sent_ns / CLOCK_SECOND_NS,
        .query_nsec = (uint32_t)(sent_ns % CLOCK_SECOND_NS),
        .response_sec = sent_ns / CLOCK_SECOND_NS,
        .response_nsec = (uint32_t)(sent_ns % CLOCK_SECOND_NS),
        .message_type = (sent_side == STATS_CLIENT ? DNSTAP_CLIENT_QUERY : DNSTAP_RESOLVER_QUERY) +
                        (direction == STATS_RESPONSE),
        .identity = span_str(stream),
        .protocol = DNSTAP_UDP,
        .query_message = span_of(zeros, length),
        .response_message = span_of(zeros, length),
    };
    ev.family = DNSTAP_INET;
    ev.side = sent_side == STATS_CLIENT ? DNSTAP_SIDE_CLIENT : DNSTAP_SIDE_UPSTREAM;
    bool asked = sent_side == STATS_CLIENT;
    ev.query_address = asked ? span_of(address, 4) : BYTES("\x01\x02\x03\x04");
    ev.response_address = asked ? BYTES("\x01\x02\x03\x04") : span_of(address, 4);
    ev.header.flags = ev.rcode = rcode;
    ev.question = (struct dns_question){.name = {wire, (uint8_t)len}, .type = type, .class = 1};
    ev.has_latency = latency_ns >= 0;
    ev.latency_ns = latency_ns;
    event_need(&ev, observer.needs);
    observer.events(observer.state, worker, &ev, 1);
    observer.flush(observer.state, worker); /* `wire` goes now */
}

/* The thread's work, without the thread: a round of collecting, which brings the counters of
 * streams, and with `whole` all; and all that the workers hold. */
static inline void collect_round(struct stats *stats, bool whole)
{
    struct observer observer = stats_observer(stats);
    atomic_store(&stats->round, (atomic_load(&stats->round) | 1) + 1 + whole);
    for (unsigned i = 0; i < stats->worker_count; i++)
        observer.collect(observer.state, i);
    stats_merge_handed(stats);
}

static inline void merge_all(struct stats *stats)
{
    stats_merge_handed(stats);
    for (unsigned i = 0; i < stats->worker_count; i++) {
        struct worker_shards *w = &stats->workers[i];
        shard_settle(w->active);
        stats_merge(stats, w->active);
        listing_clear_shard(stats, w->active);
    }
}

/* A window as its owner has it once it has ended. */
static inline struct stats_window *take_window(struct stats *stats)
{
    struct stats_window *window = stats_window_take(stats, NULL);
    assert_non_null(window);
    stats_window_fold(stats, window);
    stats_window_seal(window);
    return window;
}

#endif
