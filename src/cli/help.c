/* `spile help`: an overview, and one page a command. */
#include "cli/help.h"

#include "base/fill.h"
#include "base/log.h"

/* Where the explanations of a list stand, and the lines below an example. */
static const char doc_indent[] = "                          ";
static const char example_indent[] = "      ";

void help_version(FILE *out)
{
    fprintf(out, "spile %s\n", SPILE_VERSION);
}

/* One entry of a list: its name on the left, what it does on the right. */
static void put_entry(FILE *out, const char *left, const char *doc)
{
    size_t column = (size_t)fprintf(out, "  %s", left);
    if (column > sizeof doc_indent - 3) {
        fputc('\n', out);
        column = 0;
    }
    fill_text(out, doc, doc_indent, column);
}

static void put_option(FILE *out, const struct option *row)
{
    char left[80], doc[1024], limits[256];
    const char *value = option_value_name(row);
    snprintf(left, sizeof left, "%c%c%s--%s%s%s", row->letter ? '-' : ' ',
             row->letter ? row->letter : ' ', row->letter ? ", " : "  ", row->name,
             value ? " " : "", value ? value : "");
    option_limits(row, limits, sizeof limits);
    bool choices = row->type == OPTION_ENUM;
    bool fallback = row->fallback && row->type != OPTION_BOOL;
    snprintf(doc, sizeof doc, "%s%s%s%s%s%s", row->doc, choices ? ": " : "", choices ? limits : "",
             fallback ? " (default: " : "", fallback ? row->fallback : "", fallback ? ")" : "");
    put_entry(out, left, doc);
}

static void put_examples(FILE *out, const struct command_example *example)
{
    if (!example || !example->line)
        return;
    fputs("\nExamples:\n", out);
    for (; example->line; example++) {
        fprintf(out, "  %s\n", example->line);
        fill_text(out, example->doc, example_indent, 0);
    }
}

void help_command(FILE *out, const struct command *command)
{
    fprintf(out, "spile %s: %s\n\nUsage: spile %s%s%s%s\n", command->name, command->summary,
            command->name, command->options ? " [OPTION]..." : "", command->operands ? " " : "",
            command->operands ? command->operands : "");
    if (command->doc) {
        fputc('\n', out);
        fill_text(out, command->doc, "", 0);
    }
    fputs("\nOptions:\n", out);
    for (const struct option *row = command->options; row && row->name; row++)
        put_option(out, row);
    put_entry(out, "-h, --help", "show this help");
    put_examples(out, command->examples);
}

void help_all(FILE *out)
{
    fputs("Spile: DNS telemetry. It takes dnstap from DNS servers or files and gives lines,\n"
          "JSON, YAML or files.\n\n"
          "Usage: spile COMMAND [OPTION]... [ARGUMENT]...\n\nCommands:\n",
          out);
    for (size_t i = 0; commands[i]; i++) {
        if (!commands[i]->hidden)
            put_entry(out, commands[i]->name, commands[i]->summary);
    }
    fputs("\n'spile help COMMAND' says more of a command, with examples; 'spile --version' says\n"
          "which release this is. The manual: man spile, spile.yaml, spile-api.\n\nTry first:\n",
          out);
    for (size_t i = 0; commands[i]; i++) {
        const struct command_example *example = commands[i]->examples;
        if (!commands[i]->hidden && example && example->line) {
            fprintf(out, "  %s\n", example->line);
            fill_text(out, example->doc, example_indent, 0);
        }
    }
}

/* The commands whose names begin with the word, as "config check" with "config"; how many. */
static unsigned help_group(FILE *out, const char *word)
{
    unsigned found = 0;
    size_t len = strlen(word);
    for (size_t i = 0; commands[i]; i++) {
        const char *name = commands[i]->name;
        if (commands[i]->hidden || strncmp(name, word, len) != 0 || name[len] != ' ')
            continue;
        if (found++ > 0)
            fputs("\n\n", out);
        help_command(out, commands[i]);
    }
    return found;
}

static int help_run(struct command_call *call)
{
    if (call->operand_count == 0) {
        help_all(stdout);
        return COMMAND_OK;
    }
    if (call->operand_count == 1 && help_group(stdout, call->operands[0]) > 0)
        return COMMAND_OK;
    struct error err = {0};
    int used;
    const struct command *command = command_find(call->operands, &used, &err);
    if (!command) {
        log_error("%s", err.text); /* which says where help is */
        return COMMAND_USAGE;
    }
    if (used < call->operand_count)
        return command_usage(call, "unexpected argument '%s'", call->operands[used]);
    help_command(stdout, command);
    return COMMAND_OK;
}

static const struct command_example help_examples[] = {
    {"spile help read", "explain the command read"},
    {0},
};

const struct command command_help = {
    .name = "help",
    .summary = "explain a command, with examples",
    .operands = "[COMMAND]",
    .operand_max = 2, /* a command's name may be of two words */
    .examples = help_examples,
    .run = help_run,
};
