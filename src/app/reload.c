/* A service goes over to what its configuration says now. */
#include <pthread.h>
#include <string.h>

#include "app/service.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "conf/show.h"

enum { ANSWER_SECONDS = 10 }; /* that the main thread has, besides the outputs' time to drain */

/* Where it is told, a line each, what changes, and what will at the next start. */
struct report {
    bool dry;
    struct buf *changes, *later;
    bool changed; /* an option, or what a part has read of files */
    bool fixed;   /* something that does not change now */
};

static void tell_fixed(void *ctx, const char *name)
{
    struct report *report = ctx;
    report->fixed = true;
    buf_printf(report->later, "%s\n", name);
}

static void warn_of(struct span later)
{
    struct span line;
    while (span_line(&later, &line))
        log_warning("%.*s: changed, which takes effect at the next start", (int)line.len,
                    (const char *)line.ptr);
}

/* The section that statistics were given where nobody wrote it is no change when it is missing now.
 * -1: err. */
static int compare(const struct service *s, struct config *config, const struct config *running,
                   struct report *report, struct error *err)
{
    const struct config_item *given = config_section_item(running, "statistics");
    bool implied =
        given && !given->at.line && !given->carried && !config_section(config, "statistics");
    bool wanted = parts_want_statistics(&s->frame, config);
    if (implied && !config_section_add(config, "statistics", err))
        return -1;
    if (config_carry(config, running, s->parts.stats && wanted, tell_fixed, report, err) < 0)
        return -1;
    report->changed = config_diff(running, config, report->changes) > 0;
    if (implied && !wanted)
        config_drop_section(config, "statistics");
    return 0;
}

/* What the service would go over to now, to be released. NULL: err. */
static struct config *next_config(const struct service *s, struct report *report, struct error *err)
{
    struct config *config = s->configure(s->configure_arg, err);
    if (!config)
        return NULL;
    struct config *running = engine_config(s->engine);
    int status = compare(s, config, running, report, err);
    config_release(running);
    if (status == 0)
        return config;
    config_release(config);
    return NULL;
}

/* --- what is no more ------------------------------------------------------------------------ */

/* The file may have changed since the signal that came before the change. */
static void heed_again(struct service *s)
{
    if (!s->again || s->retiring || engine_draining(s->engine))
        return;
    host_reloading(&s->host);
    service_hangup(s);
}

static void retired(struct service *s)
{
    s->retiring = false;
    errands_again(&s->host.errands);
    heed_again(s);
}

static void join_retirer(struct service *s)
{
    if (s->joinable)
        pthread_join(s->retirer, NULL);
    s->joinable = false;
}

/* The thread does not wait for this, which joins it, and may begin the next change. */
static enum errand_state hear_retired(struct errand *errand)
{
    struct service *s = (struct service *)((char *)errand - offsetof(struct service, retired));
    join_retirer(s);
    retired(s);
    return ERRAND_DONE;
}

static void *retire_parts(void *arg)
{
    struct service *s = arg;
    thread_begin("retirer", 0);
    parts_end(&s->gone, &s->hurry);
    errands_post(&s->host.errands, &s->retired);
    return NULL;
}

/* No worker knows them any more. Handlers may be at work still, and even wait for the main thread,
 * so another one ends them. */
static void retire(struct service *s)
{
    if (parts_are_none(&s->gone))
        return;
    s->retiring = true;
    s->retired.call = hear_retired;
    s->joinable = pthread_create(&s->retirer, NULL, retire_parts, s) == 0;
    if (s->joinable)
        return;
    parts_end(&s->gone, &s->hurry);
    retired(s);
}

void service_retired(struct service *s)
{
    atomic_store(&s->hurry, true);
    join_retirer(s);
    parts_end(&s->gone, &s->hurry);
}

/* --- the change ----------------------------------------------------------------------------- */

/* The engine takes its new plan when all that is new around it is at work. */
static int go_over(struct service *s, struct parts *next, struct config *config, struct error *err)
{
    struct observer list[PARTS_OBSERVERS];
    struct descriptors descriptors = descriptors_now();
    struct parts_share share;
    if (service_share(s, config, &descriptors, &share, err) < 0 ||
        parts_open(next, &s->parts, &s->frame, &share, config, err) < 0 ||
        parts_start(next, &s->parts, &s->frame, &share, config, err) < 0)
        return -1;
    const struct engine_observers observers = parts_observers(next, &s->frame, config, list);
    return engine_reload(s->engine, config, &observers, err);
}

/* Nothing is opened for that. */
static int probe(const struct service *s, const struct config *config, struct error *err)
{
    struct config *running = engine_config(s->engine);
    int status = config_probe_change(config, running, err);
    config_release(running);
    return status;
}

static int change(struct service *s, struct config *config, struct report *report,
                  struct error *err)
{
    struct parts next = {0};
    if (engine_draining(s->engine))
        return error_set(err, "the program is about to end");
    if (go_over(s, &next, config, err) < 0) {
        s->gone = parts_without(&next, &s->parts);
        parts_withdraw(&s->gone, &s->parts);
        retire(s);
        probe(s, config, err); /* which may know better what is to blame, and who has a port */
        return -1;
    }
    const struct parts made = parts_without(&next, &s->parts);
    s->gone = parts_without(&s->parts, &next);
    report->changed |= !parts_are_none(&s->gone) || !parts_are_none(&made);
    parts_leave(&s->gone, &next);
    s->parts = next;
    parts_heed(&next, config);
    log_set_time((enum log_time)config->settings.log_time);
    return 0;
}

static int reload(struct service *s, struct report *report, struct error *err)
{
    struct config *config = next_config(s, report, err);
    if (!config)
        return -1;
    int status = report->dry ? probe(s, config, err) : change(s, config, report, err);
    config_release(config);
    return status;
}

static void log_changes(struct span lines)
{
    struct span line;
    while (span_line(&lines, &line))
        log_info("reload: %.*s", (int)line.len, (const char *)line.ptr);
}

/* It has begun, or else err has been said. */
static int begin(struct service *s, struct report *report, struct error *err)
{
    char line[1024];
    int status = reload(s, report, err);
    if (report->dry)
        return status;
    atomic_store(&s->configured.refused, status < 0);
    if (status == 0) {
        s->outcome = report->changed ? ", and is in force"
                     : report->fixed ? ": nothing else changes"
                                     : ": nothing changes";
        log_changes(buf_span(report->changes));
        warn_of(buf_span(report->later));
        return 0;
    }
    log_error("the configuration stays as it was: %s", error_line(err, line, sizeof line));
    host_reloaded(&s->host, line);
    return -1;
}

void service_hangup(void *arg)
{
    struct service *s = arg;
    struct buf changes = {0}, later = {0};
    struct report report = {.changes = &changes, .later = &later};
    struct error err = {0};
    if (!s->engine) /* the start has failed, and what was opened is being closed */
        return;
    s->again = engine_changing(s->engine) || s->retiring;
    if (!s->again)
        begin(s, &report, &err);
    buf_free(&changes);
    buf_free(&later);
}

void service_changed(void *arg)
{
    struct host *host = arg;
    struct service *s = host->options.arg;
    log_info("%s%s",
             s->configured.path
                 ? "the configuration was read again"
                 : "there is no configuration to read again, so flags were heeded again",
             s->outcome);
    host_reloaded(host, NULL);
    errands_settle(&host->errands);
    retire(s);
    heed_again(s);
}

/* --- asked for by another thread ------------------------------------------------------------ */

struct asked {
    struct errand errand;
    struct service *service;
    const struct api_context *by; /* of the server that was asked */
    struct report report;
    struct error err;
    int status;
    bool refused; /* there was no change, and nothing is under way */
};

static enum errand_state do_dry_run(struct errand *errand)
{
    struct asked *asked = (struct asked *)errand;
    asked->status = begin(asked->service, &asked->report, &asked->err);
    return ERRAND_DONE;
}

/* A server that goes waits for whom it has to answer: those cannot wait until it has gone. */
static enum errand_state do_reload(struct errand *errand)
{
    struct asked *asked = (struct asked *)errand;
    struct service *s = asked->service;
    bool goes = s->retiring && !parts_have(&s->parts, asked->by);
    if (engine_changing(s->engine) || goes) {
        asked->status = error_set(&asked->err, "the change before is still under way");
        return ERRAND_DONE;
    }
    if (s->retiring)
        return ERRAND_WAITS;
    host_reloading(&s->host);
    asked->status = begin(s, &asked->report, &asked->err);
    asked->refused = asked->status < 0;
    return asked->refused ? ERRAND_DONE : ERRAND_PENDS;
}

static void say_unchanged(struct error *err)
{
    static const char what[] = "; the configuration stays as it was";
    size_t len = strlen(err->text), most = sizeof err->text - sizeof what;
    strcpy(err->text + (len < most ? len : most), what);
}

static int ask_reload(void *arg, const struct api_context *by, bool dry, struct buf *changes,
                      struct buf *later, struct error *err)
{
    struct service *s = arg;
    struct asked asked = {.errand.call = dry ? do_dry_run : do_reload,
                          .service = s,
                          .by = by,
                          .report = {.dry = dry, .changes = changes, .later = later}};
    if (!s->configure)
        return error_set(err, "this program reads its configuration once");
    struct config *running = engine_config(s->engine);
    uint64_t until = clock_after(ANSWER_SECONDS * CLOCK_SECOND_NS + running->settings.shutdown_ns);
    config_release(running);
    if (errands_do(&s->host.errands, &asked.errand, until, err) < 0)
        return -1;
    if (asked.status < 0)
        *err = asked.err;
    if (asked.refused)
        say_unchanged(err);
    return asked.status;
}

static enum errand_state do_stop(struct errand *errand)
{
    host_end(&((struct asked *)errand)->service->host);
    return ERRAND_DONE;
}

static int ask_stop(void *arg, struct error *err)
{
    struct service *s = arg;
    struct asked asked = {.errand.call = do_stop, .service = s};
    return errands_do(&s->host.errands, &asked.errand,
                      clock_after(ANSWER_SECONDS * CLOCK_SECOND_NS), err);
}

struct api_commands service_commands(struct service *s)
{
    return (struct api_commands){.arg = s, .reload = ask_reload, .stop = ask_stop};
}
