/* What a configuration has from elsewhere: files that it includes, variables, secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/configs.h"

static char folder[] = "/tmp/spile-texts-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 && mkdir("sub", 0700) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return chdir("/") || system(command);
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* The file "f", with that text, is refused. */
static void refuse_file(const char *text, const char *expected)
{
    char line[1024];
    put("f", text);
    config_free(&config);
    assert_int_equal(config_init(&config, &err), 0);
    if (config_load(&config, "f", &err) == 0)
        assert_int_equal(config_validate(&config, &err), -1);
    assert_string_equal(error_line(&err, line, sizeof line), expected);
}

static void load_file(const char *path)
{
    char line[1024];
    config_free(&config);
    assert_int_equal(config_init(&config, &err), 0);
    if (config_load(&config, path, &err) || config_validate(&config, &err))
        fail_msg("%s", error_line(&err, line, sizeof line));
}

/* --- include -------------------------------------------------------------------------------- */

/* Lists are put together in the order of the includes, then the file's own; paths are relative to
 * the file that has them. */
static void test_include(void **state)
{
    static const char *const wanted[] = {"/deep", "/b", "/a", "/z", "/own"};
    (void)state;
    put("sub/deep.yaml", "outputs: [file: {path: /deep}]\ndoor: {key: abc}\n");
    put("sub/b.yaml", "include: deep.yaml\nthreads: 2\noutputs: [file: {path: /b}]\n");
    put("sub/2.part", "outputs: [file: {path: /z}]\n");
    put("sub/1.part", "outputs: [file: {path: /a}]\n");
    put("sub/.hidden.part", "elephant: 1\n");
    put("sub/other", "elephant: 1\n");
    put("f", "outputs: [file: {path: /own}]\ncompat: none\n"
             "include: [sub/b.yaml, 'sub/*.part', 'sub/*.none']\n");
    load_file("f");
    assert_int_equal(config.output_count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(((const struct wire *)config.outputs[i].options)->path, wanted[i]);
    assert_int_equal(config.settings.threads, 2);
    assert_non_null(config_section(&config, "door"));
    assert_string_equal(config.outputs[0].at.file, "sub/deep.yaml");
    assert_string_equal(config.outputs[4].at.file, "f");
    char path[64];
    snprintf(path, sizeof path, "%s/f", folder);
    load_file(path);
    assert_int_equal(config.output_count, 5);
}

static void test_bad_includes(void **state)
{
    (void)state;
    put("sub/x.yaml", "threads: 2\ndoor:\n");
    put("sub/y.yaml", "door:\nthreads: 3\n");
    put("sub/bad.yaml", "outputs:\n  - stdout: {when-full: bock}\n");
    put("sub/late.yaml", "door: {key: abc, open: true}\n");
    put("sub/syntax.yaml", "outputs: [\n");
    put("sub/self.yaml", "include: ../f\n");
    refuse_file("include: nowhere.yaml\n", "f:1:10: nowhere.yaml: No such file or directory");
    refuse_file("include: ['nowhere/*']\n", "f:1:11: nowhere/: No such file or directory");
    refuse_file("include: 'nowhere*/x'\n",
                "f:1:10: only the last part of a path may have *, ? or [");
    refuse_file("include: ''\n", "f:1:10: a path is missing");
    refuse_file("include:\n", "f:1:9: 'include' has no value");
    refuse_file("include: {a: b}\n",
                "f:1:10: 'include' is one value, not names with values (name: value)");
    refuse_file("include: sub\n", "f:1:10: sub: Is a directory");
    refuse_file("include: /dev/null\n", "f:1:10: /dev/null: this is no file");
    refuse_file("threads: 1\ninclude: sub/x.yaml\n",
                "f:1:1: 'threads' is given twice, first in line 1 of sub/x.yaml");
    refuse_file("include: [sub/x.yaml, sub/y.yaml]\n",
                "sub/y.yaml:1:1: 'door' is given twice, first in line 2 of sub/x.yaml");
    refuse_file("include: sub/x.yaml\ninclude: sub/bad.yaml\n",
                "f:2:1: 'include' is given twice, first in line 1");
    refuse_file("include: sub/bad.yaml\n",
                "sub/bad.yaml:2:25: when-full: unknown value 'bock'; did you mean 'block'?");
    refuse_file("include: sub/late.yaml\n", "sub/late.yaml:1:24: door: an open door needs no key");
    refuse_file(
        "include: sub/syntax.yaml\n",
        "sub/syntax.yaml:2:1: above this a '[' or '{' has no end; what stands behind a # is "
        "a comment");
    refuse_file("include: f\n", "f:1:10: f includes itself");
    refuse_file("include: sub/self.yaml\n", "sub/self.yaml:1:10: sub/../f includes itself");
    put("sub/late.yaml", "outputs: [file: {path: /a}]\n");
    refuse_file(
        "include: sub/late.yaml\noutputs: [file: {path: /a}]\n",
        "f:2:24: file: path: the file in line 1 of sub/late.yaml has this place already; each "
        "needs one of its own");
}

static void test_include_limits(void **state)
{
    char name[32], text[64];
    (void)state;
    for (int i = 1; i <= 17; i++) {
        snprintf(name, sizeof name, "sub/d%d", i);
        snprintf(text, sizeof text, i < 16 ? "include: d%d\n" : "threads: 1\n", i + 1);
        put(name, text);
    }
    put("f", "include: sub/d1\n");
    load_file("f");
    put("sub/d16", "include: d17\n");
    refuse_file("include: sub/d1\n", "sub/d16:1:10: more than 16 files include each other");
    for (int i = 0; i < 256; i++) {
        snprintf(name, sizeof name, "sub/n%d.many", i);
        put(name, "");
    }
    refuse_file("include: 'sub/*.many'\n", "f:1:10: more than 256 files are included");
    unlink("sub/n0.many");
    put("f", "include: 'sub/*.many'\n");
    load_file("f");
}

/* --- variables ------------------------------------------------------------------------------ */

static void test_variables(void **state)
{
    static const struct {
        const char *written, *read;
    } cases[] = {
        {"${SPILE_A}", "one"},
        {"x${SPILE_A}y${SPILE_A}", "xoneyone"},
        {"${SPILE_NONE:-two}", "two"},
        {"a${SPILE_NONE:-}", "a"},
        {"${SPILE_EMPTY:-three}", "three"},
        {"b${SPILE_EMPTY}", "b"},
        {"${SPILE_A:-no}", "one"},
        {"$$", "$"},
        {"$${SPILE_A}", "${SPILE_A}"},
        {"$$$$", "$$"},
        {"$", "$"},
        {"a$b", "a$b"},
        {"$SPILE_A", "$SPILE_A"},
        {"${SPILE_NONE:-a:-b$}", "a:-b$"},
        {"${SPILE_YAML}", "'], tcp: {loud: true}"}, /* is no YAML any more */
        {"${SPILE_DOLLAR}", "${SPILE_A}"},
    };
    char text[256];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, "inputs: [tcp: {names: ['%s']}]\n", cases[i].written);
        accept_text(text);
        assert_string_equal(wire_of(0)->names.items[0], cases[i].read);
    }
    accept_text("threads: ${SPILE_NUMBER}\noutputs: [stdout: {fields: ['${SPILE_A}', b]}]\n"
                "inputs: [tcp: {neighbours: [{address: '${SPILE_HOST:-h}:${SPILE_NUMBER}'}]}]\n");
    assert_int_equal(config.settings.threads, 7);
    assert_string_equal(common_of(0)->fields, "one,b");
    const struct neighbour *neighbour = wire_of(0)->neighbours.items;
    assert_string_equal(neighbour->address.host, "h");
    assert_int_equal(neighbour->address.port, 7);
    put("one.part", "threads: 3\n");
    accept_text("include: ${SPILE_A}.part\n");
    assert_int_equal(config.settings.threads, 3);
}

static void test_bad_variables(void **state)
{
    static const char *const bad[] = {"${",     "${}",    "${1A}", "${A B}",
                                      "${A-b}", "${:-a}", "${A",   "${A:b}"};
    char text[64];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(text, sizeof text, "inputs: [tcp: {names: ['%s']}]\n", bad[i]);
        refuse(text, "f:1:24: behind ${ stand a variable's name and a }, as in ${NAME} or "
                     "${NAME:-default}; a dollar is written $$");
    }
    refuse("threads: ${SPILE_NONE}\n",
           "f:1:10: the variable SPILE_NONE is not set in the environment of this process; "
           "${SPILE_NONE:-default} would do without");
    refuse("threads: ${SPILE_A}\n", "f:1:10: threads: 'one' is not a number, from 0 to 256");
    refuse("${SPILE_A}: 1\n",
           "f:1:1: unknown key '${SPILE_A}'; there are: inputs, stages, outputs, "
           "include, threads, frame-max, partial-max, gather-time, "
           "latency-entries, latency-window, shutdown-time, log-time, compat, "
           "compat-control, door, attic");
}

/* --- secrets -------------------------------------------------------------------------------- */

static const char *key(void)
{
    return ((const struct door *)config_section(&config, "door"))->key;
}

static void test_secrets(void **state)
{
    (void)state;
    put("sub/key", "se$$cret\n");
    put("sub/two", "two\n\n");
    accept_text("door: {key: {file: sub/key}}\n");
    assert_string_equal(key(), "se$$cret");
    accept_text("door: {key: {file: sub/two}}\n");
    assert_string_equal(key(), "two\n");
    accept_text("door: {key: {env: SPILE_A}}\n");
    assert_string_equal(key(), "one");
    accept_text("door: {key: '${SPILE_A}'}\n");
    assert_string_equal(key(), "one");
    accept_text("door: {key: {credential: key}}\n");
    assert_string_equal(key(), "se$$cret");
    put("sub/rel.yaml", "door: {key: {file: key}}\n"); /* beside the file that names it */
    accept_text("include: sub/rel.yaml\n");
    assert_string_equal(key(), "se$$cret");
    accept_text("inputs: [tcp: {tls: {cert: a, key: {file: 'sub/${SPILE_KEY:-key}'}}}]\n");
    assert_string_equal(wire_of(0)->tls.key, "se$$cret");
}

/* What is wrong with a secret is told, but never a part of it. */
static void test_bad_secrets(void **state)
{
    static const char forms[] =
        "'key' is a text, or one of {file: PATH}, {env: NAME} and {credential: NAME}";
    char line[256];
    (void)state;
    put("sub/long", "hush hush hush hush\n");
    put("sub/none", "\n");
    refuse("door: {key: {file: sub/long}}\n", "f:1:13: key: '***' is longer than 16 bytes");
    refuse("door: {key: {file: sub/none}}\n", "f:1:13: key: must not be empty");
    snprintf(line, sizeof line,
             "f:1:20: key: cannot read %s/sub/nowhere: No such file or directory", folder);
    refuse("door: {key: {file: sub/nowhere}}\n", line);
    refuse("door: {key: {file: /sub/nowhere}}\n",
           "f:1:20: key: cannot read /sub/nowhere: No such file or directory");
    snprintf(line, sizeof line, "f:1:20: key: cannot read %s/sub: Is a directory", folder);
    refuse("door: {key: {file: sub}}\n", line);
    refuse("door: {key: {env: SPILE_NONE}}\n",
           "f:1:19: key: the variable SPILE_NONE is not set in the environment of this process");
    refuse("door: {key: {credential: ../key}}\n",
           "f:1:26: key: a credential has a name, not a path");
    refuse("door: {key: {credential: ..}}\n", "f:1:26: key: a credential has a name, not a path");
    refuse("door: {key: {file: }}\n", "f:1:20: key: 'file' has no value");
    refuse("door: {key: {env: [A]}}\n",
           "f:1:19: key: 'env' is one value, not a list: take away the brackets, or the '-'");
    refuse("door: {key: 'hush hush hush hush'}\n", "f:1:13: key: '***' is longer than 16 bytes");
    refuse("door: {key: 'hush${hush'}\n",
           "f:1:13: behind ${ stand a variable's name and a }, as in "
           "${NAME} or ${NAME:-default}; a dollar is written $$");
    snprintf(line, sizeof line, "f:1:14: %s", forms);
    refuse("door: {key: {fiel: a}}\n", line);
    refuse("door: {key: {file: a, env: b}}\n", line);
    snprintf(line, sizeof line, "f:1:13: %s", forms);
    refuse("door: {key: {}}\n", line);
    refuse("outputs: [file: {path: {file: a}}]\n",
           "f:1:24: 'path' is one value, not names with values (name: value)");
    unsetenv("CREDENTIALS_DIRECTORY");
    refuse("door: {key: {credential: key}}\n",
           "f:1:26: key: there are no credentials: CREDENTIALS_DIRECTORY is not set, as systemd "
           "does for a "
           "unit with LoadCredential=");
}

static int set_environment(void **state)
{
    char path[64];
    snprintf(path, sizeof path, "%s/sub", folder);
    setenv("SPILE_A", "one", 1);
    setenv("SPILE_EMPTY", "", 1);
    setenv("SPILE_NUMBER", "7", 1);
    setenv("SPILE_YAML", "'], tcp: {loud: true}", 1);
    setenv("SPILE_DOLLAR", "${SPILE_A}", 1);
    setenv("CREDENTIALS_DIRECTORY", path, 1);
    unsetenv("SPILE_NONE");
    unsetenv("SPILE_KEY");
    return set_up(state);
}

#define SET(name) cmocka_unit_test_setup_teardown(name, set_environment, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_include),    CASE(test_bad_includes), CASE(test_include_limits),
        SET(test_variables),   SET(test_bad_variables), SET(test_secrets),
        SET(test_bad_secrets),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
