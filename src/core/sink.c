#include "core/sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int choose_format(struct sink *sink, struct error *err)
{
    struct output *out = &sink->out;
    const char *compat = settings_compat(out->settings);
    const struct module *format = module_find(MODULE_FORMAT, span_str(out->common.format), compat);
    if (!format)
        return error_set(err, "%s: there is no format called %s", out->name, out->common.format);
    out->format = format->hooks;
    out->spec = (struct format_spec){.module = format,
                                     .fields = out->common.fields,
                                     .terminal = out->hooks->terminal && out->hooks->terminal(out),
                                     .raw_lines = out->settings->compat_control == CONTROL_RAW,
                                     .record_max = out->common.record_max};
    return 0;
}

static void closed(void *arg)
{
    const struct sink *sink = arg;
    if (sink->on_closed && !atomic_load(&sink->leaving))
        sink->on_closed(sink->on_closed_arg);
}

static int start_writer(struct sink *sink, void (*on_closed)(void *arg), void *arg,
                        struct error *err)
{
    sink->on_closed = on_closed;
    sink->on_closed_arg = arg;
    if (writer_start(&sink->writer, &sink->out, &sink->queue, &sink->shards[sink->workers].ledger,
                     closed, sink, err) < 0)
        return -1;
    sink->writing = true;
    return 0;
}

/* Without a writer's thread that would do it. */
static void close_output(struct sink *sink)
{
    if (sink->open && sink->out.hooks->close)
        sink->out.hooks->close(&sink->out);
}

static int prepare_queue(struct sink *sink, struct error *err)
{
    if (choose_format(sink, err) < 0)
        return -1;
    if (queue_init(&sink->queue, &sink->out.common) < 0)
        return error_set(err, "%s: no memory for its queue", sink->out.name);
    atomic_store(&sink->ready, true);
    return 0;
}

int sink_prepare(struct sink *sink, struct config *config, const struct config_item *item,
                 const char *name, unsigned workers, struct error *err)
{
    *sink = (struct sink){
        .config = config_hold(config),
        .item = item,
        .workers = workers,
        .out.stats = sink->out.stats,
        .out.settings = &config->settings,
        .out.gives_up = sink->out.gives_up,
        .out.old = sink->out.old,
    };
    struct output *out = &sink->out;
    out->module = item->module;
    out->hooks = item->module->hooks;
    out->options = item->options;
    if (item->common)
        out->common = *(const struct output_common *)item->common;
    snprintf(out->name, sizeof out->name, "%s", name);
    sink->shards = ledger_shards_new((size_t)workers + 1);
    out->state = calloc(1, out->module->state_size + 1); /* never of size 0 */
    if (!sink->shards || !out->state)
        return error_set(err, "%s: no memory", out->name);
    return sink_is_inline(sink) ? 0 : prepare_queue(sink, err);
}

int sink_begin(struct sink *sink, void (*on_closed)(void *arg), void *arg, struct error *err)
{
    struct output *out = &sink->out;
    memset(out->state, 0, out->module->state_size); /* an attempt before has failed */
    if (out->hooks->open && out->hooks->open(out, err) < 0)
        return -1;
    sink->open = true;
    sink->seen = out->hooks->seen && out->hooks->seen(out); /* before its thread writes */
    if (sink_is_inline(sink) || start_writer(sink, on_closed, arg, err) == 0) {
        atomic_store_explicit(&sink->ready, true, memory_order_release);
        return 0;
    }
    close_output(sink);
    sink->open = false;
    return -1;
}

int sink_open(struct sink *sink, struct config *config, const struct config_item *item,
              const char *name, unsigned workers, void (*on_closed)(void *arg), void *arg,
              struct error *err)
{
    if (sink_prepare(sink, config, item, name, workers, err) < 0)
        return -1;
    return sink_begin(sink, on_closed, arg, err);
}

void sink_end_pause(struct sink *sink)
{
    if (sink->writing)
        writer_pause(&sink->writer, false);
}

void sink_reopen(struct sink *sink)
{
    if (sink->writing)
        writer_reopen(&sink->writer);
    else if (sink->open && sink->out.hooks->reopen)
        sink->out.hooks->reopen(&sink->out);
}

void sink_drain(struct sink *sink)
{
    if (sink->writing)
        writer_drain(&sink->writer);
}

void sink_abandon(struct sink *sink)
{
    if (sink->writing)
        writer_abandon(&sink->writer);
    else if (sink->queue.ring) /* shared: two threads may come here */
        counter_add_shared(&sink->shards[sink->workers].ledger.dropped[DROP_SHUTDOWN],
                           queue_abandon(&sink->queue, DROP_SHUTDOWN));
}

void sink_finish(struct sink *sink, uint64_t deadline_ns)
{
    if (sink->writing) {
        writer_finish(&sink->writer, deadline_ns);
        return;
    }
    close_output(sink);
    sink_abandon(sink);
}

void sink_free(struct sink *sink)
{
    if (sink->writing)
        writer_free(&sink->writer);
    queue_free(&sink->queue);
    free(sink->shards);
    free(sink->out.state);
    config_release(sink->config);
    *sink = (struct sink){0};
}

void sink_ledger(const struct sink *sink, struct ledger *sum)
{
    *sum = (struct ledger){0};
    for (size_t i = sink->workers + 1; sink->shards && i-- > 0;)
        ledger_add(sum, &sink->shards[i].ledger);
    ledger_agree(sum);
}

bool sink_has_failed(const struct sink *sink)
{
    struct ledger sum;
    bool stuck = !sink->open || atomic_load(&sink->writer.stuck);
    sink_ledger(sink, &sum);
    if (atomic_load(&sink->writer.closed))
        return false;
    return sink->out.unended || counter_get(&sum.dropped[DROP_WRITE]) > 0 ||
           (stuck && counter_get(&sum.dropped[DROP_SHUTDOWN]) > 0);
}
