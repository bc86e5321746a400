/* Events: facets are decoded when they are needed, once, and marked when they are bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/frame.h"

enum {
    CHAIN = FACET_DNSTAP | FACET_HEADER | FACET_QUESTION | FACET_RECORDS,
    DNS = FACET_HEADER | FACET_QUESTION | FACET_RECORDS,
};

/* The frame stays in `frame`, which the caller frees. */
static struct event event_from(const struct dnstap *tap, struct buf *frame)
{
    struct event ev;
    *frame = (struct buf){0};
    dnstap_encode(tap, frame);
    event_init(&ev, buf_span(frame), NULL);
    return ev;
}

static void test_chain(void **state)
{
    (void)state;
    struct buf frame;
    struct dnstap tap = frame_response();
    struct event ev = event_from(&tap, &frame);
    assert_int_equal(event_need(&ev, FACET_DNSTAP), 0);
    assert_int_equal(ev.have, FACET_DNSTAP);
    assert_int_equal(event_need(&ev, FACET_QUESTION), 0);
    assert_int_equal(ev.have, FACET_DNSTAP | FACET_HEADER | FACET_QUESTION);
    assert_int_equal(ev.question.type, 1);
    assert_int_equal(event_need(&ev, FACET_RECORDS | FACET_LATENCY), 0);
    assert_int_equal(ev.have, CHAIN | FACET_LATENCY);
    assert_true(ev.edns.present);
    assert_int_equal(ev.edns.udp_size, 1232);
    /* Asked again, nothing is decoded again. */
    ev.frame = (struct span){0};
    ev.dns = (struct span){0};
    assert_int_equal(event_need(&ev, CHAIN), 0);
    assert_int_equal(ev.header.ancount, 2);
    buf_free(&frame);
}

/* A query's own direction is query_*, a response's response_*, whatever else it carries. */
static void test_own_direction(void **state)
{
    (void)state;
    struct buf frame;
    struct dnstap tap = frame_response();
    tap.has |= DNSTAP_HAS_QUERY_MESSAGE;
    tap.query_message = FRAME_QUERY;
    struct event ev = event_from(&tap, &frame);
    event_need(&ev, FACET_HEADER);
    assert_true(span_equal(ev.dns, FRAME_RESPONSE));
    uint64_t sec;
    uint32_t nsec;
    assert_true(event_time(&ev, &sec, &nsec));
    assert_int_equal(nsec, tap.response_nsec);
    buf_free(&frame);

    tap.message_type = DNSTAP_RESOLVER_QUERY;
    ev = event_from(&tap, &frame);
    event_need(&ev, FACET_HEADER);
    assert_true(span_equal(ev.dns, FRAME_QUERY));
    buf_free(&frame);
}

/* One form for each address, behind the decoder: so that all who compare them see one client. */
static void test_addresses(void **state)
{
    (void)state;
    struct buf frame;
    struct dnstap tap = frame_query();
    tap.family = DNSTAP_INET6;
    tap.query_address = BYTES("\0\0\0\0\0\0\0\0\0\0\xff\xff\xc6\x33\x64\x07");
    tap.response_address = BYTES("odd");
    struct event ev = event_from(&tap, &frame);
    assert_int_equal(event_need(&ev, FACET_DNSTAP), 0);
    assert_true(span_equal(ev.query_address, frame_query().query_address));
    assert_int_equal(ev.response_address.len, 0);
    assert_non_null(ev.response_address.ptr);
    assert_int_equal(ev.family, DNSTAP_INET);
    assert_int_equal(ev.tap.query_address.len, 16); /* the wire's */
    buf_free(&frame);
}

static void test_sections(void **state)
{
    (void)state;
    static const unsigned counts[] = {[DNS_ANSWER] = 2, [DNS_AUTHORITY] = 1, [DNS_ADDITIONAL] = 1};
    static const unsigned types[] = {[DNS_ANSWER] = 1, [DNS_AUTHORITY] = 2, [DNS_ADDITIONAL] = 41};
    struct buf frame;
    struct dnstap tap = frame_response();
    struct event ev = event_from(&tap, &frame);
    event_need(&ev, FACET_RECORDS);
    for (int section = DNS_ADDITIONAL; section >= DNS_ANSWER; section--) {
        struct dns_walk walk;
        struct dns_rr rr;
        unsigned count = 0;
        event_section(&ev, (enum dns_section)section, &walk);
        for (; dns_walk_next(&walk, &rr); count++) {
            assert_int_equal(rr.section, section);
            assert_int_equal(rr.type, types[section]);
        }
        assert_false(walk.failed);
        assert_int_equal(count, counts[section]);
    }
    buf_free(&frame);
}

/* Each payload, and which facets it spoils. */
static void test_bad_payloads(void **state)
{
    (void)state;
    static const struct {
        struct span payload;
        uint32_t bad;
    } cases[] = {
        {{0}, DNS},
        {BYTES_INIT(""), DNS},
        {BYTES_INIT("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00"), DNS},
        {BYTES_INIT("\x12\x34\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
         0}, /* no question: sound */
        {BYTES_INIT("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"),
         FACET_QUESTION | FACET_RECORDS},
        {BYTES_INIT("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www"),
         FACET_QUESTION | FACET_RECORDS},
        {BYTES_INIT("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01"),
         FACET_QUESTION | FACET_RECORDS},
        {BYTES_INIT("\x12\x34\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01"),
         FACET_RECORDS}, /* the second question is missing */
        {BYTES_INIT("\x12\x34\x01\x00\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00\x01\x00\x01"),
         FACET_RECORDS}, /* the promised answer is missing */
        {BYTES_INIT(
             "\x12\x34\x01\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01\x00\x01\x00\x00\x00"
             "\x00\x00\x05"
             "1234"),
         FACET_RECORDS}, /* its data are cut */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf frame;
        struct dnstap tap = frame_query();
        tap.query_message = cases[i].payload;
        if (!tap.query_message.ptr)
            tap.has &= ~(uint32_t)DNSTAP_HAS_QUERY_MESSAGE;
        struct event ev = event_from(&tap, &frame);
        assert_int_equal(event_need(&ev, CHAIN), cases[i].bad);
        assert_int_equal(ev.have, CHAIN);
        assert_int_equal(event_need(&ev, FACET_HEADER), cases[i].bad & FACET_HEADER);
        buf_free(&frame);
    }
}

/* A frame may be longer than any DNS message: what is too long is not walked. */
static void test_too_long(void **state)
{
    (void)state;
    for (size_t extra = 0; extra <= 1; extra++) {
        uint8_t payload[DNS_MESSAGE_MAX + 1] = {[5] = 1, [7] = 1}; /* one question, one answer */
        size_t rdlen = DNS_MESSAGE_MAX + extra - 12 - 5 - 11;
        payload[12 + 5 + 9] = (uint8_t)(rdlen >> 8);
        payload[12 + 5 + 10] = (uint8_t)rdlen;
        struct buf frame;
        struct dnstap tap = frame_query();
        tap.query_message = span_of(payload, DNS_MESSAGE_MAX + extra);
        struct event ev = event_from(&tap, &frame);
        assert_int_equal(event_need(&ev, CHAIN), extra ? FACET_RECORDS : 0);
        buf_free(&frame);
    }
}

static void test_not_dnstap(void **state)
{
    (void)state;
    struct event ev;
    event_init(&ev, BYTES("\x0a\xff"), NULL);
    assert_int_equal(event_need(&ev, CHAIN | FACET_POLICY), CHAIN | FACET_POLICY);
    assert_int_equal(event_need(&ev, FACET_DNSTAP), FACET_DNSTAP);
}

static void test_policy(void **state)
{
    (void)state;
    struct buf frame, policy = {0};
    struct dnstap tap = frame_query();
    struct event ev = event_from(&tap, &frame);
    assert_int_equal(event_need(&ev, FACET_POLICY), 0);
    assert_int_equal(ev.policy.has, 0);
    assert_int_equal(ev.have, FACET_DNSTAP | FACET_POLICY);
    buf_free(&frame);

    dnstap_policy_encode(
        &(struct dnstap_policy){.has = DNSTAP_POLICY_HAS_ACTION | DNSTAP_POLICY_HAS_TYPE,
                                .action = 4,
                                .type = BYTES("RPZ")},
        &policy);
    tap.has |= DNSTAP_HAS_POLICY;
    tap.policy = buf_span(&policy);
    ev = event_from(&tap, &frame);
    assert_int_equal(event_need(&ev, FACET_POLICY), 0);
    assert_int_equal(ev.policy.action, 4);
    assert_true(span_equal(ev.policy.type, BYTES("RPZ")));
    buf_free(&frame);

    /* A bad policy spoils nothing but itself. */
    tap.policy = BYTES("\x0a\x7f");
    ev = event_from(&tap, &frame);
    assert_int_equal(event_need(&ev, CHAIN | FACET_POLICY), FACET_POLICY);
    buf_free(&frame);
    buf_free(&policy);
}

/* A message without a question has no type, whatever the event's memory had before. */
static void test_no_question(void **state)
{
    (void)state;
    struct buf frame = {0};
    struct event ev;
    struct dnstap tap = frame_query();
    tap.query_message = BYTES("\0\1\1\0\0\0\0\0\0\0\0\0");
    dnstap_encode(&tap, &frame);
    memset(&ev, 0x55, sizeof ev);
    event_init(&ev, buf_span(&frame), NULL);
    assert_int_equal(event_need(&ev, FACET_QUESTION), 0);
    assert_int_equal(ev.question.name.len, 0);
    assert_int_equal(ev.question.type, 0);
    assert_int_equal(ev.question.class, 0);
    buf_free(&frame);
}

/* Of name and client, whatever else the message says; the same for all who know the key. */
static void test_hashes(void **state)
{
    (void)state;
    static const struct siphash_key key = {{0x0123456789abcdef, 0xfedcba9876543210}};
    static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, [12] = 192, 0, 2, 1},
                         v6[16] = {0x20, 1, [15] = 1};
    static const struct {
        struct span payload, address, name, client;
    } rows[] = {
        {BYTES_INIT("\0\1\1\0\0\1\0\0\0\0\0\0\3wWw\2Ab\0\0\1\0\1"), BYTES_INIT("\xc0\0\2\1"),
         BYTES_INIT("\3www\2ab\0"), BYTES_INIT("\xc0\0\2\1")},
        {BYTES_INIT("\0\1\1\0\0\1\0\0\0\0\0\0\0\0\1\0\1"),
         {mapped, 16},
         BYTES_INIT("\0"),
         BYTES_INIT("\xc0\0\2\1")},
        {BYTES_INIT("\0\1\1\0\0\0\0\0\0\0\0\0"), {v6, 16}, {NULL, 0}, {v6, 16}},
        {BYTES_INIT("\0\1\1\0\0\1\0\0\0\0\0\0\3www"), BYTES_INIT("\1\2\3"), {NULL, 0}, {NULL, 0}},
        {BYTES_INIT(""), {NULL, 0}, {NULL, 0}, {NULL, 0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf frame;
        struct dnstap tap = frame_query();
        tap.query_message = rows[i].payload;
        tap.query_address = rows[i].address;
        struct event ev = event_from(&tap, &frame);
        ev.key = &key;
        assert_int_equal(event_need(&ev, FACET_HASHES), 0);
        assert_true(ev.have & FACET_QUESTION);
        assert_true(ev.client_hash == siphash_bytes(&key, rows[i].client));
        assert_true(ev.name_hash ==
                    (rows[i].name.len ? siphash_bytes(&key, rows[i].name) : UINT64_C(0)));
        assert_memory_equal(ev.qname_lower, rows[i].name.ptr, rows[i].name.len);
        buf_free(&frame);
        ev = event_from(&tap, &frame); /* nobody gave a key */
        assert_int_equal(event_need(&ev, FACET_HASHES), FACET_HASHES);
        buf_free(&frame);
    }
}

/* Who asks for facets with all that they are decoded from gets what who asks for them alone does.
 */
static void test_closure(void **state)
{
    (void)state;
    static const struct siphash_key key = {{1, 2}};
    const uint32_t every = FACET_DNSTAP | FACET_HEADER | FACET_QUESTION | FACET_RECORDS |
                           FACET_POLICY | FACET_EDNS | FACET_RCODE | FACET_HASHES;
    for (uint32_t left = every; left; left &= left - 1) {
        uint32_t facet = left & -left, all = event_closure(facet);
        struct buf frame[2];
        struct dnstap tap = frame_query();
        struct event plain = event_from(&tap, &frame[0]), closed = event_from(&tap, &frame[1]);
        plain.key = closed.key = &key;
        assert_int_equal(event_closure(all), all);
        assert_int_equal(event_decode_closed(&closed, all) & facet, event_need(&plain, facet));
        assert_int_equal(closed.have, plain.have);
        assert_int_equal(closed.bad, plain.bad);
        assert_true(closed.have & FACET_DNSTAP);
        buf_free(&frame[0]);
        buf_free(&frame[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain),        cmocka_unit_test(test_own_direction),
        cmocka_unit_test(test_addresses),    cmocka_unit_test(test_sections),
        cmocka_unit_test(test_bad_payloads), cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_not_dnstap),   cmocka_unit_test(test_policy),
        cmocka_unit_test(test_no_question),  cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_closure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
