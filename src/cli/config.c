/* spile config check, spile config example: what the tables make of a configuration. */
#include "core/config.h"

#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/command.h"

static int fail(const struct error *err)
{
    char line[1024];
    log_error("%s", error_line(err, line, sizeof line));
    return COMMAND_FAILED;
}

/* ": tcp, unix" for the items of a list. */
static void put_items(const char *word, const struct config_item *items, size_t count)
{
    printf(", %zu %s%s", count, word, count == 1 ? "" : "s");
    for (size_t i = 0; i < count; i++)
        printf("%s%s", i ? ", " : " (", items[i].module->name);
    fputs(count ? ")" : "", stdout);
}

static int check_run(struct command_call *call)
{
    int status = COMMAND_OK;
    for (int i = 0; i < call->operand_count; i++) {
        struct config config;
        struct error err = {0};
        if (config_init(&config, &err) || config_load(&config, call->operands[i], &err)) {
            status = fail(&err);
        } else {
            printf("%s: ok", config.path);
            put_items("input", config.inputs, config.input_count);
            put_items("output", config.outputs, config.output_count);
            if (config.section_count)
                put_items("section", config.sections, config.section_count);
            putchar('\n');
        }
        config_free(&config);
    }
    return status;
}

static const struct command_example check_examples[] = {
    {"spile config check /etc/spile/spile.yaml", "say whether the file is right"},
    {"spile config example | spile config check -", "check what comes from standard input"},
    {0},
};

const struct command command_config_check = {
    .name = "config check",
    .summary = "say whether a configuration file is right",
    .doc = "Reads each FILE (-: standard input) and opens nothing that it names. For a good one a "
           "line 'FILE: ok' says what it configures; for a bad one the error has line and column, "
           "and the exit status is 1.",
    .operands = "FILE|-...",
    .operand_min = 1,
    .operand_max = COMMAND_MANY,
    .examples = check_examples,
    .run = check_run,
};

/* Never overwrites: an example must not be able to destroy a configuration. */
static int example_into(const char *path)
{
    FILE *out = fopen(path, "wxe");
    if (!out) {
        log_error("%s: %s", path, strerror(errno));
        return COMMAND_FAILED;
    }
    config_example(out);
    bool failed = ferror(out);
    if (fclose(out) || failed) {
        log_error("%s: %s", path, strerror(errno));
        unlink(path);
        return COMMAND_FAILED;
    }
    return COMMAND_OK;
}

static int example_run(struct command_call *call)
{
    if (call->operand_count)
        return example_into(call->operands[0]);
    config_example(stdout);
    return COMMAND_OK;
}

static const struct command_example example_examples[] = {
    {"spile config example > spile.yaml", "begin a configuration"},
    {0},
};

const struct command command_config_example = {
    .name = "config example",
    .summary = "print a commented configuration with every option",
    .doc = "Writes to standard output, or to FILE, which must not exist yet.",
    .operands = "[FILE]",
    .operand_max = 1,
    .examples = example_examples,
    .run = example_run,
};
