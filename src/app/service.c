#include "app/service.h"

#include "base/clock.h"
#include "base/curfew.h"

enum {
    HISTORY_DESCRIPTORS = 16, /* a database has three files, and is opened more than once */
    WEB_PART = 2,             /* of the descriptors that are left, for connections; ... */
    CONTROL_PART = 8,         /* ... of what is left then */
};

/* --- the start ------------------------------------------------------------------------------ */

static int open_engine(struct service *s, const struct service_options *options,
                       const struct descriptors *descriptors, struct error *err)
{
    struct engine_host hooks;
    struct observer list[PARTS_OBSERVERS];
    struct host_options host = options->host;
    s->configure = options->configure;
    s->configure_arg = options->configure_arg;
    s->configured.path = options->path;
    if (options->configure) {
        host.reload = service_hangup;
        host.arg = s;
    }
    if (host_init(&s->host, &host, &hooks, err) < 0)
        return -1;
    hooks.changed = service_changed;
    const struct engine_observers observers =
        parts_observers(&s->parts, &s->frame, s->config, list);
    const struct engine_options all = {
        .total = options->total,
        .old = options->old,
        .gives_up = options->gives_up,
        .host = &hooks,
        .observers = observers.list,
        .observer_count = observers.count,
        .stats = observers.stats,
        .descriptors = descriptors,
    };
    s->engine = s->frame.context.engine = engine_new(s->config, &all, err);
    return s->engine ? 0 : -1;
}

/* One part in `divisor` of what is left, but no more than is wanted. */
static size_t share_of(struct descriptors *plan, uint64_t wanted, unsigned divisor)
{
    uint64_t left = plan->allowed > plan->needed ? plan->allowed - plan->needed : 0;
    uint64_t part = left / divisor;
    part = part < wanted ? part : wanted;
    plan->needed += part;
    return (size_t)part;
}

int service_share(const struct service *s, const struct config *config, struct descriptors *plan,
                  struct parts_share *share, struct error *err)
{
    const struct http_settings *web = config_section(config, "web");
    const bool control = parts_want_control(&s->frame, config);
    uint64_t others =
        (web && !s->parts.site ? HTTP_DESCRIPTORS : 0) +
        (config_section(config, "history") && !s->parts.history ? HISTORY_DESCRIPTORS : 0) +
        (control && !s->parts.desk ? CONTROL_DESCRIPTORS : 0);
    *share = (struct parts_share){0};
    plan->needed += others;
    if (others > 0 && descriptors_check(plan, err) < 0)
        return -1;
    if (web)
        share->web =
            HTTP_CONNECTIONS_LEAST +
            share_of(plan, http_connection_descriptors(web) - HTTP_CONNECTIONS_LEAST, WEB_PART);
    if (control)
        share->control =
            CONTROL_CONNECTIONS_LEAST +
            share_of(plan, CONTROL_CONNECTIONS - CONTROL_CONNECTIONS_LEAST, CONTROL_PART);
    return 0;
}

static int fill_frame(struct service *s, const struct service_options *options, struct error *err)
{
    s->commands = service_commands(s);
    s->frame = (struct parts_frame){
        .workers = engine_worker_count(&s->config->settings),
        .asked = options->statistics,
        .controlled = options->control,
        .command = options->observer,
        .record = http_record_new(err),
        .context = {.commands = &s->commands,
                    .configured = &s->configured,
                    .compat = settings_compat(&s->config->settings) != NULL,
                    .started_ms = clock_wall_ms()},
    };
    s->frame.context.web = s->frame.record;
    return s->frame.record ? 0 : -1;
}

static int start_all(struct service *s, const struct service_options *options, struct error *err)
{
    static const struct parts none;
    struct parts_share share;
    if (fill_frame(s, options, err) < 0)
        return -1;
    struct descriptors descriptors = descriptors_plan(s->config, s->frame.workers);
    if (service_share(s, s->config, &descriptors, &share, err) < 0 ||
        parts_open(&s->parts, &none, &s->frame, &share, s->config, err) < 0 ||
        open_engine(s, options, &descriptors, err) < 0)
        return -1;
    return parts_start(&s->parts, &none, &s->frame, &share, s->config, err);
}

int service_start(struct service *s, struct config *config, const struct service_options *options,
                  struct error *err)
{
    *s = (struct service){.config = config};
    if (start_all(s, options, err) == 0)
        return 0;
    if (s->engine)
        engine_abort(s->engine);
    service_stop(s);
    return -1;
}

/* --- the end -------------------------------------------------------------------------------- */

/* The rest has what is left of the time that outputs have, and a little more. */
static void set_curfew(const struct service *s)
{
    uint64_t now = clock_ns(), until = s->engine ? engine_deadline(s->engine) : now;
    until = until > now && until < UINT64_MAX ? until - now : 0;
    curfew_set(clock_after(until + CURFEW_MS * CLOCK_MS_NS));
}

enum engine_end service_run(struct service *s)
{
    host_ready(&s->host);
    enum engine_end end = host_finish(&s->host, engine_run(s->engine));
    set_curfew(s);
    stats_stop(s->parts.stats);
    curfew_set(UINT64_MAX);
    return end;
}

void service_stop(struct service *s)
{
    set_curfew(s);
    service_retired(s);
    parts_stop(&s->parts);
    if (s->engine)
        errands_free(&s->host.errands);
    engine_free(s->engine);
    parts_free(&s->parts);
    http_record_free(s->frame.record);
    curfew_set(UINT64_MAX);
    *s = (struct service){0};
}
