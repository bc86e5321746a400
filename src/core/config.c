/* The configuration as a value: items added, set and dropped, by flags or by config_parse.c. */
#include "core/config.h"

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
    options_free(item->module->options, item->priv);
    options_free(config_common_options(item->module), &item->common);
    free(item->priv);
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
    config_clear(config, MODULE_OUTPUT);
    config_clear(config, MODULE_SECTION);
    options_free(settings_options, &config->settings);
    free(config->path);
    *config = (struct config){0};
}

const struct option *config_common_options(const struct module *module)
{
    const struct output_hooks *hooks = module->hooks;
    bool queued = module->kind == MODULE_OUTPUT && hooks && !hooks->event;
    return queued ? output_options : NULL;
}

static const char *kind_word(enum module_kind kind)
{
    static const char *const words[] = {
        [MODULE_INPUT] = "input",   [MODULE_STAGE] = "stage",     [MODULE_FORMAT] = "format",
        [MODULE_OUTPUT] = "output", [MODULE_SECTION] = "section",
    };
    return words[kind];
}

/* "unknown format 'txt'; did you mean 'text'?", or else what there is. */
static int unknown_module(enum module_kind kind, struct span name, struct error *err)
{
    const char *word = kind_word(kind), *near = module_nearest(kind, name);
    if (near)
        return error_set(err, "unknown %s '%s'; did you mean '%s'?", word, option_show(name).text,
                         near);
    char known[256] = "";
    size_t len = 0;
    const struct module *module;
    for (size_t i = 0; (module = module_at(kind, i)) && len < sizeof known; i++)
        len +=
            (size_t)snprintf(known + len, sizeof known - len, "%s%s", i ? ", " : "", module->name);
    return error_set(err, "unknown %s '%s'; there are: %s", word, option_show(name).text, known);
}

/* A new item behind the last, its options not set yet. */
static struct config_item *push_item(struct config *config, const struct module *module,
                                     struct error *err)
{
    size_t *count;
    struct config_item **items = list_of(config, module->kind, &count);
    if (*count >= ITEMS_MAX) {
        error_set(err, "more than %d %ss", ITEMS_MAX, kind_word(module->kind));
        return NULL;
    }
    struct config_item *grown = realloc(*items, (*count + 1) * sizeof *grown);
    if (grown)
        *items = grown;
    void *priv = calloc(1, module->size + 1); /* never of size 0 */
    if (!grown || !priv) {
        free(priv);
        error_set(err, "out of memory");
        return NULL;
    }
    grown[*count] = (struct config_item){.module = module, .priv = priv};
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
        unknown_module(kind, name, err);
        return NULL;
    }
    struct config_item *item = push_item(config, module, err);
    if (!item)
        return NULL;
    if (options_init(module->options, item->priv, err) ||
        options_init(config_common_options(module), &item->common, err)) {
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
    return item ? item->priv : NULL;
}

void *config_section_add(struct config *config, const char *name, struct error *err)
{
    struct config_item *item = config_section_item(config, name);
    if (!item)
        item = config_add(config, MODULE_SECTION, name, err);
    return item ? item->priv : NULL;
}

const struct option *config_option(const struct config_item *item, struct span name, void **base,
                                   const char **hint)
{
    const char *common_hint;
    const struct option *row = option_find(item->module->options, name, hint);
    *base = item->priv;
    if (row)
        return row;
    row = option_find(config_common_options(item->module), name, &common_hint);
    *base = (void *)&item->common;
    if (!*hint)
        *hint = common_hint;
    return row;
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
    item->when_full_set |= strcmp(option, "when-full") == 0 && base == &item->common;
    return 0;
}

/* Opens the item's format for a moment: it alone knows which field lists it takes. */
static int try_format(const struct config_item *item, const struct module *module,
                      struct error *err)
{
    const struct format_hooks *hooks = module->hooks;
    const struct format_spec spec = {.module = module, .fields = item->common.fields};
    void *state = NULL;
    uint32_t needs = 0;
    if (hooks->open && hooks->open(&spec, &state, &needs, err))
        return -1;
    if (hooks->close)
        hooks->close(state);
    return 0;
}

/* Puts the place of a value into `err`, or that of the item when the value is a default. */
static int error_in(const struct config *config, const struct config_item *item,
                    struct config_mark at, struct error *err)
{
    if (at.line == 0)
        at = item->at;
    return error_at(err, at.line ? config->path : NULL, at.line, at.column);
}

static int check_required(const struct config *config, const struct config_item *item,
                          struct error *err)
{
    for (const struct option *row = item->module->options; row && row->name; row++) {
        if (row->required && option_is_absent(row, item->priv)) {
            error_set(err, "%s needs the option '%s'", item->module->name, row->name);
            return error_in(config, item, item->at, err);
        }
    }
    return 0;
}

static int validate_output(const struct config *config, const struct config_item *item,
                           struct error *err)
{
    if (!config_common_options(item->module))
        return 0;
    struct span name = span_str(item->common.format);
    const struct module *format =
        module_find(MODULE_FORMAT, name, settings_compat(&config->settings));
    if (!format) {
        unknown_module(MODULE_FORMAT, name, err);
        return error_in(config, item, item->format_at, err);
    }
    if (try_format(item, format, err))
        return error_in(config, item, item->common.fields ? item->fields_at : item->format_at, err);
    return 0;
}

static int validate_section(const struct config *config, const struct config_item *item,
                            struct error *err)
{
    const struct section_hooks *hooks = item->module->hooks;
    struct error why;
    if (check_required(config, item, err))
        return -1;
    if (!hooks || !hooks->check || hooks->check(item->priv, &why) == 0)
        return 0;
    error_set(err, "%s: %s", item->module->name, why.text);
    return error_in(config, item, item->at, err);
}

int config_validate(const struct config *config, struct error *err)
{
    for (size_t i = 0; i < config->input_count; i++) {
        if (check_required(config, &config->inputs[i], err))
            return -1;
    }
    for (size_t i = 0; i < config->output_count; i++) {
        if (check_required(config, &config->outputs[i], err) ||
            validate_output(config, &config->outputs[i], err))
            return -1;
    }
    for (size_t i = 0; i < config->section_count; i++) {
        if (validate_section(config, &config->sections[i], err))
            return -1;
    }
    return 0;
}
