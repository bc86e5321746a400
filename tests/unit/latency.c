/* Stage `latency`: which response belongs to which query, and how much is remembered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/latency_stage.h"

static void times_of_the_message_win(void **state)
{
    (void)state;
    void *stage = open_stage(64, 1);
    feed(stage, query(100 * SECOND));
    struct event ev = response(102 * SECOND);
    ev.tap.has |= DNSTAP_HAS_QUERY_SEC;
    ev.tap.query_sec = 101;
    ev.tap.query_nsec = 999999999;
    assert_int_equal(feed(stage, ev), 1);
    ev.tap.query_sec = 102; /* its clock went back */
    assert_int_equal(feed(stage, ev), NEGATIVE);
    ev.tap.query_sec = 0; /* a server that says 1970 for "I do not know" */
    assert_int_equal(feed(stage, ev), BEYOND);
    ev.tap.query_sec = 92;
    ev.tap.query_nsec = 0;
    assert_int_equal(feed(stage, ev), WINDOW);
    ev.tap.response_nsec++;
    assert_int_equal(feed(stage, ev), BEYOND);
    hooks()->close(stage);
}

static void response_meets_its_query_once(void **state)
{
    (void)state;
    void *stage = open_stage(64, 1);
    assert_int_equal(feed(stage, query(100 * SECOND + 5)), NONE);
    assert_int_equal(feed(stage, response(100 * SECOND + 12345)), 12340);
    assert_int_equal(feed(stage, response(100 * SECOND + 12345)), NONE);
    hooks()->close(stage);
}

static const uint8_t other_name[] = "\7example\3org";
static const uint8_t six[16] = {0x20, 1, 0xd, 0xb8};

/* Each changes one thing that query and response must agree in. */
static void other_identity(struct event *ev)
{
    ev->tap.identity = span_str("resolver-2");
}
static void no_identity(struct event *ev)
{
    ev->tap.identity = (struct span){0};
}
static void other_client(struct event *ev)
{
    ev->query_address = span_of(server, 4);
}
static void other_server(struct event *ev)
{
    ev->response_address = span_of(six, 16);
}
static void swapped_addresses(struct event *ev)
{
    ev->query_address = span_of(server, 4);
    ev->response_address = span_of(client, 4);
}
static void other_query_port(struct event *ev)
{
    ev->tap.query_port++;
}
static void other_response_port(struct event *ev)
{
    ev->tap.response_port = 853;
}
static void other_protocol(struct event *ev)
{
    ev->tap.protocol = DNSTAP_TCP;
}
static void other_side(struct event *ev)
{
    ev->tap.message_type = DNSTAP_RESOLVER_RESPONSE;
    ev->side = DNSTAP_SIDE_UPSTREAM;
}
static void unknown_type(struct event *ev)
{
    ev->tap.message_type = 20;
    ev->side = DNSTAP_SIDE_UNKNOWN;
}
static void other_id(struct event *ev)
{
    ev->header.id ^= 0x8000;
}
static void other_type(struct event *ev)
{
    ev->question.type = 28;
}
static void other_class(struct event *ev)
{
    ev->question.class = 3;
}
static void other_qname(struct event *ev)
{
    ev->question.name.wire = other_name;
}
static void no_qname(struct event *ev)
{
    ev->question.name.len = 0;
}
static void no_time(struct event *ev)
{
    ev->tap.has &= ~(uint32_t)DNSTAP_HAS_RESPONSE_SEC;
}
static void no_message_type(struct event *ev)
{
    ev->tap.has &= ~(uint32_t)DNSTAP_HAS_MESSAGE_TYPE;
}
static void malformed_question(struct event *ev)
{
    ev->bad = FACET_QUESTION;
}

static void all_of_the_key_counts(void **state)
{
    (void)state;
    static void (*const changes[])(struct event *) = {
        other_identity,   no_identity,         other_client,       other_server, swapped_addresses,
        other_query_port, other_response_port, other_protocol,     other_side,   unknown_type,
        other_id,         other_type,          other_class,        other_qname,  no_qname,
        no_time,          no_message_type,     malformed_question,
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        void *stage = open_stage(64, 1);
        struct event changed = response(100 * SECOND + 1);
        changes[i](&changed);
        feed(stage, query(100 * SECOND));
        assert_int_equal(feed(stage, changed), NONE);
        assert_int_equal(feed(stage, response(100 * SECOND + 1)), 1);
        hooks()->close(stage);
    }
}

/* Responses of an exchange whose one part, of any length, differs in one byte, find no query. */
static void check_every_byte(struct span *(*part)(struct event *), size_t len)
{
    uint8_t bytes[300], other[300];
    memset(bytes, 'x', sizeof bytes);
    memcpy(other, bytes, sizeof bytes);
    void *stage = open_stage(64, 1);
    struct event asked = query(100 * SECOND), same = response(100 * SECOND + 1), changed = same;
    *part(&asked) = *part(&same) = span_of(bytes, len);
    *part(&changed) = span_of(other, len);
    feed(stage, asked);
    for (size_t i = 0; i < len; i++) {
        other[i] = 'y';
        assert_int_equal(feed(stage, changed), NONE);
        other[i] = 'x';
    }
    assert_int_equal(feed(stage, same), 1);
    hooks()->close(stage);
}

static struct span *identity_of(struct event *ev)
{
    return &ev->tap.identity;
}

static struct span *server_of(struct event *ev)
{
    return &ev->response_address;
}

static struct span *client_of(struct event *ev)
{
    return &ev->query_address;
}

static void every_byte_counts(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 300; len++)
        check_every_byte(identity_of, len);
    for (size_t len = 0; len <= 16; len += len ? 12 : 4) {
        check_every_byte(server_of, len);
        check_every_byte(client_of, len);
    }
}

/* Every kind of query with every kind of response: they meet when both are of the side that is
 * asked, or both of the side that asks. Beyond the types that we know each has its own response. */
static void sides_meet(void **state)
{
    (void)state;
    enum { LAST = DNSTAP_UPDATE_RESPONSE + 4 };
    static const char sides[LAST / 2 + 1] = "aqaqqqacd"; /* AUTH RESOLVER CLIENT FORWARDER ... */
    for (int ask = DNSTAP_AUTH_QUERY; ask < LAST; ask += 2) {
        for (int answer = DNSTAP_AUTH_RESPONSE; answer <= LAST; answer += 2) {
            void *stage = open_stage(64, 1);
            bool same = sides[(ask - 1) / 2] == sides[(answer - 1) / 2];
            feed(stage, message(ask, 100 * SECOND));
            assert_int_equal(feed(stage, message(answer, 101 * SECOND)), same ? SECOND : NONE);
            hooks()->close(stage);
        }
    }
}

/* Of what a server asks others its own port does not count, but all the rest does. */
static void own_port_of_an_asker_does_not_count(void **state)
{
    (void)state;
    static void (*const changes[])(struct event *) = {other_query_port, other_response_port,
                                                      other_server, other_id};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        void *stage = open_stage(64, 1);
        struct event answer = message(DNSTAP_RESOLVER_RESPONSE, 101 * SECOND);
        changes[i](&answer);
        feed(stage, message(DNSTAP_RESOLVER_QUERY, 100 * SECOND));
        assert_int_equal(feed(stage, answer), i == 0 ? SECOND : NONE);
        hooks()->close(stage);
    }
}

/* Feeds a query for one name and a response for another; true when they met. */
static bool names_meet(void *stage, const void *asked, const void *answered, size_t len)
{
    struct event ask = query(100 * SECOND), answer = response(101 * SECOND);
    ask.question.name = (struct dns_name){asked, (uint8_t)len};
    answer.question.name = (struct dns_name){answered, (uint8_t)len};
    feed(stage, ask);
    bool met = feed(stage, answer) != NONE;
    /* Leave nothing behind for the next pair. */
    answer.question.name = ask.question.name;
    feed(stage, answer);
    return met;
}

/* Letters match in either case; no other bytes do, and at no place of a name. */
static void names_match_in_any_case(void **state)
{
    (void)state;
    void *stage = open_stage(64, 1);
    for (size_t len = 1; len <= 40; len++) {
        for (size_t at = 0; at < len; at++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                uint8_t a[40], b[40];
                memset(a, 'x', sizeof a);
                a[at] = (uint8_t)byte;
                memcpy(b, a, sizeof b);
                b[at] ^= 0x20;
                bool letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
                assert_int_equal(names_meet(stage, a, b, len), letter);
            }
        }
    }
    hooks()->close(stage);
}

static void window_bounds_the_match(void **state)
{
    (void)state;
    void *stage = open_stage(64, 1);
    feed(stage, query(100 * SECOND));
    assert_int_equal(feed(stage, response(100 * SECOND - 1)), NEGATIVE); /* before it was asked */
    assert_int_equal(feed(stage, response(100 * SECOND + WINDOW + 1)), BEYOND);
    assert_int_equal(feed(stage, response(100 * SECOND + WINDOW)), WINDOW);
    hooks()->close(stage);
}

static void repeated_query_counts_from_the_last(void **state)
{
    (void)state;
    void *stage = open_stage(64, 1);
    feed(stage, query(100 * SECOND));
    feed(stage, query(101 * SECOND));
    assert_int_equal(feed(stage, response(103 * SECOND)), 2 * SECOND);
    assert_int_equal(feed(stage, response(103 * SECOND)), NONE);
    hooks()->close(stage);
}

/* A fifth query takes the place of the first that came, whatever their clocks say. */
static void oldest_makes_room(void **state)
{
    (void)state;
    void *stage = open_stage(4, 1);
    static const int seconds[] = {103, 101, 104, 102, 105};
    for (unsigned i = 0; i < 5; i++)
        feed(stage, numbered(query(seconds[i] * SECOND), i));
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(feed(stage, numbered(response(106 * SECOND), i)),
                         i == 0 ? NONE : (106 - seconds[i]) * SECOND);
    hooks()->close(stage);
}

/* What is remembered depends on the order of the events alone, not on hashes: whatever the size and
 * the key, exactly the last queries are. */
static void exactly_the_last_are_remembered(void **state)
{
    (void)state;
    for (unsigned entries = 1; entries < 200; entries += 7) {
        void *stage = open_stage(entries, 1);
        for (unsigned i = 0; i < 1000; i++)
            feed(stage, numbered(query(100 * SECOND), i));
        for (unsigned i = 0; i < 1000; i++)
            assert_int_equal(feed(stage, numbered(response(101 * SECOND), i)),
                             i < 1000 - entries ? NONE : SECOND);
        hooks()->close(stage);
    }
}

/* Random traffic against a plain list that is searched from its end. */
static void agrees_with_a_plain_list(void **state)
{
    (void)state;
    enum { ENTRIES = 50, NUMBERS = 120, ROUNDS = 20000 };
    void *stage = open_stage(ENTRIES, 1);
    static int list[ROUNDS]; /* the number asked, in order; -1: used up or asked again */
    int asked = 0;
    uint32_t random = 1;
    for (int round = 0; round < ROUNDS; round++) {
        random = random * 1664525 + 1013904223;
        int number = (int)(random >> 16) % NUMBERS, at = asked;
        bool is_query = random >> 12 & 1;
        while (at > 0 && list[--at] != number)
            ;
        bool known = asked > 0 && list[at] == number;
        if (known)
            list[at] = -1;
        known = known && at >= asked - ENTRIES;
        if (is_query) {
            list[asked++] = number;
            feed(stage, numbered(query(100 * SECOND), (unsigned)number));
        } else {
            assert_int_equal(feed(stage, numbered(response(101 * SECOND), (unsigned)number)),
                             known ? SECOND : NONE);
        }
    }
    hooks()->close(stage);
}

/* Of times that no clock shows, the difference is told right, or else there is none. */
static void extreme_times_harm_nobody(void **state)
{
    (void)state;
    static const uint64_t last = 9223372032; /* its nanoseconds, and 2^32 more, fit 63 bits */
    static const struct {
        uint64_t query_sec, response_sec;
        int64_t matched, carried;
    } cases[] = {
        {last - 1, last - 1, 0, 0},
        {0, last - 1, BEYOND, BEYOND},
        {last - 1, 0, NEGATIVE, NEGATIVE},
        {last, last, NONE, 0}, /* so late a query is not remembered */
        {0, last, BEYOND, BEYOND},
        {last, 0, NONE, NEGATIVE},
        {0, UINT64_MAX, BEYOND, BEYOND},
        {UINT64_MAX, 0, NONE, NEGATIVE},
        {UINT64_MAX, UINT64_MAX, NONE, 0},
        {UINT64_MAX - 1, UINT64_MAX, NONE, SECOND},
        {0, UINT64_MAX / 2 + 1, BEYOND, BEYOND},
        {UINT64_MAX / 1000000000 + 1, 0, NONE, NEGATIVE}, /* a product of 64 bits would wrap */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        void *stage = open_stage(4, 1);
        struct event ask = query(0), answer = response(0);
        ask.tap.query_nsec = answer.tap.query_nsec = answer.tap.response_nsec = UINT32_MAX;
        ask.tap.query_sec = answer.tap.query_sec = cases[i].query_sec;
        answer.tap.response_sec = cases[i].response_sec;
        feed(stage, ask);
        assert_int_equal(feed(stage, answer), cases[i].matched);
        answer.tap.has |= DNSTAP_HAS_QUERY_SEC;
        assert_int_equal(feed(stage, answer), cases[i].carried);
        hooks()->close(stage);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_of_the_message_win),
        cmocka_unit_test(response_meets_its_query_once),
        cmocka_unit_test(all_of_the_key_counts),
        cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(sides_meet),
        cmocka_unit_test(own_port_of_an_asker_does_not_count),
        cmocka_unit_test(names_match_in_any_case),
        cmocka_unit_test(window_bounds_the_match),
        cmocka_unit_test(repeated_query_counts_from_the_last),
        cmocka_unit_test(oldest_makes_room),
        cmocka_unit_test(exactly_the_last_are_remembered),
        cmocka_unit_test(agrees_with_a_plain_list),
        cmocka_unit_test(extreme_times_harm_nobody),
    };
    static const uint32_t wants[] = {FACET_LATENCY, FACET_LATENCY | FACET_HASHES,
                                     FACET_LATENCY | FACET_LOSSES};
    int failed = 0;
    for (size_t i = 0; i < sizeof wants / sizeof *wants; i++) {
        wanted = wants[i];
        failed |= cmocka_run_group_tests(tests, NULL, NULL);
    }
    return failed;
}
