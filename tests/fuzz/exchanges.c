/* Frames one behind the other, each behind two bytes of its length, through the latency stages, as
 * workers give them in batches. A latency is within the window, and what is said of losses is
 * sound. */
#include <assert.h>
#include <stdlib.h>

#include "../support/stages.h"
#include "base/cursor.h"
#include "fuzz.h"

extern const struct module stage_latency;

enum { BATCH = 8, WINDOW_S = 5 };

/* What one batch is made of. */
struct batch {
    struct event events[BATCH];
    size_t count;
};

static void check_loss(void *ctx, const struct stage_loss *loss)
{
    size_t *streams = ctx;
    assert(loss->identity.len == 0 || loss->identity.ptr);
    assert(loss->unanswered < UINT32_MAX && loss->unasked < UINT32_MAX);
    ++*streams;
}

static void run(const struct stage_hooks *stage, void *state, struct batch *batch)
{
    for (size_t i = 0; i < batch->count && stage->prefetch; i++)
        stage->prefetch(state, 0, &batch->events[i]);
    for (size_t i = 0; i < batch->count && stage->prefetch_more; i++)
        stage->prefetch_more(state, &batch->events[i]);
    for (size_t i = 0; i < batch->count; i++) {
        struct event *ev = &batch->events[i];
        stage->event(state, 0, ev);
        assert(!ev->has_latency ||
               (ev->latency_ns >= 0 && ev->latency_ns <= WINDOW_S * INT64_C(1000000000)));
        assert(!ev->has_latency || ev->left_out == LEFT_OUT_NOT);
    }
    batch->count = 0;
}

static void take(struct batch *batch, struct span frame, const struct origin *origin)
{
    struct event *ev = &batch->events[batch->count];
    static const struct siphash_key key = {{1, 2}};
    event_init(ev, frame, origin);
    ev->key = &key;
    if (event_need(ev, FACET_DNSTAP) == 0) { /* others reach no stage */
        event_need(ev, stage_alone_needs);
        batch->count++;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const struct settings settings = {.latency_entries = 64,
                                      .latency_window_ns = WINDOW_S * UINT64_C(1000000000)};
    const struct stage_hooks *stage = stage_latency.hooks;
    struct origin origins[2] = {{.peer = "a", .id = 1}, {.peer = "b", .id = 2}};
    struct batch batch = {.count = 0};
    struct error err;
    void *state;
    size_t streams = 0;
    struct cursor c = cursor_of(span_of(bytes, len));
    int opened = stage_open_alone(stage, &state, &settings, 1, &err);
    assert(opened == 0);
    while (cursor_left(&c) > 2) {
        uint16_t word = cursor_be16(&c);
        size_t left = cursor_left(&c), size = (word & 0x3fff) < left ? word & 0x3fff : left;
        take(&batch, cursor_take(&c, size), &origins[word >> 15]);
        if (batch.count == BATCH || word & 0x4000)
            run(stage, state, &batch);
        if (word & 0x4000 && stage->tick)
            stage->tick(state, 0, false);
    }
    run(stage, state, &batch);
    if (stage->tick)
        stage->tick(state, 0, true);
    if (stage->losses)
        stage->losses(state, check_loss, &streams);
    stage->close(state);
    return 0;
}
