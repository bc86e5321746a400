/* What a configuration takes over from the one that is running. */
#include <stdio.h>
#include <stdlib.h>

#include "conf/config.h"

struct carrying {
    void (*tell)(void *ctx, const char *name);
    void *ctx;
    bool carried; /* some option was */
};

/* The value of an option that cannot change: as it is. `prefix`: the section's name and ": ". */
static int carry_row(const struct option *row, void *to, const void *from, const char *prefix,
                     struct carrying *c, struct error *err)
{
    const struct option alone[] = {*row, {0}};
    char name[128];
    if (!row->fixed || option_equal(row, to, from))
        return 0;
    snprintf(name, sizeof name, "%s%s", prefix, row->name);
    c->tell(c->ctx, name);
    c->carried = true;
    option_clear(row, to);
    return options_copy(alone, to, from, err);
}

static int carry_rows(const struct option *rows, void *to, const void *from, const char *prefix,
                      struct carrying *c, struct error *err)
{
    for (const struct option *row = rows; row->name; row++) {
        if (carry_row(row, to, from, prefix, c, err) < 0)
            return -1;
    }
    return 0;
}

/* --- sections ------------------------------------------------------------------------------- */

/* NULL: err. */
static void *defaults_of(const struct module *module, struct error *err)
{
    void *options = calloc(1, module->options_size + 1);
    if (!options)
        error_set(err, "no memory");
    if (options && options_init(module->options, options, err) == 0)
        return options;
    free(options);
    return NULL;
}

static bool is_held(const struct config_item *item, const void *defaults)
{
    for (const struct option *row = item->module->options; row->name; row++) {
        if (row->fixed && !option_equal(row, item->options, defaults))
            return true;
    }
    return false;
}

/* The section of that item, just as it is. */
static int carry_whole(struct config *config, const struct config_item *from, struct carrying *c,
                       struct error *err)
{
    const struct option *rows = from->module->options;
    struct config_item *item = config_add(config, MODULE_SECTION, from->module->name, err);
    if (!item)
        return -1;
    c->tell(c->ctx, from->module->name);
    item->carried = from->at.line || from->carried;
    options_free(rows, item->options);
    memset(item->options, 0, from->module->options_size);
    return options_copy(rows, item->options, from->options, err);
}

/* Where one of the two has no such section its options are as by default; but one in which
 * something cannot change stays as a whole: the rest of it goes with that. */
static int carry_section(struct config *config, const struct config *running,
                         const struct module *module, struct carrying *c, struct error *err)
{
    const struct config_item *from = config_section_item(running, module->name);
    struct config_item *to = config_section_item(config, module->name);
    void *defaults = defaults_of(module, err);
    char prefix[64];
    int status = defaults ? 0 : -1;
    c->carried = false;
    snprintf(prefix, sizeof prefix, "%s: ", module->name);
    if (defaults && to)
        status = carry_rows(module->options, to->options, from ? from->options : defaults, prefix,
                            c, err);
    else if (defaults && from && is_held(from, defaults))
        status = carry_whole(config, from, c, err);
    if (status == 0 && to)
        to->carried = c->carried;
    if (defaults)
        options_free(module->options, defaults);
    free(defaults);
    return status;
}

/* -------------------------------------------------------------------------------------------- */

static int call_all(struct config *config, const struct config *running, struct error *err)
{
    if (config_call(config->inputs, config->input_count, running->inputs, running->input_count,
                    err) < 0 ||
        config_call(config->stages, config->stage_count, running->stages, running->stage_count,
                    err) < 0)
        return -1;
    return config_call(config->outputs, config->output_count, running->outputs,
                       running->output_count, err);
}

int config_carry(struct config *config, const struct config *running, bool sections,
                 void (*tell)(void *ctx, const char *name), void *ctx, struct error *err)
{
    struct carrying c = {tell, ctx};
    const struct module *module;
    if (carry_rows(settings_options, &config->settings, &running->settings, "", &c, err) < 0)
        return -1;
    for (size_t i = 0; sections && (module = module_at(MODULE_SECTION, i)); i++) {
        if (carry_section(config, running, module, &c, err) < 0)
            return -1;
    }
    if (call_all(config, running, err) < 0)
        return -1;
    return config_validate(config, err);
}
