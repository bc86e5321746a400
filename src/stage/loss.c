#include "stage/loss.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/roster.h"

/* A stream is silent that has brought nothing for SILENT_LOOKS looks. */
enum { SILENT_LOOKS = 2, LOOK_S = 300 };

static void clear(struct loss_stream *stream)
{
    *stream = (struct loss_stream){0};
    atomic_init(&stream->since_ns, INT64_MAX);
    atomic_init(&stream->forgotten_ns, INT64_MIN);
}

int losses_init(struct losses *losses, unsigned workers)
{
    pthread_mutex_init(&losses->lock, NULL);
    atomic_init(&losses->used, 1);
    losses->workers = workers;
    losses->ticked = calloc(workers, sizeof *losses->ticked);
    for (size_t i = 0; i < LOSS_STREAMS; i++)
        clear(&losses->streams[i]);
    int failed = names_init(&losses->names[0], LOSS_STREAMS - 1);
    failed |= names_init(&losses->names[1], LOSS_STREAMS - 1);
    failed |= siphash_key_random(&losses->key);
    return failed || !losses->ticked ? -1 : 0;
}

void losses_destroy(struct losses *losses)
{
    names_free(&losses->names[0]);
    names_free(&losses->names[1]);
    free(losses->ticked);
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
    unsigned number, current = atomic_load_explicit(&losses->current, memory_order_acquire);
    const struct names *names = &losses->names[current % 2];
    *walk = names_begin(names, name);
    while ((number = names_next(names, walk)) != 0) {
        if (is_named(&losses->streams[number], name))
            break;
    }
    return number;
}

/* Whether a new stream may have a place. With the lock. */
static bool may_add(const struct losses *losses, uint64_t peer)
{
    uint32_t left = LOSS_STREAMS - atomic_load(&losses->used), held = 0;
    if (left == 0 || left > LOSS_RESERVE)
        return left > 0;
    for (unsigned i = 1; i < LOSS_STREAMS; i++)
        held += losses->peers[i] == peer;
    return held < left;
}

/* With the lock. */
static unsigned place(struct losses *losses, struct span name, const struct names_walk *walk,
                      uint64_t peer)
{
    unsigned number = 1;
    while (losses->streams[number].place != LOSS_FREE)
        number++;
    struct loss_stream *stream = &losses->streams[number];
    if (name.len)
        memcpy(stream->name, name.ptr, name.len);
    stream->name_len = (uint8_t)name.len;
    stream->place = LOSS_USED;
    losses->peers[number] = peer;
    atomic_fetch_add(&losses->used, 1);
    names_add(&losses->names[atomic_load(&losses->current) % 2], walk, number);
    return number;
}

static unsigned add(struct losses *losses, struct span name, const struct origin *origin)
{
    struct names_walk walk;
    uint64_t peer = roster_peer(&losses->key, origin);
    pthread_mutex_lock(&losses->lock);
    unsigned number = search(losses, name, &walk);
    if (number == 0 && may_add(losses, peer))
        number = place(losses, name, &walk, peer);
    if (number == 0)
        atomic_store_explicit(&losses->wanted, true, memory_order_relaxed);
    pthread_mutex_unlock(&losses->lock);
    return number;
}

unsigned losses_find(struct losses *losses, struct span identity, const struct origin *make)
{
    struct names_walk walk;
    struct span name = identity;
    if (name.len > LOSS_NAME_MAX)
        name.len = LOSS_NAME_MAX;
    unsigned number = search(losses, name, &walk);
    if (number != 0 || !make)
        return number;
    if (atomic_load_explicit(&losses->used, memory_order_relaxed) < LOSS_STREAMS)
        return add(losses, name, make);
    atomic_store_explicit(&losses->wanted, true, memory_order_relaxed);
    return 0;
}

static void set_time(_Atomic int64_t *time, int64_t ns)
{
    atomic_store_explicit(time, ns, memory_order_relaxed);
}

/* Ids of connections grow. Of two that a stream has at once the older one changes nothing. */
void loss_heard(struct loss_stream *stream, const struct event *ev, int64_t time_ns, uint32_t mark)
{
    uint32_t id = ev->origin ? ev->origin->id : 0;
    if (id > atomic_load_explicit(&stream->newest, memory_order_relaxed)) {
        atomic_store_explicit(&stream->newest, id, memory_order_relaxed);
        set_time(&stream->since_ns, INT64_MAX);
    }
    if (atomic_load_explicit(&stream->heard, memory_order_relaxed) != mark)
        atomic_store_explicit(&stream->heard, mark, memory_order_relaxed);
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
    if (!loss_follows(type) || since_ns == INT64_MAX || (!loss_judges(type) && !met))
        return LOSS_NO_QUERY;
    if (told && (asked_ns > time_ns || time_ns - asked_ns > window_ns))
        return LOSS_NO_QUERY;
    int64_t earliest_ns = told ? asked_ns : time_ns - window_ns;
    if (earliest_ns <= loss_time(&stream->forgotten_ns))
        return LOSS_NO_QUERY;
    return !met || !loss_judges(type) || earliest_ns < since_ns ? LOSS_MAYBE_QUERY : LOSS_QUERY;
}

void loss_unasked(struct loss_stream *stream)
{
    counter_add_shared(&stream->unasked, 1);
}

void loss_unanswered(struct loss_stream *stream, unsigned type, int64_t time_ns)
{
    int64_t matched_ns = loss_time(&stream->matched_ns[type]);
    if (matched_ns == 0 || time_ns < loss_time(&stream->since_ns))
        return;
    if (!loss_judges(type))
        counter_add_shared(&stream->timeouts, 1);
    else if (time_ns <= matched_ns)
        counter_add_shared(&stream->unanswered, 1);
}

void loss_forgotten(struct loss_stream *stream, int64_t time_ns)
{
    set_time(&stream->forgotten_ns, time_ns);
}

/* --- streams that are silent ---------------------------------------------------------------- */

void losses_tick(struct losses *losses, unsigned worker, bool ended)
{
    unsigned current = ended ? UINT_MAX : atomic_load(&losses->current);
    atomic_store(&losses->ticked[worker], current);
}

/* No worker can know places that have been left any more. With the lock. */
static bool forgotten(const struct losses *losses)
{
    for (unsigned i = 0; i < losses->workers; i++) {
        if (atomic_load(&losses->ticked[i]) < atomic_load(&losses->current))
            return false;
    }
    return true;
}

/* Frees the places that have been left; what was counted there stays counted. With the lock. */
static void free_places(struct losses *losses)
{
    for (unsigned i = 1; i < LOSS_STREAMS; i++) {
        struct loss_stream *stream = &losses->streams[i];
        if (stream->place != LOSS_LEAVING)
            continue;
        losses->left.unanswered += counter_get(&stream->unanswered);
        losses->left.unasked += counter_get(&stream->unasked);
        losses->left.timeouts += counter_get(&stream->timeouts);
        clear(stream);
        losses->peers[i] = 0;
        atomic_fetch_sub(&losses->used, 1);
    }
    losses->leaving = false;
}

/* Streams leave that are silent: the other index has the names of those that stay. With the lock.
 */
static void take_out(struct losses *losses)
{
    unsigned next = atomic_load(&losses->current) + 1;
    struct names *names = &losses->names[next % 2];
    names_clear(names);
    for (unsigned i = 1; i < LOSS_STREAMS; i++) {
        struct loss_stream *stream = &losses->streams[i];
        if (stream->place == LOSS_USED && stream->silent < SILENT_LOOKS) {
            struct names_walk walk = names_begin(names, span_of(stream->name, stream->name_len));
            while (names_next(names, &walk) != 0)
                ;
            names_add(names, &walk, i);
        } else if (stream->place == LOSS_USED) {
            stream->place = LOSS_LEAVING;
            losses->leaving = true;
        }
    }
    atomic_store_explicit(&losses->current, next, memory_order_release);
}

static void look(struct losses *losses)
{
    bool silent = false;
    for (unsigned i = 1; i < LOSS_STREAMS; i++) {
        struct loss_stream *stream = &losses->streams[i];
        uint32_t heard = atomic_load(&stream->heard);
        if (heard != stream->looked)
            stream->silent = 0;
        else if (stream->silent < SILENT_LOOKS)
            stream->silent++;
        stream->looked = heard;
        silent |= stream->place == LOSS_USED && stream->silent == SILENT_LOOKS;
    }
    if (silent && atomic_load(&losses->wanted))
        take_out(losses);
    atomic_store(&losses->wanted, false);
}

void losses_age(struct losses *losses, uint64_t heard_ns, uint64_t window_ns)
{
    uint64_t between_ns = LOOK_S * CLOCK_SECOND_NS;
    between_ns = between_ns > 2 * window_ns ? between_ns : 2 * window_ns;
    pthread_mutex_lock(&losses->lock);
    if (losses->leaving && forgotten(losses))
        free_places(losses);
    if (!losses->leaving && heard_ns - losses->looked_ns >= between_ns) {
        losses->looked_ns = heard_ns;
        look(losses);
    }
    pthread_mutex_unlock(&losses->lock);
}

void losses_each(struct losses *losses, void (*take)(void *ctx, const struct stage_loss *loss),
                 void *ctx)
{
    pthread_mutex_lock(&losses->lock);
    for (uint32_t i = 1; i < LOSS_STREAMS; i++) {
        const struct loss_stream *stream = &losses->streams[i];
        if (stream->place == LOSS_FREE)
            continue;
        struct stage_loss loss = {
            .identity = span_of(stream->name, stream->name_len),
            .unanswered = counter_get(&stream->unanswered),
            .unasked = counter_get(&stream->unasked),
            .timeouts = counter_get(&stream->timeouts),
        };
        for (unsigned type = 0; type < LOSS_TYPES; type++)
            loss.judged |= loss_judges(type) && loss_time(&stream->matched_ns[type]) != 0;
        take(ctx, &loss);
    }
    struct stage_loss others = losses->left;
    others.others = true;
    pthread_mutex_unlock(&losses->lock);
    if (others.unanswered || others.unasked || others.timeouts)
        take(ctx, &others);
}
