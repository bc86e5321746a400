/*
 * What could not be opened while the configuration was drafted that has it: an output or an input
 * in whose way one was that has gone now, and inputs that end by themselves, for their beginning
 * cannot be undone. What cannot be opened is told, once for each reason, and tried again; but for
 * an input that ends by itself, which has then ended.
 */
#include <assert.h>

#include "base/log.h"
#include "core/engine_state.h"

enum { AGAIN_MS = 1000 };

static void try_again(uv_timer_t *timer)
{
    struct engine *p = timer->data;
    if (!p->draining)
        engine_open_late(p);
}

static bool tell_trouble(struct late *late, const char *name, const struct error *why)
{
    if (strcmp(late->why.text, why->text) != 0)
        log_error("%s: %s; trying again", name, why->text);
    late->why = *why;
    return false;
}

static bool tell_end_of_trouble(const struct late *late, const char *name)
{
    if (late->why.text[0])
        log_info("%s: opened, now that it can be", name);
    return true;
}

static bool open_output(struct engine *p, struct late *late)
{
    struct error err = {0};
    if (sink_begin(late->sink, engine_output_ended, p, &err) < 0)
        return tell_trouble(late, late->sink->out.name, &err);
    return tell_end_of_trouble(late, late->sink->out.name);
}

static bool give_up(struct engine *p, const char *name, const struct error *why)
{
    log_error("%s: %s; going on without it", name, why->text);
    engine_input_ended(p, true);
    return true;
}

static bool open_input(struct engine *p, struct late *late)
{
    char name[CONFIG_NAME_MAX + 1];
    struct error err = {0};
    const struct config_item *item = &p->config->inputs[late->input];
    config_name(p->config->inputs, late->input, name);
    struct input *in = engine_open_input(p, p->config, item, name, &err);
    if (!in)
        return input_is_finite(item) ? give_up(p, name, &err) : tell_trouble(late, name, &err);
    pthread_mutex_lock(&p->view);
    p->inputs[p->input_count++] = in;
    pthread_mutex_unlock(&p->view);
    return tell_end_of_trouble(late, name);
}

/* An input that listens has to wait for others that do so alone, which end at once. */
static bool has_to_wait(const struct engine *p, const struct late *late)
{
    const struct change *c = &p->change;
    bool listens = !late->sink && !input_is_finite(&p->config->inputs[late->input]);
    return late->follows && c->under_way && !(listens && c->closing);
}

/* True when it is not to be tried any more. */
static bool try_one(struct engine *p, struct late *late)
{
    if (has_to_wait(p, late))
        return false;
    late->follows = false;
    return late->sink ? open_output(p, late) : open_input(p, late);
}

void engine_open_late(struct engine *p)
{
    size_t left = 0;
    assert(engine_is_main(p));
    for (size_t i = 0; i < p->late_count; i++) {
        if (!try_one(p, &p->late[i]))
            p->late[left++] = p->late[i];
    }
    p->late_count = left;
    if (left > 0 && !p->draining)
        uv_timer_start(&p->late_again, try_again, AGAIN_MS, 0);
}
