/* Numbers, addresses and times as text, against the C library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "../support/random.h"
#include "../support/share.h"
#include "base/clock.h"
#include "base/put.h"

enum { ROUNDS = 200000 };

/* `end` is behind what was written to `text`: nothing may stand there yet. */
static void check(const char *text, char *end, const char *expected)
{
    *end = '\0';
    assert_string_equal(text, expected);
}

static void numbers_of_every_width(void **state)
{
    struct random random = {1};
    char text[64], expected[64];
    for (uint32_t i = 0; i <= UINT16_MAX; i++) {
        snprintf(expected, sizeof expected, "%u", i);
        check(text, put_u16(text, (uint16_t)i), expected);
        check(text, put_u64(text, i), expected);
        if (i <= UINT8_MAX)
            check(text, put_u8(text, (uint8_t)i), expected);
    }
    for (int i = share_of(ROUNDS); i > 0; i--) {
        uint64_t value = random_magnitude(&random);
        snprintf(expected, sizeof expected, "%" PRIu64, value);
        check(text, put_u64(text, value), expected);
    }
    check(text, put_u64(text, UINT64_MAX), "18446744073709551615");
    for (uint64_t power = 10; power < UINT64_MAX / 10; power *= 10) {
        snprintf(expected, sizeof expected, "%" PRIu64 "/%" PRIu64, power - 1, power);
        char *p = put_char(put_u64(text, power - 1), '/');
        check(text, put_u64(p, power), expected);
    }
    (void)state;
}

static void digits_keep_their_width(void **state)
{
    struct random random = {2};
    char text[64], expected[64];
    for (unsigned width = 1; width <= PUT_U64_MAX; width++) {
        for (int i = 0; i < 1000; i++) {
            uint64_t value = random_magnitude(&random);
            snprintf(expected, sizeof expected, "%0*" PRIu64, (int)width, value);
            size_t len = strlen(expected); /* too long ones lose their front */
            check(text, put_digits(text, value, width), expected + (len - width));
            snprintf(expected, sizeof expected, "%06" PRIu64, value % 1000000);
            check(text, put_6digits(text, (uint32_t)(value % 1000000)), expected);
        }
    }
    (void)state;
}

static void hexadecimal(void **state)
{
    uint8_t bytes[256];
    char text[513], expected[513];
    for (unsigned i = 0; i < 256; i++) {
        bytes[i] = (uint8_t)i;
        snprintf(expected + 2 * i, 3, "%02x", i);
    }
    check(text, put_hex(text, bytes, sizeof bytes), expected);
    check(text, put_hex(text, bytes, 0), "");
    (void)state;
}

static void check_ipv6(const uint8_t *bytes)
{
    char text[PUT_IPV6_MAX + 1], expected[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, bytes, expected, sizeof expected);
    check(text, put_ipv6(text, bytes), expected);
}

static void special_ipv6(void **state)
{
    static const char *const special[] = {
        "::",
        "::1",
        "::2",
        "::ffff",
        "::1:0",
        "::1.2.3.4",
        "::0.1.0.0",
        "::255.255.0.0",
        "::ffff:1.2.3.4",
        "::ffff:0:0",
        "::ffff:0:1.2.3.4",
        "64:ff9b::1.2.3.4",
        "1::",
        "1::1",
        "0:1::",
        "1:0:1:0:1:0:1:0",
        "0:1:0:1:0:1:0:1",
        "1:0:0:1::1",
        "1::1:0:0:1",
        "0:0:1::",
        "::1:0:0:0",
        "1:0:0:2:0:0:0:3",
        "1:0:0:0:2:0:0:0",
        "2001:db8::1:0:0:1",
        "fe80::",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "0:0:0:0:0:ffff:0:0",
        "::fffe:1.2.3.4",
        "0:0:0:0:1:ffff:1:2",
        "::abcd:0:0",
    };
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        uint8_t bytes[16];
        assert_int_equal(inet_pton(AF_INET6, special[i], bytes), 1);
        check_ipv6(bytes);
    }
    (void)state;
}

/* Every pattern of zero groups, with groups of one to four digits between. */
static void ipv6_of_every_shape(void **state)
{
    struct random random = {3};
    for (unsigned round = 0; round < 64; round++) {
        for (unsigned zeros = 0; zeros < 256; zeros++) {
            uint8_t bytes[16];
            for (unsigned group = 0; group < 8; group++) {
                unsigned value =
                    (unsigned)(random_u64(&random) >> 48) >> 4 * random_below(&random, 4);
                value = zeros >> group & 1 ? 0 : value;
                if (group == 5 && round % 4 == 0 && value)
                    value = 0xffff;
                bytes[2 * group] = (uint8_t)(value >> 8);
                bytes[2 * group + 1] = (uint8_t)value;
            }
            check_ipv6(bytes);
        }
    }
    (void)state;
}

static void ipv4(void **state)
{
    struct random random = {4};
    for (int i = share_of(ROUNDS); i > 0; i--) {
        uint8_t bytes[4];
        char text[PUT_IPV4_MAX + 1], expected[INET_ADDRSTRLEN];
        random_bytes(&random, bytes, sizeof bytes);
        bytes[i % 4] >>= random_below(&random, 8);
        inet_ntop(AF_INET, bytes, expected, sizeof expected);
        check(text, put_ipv4(text, bytes), expected);
    }
    (void)state;
}

static void check_time(uint64_t sec, uint32_t nsec, struct put_time_cache *cache)
{
    char text[PUT_TIME_MAX + 1], date[32], expected[64];
    time_t when = (time_t)sec;
    struct tm tm;
    assert_non_null(gmtime_r(&when, &tm));
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(expected, sizeof expected, "%s.%09uZ", date, nsec);
    char *end = put_time(text, sec, nsec, cache);
    assert_true(end - text <= PUT_TIME_MAX);
    check(text, end, expected);
}

static void times_as_gmtime_has_them(void **state)
{
    struct random random = {5};
    struct put_time_cache cache = {0};
    const uint64_t last = UINT64_C(253402300799);
    check_time(0, 0, &cache);
    check_time(0, 999999999, &cache);
    check_time(last, 1, &cache);
    for (uint64_t day = 0; day * 86400 < last; day += 7) {
        check_time(day * 86400, 0, &cache);
        check_time(day * 86400 + 86399, 999999999, &cache);
    }
    for (int i = share_of(ROUNDS); i > 0; i--)
        check_time(random_below(&random, last + 1), (uint32_t)random_below(&random, 1000000000),
                   &cache);
    (void)state;
}

/* The cache must not outlive its second, and an empty one must not pass for second 0. */
static void time_cache(void **state)
{
    struct put_time_cache cache = {0};
    for (uint32_t i = 0; i < 1000; i++)
        check_time(1795251042 + i / 100, i, &cache);
    check_time(0, 7, &cache);
    struct put_time_cache fresh = {0};
    check_time(0, 7, &fresh);
    (void)state;
}

static void times_out_of_range(void **state)
{
    struct put_time_cache cache = {0};
    char text[PUT_TIME_MAX + 1];
    check(text, put_time(text, 59, 1000000001, &cache), "1970-01-01T00:01:00.000000001Z");
    check(text, put_time(text, 0, UINT32_MAX, &cache), "1970-01-01T00:00:04.294967295Z");
    const char *end_of_time = "9999-12-31T23:59:59.000000005Z";
    check(text, put_time(text, UINT64_C(253402300800), 5, &cache), end_of_time);
    check(text, put_time(text, UINT64_MAX, 5, &cache), end_of_time);
    check(text, put_time(text, UINT64_MAX, 1000000005, &cache), end_of_time);
    (void)state;
}

static void days_before_1970(void **state)
{
    for (int64_t day = -800000; day < 800000; day += 13) {
        time_t when = (time_t)day * 86400;
        struct tm tm;
        int64_t year;
        unsigned month, mday;
        assert_non_null(gmtime_r(&when, &tm));
        civil_from_days(day, &year, &month, &mday);
        assert_int_equal(year, tm.tm_year + 1900);
        assert_int_equal(month, tm.tm_mon + 1);
        assert_int_equal(mday, tm.tm_mday);
    }
    (void)state;
}

static void clock_saturates(void **state)
{
    assert_true(clock_after(UINT64_MAX) == UINT64_MAX);
    uint64_t now = clock_ns();
    assert_true(clock_after(CLOCK_SECOND_NS) - now < 100 * CLOCK_SECOND_NS);
    struct timespec at = clock_timespec(CLOCK_SECOND_NS * 5 + 7);
    assert_int_equal(at.tv_sec, 5);
    assert_int_equal(at.tv_nsec, 7);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_every_width),
        cmocka_unit_test(digits_keep_their_width),
        cmocka_unit_test(hexadecimal),
        cmocka_unit_test(special_ipv6),
        cmocka_unit_test(ipv6_of_every_shape),
        cmocka_unit_test(ipv4),
        cmocka_unit_test(times_as_gmtime_has_them),
        cmocka_unit_test(time_cache),
        cmocka_unit_test(times_out_of_range),
        cmocka_unit_test(days_before_1970),
        cmocka_unit_test(clock_saturates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
