/* The configuration that is in force, in the form of a configuration file (JSON is YAML): all
 * options that have a value, but of secrets only that they have one. */
#include "conf/config.h"
#include "api/api.h"

static void put_options(struct json *j, const struct option *table, const void *base);

/* The i-th value: options in braces, or a text. */
static void put_one(struct json *j, const struct option *row, const void *base, size_t i)
{
    struct buf text = {0};
    if (row->rows) {
        json_object(j);
        put_options(j, row->rows, option_nested(row, base, i));
        json_object_end(j);
        return;
    }
    if (row->secret)
        buf_str(&text, option_masked);
    else
        option_print(row, base, i, &text);
    if (option_is_bare(row))
        json_raw(j, buf_span(&text));
    else
        json_text(j, buf_span(&text));
    j->out->failed |= text.failed;
    buf_free(&text);
}

static void put_value(struct json *j, const struct option *row, const void *base)
{
    if (!option_is_list(row)) {
        put_one(j, row, base, 0);
        return;
    }
    json_array(j);
    for (size_t i = 0; i < option_count(row, base); i++)
        put_one(j, row, base, i);
    json_array_end(j);
}

static void put_options(struct json *j, const struct option *table, const void *base)
{
    for (const struct option *row = table; row && row->name; row++) {
        if (option_is_absent(row, base))
            continue;
        json_key(j, row->name);
        put_value(j, row, base);
    }
}

static void put_item(struct json *j, const struct config_item *item)
{
    json_key(j, item->module->name);
    json_object(j);
    put_options(j, item->module->options, item->options);
    put_options(j, config_common_options(item->module), item->common);
    json_object_end(j);
}

static void put_items(struct json *j, const char *key, const struct config_item *items,
                      size_t count)
{
    json_key(j, key);
    json_array(j);
    for (size_t i = 0; i < count; i++) {
        json_object(j);
        put_item(j, &items[i]);
        json_object_end(j);
    }
    json_array_end(j);
}

static void config_handle(const struct api_request *request, struct api_reply *reply)
{
    struct config *config = engine_config(request->context->engine);
    struct json j = api_begin(reply);
    put_options(&j, settings_options, &config->settings);
    put_items(&j, "inputs", config->inputs, config->input_count);
    put_items(&j, "stages", config->stages, config->stage_count);
    put_items(&j, "outputs", config->outputs, config->output_count);
    for (size_t i = 0; i < config->section_count; i++)
        put_item(&j, &config->sections[i]);
    config_release(config);
    api_end(&j, reply);
}

const struct api_route api_config = {
    .path = "/api/v1/config",
    .plain = true,
    .doc = "The configuration in force, as a configuration file has it; secrets are masked.",
    .schema = "{*any}",
    .handle = config_handle,
};
