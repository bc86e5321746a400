/* HOST:PORT: what is told apart, what is refused and why, and that text and parts are one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/hostport.h"

static void test_there_and_back(void **state)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
    } rows[] = {
        {"127.0.0.1:6000", "127.0.0.1", 6000},
        {"dns-1.example.net:0", "dns-1.example.net", 0},
        {"a_b:1", "a_b", 1},
        {"[::1]:65535", "::1", 65535},
        {"[2001:db8::1]:53", "2001:db8::1", 53},
        {"[fe80::1%eth0]:53", "fe80::1%eth0", 53},
        {"[::ffff:192.0.2.1]:53", "::ffff:192.0.2.1", 53},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct hostport to;
        char text[HOSTPORT_TEXT_MAX];
        assert_int_equal(hostport_parse(&to, span_str(rows[i].text)), HOSTPORT_FINE);
        assert_true(span_equal(to.host, span_str(rows[i].host)));
        assert_int_equal(to.port, rows[i].port);
        assert_string_equal(hostport_text(text, rows[i].host, rows[i].port), rows[i].text);
    }
}

static void test_faults(void **state)
{
    static const struct {
        const char *text;
        enum hostport_fault fault;
        const char *host; /* NULL: untouched */
    } rows[] = {
        {"192.0.2.1", HOSTPORT_NO_PORT, "192.0.2.1"},
        {"6000", HOSTPORT_NO_PORT, "6000"},
        {"ns1.example.", HOSTPORT_NO_PORT, "ns1.example."},
        {"[::1]", HOSTPORT_NO_PORT, "::1"},
        {"::1", HOSTPORT_NO_BRACKETS, "::1"},
        {"::", HOSTPORT_NO_BRACKETS, "::"},
        {"::1:6000", HOSTPORT_NO_BRACKETS, "::1:6000"},
        {"1:2:3:4:5:6:7:8:53", HOSTPORT_NO_BRACKETS, "1:2:3:4:5:6:7:8:53"},
        {"fe80::1%lo", HOSTPORT_NO_BRACKETS, "fe80::1%lo"},
        {"h:", HOSTPORT_BAD_PORT, NULL},
        {"h:65536", HOSTPORT_BAD_PORT, NULL},
        {"h:18446744073709551617", HOSTPORT_BAD_PORT, NULL},
        {"h:-1", HOSTPORT_BAD_PORT, NULL},
        {"h: 1", HOSTPORT_BAD_PORT, NULL},
        {"h:1x", HOSTPORT_BAD_PORT, NULL},
        {"[::1]:", HOSTPORT_BAD_PORT, NULL},
        {"", HOSTPORT_BAD_HOST, NULL},
        {":1", HOSTPORT_BAD_HOST, NULL},
        {"a b:1", HOSTPORT_BAD_HOST, NULL},
        {"-a:1", HOSTPORT_BAD_HOST, NULL},
        {"/a:1", HOSTPORT_BAD_HOST, NULL},
        {"a:b:1", HOSTPORT_BAD_HOST, NULL},
        {"::1:x", HOSTPORT_BAD_HOST, NULL},
        {":::\x12", HOSTPORT_BAD_HOST, NULL},
        {"[]", HOSTPORT_BAD_HOST, NULL},
        {"[]:1", HOSTPORT_BAD_HOST, NULL},
        {"[:1", HOSTPORT_BAD_HOST, NULL},
        {"[::1]1", HOSTPORT_BAD_HOST, NULL},
        {"[::1:1", HOSTPORT_BAD_HOST, NULL},
        {"[::1%]:1", HOSTPORT_BAD_HOST, NULL},
        {"[127.0.0.1]:1", HOSTPORT_BAD_HOST, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct hostport to = {.port = 4711};
        enum hostport_fault fault = hostport_parse(&to, span_str(rows[i].text));
        struct span host = rows[i].host ? span_str(rows[i].host) : span_of(NULL, 0);
        if (fault != rows[i].fault || !span_equal(to.host, host) || to.port != 4711)
            fail_msg("'%s': %d, not %d", rows[i].text, (int)fault, (int)rows[i].fault);
    }
    struct hostport to;
    assert_int_equal(hostport_parse(&to, span_of(NULL, 0)), HOSTPORT_BAD_HOST);
    assert_int_equal(hostport_parse(&to, span_of("a\0b:53", 6)), HOSTPORT_BAD_HOST);
    assert_int_equal(hostport_parse(&to, span_of("[::1\0]:53", 9)), HOSTPORT_BAD_HOST);
}

static void test_lengths(void **state)
{
    char text[400], out[HOSTPORT_TEXT_MAX];
    struct hostport to;
    (void)state;
    snprintf(text, sizeof text, "%0*d:65535", HOSTPORT_HOST_MAX, 0);
    assert_int_equal(hostport_parse(&to, span_str(text)), HOSTPORT_FINE);
    assert_int_equal(to.host.len, HOSTPORT_HOST_MAX);
    snprintf(text, sizeof text, "%0*d:1", HOSTPORT_HOST_MAX + 1, 0);
    assert_int_equal(hostport_parse(&to, span_str(text)), HOSTPORT_BAD_HOST);
    snprintf(text, sizeof text, "::%0*d", HOSTPORT_HOST_MAX + 50, 0);
    assert_int_equal(strlen(hostport_text(out, text, 65535)), HOSTPORT_TEXT_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
