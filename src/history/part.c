#include "history/part.h"

static void take_leader(void *ctx, const struct stats_leader *leader)
{
    struct tops *tops = ctx;
    struct tops_row *row = leader->text.len ? tops_append(tops, leader->text) : NULL;
    if (!row)
        return;
    row->values = leader->values;
    tops_tally_add(tops, row, leader->tally);
    for (int r = 0; r < TOPS_BOUNDED; r++)
        row->error[r] = leader->error * tops_ranks[r].step;
}

void part_tops(struct leaders *leaders, const struct stats_window *window,
               const struct stats_scope *scope, enum stats_table_id table, size_t top,
               struct tops *tops)
{
    struct stats_rank ranks[TOPS_RANKS];
    uint64_t floors[TOPS_RANKS] = {0};
    for (int rank = 0; rank < TOPS_RANKS; rank++)
        ranks[rank] = (struct stats_rank){
            .question = {.by = tops_ranks[rank].by, .measure = tops_ranks[rank].measure},
            .step = tops_ranks[rank].step};
    const struct stats_ranks all = {ranks, TOPS_RANKS, top};
    const struct stats_taker taker = {take_leader, tops};
    if (stats_window_leaders(leaders, window, scope, table, &all, floors, &taker) < 0)
        tops->failed = true;
    memcpy(tops->floor, floors, sizeof tops->floor);
    tops_sort(tops);
}

/* What one scope puts into a portion. */
struct putting {
    struct portion *portion;
    const struct stats_window *window;
    const struct part_options *options;
    struct leaders *leaders;
    struct stats_scope scope;
    struct span stream; /* its name */
};

static void put(const struct putting *p, unsigned what, struct buf *bytes)
{
    portion_put(p->portion, record_of(what, p->scope.side), p->stream, buf_span(bytes));
    p->portion->records.failed |= bytes->failed;
    buf_free(bytes);
}

static void put_distinct(const struct putting *p, unsigned which)
{
    struct buf bytes = {0};
    struct sketch sketch = {.mark = sketch_mark(p->options->key)};
    if (!stats_window_sketch(p->window, &p->scope, (enum stats_distinct_id)which, &sketch.hll) &&
        p->stream.len > 0)
        return;
    sketch_encode(&sketch, &bytes);
    put(p, RECORD_DISTINCT + which, &bytes);
}

/* An empty list of a stream says nothing; one of all streams says that nothing came. */
static void put_tops(const struct putting *p, unsigned table)
{
    struct tops tops = {0};
    struct buf bytes = {0};
    part_tops(p->leaders, p->window, &p->scope, (enum stats_table_id)table, p->options->top, &tops);
    p->portion->records.failed |= tops.failed;
    if (tops.len > 0 || p->stream.len == 0) {
        tops_encode(&tops, &bytes);
        put(p, RECORD_TOPS + table, &bytes);
    }
    tops_free(&tops);
}

static void put_scope(const struct putting *p)
{
    for (unsigned which = 0; which < STATS_DISTINCTS; which++)
        put_distinct(p, which);
    for (unsigned table = 0; table < STATS_TABLES; table++)
        put_tops(p, table);
}

static bool has_several(const struct stats_snapshot *snapshot)
{
    return snapshot->stream_count + (snapshot->other_streams > 0) > 1;
}

void part_put_window(struct portion *portion, const struct stats_window *window,
                     const struct part_options *options)
{
    const struct stats_snapshot *snapshot = options->snapshot;
    size_t streams = has_several(snapshot) ? snapshot->stream_count : 0;
    struct leaders leaders = {0};
    struct putting p = {
        .portion = portion, .window = window, .options = options, .leaders = &leaders};
    for (p.scope.side = 0; p.scope.side < STATS_SIDES; p.scope.side++) {
        p.scope.stream = STATS_ALL;
        p.stream = (struct span){0};
        put_scope(&p);
        for (size_t i = 0; i < streams; i++) {
            const struct stats_stream *stream = &snapshot->streams[i][p.scope.side];
            p.scope.stream = stream->id;
            p.stream = span_of(stream->name, stream->name_len);
            if (stats_window_has(window, &p.scope))
                put_scope(&p);
        }
    }
    leaders_free(&leaders);
}
