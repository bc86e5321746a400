/* The program's own tables: what each promises to help, manual, example and parser. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "../support/uncomment.h"
#include "conf/config.h"
#include "core/input.h"
#include "core/output.h"
#include "core/stage.h"

static bool can_be_absent(const struct option *row)
{
    return row->type == OPTION_STRING || row->type == OPTION_PATH || row->type == OPTION_NAME ||
           row->type == OPTION_HOSTPORT || row->rows || option_is_list(row);
}

/* Settings, sections and lists share the top of the configuration: no name is there twice. */
static void test_top(void **state)
{
    (void)state;
    const struct module *section;
    for (size_t i = 0; (section = module_at(MODULE_SECTION, i)); i++) {
        assert_null(option_find(settings_options, span_str(section->name), NULL));
        assert_string_not_equal(section->name, "inputs");
        assert_string_not_equal(section->name, "outputs");
    }
}

/* A doc is a phrase: no capital at its begin but of a name, no full stop. */
static void check_doc(const char *owner, const struct option *row)
{
    if (!row->doc || !row->doc[0])
        fail_msg("%s: %s has no doc", owner, row->name);
    if (strchr(".?!:", row->doc[strlen(row->doc) - 1]))
        fail_msg("%s: the doc of %s ends in a full stop", owner, row->name);
    if (isupper((unsigned char)row->doc[0]) && islower((unsigned char)row->doc[1]))
        fail_msg("%s: the doc of %s begins with a capital", owner, row->name);
}

/* What can be absent must show a value where it has no default. */
static void check_row(const char *owner, const struct option *row)
{
    check_doc(owner, row);
    if (!row->fallback && !row->example && !row->rows)
        fail_msg("%s: %s has neither a default nor an example", owner, row->name);
    if (row->required && !can_be_absent(row))
        fail_msg("%s: %s is required but cannot be absent", owner, row->name);
    if (row->secret && (row->type != OPTION_STRING || row->fallback))
        fail_msg("%s: %s cannot be secret", owner, row->name);
    for (const char *c = row->name; *c; c++)
        assert_true(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '-');
    assert_true(row->max == 0 || row->min <= row->max);
}

/* Flags of a row stand only where they mean something. */
static void check_flags(const struct option *row)
{
    bool range = row->type == OPTION_SIZE || row->type == OPTION_DURATION;
    assert_true(!row->off || (range && row->min > 0));
    assert_true(!row->exclusive || row->type == OPTION_PATH || row->type == OPTION_HOSTPORT);
    assert_true(!row->reads || row->type == OPTION_STRINGS);
}

static void check_exclusive(const char *owner, const struct option *table)
{
    unsigned exclusive = 0;
    for (const struct option *row = table; row && row->name; row++)
        exclusive += row->exclusive;
    if (exclusive > 1) /* conf/check.c tells who holds the place of one */
        fail_msg("%s has two exclusive options", owner);
}

/* Structs in structs: lists of them are not in one another, and have no default. */
static void check_nested(const struct option *row, bool in_list)
{
    bool list = row->type == OPTION_LIST_OF;
    assert_true(!row->rows == (!list && row->type != OPTION_GROUP));
    assert_true(!row->rows || (row->size > 0 && !row->fallback));
    assert_false(list && in_list);
    for (const struct option *part = row->rows; part && part->name; part++)
        check_nested(part, list || in_list);
}

static void check_options(const char *owner, const struct option *table)
{
    for (const struct option *row = table; row && row->name; row++) {
        check_nested(row, false);
        check_options(row->name, row->rows);
        check_row(owner, row);
        check_flags(row);
        assert_ptr_equal(option_find(table, span_str(row->name), NULL), row);
    }
}

/* Every default lies within its own row's range. */
static void check_defaults(const char *owner, const struct option *table, size_t size)
{
    struct error err = {0};
    void *base = calloc(1, size + 1);
    assert_non_null(base);
    if (options_init(table, base, &err))
        fail_msg("%s: %s", owner, err.text);
    options_free(table, base);
    free(base);
}

static void test_settings(void **state)
{
    (void)state;
    check_options("settings", settings_options);
    check_defaults("settings", settings_options, sizeof(struct settings));
    check_options("outputs", output_queued.options);
    check_defaults("outputs", output_queued.options, sizeof(struct output_common));
    check_options("inline outputs", output_inline.options);
    check_options("inputs", input_common.options);
    check_options("stages", stage_common.options);
}

static void test_modules(void **state)
{
    (void)state;
    for (size_t i = 0; registry[i]; i++) {
        const struct module *module = registry[i];
        assert_non_null(module->name);
        assert_true(!module->hooks == (module->kind == MODULE_SECTION));
        const struct output_hooks *hooks = module->kind == MODULE_OUTPUT ? module->hooks : NULL;
        const struct option_group *inline_or_queued =
            hooks && hooks->event ? &output_inline : &output_queued;
        assert_ptr_equal(module->common, hooks                          ? inline_or_queued
                                         : module->kind == MODULE_INPUT ? &input_common
                                         : module->kind == MODULE_STAGE ? &stage_common
                                                                        : NULL);
        if (!module->doc || !strchr(".", module->doc[strlen(module->doc) - 1]))
            fail_msg("%s: the doc is not made of sentences", module->name);
        check_options(module->name, module->options);
        check_defaults(module->name, module->options, module->options_size);
        check_exclusive(module->name, module->options);
        const char *compat = module->compat; /* nobody stands behind another of the same name */
        assert_ptr_equal(module_find(module->kind, span_str(module->name), compat), module);
        for (const struct option *row = config_common_options(module); row && row->name; row++)
            assert_null(option_find(module->options, span_str(row->name), NULL));
    }
    assert_non_null(module_at(MODULE_SECTION, 0));
    assert_non_null(module_at(MODULE_INPUT, 0));
    assert_non_null(module_at(MODULE_OUTPUT, 0));
}

static size_t count_of(enum module_kind kind)
{
    size_t count = 0;
    while (module_at(kind, count))
        count++;
    return count;
}

static void load(const char *text, size_t len, struct config *config)
{
    struct error err = {0};
    char line[1024];
    assert_int_equal(config_init(config, &err), 0);
    if (config_parse(config, text, len, "example", &err) || config_validate(config, &err))
        fail_msg("%s", error_line(&err, line, sizeof line));
}

/* The example is accepted as it is printed, and with everything in it switched on. */
static void test_example(void **state)
{
    (void)state;
    struct config config;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    config_example(out);
    fclose(out);
    load(text, len, &config);
    assert_int_equal(config.input_count, 1);
    assert_int_equal(config.output_count, 1);
    assert_int_equal(config.section_count, 0);
    config_free(&config);
    char *whole = malloc(len);
    assert_non_null(whole);
    load(whole, uncomment(text, whole), &config);
    assert_int_equal(config.input_count, count_of(MODULE_INPUT));
    assert_int_equal(config.output_count, count_of(MODULE_OUTPUT));
    assert_int_equal(config.section_count, count_of(MODULE_SECTION));
    config_free(&config);
    free(whole);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_modules),
        cmocka_unit_test(test_top),
        cmocka_unit_test(test_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
