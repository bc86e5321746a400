/* Decimal numbers: whole, checked, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hostport.h"
#include "base/number.h"

static void whole_numbers_are_taken(void **state)
{
    static const struct {
        const char *text;
        uint64_t max, value;
    } good[] = {
        {"0", 0, 0},
        {"007", 7, 7},
        {"4294967294", UINT32_MAX - 1, 4294967294},
        {"18446744073709551615", UINT64_MAX, UINT64_MAX},
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint64_t value = 99;
        assert_true(number_parse(span_str(good[i].text), good[i].max, &value));
        assert_int_equal(value, good[i].value);
    }
}

/* Neither wrapped nor cut: 4294967296 is not 0, and 4294967295 is no user. */
static void all_else_is_refused(void **state)
{
    static const struct {
        const char *text;
        uint64_t max;
    } bad[] = {
        {"", 9},
        {"8", 7},
        {"4294967296", UINT32_MAX},
        {"4294967295", UINT32_MAX - 1},
        {"18446744073709551616", UINT64_MAX},
        {"99999999999999999999999", UINT64_MAX},
        {"-1", UINT64_MAX},
        {"+1", UINT64_MAX},
        {" 1", UINT64_MAX},
        {"1 ", UINT64_MAX},
        {"0x10", UINT64_MAX},
        {"1e3", UINT64_MAX},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t value = 99;
        assert_false(number_parse(span_str(bad[i].text), bad[i].max, &value));
        assert_int_equal(value, 99);
    }
}

static void digits_are_taken_off_the_front(void **state)
{
    struct span text = span_str("64K"), none = span_str("K"),
                long_one = span_str("18446744073709551616K");
    uint64_t value = 99;
    (void)state;
    assert_true(number_take(&text, &value));
    assert_int_equal(value, 64);
    assert_true(span_equal(text, span_str("K")));
    assert_false(number_take(&none, &value));
    assert_false(number_take(&long_one, &value));
    assert_int_equal(long_one.len, 21);
    assert_int_equal(value, 64);
}

static void ports_are_numbers(void **state)
{
    struct hostport there = {0};
    (void)state;
    assert_int_equal(hostport_parse(&there, span_str("localhost:65535")), HOSTPORT_FINE);
    assert_int_equal(there.port, 65535);
    assert_int_equal(hostport_parse(&there, span_str("localhost:65536")), HOSTPORT_BAD_PORT);
    assert_int_equal(hostport_parse(&there, span_str("localhost:4294967376")), HOSTPORT_BAD_PORT);
    assert_int_equal(hostport_parse(&there, span_str("localhost:")), HOSTPORT_BAD_PORT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_are_taken),
        cmocka_unit_test(all_else_is_refused),
        cmocka_unit_test(digits_are_taken_off_the_front),
        cmocka_unit_test(ports_are_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
