/* Wrong credentials by who brings them: who is slowed, for how long, and who is not. The clock is
 * the tests' own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>

#include "base/clock.h"
#include "http/failures.h"

static uint64_t time_ns = 1000 * CLOCK_SECOND_NS;
static struct failures *failures;

int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    (void)clock;
    *now = clock_timespec(time_ns);
    return 0;
}

static int set_up(void **state)
{
    struct error err;
    (void)state;
    failures = failures_new(&err);
    return failures ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    failures_free(failures);
    failures_free(NULL);
    return 0;
}

static const struct sockaddr *from(const char *text)
{
    static struct sockaddr_in v4;
    static struct sockaddr_in6 v6;
    v4 = (struct sockaddr_in){.sin_family = AF_INET};
    v6 = (struct sockaddr_in6){.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return (const struct sockaddr *)&v4;
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return (const struct sockaddr *)&v6;
}

static void guess(const char *address, int times)
{
    for (int i = 0; i < times; i++)
        failures_note(failures, from(address));
}

static bool is_slow(const char *address)
{
    return failures_slow(failures, from(address));
}

static void test_allowance(void **state)
{
    (void)state;
    assert_false(is_slow("192.0.2.1"));
    guess("192.0.2.1", 49);
    assert_false(is_slow("192.0.2.1"));
    guess("192.0.2.1", 1);
    assert_true(is_slow("192.0.2.1"));
    assert_true(is_slow("::ffff:192.0.2.1"));
    assert_false(is_slow("192.0.2.2"));
    guess("192.0.2.1", 100000);
    assert_int_equal(failures_count(failures), 100050);
    time_ns += 9 * CLOCK_SECOND_NS;
    assert_true(is_slow("192.0.2.1"));
    guess("192.0.2.1", 1); /* it goes on */
    time_ns += 9 * CLOCK_SECOND_NS;
    assert_true(is_slow("192.0.2.1"));
    time_ns += 2 * CLOCK_SECOND_NS; /* quiet, however many there were */
    assert_false(is_slow("192.0.2.1"));
    guess("192.0.2.1", 49);
    assert_false(is_slow("192.0.2.1"));
}

/* A /64 is one; around it a /56 has four times as many, and a /48 sixteen times. */
static void test_networks(void **state)
{
    char text[64];
    (void)state;
    guess("2001:db8:1:100::1", 25);
    guess("2001:db8:1:100:ffff::2", 25);
    assert_true(is_slow("2001:db8:1:100::3"));
    assert_false(is_slow("2001:db8:1:101::1"));
    for (int i = 1; i < 4; i++) {
        snprintf(text, sizeof text, "2001:db8:1:1%02x::1", i);
        guess(text, 50);
    }
    assert_true(is_slow("2001:db8:1:1ff::1"));
    assert_false(is_slow("2001:db8:1:200::1"));
    for (int i = 0; i < 12; i++) {
        snprintf(text, sizeof text, "2001:db8:1:%x00::1", i + 2);
        guess(text, 50);
    }
    assert_true(is_slow("2001:db8:1:ffff::1"));
    assert_false(is_slow("2001:db8:2::1"));
}

/* Who goes on when it is slowed costs its neighbours nothing more. */
static void test_neighbours(void **state)
{
    (void)state;
    guess("127.0.0.66", 100000);
    assert_true(is_slow("127.0.0.66"));
    assert_false(is_slow("127.0.0.1"));
    guess("2001:db8:1:100::1", 100000);
    assert_true(is_slow("2001:db8:1:100::2"));
    assert_false(is_slow("2001:db8:1:101::1"));
    for (int i = 1; i < 4; i++) {
        char text[64];
        snprintf(text, sizeof text, "2001:db8:1:1%02x::1", i);
        guess(text, 100000);
    }
    assert_true(is_slow("2001:db8:1:1ff::1"));
    assert_false(is_slow("2001:db8:1:200::1"));
}

static void test_loopback(void **state)
{
    (void)state;
    guess("127.0.0.1", 50);
    assert_true(is_slow("127.0.0.1"));
    assert_false(is_slow("127.0.0.2"));
    assert_false(is_slow("::1"));
    guess("::1", 50);
    assert_true(is_slow("::1"));
    for (int i = 0; i < 100; i++) { /* with the hundred above */
        char text[64];
        assert_false(is_slow("127.0.0.2"));
        snprintf(text, sizeof text, "127.1.%d.1", i);
        guess(text, 1);
    }
    assert_true(is_slow("127.2.0.1")); /* one program may have all 2^24 of them */
    assert_true(is_slow("127.0.0.2"));
    assert_false(is_slow("192.0.2.1"));
}

/* However many guess, the table ends; who does it most is still known, others are not slowed. */
static void test_crowd(void **state)
{
    char text[64];
    (void)state;
    for (int i = 0; i < 100000; i++) {
        snprintf(text, sizeof text, "10.%d.%d.%d", i >> 16, i >> 8 & 0xff, i & 0xff);
        guess(text, 1);
        guess("192.0.2.1", 1);
        time_ns += CLOCK_MS_NS;
    }
    assert_true(is_slow("192.0.2.1"));
    assert_false(is_slow(text));
    failures_sweep(failures, time_ns);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(test_allowance), CASE(test_networks),
                                       CASE(test_neighbours), CASE(test_loopback),
                                       CASE(test_crowd)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
