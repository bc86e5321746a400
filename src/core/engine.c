/*
 * An engine's life: outputs are opened, then workers, then inputs. The main thread keeps a loop of
 * its own for listeners. It drains when it is stopped, when every finite input has ended and there
 * is no other, when an output's reader has left, or when the total is reached:
 *
 *     inputs stop -> workers read what is there, flush their chunks and end ->
 *     a closer thread lets each output write until the deadline
 *
 * The loop runs until the closer is through, so whoever holds the engine hears signals until
 * then.
 */
#include "core/engine.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"
#include "core/descriptors.h"
#include "core/engine_state.h"
#include "core/input.h"

enum {
    HURRY_MS = 1500, /* what threads have to end when all is to be dropped; they need a few, and on
                        a busy machine they wait for a processor before that */
    LATE_MS = 2500,  /* what they have once the outputs' time is up, likewise */
};

/* --- what other threads say ----------------------------------------------------------------- */

static void wake_main(struct engine *p)
{
    uv_async_send(&p->wake);
}

static void worker_ended(struct engine *p)
{
    atomic_fetch_sub(&p->workers_running, 1);
    wake_main(p);
}

static void want_drain(struct engine *p)
{
    atomic_store(&p->drain_wanted, true);
    wake_main(p);
}

void engine_input_ended(struct engine *p, bool failed)
{
    if (failed)
        atomic_store(&p->failed, true);
    if (atomic_fetch_sub(&p->finite_running, 1) == 1)
        want_drain(p);
}

void engine_output_ended(void *arg)
{
    struct engine *p = arg;
    atomic_store(&p->output_ended, true);
    want_drain(p);
}

/* --- draining ------------------------------------------------------------------------------- */

static void close_outputs(void *arg)
{
    struct engine *p = arg;
    thread_name("closer");
    for (unsigned i = 0; i < p->worker_count; i++)
        worker_join(&p->workers[i]);
    for (size_t i = 0; i < p->sink_count; i++)
        sink_drain(p->sinks[i]);
    for (size_t i = 0; i < p->sink_count; i++)
        sink_finish(p->sinks[i], p->deadline_ns);
    atomic_store(&p->closed, true);
    wake_main(p);
}

/* The deadline has passed: has the workers read no further, and no output hold them up any longer.
 */
static void abandon(struct engine *p)
{
    atomic_store(&p->shared.late, true);
    for (size_t i = 0; i < p->sink_count; i++)
        sink_abandon(p->sinks[i]);
    engine_change_abandon(p);
}

/* Some thread has not ended in time. What it holds is lost. */
static void stuck(uv_timer_t *timer)
{
    struct engine *p = timer->data;
    p->hurried = true;
    if (p->host.stuck)
        p->host.stuck(p->host.arg);
}

static void deadline_passed(uv_timer_t *timer)
{
    abandon(timer->data);
    uv_timer_start(timer, stuck, LATE_MS, 0);
}

/* True when an output is there that may hold all up for ever, and nobody wants an end: a reader of
 * `spile read FILE | less` has the time that he takes. */
static bool may_wait(const struct engine *p)
{
    bool blocks = false;
    for (size_t i = 0; i < p->sink_count; i++)
        blocks |= sink_blocks_for_ever(p->sinks[i]);
    return blocks && !p->hastened;
}

static void start_deadline(struct engine *p)
{
    uint64_t shutdown_ns = p->config->settings.shutdown_ns;
    uv_timer_start(&p->deadline, deadline_passed, shutdown_ns / CLOCK_MS_NS, 0);
    if (p->host.deadline)
        p->host.deadline(p->host.arg, clock_after(shutdown_ns));
}

/* Who is full for a pause holds workers up. */
static void end_pauses(struct engine *p)
{
    pthread_mutex_lock(&p->view);
    for (size_t i = 0; i < p->sink_count; i++)
        sink_end_pause(p->sinks[i]);
    pthread_mutex_unlock(&p->view);
}

/* Unless it runs already: since somebody wanted an end while a change was under way. */
static void set_deadline(struct engine *p)
{
    if (p->deadline_ns || may_wait(p))
        return;
    p->deadline_ns = clock_after(p->config->settings.shutdown_ns);
    start_deadline(p);
}

static void drain(struct engine *p)
{
    end_pauses(p);
    p->draining = true;
    if (p->host.draining)
        p->host.draining(p->host.arg);
    set_deadline(p);
    if (!p->deadline_ns)
        p->deadline_ns = UINT64_MAX;
    for (size_t i = 0; i < p->input_count; i++) {
        if (p->inputs[i]->hooks->stop)
            p->inputs[i]->hooks->stop(p->inputs[i]);
    }
    for (unsigned i = 0; i < p->worker_count; i++)
        worker_stop(&p->workers[i]);
}

static void close_handles(struct engine *p)
{
    uv_close((uv_handle_t *)&p->wake, NULL);
    uv_close((uv_handle_t *)&p->deadline, NULL);
    uv_close((uv_handle_t *)&p->late_again, NULL);
    uv_close((uv_handle_t *)&p->change.overdue, NULL);
    if (p->host.closed)
        p->host.closed(p->host.arg);
}

/* Something has changed: the next step of the engine's life, if it is due. */
static void woken(uv_async_t *wake)
{
    struct engine *p = wake->data;
    engine_change_on(p);
    if (!p->draining && atomic_load(&p->drain_wanted)) {
        if (p->change.under_way)
            set_deadline(p); /* it may be waiting for an output that takes nothing */
        else
            drain(p);
    }
    if (p->draining && !p->closing && atomic_load(&p->workers_running) == 0) {
        p->closing = true;
        p->closer_runs = uv_thread_create(&p->closer, close_outputs, p) == 0;
        if (!p->closer_runs)
            close_outputs(p);
    }
    if (p->closing && atomic_load(&p->closed))
        close_handles(p);
}

/* --- the end, sooner ---------------------------------------------------------------------------
 */

void engine_hasten(struct engine *p)
{
    p->hastened = true;
    if (!p->draining)
        want_drain(p);
    else if (p->deadline_ns == UINT64_MAX)
        start_deadline(p);
}

void engine_hurry(struct engine *p)
{
    if (p->hurried)
        return;
    p->hurried = p->hastened = true;
    if (!p->deadline_ns)
        p->deadline_ns = clock_ns();
    want_drain(p);
    abandon(p);
    uv_timer_start(&p->deadline, stuck, HURRY_MS, 0);
}

void engine_reopen(struct engine *p)
{
    assert(engine_is_main(p));
    for (size_t i = 0; i < p->sink_count; i++)
        sink_reopen(p->sinks[i]);
}

/* --- opening -------------------------------------------------------------------------------- */

unsigned engine_worker_count(const struct settings *settings)
{
    if (settings_compat(settings))
        return 1; /* the older programs had one order of arrival */
    if (settings->threads > 0)
        return (unsigned)settings->threads;
    int cores = (int)uv_available_parallelism();
    return cores > 0 ? (unsigned)cores : 1;
}

struct sink *engine_new_sink(struct engine *p)
{
    struct sink *sink = calloc(1, sizeof *sink);
    if (!sink)
        return NULL;
    sink->out.stats = p->stats;
    sink->out.gives_up = p->options.gives_up;
    sink->out.old = p->options.old;
    return sink;
}

/* Opens an output's sink; it is there to be freed even where that fails. */
static int open_sink(struct engine *p, size_t index, struct error *err)
{
    const struct config_item *item = &p->config->outputs[index];
    char name[CONFIG_NAME_MAX + 1];
    struct sink *sink = engine_new_sink(p);
    if (!sink)
        return error_set(err, "no memory");
    p->sinks[p->sink_count++] = sink;
    if (sink_open(sink, p->config, item, config_name(p->config->outputs, index, name),
                  p->workers_wanted, engine_output_ended, p, err) == 0)
        return 0;
    return config_error_at(item, NULL, err);
}

static int open_sinks(struct engine *p, struct error *err)
{
    p->sinks = calloc(p->config->output_count + 1, sizeof *p->sinks);
    if (!p->sinks)
        return error_set(err, "no memory");
    for (size_t i = 0; i < p->config->output_count; i++) {
        if (open_sink(p, i, err) < 0)
            return -1;
    }
    return 0;
}

/* Whoever knows the key may choose names that fall together: it is an observer's secret, or ours.
 */
static int choose_key(const struct engine *p, const struct engine_observers *observers,
                      struct siphash_key *chosen, struct error *err)
{
    for (size_t i = 0; i < observers->count; i++) {
        const struct siphash_key *key = observers->list[i].key;
        if (!key)
            continue;
        *chosen = *key;
        return 0;
    }
    if (p->plan)
        *chosen = p->plan->key;
    else if (siphash_key_random(chosen) < 0)
        return error_set(err, "no randomness for a key");
    return 0;
}

struct plan *engine_make_plan(struct engine *p, struct config *config,
                              const struct engine_observers *observers, struct sink *const *sinks,
                              size_t sink_count, struct error *err)
{
    struct plan_options options = {.workers = p->workers_wanted,
                                   .observers = observers->list,
                                   .observer_count = observers->count};
    if (observers->count > OBSERVERS_MAX) {
        error_set(err, "more than %d observers", OBSERVERS_MAX);
        return NULL;
    }
    if (choose_key(p, observers, &options.key, err) < 0)
        return NULL;
    return plan_new(&options, config, sinks, sink_count, p->plan, err);
}

static int make_plan(struct engine *p, struct error *err)
{
    const struct engine_observers first = {.list = p->options.observers,
                                           .count = p->options.observer_count};
    p->plan = engine_make_plan(p, p->config, &first, p->sinks, p->sink_count, err);
    return p->plan ? 0 : -1;
}

static int start_workers(struct engine *p, struct error *err)
{
    p->workers = calloc(p->workers_wanted, sizeof *p->workers);
    if (!p->workers)
        return error_set(err, "no memory");
    p->worker_count = p->workers_wanted;
    for (unsigned i = 0; i < p->worker_count; i++) {
        if (worker_start(&p->workers[i], p, &p->shared, p->plan, i, err) < 0)
            return -1;
        atomic_fetch_add(&p->workers_running, 1);
    }
    return 0;
}

struct input *engine_open_input(struct engine *p, struct config *config,
                                const struct config_item *item, const char *name, struct error *err)
{
    struct input *in = calloc(1, sizeof *in);
    void *state = calloc(1, item->module->state_size + 1); /* never of size 0 */
    if (!in || !state) {
        free(in);
        free(state);
        error_set(err, "no memory");
        return NULL;
    }
    in->config = config_hold(config);
    in->item = item;
    in->module = item->module;
    in->hooks = in->module->hooks;
    in->options = item->options;
    in->common = item->common;
    in->state = state;
    in->index = p->last_index++;
    in->engine = p;
    snprintf(in->name, sizeof in->name, "%s", name);
    if (in->hooks->open(in, err) == 0)
        return in;
    config_error_at(item, NULL, err);
    engine_close_input(in);
    return NULL;
}

void engine_close_input(struct input *in)
{
    if (in->hooks->close)
        in->hooks->close(in);
    config_release(in->config);
    free(in->state);
    free(in);
}

static int open_inputs(struct engine *p, struct error *err)
{
    const struct config *config = p->config;
    p->inputs = calloc(config->input_count + 1, sizeof(struct input *));
    if (!p->inputs)
        return error_set(err, "no memory");
    /* When there are listeners, too, the engine does not end with the files: count one more
     * input, which never ends. */
    atomic_store(&p->finite_running, config->input_count - p->listening + (p->listening > 0));
    for (size_t i = 0; i < config->input_count; i++) {
        char name[CONFIG_NAME_MAX + 1];
        struct input *in = engine_open_input(p, p->config, &config->inputs[i],
                                             config_name(config->inputs, i, name), err);
        if (!in)
            return -1;
        p->inputs[p->input_count++] = in;
    }
    return 0;
}

static int open_all(struct engine *p, struct error *err)
{
    p->workers_wanted = engine_worker_count(&p->config->settings);
    p->shared.on_ended = worker_ended;
    p->shared.on_limit = want_drain;
    p->shared.limited = p->options.total > 0;
    atomic_store(&p->shared.left, (int64_t)p->options.total);
    if (open_sinks(p, err) < 0 || make_plan(p, err) < 0 || start_workers(p, err) < 0 ||
        open_inputs(p, err) < 0)
        return -1;
    for (size_t i = 0; i < p->sink_count; i++)
        atomic_store(&p->sinks[i]->out.begun, true);
    return 0;
}

size_t engine_count_listening(const struct config *config)
{
    size_t count = 0;
    for (size_t i = 0; i < config->input_count; i++)
        count += !input_is_finite(&config->inputs[i]);
    return count;
}

/* An engine with its loop alone. There must be descriptors for that, or libuv aborts. */
static struct engine *new_with_loop(struct config *config, const struct engine_options *options,
                                    struct error *err)
{
    struct descriptors plan =
        options->descriptors ? *options->descriptors
                             : descriptors_plan(config, engine_worker_count(&config->settings));
    if (descriptors_check(&plan, err) < 0)
        return NULL;
    struct engine *p = calloc(1, sizeof *p);
    if (!p || uv_loop_init(&p->loop) < 0) {
        free(p);
        error_set(err, "no memory");
        return NULL;
    }
    p->main = pthread_self();
    p->config = config_hold(config);
    p->configured_ms = clock_wall_ms();
    p->begun_ns = clock_ns();
    p->options = *options;
    p->options.descriptors = NULL; /* the caller's */
    p->stats = options->stats;
    if (options->host)
        p->host = *options->host;
    p->connection_descriptors = plan.allowed - plan.needed;
    p->listening = engine_count_listening(config);
    return p;
}

struct engine *engine_new(struct config *config, const struct engine_options *options,
                          struct error *err)
{
    struct engine *p = new_with_loop(config, options, err);
    if (!p)
        return NULL;
    uv_async_init(&p->loop, &p->wake, woken);
    uv_timer_init(&p->loop, &p->deadline);
    uv_timer_init(&p->loop, &p->late_again);
    uv_timer_init(&p->loop, &p->change.overdue);
    pthread_mutex_init(&p->view, NULL);
    p->wake.data = p->deadline.data = p->late_again.data = p->change.overdue.data = p;
    int partials = partial_pool_init(&p->partials, config->settings.partial_max);
    roster_init(&p->roster);
    if (p->host.begin)
        p->host.begin(p->host.arg, p);
    if (partials < 0)
        error_set(err, "no memory");
    else if (open_all(p, err) == 0)
        return p;
    engine_abort(p);
    engine_free(p);
    return NULL;
}

void engine_stop(struct engine *p)
{
    want_drain(p);
}

/* Drains what has been opened, which is the usual way to close it. */
void engine_abort(struct engine *p)
{
    want_drain(p);
    uv_run(&p->loop, UV_RUN_DEFAULT);
}

/* After a second signal events are lost, whoever leaves meanwhile. */
static enum engine_end how_ended(const struct engine *p)
{
    bool failed = atomic_load(&p->failed), lost = p->hurried || p->past_failed;
    for (size_t i = 0; i < p->sink_count; i++)
        lost |= sink_has_failed(p->sinks[i]);
    if (atomic_load(&p->output_ended) && !lost)
        return ENGINE_CLOSED;
    failed |= lost;
    return failed ? ENGINE_FAILED : ENGINE_DONE;
}

enum engine_end engine_run(struct engine *p)
{
    p->main = pthread_self();
    uv_run(&p->loop, UV_RUN_DEFAULT);
    return how_ended(p);
}

uint64_t engine_deadline(const struct engine *p)
{
    return p->deadline_ns;
}

void engine_free(struct engine *p)
{
    if (!p)
        return;
    if (p->closer_runs)
        uv_thread_join(&p->closer);
    for (size_t i = 0; i < p->input_count; i++)
        engine_close_input(p->inputs[i]);
    engine_change_free(p);
    for (unsigned i = 0; p->workers && i < p->worker_count; i++)
        worker_free(&p->workers[i]);
    plan_release(p->plan);
    for (size_t i = 0; i < p->sink_count; i++) {
        sink_free(p->sinks[i]);
        free(p->sinks[i]);
    }
    free(p->sinks);
    free(p->workers);
    free(p->inputs);
    uv_loop_close(&p->loop);
    pthread_mutex_destroy(&p->view);
    partial_pool_destroy(&p->partials);
    config_release(p->config);
    roster_destroy(&p->roster);
    chunk_pool_free();
    free(p);
}

/* --- for inputs ----------------------------------------------------------------------------- */

uv_loop_t *engine_loop(struct engine *p)
{
    return &p->loop;
}

size_t engine_connection_descriptors(const struct engine *p)
{
    /* What an input needs at least has a few in it. */
    return DESCRIPTORS_CONNECTIONS + p->connection_descriptors / (p->listening ? p->listening : 1);
}

void engine_relieve(struct engine *p)
{
    struct input *from = NULL;
    uint64_t most = 0;
    for (size_t i = 0; i < p->input_count; i++) {
        struct input *in = p->inputs[i];
        uint64_t has = in->hooks->relieve ? in->hooks->relieve(in, false) : 0;
        from = has > most ? in : from;
        most = has > most ? has : most;
    }
    if (from)
        from->hooks->relieve(from, true);
}

struct partial_pool *engine_partials(struct engine *p)
{
    return &p->partials;
}

struct worker *engine_pick_worker(struct engine *p)
{
    struct worker *least = &p->workers[0];
    for (unsigned i = 1; i < p->worker_count; i++) {
        if (atomic_load(&p->workers[i].load) < atomic_load(&least->load))
            least = &p->workers[i];
    }
    return least;
}
