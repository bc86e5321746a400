#include "stage/loss.h"

#include <string.h>

int losses_init(struct losses *losses)
{
    pthread_mutex_init(&losses->lock, NULL);
    atomic_init(&losses->count, 1);
    for (size_t i = 0; i < LOSS_STREAMS; i++) {
        atomic_init(&losses->streams[i].since_ns, INT64_MAX);
        atomic_init(&losses->streams[i].forgotten_ns, INT64_MIN);
    }
    return names_init(&losses->names, LOSS_STREAMS - 1);
}

void losses_destroy(struct losses *losses)
{
    names_free(&losses->names);
    pthread_mutex_destroy(&losses->lock);
}

static bool is_named(const struct loss_stream *stream, struct span name)
{
    return stream->name_len == name.len &&
           (name.len == 0 || memcmp(stream->name, name.ptr, name.len) == 0);
}

/* Inline: it is done for every event. */
static inline __attribute__((always_inline)) unsigned search(const struct losses *losses,
                                                             struct span name,
                                                             struct names_walk *walk)
{
    unsigned number;
    *walk = names_begin(&losses->names, name);
    while ((number = names_next(&losses->names, walk)) != 0) {
        if (is_named(&losses->streams[number], name))
            break;
    }
    return number;
}

static unsigned add(struct losses *losses, struct span name)
{
    struct names_walk walk;
    pthread_mutex_lock(&losses->lock);
    unsigned number = search(losses, name, &walk);
    uint32_t count = atomic_load_explicit(&losses->count, memory_order_relaxed);
    if (number == 0 && count < LOSS_STREAMS) {
        struct loss_stream *stream = &losses->streams[count];
        if (name.len)
            memcpy(stream->name, name.ptr, name.len);
        stream->name_len = (uint8_t)name.len;
        number = count;
        atomic_store_explicit(&losses->count, count + 1, memory_order_release);
        names_add(&losses->names, &walk, number);
    }
    pthread_mutex_unlock(&losses->lock);
    return number;
}

unsigned losses_find(struct losses *losses, struct span identity, bool make)
{
    struct names_walk walk;
    struct span name = identity;
    if (name.len > LOSS_NAME_MAX)
        name.len = LOSS_NAME_MAX;
    unsigned number = search(losses, name, &walk);
    if (number == 0 && make &&
        atomic_load_explicit(&losses->count, memory_order_relaxed) < LOSS_STREAMS)
        number = add(losses, name);
    return number;
}

static void set_time(_Atomic int64_t *time, int64_t ns)
{
    atomic_store_explicit(time, ns, memory_order_relaxed);
}

/* Ids of connections grow. Of two that a stream has at once the older one changes nothing. */
void loss_heard(struct loss_stream *stream, const struct event *ev, int64_t time_ns)
{
    uint32_t id = ev->origin ? ev->origin->id : 0;
    if (id > atomic_load_explicit(&stream->newest, memory_order_relaxed)) {
        atomic_store_explicit(&stream->newest, id, memory_order_relaxed);
        set_time(&stream->since_ns, INT64_MAX);
    }
    set_time(&stream->clock_ns, time_ns);
    if (dnstap_is_query(&ev->tap) && time_ns < loss_time(&stream->since_ns))
        set_time(&stream->since_ns, time_ns);
}

void loss_matched(struct loss_stream *stream, unsigned query_type, unsigned response_type,
                  int64_t time_ns)
{
    set_time(&stream->matched_ns[query_type], time_ns);
    set_time(&stream->matched_ns[response_type], time_ns);
}

enum loss_hope loss_hope(const struct loss_stream *stream, unsigned type, int64_t time_ns,
                         int64_t asked_ns, int64_t window_ns)
{
    int64_t since_ns = loss_time(&stream->since_ns);
    bool told = asked_ns != INT64_MIN;
    bool met = loss_time(&stream->matched_ns[type]) != 0;
    if (!loss_judges(type) || since_ns == INT64_MAX)
        return LOSS_NO_QUERY;
    if (told && (asked_ns > time_ns || time_ns - asked_ns > window_ns))
        return LOSS_NO_QUERY;
    int64_t earliest_ns = told ? asked_ns : time_ns - window_ns;
    if (earliest_ns <= loss_time(&stream->forgotten_ns))
        return LOSS_NO_QUERY;
    return !met || earliest_ns < since_ns ? LOSS_MAYBE_QUERY : LOSS_QUERY;
}

void loss_unasked(struct loss_stream *stream)
{
    counter_add_shared(&stream->unasked, 1);
}

void loss_unanswered(struct loss_stream *stream, unsigned type, int64_t time_ns)
{
    if (!loss_judges(type) || time_ns < loss_time(&stream->since_ns) ||
        time_ns > loss_time(&stream->matched_ns[type]))
        return;
    counter_add_shared(&stream->unanswered, 1);
}

void loss_forgotten(struct loss_stream *stream, int64_t time_ns)
{
    set_time(&stream->forgotten_ns, time_ns);
}

void losses_each(const struct losses *losses,
                 void (*take)(void *ctx, const struct stage_loss *loss), void *ctx)
{
    uint32_t count = atomic_load_explicit(&losses->count, memory_order_acquire);
    for (uint32_t i = 1; i < count; i++) {
        const struct loss_stream *stream = &losses->streams[i];
        struct stage_loss loss = {
            .identity = span_of(stream->name, stream->name_len),
            .unanswered = counter_get(&stream->unanswered),
            .unasked = counter_get(&stream->unasked),
        };
        for (unsigned type = 0; type < LOSS_TYPES; type++)
            loss.judged |= loss_judges(type) && loss_time(&stream->matched_ns[type]) != 0;
        take(ctx, &loss);
    }
}
