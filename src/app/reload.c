/* A service goes over to what its configuration says now. */
#include "app/service.h"
#include "base/log.h"

static void tell_fixed(void *ctx, const char *name)
{
    (void)ctx;
    log_warning("%s: changed, which takes effect at the next start", name);
}

/* Statistics are kept from the start or not at all. */
static int check_outputs(const struct service *s, const struct config *config, struct error *err)
{
    for (size_t i = 0; i < config->output_count && !s->stats; i++) {
        const struct output_hooks *hooks = config->outputs[i].module->hooks;
        if (!hooks->statistics)
            continue;
        error_set(err, "%s: statistics are off, and go on at the next start alone",
                  config->outputs[i].module->name);
        return config_error_at(&config->outputs[i], NULL, err);
    }
    return 0;
}

int service_reload(struct service *s, struct error *err)
{
    struct config *config = s->configure(s->configure_arg, err);
    if (!config)
        return -1;
    struct config *running = pipeline_config(s->pipeline);
    int status = config_carry(config, running, tell_fixed, NULL, err);
    config_release(running);
    if (status == 0)
        status = check_outputs(s, config, err);
    if (status == 0)
        status = pipeline_reload(s->pipeline, config, err);
    if (status == 0)
        log_set_time((enum log_time)config->settings.log_time);
    config_release(config);
    return status;
}

void service_hangup(void *arg)
{
    struct service *s = arg;
    struct error err = {0};
    char line[1024];
    if (service_reload(s, &err) == 0)
        return;
    log_error("the configuration stays as it was: %s", error_line(&err, line, sizeof line));
    host_reloaded(&s->host);
}

void service_changed(void *arg)
{
    struct host *host = arg;
    log_info("the configuration was read again, and is in force");
    host_reloaded(host);
}
