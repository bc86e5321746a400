/* Command lines: what is accepted, what is stored, and how a mistake is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "failmalloc.h"

struct tool {
    uint64_t port, rate;
    bool verbose, follow;
    char *file;
    struct option_strings sockets;
    struct option_strings tags;
};

#define AT(member) .offset = offsetof(struct tool, member)

static const struct option tool_options[] = {
    {.name = "port",
     .letter = 'p',
     .type = OPTION_UINT,
     AT(port),
     .fallback = "6000",
     .min = 1,
     .max = 65535,
     .value = "PORT"},
    {.name = "rate", .type = OPTION_UINT, AT(rate)},
    {.name = "verbose", .letter = 'v', .type = OPTION_BOOL, AT(verbose)},
    {.name = "follow", .letter = 'f', .type = OPTION_BOOL, AT(follow)},
    {.name = "config", .letter = 'c', .type = OPTION_PATH, AT(file), .value = "FILE"},
    {.name = "unix", .letter = 'u', .type = OPTION_STRINGS, AT(sockets)},
    {.name = "tag", .type = OPTION_STRINGS, AT(tags), .fallback = "a,b"},
    {0},
};

static const struct command tool = {
    .name = "tool",
    .operands = "FILE...",
    .operand_min = 0,
    .operand_max = 3,
    .size = sizeof(struct tool),
    .options = tool_options,
};

static struct command_call call;
static struct error err;

/* Parses a line of words with single spaces between them. */
static int parse(const struct command *command, const char *line)
{
    static char text[512];
    static char *words[64];
    size_t count = 0;
    snprintf(text, sizeof text, "%s", line);
    for (char *save, *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
        words[count++] = word;
    words[count] = NULL;
    err = (struct error){0};
    return command_parse(command, words, &call, &err);
}

static const struct tool *accept(const char *line)
{
    if (call.options)
        command_free(&call);
    if (parse(&tool, line))
        fail_msg("%s: %s", line, err.text);
    return call.options;
}

static void refuse(const char *line, const char *text)
{
    struct command_call before = call;
    assert_int_equal(parse(&tool, line), -1);
    assert_string_equal(err.text, text);
    assert_memory_equal(&before, &call, sizeof call);
}

static int tear_down(void **state)
{
    (void)state;
    if (call.options)
        command_free(&call);
    return 0;
}

static void test_values(void **state)
{
    (void)state;
    static const char *const lines[] = {"-p6001",  "-p 6001",   "--port=6001", "--port 6001",
                                        "-vp6001", "-vfp 6001", "-p 1 -p 6001"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_int_equal(accept(lines[i])->port, 6001);
        assert_int_equal(call.operand_count, 0);
        assert_true(command_given(&call, "port"));
        assert_false(command_given(&call, "rate"));
    }
    assert_int_equal(accept("")->port, 6000);
    assert_false(command_given(&call, "port"));
    assert_false(command_given(&call, "no-such-option"));
}

static void test_flags(void **state)
{
    (void)state;
    const struct tool *t = accept("-vc FILE x");
    assert_true(t->verbose);
    assert_false(t->follow);
    assert_string_equal(t->file, "FILE");
    assert_int_equal(call.operand_count, 1);
    assert_string_equal(accept("-cv")->file, "v");
    assert_false(accept("-cv")->verbose);
    assert_string_equal(accept("-c -v")->file, "-v"); /* as getopt does */
    assert_true(accept("--follow --verbose")->follow);
}

static void test_lists(void **state)
{
    (void)state;
    const struct tool *t = accept("-u a -ub --unix=c --unix d");
    assert_int_equal(t->sockets.count, 4);
    assert_string_equal(t->sockets.items[3], "d");
    assert_int_equal(t->tags.count, 2);
    t = accept("--tag c --tag d"); /* the default goes, once */
    assert_int_equal(t->tags.count, 2);
    assert_string_equal(t->tags.items[0], "c");
}

static void test_operands(void **state)
{
    (void)state;
    accept("a -v - b");
    assert_int_equal(call.operand_count, 3);
    assert_string_equal(call.operands[1], "-");
    assert_null(call.operands[3]);
    assert_false(accept("-- -v --port")->verbose);
    assert_string_equal(call.operands[0], "-v");
    assert_string_equal(call.operands[1], "--port");
    accept("-- --");
    assert_string_equal(call.operands[0], "--");
    assert_int_equal(call.operand_count, 1);
}

static void test_mistakes(void **state)
{
    (void)state;
    accept("-v"); /* what a failed parse must leave alone */
    refuse("--prot 1", "unknown option --prot; did you mean --port?");
    refuse("--elephant", "unknown option --elephant");
    refuse("-x", "unknown option -x");
    refuse("-vx", "unknown option -x");
    refuse("--port", "--port needs a value: PORT");
    refuse("-vp", "-p needs a value: PORT");
    refuse("-p 0", "-p: '0' is out of range: from 1 to 65535");
    refuse("--port=", "--port: '' is not a number, from 1 to 65535");
    refuse("--port=65536", "--port: '65536' is out of range: from 1 to 65535");
    refuse("--verbose=true", "--verbose takes no value");
    refuse("a b c d", "unexpected argument 'd'");
    refuse("---port 1", "unknown option ---port; did you mean --port?");
}

static void test_required(void **state)
{
    (void)state;
    static const struct option rows[] = {
        {.name = "write", .letter = 'w', .type = OPTION_PATH, .required = true, .value = "FILE"},
        {0},
    };
    static const struct command writer = {
        .name = "writer",
        .operands = "SOURCE",
        .operand_min = 1,
        .operand_max = 1,
        .size = sizeof(char *),
        .options = rows,
    };
    assert_int_equal(parse(&writer, "-w x"), -1);
    assert_string_equal(err.text, "SOURCE is missing");
    assert_int_equal(parse(&writer, "source"), -1);
    assert_string_equal(err.text, "--write FILE is required");
    assert_int_equal(parse(&writer, "source -w x"), 0);
}

/* A secret is stored, and no word keeps it, whichever way it was given, rightly or not. */
static void test_secret(void **state)
{
    (void)state;
    static const struct option rows[] = {
        {.name = "key", .letter = 'k', .type = OPTION_STRING, .secret = true, .max = 6},
        {0},
    };
    static const struct command locked = {
        .name = "locked", .operand_max = 1, .size = sizeof(char *), .options = rows};
    static const char *const forms[][2] = {
        {"--key %s", "--key ******"},
        {"--key=%s", "--key=******"},
        {"-k%s", "-k******"},
        {"-k %s", "-k ******"},
    };
    for (size_t i = 0; i < 2 * sizeof forms / sizeof *forms; i++) {
        const char *const *form = forms[i / 2];
        char line[64], shown[160] = "";
        snprintf(line, sizeof line, form[0], i % 2 ? "secret7" : "secret");
        char *words[] = {line, strchr(line, ' '), NULL};
        if (words[1])
            *words[1]++ = '\0';
        assert_int_equal(command_parse(&locked, words, &call, &err), i % 2 ? -1 : 0);
        if (i % 2)
            assert_null(strstr(err.text, "secret"));
        else
            assert_string_equal(*(char **)call.options, "secret");
        snprintf(shown, sizeof shown, "%s%s%s", line, words[1] ? " " : "",
                 words[1] ? words[1] : "");
        shown[strlen(form[1])] = '\0';
        assert_string_equal(shown, form[1]);
        if (i % 2 == 0)
            command_free(&call);
    }
}

/* Whichever allocation fails, parsing ends with an error and keeps nothing. */
static void test_memory(void **state)
{
    (void)state;
    unsigned n = 1;
    for (bool failed = true; failed; n++) {
        failmalloc_start(n);
        int status = parse(&tool, "-u a -u b --tag c -cFILE --port=7 operand");
        failed = failmalloc_stop();
        assert_int_equal(status, failed ? -1 : 0);
        assert_true(!failed || strstr(err.text, "out of memory"));
    }
    assert_true(n > 8); /* it did fail, many times */
}

static const char *find(const char *first, const char *second, int *used)
{
    char text[2][32];
    char *words[] = {text[0], second ? text[1] : NULL, NULL};
    snprintf(text[0], sizeof text[0], "%s", first);
    snprintf(text[1], sizeof text[1], "%s", second ? second : "");
    err = (struct error){0};
    const struct command *command = command_find(words, used, &err);
    return command ? command->name : NULL;
}

static void test_find(void **state)
{
    (void)state;
    int used = 0;
    assert_string_equal(find("read", "x", &used), "read");
    assert_int_equal(used, 1);
    assert_string_equal(find("config", "check", &used), "config check");
    assert_int_equal(used, 2);
    assert_null(find("config", "chekc", &used));
    assert_string_equal(err.text, "unknown command 'config chekc'; did you mean 'config check'?");
    assert_null(find("config", NULL, &used));
    assert_string_equal(err.text, "unknown command 'config'; did you mean 'config check'?");
    assert_null(find("raed", NULL, &used));
    assert_string_equal(err.text, "unknown command 'raed'; did you mean 'read'?");
    assert_null(find("elephant", NULL, &used));
    assert_string_equal(err.text, "unknown command 'elephant' (see: spile help)");
    assert_string_equal(find("manual", NULL, &used), "manual"); /* hidden, and works */
}

/* What every table of options promises. */
static void check_options(const char *owner, const struct option *table)
{
    size_t count = 0;
    for (const struct option *row = table; row && row->name; row++, count++) {
        if (!row->doc || !row->doc[0])
            fail_msg("%s: --%s has no doc", owner, row->name);
        if (row->type == OPTION_ENUM)
            assert_non_null(row->choices);
        assert_ptr_equal(option_find(table, span_str(row->name), NULL), row); /* names differ */
        for (const struct option *other = table; row->letter && other < row; other++)
            assert_int_not_equal(other->letter, row->letter);
        assert_int_not_equal(row->letter, 'h'); /* help */
        assert_string_not_equal(row->name, "help");
    }
    assert_true(count <= 64);
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; commands[i]; i++) {
        const struct command *command = commands[i];
        check_options(command->name, command->options);
        assert_non_null(command->summary);
        assert_non_null(command->run);
        assert_true(command->operand_max == 0 || command->operands);
        assert_true(command->hidden || (command->examples && command->examples->line));
        assert_true(command->size > 0 || !command->options);
        char *none[] = {NULL};
        struct command_call defaults;
        /* Defaults lie within their own ranges; an error can only be about what is missing. */
        if (command_parse(command, none, &defaults, &err) == 0)
            command_free(&defaults);
        else
            assert_true(strstr(err.text, " is missing") || strstr(err.text, " is required"));
    }
}

#define CASE(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_values),   CASE(test_flags),    CASE(test_lists), CASE(test_operands),
        CASE(test_mistakes), CASE(test_required), CASE(test_find),  CASE(test_memory),
        CASE(test_table),    CASE(test_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
