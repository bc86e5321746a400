/* Endpoints of the command line: parsed, printed, refused; connecting to what listens and what does
 * not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/endpoint.h"

static void parses_and_prints(void **state)
{
    static const struct {
        const char *text;
        enum endpoint_kind kind;
        const char *address;
        uint16_t port;
    } rows[] = {
        {"unix:/run/spile/dnstap.sock", ENDPOINT_UNIX, "/run/spile/dnstap.sock", 0},
        {"unix:relative:with:colons", ENDPOINT_UNIX, "relative:with:colons", 0},
        {"tcp:127.0.0.1:6000", ENDPOINT_TCP, "127.0.0.1", 6000},
        {"tcp:collector.example:65535", ENDPOINT_TCP, "collector.example", 65535},
        {"tcp:localhost:0", ENDPOINT_TCP, "localhost", 0},
        {"tcp:[2001:db8::1]:53", ENDPOINT_TCP, "2001:db8::1", 53},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct endpoint endpoint;
        struct error err;
        char text[ENDPOINT_TEXT_MAX];
        assert_int_equal(endpoint_parse(&endpoint, rows[i].text, &err), 0);
        assert_int_equal(endpoint.kind, rows[i].kind);
        assert_string_equal(endpoint.address, rows[i].address);
        assert_int_equal(endpoint.port, rows[i].port);
        assert_string_equal(endpoint_text(&endpoint, text), rows[i].text);
        assert_true(endpoint_looks_like(rows[i].text));
    }
}

static void brackets_are_for_colons(void **state)
{
    struct endpoint endpoint;
    struct error err;
    (void)state;
    assert_int_equal(endpoint_parse(&endpoint, "tcp:2001:db8::1:53", &err), -1);
    assert_string_equal(err.text, "tcp:2001:db8::1:53: write an IPv6 address in brackets: "
                                  "tcp:[ADDRESS]:PORT");
    assert_int_equal(endpoint_parse(&endpoint, "tcp:[127.0.0.1]:53", &err), -1);
}

static void refuses(void **state)
{
    static const char *const texts[] = {
        "",         "unix:",      "tcp:",        "tcp:host",       "tcp:host:",
        "tcp::53",  "tcp:[]:53",  "tcp:h:65536", "tcp:h:-1",       "tcp:h: 1",
        "tcp:h:1x", "tcp:::1:53", "udp:h:1",     "/run/file.sock", "tcp:h:99999999999999999999",
        "TCP:h:1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct endpoint endpoint = {.port = 4711};
        struct error err = {0};
        assert_int_equal(endpoint_parse(&endpoint, texts[i], &err), -1);
        assert_int_not_equal(err.text[0], 0);
        assert_int_equal(endpoint.port, 4711); /* untouched */
    }
    assert_false(endpoint_looks_like("capture.fstrm"));
    assert_false(endpoint_looks_like("unix"));
}

static void long_addresses(void **state)
{
    char text[600];
    struct endpoint endpoint;
    struct error err;
    (void)state;
    snprintf(text, sizeof text, "unix:%0*d", 107, 0);
    assert_int_equal(endpoint_parse(&endpoint, text, &err), 0);
    snprintf(text, sizeof text, "unix:%0*d", 108, 0);
    assert_int_equal(endpoint_parse(&endpoint, text, &err), -1);
    snprintf(text, sizeof text, "tcp:%0*d:1", 255, 0);
    assert_int_equal(endpoint_parse(&endpoint, text, &err), 0);
    snprintf(text, sizeof text, "tcp:%0*d:1", 256, 0);
    assert_int_equal(endpoint_parse(&endpoint, text, &err), -1);
}

/* A port that listens, then the same one after it has been closed. */
static void connects(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct endpoint endpoint = {.kind = ENDPOINT_TCP, .address = "127.0.0.1"};
    struct error err = {0};
    (void)state;
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    endpoint.port = ntohs(address.sin_port);
    int fd = endpoint_connect(&endpoint, 1000, &err);
    assert_true(fd >= 0);
    close(fd);
    close(listener);
    assert_int_equal(endpoint_connect(&endpoint, 1000, &err), -1);
    assert_non_null(strstr(err.text, "refused"));
}

static void no_such_socket(void **state)
{
    struct endpoint endpoint;
    struct error err;
    (void)state;
    assert_int_equal(endpoint_parse(&endpoint, "unix:/nonexistent/socket", &err), 0);
    assert_int_equal(endpoint_connect(&endpoint, 1000, &err), -1);
    assert_non_null(strstr(err.text, "unix:/nonexistent/socket"));
    assert_int_equal(endpoint_parse(&endpoint, "tcp:name.invalid:1", &err), 0);
    assert_int_equal(endpoint_connect(&endpoint, 1000, &err), -1);
    assert_non_null(strstr(err.text, "tcp:name.invalid:1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_and_prints), cmocka_unit_test(brackets_are_for_colons),
        cmocka_unit_test(refuses),           cmocka_unit_test(long_addresses),
        cmocka_unit_test(connects),          cmocka_unit_test(no_such_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
