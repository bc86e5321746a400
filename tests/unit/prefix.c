/* base/address and base/prefix: from text and back, of both families. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prefix.h"

static void addresses_from_text(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown; /* NULL: it is none */
    } cases[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"2001:DB8::1", "2001:db8::1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"", NULL},
        {"192.0.2", NULL},
        {"192.0.2.1 ", NULL},
        {"fe80::1%eth0", NULL},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555", NULL},
        {"localhost", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t address[ADDRESS_BYTES];
        char text[ADDRESS_TEXT_BYTES];
        bool parsed = address_parse(address, span_str(cases[i].text));
        assert_int_equal(parsed, cases[i].shown != NULL);
        if (parsed)
            assert_string_equal(address_text(text, address), cases[i].shown);
    }
    uint8_t address[ADDRESS_BYTES] = {0};
    assert_false(address_parse(address, span_of("192.0.2.1", 10)));
}

static void prefixes_from_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum prefix_fault fault;
        const char *shown;
    } cases[] = {
        {"192.0.2.0/24", PREFIX_FINE, "192.0.2.0/24"},
        {"192.0.2.1", PREFIX_FINE, "192.0.2.1/32"},
        {"0.0.0.0/0", PREFIX_FINE, "0.0.0.0/0"},
        {"2001:db8::/32", PREFIX_FINE, "2001:db8::/32"},
        {"::/0", PREFIX_FINE, "::/0"},
        {"::1", PREFIX_FINE, "::1/128"},
        {"::ffff:192.0.2.0/120", PREFIX_FINE, "192.0.2.0/24"},
        {"::ffff:0:0/95", PREFIX_LONG, NULL},
        {"192.0.2.1/24", PREFIX_LONG, NULL},
        {"2001:db8::1/64", PREFIX_LONG, NULL},
        {"192.0.2.0/33", PREFIX_BAD, NULL},
        {"::/129", PREFIX_BAD, NULL},
        {"192.0.2.0/", PREFIX_BAD, NULL},
        {"192.0.2.0/2x", PREFIX_BAD, NULL},
        {"/24", PREFIX_BAD, NULL},
        {"", PREFIX_BAD, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct prefix prefix;
        char text[PREFIX_TEXT_BYTES];
        assert_int_equal(prefix_parse(&prefix, span_str(cases[i].text)), cases[i].fault);
        if (cases[i].shown)
            assert_string_equal(prefix_text(text, &prefix), cases[i].shown);
    }
}

static void hold(const char *prefix_is, const char *address_is, bool wanted)
{
    struct prefix prefix;
    uint8_t address[ADDRESS_BYTES];
    assert_int_equal(prefix_parse(&prefix, span_str(prefix_is)), PREFIX_FINE);
    assert_true(address_parse(address, span_str(address_is)));
    assert_int_equal(prefix_holds(&prefix, address), wanted);
}

static void prefixes_hold(void **state)
{
    (void)state;
    hold("192.0.2.0/25", "192.0.2.127", true);
    hold("192.0.2.0/25", "192.0.2.128", false);
    hold("0.0.0.0/0", "203.0.113.9", true);
    hold("0.0.0.0/0", "2001:db8::1", false);
    hold("::/0", "203.0.113.9", true);
    hold("2001:db8::/33", "2001:db8:7fff::1", true);
    hold("2001:db8::/33", "2001:db8:8000::1", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_from_text),
        cmocka_unit_test(prefixes_from_text),
        cmocka_unit_test(prefixes_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
