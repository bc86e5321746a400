/* dnstap: protobuf's rules for odd messages, every field, unknown ones, names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "../support/hex.h"
#include "wire/dnstap.h"

/* Decodes exactly these bytes; the spans of `tap` are good for their length and NULL-ness only. */
static int decode(const char *hex, struct dnstap *tap)
{
    struct span frame = hex_new(hex);
    int status = dnstap_decode(frame, tap);
    hex_free(frame);
    return status;
}

static void the_whole_schema(void **state)
{
    struct span frame = hex_new("0a01 61 1202 6262 1a03 636363"       /* identity, version, extra */
                                "72 42"                               /* message */
                                "0806 1002 1807"                      /* type, family, protocol */
                                "2204 01020304 2a02 0506"             /* addresses */
                                "30 b960 38 35"                       /* ports */
                                "40 e2b685d806 4d 78563412"           /* query time */
                                "5203 010203 5a01 00"                 /* message, zone */
                                "60 ffffffffffffffffff01 6d ffffff7f" /* response time */
                                "7201 7f 7a02 1803 8001 02"           /* message, policy, HTTP */
                                "7801");
    struct dnstap tap;
    assert_int_equal(dnstap_decode(frame, &tap), 0);
    assert_int_equal(tap.has, DNSTAP_HAS_UNKNOWN - 1); /* all of them */
    assert_true(span_equal(tap.identity, span_str("a")));
    assert_true(span_equal(tap.version, span_str("bb")));
    assert_true(span_equal(tap.extra, span_str("ccc")));
    assert_int_equal(tap.type, 1);
    assert_int_equal(tap.message_type, DNSTAP_CLIENT_RESPONSE);
    assert_false(dnstap_is_query(&tap));
    assert_int_equal(tap.family, DNSTAP_INET6);
    assert_int_equal(tap.protocol, DNSTAP_DOQ);
    assert_true(span_equal(tap.query_address, span_str("\1\2\3\4")));
    assert_true(span_equal(tap.response_address, span_str("\5\6")));
    assert_int_equal(tap.query_port, 12345);
    assert_int_equal(tap.response_port, 53);
    assert_int_equal(tap.query_sec, 1795251042);
    assert_int_equal(tap.query_nsec, 0x12345678);
    assert_true(span_equal(tap.query_message, span_str("\1\2\3")));
    assert_true(span_equal(tap.query_zone, span_of("", 1)));
    assert_true(tap.response_sec == UINT64_MAX);
    assert_int_equal(tap.response_nsec, 0x7fffffff);
    assert_true(span_equal(tap.response_message, span_str("\x7f")));
    assert_int_equal(tap.http_protocol, DNSTAP_HTTP2);
    struct dnstap_policy policy;
    assert_int_equal(dnstap_policy_decode(tap.policy, &policy), 0);
    assert_int_equal(policy.has, DNSTAP_POLICY_HAS_ACTION);
    assert_int_equal(policy.action, 3);
    struct buf out = {0};
    dnstap_encode(&tap, &out);
    assert_true(span_equal(buf_span(&out), frame)); /* in field order, so byte for byte */
    buf_free(&out);
    hex_free(frame);
    (void)state;
}

static void nothing_at_all(void **state)
{
    struct dnstap tap;
    memset(&tap, 0xff, sizeof tap);
    assert_int_equal(dnstap_decode((struct span){0}, &tap), 0);
    assert_int_equal(tap.has, 0);
    assert_null(tap.identity.ptr);
    assert_int_equal(tap.query_sec, 0);
    assert_int_equal(decode("7801 7200", &tap), 0); /* an empty message is a message */
    assert_int_equal(tap.has, DNSTAP_HAS_TYPE | DNSTAP_HAS_MESSAGE);
    (void)state;
}

/* Zero-length fields are there, and empty. */
static void zero_length_everything(void **state)
{
    struct dnstap tap;
    assert_int_equal(decode("0a00 1200 1a00 720e 2200 2a00 5200 5a00 7200 7a00 0800 7800", &tap),
                     0);
    const struct span *spans[] = {&tap.identity,      &tap.version,          &tap.extra,
                                  &tap.query_address, &tap.response_address, &tap.query_message,
                                  &tap.query_zone,    &tap.response_message, &tap.policy};
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        assert_non_null(spans[i]->ptr);
        assert_int_equal(spans[i]->len, 0);
    }
    struct dnstap_policy policy;
    assert_int_equal(dnstap_policy_decode((struct span){0}, &policy), 0);
    assert_int_equal(policy.has, 0);
    (void)state;
}

static void last_one_wins(void **state)
{
    struct dnstap tap;
    assert_int_equal(decode("0a0161 7801 0a026262 7802 7206 0805 0806 0807", &tap), 0);
    assert_int_equal(tap.identity.len, 2);
    assert_int_equal(tap.type, 2);
    assert_int_equal(tap.message_type, 7);
    (void)state;
}

static void messages_merge(void **state)
{
    struct dnstap tap;
    assert_int_equal(decode("7204 0805 1801 7801 7204 0806 1002", &tap), 0);
    assert_int_equal(tap.message_type, 6);
    assert_int_equal(tap.family, 2);
    assert_int_equal(tap.protocol, 1);
    (void)state;
}

/* dnsdist's order, the reverse order, and tags longer than need be. */
static void any_order(void **state)
{
    struct dnstap tap;
    assert_int_equal(decode("7801 7212 0805 1801 1001 220101 30 35 2a0102 38 36 40 07", &tap), 0);
    assert_int_equal(tap.query_port, 0x35);
    assert_int_equal(tap.response_port, 0x36);
    assert_int_equal(tap.query_sec, 7);
    assert_int_equal(decode("7801 7208 3836 3035 1001 0805 1a00", &tap), 0);
    assert_int_equal(tap.message_type, 5);
    assert_int_equal(tap.query_port, 0x35);
    assert_int_equal(decode("f800 01 f200 04 8800 06 10 02"
                            "",
                            &tap),
                     -1); /* the length says 4, so the last is cut off */
    assert_int_equal(decode("f800 01 f200 05 8800 06 10 02", &tap), 0);
    assert_int_equal(tap.message_type, 6);
    assert_int_equal(tap.family, 2);
    assert_int_equal(tap.type, 1);
    (void)state;
}

static void wide_values_are_cut(void **state)
{
    struct dnstap tap;
    assert_int_equal(
        decode("7801 7219 08 8580808010 18 ffffffffffffffffff01 30 b5808080f0ff01", &tap), 0);
    assert_int_equal(tap.message_type, 5);
    assert_int_equal(tap.protocol, UINT32_MAX);
    assert_int_equal(tap.query_port, 0x35);
    (void)state;
}

/* Ports of one to five bytes, with nothing behind them or much, and longer than need be. */
static void numbers_of_every_length(void **state)
{
    (void)state;
    static const uint32_t values[] = {0,       1,       127,       128,       16383,     16384,
                                      2097151, 2097152, 268435455, 268435456, UINT32_MAX};
    static const uint32_t extras[] = {0, DNSTAP_HAS_QUERY_NSEC,
                                      DNSTAP_HAS_QUERY_NSEC | DNSTAP_HAS_TYPE};
    struct dnstap tap;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        for (size_t k = 0; k < sizeof extras / sizeof *extras; k++) {
            const struct dnstap sent = {.has =
                                            DNSTAP_HAS_MESSAGE | DNSTAP_HAS_QUERY_PORT | extras[k],
                                        .type = 1,
                                        .query_port = values[i],
                                        .query_nsec = 999999999};
            struct buf out = {0};
            dnstap_encode(&sent, &out);
            uint8_t *alone = malloc(out.len); /* nothing may be read behind it */
            assert_non_null(alone);
            memcpy(alone, out.data, out.len);
            assert_int_equal(dnstap_decode(span_of(alone, out.len), &tap), 0);
            assert_int_equal(tap.has, sent.has);
            assert_int_equal(tap.query_port, values[i]);
            assert_int_equal(tap.query_nsec, extras[k] ? 999999999 : 0);
            if (values[i] >= 128) /* the number's last byte is missing, or more */
                assert_int_equal(dnstap_decode(span_of(alone, out.len - 1), &tap), -1);
            free(alone);
            buf_free(&out);
        }
    }
    assert_int_equal(decode("7203 30 8000", &tap), 0);
    assert_int_equal(tap.query_port, 0);
    assert_int_equal(decode("7205 30 85808000", &tap), 0);
    assert_int_equal(tap.query_port, 5);
    assert_int_equal(decode("7203 30 8080", &tap), -1);
}

/* Type, family and protocol are taken together where they stand so, and one by one elsewhere. */
static void heads_of_messages(void **state)
{
    (void)state;
    static const struct {
        const char *frame;
        uint32_t type, family, protocol, port;
    } rows[] = {
        {"7206 0805 1001 1802", 5, 1, 2, 0},
        {"7208 0805 1001 1802 3035", 5, 1, 2, 0x35},
        {"7209 088501 1001 1802 3035", 133, 1, 2, 0x35},
        {"7209 0805 108101 1802 3035", 5, 129, 2, 0x35},
        {"7209 0805 1001 188201 3035", 5, 1, 130, 0x35},
        {"7208 0805 1802 1001 3035", 5, 1, 2, 0x35},
        {"720a 0805 1001 1802 0806 3035", 6, 1, 2, 0x35},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dnstap tap;
        assert_int_equal(decode(rows[i].frame, &tap), 0);
        assert_int_equal(tap.message_type, rows[i].type);
        assert_int_equal(tap.family, rows[i].family);
        assert_int_equal(tap.protocol, rows[i].protocol);
        assert_int_equal(tap.query_port, rows[i].port);
        assert_int_equal(tap.has & DNSTAP_HAS_UNKNOWN, 0);
    }
}

/* A known number with another wire type is an unknown field. */
static void wire_type_mismatch(void **state)
{
    struct dnstap tap;
    assert_int_equal(decode("08 05 7a 01 61 7209 0d 01020304 22 00 10 05", &tap), 0);
    assert_int_equal(tap.has, DNSTAP_HAS_MESSAGE | DNSTAP_HAS_QUERY_ADDRESS | DNSTAP_HAS_FAMILY |
                                  DNSTAP_HAS_UNKNOWN);
    (void)state;
}

static void malformed_frames(void **state)
{
    static const char *const bad[] = {
        "0a",
        "0a05 6161",
        "0aff",
        "78",
        "7880",
        "78ffffffffffffffffffff01",
        "7205 0805",
        "7202 0a05",
        "7201 08",
        "00",
        "07",
        "0e 00",
        "0f 00",
        "0c",
        "0b",
        "7201 4d",
        "7205 4d 010203",
        "7203 2205 61",
        "0affffffff0f",
        "0a ffffffffffffffffff01",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct dnstap tap;
        assert_int_equal(decode(bad[i], &tap), -1);
    }
    (void)state;
}

static void malformed_policy(void **state)
{
    struct dnstap_policy policy = {.has = 77};
    struct span bytes = hex_new("0a05 61");
    assert_int_equal(dnstap_policy_decode(bytes, &policy), -1);
    assert_int_equal(policy.has, 77);
    hex_free(bytes);
    (void)state;
}

static void unknown_fields_are_listed(void **state)
{
    struct span frame = hex_new("2001 0a0161 7209 0805 8a0102 6262 1805 7801 f00763");
    struct {
        uint32_t field;
        bool in_message;
        size_t len;
    } expected[] = {{4, false, 2}, {17, true, 5}, {126, false, 3}};
    struct dnstap tap;
    struct dnstap_unknown walk = {0};
    assert_int_equal(dnstap_decode(frame, &tap), 0);
    assert_true(tap.has & DNSTAP_HAS_UNKNOWN);
    for (size_t i = 0; i < 3; i++) {
        assert_true(dnstap_unknown_next(frame, &walk));
        assert_int_equal(walk.field, expected[i].field);
        assert_int_equal(walk.in_message, expected[i].in_message);
        assert_int_equal(walk.encoded.len, expected[i].len);
    }
    assert_false(dnstap_unknown_next(frame, &walk));
    assert_false(dnstap_unknown_next(frame, &walk));
    struct buf out = {0};
    struct span again = hex_new("0a0161 7209 0805 1805 8a0102 6262 7801 2001 f00763");
    dnstap_encode_over(&tap, frame, &out);
    assert_true(span_equal(buf_span(&out), again));
    buf_free(&out);
    hex_free(again);
    hex_free(frame);
    (void)state;
}

/* The walk stops where a frame is malformed, wherever that is. */
static void unknown_fields_of_malformed_frames(void **state)
{
    static const char *const bad[] = {"2001 72", "2001 7205 20", "2001 20", "2001 7202 20ff 2001",
                                      "2001 7201 08"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct span frame = hex_new(bad[i]);
        struct dnstap_unknown walk = {0};
        assert_true(dnstap_unknown_next(frame, &walk));
        assert_int_equal(walk.field, 4);
        assert_false(dnstap_unknown_next(frame, &walk));
        assert_false(dnstap_unknown_next(frame, &walk));
        hex_free(frame);
    }
    (void)state;
}

/* Lengths around the sizes where a length takes one byte more. */
static void long_messages_are_encoded(void **state)
{
    static uint8_t bytes[70000];
    static const size_t lens[] = {0,   1,     122,   123,   124,   125,   126,   127,
                                  128, 16378, 16379, 16380, 16381, 16384, 65535, 70000};
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        struct dnstap tap = {.has = DNSTAP_HAS_MESSAGE | DNSTAP_HAS_QUERY_MESSAGE}, decoded;
        struct buf out = {0};
        tap.query_message = span_of(bytes, lens[i]);
        dnstap_encode(&tap, &out);
        assert_int_equal(dnstap_decode(buf_span(&out), &decoded), 0);
        assert_int_equal(decoded.has, tap.has);
        assert_int_equal(decoded.query_message.len, lens[i]);
        buf_free(&out);
    }
    (void)state;
}

static void policies_come_back(void **state)
{
    struct dnstap_policy policy = {.has = 31, .action = 6, .match = 5}, decoded;
    struct buf out = {0};
    policy.type = span_str("RPZ");
    policy.rule = span_of("\3bad\0", 5);
    policy.value = span_str("");
    dnstap_policy_encode(&policy, &out);
    assert_int_equal(dnstap_policy_decode(buf_span(&out), &decoded), 0);
    assert_int_equal(decoded.has, 31);
    assert_int_equal(decoded.action, 6);
    assert_int_equal(decoded.match, 5);
    assert_true(span_equal(decoded.type, policy.type));
    assert_true(span_equal(decoded.rule, policy.rule));
    assert_true(span_equal(decoded.value, policy.value));

    /* A field that it does not know is told by a bit, and listed. */
    struct cursor cursor;
    struct span encoded;
    uint32_t field = 0;
    buf_put(&out, "\x48\x05", 2);
    assert_int_equal(dnstap_policy_decode(buf_span(&out), &decoded), 0);
    assert_int_equal(decoded.has, 31 | DNSTAP_POLICY_HAS_UNKNOWN);
    cursor = cursor_of(buf_span(&out));
    assert_true(dnstap_policy_unknown_next(&cursor, &field, &encoded));
    assert_int_equal(field, 9);
    assert_true(span_equal(encoded, span_of("\x48\x05", 2)));
    assert_false(dnstap_policy_unknown_next(&cursor, &field, &encoded));
    assert_false(cursor.failed);
    buf_free(&out);
    (void)state;
}

static void every_type_has_a_side(void **state)
{
    (void)state;
    for (uint32_t type = DNSTAP_AUTH_QUERY; type <= DNSTAP_UPDATE_RESPONSE; type++) {
        const char *name = dnstap_message_type_name(type);
        bool asked = strncmp(name, "CLIENT_", 7) == 0 || strncmp(name, "AUTH_", 5) == 0 ||
                     strncmp(name, "UPDATE_", 7) == 0;
        assert_int_equal(dnstap_side(type), asked ? DNSTAP_SIDE_CLIENT : DNSTAP_SIDE_UPSTREAM);
    }
    assert_int_equal(dnstap_side(0), DNSTAP_SIDE_UNKNOWN);
    assert_int_equal(dnstap_side(DNSTAP_UPDATE_RESPONSE + 1), DNSTAP_SIDE_UNKNOWN);
    assert_int_equal(dnstap_side(UINT32_MAX), DNSTAP_SIDE_UNKNOWN);
}

static void names(void **state)
{
    assert_string_equal(dnstap_type_name(1), "MESSAGE");
    assert_string_equal(dnstap_message_type_name(DNSTAP_AUTH_QUERY), "AUTH_QUERY");
    assert_string_equal(dnstap_message_type_name(DNSTAP_UPDATE_RESPONSE), "UPDATE_RESPONSE");
    assert_string_equal(dnstap_side_name(DNSTAP_SIDE_CLIENT), "client");
    assert_string_equal(dnstap_side_name(DNSTAP_SIDE_UPSTREAM), "upstream");
    assert_null(dnstap_side_name(DNSTAP_SIDE_UNKNOWN));
    assert_string_equal(dnstap_family_name(DNSTAP_INET6), "INET6");
    assert_string_equal(dnstap_protocol_name(DNSTAP_DNSCRYPT_UDP), "DNSCryptUDP");
    assert_string_equal(dnstap_http_protocol_name(DNSTAP_HTTP3), "HTTP3");
    assert_string_equal(dnstap_policy_action_name(6), "LOCAL_DATA");
    assert_string_equal(dnstap_policy_match_name(5), "NS_IP");
    const char *(*const all[])(uint32_t) = {dnstap_message_type_name,  dnstap_family_name,
                                            dnstap_protocol_name,      dnstap_http_protocol_name,
                                            dnstap_policy_action_name, dnstap_policy_match_name,
                                            dnstap_type_name};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        assert_null(all[i](0));
        assert_null(all[i](15));
        assert_null(all[i](UINT32_MAX));
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_schema),
        cmocka_unit_test(nothing_at_all),
        cmocka_unit_test(zero_length_everything),
        cmocka_unit_test(last_one_wins),
        cmocka_unit_test(messages_merge),
        cmocka_unit_test(any_order),
        cmocka_unit_test(numbers_of_every_length),
        cmocka_unit_test(heads_of_messages),
        cmocka_unit_test(wide_values_are_cut),
        cmocka_unit_test(wire_type_mismatch),
        cmocka_unit_test(malformed_frames),
        cmocka_unit_test(malformed_policy),
        cmocka_unit_test(unknown_fields_are_listed),
        cmocka_unit_test(unknown_fields_of_malformed_frames),
        cmocka_unit_test(long_messages_are_encoded),
        cmocka_unit_test(policies_come_back),
        cmocka_unit_test(every_type_has_a_side),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
