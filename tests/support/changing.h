/* An engine whose configuration changes, made of tests/support/parts.h. */
#ifndef SPILE_TESTS_CHANGING_H
#define SPILE_TESTS_CHANGING_H

#include "base/log.h"
#include "conf/config.h"
#include "core/engine_state.h"
#include "frame.h"
#include "hold.h"
#include "parts.h"

#define HEAD "threads: 2\ninputs: [listens]\noutputs:\n"

static const struct engine_observers nobody;

struct bench {
    struct engine *engine;
    bool changed; /* since the last reload */
};

static inline void changed(void *arg)
{
    ((struct bench *)arg)->changed = true;
}

static inline struct config *config_of(const char *text)
{
    struct error err;
    struct config *config = config_new(&err);
    assert_non_null(config);
    if (config_parse(config, text, strlen(text), "f", &err) < 0 ||
        config_validate(config, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    return config;
}

static inline void start(struct bench *b, const char *text)
{
    struct error err;
    const struct engine_host host = {.arg = b, .changed = changed};
    const struct engine_options options = {.host = &host};
    struct config *config = config_of(text);
    *b = (struct bench){0};
    parts_init();
    log_set_level(LOG_ERROR);
    b->engine = engine_new(config, &options, &err);
    if (!b->engine)
        fail_msg("%s", err.text);
    config_release(config); /* the engine holds it */
}

static inline void end(struct bench *b)
{
    engine_abort(b->engine);
    engine_free(b->engine);
}

static inline void finish(struct bench *b)
{
    while (!b->changed)
        uv_run(engine_loop(b->engine), UV_RUN_ONCE);
}

static inline void reload_for(struct bench *b, const char *text,
                              const struct engine_observers *observers)
{
    struct error err;
    struct config *config = config_of(text);
    b->changed = false;
    if (engine_reload(b->engine, config, observers, &err) < 0)
        fail_msg("%s", err.text);
    config_release(config);
    finish(b);
}

static inline void reload(struct bench *b, const char *text)
{
    reload_for(b, text, &nobody);
}

static inline void refuse(struct bench *b, const char *text, const char *why)
{
    struct error err;
    struct config *config = config_of(text);
    assert_int_equal(engine_reload(b->engine, config, &nobody, &err), -1);
    assert_non_null(strstr(err.text, why));
    config_release(config);
}

/* Frames that come by an input with these counters. */
static inline void bring_by(struct bench *b, struct input_counters *counters, unsigned count)
{
    static const struct origin origin = {.peer = "test"};
    struct dnstap tap = frame_query();
    struct buf message = {0};
    dnstap_encode(&tap, &message);
    struct span frame = buf_span(&message);
    struct hold *hold = hold_worker(engine_pick_worker(b->engine));
    for (; count > 0; count--)
        worker_frames(hold->worker, &origin, counters, &frame, 1);
    hold_release(hold);
    buf_free(&message);
}

static inline void bring(struct bench *b, unsigned count)
{
    static struct input_counters somewhere;
    bring_by(b, &somewhere, count);
}

static inline uint64_t received_by(struct bench *b, const char *name, bool gone)
{
    struct engine_output view;
    for (size_t i = 0; engine_output(b->engine, i, &view); i++) {
        if (strcmp(view.name, name) != 0)
            continue;
        assert_int_equal(view.gone, gone);
        return counter_get(&view.ledger.received);
    }
    fail_msg("no output is called %s", name);
    return 0;
}

#endif
