/* What a configuration takes over from the running one, and what of it is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/configs.h"

/* --- one for the other ---------------------------------------------------------------------- */

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

/* --- one after the other -------------------------------------------------------------------- */

static void note_name(void *ctx, const char *name)
{
    buf_printf(ctx, "%s ", name);
}

/* What the text, read to follow that one, is told to keep: names with a space behind each. Becomes
 * the running one, unless it is refused: then NULL, and err. */
static const char *follow(struct config **running, const char *text)
{
    static char said[128];
    struct buf told = {0};
    struct config *fresh = config_new(&err);
    assert_non_null(fresh);
    assert_int_equal(config_parse(fresh, text, strlen(text), "f", &err), 0);
    assert_int_equal(config_validate(fresh, &err), 0);
    int status = *running ? config_carry(fresh, *running, true, note_name, &told, &err) : 0;
    config_release(status < 0 ? fresh : *running);
    if (status == 0)
        *running = fresh;
    snprintf(said, sizeof said, "%.*s", (int)told.len, (const char *)told.data);
    buf_free(&told);
    return status < 0 ? NULL : said;
}

/* What cannot change in flight is told each time, for as long as it is to change. */
static void test_each_time(void **state)
{
    struct config *running = NULL;
    (void)state;
    follow(&running, "threads: 2\ndoor: {key: abc, locks: 2}\n");
    for (int i = 0; i < 2; i++) {
        assert_string_equal(follow(&running, "threads: 3\ndoor: {key: abd, locks: 3}\n"),
                            "threads door: locks ");
        assert_string_equal(follow(&running, "threads: 2\n"), "door ");
        assert_string_equal(follow(&running, "threads: 2\ndoor: {key: abc}\n"), "door: locks ");
        assert_int_equal(running->settings.threads, 2);
        assert_string_equal(((struct door *)config_section(running, "door"))->key, "abc");
        assert_int_equal(((struct door *)config_section(running, "door"))->locks, 2);
    }
    assert_string_equal(follow(&running, "threads: 2\ndoor: {key: abc, locks: 2}\n"), "");
    config_release(running);
}

/* A section that nobody wrote is nothing that was to change. */
static void test_unwritten(void **state)
{
    struct config *running = NULL;
    (void)state;
    follow(&running, "threads: 2\n");
    assert_non_null(config_section_add(running, "door", &err));
    for (int i = 0; i < 2; i++)
        assert_string_equal(follow(&running, "threads: 2\n"), "");
    config_release(running);
}

/* What stays keeps its place, too: whoever wants that is to blame. */
static void test_clash(void **state)
{
    static const char fault[] = "file: path: the attic, which stays until the next start, has this "
                                "place already; each needs one of its own";
    struct config *running = NULL;
    (void)state;
    follow(&running, "attic: {path: /x}\n");
    for (int i = 0; i < 2; i++) {
        assert_null(follow(&running, "outputs: [file: {path: /x}]\n"));
        assert_string_equal(err.text, fault);
        assert_null(follow(&running, "attic: {path: /z}\noutputs: [file: {path: /x}]\n"));
        assert_string_equal(err.text, fault);
        assert_int_equal(err.line, 2);
        assert_string_equal(follow(&running, "outputs: [file: {path: /y}]\n"), "attic ");
        assert_string_equal(follow(&running, "attic: {path: /z}\n"), "attic: path ");
    }
    config_release(running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_rows),      CASE(test_sections), CASE(test_each_time),
        CASE(test_unwritten), CASE(test_clash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
