/* Messages for the stage `latency`, on its own, and what it makes of them. */
#ifndef SPILE_TESTS_LATENCY_STAGE_H
#define SPILE_TESTS_LATENCY_STAGE_H

#include <string.h>

#include "core/stage.h"

extern const struct module stage_latency;

#define SECOND INT64_C(1000000000)
#define WINDOW (10 * SECOND)

static inline const struct stage_hooks *hooks(void)
{
    return stage_latency.hooks;
}

/* The facets that somebody wants of the stages below; the program decides by them how a query and
 * its response are matched. */
static uint32_t wanted = FACET_LATENCY | FACET_LOSSES;

static inline void *open_stage(uint64_t entries, unsigned workers)
{
    struct settings settings = {.latency_entries = entries, .latency_window_ns = WINDOW};
    struct stage_options options = {.settings = &settings, .workers = workers, .wanted = wanted};
    struct error err;
    void *state = NULL;
    uint32_t needs = 0;
    assert_int_equal(hooks()->open(&state, &options, &needs, &err), 0);
    return state;
}

static const uint8_t client[] = {192, 0, 2, 1}, server[] = {192, 0, 2, 53};
static const uint8_t name[] = "\7example\3com";
static const struct siphash_key key = {{1, 2}};

/* A message of `type` at `ns`, all facets decoded. */
static inline struct event message(enum dnstap_message_type type, int64_t ns)
{
    struct event ev;
    event_init(&ev, span_str("frame"), NULL);
    ev.key = &key;
    ev.have = FACET_DNSTAP | FACET_HEADER | FACET_QUESTION;
    ev.tap = (struct dnstap){.message_type = type,
                             .protocol = DNSTAP_UDP,
                             .query_port = 5353,
                             .response_port = 53,
                             .identity = span_str("resolver-1")};
    ev.query_address = span_of(client, 4);
    ev.response_address = span_of(server, 4);
    ev.tap.has = DNSTAP_HAS_MESSAGE_TYPE;
    ev.side = (uint8_t)dnstap_side(type);
    if (type & 1) {
        ev.tap.has |= DNSTAP_HAS_QUERY_SEC;
        ev.tap.query_sec = (uint64_t)(ns / SECOND);
        ev.tap.query_nsec = (uint32_t)(ns % SECOND);
    } else {
        ev.tap.has |= DNSTAP_HAS_RESPONSE_SEC;
        ev.tap.response_sec = (uint64_t)(ns / SECOND);
        ev.tap.response_nsec = (uint32_t)(ns % SECOND);
    }
    ev.header.id = 4711;
    ev.question = (struct dns_question){.name = {name, sizeof name}, .type = 1, .class = 1};
    return ev;
}

static inline struct event query(int64_t ns)
{
    return message(DNSTAP_CLIENT_QUERY, ns);
}

static inline struct event response(int64_t ns)
{
    return message(DNSTAP_CLIENT_RESPONSE, ns);
}

/* One exchange of many. */
static inline struct event numbered(struct event ev, unsigned number)
{
    ev.header.id = (uint16_t)number;
    ev.tap.query_port = 1024 + (number >> 16);
    return ev;
}

/* About one name of many, which lies in `wire`. */
enum { NUMBERED_NAME = 9 };
static inline struct event about(struct event ev, uint8_t wire[NUMBERED_NAME], unsigned number)
{
    memcpy(wire, "\7.......", NUMBERED_NAME);
    for (int i = 0; i < 7; i++, number /= 10)
        wire[1 + i] = (uint8_t)('0' + number % 10);
    ev.question.name = (struct dns_name){wire, NUMBERED_NAME};
    return ev;
}

/* What feed returns where there is no latency: because there is no query, or why it is left out. */
#define NONE INT64_MIN
#define NEGATIVE (INT64_MIN + LEFT_OUT_NEGATIVE)
#define BEYOND (INT64_MIN + LEFT_OUT_BEYOND)

/* The latency that the stage gives on that worker, or one of these. */
static inline int64_t feed_by(void *state, unsigned worker, struct event ev)
{
    assert_int_equal(hooks()->event(state, worker, &ev), STAGE_PASS);
    assert_false(ev.has_latency && ev.left_out);
    return ev.has_latency ? ev.latency_ns : NONE + ev.left_out;
}

static inline int64_t feed(void *state, struct event ev)
{
    return feed_by(state, 0, ev);
}

#endif
