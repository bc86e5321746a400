/* The configuration as a value: items added, set and dropped, by flags or by conf/parse.c. */
#include "conf/config.h"

#include <stdio.h>
#include <stdlib.h>

enum { ITEMS_MAX = 1000 }; /* of a kind: more is a mistake, not a configuration */

int config_init(struct config *config, struct error *err)
{
    *config = (struct config){0};
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
    config_marks_free(&item->options_at);
    config_marks_free(&item->common_at);
}

struct config *config_new(struct error *err)
{
    struct config *config = malloc(sizeof *config);
    if (config && config_init(config, err) == 0) {
        config->on_heap = true;
        atomic_store(&config->holders, 1);
        return config;
    }
    if (config)
        config_free(config);
    else
        error_set(err, "out of memory");
    free(config);
    return NULL;
}

struct config *config_hold(struct config *config)
{
    atomic_fetch_add(&config->holders, 1);
    return config;
}

void config_release(struct config *config)
{
    if (!config || atomic_fetch_sub(&config->holders, 1) != 1 || !config->on_heap)
        return;
    config_free(config);
    free(config);
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
    config_marks_free(&config->settings_at);
    for (size_t i = 0; i < config->file_count; i++)
        free(config->files[i]);
    free(config->files);
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
    void *options = calloc(1, module->options_size + 1); /* never of size 0 */
    void *common = module->common ? calloc(1, module->common->size) : NULL;
    if (!grown || !options || (module->common && !common)) {
        free(options);
        free(common);
        error_set(err, "out of memory");
        return NULL;
    }
    grown[*count] = (struct config_item){.module = module, .options = options, .common = common};
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

void config_drop_section(struct config *config, const char *name)
{
    struct config_item *item = config_section_item(config, name);
    if (!item)
        return;
    free_item(item);
    struct config_item *end = config->sections + config->section_count--;
    memmove(item, item + 1, (size_t)(end - item - 1) * sizeof *item);
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

/* The member that holds the item's name; NULL: it can have none. */
static const void *name_member(const struct config_item *item)
{
    for (const struct option *row = config_common_options(item->module); row && row->name; row++) {
        if (row->names && item->common)
            return (const char *)item->common + row->offset;
    }
    return NULL;
}

const char *config_given_name(const struct config_item *item)
{
    const void *member = name_member(item);
    return member ? *(char *const *)member : NULL;
}

const char *config_number_name(const struct module *module, unsigned number, char *out)
{
    snprintf(out, CONFIG_NAME_MAX + 1, number > 1 ? "%.50s#%u" : "%.50s", module->name, number);
    return out;
}

const char *config_name(const struct config_item *items, size_t i, char *out)
{
    const char *given = config_given_name(&items[i]);
    unsigned number = 1;
    if (given || items[i].called[0]) {
        snprintf(out, CONFIG_NAME_MAX + 1, "%s", given ? given : items[i].called);
        return out;
    }
    for (size_t j = 0; j < i; j++)
        number += items[j].module == items[i].module && !config_given_name(&items[j]);
    return config_number_name(items[i].module, number, out);
}

/* Both items want to be called `name`; a given name is to blame, of two the later one. */
static int refuse_name(const struct config_item *earlier, const struct config_item *later,
                       const char *name, struct error *err)
{
    const struct config_item *wrong = config_given_name(later) ? later : earlier;
    const struct config_item *other = wrong == later ? earlier : later;
    char line[CONFIG_WHERE_MAX] = "";
    if (other->at.line)
        config_where(line, &other->at, &wrong->at);
    error_set(err, "%s: name: the %s%s is called %s%s; each needs a name of its own",
              wrong->module->name, other->module->name, line, name,
              config_given_name(other) ? " already" : ", as it has no name of its own");
    return config_error_at(wrong, name_member(wrong), err);
}

int config_check_names(const struct config_item *items, size_t count, struct error *err)
{
    char(*names)[CONFIG_NAME_MAX + 1] = calloc(count + 1, sizeof *names);
    int status = names ? 0 : error_set(err, "out of memory");
    for (size_t i = 0; i < count && status == 0; i++) {
        config_name(items, i, names[i]);
        for (size_t j = 0; j < i && status == 0; j++) {
            if (strcmp(names[i], names[j]) == 0)
                status = refuse_name(&items[j], &items[i], names[i], err);
        }
    }
    free(names);
    return status;
}

struct config_options config_own(const struct config_item *item)
{
    const struct module *module = item->module;
    return (struct config_options){module->options, item->options, module->options_size};
}

static struct config_options config_common(const struct config_item *item)
{
    const struct option_group *common = item->module->common;
    return common ? (struct config_options){common->options, item->common, common->size}
                  : (struct config_options){0};
}

struct config_options config_settings(const struct config *config)
{
    return (struct config_options){settings_options, &config->settings, sizeof config->settings};
}

struct config_marks *config_marks_of(struct config_item *item, const void *value,
                                     struct config_options *options)
{
    *options = config_common(item);
    if (config_options_hold(options, value))
        return &item->common_at;
    *options = config_own(item);
    return &item->options_at;
}

bool config_is_written(const struct config_item *item, const void *value)
{
    const struct config_options own = config_own(item), common = config_common(item);
    return config_marks_written(&item->options_at, &own, value, false) ||
           config_marks_written(&item->common_at, &common, value, false);
}

int config_error_at(const struct config_item *item, const void *value, struct error *err)
{
    const struct config_options own = config_own(item), common = config_common(item);
    const struct config_mark *at = config_marks_find(&item->options_at, &own, value);
    if (!at)
        at = config_marks_find(&item->common_at, &common, value);
    if (at && at->flag)
        return -1;
    if (!at)
        at = &item->at;
    return error_at(err, at->file, at->line, at->column);
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
    struct config_options options;
    struct config_marks *marks = config_marks_of(item, (char *)base + row->offset, &options);
    return config_marks_note(marks, &options, row, base, (struct config_mark){.flag = true}, err);
}
