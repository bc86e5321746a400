#include "app/parts.h"

#include <stdlib.h>

#include "api/live.h"
#include "api/watch.h"
#include "base/log.h"
#include "compat/receiver_reader.h"
#include "core/input.h"
#include "history/history.h"

/* A server, and what must be there as long as it is. */
struct site {
    struct config *config; /* held */
    struct api_context context;
    struct http_server *server;
};

struct desk {
    struct api_context context;
    struct control *control;
};

/* Puts the place of a section into the error. */
static int failed_in(const struct config *config, const char *section, struct error *err)
{
    const struct config_item *item = config_section_item(config, section);
    return item ? config_error_at(item, NULL, err) : -1;
}

/* --- statistics ----------------------------------------------------------------------------- */

bool parts_want_statistics(const struct parts_frame *frame, const struct config *config)
{
    bool wanted =
        frame->asked || config_section(config, "web") || config_section(config, "history");
    for (size_t i = 0; i < config->output_count && !wanted; i++)
        wanted = ((const struct output_hooks *)config->outputs[i].module->hooks)->statistics;
    return wanted;
}

bool parts_want_control(const struct parts_frame *frame, const struct config *config)
{
    return frame->controlled && control_is_wanted(config_section(config, "control"));
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

static const struct history_settings *history_settings(const struct config *config)
{
    static const struct history_settings in_memory;
    const struct history_settings *settings = config_section(config, "history");
    return settings ? settings : &in_memory;
}

/* The history knows the key that its sketches were made with; without it there is a fresh one. */
static int open_statistics(struct parts *next, const struct parts_frame *frame,
                           struct config *config, struct error *err)
{
    const struct stats_settings *settings = config_section_add(config, "statistics", err);
    struct siphash_key key;
    if (!settings)
        return -1;
    next->history = history_open(history_settings(config), &key, err);
    if (!next->history)
        return -1;
    struct stats_options options = {
        .settings = *settings,
        .reader = frame->context.compat ? &receiver_stats_reader : &stats_native_reader,
        .workers = frame->workers,
        .key = &key,
        .patient = only_files(config),
    };
    struct error warning;
    if (stats_short(settings, &warning))
        log_warning("statistics: %s", warning.text);
    next->stats = stats_new(&options, err);
    return next->stats ? 0 : -1;
}

static int keep_statistics(struct parts *next, const struct parts *now,
                           const struct parts_frame *frame, struct config *config,
                           struct error *err)
{
    if (!parts_want_statistics(frame, config))
        return 0;
    if (!now->stats)
        return open_statistics(next, frame, config, err);
    next->stats = now->stats;
    next->history = now->history;
    return config_section_add(config, "statistics", err) ? 0 : -1;
}

void parts_heed(const struct parts *parts, const struct config *config)
{
    if (parts->history)
        history_change(parts->history, history_settings(config));
}

static int start_statistics(const struct parts *next, const struct parts *now,
                            const struct parts_frame *frame, struct error *err)
{
    if (!next->stats || next->stats == now->stats)
        return 0;
    return stats_start(next->stats, frame->context.engine, err) < 0 ||
                   history_start(next->history, next->stats, err) < 0
               ? -1
               : 0;
}

/* --- what is looked at as it comes ---------------------------------------------------------- */

/* Costs nothing while nobody looks. */
static int open_live(struct parts *next, const struct parts *now, const struct parts_frame *frame,
                     const struct config *config, struct error *err)
{
    bool web = config_section(config, "web");
    bool live = web || parts_want_control(frame, config), watches = web || frame->asked;
    next->live = live ? now->live : NULL;
    next->watches = watches ? now->watches : NULL;
    if (live && !next->live)
        next->live = live_new(frame->workers, err);
    if (live && !next->live)
        return -1;
    if (watches && !next->watches)
        next->watches = watches_new(frame->workers, err);
    return watches && !next->watches ? -1 : 0;
}

struct engine_observers parts_observers(const struct parts *parts, const struct parts_frame *frame,
                                        const struct config *config, struct observer *list)
{
    const struct stats_settings *statistics = config_section(config, "statistics");
    const bool early = statistics && statistics->before_stages;
    size_t count = 0;
    if (parts->stats) {
        list[count] = stats_observer(parts->stats);
        list[count++].early = early;
    }
    if (parts->live) {
        list[count++] = live_observer(parts->live);
        if (!config_section(config, "web")) /* no stage is to run in case somebody looks */
            list[count - 1].needs = 0;
    }
    if (parts->watches)
        list[count++] = watches_observer(parts->watches, early);
    if (frame->command)
        list[count++] = *frame->command;
    return (struct engine_observers){.list = list, .count = count, .stats = parts->stats};
}

/* --- contexts ------------------------------------------------------------------------------- */

struct api_context parts_context(const struct parts *parts, const struct parts_frame *frame,
                                 const struct config *config)
{
    const struct http_settings *web = config_section(config, "web");
    struct api_context context = frame->context;
    context.stats = parts->stats;
    context.history = parts->history;
    context.live = parts->live;
    context.watches = parts->watches;
    if (!web)
        return context;
    context.metrics = web->metrics;
    context.legacy_metrics = http_legacy_metrics(web, context.compat);
    return context;
}

static bool same_context(const struct api_context *a, const struct api_context *b)
{
    return a->stats == b->stats && a->history == b->history && a->live == b->live &&
           a->watches == b->watches && a->legacy_metrics == b->legacy_metrics &&
           a->metrics.streams == b->metrics.streams && a->metrics.types == b->metrics.types &&
           a->metrics.top == b->metrics.top;
}

/* --- the web server ------------------------------------------------------------------------- */

static void free_site(struct site *site)
{
    if (!site)
        return;
    http_server_stop(site->server);
    config_release(site->config);
    free(site);
}

/* True when it would be just what is there. */
static bool is_same(const struct site *now, const struct site *next)
{
    return config_item_equal(config_section_item(now->config, "web"),
                             config_section_item(next->config, "web")) &&
           http_server_agree(now->server, next->server);
}

/* A new one is made even where no option changed: what it has read of files may have, as when a
 * certificate was renewed. */
static int open_site(struct parts *next, const struct parts *now, const struct parts_frame *frame,
                     size_t connections, struct config *config, struct error *err)
{
    const struct http_settings *web = config_section(config, "web");
    struct site *site = web ? calloc(1, sizeof *site) : NULL;
    if (!web)
        return 0;
    if (!site)
        return error_set(err, "no memory");
    site->config = config_hold(config);
    site->context.descriptors = connections;
    site->server = http_server_open(web, &site->context, frame->record,
                                    now->site ? now->site->server : NULL, err);
    if (!site->server) {
        free_site(site);
        return failed_in(config, "web", err);
    }
    next->site = site;
    if (now->site && is_same(now->site, site)) {
        next->site = now->site;
        free_site(site);
    }
    return 0;
}

static int start_site(const struct parts *next, const struct parts *now,
                      const struct parts_frame *frame, const struct config *config,
                      struct error *err)
{
    struct site *site = next->site;
    if (!site || site == now->site)
        return 0;
    size_t descriptors = site->context.descriptors;
    site->context = parts_context(next, frame, config);
    site->context.descriptors = descriptors;
    return http_server_start(site->server, err) < 0 ? failed_in(config, "web", err) : 0;
}

/* --- the control socket --------------------------------------------------------------------- */

static void free_desk(struct desk *desk)
{
    if (!desk)
        return;
    control_stop(desk->control);
    free(desk);
}

/* NULL: err. */
static struct desk *new_desk(const struct control_settings *settings, size_t connections,
                             const struct api_context *context, const struct desk *before,
                             struct error *err)
{
    struct desk *desk = calloc(1, sizeof *desk);
    if (!desk) {
        error_set(err, "no memory");
        return NULL;
    }
    desk->context = *context;
    desk->control =
        control_open(settings, connections, &desk->context, before ? before->control : NULL, err);
    if (desk->control && control_start(desk->control, err) == 0)
        return desk;
    free_desk(desk);
    return NULL;
}

/* A socket at a path that somebody chose must be there; the usual one may be another Spile's. */
static int start_desk(struct parts *next, const struct parts *now, const struct parts_frame *frame,
                      size_t connections, const struct config *config, struct error *err)
{
    const struct control_settings *settings = config_section(config, "control");
    const struct api_context context = parts_context(next, frame, config);
    struct error why = {0};
    if (!parts_want_control(frame, config))
        return 0;
    if (now->desk && control_is(now->desk->control, settings) &&
        same_context(&now->desk->context, &context)) {
        next->desk = now->desk;
        return 0;
    }
    next->desk = new_desk(settings, connections, &context, now->desk, &why);
    if (next->desk)
        return 0;
    if (settings && (settings->path || settings->group)) {
        error_set(err, "control: %s", why.text);
        return failed_in(config, "control", err);
    }
    log_warning("%s; going on without control", why.text);
    return 0;
}

/* --- all of them ---------------------------------------------------------------------------- */

int parts_open(struct parts *next, const struct parts *now, const struct parts_frame *frame,
               const struct parts_share *share, struct config *config, struct error *err)
{
    *next = (struct parts){0};
    if (open_site(next, now, frame, share->web, config, err) < 0)
        return -1;
    if (keep_statistics(next, now, frame, config, err) < 0)
        return failed_in(config, "statistics", err);
    return open_live(next, now, frame, config, err);
}

int parts_start(struct parts *next, const struct parts *now, const struct parts_frame *frame,
                const struct parts_share *share, struct config *config, struct error *err)
{
    if (start_statistics(next, now, frame, err) < 0 ||
        start_desk(next, now, frame, share->control, config, err) < 0)
        return -1;
    return start_site(next, now, frame, config, err);
}

struct parts parts_without(const struct parts *all, const struct parts *others)
{
    return (struct parts){
        .stats = all->stats == others->stats ? NULL : all->stats,
        .history = all->history == others->history ? NULL : all->history,
        .live = all->live == others->live ? NULL : all->live,
        .watches = all->watches == others->watches ? NULL : all->watches,
        .site = all->site == others->site ? NULL : all->site,
        .desk = all->desk == others->desk ? NULL : all->desk,
    };
}

bool parts_are_none(const struct parts *parts)
{
    return !parts->stats && !parts->history && !parts->live && !parts->watches && !parts->site &&
           !parts->desk;
}

static void leave_site(struct site *site, const struct site *stays)
{
    if (!site)
        return;
    site->context.leaves = true;
    http_server_leave(site->server, stays ? stays->server : NULL);
}

static void leave_desk(struct desk *desk, const struct desk *next)
{
    if (!desk)
        return;
    desk->context.leaves = true;
    control_leave(desk->control, next ? next->control : NULL);
}

void parts_leave(const struct parts *gone, const struct parts *next)
{
    leave_site(gone->site, next->site);
    leave_desk(gone->desk, next->desk);
}

void parts_withdraw(const struct parts *made, const struct parts *now)
{
    leave_site(made->site, now->site);
    leave_desk(made->desk, NULL);
}

void parts_end(struct parts *gone, const atomic_bool *hurry)
{
    if (gone->site)
        http_server_settle(gone->site->server, hurry);
    if (gone->desk)
        control_settle(gone->desk->control, hurry);
    if (gone->stats)
        stats_leave(gone->stats);
    parts_stop(gone);
    parts_free(gone);
}

void parts_stop(const struct parts *parts)
{
    if (parts->site) {
        http_server_stop(parts->site->server);
        parts->site->server = NULL;
    }
    if (parts->desk) {
        control_stop(parts->desk->control);
        parts->desk->control = NULL;
    }
    stats_stop(parts->stats);
    history_stop(parts->history);
}

void parts_free(struct parts *parts)
{
    free_site(parts->site);
    free_desk(parts->desk);
    live_free(parts->live);
    watches_free(parts->watches);
    stats_free(parts->stats);
    history_close(parts->history);
    *parts = (struct parts){0};
}
