#include "core/worker_state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "core/engine.h"
#include "core/roster.h"

static bool is_own(const struct worker *w)
{
    return pthread_equal(w->own, pthread_self());
}

/* --- posts from other threads --------------------------------------------------------------- */

void worker_post(struct worker *w, struct worker_post *post)
{
    post->next = NULL;
    pthread_mutex_lock(&w->lock);
    *w->posts_tail = post;
    w->posts_tail = &post->next;
    pthread_mutex_unlock(&w->lock);
    uv_async_send(&w->wake);
}

static void begin_item(struct worker *w, struct worker_post *post)
{
    struct worker_item *item =
        (struct worker_item *)((char *)post - offsetof(struct worker_item, post));
    item->prev = NULL;
    item->next = w->items;
    if (item->next)
        item->next->prev = item;
    w->items = item;
    item->begin(item, w);
}

void worker_begin(struct worker *w, struct worker_item *item)
{
    atomic_fetch_add(&w->load, 1);
    if (item->owner)
        atomic_fetch_add(&item->owner->items, 1);
    item->post.call = begin_item;
    worker_post(w, &item->post);
}

void worker_poke(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    atomic_store(&w->poke_wanted, true);
    if (!w->deaf)
        uv_async_send(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

void worker_collect(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    if (w->started && !w->deaf) {
        atomic_store(&w->collect_wanted, true);
        uv_async_send(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
}

/* --- observers ------------------------------------------------------------------------------ */

static void ask_watching(struct worker *w)
{
    w->watching = 0;
    w->seen = w->plan->seen;
    for (size_t i = 0; i < w->plan->observer_count; i++) {
        const struct observer *o = &w->plan->observers[i];
        if (o->active && !o->active(o->state))
            continue;
        w->watching |= UINT32_C(1) << i;
        w->seen |= o->active != NULL;
    }
}

/* Has these observers look at some events that stand one behind the other. */
static void observe_run(struct worker *w, uint32_t observers, struct event *events, size_t count)
{
    for (uint32_t left = observers; left; left &= left - 1) {
        const struct observer *o = &w->plan->observers[__builtin_ctz(left)];
        if (o->events)
            o->events(o->state, w->index, events, count);
        for (size_t i = 0; !o->events && i < count; i++)
            o->event(o->state, w->index, &events[i]);
    }
}

/* The same of the events whose bits are set. */
static void observe(struct worker *w, uint32_t observers, struct event *events, uint32_t batch)
{
    while (observers && batch) {
        unsigned first = (unsigned)__builtin_ctz(batch);
        unsigned count = (unsigned)__builtin_ctz(~(batch >> first));
        observe_run(w, observers, events + first, count);
        batch &= ~(((UINT32_C(1) << count) - 1) << first);
    }
}

static void flush_observers(struct worker *w)
{
    for (size_t i = 0; i < w->plan->observer_count; i++) {
        const struct observer *o = &w->plan->observers[i];
        if (o->flush && w->watching >> i & 1)
            o->flush(o->state, w->index);
    }
}

static void collect(struct worker *w, bool ended)
{
    for (size_t i = 0; i < w->plan->stages.count; i++) {
        const struct running_stage *stage = &w->plan->stages.items[i];
        if (stage->hooks->tick)
            stage->hooks->tick(stage->state, w->index, ended);
    }
    for (size_t i = 0; i < w->plan->observer_count; i++) {
        const struct observer *o = &w->plan->observers[i];
        if (o->collect)
            o->collect(o->state, w->index);
    }
}

/* --- items ---------------------------------------------------------------------------------- */

static void flush_lanes(struct worker *w)
{
    for (size_t i = 0; i < w->plan->lane_count; i++)
        lane_flush(&w->lanes[i]);
    w->unflushed = false;
    w->gather.oldest_ns = 0;
    uv_timer_stop(&w->flush);
}

/* Stages that are not there any more have their last look here. */
static void leave_stages(struct worker *w, const struct stages *next)
{
    for (size_t i = 0; i < w->plan->stages.count; i++) {
        const struct running_stage *stage = &w->plan->stages.items[i];
        if (!stages_have(next, stage) && stage->hooks->tick)
            stage->hooks->tick(stage->state, w->index, true);
    }
}

static bool observes(const struct plan *plan, const void *state)
{
    for (size_t i = 0; i < plan->observer_count; i++) {
        if (plan->observers[i].state == state)
            return true;
    }
    return false;
}

/* Observers likewise. */
static void leave_observers(struct worker *w, const struct plan *next)
{
    for (size_t i = 0; i < w->plan->observer_count; i++) {
        const struct observer *o = &w->plan->observers[i];
        if (o->collect && !observes(next, o->state))
            o->collect(o->state, w->index);
    }
}

void worker_take_plan(struct worker *w, struct plan *plan)
{
    assert(is_own(w));
    struct plan *before = w->plan;
    flush_lanes(w);
    leave_stages(w, &plan->stages);
    leave_observers(w, plan);
    plan_hold(plan);
    w->plan = plan;
    w->lanes = plan->worker_lanes[w->index];
    w->gather.max_ns = plan->config->settings.gather_ns;
    plan_release(before);
}

static void close_handles(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->deaf = true;
    pthread_mutex_unlock(&w->lock);
    uv_close((uv_handle_t *)&w->wake, NULL);
    uv_close((uv_handle_t *)&w->prepare, NULL);
    uv_close((uv_handle_t *)&w->flush, NULL);
    turns_close(&w->turns);
}

static void end_if_idle(struct worker *w)
{
    if (!w->stopping || w->items || uv_is_closing((uv_handle_t *)&w->wake))
        return;
    flush_lanes(w);
    collect(w, true);
    close_handles(w);
}

void worker_detach(struct worker *w, struct worker_item *item)
{
    assert(is_own(w));
    if (item->next)
        item->next->prev = item->prev;
    if (item->prev)
        item->prev->next = item->next;
    else
        w->items = item->next;
    if (item->owner)
        atomic_fetch_sub(&item->owner->items, 1);
    atomic_fetch_sub(&w->load, 1);
    end_if_idle(w);
}

void worker_stop_leaving(struct worker *w)
{
    assert(is_own(w));
    struct worker_item *next;
    for (struct worker_item *item = w->items; item; item = next) {
        next = item->next;
        if (item->owner && atomic_load(&item->owner->leaving))
            item->stop(item);
    }
}

static void stop_items(struct worker *w)
{
    w->stopping = true;
    struct worker_item *next;
    for (struct worker_item *item = w->items; item; item = next) {
        next = item->next;
        item->stop(item);
    }
    end_if_idle(w);
}

static void poke_items(struct worker *w)
{
    struct worker_item *next;
    for (struct worker_item *item = w->items; item; item = next) {
        next = item->next;
        if (item->poke)
            item->poke(item);
    }
}

static void take_posts(uv_async_t *wake)
{
    struct worker *w = wake->data;
    /* First of all: what was posted before the stop is then among those taken below. */
    bool stop = atomic_exchange(&w->stop_wanted, false);
    pthread_mutex_lock(&w->lock);
    struct worker_post *posts = w->posts;
    w->posts = NULL;
    w->posts_tail = &w->posts;
    pthread_mutex_unlock(&w->lock);
    while (posts) {
        struct worker_post *post = posts;
        posts = post->next; /* what it lies in may be gone with the call */
        post->call(w, post);
    }
    if (atomic_exchange(&w->poke_wanted, false))
        poke_items(w);
    if (atomic_exchange(&w->collect_wanted, false))
        collect(w, false);
    if (stop)
        stop_items(w);
}

/* --- events --------------------------------------------------------------------------------- */

static void inline_sinks(struct worker *w, struct event *ev)
{
    for (size_t i = 0; i < w->plan->sink_count; i++) {
        struct sink *sink = w->plan->sinks[i];
        struct ledger_shard *shard = &sink->shards[w->index];
        if (!sink_is_inline(sink) || !shard->counts ||
            (sink->events_only && ev->bad & FACET_DNSTAP))
            continue;
        int result = sink->out.hooks->event(&sink->out, w->index, ev);
        struct ledger *ledger = &shard->ledger;
        counter_add(result == FORMAT_WRITTEN ? &ledger->delivered : &ledger->dropped[result], 1);
    }
}

static void count_malformed(const struct event *ev, struct input_counters *in)
{
    counter_add_shared(&in->malformed, 1);
    if (ev->origin->seat)
        counter_add(&ev->origin->seat->malformed, 1);
}

/* Decodes what is needed of some events, and has stages look ahead. Returns how many of the frames
 * turned out to be no dnstap. */
static size_t prepare(struct worker *w, struct event *events, size_t count)
{
    const struct running_stage *stages = w->plan->stages.items;
    const struct running_stage *end = stages + w->plan->stages.count;
    const uint32_t needs = w->plan->needs;
    size_t malformed = 0;
    for (size_t i = 0; i < count; i++) {
        if (needs && (event_decode_closed(&events[i], needs) & FACET_DNSTAP)) {
            malformed++;
            continue;
        }
        for (const struct running_stage *s = stages; s < end; s++) {
            if (s->hooks->prefetch)
                s->hooks->prefetch(s->state, w->index, &events[i]);
        }
    }
    for (const struct running_stage *s = stages; s < end; s++) {
        for (size_t i = 0; s->hooks->prefetch_more && i < count; i++)
            s->hooks->prefetch_more(s->state, &events[i]);
    }
    return malformed;
}

static void count_received(struct worker *w, size_t count, size_t malformed)
{
    for (size_t i = 0; i < w->plan->sink_count; i++) {
        struct sink *sink = w->plan->sinks[i];
        struct ledger_shard *shard = &sink->shards[w->index];
        if (!shard->counts && !sink_is_ready(sink))
            continue;
        shard->counts = true;
        counter_add(&shard->ledger.received, sink->events_only ? count - malformed : count);
    }
}

/* Outputs have these as received already. */
static void count_filtered(struct worker *w, uint32_t dropped)
{
    for (size_t i = 0; dropped && i < w->plan->sink_count; i++) {
        struct ledger_shard *shard = &w->plan->sinks[i]->shards[w->index];
        if (shard->counts)
            counter_add(&shard->ledger.filtered, (uint64_t)__builtin_popcount(dropped));
    }
}

/* Stages, with those observers between them that stand before the configured ones. Events that are
 * no dnstap go past the stages. Returns the bits of the events that outputs get. */
static uint32_t pass_stages(struct worker *w, struct event *events, uint32_t all, uint32_t sound)
{
    const struct stages *stages = &w->plan->stages;
    uint32_t kept = stages_run(stages->items, stages->implied, w->index, events, sound);
    observe(w, w->watching & w->plan->early, events, kept | (all & ~sound));
    kept = stages_run(stages->items + stages->implied, stages->count - stages->implied, w->index,
                      events, kept);
    count_filtered(w, sound & ~kept);
    return kept | (all & ~sound);
}

static void run_outputs(struct worker *w, struct event *ev)
{
    for (size_t i = 0; i < w->plan->lane_count; i++)
        lane_event(&w->lanes[i], ev);
    if (w->plan->inlined)
        inline_sinks(w, ev);
}

/* Some events take each step together: while what one of them needs comes from memory, others are
 * looked at. */
static void some_events(struct worker *w, struct event *events, size_t count,
                        struct input_counters *in)
{
    const uint32_t all = (UINT32_C(1) << count) - 1;
    uint32_t sound = all;
    size_t malformed = prepare(w, events, count);
    count_received(w, count, malformed);
    for (size_t i = 0; malformed && i < count; i++) {
        if (!(events[i].bad & FACET_DNSTAP))
            continue;
        count_malformed(&events[i], in);
        sound &= ~(UINT32_C(1) << i);
    }
    uint32_t kept = pass_stages(w, events, all, sound);
    observe(w, w->watching & ~w->plan->early, events, kept);
    for (; kept; kept &= kept - 1)
        run_outputs(w, &events[__builtin_ctz(kept)]);
}

/* How many of `count` events may still pass. */
static size_t within_limit(struct worker *w, size_t count)
{
    if (!w->shared->limited)
        return count;
    int64_t left = atomic_fetch_sub(&w->shared->left, (int64_t)count);
    if (left > (int64_t)count)
        return count;
    w->shared->on_limit(w->engine);
    return left > 0 ? (size_t)left : 0;
}

bool worker_frames(struct worker *w, const struct origin *origin, struct input_counters *in,
                   const struct span *frames, size_t count)
{
    struct event events[OBSERVER_EVENTS];
    size_t take = within_limit(w, count);
    ask_watching(w);
    for (size_t i = 0, n; i < take; i += n) {
        n = take - i < OBSERVER_EVENTS ? take - i : OBSERVER_EVENTS;
        for (size_t k = 0; k < n; k++) {
            event_init(&events[k], frames[i + k], origin);
            events[k].key = &w->plan->key;
            events[k].nth = (uint8_t)k;
        }
        some_events(w, events, n, in);
    }
    flush_observers(w);
    counter_add_shared(&in->frames, take);
    w->unflushed |= w->plan->lane_count > 0;
    return take == count;
}

/* --- the loop ------------------------------------------------------------------------------- */

bool worker_late(const struct worker *w)
{
    return atomic_load_explicit(&w->shared->late, memory_order_relaxed);
}

uv_loop_t *worker_loop(struct worker *w)
{
    return &w->loop;
}

struct engine *worker_engine(struct worker *w)
{
    return w->engine;
}

const struct settings *worker_settings(const struct worker *w)
{
    return &w->plan->config->settings;
}

struct turns *worker_turns(struct worker *w)
{
    return &w->turns;
}

uint8_t *worker_buffer(struct worker *w, size_t *size)
{
    *size = WORKER_BUFFER;
    return w->buffer;
}

struct gather *worker_gather(struct worker *w)
{
    return &w->gather;
}

static void flush_due(uv_timer_t *timer)
{
    flush_lanes(timer->data);
}

/* Records wait for others, but not for long: should none come, nothing else would wake the loop. */
static void watch_unflushed(struct worker *w)
{
    if (w->unflushed && !uv_is_active((uv_handle_t *)&w->flush))
        uv_timer_start(&w->flush, flush_due, GATHER_OLD_NS / CLOCK_MS_NS, 0);
}

/* Something was read, and all who had something have been heard. */
static struct gather_step end_round(struct worker *w)
{
    uint64_t now_ns = clock_ns();
    w->gather.more |= w->turns.first != NULL;
    if (now_ns >= w->gather.look_ns)
        gather_look(&w->gather, now_ns, thread_waited(w->waits));
    return gather_round(&w->gather, now_ns, w->seen);
}

static void before_poll(uv_prepare_t *prepare)
{
    struct worker *w = prepare->data;
    struct gather_step step = {0};
    if (w->gather.read && !w->stopping)
        step = end_round(w);
    if (step.hand_over && w->unflushed)
        flush_lanes(w);
    watch_unflushed(w);
    struct timespec rest = clock_timespec(step.rest_ns);
    if (step.rest_ns > 0)
        nanosleep(&rest, NULL);
}

static void run(void *arg)
{
    struct worker *w = arg;
    char name[16];
    snprintf(name, sizeof name, "worker-%u", w->index);
    thread_name(name);
    w->own = pthread_self();
    thread_prompt();                  /* a sender's socket is full within milliseconds */
    prctl(PR_SET_TIMERSLACK, 1000UL); /* the default of 50 µs would lengthen each rest by half */
    w->waits = thread_waits_open();
    uv_run(&w->loop, UV_RUN_DEFAULT);
    if (w->waits >= 0)
        close(w->waits);
    w->shared->on_ended(w->engine);
}

int worker_start(struct worker *w, struct engine *engine, struct worker_shared *shared,
                 struct plan *plan, unsigned index, struct error *err)
{
    *w = (struct worker){.engine = engine,
                         .shared = shared,
                         .plan = plan,
                         .lanes = plan->worker_lanes[index],
                         .index = index};
    plan_hold(plan);
    w->posts_tail = &w->posts;
    pthread_mutex_init(&w->lock, NULL);
    w->gather.max_ns = plan->config->settings.gather_ns;
    w->buffer = malloc(WORKER_BUFFER);
    if (!w->buffer)
        return error_set(err, "no memory for a worker");
    if (uv_loop_init(&w->loop) < 0)
        return error_set(err, "cannot make an event loop");
    w->looped = true;
    uv_async_init(&w->loop, &w->wake, take_posts);
    uv_prepare_init(&w->loop, &w->prepare);
    uv_timer_init(&w->loop, &w->flush);
    turns_init(&w->turns, &w->loop);
    w->wake.data = w->prepare.data = w->flush.data = w;
    uv_prepare_start(&w->prepare, before_poll);
    w->started = uv_thread_create(&w->thread, run, w) == 0;
    if (w->started)
        return 0;
    close_handles(w);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    return error_set(err, "cannot start a worker thread");
}

void worker_stop(struct worker *w)
{
    if (!w->started)
        return;
    atomic_store(&w->stop_wanted, true);
    uv_async_send(&w->wake);
}

void worker_join(struct worker *w)
{
    if (!w->started)
        return;
    uv_thread_join(&w->thread);
    pthread_mutex_lock(&w->lock); /* worker_collect may look */
    w->started = false;
    pthread_mutex_unlock(&w->lock);
}

void worker_free(struct worker *w)
{
    plan_release(w->plan);
    free(w->buffer);
    if (w->looped)
        uv_loop_close(&w->loop);
    if (w->engine)
        pthread_mutex_destroy(&w->lock);
    *w = (struct worker){0};
}
