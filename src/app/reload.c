/* A service goes over to what its configuration says now. */
#include <pthread.h>

#include "app/service.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "conf/show.h"

enum { ANSWER_SECONDS = 10 }; /* that the main thread has, besides the outputs' time to drain */

/* Where changes are told, a line each; NULL: nowhere. */
struct report {
    bool dry;
    struct buf *changes, *later;
};

static void tell_fixed(void *ctx, const char *name)
{
    const struct report *report = ctx;
    if (!report->dry)
        log_warning("%s: changed, which takes effect at the next start", name);
    if (report->later)
        buf_printf(report->later, "%s\n", name);
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
    if (report->changes)
        config_diff(running, config, report->changes);
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

static void retired(struct service *s)
{
    s->retiring = false;
    errands_again(&s->host.errands);
    if (s->again && !engine_draining(s->engine))
        service_hangup(s);
}

static void join_retirer(struct service *s)
{
    if (s->joinable)
        pthread_join(s->retirer, NULL);
    s->joinable = false;
}

/* The thread does not wait for this, which joins it, and may begin the next change. */
static bool hear_retired(struct errand *errand)
{
    struct service *s = (struct service *)((char *)errand - offsetof(struct service, retired));
    join_retirer(s);
    retired(s);
    return true;
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

static int change(struct service *s, struct config *config, struct error *err)
{
    struct parts next = {0};
    if (engine_draining(s->engine))
        return error_set(err, "the program is about to end");
    if (go_over(s, &next, config, err) < 0) {
        s->gone = parts_without(&next, &s->parts);
        parts_withdraw(&s->gone, &s->parts);
        retire(s);
        return -1;
    }
    s->gone = parts_without(&s->parts, &next);
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
    int status = report->dry ? 0 : change(s, config, err);
    config_release(config);
    return status;
}

/* It has begun, or else err has been said. */
static int begin(struct service *s, struct report *report, struct error *err)
{
    char line[1024];
    int status = reload(s, report, err);
    if (status == 0 || report->dry)
        return status;
    log_error("the configuration stays as it was: %s", error_line(err, line, sizeof line));
    host_reloaded(&s->host);
    return -1;
}

void service_hangup(void *arg)
{
    struct service *s = arg;
    struct report report = {0};
    struct error err = {0};
    if (!s->engine) /* the start has failed, and what was opened is being closed */
        return;
    s->again = engine_changing(s->engine) || s->retiring;
    if (!s->again)
        begin(s, &report, &err);
}

void service_changed(void *arg)
{
    struct host *host = arg;
    struct service *s = host->options.arg;
    log_info("the configuration was read again, and is in force");
    host_reloaded(host);
    errands_settle(&host->errands);
    retire(s);
    if (s->again && !s->retiring && !engine_draining(s->engine))
        service_hangup(s); /* the file may have changed since the signal before */
}

/* --- asked for by another thread ------------------------------------------------------------ */

struct asked {
    struct errand errand;
    struct service *service;
    const struct api_context *context; /* of who was asked for a reload */
    struct report report;
    struct error err;
    int status;
};

/* What retires ends when all are answered who have asked it: one of these cannot wait for that. Of
 * others one can. */
static bool may_wait(const struct asked *asked)
{
    return asked->service->retiring && !asked->context->leaves &&
           !errands_pend(&asked->service->host.errands);
}

static bool do_reload(struct errand *errand)
{
    struct asked *asked = (struct asked *)errand;
    const struct service *s = asked->service;
    bool busy = !asked->report.dry && (engine_changing(s->engine) || s->retiring);
    if (busy && may_wait(asked))
        return false; /* it is called again */
    if (busy) {
        asked->status = error_set(&asked->err, "the change before is still under way");
        return true;
    }
    if (!asked->report.dry)
        host_reloading(&asked->service->host);
    asked->status = begin(asked->service, &asked->report, &asked->err);
    errand->begun = asked->status == 0 && !asked->report.dry;
    return !errand->begun;
}

static int ask_reload(void *arg, const struct api_context *context, bool dry, struct buf *changes,
                      struct buf *later, struct error *err)
{
    struct service *s = arg;
    struct asked asked = {.errand.call = do_reload,
                          .service = s,
                          .context = context,
                          .report = {dry, changes, later}};
    if (!s->configure)
        return error_set(err, "this program reads its configuration once");
    struct config *running = engine_config(s->engine);
    uint64_t until = clock_after(ANSWER_SECONDS * CLOCK_SECOND_NS + running->settings.shutdown_ns);
    config_release(running);
    if (errands_do(&s->host.errands, &asked.errand, until, err) < 0)
        return -1;
    if (asked.status < 0)
        *err = asked.err;
    return asked.status;
}

static bool do_stop(struct errand *errand)
{
    host_end(&((struct asked *)errand)->service->host);
    return true;
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
