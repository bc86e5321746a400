/* Errors of cold paths: text and place, and what a new error makes of an old one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static void assert_line(const struct error *err, const char *wanted)
{
    char line[sizeof err->text + sizeof err->file + 32];
    assert_string_equal(error_line(err, line, sizeof line), wanted);
}

static void test_place(void **state)
{
    struct error err = {0};
    (void)state;
    assert_int_equal(error_set(&err, "unknown key '%s'", "prot"), -1);
    assert_line(&err, "unknown key 'prot'");
    assert_int_equal(error_at(&err, NULL, 3, 7), -1);
    assert_line(&err, "unknown key 'prot'");
    error_at(&err, "a.yaml", 9, 9);
    assert_line(&err, "a.yaml:3:7: unknown key 'prot'");
    error_at(&err, "b.yaml", 1, 1);
    assert_line(&err, "a.yaml:3:7: unknown key 'prot'");
}

static void test_file_alone(void **state)
{
    struct error err = {0};
    (void)state;
    error_set(&err, "no such file");
    error_at(&err, "a.yaml", 0, 0);
    assert_line(&err, "a.yaml: no such file");
}

/* A struct that is used again must not lay a new error at an old one's place. */
static void test_new_error(void **state)
{
    struct error err = {0};
    (void)state;
    error_set(&err, "out of range");
    error_at(&err, "a.yaml", 3, 7);
    error_set(&err, "no memory");
    assert_line(&err, "no memory");
    error_at(&err, "b.yaml", 1, 2);
    assert_line(&err, "b.yaml:1:2: no memory");
}

/* The old text may be a part of the new one. */
static void test_wrapped(void **state)
{
    struct error err = {0};
    (void)state;
    error_set(&err, "no memory");
    error_set(&err, "format text: %s", err.text);
    assert_line(&err, "format text: no memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_place),
        cmocka_unit_test(test_file_alone),
        cmocka_unit_test(test_new_error),
        cmocka_unit_test(test_wrapped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
