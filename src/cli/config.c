/* spile config check, spile config example: what the tables make of a configuration. */
#include "conf/config.h"

#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/command.h"
#include "cli/pipe.h"
#include "io/folder.h"

static int fail(const struct error *err)
{
    char line[1024];
    log_error("%s", error_line(err, line, sizeof line));
    return COMMAND_FAILED;
}

static void warn(const struct error *warning)
{
    char line[1024];
    log_warning("%s", error_line(warning, line, sizeof line));
}

static void note(const struct error *notice)
{
    char line[1024];
    log_info("%s", error_line(notice, line, sizeof line));
}

/* ", 2 inputs (tcp, unix)"; `remark` tells how there came to be so many. */
static void put_items(const char *word, const struct config_item *items, size_t count,
                      const char *remark)
{
    printf(", %zu %s%s", count, word, count == 1 ? "" : "s");
    for (size_t i = 0; i < count; i++)
        printf("%s%s", i ? ", " : " (", items[i].module->name);
    printf("%s%s%s", count ? "" : " (", remark, count || remark[0] ? ")" : "");
}

static const char *remark_on(struct config_mark list, const char *empty)
{
    return list.line == 0 ? ", by default" : empty;
}

static void put_good(const struct config *config)
{
    printf("%s: ok", config->path);
    put_items("input", config->inputs, config->input_count, remark_on(config->inputs_at, ""));
    if (config->stage_count)
        put_items("stage", config->stages, config->stage_count, "");
    put_items(
        "output", config->outputs, config->output_count,
        remark_on(config->outputs_at, config->output_count ? "" : "no event is written anywhere"));
    if (config->section_count)
        put_items("section", config->sections, config->section_count, "");
    putchar('\n');
}

/* Does with the file what `spile run -c` does, but opens nothing. */
static int check_file(const char *path, struct config *config, struct error *err)
{
    if (config_init(config, err) < 0 || config_load(config, path, err) < 0 ||
        pipe_environment(config, err) < 0 || config_defaults(config, err) < 0 ||
        config_validate(config, err) < 0)
        return -1;
    return config_probe(config, warn, note, err);
}

static int check_run(struct command_call *call)
{
    int status = COMMAND_OK;
    for (int i = 0; i < call->operand_count; i++) {
        struct config config;
        struct error err = {0};
        if (check_file(call->operands[i], &config, &err) < 0)
            status = fail(&err);
        else
            put_good(&config);
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
    .doc =
        "Reads each FILE (-: standard input) and refuses what `spile run` would refuse, for the "
        "same user and at this moment: it looks for the files, names and addresses that FILE "
        "names, but makes, changes and takes nothing. What `run` would only complain of, or what "
        "may have changed by then, such as a port that another program uses, is a warning; that "
        "Spile is running already is said in one line.\n\n"
        "For a good one a line 'FILE: ok' says what it configures; for a bad one the error has "
        "line and column, and the exit status is 1.",
    .operands = "FILE|-...",
    .operand_files = true,
    .operand_min = 1,
    .operand_max = COMMAND_MANY,
    .examples = check_examples,
    .run = check_run,
};

/* Never overwrites: an example must not be able to destroy a configuration. */
static int example_into(const char *path)
{
    struct draft draft;
    struct error why;
    int status = draft_open(&draft, path, false, &why);
    if (status == 0 && folder_note(&draft.folder, path, FOLDER_REPLACES, &why))
        log_warning("%s", why.text);
    if (status == 0 && draft_stream(&draft)) {
        config_example(draft.stream);
        status = draft_commit(&draft, &why);
    } else if (status == 0) {
        draft_drop(&draft);
        status = error_set(&why, "no memory");
    }
    if (status)
        log_error("%s: %s", path, why.text);
    return status ? COMMAND_FAILED : COMMAND_OK;
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
    .doc = "Writes to standard output, or to FILE, which must not hold anything yet.",
    .operands = "[FILE]",
    .operand_files = true,
    .operand_max = 1,
    .examples = example_examples,
    .run = example_run,
};
