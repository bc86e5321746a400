/*
 * spile manual: fills a manual's template (man/NAME.in, mdoc) with what the tables know. A line of
 * the template that is a mark, such as @commands@, is replaced by its part; all others stay as they
 * are.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "api/route.h"
#include "api/shape.h"
#include "base/fill.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/fields.h"
#include "conf/config.h"
#include "core/input.h"
#include "core/output.h"
#include "core/stage.h"
#include "top/state.h"

enum { LINE_MAX_BYTES = 1024 };

/* One word of a text line; one that would look like a request at the line's begin is disarmed. */
static int put_word(FILE *out, const char *word, size_t len, bool begins)
{
    int width = begins && strchr(".'", *word) ? fprintf(out, "\\&") : 0;
    for (size_t i = 0; i < len; i++)
        width += fprintf(out, word[i] == '\\' ? "\\e" : "%c", word[i]);
    return width;
}

/* True when a word ends a sentence and the text behind it begins another. */
static bool ends_sentence(const char *word, size_t len)
{
    const char *next = word + len;
    return len > 1 && strchr(".?!:", next[-1]) && *next == ' ' && isupper((unsigned char)next[1]);
}

/* Ends the line unless nothing stands in it; returns the new column. */
static int end_line(FILE *out, int column)
{
    if (column)
        fputc('\n', out);
    return 0;
}

/* Text as mdoc: no byte of it is a request, lines are short, and each sentence begins a line. */
static void put_text(FILE *out, const char *text)
{
    int column = 0;
    while (*text) {
        size_t len = strcspn(text, " \n");
        if (column + 1 + (int)len >= FILL_WIDTH)
            column = end_line(out, column);
        column += fprintf(out, "%s", column ? " " : "");
        column += put_word(out, text, len, column == 0);
        if (ends_sentence(text, len))
            column = end_line(out, column);
        text += len;
        if (strncmp(text, "\n\n", 2) == 0) {
            column = end_line(out, column);
            fputs(".Pp\n", out);
        }
        text += strspn(text, " \n");
    }
    end_line(out, column);
}

/* A phrase of a table as a sentence. */
static void put_sentence(FILE *out, const char *phrase)
{
    char text[1024];
    put_text(out, fill_sentence(phrase, text, sizeof text));
}

/* An argument of a macro: quoted, as it may have spaces. */
static void put_argument(FILE *out, const char *text)
{
    fputs(" \"", out);
    for (; *text; text++)
        fprintf(out, *text == '"' ? "\"\"" : *text == '\\' ? "\\e" : "%c", *text);
    fputc('"', out);
}

/* What an option's row says besides its doc. */
static void put_limits(FILE *out, const struct option *row)
{
    char limits[256];
    if (option_limits(row, limits, sizeof limits)[0])
        put_sentence(out, limits);
    if (row->required)
        put_sentence(out, "it must be given");
    if (!row->fallback)
        return;
    fputs("Default:\n.Cm", out);
    put_argument(out, row->fallback);
    fputs(" .\n", out);
}

/* spile.1 ---------------------------------------------------------------------------------------
 */

static void put_version(FILE *out)
{
    fprintf(out, ".Os \"Spile %s\"\n", SPILE_VERSION);
}

static void put_synopsis(FILE *out)
{
    for (size_t i = 0; commands[i]; i++) {
        const struct command *command = commands[i];
        if (command->hidden)
            continue;
        fprintf(out, ".Nm\n.Cm %s\n", command->name);
        if (command->options)
            fputs(".Op Ar option ...\n", out);
        if (command->operands) {
            fputs(".Ar", out);
            put_argument(out, command->operands);
            fputc('\n', out);
        }
    }
}

static void put_flag(FILE *out, const struct option *row)
{
    const char *value = option_value_name(row);
    fputs(".It", out);
    if (row->letter)
        fprintf(out, " Fl %c ,", row->letter);
    fprintf(out, " Fl -%s", row->name);
    if (value) {
        fputs(" Ar", out);
        put_argument(out, value);
    }
    fputc('\n', out);
    put_sentence(out, row->doc);
    put_limits(out, row);
}

static void put_examples(FILE *out, const struct command_example *example)
{
    for (; example && example->line; example++) {
        fputs(".Pp\n", out);
        put_sentence(out, example->doc);
        fputs(".Dl", out);
        put_argument(out, example->line);
        fputc('\n', out);
    }
}

static void put_command(FILE *out, const struct command *command)
{
    fprintf(out, ".Ss %s\n", command->name);
    put_sentence(out, command->summary);
    if (command->doc) {
        fputs(".Pp\n", out);
        put_text(out, command->doc);
    }
    if (command->options) {
        fputs(".Bl -tag -width Ds\n", out);
        for (const struct option *row = command->options; row->name; row++)
            put_flag(out, row);
        fputs(".El\n", out);
    }
    put_examples(out, command->examples);
}

static void put_commands(FILE *out)
{
    for (size_t i = 0; commands[i]; i++) {
        if (!commands[i]->hidden)
            put_command(out, commands[i]);
    }
}

static void put_top_keys(FILE *out)
{
    fputs(".Bl -tag -width Ds\n", out);
    for (const struct top_key *key = top_keys; key->act; key++) {
        if (!key->name)
            continue;
        fputs(".It", out);
        put_argument(out, key->name);
        fputc('\n', out);
        put_sentence(out, key->doc);
    }
    fputs(".El\n", out);
}

static void put_tables_of(FILE *out, enum top_page page)
{
    const char *before = "";
    for (int i = 0; i < TOP_TABLES; i++) {
        if (top_tables[i].page != page)
            continue;
        fprintf(out, "%s%s", before, top_tables[i].title);
        before = ",\n";
    }
    fputs(".\n", out);
}

static void put_top_tables(FILE *out)
{
    put_tables_of(out, PAGE_ALL);
}

static void put_top_explained(FILE *out)
{
    put_tables_of(out, PAGE_EXPLAINED);
}

/* spile.yaml.5 ----------------------------------------------------------------------------------
 */

static void put_options(FILE *out, const struct option *row)
{
    if (!row)
        return;
    fputs(".Bl -tag -width Ds\n", out);
    for (; row->name; row++) {
        const char *name = option_value_name(row);
        char value[80];
        snprintf(value, sizeof value, option_is_list(row) ? "[%s, ...]" : "%s",
                 name ? name : "true|false");
        fprintf(out, ".It Cm %s : Ar", row->name);
        put_argument(out, value);
        fputc('\n', out);
        put_sentence(out, row->doc);
        put_limits(out, row);
        put_options(out, row->rows);
    }
    fputs(".El\n", out);
}

static void put_settings(FILE *out)
{
    put_options(out, settings_options);
}

static void put_modules(FILE *out, enum module_kind kind)
{
    const struct module *module;
    for (size_t i = 0; (module = module_at(kind, i)); i++) {
        fprintf(out, ".Ss %s\n", module->name);
        put_text(out, module->doc);
        put_options(out, module->options);
    }
}

static void put_inputs(FILE *out)
{
    put_modules(out, MODULE_INPUT);
}

static void put_stages(FILE *out)
{
    put_modules(out, MODULE_STAGE);
}

static void put_outputs(FILE *out)
{
    put_modules(out, MODULE_OUTPUT);
}

static void put_input_options(FILE *out)
{
    put_options(out, input_common.options);
}

static void put_stage_options(FILE *out)
{
    put_options(out, stage_common.options);
}

static void put_output_options(FILE *out)
{
    put_options(out, output_queued.options);
}

static void put_sections(FILE *out)
{
    put_modules(out, MODULE_SECTION);
}

static void put_formats(FILE *out)
{
    put_modules(out, MODULE_FORMAT);
}

static void put_fields(FILE *out)
{
    fputs(".Bl -tag -width Ds\n", out);
    const struct field *field;
    for (size_t i = 0; (field = field_at(i)); i++) {
        fprintf(out, ".It Cm %s Pq Cm %s , No %s\n", field->name, field->key, fields_kind(field));
        put_sentence(out, field->doc);
    }
    fputs(".El\n", out);
}

/* spile-api.7 -----------------------------------------------------------------------------------
 */

/* The notation of api/shape.h, as lines of it. */
static void put_shape(FILE *out, const char *shape)
{
    fputs(".Bd -ragged -offset indent -compact\n", out);
    put_text(out, shape);
    fputs(".Ed\n", out);
}

static void put_parameters(FILE *out, const struct api_parameter *parameter)
{
    if (!parameter || !parameter->name)
        return;
    fputs(".Bl -tag -width Ds\n", out);
    for (; parameter->name; parameter++) {
        fprintf(out, ".It Cm %s = Ns Ar %s\n", parameter->name, parameter->type);
        put_text(out, parameter->doc);
    }
    fputs(".El\n", out);
}

static void put_route(FILE *out, const struct api_route *route)
{
    fprintf(out, ".Ss %s %s\n", api_method_names[route->method], route->path);
    put_text(out, route->doc);
    if (route->access == ACCESS_OPEN)
        put_text(out, "It needs no credentials.");
    put_parameters(out, route->parameters);
    if (route->schema) {
        fputs(".Pp\nReply:\n", out);
        put_shape(out, route->schema);
    }
}

static void put_routes(FILE *out)
{
    for (const struct api_route *const *route = api_routes; *route; route++) {
        if (api_route_is_documented(*route))
            put_route(out, *route);
    }
}

static void put_shapes(FILE *out)
{
    fputs(".Bl -tag -width Ds\n", out);
    for (const struct api_shape *shape = api_shapes; shape->name; shape++) {
        fprintf(out, ".It Cm %s\n", shape->name);
        put_text(out, shape->shape);
    }
    fputs(".El\n", out);
}

/* -----------------------------------------------------------------------------------------------
 */

static const struct part {
    const char *mark;
    void (*put)(FILE *out);
} parts[] = {
    {"@version@\n", put_version},
    {"@synopsis@\n", put_synopsis},
    {"@commands@\n", put_commands},
    {"@top-keys@\n", put_top_keys},
    {"@top-tables@\n", put_top_tables},
    {"@top-explained@\n", put_top_explained},
    {"@settings@\n", put_settings},
    {"@inputs@\n", put_inputs},
    {"@stages@\n", put_stages},
    {"@outputs@\n", put_outputs},
    {"@output-options@\n", put_output_options},
    {"@input-options@\n", put_input_options},
    {"@stage-options@\n", put_stage_options},
    {"@sections@\n", put_sections},
    {"@formats@\n", put_formats},
    {"@fields@\n", put_fields},
    {"@routes@\n", put_routes},
    {"@shapes@\n", put_shapes},
};

static void put_line(FILE *out, const char *line)
{
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strcmp(line, parts[i].mark) == 0) {
            parts[i].put(out);
            return;
        }
    }
    fputs(line, out);
}

static int manual_run(struct command_call *call)
{
    char line[LINE_MAX_BYTES];
    FILE *template = fopen(call->operands[0], "re");
    if (!template) {
        log_error("%s: %s", call->operands[0], strerror(errno));
        return COMMAND_FAILED;
    }
    while (fgets(line, sizeof line, template))
        put_line(stdout, line);
    bool failed = ferror(template);
    fclose(template);
    return failed ? COMMAND_FAILED : COMMAND_OK;
}

static const struct command_example manual_examples[] = {
    {"spile manual man/spile.1.in | mandoc -l", "read the manual before it is installed"},
    {0},
};

const struct command command_manual = {
    .name = "manual",
    .summary = "fill a manual's template from the tables",
    .operands = "TEMPLATE",
    .operand_files = true,
    .operand_min = 1,
    .operand_max = 1,
    .examples = manual_examples,
    .hidden = true,
    .run = manual_run,
};
