/* spile config check, show, diff and example: what the tables make of a configuration. */
#include "conf/config.h"

#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/command.h"
#include "cli/pipe.h"
#include "conf/show.h"
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

/* Does with the file what `spile run -c` does, but asks the system for nothing. */
static int read_file(const char *path, struct config *config, struct error *err)
{
    return config_init(config, err) < 0 || config_load(config, path, err) < 0 ||
                   pipe_environment(config, err) < 0 || config_defaults(config, err) < 0 ||
                   config_validate(config, err) < 0
               ? -1
               : 0;
}

/* The same, and looks for what starting would find, but opens nothing. */
static int check_file(const char *path, struct config *config, struct error *err)
{
    return read_file(path, config, err) < 0 ? -1 : config_probe(config, warn, note, err);
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
        "may have changed by then, such as a port that another program uses, is a warning; "
        "places that a Spile which is running already has are named, and are no fault.\n\n"
        "For a good one a line 'FILE: ok' says what it configures; for a bad one the error has "
        "line and column, and the exit status is 1.",
    .operands = "FILE|-...",
    .operand_files = true,
    .operand_min = 1,
    .operand_max = COMMAND_MANY,
    .examples = check_examples,
    .run = check_run,
};

/* Prints the text, and frees it. */
static int print(struct buf *text)
{
    bool good = !text->failed;
    if (good && text->len > 0)
        good = fwrite(text->data, 1, text->len, stdout) == text->len;
    if (text->failed)
        log_error("no memory");
    buf_free(text);
    return good ? COMMAND_OK : COMMAND_FAILED;
}

static int show_run(struct command_call *call)
{
    struct config config;
    struct error err = {0};
    struct buf text = {0};
    int status = COMMAND_OK;
    if (read_file(call->operands[0], &config, &err) < 0) {
        status = fail(&err);
    } else {
        config_show(&config, &text);
        status = print(&text);
    }
    config_free(&config);
    return status;
}

static const struct command_example show_examples[] = {
    {"spile config show /etc/spile/spile.yaml", "see every option that is in force"},
    {"spile config show a.yaml > whole.yaml", "put what a.yaml includes into one file"},
    {0},
};

const struct command command_config_show = {
    .name = "config show",
    .summary = "print a configuration as it is in force",
    .doc = "Reads FILE (-: standard input) and prints what `spile run` would go by: with the files "
           "that it includes, variables replaced, and every option that has a value, be it a "
           "default. What is printed is a configuration, too, but for secrets, which are ***: put "
           "them back, for *** would be the secret. What a program that runs goes by is "
           "/api/v1/config of its API.",
    .operands = "FILE|-",
    .operand_files = true,
    .operand_min = 1,
    .operand_max = 1,
    .examples = show_examples,
    .run = show_run,
};

/* A file that cannot be read is no difference. */
enum { DIFFER = COMMAND_FAILED, UNREADABLE = COMMAND_USAGE };

static int diff_run(struct command_call *call)
{
    struct config from = {0}, to = {0};
    struct error err = {0};
    struct buf text = {0};
    int status = UNREADABLE;
    if (read_file(call->operands[0], &from, &err) < 0 ||
        read_file(call->operands[1], &to, &err) < 0) {
        fail(&err);
    } else {
        size_t lines = config_diff(&from, &to, &text);
        status = print(&text) ? UNREADABLE : lines > 0 ? DIFFER : COMMAND_OK;
    }
    config_free(&from);
    config_free(&to);
    return status;
}

static const struct command_example diff_examples[] = {
    {"spile config diff /etc/spile/spile.yaml new.yaml", "see what new.yaml would change"},
    {0},
};

const struct command command_config_diff = {
    .name = "config diff",
    .summary = "say how one configuration differs from another",
    .doc = "Compares what FILE and OTHER (one may be -: standard input) mean, not how they are "
           "written. A line for each difference: '+' for an input, stage, output or section that "
           "only OTHER has, '-' for one that only FILE has, '~' for an option that has another "
           "value, with both values. Inputs, stages and outputs are told apart by their names, so "
           "one that is called otherwise is another one. Secrets are ***.\n\n"
           "The exit status is 0 when nothing differs, 1 when something does, and 2 when a file "
           "is wrong, or the command line.",
    .operands = "FILE OTHER",
    .operand_files = true,
    .operand_min = 2,
    .operand_max = 2,
    .examples = diff_examples,
    .run = diff_run,
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
