/* Times for people: UTC, or the zone that the system has, also where it is no whole hours away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/stamp.h"

static void assert_stamp(const char *zone, time_t second, long nsec, const char *wanted)
{
    char text[STAMP_MAX + 1];
    setenv("TZ", zone ? zone : "UTC0", 1);
    tzset();
    *stamp_put(text, (struct timespec){.tv_sec = second, .tv_nsec = nsec}, zone != NULL) = '\0';
    assert_string_equal(text, wanted);
}

static void test_zones(void **state)
{
    (void)state;
    assert_stamp(NULL, 1795251289, 587999999, "2026-11-21T08:54:49.587Z");
    assert_stamp("NST3:30", 1795251289, 587000000, "2026-11-21T05:24:49.587-03:30");
    assert_stamp("NPT-5:45", 1795251289, 0, "2026-11-21T14:39:49.000+05:45");
    assert_stamp("UTC0", 1795251289, 0, "2026-11-21T08:54:49.000+00:00");
    assert_stamp("FAR-24", 1795251289, 0, "2026-11-22T08:54:49.000+24:00");
    assert_stamp(NULL, 0, 0, "1970-01-01T00:00:00.000Z");
    assert_stamp("NST3:30", -1, 1000000, "1969-12-31T20:29:59.001-03:30");
}

/* Nothing is written past what is promised, even of the last year that there is. */
static void test_bounds(void **state)
{
    char text[STAMP_MAX];
    (void)state;
    time_t last = 67767976233532799; /* of the year 2147483647 */
    assert_true(stamp_put(text, (struct timespec){.tv_sec = last}, true) - text <= STAMP_MAX);
    assert_ptr_equal(stamp_put(text, (struct timespec){.tv_sec = INT64_MAX}, false), text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_zones), cmocka_unit_test(test_bounds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
