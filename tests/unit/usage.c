/* Every command, every flag: a command line that is wrong ends the program with 2, and says one
 * line on standard error and nothing on standard output. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/dispatch.h"

enum { WORDS_MAX = 32, WORD_MAX = 64, OUTPUT_MAX = 4096 };

/* A command line that is built word by word. */
static char texts[WORDS_MAX][WORD_MAX];
static char *words[WORDS_MAX + 1];
static int count;
static unsigned lines;

static void add(const char *word)
{
    assert_true(count < WORDS_MAX - 1);
    snprintf(texts[count], WORD_MAX, "%s", word);
    words[count] = texts[count];
    words[++count] = NULL;
}

static void add_option(const struct option *row, const char *value)
{
    char word[WORD_MAX];
    snprintf(word, sizeof word, "--%s", row->name);
    add(word);
    if (value)
        add(value);
}

/* The command's name, what it requires, and so many operands. */
static void begin(const struct command *command, int operands)
{
    char name[WORD_MAX];
    count = 0;
    add("spile");
    snprintf(name, sizeof name, "%s", command->name);
    for (char *save, *word = strtok_r(name, " ", &save); word; word = strtok_r(NULL, " ", &save))
        add(word);
    for (const struct option *row = command->options; row && row->name; row++) {
        if (row->required)
            add_option(row, "/nowhere/x");
    }
    for (int i = 0; i < operands; i++)
        add("/nowhere/x");
}

/* Standard output and standard error go into one file each while the program runs. */
static int redirect(int fd, FILE *file)
{
    int kept = dup(fd);
    assert_true(kept >= 0);
    assert_int_equal(dup2(fileno(file), fd), fd);
    return kept;
}

static size_t restore(int fd, int kept, FILE *file, char text[OUTPUT_MAX])
{
    dup2(kept, fd);
    close(kept);
    rewind(file);
    size_t len = fread(text, 1, OUTPUT_MAX - 1, file);
    text[len] = '\0';
    fclose(file);
    return len;
}

static const char *shown(void)
{
    static char line[WORDS_MAX * WORD_MAX];
    size_t len = 0;
    for (int i = 0; i < count; i++)
        len += (size_t)snprintf(line + len, sizeof line - len, "'%s' ", words[i]);
    return line;
}

static void refuse(void)
{
    char said[OUTPUT_MAX], printed[OUTPUT_MAX], line[sizeof texts];
    FILE *out = tmpfile(), *err = tmpfile();
    assert_true(out && err);
    snprintf(line, sizeof line, "%s", shown()); /* the program hides secrets in the words */
    fflush(stdout);
    int out_kept = redirect(STDOUT_FILENO, out), err_kept = redirect(STDERR_FILENO, err);
    int status = command_main(count, words);
    size_t len = restore(STDERR_FILENO, err_kept, err, said);
    size_t printed_len = restore(STDOUT_FILENO, out_kept, out, printed);
    lines++;
    if (status != COMMAND_USAGE || printed_len > 0)
        fail_msg("%s: status %d, printed: %s, said: %s", line, status, printed, said);
    if (len == 0 || strchr(said, '\n') != said + len - 1)
        fail_msg("%s says not one line: %s", line, said);
}

static void refuse_value(const struct command *command, const struct option *row, const char *value)
{
    begin(command, command->operand_min);
    add_option(row, value);
    refuse();
}

/* A value that no option of the type takes, if there is one. */
static const char *const nonsense[OPTION_TYPES] = {
    [OPTION_UINT] = "many",      [OPTION_SIZE] = "big",  [OPTION_DURATION] = "5",
    [OPTION_PATH] = "",          [OPTION_ENUM] = "none", [OPTION_MODE] = "9",
    [OPTION_HOSTPORT] = "there", [OPTION_PREFIXES] = "x"};

static void refuse_out_of_range(const struct command *command, const struct option *row)
{
    char value[32];
    bool number =
        row->type == OPTION_UINT || row->type == OPTION_SIZE || row->type == OPTION_DURATION;
    const char *unit = row->type == OPTION_DURATION ? "ns" : "";
    if (number && row->min > 0 && !row->off) {
        snprintf(value, sizeof value, "%llu%s", (unsigned long long)row->min - 1, unit);
        refuse_value(command, row, value);
    }
    if (number && row->max > 0) {
        snprintf(value, sizeof value, "%llu%s", (unsigned long long)row->max + 1, unit);
        refuse_value(command, row, value);
    }
}

static void test_options(void **state)
{
    (void)state;
    for (size_t i = 0; commands[i]; i++) {
        for (const struct option *row = commands[i]->options; row && row->name; row++) {
            char word[WORD_MAX];
            begin(commands[i], commands[i]->operand_min);
            snprintf(word, sizeof word, "--%s%s", row->name,
                     row->type == OPTION_BOOL ? "=true" : "");
            add(word); /* a flag with a value, or an option without one */
            refuse();
            if (nonsense[row->type])
                refuse_value(commands[i], row, nonsense[row->type]);
            if (row->type == OPTION_STRING && row->min > 0)
                refuse_value(commands[i], row, "");
            refuse_out_of_range(commands[i], row);
        }
    }
    assert_true(lines > 60);
}

static void test_unknown_options(void **state)
{
    static const char *const unknown[] = {"--no-such-option", "--no-such=x", "-%"};
    (void)state;
    for (size_t i = 0; commands[i]; i++) {
        for (size_t j = 0; j < 3; j++) {
            begin(commands[i], commands[i]->operand_min);
            add(unknown[j]);
            refuse();
        }
    }
}

static void test_operands(void **state)
{
    (void)state;
    for (size_t i = 0; commands[i]; i++) {
        const struct command *command = commands[i];
        for (int n = 0; n < command->operand_min; n++) {
            begin(command, n);
            refuse();
        }
        if (command->operand_max < WORDS_MAX / 2) {
            begin(command, command->operand_max + 1);
            refuse();
        }
        if (command->operand_max > 0) {
            begin(command, command->operand_min > 0 ? command->operand_min - 1 : 0);
            add("");
            refuse();
        }
    }
}

static void test_required(void **state)
{
    (void)state;
    for (size_t i = 0; commands[i]; i++) {
        for (const struct option *row = commands[i]->options; row && row->name; row++) {
            if (!row->required)
                continue;
            begin(commands[i], commands[i]->operand_min);
            int without = count; /* required options stand behind the name, with their values */
            count = 0;
            for (int j = 0; j < without; j++) {
                if (strncmp(words[j], "--", 2) == 0 && strcmp(words[j] + 2, row->name) == 0)
                    j++;
                else
                    words[count++] = words[j];
            }
            words[count] = NULL;
            refuse();
        }
    }
}

/* Lines that are wrong as a whole; words with single spaces between them. */
static const char *const wrong[] = {
    "",
    "nonsense",
    "help nonsense",
    "help config nonsense",
    "help read read",
    "help config check check",
    "config",
    "config nonsense",
    "--version x",
    "-V x",
    "--help x",
    "-h x",
    "--nonsense",
    "-x",
    "completion ksh",
    "run -o nonsense",
    "run --fields nonsense",
    "run --fields qname,qname",
    "run -o fstrm --fields qname",
    "run --compat nonsense",
    "run --compat dnstap-receiver --fields qname",
    "run --web 8080",
    "run --web 0.0.0.0:0",
    "run --web 127.0.0.1:0 --api-key a --api-key-file b",
    "run --api-key a",
    "run -l a_b:c",
    "run --mode 0666",
    "run -u x --mode 9",
    "capture tcp:127.0.0.1:1 --group x -w x",
    "read -o nonsense -",
    "read --fields nonsense -",
    "read --compat nonsense -",
    "read -o fstrm --fields qname -",
    "read - -",
    "top tcp:x",
    "top unix:",
    "top http://127.0.0.1:99999/",
    "top http://",
    "top ftp://127.0.0.1/",
    "top 127.0.0.1:8080",
    "top --api-key a --api-key-file b",
    "top --api-key a --bearer-token b",
    "top --bearer-token a --bearer-token-file b",
    "capture nonsense -w x",
    "capture tcp:127.0.0.1 -w x",
    "send x nonsense",
    "send - - unix:x",
    "send --loop 2 - unix:x",
    "send --rate 1 --pace - unix:x",
    "gen",
    "gen -w x unix:y",
    "gen nonsense",
    "config check - -",
};

static void test_lines(void **state)
{
    (void)state;
    unsetenv("SPILE_API_KEY");
    unsetenv("SPILE_BEARER_TOKEN");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char line[256];
        count = 0;
        add("spile");
        snprintf(line, sizeof line, "%s", wrong[i]);
        for (char *save, *word = strtok_r(line, " ", &save); word;
             word = strtok_r(NULL, " ", &save))
            add(word);
        refuse();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),  cmocka_unit_test(test_unknown_options),
        cmocka_unit_test(test_operands), cmocka_unit_test(test_required),
        cmocka_unit_test(test_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
