#include "core/lane.h"

#include <stdlib.h>

static bool same_spec(const struct format_spec *a, const struct format_spec *b)
{
    if (a->module != b->module || a->terminal != b->terminal || a->raw_lines != b->raw_lines ||
        a->record_max != b->record_max || !a->fields != !b->fields)
        return false;
    return !a->fields || strcmp(a->fields, b->fields) == 0;
}

static struct lane_plan *plan_for(struct lane_plan *plans, size_t *count, struct sink *sink)
{
    for (size_t i = 0; i < *count; i++) {
        if (same_spec(&plans[i].spec, &sink->out.spec))
            return &plans[i];
    }
    plans[*count].spec = sink->out.spec;
    return &plans[(*count)++];
}

int lane_plans_make(struct sink *const *sinks, size_t sink_count, struct lane_plan **plans)
{
    size_t count = 0;
    struct lane_plan *made = calloc(sink_count + 1, sizeof *made);
    for (size_t i = 0; made && i < sink_count; i++) {
        if (!sinks[i]->out.format)
            continue;
        struct lane_plan *plan = plan_for(made, &count, sinks[i]);
        if (!plan->sinks)
            plan->sinks = calloc(sink_count, sizeof(struct sink *));
        if (!plan->sinks) {
            lane_plans_free(made, count);
            return -1;
        }
        plan->sinks[plan->sink_count++] = sinks[i];
    }
    if (!made)
        return -1;
    *plans = made;
    return (int)count;
}

void lane_plans_free(struct lane_plan *plans, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(plans[i].sinks);
    free(plans);
}

int lane_init(struct lane *lane, const struct lane_plan *plan, unsigned worker, struct error *err)
{
    const struct format_hooks *hooks = plan->spec.module->hooks;
    void *state = NULL;
    uint32_t needs = 0;
    if (hooks->open && hooks->open(&plan->spec, &state, &needs, err) < 0)
        return -1;
    *lane = (struct lane){
        .plan = plan, .hooks = hooks, .worker = worker, .needs = needs, .state = state};
    return 0;
}

void lane_free(struct lane *lane)
{
    if (lane->chunk)
        chunk_release(lane->chunk);
    if (lane->hooks && lane->hooks->close)
        lane->hooks->close(lane->state);
    *lane = (struct lane){0};
}

static void drop(struct lane *lane, enum drop_reason reason, uint64_t records)
{
    for (size_t i = 0; i < lane->plan->sink_count; i++)
        counter_add(&lane->plan->sinks[i]->shards[lane->worker].ledger.dropped[reason], records);
}

/* Hands the chunk to the outputs' queues. */
static void publish(struct lane *lane)
{
    struct chunk *chunk = lane->chunk;
    lane->chunk = NULL;
    if (!chunk)
        return;
    for (size_t i = 0; chunk->records > 0 && i < lane->plan->sink_count; i++) {
        struct sink *sink = lane->plan->sinks[i];
        struct queue_loss loss = queue_push(&sink->queue, chunk);
        if (loss.records > 0)
            counter_add(&sink->shards[lane->worker].ledger.dropped[loss.reason], loss.records);
    }
    chunk_release(chunk);
}

/* A record that was cut is one like others, but counted. What was written of it before may have
 * taken much more memory than it needs. */
static void cut(struct lane *lane, struct chunk *chunk)
{
    for (size_t i = 0; i < lane->plan->sink_count; i++)
        counter_add(&lane->plan->sinks[i]->shards[lane->worker].ledger.truncated, 1);
    buf_trim(&chunk->bytes, CHUNK_BYTES + CHUNK_HEADROOM);
}

void lane_event(struct lane *lane, struct event *ev)
{
    if (lane->needs & ev->bad & FACET_DNSTAP) {
        if (!lane->plan->sinks[0]->events_only)
            drop(lane, DROP_MALFORMED, 1);
        return;
    }
    struct chunk *chunk = lane->chunk;
    if (!chunk)
        chunk = lane->chunk = chunk_new();
    if (!chunk) {
        drop(lane, DROP_MEMORY, 1);
        return;
    }
    size_t before = chunk->bytes.len;
    int result = lane->hooks->event(lane->state, ev, &chunk->bytes);
    if (__builtin_expect(result <= 0 && !chunk->bytes.failed, 1)) {
        if (result == FORMAT_CUT)
            cut(lane, chunk);
        chunk_mark(chunk);
        if (chunk_full(chunk))
            publish(lane);
        return;
    }
    drop(lane, chunk->bytes.failed ? DROP_MEMORY : (enum drop_reason)result, 1);
    chunk->bytes.len = before;
    chunk->bytes.failed = false;
}

void lane_flush(struct lane *lane)
{
    publish(lane);
    for (size_t i = 0; i < lane->plan->sink_count; i++)
        queue_wake(&lane->plan->sinks[i]->queue);
}
