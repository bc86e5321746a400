/*
 * A pipeline's life: outputs are opened, then workers, then inputs. The main thread keeps a loop of
 * its own for listeners and signals. It drains when a signal comes, when every finite input has
 * ended and there is no other, when an output's reader has left, or when the total is reached:
 *
 *     inputs stop -> workers read what is there, flush their chunks and end ->
 *     a closer thread lets each output write until the deadline -> the ledger
 *
 * The loop runs until the closer is through, so that a second signal is heard at any time.
 */
#include "core/pipeline.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/curfew.h"
#include "base/log.h"
#include "base/thread.h"
#include "core/descriptors.h"
#include "core/input.h"
#include "core/pipeline_state.h"
#include "io/folder.h"
#include "io/notify.h"

enum {
    PROGRESS_MS = 250,
    ECHO_MS = 50,    /* a signal so soon behind the first is the same: timeout(1) sends it twice */
    HURRY_MS = 1500, /* what threads have to end when a second signal came; they need a few, and on
                        a busy machine they wait for a processor before that */
    LATE_MS = 2500,  /* what they have once the outputs' time is up, likewise */
};

_Static_assert((int)LATE_MS < (int)CURFEW_MS, "the ledger comes before the end");

/* --- what other threads say ----------------------------------------------------------------- */

static void wake_main(struct pipeline *p)
{
    uv_async_send(&p->wake);
}

static void worker_ended(struct pipeline *p)
{
    atomic_fetch_sub(&p->workers_running, 1);
    wake_main(p);
}

static void want_drain(struct pipeline *p)
{
    atomic_store(&p->drain_wanted, true);
    wake_main(p);
}

void pipeline_input_ended(struct pipeline *p, bool failed)
{
    if (failed)
        atomic_store(&p->failed, true);
    if (atomic_fetch_sub(&p->finite_running, 1) == 1)
        want_drain(p);
}

static void output_ended(void *arg)
{
    struct pipeline *p = arg;
    atomic_store(&p->output_ended, true);
    want_drain(p);
}

/* --- the ledger ----------------------------------------------------------------------------- */

/* Threads that have not ended after a second signal still count: what they hold is lost. */
static void sum_ledger(const struct pipeline *p, size_t sink, struct ledger *sum)
{
    sink_ledger(&p->plan.sinks[sink], sum);
    if (p->hurried && !atomic_load(&p->closed))
        ledger_settle(sum);
}

/* The ledger of the inputs: all frames, with those that are no dnstap messages as dropped. False:
 * there were none such, or with --compat the outputs' ledgers have them. */
static bool input_ledger(const struct pipeline *p, struct ledger *sum)
{
    uint64_t frames = 0, malformed = 0;
    for (size_t i = 0; i < p->inputs_open; i++) {
        malformed += counter_get(&p->inputs[i].counters.malformed);
        frames += counter_get(&p->inputs[i].counters.frames);
    }
    *sum = (struct ledger){0};
    counter_set(&sum->received, frames);
    counter_set(&sum->delivered, frames > malformed ? frames - malformed : 0);
    counter_set(&sum->dropped[DROP_MALFORMED], malformed);
    ledger_agree(sum);
    return malformed > 0 && !settings_compat(&p->config->settings);
}

/* Calls `put`, unless it is NULL, for each ledger there is. Returns how many events and frames they
 * say were lost. */
static uint64_t each_ledger(const struct pipeline *p,
                            void (*put)(FILE *to, size_t index, const char *name,
                                        const struct ledger *ledger),
                            FILE *to)
{
    struct ledger sum;
    uint64_t lost = 0;
    for (size_t i = 0; i < p->plan.sink_count; i++) {
        sum_ledger(p, i, &sum);
        lost += ledger_dropped(&sum);
        if (put)
            put(to, i, p->plan.sinks[i].out.name, &sum);
    }
    if (!input_ledger(p, &sum))
        return lost;
    if (put)
        put(to, p->plan.sink_count, "input", &sum);
    return lost + ledger_dropped(&sum);
}

static void put_line(FILE *to, size_t index, const char *name, const struct ledger *ledger)
{
    (void)index;
    char line[LEDGER_LINE_MAX];
    fprintf(to, "%s\n", ledger_line(name, ledger, line, sizeof line));
}

static void put_json(FILE *to, size_t index, const char *name, const struct ledger *ledger)
{
    fputs(index > 0 ? ",\n " : "\n ", to);
    ledger_json(to, name, ledger);
}

static void print_ledger(const struct pipeline *p)
{
    each_ledger(p, put_line, stderr);
}

/* Tells before the run, not at its end, that the ledger's file cannot be written. */
static int check_ledger_path(const struct pipeline *p, struct error *err)
{
    const char *path = p->options.ledger_path;
    struct error why;
    if (path && folder_probe(path, true, &why))
        return error_set(err, "cannot write %.300s: %s", path, why.text);
    if (path && folder_note_at(path, FOLDER_REPLACES, &why))
        log_warning("ledger: %s", why.text);
    return 0;
}

/* 0, or -1 with why. */
static int put_ledger(const struct pipeline *p, struct error *why)
{
    struct draft draft;
    if (draft_open(&draft, p->options.ledger_path, true, why))
        return -1;
    FILE *file = draft_stream(&draft);
    if (!file) {
        draft_drop(&draft);
        return error_set(why, "no memory");
    }
    fputs("[", file);
    each_ledger(p, put_json, file);
    fputs("\n]\n", file);
    return draft_commit(&draft, why);
}

/* Writes the ledger to its file, if it has one. False: that failed, and the user has been told. */
static bool write_ledger(const struct pipeline *p)
{
    struct error why;
    if (!p->options.ledger_path || put_ledger(p, &why) == 0)
        return true;
    log_error("cannot write %s: %s", p->options.ledger_path, why.text);
    return false;
}

/* --- draining ------------------------------------------------------------------------------- */

static void close_outputs(void *arg)
{
    struct pipeline *p = arg;
    thread_name("closer");
    for (unsigned i = 0; i < p->worker_count; i++)
        worker_join(&p->workers[i]);
    for (size_t i = 0; i < p->plan.sink_count; i++)
        sink_drain(&p->plan.sinks[i]);
    for (size_t i = 0; i < p->plan.sink_count; i++)
        sink_finish(&p->plan.sinks[i], p->deadline_ns);
    atomic_store(&p->closed, true);
    wake_main(p);
}

/* The deadline has passed: has the workers read no further, and no output hold them up any longer.
 */
static void abandon(struct pipeline *p)
{
    atomic_store(&p->plan.late, true);
    for (size_t i = 0; i < p->plan.sink_count; i++) {
        if (p->plan.sinks[i].writing)
            writer_abandon(&p->plan.sinks[i].writer);
    }
}

/* Some thread has not ended in time: ends the program without it. */
static void give_up(uv_timer_t *timer)
{
    struct pipeline *p = timer->data;
    p->hurried = true;
    print_ledger(p);
    write_ledger(p);
    _exit(EXIT_FAILURE);
}

static void deadline_passed(uv_timer_t *timer)
{
    abandon(timer->data);
    uv_timer_start(timer, give_up, LATE_MS, 0);
}

/* True when an output is there that may hold all up for ever, and nobody wants an end: a reader of
 * `spile read FILE | less` has the time that he takes. */
static bool may_wait(const struct pipeline *p)
{
    bool blocks = false;
    for (size_t i = 0; i < p->plan.sink_count; i++)
        blocks |= sink_blocks_for_ever(&p->plan.sinks[i]);
    return blocks && p->signal_ns == 0;
}

static void start_deadline(struct pipeline *p)
{
    uint64_t shutdown_ns = p->config->settings.shutdown_ns;
    uv_timer_start(&p->deadline, deadline_passed, shutdown_ns / CLOCK_MS_NS, 0);
    curfew_set(clock_after(shutdown_ns + CURFEW_MS * CLOCK_MS_NS));
}

static void drain(struct pipeline *p)
{
    bool wait = may_wait(p);
    p->draining = true;
    if (p->told)
        notify_send(NOTIFY_STOPPING);
    p->deadline_ns = wait ? UINT64_MAX : clock_after(p->config->settings.shutdown_ns);
    if (!wait)
        start_deadline(p);
    for (size_t i = 0; i < p->inputs_open; i++) {
        if (p->inputs[i].hooks->stop)
            p->inputs[i].hooks->stop(&p->inputs[i]);
    }
    for (unsigned i = 0; i < p->worker_count; i++)
        worker_stop(&p->workers[i]);
}

/* All is written, and signals say nothing any more. The library gives each its default, which is to
 * kill: one that comes while the rest is closed must not. */
static void close_signals(struct pipeline *p)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (size_t i = 0; i < sizeof p->signals / sizeof *p->signals; i++) {
        int number = p->signals[i].signum;
        uv_close((uv_handle_t *)&p->signals[i], NULL);
        signal(number, SIG_IGN);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void close_handles(struct pipeline *p)
{
    uv_close((uv_handle_t *)&p->wake, NULL);
    uv_close((uv_handle_t *)&p->deadline, NULL);
    uv_close((uv_handle_t *)&p->progress, NULL);
    close_signals(p);
}

/* Something has changed: the next step of the pipeline's life, if it is due. */
static void woken(uv_async_t *wake)
{
    struct pipeline *p = wake->data;
    if (!p->draining && atomic_load(&p->drain_wanted))
        drain(p);
    if (p->draining && !p->closing && atomic_load(&p->workers_running) == 0) {
        p->closing = true;
        p->closer_runs = uv_thread_create(&p->closer, close_outputs, p) == 0;
        if (!p->closer_runs)
            close_outputs(p);
    }
    if (p->closing && atomic_load(&p->closed))
        close_handles(p);
}

/* --- signals -------------------------------------------------------------------------------- */

static void first_signal(struct pipeline *p)
{
    p->signal_ns = clock_ns();
    if (!p->draining)
        want_drain(p);
    else if (p->deadline_ns == UINT64_MAX)
        start_deadline(p);
}

/* A second one stops at once: the deadline is now, and what is queued counts as dropped. */
static void on_end_signal(uv_signal_t *handle, int number)
{
    struct pipeline *p = handle->data;
    (void)number;
    if (p->signal_ns == 0) {
        first_signal(p);
    } else if (clock_ns() < p->signal_ns + ECHO_MS * CLOCK_MS_NS) {
        return;
    } else if (!p->hurried) {
        p->hurried = true;
        log_warning("stopped at once: what was not written yet is lost");
        abandon(p);
        uv_timer_start(&p->deadline, give_up, HURRY_MS, 0);
        curfew_set(clock_after(CURFEW_MS * CLOCK_MS_NS));
    } else {
        give_up(&p->deadline);
    }
}

static void on_hangup(uv_signal_t *handle, int number)
{
    struct pipeline *p = handle->data;
    char files[768] = "";
    size_t len = 0;
    (void)number;
    if (p->told)
        notify_reloading();
    for (size_t i = 0; i < p->plan.sink_count; i++) {
        const struct output *out = &p->plan.sinks[i].out;
        const char *path = output_path(out);
        if (path && len < sizeof files)
            len += (size_t)snprintf(files + len, sizeof files - len, "%s%s %s", len ? ", " : "",
                                    out->name, path);
        sink_reopen(&p->plan.sinks[i]);
    }
    log_info("SIGHUP: %s%s; the configuration is not read again: that takes a restart",
             len ? "opening anew: " : "no output has a file to open anew", files);
    if (p->told)
        notify_send(NOTIFY_READY);
}

static void on_usr1(uv_signal_t *handle, int number)
{
    (void)number;
    print_ledger(handle->data);
}

static void show_progress(uv_timer_t *timer)
{
    const struct pipeline *p = timer->data;
    const struct input_counters *in = &p->inputs[0].counters;
    uint64_t size = counter_get(&in->size), taken = counter_get(&in->taken);
    if (size > 0)
        fprintf(stderr, "\r%llu frames, %llu %%\033[K",
                (unsigned long long)counter_get(&in->frames),
                (unsigned long long)(100 * taken / size));
    else
        fprintf(stderr, "\r%llu frames\033[K", (unsigned long long)counter_get(&in->frames));
}

static void watch_signals(struct pipeline *p)
{
    static const struct {
        int number;
        uv_signal_cb call;
    } watched[] = {
        {SIGINT, on_end_signal},
        {SIGTERM, on_end_signal},
        {SIGHUP, on_hangup},
        {SIGUSR1, on_usr1},
    };
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++) {
        uv_signal_init(&p->loop, &p->signals[i]);
        p->signals[i].data = p;
        uv_signal_start(&p->signals[i], watched[i].call, watched[i].number);
    }
}

/* --- opening -------------------------------------------------------------------------------- */

unsigned pipeline_worker_count(const struct settings *settings)
{
    if (settings_compat(settings))
        return 1; /* the older programs had one order of arrival */
    if (settings->threads > 0)
        return (unsigned)settings->threads;
    int cores = (int)uv_available_parallelism();
    return cores > 0 ? (unsigned)cores : 1;
}

/* Cut frames come and go by the megabyte: each then has pages of its own, which go back to the
 * system with it. By default the C library soon keeps them, in heaps that fall to pieces. */
static void return_large_memory(void)
{
#ifdef M_MMAP_THRESHOLD
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
#endif
}

static unsigned number_of(const struct config *config, size_t index)
{
    unsigned number = 1;
    for (size_t i = 0; i < index; i++)
        number += config->outputs[i].module == config->outputs[index].module;
    return number;
}

static int open_sinks(struct pipeline *p, struct error *err)
{
    const char *compat = settings_compat(&p->config->settings);
    p->plan.sinks = calloc(p->config->output_count + 1, sizeof *p->plan.sinks);
    if (!p->plan.sinks)
        return error_set(err, "no memory");
    for (size_t i = 0; i < p->config->output_count; i++) {
        p->plan.sink_count++;
        p->plan.sinks[i].out.stats = p->options.stats;
        p->plan.sinks[i].out.settings = &p->config->settings;
        p->plan.sinks[i].out.gives_up = p->options.gives_up;
        p->plan.sinks[i].out.old = p->options.old;
        if (sink_open(&p->plan.sinks[i], &p->config->outputs[i], compat, number_of(p->config, i),
                      p->workers_wanted, output_ended, p, err) < 0)
            return config_error_at(p->config, &p->config->outputs[i], NULL, err);
        p->plan.seen |= p->plan.sinks[i].seen;
    }
    int lanes = lane_plans_make(p->plan.sinks, p->plan.sink_count, &p->plan.lanes);
    if (lanes < 0)
        return error_set(err, "no memory");
    p->plan.lane_count = (size_t)lanes;
    return 0;
}

/* The facets that an observer needs of every event. One that looks only now and then (`active`)
 * decodes what it needs itself; but stages remember across events, so they must run all the time.
 */
static uint32_t steady_needs(const struct observer *observer)
{
    return observer->active ? observer->needs & FACETS_OF_STAGES : observer->needs;
}

/* What formats, inline outputs and observers need decoded. A lane is opened and closed to ask. The
 * formats of --compat leave out many dnstap messages and count them as the output's loss, so with
 * them a frame that is no dnstap message counts there, too. */
static int ask_needs(struct pipeline *p, struct error *err)
{
    bool compat = settings_compat(&p->config->settings);
    for (size_t i = 0; i < p->plan.lane_count; i++) {
        struct lane lane;
        if (lane_init(&lane, &p->plan.lanes[i], 0, err) < 0)
            return -1;
        p->plan.needs |= lane.needs;
        for (size_t s = 0; s < p->plan.lanes[i].sink_count; s++)
            p->plan.lanes[i].sinks[s]->events_only = !compat && lane.needs & FACET_DNSTAP;
        lane_free(&lane);
    }
    for (size_t i = 0; i < p->plan.sink_count; i++) {
        struct sink *sink = &p->plan.sinks[i];
        if (!sink_is_inline(sink))
            continue;
        p->plan.needs |= sink->out.hooks->needs(&sink->out);
        sink->events_only = !compat;
        p->plan.inlined = true;
    }
    for (size_t i = 0; i < p->plan.observer_count; i++)
        p->plan.needs |= steady_needs(&p->plan.observers[i]);
    return 0;
}

/* Stages whose facets somebody needs, from the last of the registry to the first: what one needs,
 * an earlier one may provide. */
static int open_stages(struct pipeline *p, struct error *err)
{
    const char *compat = settings_compat(&p->config->settings);
    size_t known = 0;
    while (module_at(MODULE_STAGE, known))
        known++;
    p->plan.stages = calloc(known + 1, sizeof *p->plan.stages);
    if (!p->plan.stages)
        return error_set(err, "no memory");
    for (size_t i = known; i-- > 0;) {
        const char *name = module_at(MODULE_STAGE, i)->name;
        const struct module *module = module_find(MODULE_STAGE, span_str(name), compat);
        const struct stage_hooks *hooks = module->hooks;
        if (!(p->plan.needs & hooks->provides))
            continue;
        struct running_stage stage = {.hooks = hooks};
        const struct stage_options options = {.settings = &p->config->settings,
                                              .workers = p->workers_wanted,
                                              .wanted = p->plan.needs};
        if (hooks->open(&stage.state, &options, err) < 0)
            return -1;
        p->plan.needs = (p->plan.needs & ~hooks->provides) | hooks->needs;
        memmove(p->plan.stages + 1, p->plan.stages, p->plan.stage_count * sizeof *p->plan.stages);
        p->plan.stages[0] = stage;
        p->plan.stage_count++;
    }
    p->plan.needs = event_closure(p->plan.needs);
    return 0;
}

static int start_workers(struct pipeline *p, struct error *err)
{
    p->workers = calloc(p->workers_wanted, sizeof *p->workers);
    if (!p->workers)
        return error_set(err, "no memory");
    p->worker_count = p->workers_wanted;
    for (unsigned i = 0; i < p->worker_count; i++) {
        if (worker_start(&p->workers[i], p, &p->plan, i, err) < 0)
            return -1;
        atomic_fetch_add(&p->workers_running, 1);
    }
    return 0;
}

static int open_inputs(struct pipeline *p, struct error *err)
{
    const struct config *config = p->config;
    p->inputs = calloc(config->input_count + 1, sizeof *p->inputs);
    if (!p->inputs)
        return error_set(err, "no memory");
    /* When there are listeners, too, the pipeline does not end with the files: count one more
     * input, which never ends. */
    atomic_store(&p->finite_running, config->input_count - p->listening + (p->listening > 0));
    for (size_t i = 0; i < config->input_count; i++) {
        struct input *in = &p->inputs[i];
        in->module = config->inputs[i].module;
        in->hooks = in->module->hooks;
        in->options = config->inputs[i].options;
        in->state = calloc(1, in->module->state_size + 1); /* never of size 0 */
        in->index = (uint32_t)i;
        in->pipeline = p;
        if (!in->state)
            return error_set(err, "no memory");
        p->inputs_open++;
        if (in->hooks->open(in, err) < 0)
            return config_error_at(config, &config->inputs[i], NULL, err);
    }
    return 0;
}

/* Whoever knows the key may choose names that fall together: it is an observer's secret, or ours.
 */
static int choose_key(struct pipeline *p, struct error *err)
{
    for (size_t i = 0; i < p->plan.observer_count; i++) {
        const struct siphash_key *key = p->plan.observers[i].key;
        if (!key)
            continue;
        p->plan.key = *key;
        return 0;
    }
    return siphash_key_random(&p->plan.key) < 0 ? error_set(err, "no randomness for a key") : 0;
}

static int open_all(struct pipeline *p, struct error *err)
{
    if (p->options.observer_count > OBSERVERS_MAX)
        return error_set(err, "more than %d observers", OBSERVERS_MAX);
    p->workers_wanted = pipeline_worker_count(&p->config->settings);
    p->plan.on_ended = worker_ended;
    p->plan.on_limit = want_drain;
    p->plan.observers = p->options.observers;
    p->plan.observer_count = p->options.observer_count;
    p->plan.limited = p->options.total > 0;
    atomic_store(&p->plan.left, (int64_t)p->options.total);
    if (choose_key(p, err) < 0 || open_sinks(p, err) < 0 || ask_needs(p, err) < 0 ||
        open_stages(p, err) < 0 || start_workers(p, err) < 0 || open_inputs(p, err) < 0)
        return -1;
    for (size_t i = 0; i < p->plan.sink_count; i++)
        atomic_store(&p->plan.sinks[i].out.begun, true);
    return 0;
}

static size_t count_listening(const struct config *config)
{
    size_t count = 0;
    for (size_t i = 0; i < config->input_count; i++)
        count += !((const struct input_hooks *)config->inputs[i].module->hooks)->finite;
    return count;
}

/* A pipeline with its loop alone. There must be descriptors for that, or libuv aborts. */
static struct pipeline *new_with_loop(struct config *config, const struct pipeline_options *options,
                                      struct error *err)
{
    struct descriptors plan =
        options->descriptors
            ? *options->descriptors
            : descriptors_plan(config, pipeline_worker_count(&config->settings), 0);
    if (descriptors_check(&plan, err) < 0)
        return NULL;
    struct pipeline *p = calloc(1, sizeof *p);
    if (!p || uv_loop_init(&p->loop) < 0) {
        free(p);
        error_set(err, "no memory");
        return NULL;
    }
    p->config = config;
    p->options = *options;
    p->options.descriptors = NULL; /* the caller's */
    p->connection_descriptors = plan.allowed - plan.needed;
    p->listening = count_listening(config);
    return p;
}

struct pipeline *pipeline_new(struct config *config, const struct pipeline_options *options,
                              struct error *err)
{
    struct pipeline *p = new_with_loop(config, options, err);
    if (!p)
        return NULL;
    uv_async_init(&p->loop, &p->wake, woken);
    uv_timer_init(&p->loop, &p->deadline);
    uv_timer_init(&p->loop, &p->progress);
    p->wake.data = p->deadline.data = p->progress.data = p;
    int partials = partial_pool_init(&p->partials, config->settings.partial_max);
    roster_init(&p->roster);
    return_large_memory();
    watch_signals(p);
    if (partials < 0)
        error_set(err, "no memory");
    else if (check_ledger_path(p, err) == 0 && open_all(p, err) == 0)
        return p;
    pipeline_abort(p);
    pipeline_free(p);
    return NULL;
}

void pipeline_stop(struct pipeline *p)
{
    want_drain(p);
}

/* Drains what has been opened, which is the usual way to close it. */
void pipeline_abort(struct pipeline *p)
{
    want_drain(p);
    uv_run(&p->loop, UV_RUN_DEFAULT);
    curfew_set(UINT64_MAX);
}

/* True when the sink lost events because they could not be written, for good or still at the end;
 * or could not write the end itself. */
static bool sink_failed(const struct sink *sink)
{
    struct ledger sum;
    sink_ledger(sink, &sum);
    return sink->out.unended || counter_get(&sum.dropped[DROP_WRITE]) > 0 ||
           (atomic_load(&sink->writer.stuck) && counter_get(&sum.dropped[DROP_SHUTDOWN]) > 0);
}

/* After a second signal events are lost, whoever leaves meanwhile. */
static enum pipeline_end how_ended(const struct pipeline *p)
{
    bool failed = atomic_load(&p->failed), lost = p->hurried;
    for (size_t i = 0; i < p->plan.sink_count; i++) {
        const struct sink *sink = &p->plan.sinks[i];
        lost |= !atomic_load(&sink->writer.closed) && sink_failed(sink);
    }
    if (atomic_load(&p->output_ended) && !lost)
        return PIPELINE_CLOSED;
    failed |= lost;
    return failed ? PIPELINE_FAILED : PIPELINE_DONE;
}

/* True when the ledger is to be printed: perhaps only when it tells what the user cannot know. */
static bool wants_ledger(const struct pipeline *p, enum pipeline_end end)
{
    if (p->options.tells == TELLS_ALWAYS || (p->options.tells == TELLS_IF_CUT && p->signal_ns != 0))
        return true;
    return end != PIPELINE_CLOSED && each_ledger(p, NULL, NULL) > 0;
}

enum pipeline_end pipeline_run(struct pipeline *p)
{
    if (p->options.progress && p->inputs_open > 0)
        uv_timer_start(&p->progress, show_progress, PROGRESS_MS, PROGRESS_MS);
    p->told = p->options.managed && notify_send(NOTIFY_READY);
    uv_run(&p->loop, UV_RUN_DEFAULT);
    if (p->options.progress)
        fputs("\r\033[K", stderr);
    enum pipeline_end end = how_ended(p);
    if (wants_ledger(p, end))
        print_ledger(p);
    bool written = write_ledger(p);
    curfew_set(UINT64_MAX); /* what follows may take its time */
    return written ? end : PIPELINE_FAILED;
}

uint64_t pipeline_deadline(const struct pipeline *p)
{
    return p->deadline_ns;
}

void pipeline_free(struct pipeline *p)
{
    if (!p)
        return;
    if (p->closer_runs)
        uv_thread_join(&p->closer);
    for (size_t i = 0; i < p->inputs_open; i++) {
        if (p->inputs[i].hooks->close)
            p->inputs[i].hooks->close(&p->inputs[i]);
        free(p->inputs[i].state);
    }
    for (unsigned i = 0; p->workers && i < p->worker_count; i++)
        worker_free(&p->workers[i]);
    for (size_t i = 0; i < p->plan.stage_count; i++)
        p->plan.stages[i].hooks->close(p->plan.stages[i].state);
    lane_plans_free(p->plan.lanes, p->plan.lane_count);
    for (size_t i = 0; i < p->plan.sink_count; i++)
        sink_free(&p->plan.sinks[i]);
    free(p->plan.stages);
    free(p->plan.sinks);
    free(p->workers);
    free(p->inputs);
    uv_loop_close(&p->loop);
    partial_pool_destroy(&p->partials);
    roster_destroy(&p->roster);
    chunk_pool_free();
    free(p);
}

/* --- for inputs ----------------------------------------------------------------------------- */

uv_loop_t *pipeline_loop(struct pipeline *p)
{
    return &p->loop;
}

const struct settings *pipeline_settings(const struct pipeline *p)
{
    return &p->config->settings;
}

size_t pipeline_connection_descriptors(const struct pipeline *p)
{
    /* What an input needs at least has a few in it. */
    return DESCRIPTORS_CONNECTIONS + p->connection_descriptors / (p->listening ? p->listening : 1);
}

void pipeline_relieve(struct pipeline *p)
{
    struct input *from = NULL;
    uint64_t most = 0;
    for (size_t i = 0; i < p->inputs_open; i++) {
        struct input *in = &p->inputs[i];
        uint64_t has = in->hooks->relieve ? in->hooks->relieve(in, false) : 0;
        from = has > most ? in : from;
        most = has > most ? has : most;
    }
    if (from)
        from->hooks->relieve(from, true);
}

struct partial_pool *pipeline_partials(struct pipeline *p)
{
    return &p->partials;
}

struct worker *pipeline_pick_worker(struct pipeline *p)
{
    struct worker *least = &p->workers[0];
    for (unsigned i = 1; i < p->worker_count; i++) {
        if (atomic_load(&p->workers[i].load) < atomic_load(&least->load))
            least = &p->workers[i];
    }
    return least;
}
