/* What a configuration takes over from the running one, and what of it is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/configs.h"

static struct config next;
static char named[200];

static void tell(void *ctx, const char *name)
{
    size_t len = strlen(named);
    assert_ptr_equal(ctx, &next);
    snprintf(named + len, sizeof named - len, "%s%s", len ? ", " : "", name);
}

/* From the one text to the other. */
static void carry(const char *from, const char *to, bool sections, const char *wanted)
{
    accept_text(from);
    config_free(&next);
    assert_int_equal(config_init(&next, &err), 0);
    assert_int_equal(config_parse(&next, to, strlen(to), "g", &err), 0);
    named[0] = '\0';
    assert_int_equal(config_carry(&next, &config, sections, tell, &next, &err), 0);
    assert_string_equal(named, wanted);
}

static const struct door *door(void)
{
    return config_section(&next, "door");
}

static void test_rows(void **state)
{
    static const char from[] = "threads: 1\nshutdown-time: 1s\ndoor: {locks: 2, key: a}\n",
                      to[] = "threads: 2\nshutdown-time: 2s\ndoor: {locks: 3, key: b}\n";
    (void)state;
    carry(from, to, true, "threads, door: locks");
    assert_int_equal(next.settings.threads, 1);
    assert_int_equal(next.settings.shutdown_ns, UINT64_C(2000000000));
    assert_int_equal(door()->locks, 2);
    assert_string_equal(door()->key, "b");
    carry(from, to, false, "threads");
    assert_int_equal(door()->locks, 3);
    carry(from, from, true, "");
}

/* Where there is no section its options are as by default, and go by that. */
static void test_sections(void **state)
{
    (void)state;
    carry("threads: 1\n", "threads: 1\ndoor: {locks: 2, key: b}\n", true, "door: locks");
    assert_int_equal(door()->locks, 1);
    assert_string_equal(door()->key, "b");
    carry("threads: 1\n", "threads: 1\ndoor: {key: b}\n", true, "");
    carry("door: {key: a, open: false}\n", "threads: 0\n", true, "");
    assert_null(door());
    carry("door: {key: a, locks: 2}\n", "threads: 0\n", true, "door");
    assert_int_equal(door()->locks, 2);
    assert_string_equal(door()->key, "a");
    carry("door: {key: a, locks: 2}\n", "threads: 0\n", false, "");
    assert_null(door());
    config_free(&next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_rows),
        CASE(test_sections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
