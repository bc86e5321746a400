/* What a configuration takes over from the one that is running. */
#include "conf/config.h"

struct carrying {
    void (*tell)(void *ctx, const char *name);
    void *ctx;
};

static int carry_settings(struct config *config, const struct config *running,
                          const struct carrying *c, struct error *err)
{
    for (const struct option *row = settings_options; row->name; row++) {
        if (!row->fixed || option_equal(row, &config->settings, &running->settings))
            continue;
        const struct option alone[] = {*row, {0}};
        c->tell(c->ctx, row->name);
        option_clear(row, &config->settings);
        if (options_copy(alone, &config->settings, &running->settings, err) < 0)
            return -1;
    }
    return 0;
}

/* The section of that item, just as it is. */
static int carry_section(struct config *config, const struct config_item *from, struct error *err)
{
    const struct option *rows = from->module->options;
    config_drop_section(config, from->module->name);
    struct config_item *item = config_add(config, MODULE_SECTION, from->module->name, err);
    if (!item)
        return -1;
    item->carried = from->at.line || from->carried;
    options_free(rows, item->options);
    memset(item->options, 0, from->module->options_size);
    return options_copy(rows, item->options, from->options, err);
}

static int carry_sections(struct config *config, const struct config *running,
                          const struct carrying *c, struct error *err)
{
    for (size_t i = 0; i < running->section_count; i++) {
        const struct config_item *from = &running->sections[i];
        const struct config_item *to = config_section_item(config, from->module->name);
        if (to && config_item_equal(from, to))
            continue;
        if (to || from->at.line || from->carried)
            c->tell(c->ctx, from->module->name);
        if (carry_section(config, from, err) < 0)
            return -1;
    }
    for (size_t i = config->section_count; i-- > 0;) {
        const char *name = config->sections[i].module->name;
        if (config_section_item(running, name))
            continue;
        c->tell(c->ctx, name);
        config_drop_section(config, name);
    }
    return 0;
}

int config_carry(struct config *config, const struct config *running,
                 void (*tell)(void *ctx, const char *name), void *ctx, struct error *err)
{
    const struct carrying c = {tell, ctx};
    if (carry_settings(config, running, &c, err) < 0 ||
        carry_sections(config, running, &c, err) < 0)
        return -1;
    if (config_call(config->inputs, config->input_count, running->inputs, running->input_count,
                    err) < 0 ||
        config_call(config->stages, config->stage_count, running->stages, running->stage_count,
                    err) < 0 ||
        config_call(config->outputs, config->output_count, running->outputs, running->output_count,
                    err) < 0)
        return -1;
    return config_validate(config, err);
}
