/* Lists of what came in a window. */
#include <stdlib.h>

#include "history/view.h"

/* The rank whose bounds a question's values have. */
static enum tops_rank rank_of(const struct stats_question *q)
{
    for (int rank = 0; q->by == BY_MEASURE && rank < TOPS_BOUNDED; rank++) {
        if (tops_ranks[rank].by == BY_MEASURE && tops_ranks[rank].measure == q->measure)
            return (enum tops_rank)rank;
    }
    bool bytes = q->by == BY_BYTES ||
                 (q->by == BY_MEASURE &&
                  (q->measure == MEASURE_QUERY_BYTES || q->measure == MEASURE_RESPONSE_BYTES));
    return bytes ? TOPS_BYTES : TOPS_HITS;
}

static uint64_t value_of(const struct stats_values *values, const struct stats_question *q)
{
    return q->by == BY_RCODE || q->by == BY_QTYPE ? 0 : stats_value(values, q);
}

/* A row of a list that may be an answer. */
struct tops_candidate {
    uint64_t value;
    const struct tops_row *row;
};

static int descending(const void *a, const void *b)
{
    const struct tops_candidate *x = a, *y = b;
    return x->value != y->value ? (x->value < y->value) - (x->value > y->value)
                                : (x->row > y->row) - (x->row < y->row);
}

static void put_row(struct stats_top *top, const struct tops *list, const struct tops_candidate *c,
                    enum tops_rank rank)
{
    struct span text = tops_text(list, c->row);
    top->value = c->value;
    top->values = c->row->values;
    top->error = c->row->error[rank];
    top->text_len = (uint16_t)(text.len < sizeof top->text ? text.len : sizeof top->text - 1);
    memcpy(top->text, text.ptr, top->text_len);
    top->text[top->text_len] = '\0';
}

/* Room for the rows of an answer, and for their tallies in a table that has them. */
static bool make_rows(struct stats_answer *answer, enum stats_table_id table)
{
    bool tallied = table == TABLE_SERVERS;
    answer->rows = calloc(answer->count + 1, sizeof *answer->rows);
    answer->tallies = tallied ? calloc(answer->count + 1, sizeof *answer->tallies) : NULL;
    return answer->rows && (!tallied || answer->tallies);
}

static void put_rows(const struct tops *list, const struct tops_candidate *found,
                     enum tops_rank rank, struct stats_answer *answer)
{
    for (size_t i = 0; i < answer->count; i++) {
        const struct stats_tally *tally = tops_tally(list, found[i].row);
        put_row(&answer->rows[i], list, &found[i], rank);
        if (answer->tallies && tally)
            answer->tallies[i] = *tally;
    }
}

static int answer_question(const struct tops *list, const struct stats_question *question, size_t n,
                           struct stats_answer *answer)
{
    const struct stats_question asked = stats_measured(question), *q = &asked;
    struct tops_candidate *found = malloc((list->len + 1) * sizeof *found);
    enum tops_rank rank = rank_of(q);
    size_t count = 0;
    for (uint32_t i = 0; found && i < list->len; i++) {
        const struct tops_row *row = &list->rows[i];
        uint64_t value = value_of(&row->values, q);
        if (value)
            found[count++] = (struct tops_candidate){value, row};
    }
    if (count)
        qsort(found, count, sizeof *found, descending);
    answer->count = count < n ? count : n;
    answer->found = count;
    answer->found_all = true;
    answer->floor = list->floor[rank];
    bool good = make_rows(answer, q->table) && found && !list->failed;
    if (good)
        put_rows(list, found, rank, answer);
    free(found);
    return good ? 0 : -1;
}

static void count_keys(const struct view *view, const struct stats_stream *stream,
                       enum stats_table_id table, const struct tops *list,
                       struct stats_answer *answer)
{
    answer->keys_exact = list->floor[TOPS_HITS] == 0;
    answer->keys =
        answer->keys_exact ? list->len : view_estimate(view, stream, stats_table_distinct(table));
}

/* The stream with that id, or the total; NULL: it has given up its place. */
static const struct stats_stream *stream_of(const struct view *view,
                                            const struct stats_scope *scope)
{
    for (int i = STATS_ALL; i < (int)view->now->stream_count; i++) {
        const struct stats_stream *stream = stats_snapshot_at(view->now, i, scope->side);
        if (stream->id == scope->stream)
            return stream;
    }
    return NULL;
}

/* The questions about one table have one list, but for those about a part of it. */
static int answer_table(const struct view *view, const struct stats_stream *stream,
                        enum stats_table_id table, const struct stats_question *questions,
                        size_t count, size_t n, struct stats_answer *answers)
{
    const struct tops_part all = {0};
    struct tops list = {0};
    bool made = false;
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        const struct stats_question *q = &questions[i];
        if (q->table != table)
            continue;
        if (!made)
            list = view_list(view, stream, table, n, &all);
        made = true;
        const struct tops_part part = {q->under, q->contains};
        bool whole = tops_part_is_all(&part);
        struct tops some = {0};
        if (!whole)
            some = view_list(view, stream, table, n, &part);
        failed |= answer_question(whole ? &list : &some, q, n, &answers[i]);
        count_keys(view, stream, table, &list, &answers[i]);
        tops_free(&some);
    }
    tops_free(&list);
    return failed;
}

int history_top(struct history *history, const struct stats_scope *scope,
                const struct stats_question *questions, size_t count, size_t n,
                struct stats_answer *answers)
{
    if (scope->window == WINDOW_ALL)
        return stats_top(history->stats, scope, questions, count, n, answers);
    memset(answers, 0, count * sizeof *answers);
    view_catch_up(history);
    struct view view;
    view_begin(&view, history, scope->window);
    const struct stats_stream *stream = stream_of(&view, scope);
    int failed = 0;
    for (int table = 0; stream && table < STATS_TABLES; table++)
        failed |=
            answer_table(&view, stream, (enum stats_table_id)table, questions, count, n, answers);
    view_end(&view);
    if (failed)
        stats_answers_free(answers, count);
    return failed;
}
