/*
 * From one configuration to the next, while frames flow:
 *
 *     what is new is opened, and a plan made of it and of what stays ->
 *     workers take the plan, one after the other ->
 *     what is no more drains and is closed ->
 *     what it was in the way of is opened
 *
 * Up to the moment when the plan is whole an error leaves all as it was. An output that another one
 * is in the way of, as at the same path, is at work from the beginning: its records wait in its
 * queue. What went keeps its ledger, and one of its name goes on from there.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "core/engine_state.h"

/* A change as it is worked out. Owner: the stack of engine_reload. */
struct draft_change {
    struct engine *p;
    struct config *config;
    const struct engine_observers *observers;
    struct sink **sinks; /* as the configuration has the outputs */
    bool *kept_sink;     /* of these: it was there before */
    size_t sink_count;
    struct input **inputs; /* likewise; NULL: to be opened later */
    bool *kept_input;
    size_t input_count;
    struct config_places *going; /* the places of what is no more */
    bool going_prints;           /* some of that writes to standard output */
    struct late *late;           /* what is not open */
    size_t late_count;
    struct plan *plan;
};

/* --- what stays ----------------------------------------------------------------------------- */

static bool is_among(const void *one, void *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == one)
            return true;
    }
    return false;
}

/* The output at work of that name and with these options; names are carried over (config_call). */
static struct sink *same_sink(const struct engine *p, const struct config_item *item,
                              const char *name)
{
    for (size_t i = 0; i < p->sink_count; i++) {
        struct sink *sink = p->sinks[i];
        if (strcmp(sink->out.name, name) == 0)
            return config_item_equal(sink->item, item) ? sink : NULL;
    }
    return NULL;
}

static bool is_lost(const struct input *in)
{
    return in->hooks->lost && in->hooks->lost(in);
}

/* Likewise; one that could not be had before, or to which nobody comes any more, is opened anew. */
static struct input *same_input(const struct engine *p, const struct config_item *item,
                                const char *name)
{
    for (size_t i = 0; i < p->input_count; i++) {
        struct input *in = p->inputs[i];
        if (strcmp(in->name, name) == 0)
            return config_item_equal(in->item, item) && !in->absent && !is_lost(in) ? in : NULL;
    }
    return NULL;
}

static void choose_kept(struct draft_change *d)
{
    char name[CONFIG_NAME_MAX + 1];
    const struct config *config = d->config;
    for (size_t i = 0; i < config->output_count; i++) {
        d->sinks[i] = same_sink(d->p, &config->outputs[i], config_name(config->outputs, i, name));
        d->kept_sink[i] = d->sinks[i] != NULL;
    }
    for (size_t i = 0; i < config->input_count; i++) {
        d->inputs[i] = same_input(d->p, &config->inputs[i], config_name(config->inputs, i, name));
        d->kept_input[i] = d->inputs[i] != NULL;
    }
}

/* --- what is new ---------------------------------------------------------------------------- */

/* Where that is which is to go. -1: err. */
static int note_going(struct draft_change *d, struct error *err)
{
    const struct engine *p = d->p;
    size_t count = 0;
    const struct config_item **items =
        calloc(p->sink_count + p->input_count + 1, sizeof(struct config_item *));
    if (!items)
        return error_set(err, "no memory");
    for (size_t i = 0; i < p->sink_count; i++) {
        if (is_among(p->sinks[i], (void *const *)d->sinks, d->sink_count))
            continue;
        items[count++] = p->sinks[i]->item;
        d->going_prints |= output_prints(&p->sinks[i]->out);
    }
    for (size_t i = 0; i < p->input_count; i++) {
        if (!is_among(p->inputs[i], (void *const *)d->inputs, d->input_count))
            items[count++] = p->inputs[i]->item;
    }
    d->going = config_places_of(items, count, err);
    free(items);
    return d->going ? 0 : -1;
}

/* One that is to go may be in the way of a new one, which then has to wait; but it must be one that
 * could be opened. */
static int open_sink(struct draft_change *d, struct sink *sink, struct error *err)
{
    int waits = d->going_prints && output_prints(&sink->out)
                    ? 1
                    : config_places_clash(d->going, sink->item, err);
    if (waits < 0)
        return -1;
    return waits ? config_probe_item(sink->item, err)
                 : sink_begin(sink, engine_output_ended, d->p, err);
}

static int open_sinks(struct draft_change *d, struct error *err)
{
    char name[CONFIG_NAME_MAX + 1];
    struct engine *p = d->p;
    for (size_t i = 0; i < d->sink_count; i++) {
        const struct config_item *item = &d->config->outputs[i];
        if (d->kept_sink[i])
            continue;
        struct sink *sink = d->sinks[i] = engine_new_sink(p);
        if (!sink)
            return error_set(err, "no memory");
        config_name(d->config->outputs, i, name);
        if (sink_prepare(sink, d->config, item, name, p->worker_count, err) < 0)
            return config_error_at(item, NULL, err);
        if (open_sink(d, sink, err) < 0)
            return config_error_at(item, NULL, err);
    }
    return 0;
}

/* One that ends by itself begins to read as soon as it is open, which could not be undone: it comes
 * in when all else is done. */
static int open_inputs(struct draft_change *d, struct error *err)
{
    char name[CONFIG_NAME_MAX + 1];
    for (size_t i = 0; i < d->input_count; i++) {
        const struct config_item *item = &d->config->inputs[i];
        if (d->kept_input[i])
            continue;
        int waits = input_is_finite(item) ? 1 : config_places_clash(d->going, item, err);
        if (waits < 0 || (waits && config_probe_item(item, err) < 0))
            return -1;
        if (waits)
            continue;
        config_name(d->config->inputs, i, name);
        d->inputs[i] = engine_open_input(d->p, d->config, item, name, err);
        if (!d->inputs[i])
            return -1;
    }
    return 0;
}

/* As the change before has left it. */
static struct late late_before(const struct engine *p, const struct sink *sink)
{
    size_t i = 0;
    while (i < p->late_count && p->late[i].sink != sink)
        i++;
    assert(i < p->late_count);
    return p->late[i];
}

/* A list of what is to be opened later. */
static int list_late(struct draft_change *d, struct error *err)
{
    d->late = calloc(d->sink_count + d->input_count + 1, sizeof *d->late);
    if (!d->late)
        return error_set(err, "no memory");
    for (size_t i = 0; i < d->sink_count; i++) {
        struct sink *sink = d->sinks[i];
        if (!sink->open)
            d->late[d->late_count++] = d->kept_sink[i]
                                           ? late_before(d->p, sink)
                                           : (struct late){.sink = sink, .follows = true};
    }
    for (size_t i = 0; i < d->input_count; i++) {
        if (!d->inputs[i])
            d->late[d->late_count++] = (struct late){.input = i, .follows = true};
    }
    return 0;
}

/* What was opened is closed again: nobody has used it yet. */
static void undo(struct draft_change *d)
{
    pthread_mutex_lock(&d->p->view);
    for (size_t i = 0; i < d->input_count; i++) {
        struct input *in = d->kept_input[i] ? NULL : d->inputs[i];
        if (in && in->hooks->stop)
            in->hooks->stop(in);
        if (in)
            d->p->left[d->p->left_count++] = in; /* its handles are closed by the loop */
    }
    pthread_mutex_unlock(&d->p->view);
    plan_release(d->plan);
    for (size_t i = 0; i < d->sink_count; i++) {
        if (d->kept_sink[i] || !d->sinks[i])
            continue;
        sink_drain(d->sinks[i]);
        sink_finish(d->sinks[i], clock_ns());
        sink_free(d->sinks[i]);
        free(d->sinks[i]);
    }
}

/* --- what was ------------------------------------------------------------------------------- */

/* Which outputs that are no more others of their names have followed. */
static void mark_followed(struct engine *p)
{
    const struct change *c = &p->change;
    for (size_t i = 0; i < p->past.count; i++)
        p->past.items[i].followed = false;
    for (size_t i = 0; i < p->sink_count + c->gone_count; i++) {
        const struct sink *sink = i < p->sink_count ? p->sinks[i] : c->gone[i - p->sink_count];
        struct bygone *past = bygones_find(&p->past, MODULE_OUTPUT, sink->out.name);
        if (past)
            past->followed = true;
    }
}

static void remember_sink(struct engine *p, const struct sink *sink)
{
    struct ledger sum;
    sink_ledger(sink, &sum);
    ledger_add(&bygones_of(&p->past, sink->out.module, sink->out.name)->ledger, &sum);
    p->past_failed |= sink_has_failed(sink);
}

static void remember_stages(struct engine *p, const struct stages *before)
{
    for (size_t i = 0; i < before->count; i++) {
        struct stage_view view;
        if (stages_have(&p->plan->stages, &before->items[i]))
            continue;
        stages_view(before, i, &view);
        struct bygone *past = bygones_of(&p->past, before->items[i].module, view.name);
        past->seen += view.passed + view.dropped;
        past->dropped += view.dropped;
        past->changed += view.changed;
    }
}

/* Those that went before, and of which nothing is left on any worker: all workers have had a post
 * since then. */
static void forget_inputs(struct engine *p, size_t count)
{
    size_t kept = 0;
    pthread_mutex_lock(&p->view);
    for (size_t i = 0; i < p->left_count; i++) {
        struct input *in = p->left[i];
        if (i >= count || atomic_load(&in->owner.items) > 0 || atomic_load(&in->lookers) > 0) {
            p->left[kept++] = in;
            continue;
        }
        input_counters_end(&in->counters);
        input_counters_add(&bygones_of(&p->past, in->module, in->name)->counters, &in->counters);
        engine_close_input(in);
    }
    p->left_count = kept;
    pthread_mutex_unlock(&p->view);
}

/* --- the change ----------------------------------------------------------------------------- */

static void take_plan(struct worker *worker, struct worker_post *post)
{
    struct take *take = (struct take *)post;
    struct engine *p = take->engine;
    worker_take_plan(worker, p->plan);
    worker_stop_leaving(worker);
    if (atomic_fetch_sub(&p->change.waiting, 1) == 1)
        uv_async_send(&p->wake);
}

static void count_finite(struct engine *p, const struct draft_change *d)
{
    size_t listening = engine_count_listening(d->config);
    size_t now = listening > 0, before = p->listening > 0;
    for (size_t i = 0; i < d->input_count; i++)
        atomic_fetch_add(&p->finite_running,
                         !d->kept_input[i] && input_is_finite(&d->config->inputs[i]));
    p->listening = listening;
    atomic_fetch_add(&p->finite_running, now);
    if (before && atomic_fetch_sub(&p->finite_running, 1) == 1)
        engine_stop(p);
}

static void leave_inputs(struct engine *p, const struct draft_change *d)
{
    for (size_t i = 0; i < p->input_count; i++) {
        struct input *in = p->inputs[i];
        if (is_among(in, (void *const *)d->inputs, d->input_count))
            continue;
        atomic_store(&in->owner.leaving, true);
        if (in->hooks->stop)
            in->hooks->stop(in);
        p->left[p->left_count++] = in;
    }
}

/* Inputs that are not open yet come in later, behind the others. */
static void close_gaps(struct draft_change *d)
{
    size_t open = 0;
    for (size_t i = 0; i < d->input_count; i++) {
        if (d->inputs[i])
            d->inputs[open++] = d->inputs[i];
    }
    d->input_count = open;
}

void engine_change_abandon(struct engine *p)
{
    for (size_t i = 0; i < p->change.gone_count; i++)
        sink_abandon(p->change.gone[i]);
}

/* A worker that waits for room in the queue of an output which is to go cannot take the plan. */
static void overdue(uv_timer_t *timer)
{
    engine_change_abandon(timer->data);
}

/* From here on nothing can fail. */
static void commit(struct draft_change *d)
{
    struct engine *p = d->p;
    struct change *c = &p->change;
    count_finite(p, d);
    close_gaps(d);
    c->left_before = p->left_count;
    pthread_mutex_lock(&p->view);
    for (size_t i = 0; i < p->sink_count; i++) {
        if (is_among(p->sinks[i], (void *const *)d->sinks, d->sink_count))
            continue;
        atomic_store(&p->sinks[i]->leaving, true);
        sink_end_pause(p->sinks[i]); /* a worker may wait for its room */
        c->gone[c->gone_count++] = p->sinks[i];
    }
    leave_inputs(p, d);
    struct sink **sinks = p->sinks;
    struct input **inputs = p->inputs;
    p->sinks = d->sinks;
    p->sink_count = d->sink_count;
    p->inputs = d->inputs;
    p->input_count = d->input_count;
    struct config *config = p->config;
    p->config = config_hold(d->config);
    p->configured_ms = clock_wall_ms();
    c->before = p->plan;
    p->plan = d->plan;
    mark_followed(p);
    pthread_mutex_unlock(&p->view);
    config_release(config);
    free(sinks);
    free(inputs);
    free(p->late);
    p->late = d->late;
    p->late_count = d->late_count;
    for (size_t i = 0; i < p->sink_count; i++)
        atomic_store(&p->sinks[i]->out.begun, true);
    uint64_t shutdown_ns = p->config->settings.shutdown_ns;
    c->deadline_ns = clock_after(shutdown_ns);
    uv_update_time(&p->loop);
    uv_timer_start(&c->overdue, overdue, shutdown_ns / CLOCK_MS_NS, 0);
    atomic_store(&c->waiting, p->worker_count);
    c->under_way = true;
    for (unsigned w = 0; w < p->worker_count; w++)
        worker_post(&p->workers[w], &c->takes[w].post);
}

static void *grown(void *array, size_t count, size_t size)
{
    return realloc(array, (count + 1) * size);
}

/* Room for all that a change may leave behind, so that nothing can fail once it has begun. */
static int reserve(struct draft_change *d, struct error *err)
{
    struct engine *p = d->p;
    const struct config *config = d->config;
    size_t sinks = p->sink_count, inputs = p->input_count + config->input_count;
    size_t past = sinks + p->left_count + inputs + p->plan->stages.count;
    void *gone = grown(p->change.gone, sinks, sizeof(struct sink *));
    p->change.gone = gone ? gone : p->change.gone;
    pthread_mutex_lock(&p->view);
    void *left = grown(p->left, p->left_count + inputs, sizeof(struct input *));
    p->left = left ? left : p->left;
    int no_past = bygones_reserve(&p->past, past);
    pthread_mutex_unlock(&p->view);
    if (!p->change.takes)
        p->change.takes = calloc(p->worker_count, sizeof *p->change.takes);
    d->sinks = calloc(config->output_count + 1, sizeof(struct sink *));
    d->kept_sink = calloc(config->output_count + 1, sizeof *d->kept_sink);
    d->inputs = calloc(config->input_count + 1, sizeof(struct input *));
    d->kept_input = calloc(config->input_count + 1, sizeof *d->kept_input);
    if (!left || !gone || no_past || !p->change.takes || !d->sinks || !d->kept_sink || !d->inputs ||
        !d->kept_input)
        return error_set(err, "no memory");
    for (unsigned w = 0; w < p->worker_count; w++)
        p->change.takes[w] = (struct take){.post.call = take_plan, .engine = p};
    d->sink_count = config->output_count;
    d->input_count = config->input_count;
    return 0;
}

static int draft(struct draft_change *d, struct error *err)
{
    struct engine *p = d->p;
    if (reserve(d, err) < 0)
        return -1;
    choose_kept(d);
    if (note_going(d, err) < 0 || open_sinks(d, err) < 0)
        return -1;
    d->plan = engine_make_plan(p, d->config, d->observers, d->sinks, d->sink_count, err);
    return d->plan && open_inputs(d, err) == 0 ? list_late(d, err) : -1;
}

int engine_reload(struct engine *p, struct config *config, const struct engine_observers *observers,
                  struct error *err)
{
    struct draft_change d = {.p = p, .config = config, .observers = observers};
    struct stats *before = p->stats;
    assert(engine_is_main(p));
    if (engine_draining(p))
        return error_set(err, "the program is about to end");
    if (p->change.under_way)
        return error_set(err, "the change before is still under way");
    p->stats = observers->stats;
    int status = draft(&d, err);
    if (status == 0) {
        commit(&d);
    } else {
        p->stats = before;
        undo(&d);
        free(d.sinks);
        free(d.inputs);
        free(d.late);
    }
    config_places_free(d.going);
    free(d.kept_sink);
    free(d.kept_input);
    return status;
}

/* --- and what follows it -------------------------------------------------------------------- */

static void close_gone(struct engine *p)
{
    struct change *c = &p->change;
    for (size_t i = 0; i < c->gone_count; i++)
        sink_drain(c->gone[i]);
    for (size_t i = 0; i < c->gone_count; i++)
        sink_finish(c->gone[i], c->deadline_ns);
    atomic_store(&c->closed, true);
    uv_async_send(&p->wake);
}

static void run_closer(void *arg)
{
    thread_name("closer");
    close_gone(arg);
}

/* Every worker works by the new plan. */
static void all_have_it(struct engine *p)
{
    struct change *c = &p->change;
    struct plan *before = c->before;
    pthread_mutex_lock(&p->view);
    remember_stages(p, &before->stages);
    c->before = NULL;
    pthread_mutex_unlock(&p->view);
    plan_release(before);
    c->closing = true;
    uv_timer_stop(&c->overdue); /* from here on it is the closer that waits */
    atomic_store(&c->closed, false);
    if (c->gone_count == 0 || uv_thread_create(&c->closer, run_closer, p) != 0) {
        close_gone(p);
        c->threaded = false;
    } else {
        c->threaded = true;
        engine_open_late(p); /* inputs that listen, lest servers have to wait, too */
    }
}

/* What it had in its queue. */
static void tell_loss(const struct engine *p, const struct sink *sink)
{
    const struct bygone *past = bygones_find(&p->past, MODULE_OUTPUT, sink->out.name);
    struct ledger sum;
    sink_ledger(sink, &sum);
    uint64_t lost = counter_get(&sum.dropped[DROP_SHUTDOWN]);
    if (lost > 0)
        log_warning("output %s, which the reload has %s, %s: %llu records are dropped (%s)",
                    sink->out.name, past && past->followed ? "changed" : "taken away",
                    atomic_load(&sink->writing) ? "has not written all within shutdown-time"
                                                : "could not be opened",
                    (unsigned long long)lost, drop_reason_name(DROP_SHUTDOWN));
}

/* What went has ended. */
static void all_are_closed(struct engine *p)
{
    struct change *c = &p->change;
    if (c->threaded)
        uv_thread_join(&c->closer);
    pthread_mutex_lock(&p->view);
    for (size_t i = 0; i < c->gone_count; i++)
        remember_sink(p, c->gone[i]);
    size_t count = c->gone_count;
    c->gone_count = 0;
    mark_followed(p);
    pthread_mutex_unlock(&p->view);
    for (size_t i = 0; i < count; i++) {
        tell_loss(p, c->gone[i]);
        sink_free(c->gone[i]);
        free(c->gone[i]);
    }
    c->under_way = c->closing = false;
    engine_open_late(p);
    if (p->host.changed)
        p->host.changed(p->host.arg);
}

void engine_change_on(struct engine *p)
{
    struct change *c = &p->change;
    assert(engine_is_main(p));
    if (c->under_way && !c->closing && atomic_load(&c->waiting) == 0) {
        forget_inputs(p, c->left_before);
        all_have_it(p);
    }
    if (c->under_way && c->closing && atomic_load(&c->closed))
        all_are_closed(p);
}

void engine_change_free(struct engine *p)
{
    for (size_t i = 0; i < p->left_count; i++)
        engine_close_input(p->left[i]);
    free(p->left);
    bygones_free(&p->past);
    free(p->late);
    free(p->change.gone);
    free(p->change.takes);
}
