/* The generator: the same bytes from the same seed, for ever; and traffic that is what it claims.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "cli/gen_traffic.h"
#include "wire/dns.h"

enum { FRAMES = 10000 };

/* The first FRAMES frames of a seed, each behind its length word. */
static struct buf frames_of(uint64_t seed)
{
    struct buf out = {0};
    struct gen_traffic *traffic = malloc(sizeof *traffic);
    assert_non_null(traffic);
    gen_traffic_init(traffic, seed);
    for (int i = 0; i < FRAMES; i++)
        gen_traffic_next(traffic, &out);
    assert_false(out.failed);
    gen_traffic_free(traffic);
    free(traffic);
    return out;
}

/* FNV-1a, 64 bits. */
static uint64_t digest(struct span bytes)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ bytes.ptr[i]) * 0x100000001b3;
    return hash;
}

/* These digests are a promise to users: recordings of a seed must stay what they were. */
static void golden(void **state)
{
    static const struct {
        uint64_t seed, digest;
    } rows[] = {
        {1, 0xc86bc2e251366614},
        {2, 0x3d6a39be6b91aaeb},
        {0xffffffffffffffff, 0x3e8aec7bfb7ef2f2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out = frames_of(rows[i].seed);
        assert_int_equal(digest(buf_span(&out)), rows[i].digest);
        buf_free(&out);
    }
}

static void check_message(struct span message)
{
    struct dns_header header;
    struct dns_walk walk;
    struct dns_rr rr;
    assert_in_range(message.len, GEN_MESSAGE_MIN, GEN_MESSAGE_MAX);
    assert_true(dns_header_decode(message, &header));
    assert_int_equal(dns_walk_init(&walk, message, &header), 0);
    while (dns_walk_next(&walk, &rr))
        continue;
    assert_false(walk.failed);
    assert_int_equal(walk.pos, message.len);
}

/* What was seen in a run of frames. */
struct tally {
    uint64_t messages[16], protocols[8], rcodes[16], families[3];
    uint64_t last_ns;
};

static void check_frame(struct span frame, uint64_t number, struct tally *tally)
{
    struct dnstap tap;
    char extra[32];
    assert_int_equal(dnstap_decode(frame, &tap), 0);
    int len = snprintf(extra, sizeof extra, "seq=%llu", (unsigned long long)number);
    assert_true(span_equal(tap.extra, span_of(extra, (size_t)len)));
    bool query = dnstap_is_query(&tap);
    uint64_t ns = query ? tap.query_sec * 1000000000 + tap.query_nsec
                        : tap.response_sec * 1000000000 + tap.response_nsec;
    assert_true(ns >= tally->last_ns);
    tally->last_ns = ns;
    if (tap.has & DNSTAP_HAS_QUERY_MESSAGE)
        check_message(tap.query_message);
    if (!query) {
        check_message(tap.response_message);
        tally->rcodes[tap.response_message.ptr[3] & 15]++;
    }
    assert_in_range(tap.message_type, 1, 14);
    assert_in_range(tap.protocol, 1, 7);
    assert_in_range(tap.family, 1, 2);
    tally->messages[tap.message_type]++;
    tally->protocols[tap.protocol]++;
    tally->families[tap.family]++;
}

static void realistic(void **state)
{
    (void)state;
    struct buf out = frames_of(3);
    struct cursor c = cursor_of(buf_span(&out));
    struct tally tally = {0};
    for (uint64_t i = 0; i < FRAMES; i++)
        check_frame(cursor_take(&c, cursor_be32(&c)), i, &tally);
    assert_false(c.failed);
    assert_int_equal(cursor_left(&c), 0);
    for (int i = 1; i <= 14; i++)
        assert_true(tally.messages[i] > 20);
    for (int i = 1; i <= 7; i++)
        assert_true(tally.protocols[i] > 5);
    assert_true(tally.families[1] > FRAMES / 2 && tally.families[2] > FRAMES / 5);
    assert_true(tally.rcodes[0] > FRAMES / 4);                 /* NOERROR */
    assert_true(tally.rcodes[3] > FRAMES / 50);                /* NXDOMAIN */
    assert_true(tally.rcodes[2] > 10 && tally.rcodes[5] > 10); /* SERVFAIL, REFUSED */
    buf_free(&out);
}

/* The order of a heap with equal times must be the same on every machine. */
static void seeds_differ(void **state)
{
    (void)state;
    struct buf one = frames_of(4), again = frames_of(4), other = frames_of(5);
    assert_true(span_equal(buf_span(&one), buf_span(&again)));
    assert_false(span_equal(buf_span(&one), buf_span(&other)));
    buf_free(&one);
    buf_free(&again);
    buf_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),
        cmocka_unit_test(realistic),
        cmocka_unit_test(seeds_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
