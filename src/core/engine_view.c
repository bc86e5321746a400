/* A running engine, seen from other threads. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/engine_state.h"

static void look(struct engine *p)
{
    pthread_mutex_lock(&p->view);
}

static void look_away(struct engine *p)
{
    pthread_mutex_unlock(&p->view);
}

void engine_collect(struct engine *p)
{
    for (unsigned i = 0; i < p->worker_count; i++)
        worker_collect(&p->workers[i]);
}

void engine_losses(struct engine *p, void (*take)(void *ctx, const struct stage_loss *loss),
                   void *ctx)
{
    look(p);
    struct plan *plan = p->plan;
    plan_hold(plan);
    look_away(p);
    for (size_t i = 0; i < plan->stages.count; i++) {
        const struct running_stage *stage = &plan->stages.items[i];
        if (stage->hooks->losses)
            stage->hooks->losses(stage->state, take, ctx);
    }
    plan_release(plan);
}

bool engine_quiet(const struct engine *p)
{
    return atomic_load(&p->workers_running) == 0;
}

bool engine_draining(const struct engine *p)
{
    return atomic_load(&p->drain_wanted);
}

bool engine_changing(const struct engine *p)
{
    return p->change.under_way;
}

struct config *engine_config(struct engine *p)
{
    look(p);
    struct config *config = config_hold(p->config);
    look_away(p);
    return config;
}

int64_t engine_configured_ms(struct engine *p)
{
    look(p);
    int64_t since = p->configured_ms;
    look_away(p);
    return since;
}

uint64_t engine_begun_ns(const struct engine *p)
{
    return p->begun_ns;
}

struct roster *engine_roster(struct engine *p)
{
    return &p->roster;
}

bool engine_prints_into(const struct engine *p, const struct stat *file)
{
    struct stat to;
    bool prints = false;
    for (size_t i = 0; i < p->sink_count; i++)
        prints |= output_prints(&p->sinks[i]->out);
    return prints && S_ISREG(file->st_mode) && fstat(STDOUT_FILENO, &to) == 0 &&
           file->st_dev == to.st_dev && file->st_ino == to.st_ino;
}

/* --- inputs --------------------------------------------------------------------------------- */

static void add_past(const struct engine *p, struct engine_input *view)
{
    for (size_t i = 0; i < p->left_count; i++) {
        if (strcmp(p->left[i]->name, view->name) != 0)
            continue;
        input_counters_add(&view->counters, &p->left[i]->counters);
        view->connected += atomic_load(&p->left[i]->owner.items);
    }
    const struct bygone *past = bygones_find(&p->past, MODULE_INPUT, view->name);
    if (past)
        input_counters_add(&view->counters, &past->counters);
}

static void show_input(const struct engine *p, const struct input *in, struct engine_input *view)
{
    *view = (struct engine_input){.module = in->module->name,
                                  .connected = atomic_load(&in->owner.items)};
    _Static_assert(sizeof view->name >= sizeof in->name, "a name fits");
    memcpy(view->name, in->name, sizeof in->name);
    input_counters_add(&view->counters, &in->counters);
    add_past(p, view);
    _Static_assert(sizeof view->place >= INPUT_PLACE_MAX, "a place fits");
    if (in->hooks->place)
        in->hooks->place(in, view->place);
}

bool engine_input(struct engine *p, size_t i, struct engine_input *view)
{
    look(p);
    bool there = i < p->input_count;
    if (there)
        show_input(p, p->inputs[i], view);
    look_away(p);
    return there;
}

static const struct input *find_input(struct input *const *inputs, size_t count, uint32_t index)
{
    for (size_t i = 0; i < count; i++) {
        if (inputs[i]->index == index)
            return inputs[i];
    }
    return NULL;
}

bool engine_input_by_index(struct engine *p, uint32_t index, struct engine_input *view)
{
    look(p);
    const struct input *in = find_input(p->inputs, p->input_count, index);
    if (!in)
        in = find_input(p->left, p->left_count, index);
    if (in)
        show_input(p, in, view);
    look_away(p);
    return in != NULL;
}

bool engine_input_hint(struct engine *p, size_t i, char *text)
{
    look(p);
    struct input *in = i < p->input_count ? p->inputs[i] : NULL;
    if (in)
        atomic_fetch_add(&in->lookers, 1);
    look_away(p);
    if (!in)
        return false;
    /* Which may ask the system for users and groups, and take long. */
    bool told = in->hooks->hint && counter_get(&in->counters.open) > 0 && in->hooks->hint(in, text);
    atomic_fetch_sub(&in->lookers, 1);
    return told;
}

bool engine_input_ledger(struct engine *p, struct ledger *sum)
{
    struct input_counters all = {0};
    look(p);
    for (size_t i = 0; i < p->input_count; i++)
        input_counters_add(&all, &p->inputs[i]->counters);
    for (size_t i = 0; i < p->left_count; i++)
        input_counters_add(&all, &p->left[i]->counters);
    for (size_t i = 0; i < p->past.count; i++)
        input_counters_add(&all, &p->past.items[i].counters);
    bool compat = settings_compat(&p->config->settings);
    look_away(p);
    uint64_t malformed = counter_get(&all.malformed), frames = counter_get(&all.frames);
    *sum = (struct ledger){0};
    counter_set(&sum->received, frames);
    counter_set(&sum->delivered, frames > malformed ? frames - malformed : 0);
    counter_set(&sum->dropped[DROP_MALFORMED], malformed);
    ledger_agree(sum);
    return malformed > 0 && !compat;
}

/* --- stages --------------------------------------------------------------------------------- */

/* What a stage of that name has counted that some worker may still have. */
static void add_before(const struct engine *p, struct stage_view *view)
{
    const struct plan *before = p->change.before;
    for (size_t i = 0; before && i < before->stages.count; i++) {
        const struct running_stage *stage = &before->stages.items[i];
        struct stage_view old;
        if (strcmp(stage->name, view->name) != 0 || stages_have(&p->plan->stages, stage))
            continue;
        stages_view(&before->stages, i, &old);
        view->passed += old.passed;
        view->dropped += old.dropped;
        view->changed += old.changed;
    }
}

bool engine_stage(struct engine *p, size_t i, struct stage_view *view)
{
    look(p);
    bool there = i < p->plan->stages.count;
    if (there)
        stages_view(&p->plan->stages, i, view);
    if (there)
        add_before(p, view);
    const struct bygone *past = there ? bygones_find(&p->past, MODULE_STAGE, view->name) : NULL;
    if (past) {
        view->passed += past->seen - past->dropped;
        view->dropped += past->dropped;
        view->changed += past->changed;
    }
    look_away(p);
    return there;
}

/* --- outputs -------------------------------------------------------------------------------- */

static bool is_at_work(const struct engine *p, const char *name)
{
    bool there = false;
    for (size_t i = 0; i < p->sink_count; i++)
        there |= strcmp(p->sinks[i]->out.name, name) == 0;
    return there;
}

static void add_ledgers(const struct engine *p, const struct sink *sink, struct engine_output *view)
{
    const struct bygone *past = bygones_find(&p->past, MODULE_OUTPUT, view->name);
    if (past)
        ledger_add(&view->ledger, &past->ledger);
    for (size_t i = 0; i < p->change.gone_count; i++) {
        struct ledger sum;
        const struct sink *gone = p->change.gone[i];
        if (gone == sink || strcmp(gone->out.name, view->name) != 0)
            continue;
        sink_ledger(gone, &sum);
        ledger_add(&view->ledger, &sum);
    }
}

static void show_sink(const struct engine *p, struct sink *sink, struct engine_output *view)
{
    const char *path = output_path(&sink->out);
    *view = (struct engine_output){
        .module = sink->out.module->name,
        .format = sink->out.spec.module ? sink->out.spec.module->name : NULL,
        .queued = !sink_is_inline(sink),
        .open = sink_is_inline(sink) ? sink_is_ready(sink) : atomic_load(&sink->writing),
    };
    _Static_assert(sizeof view->name >= sizeof sink->out.name, "a name fits");
    memcpy(view->name, sink->out.name, sizeof sink->out.name);
    snprintf(view->place, sizeof view->place, "%s", path ? path : "");
    sink_ledger(sink, &view->ledger);
    if (p->hurried && !atomic_load(&p->closed)) /* what threads hold that have not ended is lost */
        ledger_settle(&view->ledger);
    if (view->queued) {
        view->queue_limit = sink->out.common.queue_bytes;
        view->queue_bytes = queue_bytes(&sink->queue);
        view->queue_records = ledger_waiting(&view->ledger);
        view->paused = atomic_load(&sink->writing) && atomic_load(&sink->writer.paused);
    }
    add_ledgers(p, sink, view);
}

static void show_past(const struct bygone *past, struct engine_output *view)
{
    *view = (struct engine_output){.module = past->module, .gone = true};
    memcpy(view->name, past->name, sizeof past->name);
    ledger_add(&view->ledger, &past->ledger);
}

/* Of those that end and that no other of their name has followed, the one at *i; or how many fewer
 * are to be passed over. */
static struct sink *ending_at(const struct engine *p, size_t *i)
{
    for (size_t k = 0; k < p->change.gone_count; k++) {
        struct sink *sink = p->change.gone[k];
        if (!is_at_work(p, sink->out.name) && (*i)-- == 0)
            return sink;
    }
    return NULL;
}

/* Of those that are no more, the one at `i`. */
static const struct bygone *past_at(const struct engine *p, size_t i)
{
    for (size_t k = 0; k < p->past.count; k++) {
        const struct bygone *past = &p->past.items[k];
        if (past->kind == MODULE_OUTPUT && !past->followed && i-- == 0)
            return past;
    }
    return NULL;
}

bool engine_output(struct engine *p, size_t i, struct engine_output *view)
{
    look(p);
    bool at_work = i < p->sink_count;
    size_t rest = at_work ? 0 : i - p->sink_count;
    struct sink *sink = at_work ? p->sinks[i] : ending_at(p, &rest);
    const struct bygone *past = sink ? NULL : past_at(p, rest);
    if (sink)
        show_sink(p, sink, view);
    else if (past)
        show_past(past, view);
    if (sink)
        view->gone = !at_work;
    look_away(p);
    return sink || past;
}

/* --- what can be done to it ----------------------------------------------------------------- */

bool engine_dismiss(struct engine *p, uint32_t id)
{
    bool found = roster_dismiss(&p->roster, id);
    for (unsigned i = 0; found && i < p->worker_count; i++)
        worker_poke(&p->workers[i]);
    return found;
}

static enum engine_done act_on(struct engine *p, struct sink *sink, enum engine_act act)
{
    if (act == ENGINE_ROTATES && !sink->out.hooks->rotate)
        return ENGINE_NO_FILE;
    if (sink_is_inline(sink))
        return ENGINE_NO_QUEUE;
    if (engine_draining(p))
        return ENGINE_ENDS;
    if (!sink->writing)
        return ENGINE_NOT_OPEN;
    if (act == ENGINE_ROTATES)
        writer_rotate(&sink->writer);
    else
        writer_pause(&sink->writer, act == ENGINE_PAUSES);
    return ENGINE_ACTS;
}

enum engine_done engine_act(struct engine *p, const char *name, enum engine_act act)
{
    enum engine_done done = ENGINE_NO_OUTPUT;
    look(p);
    for (size_t i = 0; i < p->sink_count && done == ENGINE_NO_OUTPUT; i++) {
        if (strcmp(p->sinks[i]->out.name, name) == 0)
            done = act_on(p, p->sinks[i], act);
    }
    look_away(p);
    return done;
}
