/* Merges what a shard holds into the streams' counters and the tables. */
#include "stats/state.h"

#include <math.h>
#include <stdlib.h>

#include "core/pipeline.h"
#include "core/stage.h"

/* Entries merged before readers of the tables get their turn: about a tenth of a millisecond. */
enum { MERGE_AT_ONCE = 256 };

/* The listed stream of that name; NULL: there is none, and `walk` says where it belongs. */
static struct stream_state *find_known(const struct stats *stats, struct span name,
                                       struct names_walk *walk)
{
    uint32_t number;
    *walk = names_begin(&stats->names, name);
    while ((number = names_next(&stats->names, walk)) != 0) {
        struct stream_state *s = &stats->streams[number - 1];
        if (span_equal(span_of(s->name, s->name_len), name))
            return s;
    }
    return NULL;
}

/* The statistics' number of a shard's stream; a new one is listed if there is room. */
static unsigned find_stream(struct stats *stats, struct span name)
{
    struct names_walk walk;
    const struct stream_state *known = find_known(stats, name, &walk);
    if (known)
        return (unsigned)(known - stats->streams);
    if (stats->stream_count == stats->settings.streams)
        return (unsigned)stats->settings.streams;
    struct stream_state *s = &stats->streams[stats->stream_count++];
    memcpy(s->name, name.ptr, name.len);
    s->name[name.len] = '\0';
    s->name_len = name.len;
    names_add(&stats->names, &walk, (uint32_t)stats->stream_count);
    return (unsigned)stats->stream_count - 1;
}

/* --- counters ------------------------------------------------------------------------------- */

/* True when half of the stream's latencies or more are below a tick of its clock. */
static bool is_coarse(const struct stream_state *s)
{
    uint64_t tick_ns = tick_estimate(&s->tick);
    uint64_t timed = quantile_total(s->counters.latency);
    return timed > 0 && tick_ns > (uint64_t)quantile_of(s->counters.latency, timed, 0.5);
}

/* Seconds from one moment to another; negative when it is the earlier one. */
static double seconds_between(uint64_t from_ns, uint64_t to_ns)
{
    return to_ns >= from_ns ? (double)(to_ns - from_ns) / CLOCK_SECOND_NS
                            : -(double)(from_ns - to_ns) / CLOCK_SECOND_NS;
}

/* What comes in one second is judged by what is nearest to now of it: neither a recording beside it
 * nor a clock that is wrong hides that a stream, or one of all, is alive. */
static void merge_times(const struct stats *stats, struct stream_state *s,
                        const struct shard_stream *from)
{
    uint64_t first, last;
    if (!times_span(&from->times, &first, &last))
        return;
    times_merge(&s->times, &from->times);
    double age = seconds_between(last, from->arrived_ns);
    if (s->aged == stats->ticks + 1 && fabs(s->age) <= fabs(age))
        return;
    s->aged = stats->ticks + 1;
    s->age = age;
}

static void merge_stream(struct stats *stats, unsigned number, const struct stats_counters *from,
                         const struct shard_stream *stream)
{
    struct stream_state *s = &stats->streams[number], *total = stats_total(stats);
    int64_t now = clock_wall_ms();
    stats_counters_add(&s->counters, from);
    stats_counters_add(&total->counters, from);
    tick_add(&s->tick, &stream->tick);
    s->apart = s->apart || is_coarse(s);
    merge_times(stats, s, stream);
    merge_times(stats, total, stream);
    s->origin = stream->origin;
    s->last_side = total->last_side = stream->last_side;
    s->last_seen_ms = total->last_seen_ms = now;
    if (s->first_seen_ms == 0)
        s->first_seen_ms = now;
    if (total->first_seen_ms == 0)
        total->first_seen_ms = now;
}

/* Adds the keys that the tables will not see to the sketches: of all streams, and of the one stream
 * if there is no other, for else nobody knows whose they are. */
static void merge_missed(struct stats *stats, const struct shard *shard, const uint16_t *numbers)
{
    bool alone = shard->stream_count == 1 && !shard->other_used;
    for (int d = 0; d < STATS_DISTINCTS; d++) {
        const struct hll *missed = &shard->missed[d];
        hll_merge(&stats_total(stats)->distinct->sketch[d], missed);
        if (alone)
            hll_merge(&stats->streams[numbers[0]].distinct->sketch[d], missed);
        if (stats->window && d < WINDOW_DISTINCTS)
            hll_merge(&stats->window->distinct[d], missed);
    }
}

/* Which of the statistics' streams the shard's are. */
static void merge_counters(struct stats *stats, const struct shard *shard, uint16_t *numbers)
{
    for (uint32_t i = 0; i < shard->stream_count; i++) {
        const struct shard_stream *stream = &shard->streams[i];
        numbers[i] = (uint16_t)find_stream(stats, span_of(stream->name, stream->name_len));
        merge_stream(stats, numbers[i], &shard->counters[i], stream);
    }
    numbers[shard->stream_max] = (uint16_t)stats->settings.streams;
    if (shard->other_used) {
        stats->rest_used = true;
        merge_stream(stats, numbers[shard->stream_max], &shard->counters[shard->stream_max],
                     &shard->streams[shard->stream_max]);
    }
    stats->malformed += shard->malformed;
    stats->unlisted += shard->unlisted;
    if (shard->unlisted)
        merge_missed(stats, shard, numbers);
}

/* --- tables --------------------------------------------------------------------------------- */

/* Counts a key that is new to the distinct numbers in `news`. */
static void count_distinct(struct distinct_counts *counts, uint8_t news, uint64_t hash)
{
    for (int id = 0; id < STATS_DISTINCTS; id++) {
        if (news >> id & 1) {
            counts->exact[id]++;
            hll_add(&counts->sketch[id], hash);
        }
    }
}

/* Merges `count` entries, at most TABLE_BATCH. */
static void merge_some(struct stats *stats, const struct shard *shard, enum shard_table_id id,
                       uint32_t first, uint32_t count)
{
    struct table_item items[TABLE_BATCH];
    struct table_news news[TABLE_NEWS];
    for (uint32_t i = 0; i < count; i++) {
        const struct shard_entry *e = &shard->tables[id].entries[first + i];
        items[i] = (struct table_item){.entry = e,
                                       .key = span_of(shard->keys + e->key_at, e->key_len),
                                       .stream = stats->numbers[e->stream]};
    }
    size_t found = table_set_add(&stats->tables, id, items, count, news);
    for (size_t i = 0; i < found; i++) {
        count_distinct(stats->streams[news[i].stream].distinct, news[i].of_stream, news[i].hash);
        count_distinct(stats_total(stats)->distinct, news[i].of_all, news[i].hash);
    }
    if (!stats->window)
        return;
    found = table_set_add(&stats->window->tables, id, items, count, news);
    for (size_t i = 0; i < found; i++) {
        for (int d = 0; d < WINDOW_DISTINCTS; d++) {
            if (news[i].of_all >> d & 1)
                hll_add(&stats->window->distinct[d], news[i].hash);
        }
    }
}

static void merge_table(struct stats *stats, const struct shard *shard, enum shard_table_id id)
{
    uint32_t count = shard->tables[id].count;
    for (uint32_t i = 0; i < count; i += MERGE_AT_ONCE) {
        uint32_t stop = count - i > MERGE_AT_ONCE ? i + MERGE_AT_ONCE : count;
        pthread_rwlock_wrlock(&stats->tables_lock);
        for (uint32_t at = i; at < stop; at += TABLE_BATCH)
            merge_some(stats, shard, id, at, stop - at < TABLE_BATCH ? stop - at : TABLE_BATCH);
        pthread_rwlock_unlock(&stats->tables_lock);
    }
}

void stats_merge(struct stats *stats, const struct shard *shard)
{
    pthread_rwlock_wrlock(&stats->tables_lock);
    merge_counters(stats, shard, stats->numbers);
    pthread_rwlock_unlock(&stats->tables_lock);
    for (int id = 0; id < SHARD_TABLES; id++)
        merge_table(stats, shard, id);
}

/* Adds the losses that a stage has seen in one stream; it counts from the start, whatever was
 * reset. */
static void take_loss(void *ctx, const struct stage_loss *loss)
{
    const uint64_t now[STATS_LOSSES] = {
        [LOSS_UNANSWERED] = loss->unanswered,
        [LOSS_UNASKED] = loss->unasked,
    };
    struct stats *stats = ctx;
    struct span name = loss->identity.len ? loss->identity : span_of("-", 1);
    struct names_walk walk;
    struct stream_state *s = find_known(stats, name, &walk), *total = stats_total(stats);
    if (!s)
        s = stats_rest(stats);
    s->judged |= loss->judged;
    total->judged |= loss->judged;
    for (int i = 0; i < STATS_LOSSES; i++) {
        s->losses[i] += now[i];
        total->losses[i] += now[i];
    }
}

void stats_merge_losses(struct stats *stats)
{
    size_t all = stats_total_index(stats) + 1;
    pthread_rwlock_wrlock(&stats->tables_lock);
    for (size_t i = 0; i < all; i++)
        memset(stats->streams[i].losses, 0, sizeof stats->streams[i].losses);
    pipeline_losses(stats->pipeline, take_loss, stats);
    /* The rest may lose some, to a stream that has been listed since the reset. */
    for (size_t i = 0; i < all; i++) {
        struct stream_state *s = &stats->streams[i];
        for (int n = 0; n < STATS_LOSSES; n++)
            s->counters.loss[n] =
                s->losses[n] > s->losses_before[n] ? s->losses[n] - s->losses_before[n] : 0;
    }
    pthread_rwlock_unlock(&stats->tables_lock);
}

static void forget_stream(struct stream_state *s)
{
    memset(&s->counters, 0, sizeof s->counters);
    memcpy(s->losses_before, s->losses, sizeof s->losses);
    s->judged = false;
    memset(&s->tick, 0, sizeof s->tick);
    s->apart = false;
    memset(s->distinct, 0, sizeof *s->distinct);
    memset(s->past, 0, RATE_SECONDS * sizeof *s->past);
    s->first_seen_ms = s->last_seen_ms = 0;
    times_clear(&s->times);
    s->aged = 0;
}

void stats_forget(struct stats *stats)
{
    pthread_rwlock_wrlock(&stats->tables_lock);
    table_set_clear(&stats->tables);
    if (stats->window) {
        table_set_clear(&stats->window->tables);
        memset(stats->window->distinct, 0, sizeof stats->window->distinct);
    }
    for (size_t i = 0; i < stats->stream_count; i++)
        forget_stream(&stats->streams[i]);
    forget_stream(stats_rest(stats));
    forget_stream(stats_total(stats));
    stats->rest_used = false;
    stats->malformed = stats->unlisted = 0;
    stats->ticks = 0;
    stats->since_ms = clock_wall_ms();
    pthread_rwlock_unlock(&stats->tables_lock);
}
