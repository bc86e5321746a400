#include "stats/stats_state.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"

/* --- rates ---------------------------------------------------------------------------------- */

static void remember_stream(struct stream_state *s, size_t at)
{
    for (int side = 0; side < STATS_SIDES; side++) {
        for (int direction = 0; direction < STATS_DIRECTIONS; direction++)
            s->past[at].events[side][direction] =
                (uint32_t)s->sides[side].counters.direction[direction].events;
    }
}

void stats_remember(struct stats *stats, uint64_t now_ns)
{
    size_t at = stats->ticks % RATE_TICKS;
    for (size_t i = 0; i < stats->stream_count; i++)
        remember_stream(&stats->streams[i], at);
    remember_stream(stats_total(stats), at);
    stats->tick_ns[at] = now_ns;
    stats->ticks++;
}

/* Where that tick is remembered, or the first one that is; of at least one. */
static size_t tick_at(const struct stats *stats, uint64_t back)
{
    uint64_t most = stats->ticks < RATE_TICKS ? stats->ticks : RATE_TICKS;
    return (stats->ticks - (back < most ? back : most)) % RATE_TICKS;
}

/* Events a second in the last whole ones: to divide what came since the last tick by a part of a
 * second would make a burst look larger. */
static double rate_over(const struct stats *stats, const struct stream_state *s, int side,
                        int direction, uint64_t seconds)
{
    size_t from = tick_at(stats, 1 + seconds), to = tick_at(stats, 1);
    uint64_t elapsed_ns = stats->tick_ns[to] - stats->tick_ns[from];
    uint32_t events = s->past[to].events[side][direction] - s->past[from].events[side][direction];
    return elapsed_ns ? (double)events * 1e9 / (double)elapsed_ns : 0;
}

double stats_busy(const struct stats *stats, const struct stream_state *s)
{
    const struct past *from = &s->past[tick_at(stats, RATE_TICKS)];
    uint64_t seconds = stats->ticks - s->listed, events = 0;
    seconds = seconds < RATE_SECONDS ? seconds : RATE_SECONDS;
    for (int n = 0; n < STATS_SIDES * STATS_DIRECTIONS; n++) {
        int side = n / STATS_DIRECTIONS, direction = n % STATS_DIRECTIONS;
        uint64_t now = s->sides[side].counters.direction[direction].events;
        events += (uint32_t)now - from->events[side][direction];
    }
    return (double)events / (double)(seconds ? seconds : 1);
}

static void fill_rates(const struct stats *stats, const struct stream_state *s,
                       struct stats_stream *out)
{
    for (int direction = 0; direction < STATS_DIRECTIONS; direction++) {
        out->rates[direction] = (struct stats_rates){
            .last = rate_over(stats, s, out->side, direction, 1),
            .minute = rate_over(stats, s, out->side, direction, 60),
            .quarter = rate_over(stats, s, out->side, direction, RATE_SECONDS),
        };
    }
}

/* --- the snapshot --------------------------------------------------------------------------- */

bool stats_counts_all(const struct stats *stats, enum stats_table_id table)
{
    return stats->tables.tables[table].floor == 0 &&
           stats->window->tables.tables[table].floor == 0 && !stats->known[table].full &&
           stats->unlisted == 0;
}

static uint64_t whole(double estimate)
{
    return (uint64_t)(estimate + 0.5);
}

void stats_window_all(const struct stats_window *window, enum stats_side side,
                      enum stats_distinct_id id, struct hll *sketch)
{
    const struct hll *sketches = window->distinct[side];
    hll_merge(sketch, &sketches[id == DISTINCT_DOMAINS ? DISTINCT_ASKED : id]);
    if (id == DISTINCT_DOMAINS)
        hll_merge(sketch, &sketches[DISTINCT_ANSWERED]);
}

/* Of all streams: what came before the window that runs, and that. */
static uint64_t estimate_total(const struct stats *stats, enum stats_side side,
                               enum stats_distinct_id id)
{
    const struct distinct_counts *counts = &stats_total(stats)->distinct[side];
    struct hll sum = counts->sketch[id == DISTINCT_DOMAINS ? DISTINCT_ASKED : id];
    if (id == DISTINCT_DOMAINS)
        hll_merge(&sum, &counts->sketch[DISTINCT_ANSWERED]);
    stats_window_all(stats->window, side, id, &sum);
    return whole(hll_estimate(&sum));
}

uint64_t stats_count_distinct(const struct stats *stats, const struct stream_state *stream,
                              enum stats_side side, enum stats_distinct_id id)
{
    const struct distinct_counts *counts = &stream->distinct[side];
    if (stats_counts_all(stats, table_of(id)))
        return counts->exact[id];
    return stream == stats_total(stats) ? estimate_total(stats, side, id)
                                        : whole(distinct_estimate(counts, id));
}

enum { ELSEWHEN_SECONDS = 60 /* neither clocks that are set nor the way here account for more */ };

static struct stats_times times_of(const struct stream_state *s)
{
    uint64_t first, last;
    if (!times_span(&s->times, &first, &last))
        return (struct stats_times){.age = NAN};
    return (struct stats_times){
        .first_ms = (int64_t)(first / CLOCK_MS_NS),
        .last_ms = (int64_t)(last / CLOCK_MS_NS),
        .age = s->age,
        .elsewhen = fabs(s->age) > ELSEWHEN_SECONDS,
    };
}

uint64_t *stats_distinct_in(struct stats_distinct *distinct, enum stats_distinct_id which)
{
    switch (which) {
    case DISTINCT_CLIENTS:
        return &distinct->clients;
    case DISTINCT_SERVERS:
        return &distinct->servers;
    case DISTINCT_DOMAINS:
        return &distinct->domains;
    case DISTINCT_ASKED:
        return &distinct->asked;
    case DISTINCT_ANSWERED:
        return &distinct->answered;
    default:
        return NULL;
    }
}

static void fill_distinct(const struct stats *stats, const struct stream_state *s,
                          struct stats_stream *out)
{
    for (enum stats_distinct_id id = 0; id < STATS_DISTINCTS; id++) {
        uint64_t *to = stats_distinct_in(&out->distinct, id);
        if (!stats_counts_all(stats, table_of(id)))
            out->distinct.counted &= ~(1u << id);
        if (to)
            *to = stats_count_distinct(stats, s, (enum stats_side)out->side, id);
    }
}

/* What is the stream's, whatever the side. */
static void fill_common(const struct stream_state *s, struct stats_stream *out)
{
    out->id = s->id;
    memcpy(out->name, s->name, sizeof out->name);
    out->name_len = s->name_len;
    out->tick_ns = tick_estimate(&s->tick);
    out->origin = s->origin;
    out->last_direction = s->last_direction;
    out->first_seen_ms = s->first_seen_ms;
    out->last_seen_ms = s->last_seen_ms;
    out->times = times_of(s);
}

static void fill_stream(const struct stats *stats, const struct stream_state *s,
                        struct stats_stream out[STATS_SIDES])
{
    for (uint8_t side = 0; side < STATS_SIDES; side++) {
        struct stats_stream *to = &out[side];
        to->side = side;
        fill_common(s, to);
        to->judged = s->judged && side == STATS_CLIENT;
        to->apart = s->sides[side].apart;
        to->distinct.counted = STATS_ALL_COUNTED;
        if (!s->sides[side].counted && !to->judged)
            continue; /* no more than that, all zeros, which a fresh snapshot is */
        to->counters = s->sides[side].counters;
        fill_distinct(stats, s, to);
        fill_rates(stats, s, to);
    }
}

static void fill_latency(const struct stats *stats, enum stats_side side,
                         struct stats_snapshot *snapshot)
{
    uint64_t *latency = snapshot->latency[side];
    for (unsigned b = 0; b < QUANTILE_BUCKETS; b++)
        latency[b] = snapshot->total[side].counters.latency[b] - stats->left_apart[side][b];
    for (size_t i = 0; i < snapshot->stream_count; i++) {
        const struct stats_stream *stream = &snapshot->streams[i][side];
        for (unsigned b = 0; stream->apart && b < QUANTILE_BUCKETS; b++)
            latency[b] -= stream->counters.latency[b];
    }
}

bool stats_owes(const struct stats *stats)
{
    bool owes = false;
    for (unsigned i = 0; i < stats->worker_count; i++)
        owes |= stats->workers[i].owes;
    return owes;
}

static uint64_t events_of(const struct stats_counters *counters)
{
    return counters->direction[STATS_QUERY].events + counters->direction[STATS_RESPONSE].events;
}

static unsigned exact_tables(const struct stats *stats)
{
    unsigned exact = table_set_exact(&stats->tables) & table_set_exact(&stats->window->tables);
    return stats->unlisted == 0 ? exact : 0;
}

bool stats_is_exact(const struct stats_snapshot *snapshot)
{
    const unsigned all = (1u << STATS_TABLES) - 1;
    return (snapshot->exact[STATS_CLIENT] & snapshot->exact[STATS_UPSTREAM]) == all;
}

static void fill_snapshot(struct stats *stats, struct stats_snapshot *snapshot)
{
    uint64_t now_ns = clock_ns();
    snapshot->generation = ++stats->generation;
    snapshot->version = (atomic_load(&stats->version) + 1) & ~UINT64_C(1);
    snapshot->whole = !stats_owes(stats);
    snapshot->made_ns = now_ns;
    snapshot->made_ms = clock_wall_ms();
    snapshot->since_ms = stats->since_ms;
    snapshot->since_ns = stats->since_ns;
    snapshot->from_ms = snapshot->streams_ms = snapshot->keys_ms = stats->since_ms;
    snapshot->to_ms = snapshot->made_ms;
    snapshot->seconds = (double)(now_ns - stats->since_ns) / CLOCK_SECOND_NS;
    snapshot->malformed = stats->malformed;
    snapshot->unlisted = stats->unlisted;
    for (int side = 0; side < STATS_SIDES; side++) {
        snapshot->exact[side] = exact_tables(stats);
        snapshot->other_streams += events_of(&stats_rest(stats)->sides[side].counters);
    }
    snapshot->other_identities = stats->rest_used ? whole(hll_estimate(&stats->others)) : 0;
    snapshot->places = stats->places;
    fill_stream(stats, stats_total(stats), snapshot->total);
    for (size_t i = 0; i < snapshot->stream_count; i++)
        fill_stream(stats, &stats->streams[i], snapshot->streams[i]);
    for (int side = 0; side < STATS_SIDES; side++)
        fill_latency(stats, (enum stats_side)side, snapshot);
}

struct stats_snapshot *stats_photograph(struct stats *stats)
{
    size_t count = stats->stream_count;
    struct stats_snapshot *snapshot =
        calloc(1, sizeof *snapshot + count * sizeof *snapshot->streams);
    if (!snapshot)
        return NULL;
    atomic_init(&snapshot->references, 1);
    snapshot->stream_count = count;
    /* Others take windows, and the total gets a window's sketches then. */
    pthread_rwlock_rdlock(&stats->tables_lock);
    fill_snapshot(stats, snapshot);
    pthread_rwlock_unlock(&stats->tables_lock);
    return snapshot;
}

struct stats_snapshot *stats_snapshot_copy(const struct stats_snapshot *snapshot)
{
    const size_t head = offsetof(struct stats_snapshot, generation); /* what others count */
    size_t size = sizeof *snapshot + snapshot->stream_count * sizeof *snapshot->streams;
    struct stats_snapshot *copy = malloc(size);
    if (!copy)
        return NULL;
    memcpy((char *)copy + head, (const char *)snapshot + head, size - head);
    atomic_init(&copy->references, 1);
    return copy;
}

double stats_source_loss(const struct stats_stream *stream)
{
    const uint64_t *loss = stream->counters.loss;
    double missing = (double)(loss[LOSS_UNANSWERED] + loss[LOSS_UNASKED]);
    double came = (double)events_of(&stream->counters);
    return stream->judged && came > 0 ? missing / (came + missing) : NAN;
}

int stats_snapshot_find(const struct stats_snapshot *snapshot, struct span name)
{
    for (size_t i = 0; i < snapshot->stream_count; i++) {
        const struct stats_stream *stream = snapshot->streams[i];
        if (span_equal(span_of(stream->name, stream->name_len), name))
            return (int)i;
    }
    return STATS_ALL;
}
