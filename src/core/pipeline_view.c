/* A running pipeline, seen from other threads. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/pipeline_state.h"

void pipeline_collect(struct pipeline *p)
{
    for (unsigned i = 0; i < p->worker_count; i++)
        worker_collect(&p->workers[i]);
}

void pipeline_losses(const struct pipeline *p,
                     void (*take)(void *ctx, const struct stage_loss *loss), void *ctx)
{
    for (size_t i = 0; i < p->plan->stages.count; i++) {
        const struct running_stage *stage = &p->plan->stages.items[i];
        if (stage->hooks->losses)
            stage->hooks->losses(stage->state, take, ctx);
    }
}

bool pipeline_quiet(const struct pipeline *p)
{
    return atomic_load(&p->workers_running) == 0;
}

bool pipeline_draining(const struct pipeline *p)
{
    return atomic_load(&p->drain_wanted);
}

struct roster *pipeline_roster(struct pipeline *p)
{
    return &p->roster;
}

bool pipeline_prints_into(const struct pipeline *p, const struct stat *file)
{
    struct stat to;
    bool prints = false;
    for (size_t i = 0; i < p->sink_count; i++) {
        const struct output *out = &p->sinks[i]->out;
        prints |= out->hooks->prints && out->hooks->prints(out);
    }
    return prints && S_ISREG(file->st_mode) && fstat(STDOUT_FILENO, &to) == 0 &&
           file->st_dev == to.st_dev && file->st_ino == to.st_ino;
}

size_t pipeline_input_count(const struct pipeline *p)
{
    return p->inputs_open;
}

void pipeline_input(const struct pipeline *p, size_t i, struct pipeline_input *view)
{
    const struct input *in = &p->inputs[i];
    *view = (struct pipeline_input){.module = in->module->name, .counters = &in->counters};
    _Static_assert(sizeof view->name >= sizeof in->name, "a name fits");
    memcpy(view->name, in->name, sizeof in->name);
    _Static_assert(sizeof view->place >= INPUT_PLACE_MAX, "a place fits");
    if (in->hooks->place)
        in->hooks->place(in, view->place);
}

bool pipeline_input_hint(const struct pipeline *p, size_t i, char *text)
{
    const struct input *in = &p->inputs[i];
    return in->hooks->hint && counter_get(&in->counters.open) > 0 && in->hooks->hint(in, text);
}

bool pipeline_input_ledger(const struct pipeline *p, struct ledger *sum)
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

size_t pipeline_stage_count(const struct pipeline *p)
{
    return p->plan->stages.count;
}

void pipeline_stage(const struct pipeline *p, size_t i, struct stage_view *view)
{
    stages_view(&p->plan->stages, i, view);
}

size_t pipeline_output_count(const struct pipeline *p)
{
    return p->sink_count;
}

void pipeline_output(const struct pipeline *p, size_t i, struct pipeline_output *view)
{
    struct sink *sink = p->sinks[i];
    *view = (struct pipeline_output){
        .name = sink->out.name,
        .module = sink->out.module->name,
        .format = sink->out.spec.module ? sink->out.spec.module->name : NULL,
        .place = output_path(&sink->out),
        .queued = !sink_is_inline(sink),
    };
    sink_ledger(sink, &view->ledger);
    if (p->hurried && !atomic_load(&p->closed)) /* what threads hold that have not ended is lost */
        ledger_settle(&view->ledger);
    if (!view->queued)
        return;
    view->queue_limit = sink->out.common.queue_bytes;
    view->queue_bytes = queue_bytes(&sink->queue);
    view->queue_records = ledger_waiting(&view->ledger);
}
