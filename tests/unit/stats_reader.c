/* What a sample says of an event: direction and side of every type of message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "../support/frame.h"
#include "stats/sample.h"

/* False as the reader has it: the event counts as malformed. */
static bool read_tap(const struct dnstap *tap, struct stats_sample *sample)
{
    static const struct origin origin = {.peer = "unit", .id = 7};
    uint8_t space[SAMPLE_NAME_MAX + 1];
    struct buf frame = {0};
    struct event ev;
    dnstap_encode(tap, &frame);
    event_init(&ev, buf_span(&frame), &origin);
    event_need(&ev, stats_native_reader.needs & ~(uint32_t)FACETS_OF_STAGES);
    memset(sample, 0xff, sizeof *sample); /* the reader fills all of it that is asked for below */
    bool read = stats_native_reader.read(&ev, space, sample);
    buf_free(&frame);
    return read;
}

static void every_type_has_its_direction_and_side(void **state)
{
    (void)state;
    static const uint8_t sides[] = {STATS_CLIENT,   STATS_UPSTREAM, STATS_CLIENT, STATS_UPSTREAM,
                                    STATS_UPSTREAM, STATS_UPSTREAM, STATS_CLIENT};
    for (uint32_t type = DNSTAP_AUTH_QUERY; type <= DNSTAP_UPDATE_RESPONSE; type++) {
        struct dnstap tap = type & 1 ? frame_query() : frame_response();
        struct stats_sample sample;
        tap.message_type = type;
        assert_true(read_tap(&tap, &sample));
        assert_int_equal(sample.kind.message_type, type);
        assert_int_equal(sample.kind.direction, type & 1 ? STATS_QUERY : STATS_RESPONSE);
        assert_int_equal(sample.kind.side, sides[(type - 1) / 2]);
    }
}

/* A type that this version does not know is counted, as what was asked; without a type it is not.
 */
static void unknown_types_count(void **state)
{
    (void)state;
    static const uint32_t types[] = {DNSTAP_UPDATE_RESPONSE + 1, DNSTAP_UPDATE_RESPONSE + 2, 255,
                                     256, UINT32_MAX};
    struct stats_sample sample;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct dnstap tap = frame_query();
        tap.message_type = types[i];
        assert_true(read_tap(&tap, &sample));
        assert_int_equal(sample.kind.message_type, 0);
        assert_int_equal(sample.kind.direction, types[i] & 1 ? STATS_QUERY : STATS_RESPONSE);
        assert_int_equal(sample.kind.side, STATS_CLIENT);
    }
    struct dnstap tap = frame_query();
    tap.has &= ~(uint32_t)DNSTAP_HAS_MESSAGE_TYPE;
    assert_false(read_tap(&tap, &sample));
}

/* NODATA is a response that is whole, says NOERROR and has no answer, unless it refers to others.
 */
static void no_data_is_told_from_a_referral(void **state)
{
    (void)state;
    enum { AUTHORITY = DNS_FLAG_AA, RESOLVER = DNS_FLAG_RD | DNS_FLAG_RA };
    static const struct {
        const char *what;
        uint16_t flags, answers, authority;
        bool nodata;
    } cases[] = {
        {"an authority's, with its SOA", AUTHORITY, 0, 1, true},
        {"a resolver's, with an SOA", RESOLVER, 0, 1, true},
        {"a resolver's, with nothing", RESOLVER, 0, 0, true},
        {"nothing at all", 0, 0, 0, true},
        {"a referral", 0, 0, 13, false},
        {"a referral for who wanted recursion", DNS_FLAG_RD, 0, 2, false},
        {"an answer", AUTHORITY, 1, 0, false},
        {"truncated", AUTHORITY | DNS_FLAG_TC, 0, 0, false},
        {"NXDOMAIN", AUTHORITY | DNS_RCODE_NXDOMAIN, 0, 1, false},
        {"SERVFAIL", RESOLVER | DNS_RCODE_SERVFAIL, 0, 0, false},
        {"of an update", AUTHORITY | DNS_OPCODE_UPDATE << 11, 0, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const uint16_t words[] = {
            7, DNS_FLAG_QR | cases[i].flags, 1, cases[i].answers, cases[i].authority, 0};
        static const uint8_t question[] = "\1x\4test\0\0\1\0\1";
        uint8_t message[sizeof words + sizeof question - 1];
        for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
            message[2 * w] = (uint8_t)(words[w] >> 8);
            message[2 * w + 1] = (uint8_t)words[w];
        }
        memcpy(message + sizeof words, question, sizeof question - 1);
        struct dnstap response = frame_response(), query = frame_query();
        struct stats_sample sample;
        response.response_message = query.query_message = span_of(message, sizeof message);
        assert_true(read_tap(&response, &sample));
        if ((sample.kind.marks >> SAMPLE_NODATA & 1) != cases[i].nodata)
            fail_msg("%s", cases[i].what);
        assert_true(read_tap(&query, &sample)); /* whatever its header says */
        assert_false(sample.kind.marks >> SAMPLE_NODATA & 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_has_its_direction_and_side),
        cmocka_unit_test(unknown_types_count),
        cmocka_unit_test(no_data_is_told_from_a_referral),
    };
    return cmocka_run_group_tests_name("stats_reader", tests, NULL, NULL);
}
