/* Merges what a shard holds into the streams' counters and the tables. */
#include "stats/stats_state.h"

#include <math.h>
#include <stdlib.h>

#include "core/engine.h"
#include "core/stage.h"

/* Entries merged before readers of the tables get their turn: about a tenth of a millisecond. */
enum { MERGE_AT_ONCE = 256 };

/* --- counters ------------------------------------------------------------------------------- */

/* True when half of the stream's latencies or more are below a tick of its clock. */
static bool is_coarse(const struct stream_state *s, const struct stats_counters *counters)
{
    uint64_t tick_ns = tick_estimate(&s->tick);
    uint64_t timed = quantile_total(counters->latency);
    return timed > 0 && tick_ns > (uint64_t)quantile_of(counters->latency, timed, 0.5);
}

/* Seconds from one moment to another; negative when it is the earlier one. */
static double seconds_between(uint64_t from_ns, uint64_t to_ns)
{
    return to_ns >= from_ns ? (double)(to_ns - from_ns) / CLOCK_SECOND_NS
                            : -(double)(from_ns - to_ns) / CLOCK_SECOND_NS;
}

/* What comes in one second is judged by what is nearest to now of it: neither a recording beside it
 * nor a clock that is wrong hides that a stream, or one of all, is alive. */
static void merge_times(const struct stats *stats, struct stream_state *s, const struct block *from)
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

static void merge_side(struct side_state *side, const struct stats_counters *from)
{
    stats_counters_add(&side->counters, from);
    side->counted = true;
}

static void merge_stream(struct stats *stats, unsigned number, const struct block *block)
{
    struct stream_state *s = &stats->streams[number], *total = stats_total(stats);
    int64_t now = clock_wall_ms();
    tick_add(&s->tick, &block->tick);
    for (int side = 0; side < STATS_SIDES; side++) {
        struct side_state *its = &s->sides[side];
        if (!block->counted[side])
            continue;
        merge_side(its, &block->counters[side]);
        merge_side(&total->sides[side], &block->counters[side]);
        its->apart = its->apart || is_coarse(s, &its->counters);
    }
    merge_times(stats, s, block);
    merge_times(stats, total, block);
    s->origin = block->origin;
    s->last_direction = total->last_direction = block->last_direction;
    s->last_seen_ms = total->last_seen_ms = now;
    if (s->first_seen_ms == 0)
        s->first_seen_ms = now;
    if (total->first_seen_ms == 0)
        total->first_seen_ms = now;
}

/* The one stream that has sent anything; a number beyond them when there are several. */
static uint32_t lone_stream(const struct shard *shard)
{
    uint32_t alone = shard->stream_count, count = shard->other_used;
    for (uint32_t i = 0; i < shard->stream_count; i++) {
        if (!shard->streams[i].sent)
            continue;
        alone = i;
        count++;
    }
    return count == 1 ? alone : shard->stream_count;
}

/* Adds the keys that the tables will not see to the sketches: of all streams, and of the one stream
 * if there is no other, for else nobody knows whose they are. */
static void merge_missed(struct stats *stats, const struct shard *shard, const uint16_t *numbers)
{
    uint32_t alone = lone_stream(shard);
    for (int n = 0; n < STATS_SIDES * STATS_DISTINCTS; n++) {
        int side = n / STATS_DISTINCTS, d = n % STATS_DISTINCTS;
        const struct hll *missed = &shard->missed[side][d];
        if (d == DISTINCT_DOMAINS)
            continue;
        hll_merge(&stats->window->distinct[side][d], missed);
        if (alone < shard->stream_count)
            distinct_merge(&stats->streams[numbers[alone]].distinct[side],
                           (enum stats_distinct_id)d, missed);
    }
}

static const uint16_t *merge_counters(struct stats *stats, const struct shard *shard)
{
    for (uint32_t i = 0; i < shard->stream_count; i++) {
        const struct shard_stream *stream = &shard->streams[i];
        if (!stream->sent)
            continue;
        unsigned number = listing_number(stats, shard, i, stream->block);
        if (stream->block)
            merge_stream(stats, number, stream->block);
    }
    unsigned rest = listing_number(stats, shard, shard->stream_max, NULL);
    if (shard->other_used) {
        stats->rest_used = true;
        hll_merge(&stats->others, &shard->others);
        merge_stream(stats, rest, shard->streams[shard->stream_max].block);
    }
    const uint16_t *numbers = listing_settle(stats);
    stats->malformed += shard->malformed;
    stats->unlisted += shard->unlisted;
    if (shard->unlisted)
        merge_missed(stats, shard, numbers);
    return numbers;
}

void stats_merge_blocks(struct stats *stats, struct shard_blocks *blocks)
{
    pthread_rwlock_wrlock(&stats->tables_lock);
    for (uint32_t i = 0; i < blocks->count; i++) {
        struct block *block = blocks->items[i].block;
        merge_stream(stats, listing_number(stats, blocks->shard, blocks->items[i].stream, block),
                     block);
    }
    listing_settle(stats);
    stats->malformed += blocks->malformed;
    pthread_rwlock_unlock(&stats->tables_lock);
    for (uint32_t i = 0; i < blocks->count; i++)
        pool_give(&stats->pool, blocks->items[i].block);
    blocks->count = 0;
}

/* --- tables --------------------------------------------------------------------------------- */

/* Of which distinct numbers a sketch gets the key. Of domains there is none (stats/distinct.h). */
static unsigned sketched(const struct table_news *news)
{
    return news->bits & ~(1u << DISTINCT_DOMAINS);
}

/* Sketches are far away: while others are counted, what is needed of one comes. */
static void prefetch_news(struct stats *stats, const struct table_news *news)
{
    unsigned stream = news->group / STATS_SIDES, side = news->group % STATS_SIDES;
    for (unsigned left = sketched(news); left; left &= left - 1) {
        int id = __builtin_ctz(left);
        hll_prefetch(&stats->streams[stream].distinct[side].sketch[id], news->hash);
        hll_prefetch(&stats->window->distinct[side][id], news->hash);
    }
}

static void count_exactly(struct distinct_counts *counts, unsigned bits)
{
    for (; bits; bits &= bits - 1)
        counts->exact[__builtin_ctz(bits)]++;
}

/* What the key counted for before the window that runs. */
static unsigned bits_before(const struct stats *stats, const struct table_news *news)
{
    struct table_sets sets = stats_sets(stats);
    unsigned bits = 0;
    for (unsigned i = 0; i + 1 < sets.count; i++)
        bits |=
            table_set_bits(sets.of[i], (enum stats_table_id)news->table, news->hash, news->group);
    return bits;
}

/* A key is new to the window. Whether it is new since the start the other tables say, while they
 * have left none out; and among several streams what was noted of it. */
static void count_news(struct stats *stats, const struct table_news *news)
{
    enum stats_table_id table = (enum stats_table_id)news->table;
    unsigned stream = news->group / STATS_SIDES, side = news->group % STATS_SIDES;
    struct distinct_counts *counts = &stats->streams[stream].distinct[side];
    if (stats_counts_all(stats, table)) {
        unsigned before = bits_before(stats, news);
        unsigned of_stream = news->bits & ~before, of_all = of_stream;
        if (stats->knows)
            of_all = news->bits & ~(unsigned)table_know(stats->known, news);
        count_exactly(counts, of_stream);
        count_exactly(&stats_total(stats)->distinct[side], of_all);
    }
    /* The stream's, and those of the window, which the total gets when it ends. */
    for (unsigned left = sketched(news); left; left &= left - 1) {
        enum stats_distinct_id id = (enum stats_distinct_id)__builtin_ctz(left);
        distinct_add(counts, id, news->hash);
        hll_add(&stats->window->distinct[side][id], news->hash);
    }
}

/* Merges `count` entries, at most TABLE_BATCH. */
static void merge_some(struct stats *stats, const struct shard *shard, const uint16_t *numbers,
                       enum shard_table_id id, uint32_t first, uint32_t count)
{
    struct table_item items[TABLE_BATCH];
    struct table_news news[TABLE_NEWS];
    for (uint32_t i = 0; i < count; i++) {
        const struct shard_entry *e = &shard->tables[id].entries[first + i];
        items[i] = (struct table_item){
            .entry = e,
            .key = span_of(shard->keys + e->key_at, e->key_len),
            .group = stats_group(numbers[e->group / STATS_SIDES], e->group % STATS_SIDES)};
    }
    size_t found = table_set_add(&stats->window->tables, shard, id, items, count, news);
    for (size_t i = 0; i < found; i++)
        prefetch_news(stats, &news[i]);
    for (size_t i = 0; i < found; i++)
        count_news(stats, &news[i]);
}

static void merge_table(struct stats *stats, const struct shard *shard, const uint16_t *numbers,
                        enum shard_table_id id)
{
    uint32_t count = shard->tables[id].count;
    for (uint32_t i = 0; i < count; i += MERGE_AT_ONCE) {
        uint32_t stop = count - i > MERGE_AT_ONCE ? i + MERGE_AT_ONCE : count;
        pthread_rwlock_wrlock(&stats->tables_lock);
        for (uint32_t at = i; at < stop; at += TABLE_BATCH)
            merge_some(stats, shard, numbers, id, at,
                       stop - at < TABLE_BATCH ? stop - at : TABLE_BATCH);
        pthread_rwlock_unlock(&stats->tables_lock);
    }
}

/* Behind the servers' rows. */
static void merge_tallies(struct stats *stats, const struct shard *shard, const uint16_t *numbers)
{
    struct shard_tally tally;
    bool more = true;
    for (uint32_t at = 0; more;) {
        pthread_rwlock_wrlock(&stats->tables_lock);
        for (int i = 0; i < MERGE_AT_ONCE && (more = shard_next_tally(shard, &at, &tally)); i++) {
            unsigned group = tally.entry->group;
            table_set_tally(&stats->window->tables, &tally,
                            stats_group(numbers[group / STATS_SIDES], group % STATS_SIDES));
        }
        pthread_rwlock_unlock(&stats->tables_lock);
    }
}

/* Once there are several streams it matters which keys others had. */
static void learn_known(struct stats *stats)
{
    if (stats->knows || stats->stream_count + stats->rest_used <= 1)
        return;
    stats->knows = true;
    struct table_sets sets = stats_sets(stats);
    for (unsigned i = 0; i < sets.count; i++)
        table_set_learn(sets.of[i], stats->known);
}

void stats_merge(struct stats *stats, const struct shard *shard)
{
    pthread_rwlock_wrlock(&stats->tables_lock);
    const uint16_t *numbers = merge_counters(stats, shard);
    learn_known(stats);
    pthread_rwlock_unlock(&stats->tables_lock);
    for (int id = 0; id < SHARD_TABLES; id++)
        merge_table(stats, shard, numbers, id);
    merge_tallies(stats, shard, numbers);
}

/* Adds the losses that a stage has seen in one stream; it counts from the start, whatever was
 * reset. */
static void take_loss(void *ctx, const struct stage_loss *loss)
{
    const uint64_t now[ALL_LOSSES] = {
        [LOSS_UNANSWERED] = loss->unanswered,
        [LOSS_UNASKED] = loss->unasked,
        [STATS_UPSTREAM * STATS_LOSSES + LOSS_UNANSWERED] = loss->timeouts,
    };
    struct stats *stats = ctx;
    struct span name = loss->identity.len ? loss->identity : span_of("-", 1);
    struct stream_state *s = loss->others ? NULL : listing_find(stats, name);
    struct stream_state *total = stats_total(stats);
    if (!s)
        s = stats_rest(stats);
    s->judged |= loss->judged;
    total->judged |= loss->judged;
    for (int i = 0; i < ALL_LOSSES; i++) {
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
    engine_losses(stats->engine, take_loss, stats);
    /* The rest may lose some, to a stream that has been listed since the reset. */
    for (size_t i = 0; i < all; i++) {
        struct stream_state *s = &stats->streams[i];
        for (int n = 0; n < ALL_LOSSES; n++)
            s->sides[n / STATS_LOSSES].counters.loss[n % STATS_LOSSES] =
                s->losses[n] > s->losses_before[n] ? s->losses[n] - s->losses_before[n] : 0;
    }
    pthread_rwlock_unlock(&stats->tables_lock);
}

void stats_forget_stream(struct stream_state *s)
{
    memset(s->sides, 0, sizeof s->sides);
    memcpy(s->losses_before, s->losses, sizeof s->losses);
    s->judged = false;
    memset(&s->tick, 0, sizeof s->tick);
    memset(s->distinct, 0, STATS_SIDES * sizeof *s->distinct);
    memset(s->past, 0, RATE_TICKS * sizeof *s->past);
    s->first_seen_ms = s->last_seen_ms = 0;
    s->listed = 0; /* ticks count anew */
    times_clear(&s->times);
    s->aged = 0;
}

void stats_forget(struct stats *stats)
{
    pthread_rwlock_wrlock(&stats->tables_lock);
    table_set_clear(&stats->tables);
    table_set_clear(&stats->window->tables);
    stats->folding = NULL;
    memset(stats->window->distinct, 0, sizeof stats->window->distinct);
    for (size_t i = 0; i < stats->stream_count; i++)
        stats_forget_stream(&stats->streams[i]);
    stats_forget_stream(stats_rest(stats));
    stats_forget_stream(stats_total(stats));
    stats->rest_used = stats->knows = false;
    for (int i = 0; i < STATS_TABLES; i++)
        known_clear(&stats->known[i]);
    memset(&stats->others, 0, sizeof stats->others);
    memset(stats->left_apart, 0, sizeof stats->left_apart);
    stats->malformed = stats->unlisted = 0;
    stats->ticks = 0;
    stats->since_ms = clock_wall_ms();
    stats->since_ns = stats->window_ns = clock_ns();
    pthread_rwlock_unlock(&stats->tables_lock);
}
