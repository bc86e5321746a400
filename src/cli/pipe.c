#include "cli/pipe.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hostport.h"
#include "base/log.h"
#include "core/output.h"
#include "io/endpoint.h"

int pipe_set(struct config_item *item, const struct pipe_setting *settings, struct error *err)
{
    for (; settings->option; settings++) {
        if (settings->value && config_set(item, settings->option, settings->value, err) < 0)
            return -1;
    }
    return 0;
}

int pipe_add(struct config *config, enum module_kind kind, const char *module,
             const struct pipe_setting *settings, struct error *err)
{
    struct config_item *item = config_add(config, kind, module, err);
    return item ? pipe_set(item, settings, err) : -1;
}

int pipe_add_source(struct config *config, const char *source, const char *mode, const char *group,
                    struct error *err)
{
    struct endpoint endpoint;
    char there[HOSTPORT_TEXT_MAX];
    if (endpoint_parse(&endpoint, source, err) < 0)
        return -1;
    if (endpoint.kind == ENDPOINT_UNIX) {
        struct pipe_setting settings[] = {
            {"path", endpoint.address}, {"mode", mode}, {"group", group}, {0}};
        return pipe_add(config, MODULE_INPUT, "unix", settings, err);
    }
    if (mode || group)
        return error_set(err, "--mode and --group are for unix:PATH");
    struct pipe_setting settings[] = {
        {"listen", hostport_text(there, endpoint.address, endpoint.port)}, {0}};
    return pipe_add(config, MODULE_INPUT, "tcp", settings, err);
}

int pipe_setting(struct config *config, const char *name, const char *value, struct error *err)
{
    if (!value)
        return 0;
    const struct option *row = option_find(settings_options, span_str(name), NULL);
    struct error why = {0};
    if (option_parse(row, &config->settings, span_str(value), &why) == 0)
        return 0;
    return error_set(err, "--%s: %s", name, why.text);
}

void pipe_block_for_ever(struct config *config)
{
    for (size_t i = 0; i < config->output_count; i++) {
        struct output_common *common = config->outputs[i].common;
        if (common)
            common->block_max_ns = 0;
    }
}

int pipe_fail(struct config *config, const struct error *err, int status)
{
    char line[1024];
    log_error("%s", error_line(err, line, sizeof line));
    config_free(config);
    return status;
}

int pipe_set_instead(struct config_item *item, const char *option, const char *value,
                     const char *other, struct error *err)
{
    option_clear(option_find(item->module->options, span_str(other), NULL), item->options);
    return config_set(item, option, value, err);
}

int pipe_environment(struct config *config, struct error *err)
{
    struct config_item *web = config_section_item(config, "web");
    const char *key = getenv("SPILE_API_KEY");
    return web && key && *key ? pipe_set_instead(web, "api-key", key, "api-key-file", err) : 0;
}

int pipe_validate(struct config *config)
{
    struct error err = {0};
    if (config_validate(config, &err) == 0)
        return COMMAND_OK;
    return pipe_fail(config, &err, err.file[0] ? COMMAND_FAILED : COMMAND_USAGE);
}

int pipe_run(struct config *config, const struct service_options *options)
{
    struct error err = {0};
    struct service service;
    int status = pipe_validate(config);
    if (status != COMMAND_OK)
        return status;
    log_set_time((enum log_time)config->settings.log_time);
    if (service_start(&service, config, options, &err) < 0)
        return pipe_fail(config, &err, COMMAND_FAILED);
    enum engine_end end = service_run(&service);
    service_stop(&service);
    config_free(config);
    return end == ENGINE_FAILED ? COMMAND_FAILED : COMMAND_OK;
}
