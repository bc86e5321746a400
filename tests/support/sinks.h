/* Sinks by hand: with a queue that nobody empties but the test, behind a format that writes what
 * the frame says. A program that includes this has that format's modules as its whole registry. */
#ifndef SPILE_TESTS_SINKS_H
#define SPILE_TESTS_SINKS_H

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "core/sink.h"

/* --- the format ----------------------------------------------------------------------------- */

/* Instances that are open. */
static atomic_int echo_instances;

struct echo {
    unsigned records; /* of this instance, so far */
    bool numbers;
};

/* Fields: "bad" is refused; with "identity" the frame must be dnstap, and its identity is written
 * instead; with "number" the instance's count stands before each record. */
static inline int echo_open(const struct format_spec *spec, void **state, uint32_t *needs,
                            struct error *err)
{
    const char *fields = spec->fields ? spec->fields : "";
    struct echo *echo;
    if (strcmp(fields, "bad") == 0)
        return error_set(err, "unknown field 'bad'");
    if (!(echo = calloc(1, sizeof *echo)))
        return error_set(err, "no memory for a format");
    echo->numbers = strcmp(fields, "number") == 0;
    *needs = strcmp(fields, "identity") == 0 ? FACET_DNSTAP : 0;
    *state = echo;
    atomic_fetch_add(&echo_instances, 1);
    return 0;
}

static inline void echo_close(void *state)
{
    free(state);
    atomic_fetch_sub(&echo_instances, 1);
}

/* The frame and a newline. "!3..." is dropped for reason 3 when half of it is written, "~..." is
 * cut, for which much room was wanted at first. */
static inline int echo_event(void *state, struct event *ev, struct buf *out)
{
    struct echo *echo = state;
    const bool decoded = ev->have & ~ev->bad & FACET_DNSTAP;
    const struct span text = decoded ? ev->tap.identity : ev->frame;
    const char first = text.len ? (char)text.ptr[0] : '\0';
    echo->records++;
    if (echo->numbers)
        buf_printf(out, "%u ", echo->records);
    if (first == '~')
        buf_reserve(out, 16 * CHUNK_BYTES);
    buf_put(out, text.ptr, text.len);
    if (first == '!')
        return text.ptr[1] - '0';
    buf_byte(out, '\n');
    return first == '~' ? FORMAT_CUT : FORMAT_WRITTEN;
}

static const struct format_hooks echo_hooks = {
    .open = echo_open, .close = echo_close, .event = echo_event};
static const struct module format_echo = {
    .name = "echo", .kind = MODULE_FORMAT, .hooks = &echo_hooks};
static const struct module format_echo_compat = {
    .name = "echo", .kind = MODULE_FORMAT, .compat = "dnstap-receiver", .hooks = &echo_hooks};
static const struct module format_other = {
    .name = "other", .kind = MODULE_FORMAT, .hooks = &echo_hooks};

const struct module *const registry[] = {&format_echo, &format_echo_compat, &format_other, NULL};

/* --- sinks ---------------------------------------------------------------------------------- */

enum { SINKS_WORKERS = 16, SINKS_QUEUE = 4 << 20 };

/* A queued sink without a writer's thread. To be freed by sink_free. */
static inline void sinks_queued(struct sink *sink, const struct format_spec *spec,
                                enum when_full when_full, size_t queue_bytes)
{
    static const struct output_hooks hooks = {0};
    const struct output_common common = {.when_full = when_full, .queue_bytes = queue_bytes};
    *sink = (struct sink){.workers = SINKS_WORKERS};
    sink->out.hooks = &hooks;
    sink->out.spec = *spec;
    sink->out.format = spec->module->hooks;
    sink->shards = ledger_shards_new(SINKS_WORKERS + 1);
    atomic_store(&sink->ready, true);
    if (!sink->shards || queue_init(&sink->queue, &common) < 0)
        abort();
}

static inline uint64_t sinks_dropped(const struct sink *sink, enum drop_reason reason)
{
    struct ledger sum;
    sink_ledger(sink, &sum);
    return counter_get(&sum.dropped[reason]);
}

/* Takes a chunk off the sink's queue when there is one within that time; appends its bytes to
 * `text`. Returns its records. */
static inline uint32_t sinks_take(struct sink *sink, uint64_t timeout_ns, struct buf *text)
{
    struct chunk *chunk;
    if (queue_pop(&sink->queue, timeout_ns, &chunk) != QUEUE_CHUNK)
        return 0;
    const uint32_t records = chunk->records;
    buf_put(text, chunk->bytes.data, chunk_len(chunk));
    chunk_release(chunk);
    return records;
}

/* All that is queued, as text that is good until the next call. */
static inline const char *sinks_text(struct sink *sink, uint32_t *records)
{
    static char text[1 << 16];
    struct buf bytes = {0};
    uint32_t some;
    for (*records = 0; (some = sinks_take(sink, 0, &bytes)) > 0;)
        *records += some;
    const size_t len = bytes.len < sizeof text ? bytes.len : sizeof text - 1;
    if (len)
        memcpy(text, bytes.data, len);
    text[len] = '\0';
    buf_free(&bytes);
    return text;
}

#endif
