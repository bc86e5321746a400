/* Who can reach a unix socket, by modes and groups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "in/reach.h"

/* A folder in a folder with a file, as root another group's where the row says so. */
static void by_modes(void **state)
{
    static const struct {
        mode_t outer, inner, file;
        const char *trouble; /* NULL: none */
        bool foreign;        /* all of it belongs to another group */
    } rows[] = {
        {0755, 0755, 0666, NULL, false},
        {0711, 0711, 0622, NULL, false},
        {0755, 0755, 0660, "mode 0660", false},
        {0755, 0755, 0600, "mode 0600", false},
        {0755, 0755, 0664, "mode 0664", false},
        {0755, 0700, 0666, "inner has mode 0700", false},
        {0700, 0755, 0666, "outer has mode 0700", false},
        {0755, 0750, 0666, "inner has mode 0750", false},
        {0750, 0750, 0660, NULL, true},
        {0755, 0740, 0660, "inner has mode 0740", true},
        {0755, 0755, 0640, "mode 0640", true},
    };
    char place[] = "/tmp/spile-reach-XXXXXX", outer[64], inner[80], file[96], text[512];
    (void)state;
    assert_non_null(mkdtemp(place));
    assert_int_equal(chmod(place, 0755), 0);
    snprintf(outer, sizeof outer, "%s/outer", place);
    snprintf(inner, sizeof inner, "%s/inner", outer);
    snprintf(file, sizeof file, "%s/tap.sock", inner);
    assert_int_equal(mkdir(outer, 0755) | mkdir(inner, 0755), 0);
    fclose(fopen(file, "w"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gid_t group = rows[i].foreign ? getegid() + 1 : getegid();
        if (rows[i].foreign && geteuid() != 0)
            continue;
        assert_int_equal(chown(outer, -1, group) | chown(inner, -1, group) | chown(file, -1, group),
                         0);
        chmod(outer, rows[i].outer);
        chmod(inner, rows[i].inner);
        chmod(file, rows[i].file);
        text[0] = '\0';
        assert_int_equal(reach_trouble(file, text, sizeof text), rows[i].trouble != NULL);
        if (rows[i].trouble && !strstr(text, rows[i].trouble))
            fail_msg("row %zu: %s", i, text);
    }
    chmod(outer, 0700);
    chmod(inner, 0700);
    unlink(file);
    assert_false(reach_trouble(file, text, sizeof text)); /* there is none: nothing is known */
    rmdir(inner);
    rmdir(outer);
    rmdir(place);
}

/* A group with a name is a way in; that of root is none to propose. */
static void names_the_group(void **state)
{
    char path[] = "/tmp/spile-reach-XXXXXX", text[512];
    const struct group *own = getgrgid(getegid());
    int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, 0660), 0);
    /* The own group may have members here: then this is reachable, and there is nothing to say. */
    if (reach_trouble(path, text, sizeof text)) {
        char advice[128];
        snprintf(advice, sizeof advice, "usermod -aG %s ", own ? own->gr_name : "?");
        assert_int_equal(strstr(text, advice) != NULL, own && getegid() != 0);
    }
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_modes),
                                       cmocka_unit_test(names_the_group)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
