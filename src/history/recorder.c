#include "history/recorder.h"

#include <stdlib.h>

#include "base/clock.h"
#include "stats/stats.h"

enum { SECOND_MS = 1000, STEADY_MS = 900, LATE_MS = 100 /* or early, by which a second's is */ };

static void drop_oldest(struct recorder *recorder)
{
    struct portion *oldest = &recorder->seconds[recorder->first];
    recorder->bytes -= oldest->records.cap;
    buf_free(&oldest->records);
    *oldest = (struct portion){0};
    recorder->first = (recorder->first + 1) % RECORDER_SECONDS;
    recorder->count--;
    recorder->thin -= recorder->thin > 0;
}

/* Makes room: the oldest second that still has them forgets its streams; when none has, the oldest
 * goes. */
static void forget_some(struct recorder *recorder)
{
    if (recorder->thin == recorder->count) {
        drop_oldest(recorder);
        return;
    }
    size_t at = (recorder->first + recorder->thin++) % RECORDER_SECONDS;
    struct portion *portion = &recorder->seconds[at];
    recorder->bytes -= portion->records.cap;
    portion_shrink(portion, PORTION_TOTAL);
    recorder->bytes += portion->records.cap;
}

void recorder_free(struct recorder *recorder)
{
    while (recorder->count > 0)
        drop_oldest(recorder);
    for (size_t i = 0; i < recorder->open_count; i++)
        counts_free(&recorder->open[i]);
    free(recorder->open);
    buf_free(&recorder->gone.records);
    counts_free(&recorder->scratch);
    if (recorder->last)
        stats_release(recorder->last);
    *recorder = (struct recorder){0};
}

/* The snapshot before, which counts what the next one counts; NULL: that counts from zero. */
static const struct stats_snapshot *before(const struct recorder *recorder,
                                           const struct stats_snapshot *snapshot)
{
    const struct stats_snapshot *last = recorder->last;
    return last && last->since_ns == snapshot->since_ns ? last : NULL;
}

/* Milliseconds in which came what the snapshot brings. Of many that add up nothing is cut off. */
static uint64_t elapsed_ms(const struct recorder *recorder, const struct stats_snapshot *snapshot)
{
    const struct stats_snapshot *last = before(recorder, snapshot);
    uint64_t from_ns = last ? last->made_ns : snapshot->since_ns;
    return snapshot->made_ns > from_ns ? snapshot->made_ns / CLOCK_MS_NS - from_ns / CLOCK_MS_NS
                                       : 0;
}

/*
 * Snapshots come about a second apart, at any moment of it, some a little early or late, and others
 * between them whenever somebody wants one: counted on from a second before, they fill each second.
 * When that has drifted off, or the clock has jumped, the clock is right.
 */
int64_t recorder_second(const struct recorder *recorder, const struct stats_snapshot *snapshot)
{
    int64_t since_ms = (int64_t)(snapshot->made_ns - recorder->second_ns) / (int64_t)CLOCK_MS_NS;
    int64_t next = recorder->second + (since_ms + SECOND_MS / 2) / SECOND_MS;
    int64_t off = next * SECOND_MS + SECOND_MS - snapshot->made_ms;
    if (recorder->last && off > -STEADY_MS && off < STEADY_MS)
        return next;
    return (snapshot->made_ms - SECOND_MS / 2) / SECOND_MS; /* where most of it lies */
}

static int64_t minute_of(int64_t second)
{
    int64_t minute = second / 60 - (second % 60 < 0);
    return minute * RECORDER_MINUTE_MS;
}

bool recorder_must_cut(const struct recorder *recorder, int64_t second)
{
    return recorder->last && minute_of(second) != recorder->open_ms;
}

static bool open_streams(struct recorder *recorder, size_t count)
{
    if (count <= recorder->open_count)
        return true;
    struct counts *open = realloc(recorder->open, count * sizeof *open);
    if (!open)
        return false;
    memset(open + recorder->open_count, 0, (count - recorder->open_count) * sizeof *open);
    recorder->open = open;
    recorder->open_count = count;
    return true;
}

/* The parts that are recorded apart: the total, then the streams, each by side. */
static size_t part_count(const struct stats_snapshot *snapshot)
{
    return (snapshot->stream_count + 1) * STATS_SIDES;
}

static enum stats_side side_of(size_t i)
{
    return (enum stats_side)(i % STATS_SIDES);
}

static const struct stats_stream *stream_at(const struct stats_snapshot *snapshot, size_t i)
{
    return stats_snapshot_at(snapshot, (int)(i / STATS_SIDES) - 1, side_of(i));
}

static struct span stream_name(const struct stats_snapshot *snapshot, size_t i)
{
    const struct stats_stream *stream = stream_at(snapshot, i);
    return i < STATS_SIDES ? (struct span){0} : span_of(stream->name, stream->name_len);
}

static void put_counts(struct portion *portion, enum stats_side side, struct span stream,
                       const struct counts *counts)
{
    struct buf bytes = {0};
    counts_encode(counts, &bytes);
    portion_put(portion, record_of(RECORD_COUNTS, side), stream, buf_span(&bytes));
    portion->records.failed |= bytes.failed;
    buf_free(&bytes);
}

/* The stream of an earlier snapshot that the later one's is; NULL: it has come since, be it to the
 * place of another. */
static const struct stats_stream *same_stream(const struct stats_snapshot *earlier,
                                              const struct stats_snapshot *later, size_t i)
{
    const struct stats_stream *stream = i < part_count(earlier) ? stream_at(earlier, i) : NULL;
    return stream && stream->id == stream_at(later, i)->id ? stream : NULL;
}

/* What is open of a stream that has lost its place is kept under its name. */
static void put_gone(struct recorder *recorder, size_t i)
{
    struct counts *open = &recorder->open[i];
    if (open->len == 0)
        return;
    put_counts(&recorder->gone, side_of(i), stream_name(recorder->last, i), open);
    recorder->failed |= recorder->gone.records.failed;
    counts_clear(open);
}

/* Adds what the snapshot brings to the open portion and to the second's. */
static void gather(struct recorder *recorder, const struct stats_snapshot *snapshot,
                   struct portion *second)
{
    const struct stats_snapshot *last = before(recorder, snapshot);
    uint64_t elapsed = elapsed_ms(recorder, snapshot);
    struct counts *counts = &recorder->scratch;
    for (size_t i = 0; i < part_count(snapshot); i++) {
        struct series_moment now = {snapshot, stream_at(snapshot, i)};
        struct series_moment then = {last, last ? same_stream(last, snapshot, i) : NULL};
        if (recorder->last && !same_stream(recorder->last, snapshot, i))
            put_gone(recorder, i);
        counts_clear(counts);
        series_between(counts, &then, &now, elapsed);
        if (counts->len == 0)
            continue;
        put_counts(second, side_of(i), stream_name(snapshot, i), counts);
        counts_add(&recorder->open[i], counts);
        recorder->failed |= counts->failed || recorder->open[i].failed;
    }
}

/* Adds it to the last one, if that is of the same second. */
static bool join_last(struct recorder *recorder, struct portion *second)
{
    if (recorder->count == 0)
        return false;
    struct portion *last =
        &recorder->seconds[(recorder->first + recorder->count - 1) % RECORDER_SECONDS];
    if (last->start_ms != second->start_ms)
        return false;
    recorder->bytes -= last->records.cap;
    recorder->failed |= portion_merge(last, second, 0) < 0;
    recorder->bytes += last->records.cap;
    buf_free(&second->records);
    return true;
}

static void keep_second(struct recorder *recorder, struct portion *second)
{
    if (second->records.failed) {
        recorder->failed = true;
        buf_free(&second->records);
        return;
    }
    if (join_last(recorder, second))
        return;
    portion_shrink(second, PORTION_ALL);
    if (recorder->count == RECORDER_SECONDS)
        drop_oldest(recorder);
    while (recorder->count > 0 && recorder->bytes + second->records.cap > RECORDER_BYTES)
        forget_some(recorder);
    recorder->seconds[(recorder->first + recorder->count) % RECORDER_SECONDS] = *second;
    recorder->count++;
    recorder->bytes += second->records.cap;
}

/* Where the second ends: with the snapshot, when that is a second's own; those in between leave it
 * where it is, so many seconds behind the one before. */
static uint64_t second_end(const struct recorder *recorder, const struct stats_snapshot *snapshot,
                           int64_t second)
{
    const int64_t half_ns = CLOCK_SECOND_NS / 2, late_ns = LATE_MS * (int64_t)CLOCK_MS_NS;
    uint64_t end_ns = recorder->second_ns + (uint64_t)(second - recorder->second) * CLOCK_SECOND_NS;
    int64_t off_ns = (int64_t)(snapshot->made_ns - end_ns);
    bool between = off_ns < -late_ns || off_ns > late_ns || second == recorder->second;
    bool steady = off_ns >= -half_ns && off_ns <= half_ns;
    return recorder->last && between && steady ? end_ns : snapshot->made_ns;
}

void recorder_take(struct recorder *recorder, const struct stats_snapshot *snapshot, int64_t second)
{
    struct portion portion = {.start_ms = second * SECOND_MS};
    if (open_streams(recorder, part_count(snapshot))) {
        gather(recorder, snapshot, &portion);
        keep_second(recorder, &portion);
        recorder->open_ms = minute_of(second);
        recorder->dirty = true;
    } else {
        recorder->failed = true;
    }
    recorder->second_ns = second_end(recorder, snapshot, second);
    if (recorder->last)
        stats_release(recorder->last);
    recorder->last = snapshot;
    recorder->second = second;
}

void recorder_peek(const struct recorder *recorder, struct portion *portion)
{
    const struct buf *gone = &recorder->gone.records;
    portion->start_ms = recorder->open_ms;
    if (gone->len > 0)
        buf_put(&portion->records, gone->data, gone->len);
    for (size_t i = 0; i < recorder->open_count; i++) {
        if (recorder->open[i].len > 0)
            put_counts(portion, side_of(i), stream_name(recorder->last, i), &recorder->open[i]);
    }
}

void recorder_cut(struct recorder *recorder, struct portion *portion)
{
    recorder_peek(recorder, portion);
    recorder->failed |= portion->records.failed;
    for (size_t i = 0; i < recorder->open_count; i++) {
        if (recorder->open[i].len > 0)
            counts_clear(&recorder->open[i]);
        else
            counts_free(&recorder->open[i]); /* a stream that is silent keeps no memory */
    }
    buf_free(&recorder->gone.records);
    recorder->dirty = false;
}
