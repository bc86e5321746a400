/* A recording's times moved to now. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/hex.h"
#include "cli/retime.h"
#include "wire/dnstap.h"

static const uint64_t SECOND = 1000000000;
static const uint64_t THEN = 1700000000 * UINT64_C(1000000000) + 999999000;
static const uint64_t NOW = 1800000000 * UINT64_C(1000000000) + 2000;

enum { NONE = 0, QUERY = DNSTAP_HAS_QUERY_SEC, RESPONSE = DNSTAP_HAS_RESPONSE_SEC };

/* A message with the times that `has` names, the response's 1.5 ms after the query's. */
static struct buf frame_with(uint32_t type, uint32_t has, uint64_t query_ns)
{
    uint64_t response_ns = query_ns + 1500000;
    struct dnstap tap = {
        .has = DNSTAP_HAS_TYPE | DNSTAP_HAS_MESSAGE | DNSTAP_HAS_MESSAGE_TYPE |
               DNSTAP_HAS_IDENTITY | has | (has & QUERY ? (uint32_t)DNSTAP_HAS_QUERY_NSEC : 0) |
               (has & RESPONSE ? (uint32_t)DNSTAP_HAS_RESPONSE_NSEC : 0),
        .type = 1,
        .identity = span_str("ns1"),
        .message_type = type,
        .query_sec = query_ns / SECOND,
        .query_nsec = (uint32_t)(query_ns % SECOND),
        .response_sec = response_ns / SECOND,
        .response_nsec = (uint32_t)(response_ns % SECOND),
    };
    struct buf out = {0};
    dnstap_encode(&tap, &out);
    return out;
}

/* Both times after the move; false when the frame stays as it is. */
static bool moved(struct retime *retime, struct buf frame, uint64_t *query_ns,
                  uint64_t *response_ns)
{
    struct buf out = {0};
    struct dnstap tap;
    bool changed = retime_frame(retime, buf_span(&frame), &out);
    if (changed) {
        assert_int_equal(dnstap_decode(buf_span(&out), &tap), 0);
        assert_true(span_equal(tap.identity, span_str("ns1")));
        *query_ns = tap.query_sec * SECOND + tap.query_nsec;
        *response_ns = tap.response_sec * SECOND + tap.response_nsec;
    } else {
        assert_int_equal(out.len, 0);
    }
    buf_free(&out);
    buf_free(&frame);
    return changed;
}

/* The first own time becomes now; whatever follows keeps its distance, over a second's edge, too.
 */
static void all_move_alike(void **state)
{
    struct retime retime;
    uint64_t query, response;
    (void)state;
    retime_begin(&retime, NOW);
    assert_true(moved(&retime, frame_with(DNSTAP_CLIENT_QUERY, QUERY, THEN), &query, &response));
    assert_int_equal(query, NOW);
    assert_int_equal(response, 0); /* what was not there does not come */
    assert_true(moved(&retime, frame_with(DNSTAP_CLIENT_RESPONSE, QUERY | RESPONSE, THEN + 7),
                      &query, &response));
    assert_int_equal(query, NOW + 7);
    assert_int_equal(response, NOW + 7 + 1500000);
    assert_true(moved(&retime, frame_with(DNSTAP_CLIENT_QUERY, QUERY, THEN - 3 * SECOND), &query,
                      &response));
    assert_int_equal(query, NOW - 3 * SECOND);
    retime_begin(&retime, NOW + SECOND); /* the next round */
    assert_true(
        moved(&retime, frame_with(DNSTAP_CLIENT_RESPONSE, RESPONSE, THEN), &query, &response));
    assert_int_equal(response, NOW + SECOND);
}

/* Without a time, before one is known, before 1970, past the end of numbers: as it is. */
static void what_cannot_be_moved(void **state)
{
    struct retime retime;
    uint64_t query, response;
    struct buf out = {0};
    (void)state;
    retime_begin(&retime, NOW);
    assert_false(retime_frame(&retime, span_of("\xff\xff", 2), &out));
    assert_int_equal(out.len, 0);
    assert_false(moved(&retime, frame_with(DNSTAP_CLIENT_QUERY, NONE, 0), &query, &response));
    assert_int_equal(retime.first_ns, 0);
    assert_true(
        moved(&retime, frame_with(DNSTAP_CLIENT_QUERY, QUERY, NOW + NOW / 2), &query, &response));
    assert_false(moved(&retime, frame_with(DNSTAP_CLIENT_QUERY, QUERY, 5), &query, &response));
    struct buf absurd = {0};
    struct dnstap tap = {.has = DNSTAP_HAS_TYPE | DNSTAP_HAS_MESSAGE | DNSTAP_HAS_MESSAGE_TYPE |
                                DNSTAP_HAS_QUERY_SEC,
                         .type = 1,
                         .message_type = DNSTAP_CLIENT_QUERY,
                         .query_sec = UINT64_MAX};
    dnstap_encode(&tap, &absurd);
    assert_false(moved(&retime, absurd, &query, &response));
}

/* Seconds alone get their nanoseconds; a field that nobody knows stays. */
static void other_fields(void **state)
{
    struct retime retime;
    struct buf out = {0};
    struct dnstap tap;
    (void)state;
    struct span frame =
        hex_new("72 0d 0805 4080e2cfaa06 a206 02 7e7f" /* field 100, in the message */
                "7801 a206 01 7d");                    /* and around it */
    retime_begin(&retime, NOW);
    assert_true(retime_frame(&retime, frame, &out));
    assert_int_equal(dnstap_decode(buf_span(&out), &tap), 0);
    assert_int_equal(tap.query_sec, NOW / SECOND);
    assert_int_equal(tap.query_nsec, NOW % SECOND);
    struct dnstap_unknown walk = {0};
    assert_true(dnstap_unknown_next(buf_span(&out), &walk));
    assert_true(walk.in_message && span_equal(walk.encoded, span_of("\xa2\x06\2\x7e\x7f", 5)));
    assert_true(dnstap_unknown_next(buf_span(&out), &walk));
    assert_true(!walk.in_message && span_equal(walk.encoded, span_of("\xa2\x06\1\x7d", 4)));
    hex_free(frame);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_move_alike),
        cmocka_unit_test(what_cannot_be_moved),
        cmocka_unit_test(other_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
