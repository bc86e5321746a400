#include "stats/state.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"

/* --- rates ---------------------------------------------------------------------------------- */

static void remember_stream(struct stream_state *s, size_t at)
{
    for (int direction = 0; direction < STATS_DIRECTIONS; direction++)
        s->past[at][direction] = s->counters.direction[direction].events;
}

void stats_remember(struct stats *stats, uint64_t now_ns)
{
    size_t at = stats->ticks % RATE_SECONDS;
    for (size_t i = 0; i < stats->stream_count; i++)
        remember_stream(&stats->streams[i], at);
    remember_stream(stats_total(stats), at);
    stats->tick_ns[at] = now_ns;
    stats->ticks++;
}

/* The number of a tick, `back` ticks ago. */
static size_t tick_at(const struct stats *stats, uint64_t back)
{
    return (stats->ticks - back) % RATE_SECONDS;
}

static double per_second(uint64_t events, uint64_t elapsed_ns)
{
    return elapsed_ns ? (double)events * 1e9 / (double)elapsed_ns : 0;
}

/* Events a second since `back` ticks ago, or since the first tick that is remembered. */
static double rate_over(const struct stats *stats, const struct stream_state *s, int direction,
                        uint64_t back, uint64_t now_ns)
{
    if (stats->ticks == 0)
        return 0;
    uint64_t most = stats->ticks < RATE_SECONDS ? stats->ticks : RATE_SECONDS;
    size_t at = tick_at(stats, back < most ? back : most);
    return per_second(s->counters.direction[direction].events - s->past[at][direction],
                      now_ns - stats->tick_ns[at]);
}

/* Events in the last whole second. Where none ends now it is the one between the last two ticks: to
 * divide what came since the last one by a part of a second would make a burst look larger. */
static double last_second(const struct stats *stats, const struct stream_state *s, int direction,
                          uint64_t now_ns, bool ends)
{
    if (ends)
        return rate_over(stats, s, direction, 1, now_ns);
    if (stats->ticks < 2)
        return 0; /* none is over */
    size_t from = tick_at(stats, 2), to = tick_at(stats, 1);
    return per_second(s->past[to][direction] - s->past[from][direction],
                      stats->tick_ns[to] - stats->tick_ns[from]);
}

double stats_busy(const struct stats *stats, const struct stream_state *s)
{
    size_t oldest = stats->ticks < RATE_SECONDS ? 0 : stats->ticks % RATE_SECONDS;
    uint64_t seconds = stats->ticks - s->listed, events = 0;
    seconds = seconds < RATE_SECONDS ? seconds : RATE_SECONDS;
    for (int direction = 0; direction < STATS_DIRECTIONS; direction++)
        events += s->counters.direction[direction].events - s->past[oldest][direction];
    return (double)events / (double)(seconds ? seconds : 1);
}

static void fill_rates(const struct stats *stats, const struct stream_state *s,
                       struct stats_stream *out, uint64_t now_ns, bool ends)
{
    for (int direction = 0; direction < STATS_DIRECTIONS; direction++) {
        out->rates[direction] = (struct stats_rates){
            .last = last_second(stats, s, direction, now_ns, ends),
            .minute = rate_over(stats, s, direction, 60, now_ns),
            .quarter = rate_over(stats, s, direction, RATE_SECONDS, now_ns),
        };
    }
}

/* --- the snapshot --------------------------------------------------------------------------- */

/* The table whose rows are counted; names that were asked, or answered, are domains, too. */
static enum stats_table_id table_of(enum stats_distinct_id id)
{
    unsigned table = 0;
    while (table < STATS_TABLES && table_distinct[table] != id)
        table++;
    return table < STATS_TABLES ? (enum stats_table_id)table : TABLE_DOMAINS;
}

bool stats_counts_all(const struct stats *stats, enum stats_table_id table)
{
    return stats->tables.tables[table].floor == 0 && stats->unlisted == 0;
}

static uint64_t estimate(const struct hll *sketch)
{
    return (uint64_t)(hll_estimate(sketch) + 0.5);
}

uint64_t stats_count_distinct(const struct stats *stats, const struct stream_state *stream,
                              enum stats_distinct_id id)
{
    const struct distinct_counts *counts = stream->distinct;
    if (stats_counts_all(stats, table_of(id)))
        return counts->exact[id];
    return estimate(&counts->sketch[id]);
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

static void fill_stream(const struct stats *stats, const struct stream_state *s,
                        struct stats_stream *out, uint64_t now_ns, bool ends)
{
    out->id = s->id;
    memcpy(out->name, s->name, sizeof out->name);
    out->name_len = s->name_len;
    out->counters = s->counters;
    out->distinct = (struct stats_distinct){
        .clients = stats_count_distinct(stats, s, DISTINCT_CLIENTS),
        .domains = stats_count_distinct(stats, s, DISTINCT_DOMAINS),
        .asked = stats_count_distinct(stats, s, DISTINCT_ASKED),
        .answered = stats_count_distinct(stats, s, DISTINCT_ANSWERED),
    };
    fill_rates(stats, s, out, now_ns, ends);
    out->tick_ns = tick_estimate(&s->tick);
    out->apart = s->apart;
    out->judged = s->judged;
    out->origin = s->origin;
    out->last_direction = s->last_direction;
    out->first_seen_ms = s->first_seen_ms;
    out->last_seen_ms = s->last_seen_ms;
    out->times = times_of(s);
}

static void fill_latency(const struct stats *stats, struct stats_snapshot *snapshot)
{
    for (unsigned b = 0; b < QUANTILE_BUCKETS; b++)
        snapshot->latency[b] = snapshot->total.counters.latency[b] - stats->left_apart[b];
    for (size_t i = 0; i < snapshot->stream_count; i++) {
        const struct stats_stream *stream = &snapshot->streams[i];
        for (unsigned b = 0; stream->apart && b < QUANTILE_BUCKETS; b++)
            snapshot->latency[b] -= stream->counters.latency[b];
    }
}

static uint64_t events_of(const struct stats_counters *counters)
{
    return counters->direction[STATS_QUERY].events + counters->direction[STATS_RESPONSE].events;
}

static bool is_exact(const struct stats *stats)
{
    return stats->unlisted == 0 && table_set_exact(&stats->tables);
}

struct stats_snapshot *stats_photograph(struct stats *stats, bool second_ends)
{
    size_t count = stats->stream_count;
    struct stats_snapshot *snapshot =
        calloc(1, sizeof *snapshot + count * sizeof *snapshot->streams);
    if (!snapshot)
        return NULL;
    uint64_t now_ns = clock_ns();
    atomic_init(&snapshot->references, 1);
    snapshot->generation = ++stats->generation;
    snapshot->made_ns = now_ns;
    snapshot->made_ms = clock_wall_ms();
    snapshot->since_ms = stats->since_ms;
    snapshot->since_ns = stats->since_ns;
    snapshot->malformed = stats->malformed;
    snapshot->unlisted = stats->unlisted;
    snapshot->other_streams = events_of(&stats_rest(stats)->counters);
    snapshot->other_identities = stats->rest_used ? estimate(&stats->others) : 0;
    snapshot->places = stats->places;
    snapshot->exact = is_exact(stats);
    snapshot->stream_count = count;
    fill_stream(stats, stats_total(stats), &snapshot->total, now_ns, second_ends);
    for (size_t i = 0; i < count; i++)
        fill_stream(stats, &stats->streams[i], &snapshot->streams[i], now_ns, second_ends);
    fill_latency(stats, snapshot);
    return snapshot;
}

double stats_source_loss(const struct stats_stream *stream)
{
    const uint64_t *loss = stream->counters.loss;
    double missing = (double)(loss[LOSS_UNANSWERED] + loss[LOSS_UNASKED]);
    double came = (double)events_of(&stream->counters);
    return stream->judged && came > 0 ? missing / (came + missing) : NAN;
}

const struct stats_stream *stats_snapshot_stream(const struct stats_snapshot *snapshot,
                                                 struct span name)
{
    for (size_t i = 0; i < snapshot->stream_count; i++) {
        const struct stats_stream *stream = &snapshot->streams[i];
        if (span_equal(span_of(stream->name, stream->name_len), name))
            return stream;
    }
    return NULL;
}
