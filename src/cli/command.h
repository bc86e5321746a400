/*
 * Commands as tables. A command is one constant descriptor in a file of its own and one line in
 * src/cli/commands.c; from it follow parsing, `spile help`, usage errors with "did you mean", the
 * shell completions and the manual. Its flags are option rows (conf/option.h), stored into a struct
 * of the command's own, just as the configuration stores a module's options:
 *
 *     struct hello {
 *         uint64_t times;
 *         bool loud;
 *     };
 *
 *     static const struct option hello_options[] = {
 *         {.name = "times", .letter = 'n', .type = OPTION_UINT, .value = "N", .fallback = "1",
 *          .min = 1, .max = 100, .offset = offsetof(struct hello, times), .doc = "say it N times"},
 *         {.name = "loud", .type = OPTION_BOOL, .offset = offsetof(struct hello, loud),
 *          .doc = "say it in capitals"},
 *         {0},
 *     };
 *
 *     static const struct command_example hello_examples[] = {
 *         {"spile hello -n 3 world", "greet the world three times"},
 *         {0},
 *     };
 *
 *     static int hello_run(struct command_call *call)
 *     {
 *         const struct hello *hello = call->options;
 *         if (hello->loud && command_given(call, "times"))
 *             return command_usage(call, "--loud and --times exclude each other");
 *         for (uint64_t i = 0; i < hello->times; i++)
 *             printf("hello, %s\n", call->operands[0]);
 *         return COMMAND_OK;
 *     }
 *
 *     const struct command command_hello = {
 *         .name = "hello", .summary = "greet somebody", .doc = "Paragraphs for help and manual.",
 *         .operands = "NAME", .operand_min = 1, .operand_max = 1,
 *         .size = sizeof(struct hello), .options = hello_options, .examples = hello_examples,
 *         .run = hello_run,
 *     };
 *
 * On the command line a BOOL is a flag without value. All others take one: -n3, -n 3, --times=3,
 * --times 3. A list option may be given many times. `--` ends the options; "-" is an operand.
 */
#ifndef SPILE_CLI_COMMAND_H
#define SPILE_CLI_COMMAND_H

#include "conf/option.h"

/* Exit statuses of the whole program. */
enum command_status {
    COMMAND_OK = 0,
    COMMAND_FAILED = 1,
    COMMAND_USAGE = 2,
};

enum { COMMAND_MANY = 0x7fffffff }; /* operand_max: no limit */

/* A line to type, and what it does. A table ends with a row whose line is NULL. */
struct command_example {
    const char *line;
    const char *doc; /* begins in lower case and has no full stop */
};

struct command_call;

struct command {
    const char *name;     /* one or two words: "read", "config check" */
    const char *summary;  /* one line; begins in lower case and has no full stop */
    const char *doc;      /* paragraphs, a blank line between them; NULL: the summary says it all */
    const char *operands; /* as help shows them: "FILE|-..."; NULL: none */
    int operand_min, operand_max;
    /* For completion: the words that an operand may be, or begin with when they end in ':'; NULL:
     * none. And whether it may be a file. */
    const char *const *operand_choices;
    bool operand_files;
    size_t size;                  /* of the struct behind `options` */
    const struct option *options; /* NULL: none; at most 64 rows */
    const struct command_example *examples;
    bool hidden; /* works, but is not listed */
    /* Returns an enum command_status. Data to standard output, everything else to standard error.
     */
    int (*run)(struct command_call *call);
};

/* One command line, parsed. Owner: the dispatcher; good while `run` runs. */
struct command_call {
    const struct command *command;
    void *options;   /* command->size bytes */
    char **operands; /* ends with NULL; they point into argv */
    int operand_count;
    uint64_t given; /* bit i: row i stood on the command line */
};

/* What the places begin with that DNS servers or `spile send` send to: "unix:", "tcp:"; ends with
 * NULL. */
extern const char *const command_places[];

/* All commands, in the order in which help lists them; ends with NULL. */
extern const struct command *const commands[];

/* True when the option of that (long) name stood on the command line. */
bool command_given(const struct command_call *call, const char *option);

/* Says what is wrong with the command line in one line on standard error; returns COMMAND_USAGE. */
__attribute__((format(printf, 2, 3))) int command_usage(const struct command_call *call,
                                                        const char *format, ...);

/* Parses the words behind the command's name: defaults, then flags and operands. On success the
 * call is freed by command_free. -1: err says what is wrong, in words for the user. */
int command_parse(const struct command *command, char **words, struct command_call *call,
                  struct error *err);
void command_free(struct command_call *call);

/* The command that `words` begin with and how many words name it; NULL when there is none, and then
 * err says so, with a hint. */
const struct command *command_find(char **words, int *used, struct error *err);

#endif
