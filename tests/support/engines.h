/*
 * An engine for tests of what brings frames to it: an input that waits for the test to bring them,
 * and an output that keeps those that came through. Both are the whole registry of a program that
 * includes this.
 */
#ifndef SPILE_TESTS_ENGINES_H
#define SPILE_TESTS_ENGINES_H

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "core/input.h"
#include "frame.h"
#include "hold.h"
#include "wire/fstrm.h"

/* --- what is sent --------------------------------------------------------------------------- */

static inline void put_control(struct buf *out, uint32_t type, const char *content_type)
{
    struct fstrm_control control = {.type = type};
    if (content_type)
        control.types[control.type_count++] = span_str(content_type);
    assert_int_equal(fstrm_control_encode(&control, out), 0);
}

static inline void put_start(struct buf *out)
{
    put_control(out, FSTRM_START, FSTRM_DNSTAP_TYPE);
}

/* The data frame of a message that says its number, and `extra` more bytes. */
static inline void put_frame(struct buf *out, unsigned number, size_t extra)
{
    struct dnstap tap = frame_query();
    struct buf message = {0}, more = {0};
    char identity[16];
    snprintf(identity, sizeof identity, "n%u", number);
    tap.identity = span_str(identity);
    if (extra > 0) {
        memset(buf_reserve(&more, extra), (int)('a' + number % 26), extra);
        buf_commit(&more, (char *)more.data + extra);
        tap.extra = buf_span(&more);
        tap.has |= DNSTAP_HAS_EXTRA;
    }
    dnstap_encode(&tap, &message);
    assert_int_equal(fstrm_data_encode(buf_span(&message), out), 0);
    buf_free(&message);
    buf_free(&more);
}

static inline void put_frames(struct buf *out, unsigned first, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        put_frame(out, first + i, 0);
}

/* --- what came through ---------------------------------------------------------------------- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct buf frames; /* as data frames, in the order in which they came */
    size_t count;
} through = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static uint32_t keeper_needs(const struct output *out)
{
    (void)out;
    return FACET_DNSTAP;
}

static int keeper_event(struct output *out, unsigned worker, struct event *ev)
{
    (void)out;
    (void)worker;
    pthread_mutex_lock(&through.lock);
    fstrm_data_encode(ev->frame, &through.frames);
    through.count++;
    pthread_cond_broadcast(&through.changed);
    pthread_mutex_unlock(&through.lock);
    return FORMAT_WRITTEN;
}

static inline size_t count_through(void)
{
    pthread_mutex_lock(&through.lock);
    size_t count = through.count;
    pthread_mutex_unlock(&through.lock);
    return count;
}

/* Returns when so many frames have come through. */
static inline void await_through(size_t count)
{
    pthread_mutex_lock(&through.lock);
    while (through.count < count)
        pthread_cond_wait(&through.changed, &through.lock);
    pthread_mutex_unlock(&through.lock);
}

static inline void forget_through(void)
{
    pthread_mutex_lock(&through.lock);
    buf_free(&through.frames);
    through.count = 0;
    pthread_mutex_unlock(&through.lock);
}

/* Just these data frames have come through, and forgets them. */
static inline void assert_through(struct span frames)
{
    pthread_mutex_lock(&through.lock);
    assert_int_equal(through.frames.len, frames.len);
    if (frames.len > 0)
        assert_memory_equal(through.frames.data, frames.ptr, frames.len);
    pthread_mutex_unlock(&through.lock);
    forget_through();
}

/* --- the engine --------------------------------------------------------------------------- */

static int waiting_open(struct input *in, struct error *err)
{
    (void)in;
    (void)err;
    return 0;
}

static const struct input_hooks waiting_hooks = {.open = waiting_open};
static const struct output_hooks keeper_hooks = {.needs = keeper_needs, .event = keeper_event};
static const struct module input_waiting = {
    .name = "waiting", .kind = MODULE_INPUT, .doc = "Waits for the test.", .hooks = &waiting_hooks};
static const struct module output_keeper = {
    .name = "keeper", .kind = MODULE_OUTPUT, .doc = "Keeps frames.", .hooks = &keeper_hooks};
const struct module *const registry[] = {&input_waiting, &output_keeper, NULL};

struct site {
    struct config config;
    struct engine_options options;
    struct engine *engine;
};

/* With one worker. Settings and options may be changed before site_open. */
static inline void site_init(struct site *site)
{
    struct error err;
    *site = (struct site){0};
    assert_int_equal(config_init(&site->config, &err), 0);
    site->config.settings.threads = 1;
    assert_non_null(config_add(&site->config, MODULE_INPUT, "waiting", &err));
    assert_non_null(config_add(&site->config, MODULE_OUTPUT, "keeper", &err));
    forget_through();
    log_set_level(LOG_ERROR); /* warnings are provoked */
}

static inline void site_open(struct site *site)
{
    struct error err;
    site->engine = engine_new(&site->config, &site->options, &err);
    if (!site->engine)
        fail_msg("%s", err.text);
}

/* Returns when all that is on the workers has ended. */
static inline void site_end(struct site *site)
{
    engine_abort(site->engine);
}

static inline void site_free(struct site *site)
{
    engine_free(site->engine);
    config_free(&site->config);
    forget_through();
}

#endif
