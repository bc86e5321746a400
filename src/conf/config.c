/* The configuration as a value: items added, set and dropped, by flags or by config_parse.c. */
#include "conf/config.h"

#include <stdlib.h>

enum { ITEMS_MAX = 1000 }; /* of a kind: more is a mistake, not a configuration */

static size_t rows_of(const struct option *table)
{
    size_t count = 0;
    while (table && table[count].name)
        count++;
    return count;
}

int config_init(struct config *config, struct error *err)
{
    *config = (struct config){0};
    config->setting_places = calloc(rows_of(settings_options), sizeof *config->setting_places);
    if (!config->setting_places)
        return error_set(err, "out of memory");
    return options_init(settings_options, &config->settings, err);
}

/* The list that items of a kind are in. */
static struct config_item **list_of(struct config *config, enum module_kind kind, size_t **count)
{
    switch (kind) {
    case MODULE_INPUT:
        *count = &config->input_count;
        return &config->inputs;
    case MODULE_STAGE:
        *count = &config->stage_count;
        return &config->stages;
    case MODULE_OUTPUT:
        *count = &config->output_count;
        return &config->outputs;
    default:
        *count = &config->section_count;
        return &config->sections;
    }
}

static void free_item(struct config_item *item)
{
    options_free(item->module->options, item->options);
    options_free(config_common_options(item->module), item->common);
    free(item->options);
    free(item->common);
    free(item->places);
}

void config_clear(struct config *config, enum module_kind kind)
{
    size_t *count;
    struct config_item **items = list_of(config, kind, &count);
    for (size_t i = 0; i < *count; i++)
        free_item(&(*items)[i]);
    free(*items);
    *items = NULL;
    *count = 0;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    config_clear(config, MODULE_INPUT);
    config_clear(config, MODULE_STAGE);
    config_clear(config, MODULE_OUTPUT);
    config_clear(config, MODULE_SECTION);
    options_free(settings_options, &config->settings);
    free(config->setting_places);
    free(config->path);
    *config = (struct config){0};
}

const struct option *config_common_options(const struct module *module)
{
    return module->common ? module->common->options : NULL;
}

bool config_item_equal(const struct config_item *a, const struct config_item *b)
{
    return a->module == b->module && options_equal(a->module->options, a->options, b->options) &&
           options_equal(config_common_options(a->module), a->common, b->common);
}

/* A new item behind the last, its options not set yet. */
static struct config_item *push_item(struct config *config, const struct module *module,
                                     struct error *err)
{
    size_t *count;
    struct config_item **items = list_of(config, module->kind, &count);
    if (*count >= ITEMS_MAX) {
        error_set(err, "more than %d %ss", ITEMS_MAX, module_kind_word(module->kind));
        return NULL;
    }
    struct config_item *grown = realloc(*items, (*count + 1) * sizeof *grown);
    if (grown)
        *items = grown;
    size_t rows = rows_of(module->options) + rows_of(config_common_options(module));
    void *options = calloc(1, module->options_size + 1); /* never of size 0 */
    void *common = module->common ? calloc(1, module->common->size) : NULL;
    struct config_mark *places = calloc(rows + 1, sizeof *places);
    if (!grown || !options || !places || (module->common && !common)) {
        free(options);
        free(common);
        free(places);
        error_set(err, "out of memory");
        return NULL;
    }
    grown[*count] = (struct config_item){
        .module = module, .options = options, .common = common, .places = places};
    return &grown[(*count)++];
}

struct config_item *config_add(struct config *config, enum module_kind kind, const char *module,
                               struct error *err)
{
    return config_add_named(config, kind, span_str(module), err);
}

struct config_item *config_add_named(struct config *config, enum module_kind kind, struct span name,
                                     struct error *err)
{
    const struct module *module = module_find(kind, name, NULL);
    if (!module) {
        module_unknown(kind, name, err);
        return NULL;
    }
    struct config_item *item = push_item(config, module, err);
    if (!item)
        return NULL;
    if (options_init(module->options, item->options, err) ||
        options_init(config_common_options(module), item->common, err)) {
        size_t *count;
        list_of(config, kind, &count);
        (*count)--;
        free_item(item);
        return NULL;
    }
    return item;
}

struct config_item *config_section_item(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->section_count; i++) {
        if (strcmp(config->sections[i].module->name, name) == 0)
            return &config->sections[i];
    }
    return NULL;
}

void *config_section(const struct config *config, const char *name)
{
    const struct config_item *item = config_section_item(config, name);
    return item ? item->options : NULL;
}

void *config_section_add(struct config *config, const char *name, struct error *err)
{
    struct config_item *item = config_section_item(config, name);
    if (!item)
        item = config_add(config, MODULE_SECTION, name, err);
    return item ? item->options : NULL;
}

const struct option *config_option(const struct config_item *item, struct span name, void **base,
                                   const char **hint)
{
    const char *common_hint;
    const struct option *row = option_find(item->module->options, name, hint);
    *base = item->options;
    if (row)
        return row;
    row = option_find(config_common_options(item->module), name, &common_hint);
    *base = item->common;
    if (!*hint)
        *hint = common_hint;
    return row;
}

/* The row's index among the item's places. */
static size_t place_of(const struct config_item *item, const struct option *row)
{
    size_t own = rows_of(item->module->options);
    for (size_t i = 0; i < own; i++) {
        if (&item->module->options[i] == row)
            return i;
    }
    return own + (size_t)(row - config_common_options(item->module));
}

void config_note_place(struct config_item *item, const struct option *row, struct config_mark at)
{
    item->places[place_of(item, row)] = at;
}

bool config_is_written(const struct config_item *item, const char *option)
{
    void *base;
    const char *hint;
    const struct option *row = config_option(item, span_str(option), &base, &hint);
    const struct config_mark *at = row ? &item->places[place_of(item, row)] : NULL;
    return at && (at->line || at->flag);
}

int config_error_at(const struct config *config, const struct config_item *item, const char *option,
                    struct error *err)
{
    void *base;
    const char *hint;
    const struct option *row = option ? config_option(item, span_str(option), &base, &hint) : NULL;
    struct config_mark at = row ? item->places[place_of(item, row)] : item->at;
    if (at.flag)
        return -1;
    if (at.line == 0)
        at = item->at;
    return error_at(err, at.line ? config->path : NULL, at.line, at.column);
}

int config_defaults(struct config *config, struct error *err)
{
    if (config->input_count == 0 && !config->inputs_at.line &&
        !config_add(config, MODULE_INPUT, "tcp", err))
        return -1;
    if (config->output_count == 0 && !config->outputs_at.line &&
        !config_add(config, MODULE_OUTPUT, "stdout", err))
        return -1;
    return 0;
}

int config_set(struct config_item *item, const char *option, const char *value, struct error *err)
{
    const char *hint;
    void *base;
    const struct option *row = config_option(item, span_str(option), &base, &hint);
    if (!row)
        return error_set(err, "%s has no option '%s'", item->module->name, option);
    struct error why;
    if (option_parse(row, base, span_str(value), &why))
        return error_set(err, "%s: %s: %s", item->module->name, option, why.text);
    config_note_place(item, row, (struct config_mark){.flag = true});
    return 0;
}
