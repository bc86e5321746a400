/* spile fields: the table of fields, for people. */
#include "cli/fields.h"

#include <stdio.h>

#include "cli/command.h"

/* By form, but for lists. */
static const char *const kind_names[FIELD_FORMS] = {
    [FIELD_WORD] = "word",       [FIELD_TEXT] = "text",        [FIELD_NAME] = "name",
    [FIELD_ADDRESS] = "address", [FIELD_PREFIX] = "prefix",    [FIELD_UINT] = "number",
    [SHOWN_LENGTH] = "length",   [FIELD_BOOL] = "bool",        [FIELD_TIME] = "time",
    [SHOWN_EPOCH] = "seconds",   [FIELD_DURATION] = "latency", [FIELD_DATA] = "data",
    [FIELD_LIST] = "list",       [FIELD_TREE] = "structure",
};

const char *fields_kind(const struct field *field)
{
    return kind_names[field->type == FIELD_LIST ? (unsigned)FIELD_LIST : field_form(field)];
}

static int longest(const char *(*text)(const struct field *field), const char *head)
{
    size_t longest = strlen(head);
    const struct field *field;
    for (size_t i = 0; (field = field_at(i)); i++) {
        size_t len = strlen(text(field));
        longest = len > longest ? len : longest;
    }
    return (int)longest;
}

static const char *name_of(const struct field *field)
{
    return field->name;
}

static const char *key_of(const struct field *field)
{
    return field->key;
}

static int fields_run(struct command_call *call)
{
    (void)call;
    int name = longest(name_of, "NAME"), key = longest(key_of, "KEY"),
        kind = longest(fields_kind, "KIND");
    printf("%-*s  %-*s  %-*s  WHAT IT IS\n", name, "NAME", key, "KEY", kind, "KIND");
    const struct field *field;
    for (size_t i = 0; (field = field_at(i)); i++)
        printf("%-*s  %-*s  %-*s  %s\n", name, field->name, key, field->key, kind,
               fields_kind(field), field->doc);
    return COMMAND_OK;
}

static const struct command_example fields_examples[] = {
    {"spile fields", "what --fields and the option 'fields' may name"},
    {"spile fields | grep edns", "what there is of EDNS"},
    {0},
};

const struct command command_fields = {
    .name = "fields",
    .summary = "list the fields of an event",
    .doc = "One line a field: its name, its key in JSON and YAML, what kind of value it has, and "
           "what it is. --fields and the option 'fields' take names and keys alike.",
    .examples = fields_examples,
    .run = fields_run,
};
