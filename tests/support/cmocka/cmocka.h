/*
 * A small stand-in for cmocka: the macros that our tests use, on plain setjmp. It serves where the
 * library is not at hand (the arm64 cross build, a machine without libcmocka-dev); the build picks
 * it by itself. Counts are printed in cmocka's words, so that tools/check reads both alike.
 */
#ifndef SPILE_TESTS_CMOCKA_H
#define SPILE_TESTS_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*test_func)(void **state);
    int (*setup_func)(void **state);
    int (*teardown_func)(void **state);
    void *initial_state;
};

enum { CM_PASSED, CM_FAILED, CM_SKIPPED };

/* Where a failed assertion of the running test lands; a test program has one thread that asserts.
 */
static jmp_buf cm_return;

__attribute__((noreturn, format(printf, 3, 4), unused)) static void cm_fail(const char *file,
                                                                            int line,
                                                                            const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fprintf(stderr, "%s:%d: error: ", file, line);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    longjmp(cm_return, CM_FAILED);
}

static inline void cm_check(int holds, const char *text, const char *file, int line)
{
    if (!holds)
        cm_fail(file, line, "%s does not hold", text);
}

static inline void cm_check_int(uint64_t a, uint64_t b, int equal, const char *file, int line)
{
    if ((a == b) != equal)
        cm_fail(file, line, "%#llx %s %#llx", (unsigned long long)a,
                equal ? "!=" : "==", (unsigned long long)b);
}

static inline void cm_check_string(const char *a, const char *b, int equal, const char *file,
                                   int line)
{
    if ((strcmp(a, b) == 0) != equal)
        cm_fail(file, line, "\"%s\" %s \"%s\"", a, equal ? "!=" : "==", b);
}

static inline void cm_check_memory(const void *a, const void *b, size_t len, int equal,
                                   const char *file, int line)
{
    if ((memcmp(a, b, len) == 0) != equal)
        cm_fail(file, line, "%zu bytes %s", len, equal ? "differ" : "are the same");
}

static inline void cm_check_range(uint64_t value, uint64_t low, uint64_t high, int inside,
                                  const char *file, int line)
{
    if ((value >= low && value <= high) != inside)
        cm_fail(file, line, "%llu is %s %llu..%llu", (unsigned long long)value,
                inside ? "outside" : "inside", (unsigned long long)low, (unsigned long long)high);
}

/* One test with its set-up and tear-down; CM_PASSED, CM_FAILED or CM_SKIPPED. */
static inline int cm_run(const struct CMUnitTest *test, void *group_state)
{
    void *state = test->initial_state ? test->initial_state : group_state;
    int result;

    if (test->setup_func && test->setup_func(&state))
        return CM_FAILED;
    result = setjmp(cm_return);
    if (result == CM_PASSED)
        test->test_func(&state);
    if (test->teardown_func && test->teardown_func(&state))
        result = CM_FAILED;
    return result;
}

static inline int cm_run_group(const char *group, const struct CMUnitTest *tests, size_t count,
                               int (*setup)(void **), int (*teardown)(void **))
{
    static const char *const words[] = {"       OK ", "  FAILED  ", "  SKIPPED "};
    size_t counts[3] = {0, 0, 0};
    void *state = NULL;

    fprintf(stderr, "[==========] %s: Running %zu test(s).\n", group, count);
    if (setup && setup(&state))
        return 1;
    for (size_t i = 0; i < count; i++) {
        int result = cm_run(&tests[i], state);

        counts[result]++;
        fprintf(stderr, "[%s] %s\n", words[result], tests[i].name);
    }
    if (teardown && teardown(&state))
        counts[CM_FAILED]++;
    for (int i = 0; i < 3; i++) {
        static const char *const totals[] = {"PASSED ", "FAILED ", "SKIPPED"};

        if (counts[i])
            fprintf(stderr, "[  %s ] %zu test(s).\n", totals[i], counts[i]);
    }
    return (int)counts[CM_FAILED];
}

#define cmocka_unit_test(f)                                                                        \
    {                                                                                              \
#f, f, NULL, NULL, NULL                                                                    \
    }
#define cmocka_unit_test_setup_teardown(f, setup, teardown)                                        \
    {                                                                                              \
#f, f, setup, teardown, NULL                                                               \
    }
#define cmocka_unit_test_setup(f, setup)                                                           \
    {                                                                                              \
#f, f, setup, NULL, NULL                                                                   \
    }
#define cmocka_unit_test_teardown(f, teardown)                                                     \
    {                                                                                              \
#f, f, NULL, teardown, NULL                                                                \
    }
#define cmocka_unit_test_prestate(f, state)                                                        \
    {                                                                                              \
#f, f, NULL, NULL, state                                                                   \
    }
#define cmocka_run_group_tests(tests, setup, teardown)                                             \
    cm_run_group(#tests, tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)
#define cmocka_run_group_tests_name(name, tests, setup, teardown)                                  \
    cm_run_group(name, tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)

#define CM_HERE __FILE__, __LINE__
#define CM_INT(x) ((uint64_t)(uintmax_t)(x))
#define CM_PTR(x) ((uint64_t)(uintptr_t)(x))

#define assert_true(c) cm_check(!!(c), #c, CM_HERE)
#define assert_false(c) cm_check(!(c), "not " #c, CM_HERE)
#define assert_null(p) cm_check((p) == NULL, #p " == NULL", CM_HERE)
#define assert_non_null(p) cm_check((p) != NULL, #p " != NULL", CM_HERE)
#define assert_int_equal(a, b) cm_check_int(CM_INT(a), CM_INT(b), 1, CM_HERE)
#define assert_int_not_equal(a, b) cm_check_int(CM_INT(a), CM_INT(b), 0, CM_HERE)
#define assert_ptr_equal(a, b) cm_check_int(CM_PTR(a), CM_PTR(b), 1, CM_HERE)
#define assert_ptr_not_equal(a, b) cm_check_int(CM_PTR(a), CM_PTR(b), 0, CM_HERE)
#define assert_string_equal(a, b) cm_check_string(a, b, 1, CM_HERE)
#define assert_string_not_equal(a, b) cm_check_string(a, b, 0, CM_HERE)
#define assert_memory_equal(a, b, len) cm_check_memory(a, b, len, 1, CM_HERE)
#define assert_memory_not_equal(a, b, len) cm_check_memory(a, b, len, 0, CM_HERE)
#define assert_in_range(v, low, high)                                                              \
    cm_check_range(CM_INT(v), CM_INT(low), CM_INT(high), 1, CM_HERE)
#define assert_not_in_range(v, low, high)                                                          \
    cm_check_range(CM_INT(v), CM_INT(low), CM_INT(high), 0, CM_HERE)
#define assert_return_code(rc, error) cm_check((rc) >= 0, #rc " >= 0", CM_HERE)
#define fail() cm_fail(CM_HERE, "fail()")
#define fail_msg(...) cm_fail(CM_HERE, __VA_ARGS__)
#define skip() longjmp(cm_return, CM_SKIPPED)
#define print_message(...) fprintf(stderr, __VA_ARGS__)
#define print_error(...) fprintf(stderr, __VA_ARGS__)

#endif
