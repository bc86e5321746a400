#include "app/service.h"

#include "api/live.h"
#include "api/watch.h"
#include "base/clock.h"
#include "base/curfew.h"
#include "base/log.h"
#include "compat/receiver_reader.h"
#include "core/input.h"
#include "history/history.h"

enum {
    HISTORY_DESCRIPTORS = 16, /* a database has three files, and is opened more than once */
    CONTROL_PART = 8,         /* of the descriptors that are left */
};

static bool output_wants_statistics(const struct config *config)
{
    for (size_t i = 0; i < config->output_count; i++) {
        const struct output_hooks *hooks = config->outputs[i].module->hooks;
        if (hooks->statistics)
            return true;
    }
    return false;
}

static bool wants_statistics(const struct config *config)
{
    return config_section(config, "web") || config_section(config, "history") ||
           output_wants_statistics(config);
}

static bool only_files(const struct config *config)
{
    for (size_t i = 0; i < config->input_count; i++) {
        const struct input_hooks *hooks = config->inputs[i].module->hooks;
        if (!hooks->finite)
            return false;
    }
    return true;
}

/* The history knows the key that its sketches were made with; without it there is a fresh one. */
static int open_statistics(struct service *s, struct error *err)
{
    const struct history_settings *history = config_section(s->config, "history");
    static const struct history_settings in_memory;
    const struct stats_settings *settings = config_section_add(s->config, "statistics", err);
    struct siphash_key key;
    if (!settings)
        return -1;
    s->history = history_open(history ? history : &in_memory, &key, err);
    if (!s->history)
        return -1;
    struct stats_options options = {
        .settings = *settings,
        .reader = s->context.compat ? &receiver_stats_reader : &stats_native_reader,
        .workers = engine_worker_count(&s->config->settings),
        .key = &key,
        .patient = only_files(s->config),
    };
    struct error warning;
    if (stats_short(settings, &warning))
        log_warning("statistics: %s", warning.text);
    s->stats = stats_new(&options, err);
    return s->stats ? 0 : -1;
}

/* Live events cost nothing while nobody looks. `asked`: the command itself will ask what belongs to
 * names and clients. */
static int open_live(struct service *s, bool asked, struct error *err)
{
    bool web = config_section(s->config, "web");
    unsigned workers = engine_worker_count(&s->config->settings);
    bool live = web || s->control_connections > 0;
    s->live = live ? live_new(workers, err) : NULL;
    if (live && !s->live)
        return -1;
    s->watches = web || asked ? watches_new(workers, err) : NULL;
    return s->watches || !(web || asked) ? 0 : -1;
}

static int open_engine(struct service *s, const struct service_options *options, struct error *err)
{
    struct engine_host hooks;
    const struct stats_settings *statistics = config_section(s->config, "statistics");
    const bool early = statistics && statistics->before_stages;
    size_t count = 0;
    struct host_options host = options->host;
    s->configure = options->configure;
    s->configure_arg = options->configure_arg;
    if (options->configure) {
        host.reload = service_hangup;
        host.arg = s;
    }
    if (host_init(&s->host, &host, &hooks, err) < 0)
        return -1;
    hooks.changed = service_changed;
    if (s->stats)
        s->observers[count++] = stats_observer(s->stats);
    if (s->live) {
        s->observers[count] = live_observer(s->live);
        if (!config_section(s->config, "web")) /* no stage is to run in case somebody looks */
            s->observers[count].needs = 0;
        count++;
    }
    if (s->watches)
        s->observers[count++] = watches_observer(s->watches, early);
    if (options->observer)
        s->observers[count++] = *options->observer;
    const struct engine_options all = {
        .total = options->total,
        .old = options->old,
        .gives_up = options->gives_up,
        .host = &hooks,
        .observers = s->observers,
        .observer_count = count,
        .stats = s->stats,
        .descriptors = &s->descriptors,
    };
    s->engine = engine_new(s->config, &all, err);
    return s->engine ? 0 : -1;
}

/* Takes the web server's address before anything is made or listens: it may be in use. */
static int open_server(struct service *s, struct error *err)
{
    const struct http_settings *web = config_section(s->config, "web");
    if (!web)
        return 0;
    s->server = http_server_open(web, &s->context, err);
    return s->server ? 0 : -1;
}

static void fill_context(struct service *s)
{
    const struct http_settings *web = config_section(s->config, "web");
    s->commands = service_commands(s);
    s->context.commands = &s->commands;
    s->context.stats = s->stats;
    s->context.engine = s->engine;
    s->context.history = s->history;
    s->context.live = s->live;
    s->context.watches = s->watches;
    if (!web)
        return;
    s->context.server = s->server;
    s->context.metrics = web->metrics;
    s->context.legacy_metrics = http_legacy_metrics(web, s->context.compat);
}

/* A socket at a path that somebody chose must be there; the usual one may be another Spile's. */
static int start_control(struct service *s, struct error *err)
{
    const struct control_settings *settings = config_section(s->config, "control");
    struct error why = {0};
    if (s->control_connections == 0)
        return 0;
    s->control = control_start(settings, s->control_connections, &s->context, &why);
    if (s->control)
        return 0;
    if (settings && (settings->path || settings->group))
        return error_set(err, "control: %s", why.text);
    log_warning("%s; going on without control", why.text);
    return 0;
}

static int start_server(struct service *s, struct error *err)
{
    return s->server ? http_server_start(s->server, err) : 0;
}

/* Puts the place of a section into the error. */
static int failed_in(const struct service *s, const char *section, struct error *err)
{
    const struct config_item *item = config_section_item(s->config, section);
    return item ? config_error_at(item, NULL, err) : -1;
}

/* Sets apart what web, history and control need. Where there is little, the web's connections get
 * half of what is left at most, those of the control socket an eighth. -1: err, there is too little
 * to start. */
static int plan_descriptors(struct service *s, bool control, struct error *err)
{
    const struct http_settings *web = config_section(s->config, "web");
    uint64_t others = (web ? HTTP_DESCRIPTORS : 0) +
                      (config_section(s->config, "history") ? HISTORY_DESCRIPTORS : 0) +
                      (control ? CONTROL_DESCRIPTORS : 0);
    struct descriptors *plan = &s->descriptors;
    *plan = descriptors_plan(s->config, engine_worker_count(&s->config->settings), others);
    if (descriptors_check(plan, err) < 0)
        return -1;
    if (web) {
        size_t wanted = http_connection_descriptors(web) - HTTP_CONNECTIONS_LEAST;
        size_t half = (size_t)((plan->allowed - plan->needed) / 2);
        size_t more = wanted < half ? wanted : half;
        s->context.descriptors = HTTP_CONNECTIONS_LEAST + more;
        plan->needed += more;
    }
    if (control) {
        size_t wanted = CONTROL_CONNECTIONS - CONTROL_CONNECTIONS_LEAST;
        size_t part = (size_t)((plan->allowed - plan->needed) / CONTROL_PART);
        size_t more = wanted < part ? wanted : part;
        s->control_connections = CONTROL_CONNECTIONS_LEAST + more;
        plan->needed += more;
    }
    return 0;
}

static int start_all(struct service *s, const struct service_options *options, struct error *err)
{
    bool statistics = options->statistics;
    s->context.compat = settings_compat(&s->config->settings) != NULL;
    s->context.started_ms = clock_wall_ms();
    bool control = options->control && control_is_wanted(config_section(s->config, "control"));
    if (plan_descriptors(s, control, err) < 0)
        return -1;
    if (open_server(s, err) < 0)
        return failed_in(s, "web", err);
    if ((statistics || wants_statistics(s->config)) && open_statistics(s, err) < 0)
        return failed_in(s, "statistics", err);
    if (open_live(s, statistics, err) < 0 || open_engine(s, options, err) < 0)
        return -1;
    if (s->stats &&
        (stats_start(s->stats, s->engine, err) < 0 || history_start(s->history, s->stats, err) < 0))
        return -1;
    fill_context(s);
    if (start_control(s, err) < 0)
        return failed_in(s, "control", err);
    return start_server(s, err) < 0 ? failed_in(s, "web", err) : 0;
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
    stats_stop(s->stats);
    curfew_set(UINT64_MAX);
    return end;
}

void service_stop(struct service *s)
{
    set_curfew(s);
    http_server_stop(s->server);
    control_stop(s->control);
    stats_stop(s->stats);
    history_stop(s->history);
    if (s->engine)
        errands_free(&s->host.errands);
    engine_free(s->engine);
    live_free(s->live);
    watches_free(s->watches);
    stats_free(s->stats);
    history_close(s->history);
    curfew_set(UINT64_MAX);
    *s = (struct service){0};
}
