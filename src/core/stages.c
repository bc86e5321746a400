#include "core/stages.h"

#include <stdio.h>
#include <stdlib.h>

/* --- names ---------------------------------------------------------------------------------- */

static const struct option stage_options[] = {CONFIG_NAME_ROW(stage_common, "tenth"), {0}};

/* One that nobody configured is called like its module. */
static int check_name(const struct config *config, const struct config_item *item,
                      const void **wrong, struct error *err)
{
    const char *name = ((const struct stage_common *)item->common)->name;
    const struct module *other =
        name ? module_find(MODULE_STAGE, span_str(name), settings_compat(&config->settings)) : NULL;
    *wrong = &((const struct stage_common *)item->common)->name;
    if (!other || strcmp(other->name, item->module->name) == 0 ||
        !((const struct stage_hooks *)other->hooks)->provides)
        return 0;
    return error_set(err, "name: no other stage may be called %s: that one runs by itself", name);
}

const struct option_group stage_common = {
    .size = sizeof(struct stage_common),
    .options = stage_options,
    .check = check_name,
};

/* --- opening -------------------------------------------------------------------------------- */

/* What a new stage is given, and where it goes. */
struct opening {
    struct stages *stages;
    const struct stages *before;
    struct config *config;
    uint32_t *needs;
};

static struct stage_counts *new_counts(unsigned workers)
{
    size_t size = workers * sizeof(struct stage_counts);
    struct stage_counts *counts = aligned_alloc(_Alignof(struct stage_counts), size);
    if (counts)
        memset(counts, 0, size);
    return counts;
}

static void close_one(struct running_stage *stage)
{
    if (stage->holders && atomic_fetch_sub(stage->holders, 1) != 1)
        return;
    if (stage->holders && stage->hooks->close)
        stage->hooks->close(stage->state);
    free(stage->holders);
    free(stage->counts);
    config_release(stage->config);
}

/* Whether the stage that is at work is what opening one like the other would make. */
static bool is_same(const struct running_stage *at_work, const struct running_stage *like)
{
    const struct stage_hooks *hooks = like->hooks;
    if (at_work->module != like->module || !at_work->item != !like->item ||
        strcmp(at_work->name, like->name) != 0 ||
        ((at_work->wanted ^ like->wanted) & hooks->heeds) != 0)
        return false;
    if (like->item && !config_item_equal(at_work->item, like->item))
        return false;
    return !hooks->suits || hooks->suits(&at_work->config->settings, &like->config->settings);
}

static bool find_same(const struct stages *before, struct running_stage *stage)
{
    for (size_t i = 0; before && i < before->count; i++) {
        if (!is_same(&before->items[i], stage))
            continue;
        *stage = before->items[i];
        atomic_fetch_add(stage->holders, 1);
        return true;
    }
    return false;
}

static int open_new(struct running_stage *stage, unsigned number, unsigned workers,
                    struct error *err)
{
    const struct stage_options given = {.options = stage->item ? stage->item->options : NULL,
                                        .settings = &stage->config->settings,
                                        .number = number,
                                        .workers = workers,
                                        .wanted = stage->wanted};
    config_hold(stage->config);
    stage->counts = new_counts(workers);
    atomic_uint *holders = malloc(sizeof *holders);
    int status = stage->counts && holders ? 0 : error_set(err, "no memory");
    if (status == 0)
        status = stage->hooks->open(&stage->state, &given, &stage->needs, err);
    if (status < 0) {
        free(holders);
        close_one(stage);
        return -1;
    }
    stage->holders = holders;
    atomic_init(holders, 1);
    return 0;
}

/* Opens a stage of that name that stands before those that are open already. */
static int open_first(const struct opening *o, const struct module *module, const char *name,
                      const struct config_item *item, unsigned number, struct error *err)
{
    struct stages *stages = o->stages;
    struct running_stage stage = {.hooks = module->hooks,
                                  .module = module,
                                  .config = o->config,
                                  .item = item,
                                  .wanted = *o->needs};
    snprintf(stage.name, sizeof stage.name, "%s", name);
    if (!find_same(o->before, &stage) && open_new(&stage, number, stages->workers, err) < 0)
        return -1;
    *o->needs = (*o->needs & ~stage.hooks->provides) | stage.needs;
    memmove(stages->items + 1, stages->items, stages->count * sizeof *stages->items);
    stages->items[0] = stage;
    stages->count++;
    return 0;
}

/* How many of the list's first `count` stages are of that module, or variants of it. */
static unsigned listed(const struct config *config, size_t count, const char *name)
{
    unsigned found = 0;
    for (size_t i = 0; i < count; i++)
        found += strcmp(config->stages[i].module->name, name) == 0;
    return found;
}

static const struct module *variant_of(const struct config *config, const char *name)
{
    return module_find(MODULE_STAGE, span_str(name), settings_compat(&config->settings));
}

/* From the last to the first: what one needs, an earlier one may provide. */
static int open_listed(const struct opening *o, struct error *err)
{
    const struct config *config = o->config;
    for (size_t i = config->stage_count; i-- > 0;) {
        const struct config_item *item = &config->stages[i];
        const char *module = item->module->name;
        char name[CONFIG_NAME_MAX + 1];
        config_name(config->stages, i, name);
        if (open_first(o, variant_of(config, module), name, item, listed(config, i + 1, module),
                       err) < 0)
            return config_error_at(item, NULL, err);
    }
    return 0;
}

/* Stages whose facets somebody needs, likewise, from the last of the registry to the first. */
static int open_implied(const struct opening *o, size_t known, struct error *err)
{
    for (size_t i = known; i-- > 0;) {
        const char *name = module_at(MODULE_STAGE, i)->name;
        const struct module *module = variant_of(o->config, name);
        const struct stage_hooks *hooks = module->hooks;
        if (!(*o->needs & hooks->provides) || listed(o->config, o->config->stage_count, name))
            continue;
        if (open_first(o, module, name, NULL, 1, err) < 0)
            return -1;
        o->stages->implied++;
    }
    return 0;
}

int stages_open(struct stages *stages, struct config *config, const struct stages *before,
                unsigned workers, uint32_t *needs, struct error *err)
{
    const struct opening opening = {stages, before, config, needs};
    size_t known = 0;
    while (module_at(MODULE_STAGE, known))
        known++;
    *stages = (struct stages){.workers = workers};
    stages->items = calloc(known + config->stage_count + 1, sizeof *stages->items);
    if (!stages->items)
        return error_set(err, "no memory");
    if (open_listed(&opening, err) < 0 || open_implied(&opening, known, err) < 0)
        return -1;
    *needs = event_closure(*needs);
    return 0;
}

bool stages_have(const struct stages *stages, const struct running_stage *stage)
{
    for (size_t i = 0; i < stages->count; i++) {
        if (stages->items[i].holders == stage->holders)
            return true;
    }
    return false;
}

void stages_close(struct stages *stages)
{
    for (size_t i = 0; i < stages->count; i++)
        close_one(&stages->items[i]);
    free(stages->items);
    *stages = (struct stages){0};
}

/* --- at work -------------------------------------------------------------------------------- */

static uint32_t run_one(const struct running_stage *stage, unsigned worker, struct event *events,
                        uint32_t batch)
{
    uint32_t dropped = 0, changed = 0;
    for (uint32_t left = batch; left; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctz(left);
        enum stage_verdict verdict = stage->hooks->event(stage->state, worker, &events[i]);
        if (__builtin_expect(verdict == STAGE_PASS, 1))
            continue;
        if (verdict == STAGE_CHANGED)
            event_changed(&events[i]);
        *(verdict == STAGE_CHANGED ? &changed : &dropped) |= UINT32_C(1) << i;
    }
    struct stage_counts *counts = &stage->counts[worker];
    counter_add(&counts->seen, (uint64_t)__builtin_popcount(batch));
    if (dropped | changed) {
        counter_add(&counts->dropped, (uint64_t)__builtin_popcount(dropped));
        counter_add(&counts->changed, (uint64_t)__builtin_popcount(changed));
    }
    return batch & ~dropped;
}

uint32_t stages_run(const struct running_stage *stages, size_t count, unsigned worker,
                    struct event *events, uint32_t batch)
{
    for (size_t i = 0; i < count && batch; i++)
        batch = run_one(&stages[i], worker, events, batch);
    return batch;
}

void stages_view(const struct stages *stages, size_t i, struct stage_view *view)
{
    const struct running_stage *stage = &stages->items[i];
    uint64_t seen = 0;
    *view = (struct stage_view){.module = stage->module->name, .implied = i < stages->implied};
    memcpy(view->name, stage->name, sizeof view->name);
    for (unsigned w = 0; w < stages->workers; w++) {
        view->dropped += counter_get(&stage->counts[w].dropped);
        view->changed += counter_get(&stage->counts[w].changed);
        seen += counter_get(&stage->counts[w].seen);
    }
    /* A worker counts what it has seen first, so this is not below what it dropped. */
    view->passed = seen > view->dropped ? seen - view->dropped : 0;
}
