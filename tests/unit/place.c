/* Places: which hosts are in each other's way, what is loopback, and what can be made where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/place.h"

static void test_hosts(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } pairs[] = {
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.2", false},
        {"127.0.0.1", "0.0.0.0", true},
        {"127.0.0.1", "::", true}, /* which takes IPv4, too */
        {"127.0.0.1", "::ffff:127.0.0.1", true},
        {"127.0.0.1", "localhost", true},
        {"LOCALHOST", "localhost", true},
        {"::1", "0.0.0.0", false},
        {"::1", "::", true},
        {"::1", "0:0:0:0:0:0:0:1", true},
        {"0.0.0.0", "::", true},
        {"192.0.2.1", "2001:db8::1", false},
        {"some.name.invalid", "some.NAME.invalid", true},
        {"some.name.invalid", "127.0.0.1", false}, /* nobody is asked */
    };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        bool there = place_same_host(pairs[i].a, pairs[i].b, false);
        if (there != pairs[i].same || place_same_host(pairs[i].b, pairs[i].a, false) != there)
            fail_msg("%s and %s", pairs[i].a, pairs[i].b);
    }
}

static void test_loopback(void **state)
{
    (void)state;
    assert_int_equal(place_loopback("127.0.0.1", false), 1);
    assert_int_equal(place_loopback("127.255.0.9", false), 1);
    assert_int_equal(place_loopback("::1", false), 1);
    assert_int_equal(place_loopback("::ffff:127.0.0.1", false), 1);
    assert_int_equal(place_loopback("localhost", false), 1);
    assert_int_equal(place_loopback("0.0.0.0", false), 0);
    assert_int_equal(place_loopback("::", false), 0);
    assert_int_equal(place_loopback("192.0.2.1", false), 0);
    assert_int_equal(place_loopback("::ffff:192.0.2.1", false), 0);
    assert_int_equal(place_loopback("some.name.invalid", false), -1);
}

static int append(const char *path, struct error *err)
{
    return place_append(path, FOLDER_APPENDS, err);
}

static bool are_one(const char *a, const char *b)
{
    struct place_file x = place_file(a), y = place_file(b);
    return place_same_file(&x, &y);
}

static void test_files(void **state)
{
    char folder[] = "/tmp/spile-place-XXXXXX";
    struct error err;
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    close(open("file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    assert_int_equal(mkdir("sub", 0700), 0);
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_int_equal(link("file", "sub/other"), 0);
    assert_int_equal(append("file", &err), 0);
    assert_int_equal(append("new", &err), 0);
    assert_int_equal(append("sub/new", &err), 0);
    assert_int_equal(append("sub", &err), -1);
    assert_string_equal(err.text, "sub: Is a directory");
    assert_int_equal(append("file/new", &err), -1);
    assert_int_equal(append("nowhere/new", &err), PLACE_LACKS); /* somebody may make the folder */
    assert_string_equal(err.text, "nowhere/: No such file or directory");
    assert_int_equal(symlink("new", "sub/to-new") + symlink("../file", "sub/to-file"), 0);
    assert_int_equal(append("sub/to-new", &err), -1); /* links are not followed */
    assert_int_equal(append("sub/to-file", &err), -1);
    assert_string_equal(err.text, "sub/to-file: it is a link: name the file that it leads to");
    assert_int_equal(unlink("sub/to-new") + unlink("sub/to-file"), 0);
    assert_int_equal(chmod("sub", 0777), 0);
    assert_int_equal(append("sub/new", &err), -1);
    assert_int_equal(place_socket("sub/new", &err), -1);
    assert_non_null(strstr(err.text, "others may write to the folder sub"));
    assert_int_equal(chmod("sub", 01777), 0);
    assert_int_equal(append("sub/new", &err), 0);
    assert_int_equal(chmod("sub", 0700), 0);
    assert_int_equal(mknod("socket", S_IFSOCK | 0600, 0), 0);
    assert_int_equal(append("socket", &err), -1); /* it cannot be opened */
    assert_int_equal(append("fifo", &err), 1);
    int both = open("fifo", O_RDWR | O_CLOEXEC), writer = open("fifo", O_WRONLY | O_CLOEXEC);
    assert_int_equal(append("fifo", &err), 0);
    close(both);
    assert_int_equal(append("fifo", &err), 1); /* a writer is no reader */
    close(writer);
    assert_int_equal(unlink("socket"), 0);
    assert_int_equal(place_read("file", &err), 0);
    assert_int_equal(place_read("sub", &err), -1);
    assert_int_equal(place_read("new", &err), -1);
    assert_int_equal(place_socket("new", &err), 0);
    assert_int_equal(place_socket("file", &err), -1);
    assert_int_equal(place_socket("nowhere/new", &err), PLACE_LACKS);
    assert_true(are_one("file", "sub/../file"));
    assert_true(are_one("file", "sub/other")); /* by another name */
    assert_true(are_one("new", "./new"));
    assert_true(are_one("sub/new", "sub/../sub/new"));
    assert_false(are_one("new", "sub/new"));
    assert_false(are_one("new", "file"));
    assert_false(are_one("fifo", "fifo")); /* many may write there */
    assert_false(are_one("/dev/null", "/dev/null"));
    assert_int_equal(access("new", F_OK), -1); /* nothing was made */
    assert_int_equal(unlink("file") + unlink("sub/other") + unlink("fifo") + rmdir("sub"), 0);
    assert_int_equal(chdir("/") + rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
