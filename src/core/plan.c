#include "core/plan.h"

#include <stdlib.h>

/* --- lanes ---------------------------------------------------------------------------------- */

static int open_lanes_of(struct plan *plan, unsigned worker, struct error *err)
{
    struct lane *lanes = calloc(plan->lane_count + 1, sizeof *lanes);
    if (!lanes)
        return error_set(err, "no memory for a worker");
    plan->worker_lanes[worker] = lanes;
    for (size_t i = 0; i < plan->lane_count; i++) {
        if (lane_init(&lanes[i], &plan->lanes[i], worker, err) < 0)
            return -1;
    }
    return 0;
}

int plan_open_lanes(struct plan *plan, unsigned workers, struct error *err)
{
    plan->worker_lanes = calloc(workers, sizeof *plan->worker_lanes);
    if (!plan->worker_lanes)
        return error_set(err, "no memory");
    plan->workers = workers;
    for (unsigned w = 0; w < workers; w++) {
        if (open_lanes_of(plan, w, err) < 0)
            return -1;
    }
    return 0;
}

void plan_close_lanes(struct plan *plan)
{
    for (unsigned w = 0; plan->worker_lanes && w < plan->workers; w++) {
        for (size_t i = 0; plan->worker_lanes[w] && i < plan->lane_count; i++)
            lane_free(&plan->worker_lanes[w][i]);
        free(plan->worker_lanes[w]);
    }
    free(plan->worker_lanes);
    plan->worker_lanes = NULL;
}

/* --- needs ---------------------------------------------------------------------------------- */

/* The facets that an observer needs of every event. One that looks only now and then (`active`)
 * decodes what it needs itself; but stages remember across events, so they must run all the time.
 */
static uint32_t steady_needs(const struct observer *observer)
{
    return observer->active ? observer->needs & FACETS_OF_STAGES : observer->needs;
}

/* What formats, inline outputs and observers need decoded. */
static void ask_needs(struct plan *plan)
{
    for (size_t i = 0; i < plan->lane_count; i++)
        plan->needs |= plan->worker_lanes[0][i].needs;
    for (size_t i = 0; i < plan->sink_count; i++) {
        const struct sink *sink = plan->sinks[i];
        plan->seen |= sink->seen || !sink->open; /* not known yet */
        plan->inlined |= sink_is_inline(sink);
        if (sink_is_inline(sink))
            plan->needs |= sink->out.hooks->needs(&sink->out);
    }
    for (size_t i = 0; i < plan->observer_count; i++) {
        plan->needs |= steady_needs(&plan->observers[i]);
        plan->early |= (uint32_t)plan->observers[i].early << i;
    }
}

/* Of a sink that is at work already it is as it was. */
static void take_events_only(struct sink *sink, bool only)
{
    if (sink->events_only != only)
        sink->events_only = only;
}

/* The formats of --compat leave out many dnstap messages and count them as the output's loss, so
 * with them a frame that is no dnstap message counts there, too. */
static void choose_frames(struct plan *plan)
{
    bool compat = settings_compat(&plan->config->settings);
    for (size_t i = 0; i < plan->sink_count; i++) {
        if (sink_is_inline(plan->sinks[i]))
            take_events_only(plan->sinks[i], !compat);
    }
    for (size_t i = 0; i < plan->lane_count; i++) {
        bool events = !compat && plan->worker_lanes[0][i].needs & FACET_DNSTAP;
        for (size_t s = 0; s < plan->lanes[i].sink_count; s++)
            take_events_only(plan->lanes[i].sinks[s], events);
    }
}

/* -------------------------------------------------------------------------------------------- */

static int fill(struct plan *plan, struct sink *const *sinks, const struct plan *before,
                struct error *err)
{
    memcpy(plan->sinks, sinks, plan->sink_count * sizeof(struct sink *));
    int lanes = lane_plans_make(plan->sinks, plan->sink_count, &plan->lanes);
    if (lanes < 0)
        return error_set(err, "no memory");
    plan->lane_count = (size_t)lanes;
    if (plan_open_lanes(plan, plan->workers, err) < 0)
        return -1;
    ask_needs(plan);
    choose_frames(plan);
    return stages_open(&plan->stages, plan->config, before ? &before->stages : NULL, plan->workers,
                       &plan->needs, err);
}

struct plan *plan_new(const struct plan_options *options, struct config *config,
                      struct sink *const *sinks, size_t sink_count, const struct plan *before,
                      struct error *err)
{
    struct plan *plan = calloc(1, sizeof *plan);
    struct sink **list = calloc(sink_count + 1, sizeof *list);
    struct observer *observers = calloc(options->observer_count + 1, sizeof *observers);
    if (!plan || !list || !observers) {
        free(plan);
        free(list);
        free(observers);
        error_set(err, "no memory");
        return NULL;
    }
    for (size_t i = 0; i < options->observer_count; i++)
        observers[i] = options->observers[i];
    *plan = (struct plan){
        .config = config_hold(config),
        .sinks = list,
        .sink_count = sink_count,
        .workers = options->workers,
        .observers = observers,
        .observer_count = options->observer_count,
        .key = options->key,
    };
    atomic_store(&plan->references, 1);
    if (fill(plan, sinks, before, err) == 0)
        return plan;
    plan_release(plan);
    return NULL;
}

void plan_hold(struct plan *plan)
{
    atomic_fetch_add(&plan->references, 1);
}

void plan_release(struct plan *plan)
{
    if (!plan || atomic_fetch_sub(&plan->references, 1) != 1)
        return;
    plan_close_lanes(plan);
    lane_plans_free(plan->lanes, plan->lane_count);
    stages_close(&plan->stages);
    config_release(plan->config);
    free(plan->sinks);
    free(plan->observers);
    free(plan);
}
