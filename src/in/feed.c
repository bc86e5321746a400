#include "in/feed.h"

#include "core/engine.h"

enum { FRAMES_AT_ONCE = 64 };

void feed_init(struct feed *feed, struct worker *worker, struct input_counters *counters,
               const struct accounts *peer)
{
    struct engine *engine = worker_engine(worker);
    uint64_t frame_max = worker_settings(worker)->frame_max;
    *feed = (struct feed){0};
    handover_init(&feed->to, worker, counters);
    fstrm_rx_init(&feed->rx, span_str(FSTRM_DNSTAP_TYPE), (uint32_t)frame_max, true);
    partial_init(&feed->partial, engine_partials(engine), worker, peer);
}

void feed_destroy(struct feed *feed)
{
    handover_end(&feed->to);
    partial_destroy(&feed->partial);
}

/*
 * A cut frame that the read buffer can hold goes in front of what is read next: one copy. A larger
 * one is read straight into the partial, which grows with what has come, not with what the length
 * word claims.
 */
uint8_t *feed_space(struct feed *feed, size_t *size)
{
    struct partial *partial = &feed->partial;
    size_t buffer_size;
    uint8_t *buffer = worker_buffer(feed->to.worker, &buffer_size);
    feed->reading_partial = partial->len > buffer_size / 2;
    if (!feed->reading_partial) {
        if (atomic_load_explicit(&partial->evicted, memory_order_relaxed))
            return NULL;
        if (partial->len > 0)
            memcpy(buffer, partial->data, partial->len);
        *size = buffer_size - partial->len;
        return buffer + partial->len;
    }
    if (partial_reserve(partial, partial->len + partial->len / 2) < 0)
        return NULL;
    *size = partial->cap - partial->len;
    return partial->data + partial->len;
}

/* All whole frames of `in`; *used gets how many bytes they took. */
static int take_frames(struct feed *feed, struct span in, size_t *used)
{
    struct span frames[FRAMES_AT_ONCE];
    *used = 0;
    for (;;) {
        size_t count = 0, took = 0;
        struct span rest = span_of(in.ptr + *used, in.len - *used);
        int status = fstrm_rx_feed(&feed->rx, rest, frames, FRAMES_AT_ONCE, &count, &took);
        *used += took;
        if (count > 0)
            handover_frames(&feed->to, frames, count);
        if (feed->rx.reply_len > 0 && feed->reply) {
            struct span reply = span_of(feed->rx.reply, feed->rx.reply_len);
            feed->rx.reply_len = 0;
            if (feed->reply(feed, reply) < 0)
                return FEED_REPLY_FAILED;
        }
        if (status < 0 || feed->to.enough || took == 0)
            return status;
    }
}

int feed_bytes(struct feed *feed, size_t len)
{
    struct partial *partial = &feed->partial;
    size_t buffer_size, used;
    struct span in = span_of(worker_buffer(feed->to.worker, &buffer_size), partial->len + len);
    if (feed->reading_partial)
        in.ptr = partial->data;
    handover_bytes(&feed->to, len);
    int status = take_frames(feed, in, &used);
    if (status < 0)
        return status;
    struct span left = span_of(in.ptr + used, in.len - used);
    return partial_set(partial, left) < 0 ? FEED_NO_MEMORY : status;
}

enum fstrm_status feed_end(const struct feed *feed)
{
    return fstrm_rx_end(&feed->rx, feed->partial.len);
}

const char *feed_status_text(int status)
{
    if (status == FEED_NO_MEMORY)
        return "no memory left for cut frames (partial-max)";
    if (status == FEED_REPLY_FAILED)
        return "the peer does not take our answer";
    return fstrm_status_text(status);
}
