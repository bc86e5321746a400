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
        assert_int_equal(sample.message_type, type);
        assert_int_equal(sample.direction, type & 1 ? STATS_QUERY : STATS_RESPONSE);
        assert_int_equal(sample.side, sides[(type - 1) / 2]);
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
        assert_int_equal(sample.message_type, 0);
        assert_int_equal(sample.direction, types[i] & 1 ? STATS_QUERY : STATS_RESPONSE);
        assert_int_equal(sample.side, STATS_CLIENT);
    }
    struct dnstap tap = frame_query();
    tap.has &= ~(uint32_t)DNSTAP_HAS_MESSAGE_TYPE;
    assert_false(read_tap(&tap, &sample));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_has_its_direction_and_side),
        cmocka_unit_test(unknown_types_count),
    };
    return cmocka_run_group_tests_name("stats_reader", tests, NULL, NULL);
}
