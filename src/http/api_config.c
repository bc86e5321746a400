/* The configuration that is in force, in the form of a configuration file (JSON is YAML): all
 * options that have a value, but of secrets only that they have one. */
#include <stdio.h>

#include "base/address.h"
#include "base/hostport.h"
#include "conf/config.h"
#include "http/api.h"

static const char *const masked = "***";

static void put_hostport(struct json *j, const struct option_hostport *place)
{
    char text[HOSTPORT_TEXT_MAX];
    json_str(j, hostport_text(text, place->host, place->port));
}

static void put_prefixes(struct json *j, const struct option_prefixes *prefixes)
{
    char text[PREFIX_TEXT_BYTES];
    json_array(j);
    for (size_t i = 0; i < prefixes->count; i++)
        json_str(j, prefix_text(text, &prefixes->items[i]));
    json_array_end(j);
}

static void put_strings(struct json *j, const struct option_strings *strings)
{
    json_array(j);
    for (size_t i = 0; i < strings->count; i++)
        json_str(j, strings->items[i]);
    json_array_end(j);
}

static void put_number(struct json *j, const struct option *row, uint64_t value)
{
    char text[40];
    json_str(j, value == 0 && (row->off || row->min == 0)
                    ? "off"
                    : option_number(row->type, value, text, sizeof text));
}

static void put_mode(struct json *j, mode_t mode)
{
    char text[16];
    snprintf(text, sizeof text, "%04o", (unsigned)mode);
    json_str(j, text);
}

static void put_value(struct json *j, const struct option *row, const void *place)
{
    switch (row->type) {
    case OPTION_BOOL:
        json_bool(j, *(const bool *)place);
        break;
    case OPTION_UINT:
        json_u64(j, *(const uint64_t *)place);
        break;
    case OPTION_SIZE:
    case OPTION_DURATION:
        put_number(j, row, *(const uint64_t *)place);
        break;
    case OPTION_STRING:
    case OPTION_PATH:
        json_str(j, row->secret ? masked : *(char *const *)place);
        break;
    case OPTION_ENUM:
        json_str(j, row->choices[*(const int *)place]);
        break;
    case OPTION_MODE:
        put_mode(j, *(const mode_t *)place);
        break;
    case OPTION_HOSTPORT:
        put_hostport(j, place);
        break;
    case OPTION_PREFIXES:
        put_prefixes(j, place);
        break;
    case OPTION_STRINGS:
        put_strings(j, place);
        break;
    case OPTION_TYPES:
        json_null(j);
        break;
    }
}

static void put_options(struct json *j, const struct option *table, const void *base)
{
    for (const struct option *row = table; row && row->name; row++) {
        if (option_is_absent(row, base))
            continue;
        json_key(j, row->name);
        put_value(j, row, (const char *)base + row->offset);
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

static void config_handle(const struct http_request *request, struct http_reply *reply)
{
    const struct config *config = request->context->config;
    struct json j = api_begin(reply);
    put_options(&j, settings_options, &config->settings);
    put_items(&j, "inputs", config->inputs, config->input_count);
    put_items(&j, "stages", config->stages, config->stage_count);
    put_items(&j, "outputs", config->outputs, config->output_count);
    for (size_t i = 0; i < config->section_count; i++)
        put_item(&j, &config->sections[i]);
    api_end(&j, reply);
}

const struct http_route api_config = {
    .path = "/api/v1/config",
    .doc = "The configuration in force, as a configuration file has it; secrets are masked.",
    .schema = "{*any}",
    .handle = config_handle,
};
