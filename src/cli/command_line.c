/* From words to a parsed call: the way of getopt_long, over option rows. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"

/* Where parsing stands. Owner: command_parse. */
struct parse {
    struct command_call *call;
    char **words; /* the next word */
    struct error *err;
};

/* The row's number in the command's table. */
static size_t row_index(const struct command *command, const struct option *row)
{
    return (size_t)(row - command->options);
}

bool command_given(const struct command_call *call, const char *option)
{
    const struct option *row = option_find(call->command->options, span_str(option), NULL);
    return row && (call->given >> row_index(call->command, row) & 1);
}

/* Stores one value; the first of a list replaces the default list. `shown` is how the user wrote
 * the option: "-p" or "--port". */
static int set_value(struct parse *parse, const struct option *row, const char *shown,
                     const char *value)
{
    struct command_call *call = parse->call;
    uint64_t bit = 1ull << row_index(call->command, row);
    if (option_is_list(row) && !(call->given & bit))
        option_clear(row, call->options);
    struct error why;
    if (option_parse(row, call->options, span_str(value), &why))
        return error_set(parse->err, "%s: %s", shown, why.text);
    call->given |= bit;
    return 0;
}

/* Whoever lists processes sees their words, so a secret does not stay among them. */
static void hide(const struct option *row, char *word)
{
    if (row->secret)
        memset(word, '*', strlen(word));
}

/* Sets a flag, or takes the value from behind the option: `joined`, or else the next word. */
static int set_option(struct parse *parse, const struct option *row, const char *shown,
                      char *joined)
{
    if (row->type == OPTION_BOOL) {
        if (joined)
            return error_set(parse->err, "%s takes no value", shown);
        return set_value(parse, row, shown, "true");
    }
    if (!joined && !*parse->words)
        return error_set(parse->err, "%s needs a value: %s", shown, option_value_name(row));
    char *value = joined ? joined : *parse->words++;
    int status = set_value(parse, row, shown, value);
    hide(row, value);
    return status;
}

/* --name, --name=value, --name value */
static int parse_long(struct parse *parse, char *word)
{
    const char *hint;
    char *equals = strchr(word, '=');
    struct span name = span_of(word + 2, equals ? (size_t)(equals - word - 2) : strlen(word + 2));
    const struct option *row = option_find(parse->call->command->options, name, &hint);
    char shown[64];
    snprintf(shown, sizeof shown, "--%.*s", (int)(name.len < 60 ? name.len : 60), word + 2);
    if (row)
        return set_option(parse, row, shown, equals ? equals + 1 : NULL);
    if (hint)
        return error_set(parse->err, "unknown option %s; did you mean --%s?", shown, hint);
    return error_set(parse->err, "unknown option %s", shown);
}

static const struct option *row_of_letter(const struct option *table, char letter)
{
    for (const struct option *row = table; row && row->name; row++) {
        if (row->letter == letter)
            return row;
    }
    return NULL;
}

/* -v, -vc FILE, -p6001, -p 6001: flags may share a word, and the last may have its value there. */
static int parse_letters(struct parse *parse, char *word)
{
    for (char *letter = word + 1; *letter; letter++) {
        const struct option *row = row_of_letter(parse->call->command->options, *letter);
        char shown[3] = {'-', *letter, '\0'};
        if (!row)
            return error_set(parse->err, "unknown option %s", shown);
        bool flag = row->type == OPTION_BOOL;
        if (set_option(parse, row, shown, flag || !letter[1] ? NULL : letter + 1))
            return -1;
        if (!flag)
            break;
    }
    return 0;
}

static int parse_words(struct parse *parse)
{
    struct command_call *call = parse->call;
    bool options_ended = false;
    while (*parse->words) {
        char *word = *parse->words++;
        bool operand = options_ended || word[0] != '-' || word[1] == '\0';
        if (operand)
            call->operands[call->operand_count++] = word;
        else if (strcmp(word, "--") == 0)
            options_ended = true;
        else if (word[1] == '-' ? parse_long(parse, word) : parse_letters(parse, word))
            return -1;
    }
    return 0;
}

/* Nothing that an operand names has an empty name, and standard input comes once. */
static int check_operands(const struct command_call *call, struct error *err)
{
    int inputs = 0;
    for (int i = 0; i < call->operand_count; i++) {
        if (!call->operands[i][0])
            return error_set(err, "an argument is empty");
        inputs += strcmp(call->operands[i], "-") == 0;
    }
    return inputs > 1 ? error_set(err, "standard input (-) can be read only once") : 0;
}

static int check_call(const struct command_call *call, struct error *err)
{
    const struct command *command = call->command;
    if (call->operand_count < command->operand_min)
        return error_set(err, "%s is missing", command->operands);
    if (call->operand_count > command->operand_max)
        return error_set(err, "unexpected argument '%s'", call->operands[command->operand_max]);
    for (const struct option *row = command->options; row && row->name; row++) {
        if (row->required && !(call->given >> row_index(command, row) & 1))
            return error_set(err, "--%s %s is required", row->name, option_value_name(row));
    }
    return check_operands(call, err);
}

int command_parse(const struct command *command, char **words, struct command_call *call,
                  struct error *err)
{
    size_t count = 0;
    while (words[count])
        count++;
    struct command_call parsed = {.command = command};
    parsed.operands = calloc(count + 1, sizeof *parsed.operands);
    parsed.options = calloc(1, command->size + 1); /* never of size 0 */
    struct parse parse = {.call = &parsed, .words = words, .err = err};
    int status = -1;
    if (!parsed.operands || !parsed.options)
        error_set(err, "out of memory");
    else if (options_init(command->options, parsed.options, err) == 0 && parse_words(&parse) == 0)
        status = check_call(&parsed, err);
    if (status)
        command_free(&parsed);
    else
        *call = parsed;
    return status;
}

void command_free(struct command_call *call)
{
    options_free(call->command->options, call->options);
    free(call->options);
    free(call->operands);
    *call = (struct command_call){.command = call->command};
}
