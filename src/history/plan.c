#include "history/plan.h"

#define TIME_MAX_MS INT64_C(253402300800000) /* the year 10000 */

/* Steps that people think in, in seconds. */
static const uint32_t steps[] = {1,     2,     5,      10,     15,      30,      60,    120,
                                 300,   600,   900,    1800,   3600,    7200,    10800, 21600,
                                 43200, 86400, 172800, 604800, 2592000, 31536000};
enum { STEPS = sizeof steps / sizeof *steps };

static int check_span(const struct plan_sources *sources, const struct history_question *question,
                      struct plan_span *span, struct error *err)
{
    span->from_ms = question->from_ms;
    span->to_ms = question->to_ms ? question->to_ms : sources->now_ms;
    if (span->from_ms < 0 || span->to_ms > TIME_MAX_MS || span->from_ms > span->to_ms)
        return error_set(err, "a span of time begins in 1970 at the earliest, and before its end");
    return 0;
}

static int64_t floor_to(int64_t ms, int64_t step)
{
    return ms - ms % step;
}

static size_t points(const struct plan_span *span, int64_t step)
{
    int64_t length = span->to_ms - floor_to(span->from_ms, step);
    return (size_t)((length + step - 1) / step);
}

/* The finest roll-ups that are kept long enough to tell of that moment. */
static enum history_kind finest(const struct plan_sources *sources, int64_t ms)
{
    int kind = HISTORY_MINUTES;
    while (kind < HISTORY_DAYS &&
           ms < sources->now_ms - (int64_t)(sources->settings->keep_ns[kind] / 1000000))
        kind++;
    return (enum history_kind)kind;
}

/* The least step for which there is data from the span's beginning on. Before the seconds in memory
 * there are minutes if there is a database; a moment that is missing does not matter. */
static int64_t least_step(const struct plan_sources *sources, const struct plan_span *span)
{
    int64_t minute = store_kinds[HISTORY_MINUTES].ms;
    if (!sources->settings->path || span->from_ms >= sources->seconds_from_ms - minute)
        return 0;
    return store_kinds[finest(sources, span->from_ms)].ms;
}

/* The first of the steps that is enough. */
static int64_t choose_step(const struct plan_span *span, int64_t least, size_t most)
{
    for (int i = 0; i < STEPS; i++) {
        int64_t step = steps[i] * INT64_C(1000);
        if (step >= least && points(span, step) <= most)
            return step;
    }
    return steps[STEPS - 1] * INT64_C(1000);
}

/* A step of the caller's choice in whole seconds, minutes, hours or days. */
static int64_t round_step(uint64_t wanted)
{
    int64_t step = wanted < (uint64_t)TIME_MAX_MS ? (int64_t)wanted : TIME_MAX_MS;
    int64_t unit = 1000;
    for (int kind = 0; kind < HISTORY_KINDS; kind++) {
        if (step >= store_kinds[kind].ms)
            unit = store_kinds[kind].ms;
    }
    return (step + unit - 1) / unit * unit;
}

static int kind_of_step(const struct plan_sources *sources, int64_t step)
{
    int found = PLAN_SECONDS;
    for (int kind = 0; sources->settings->path && kind < HISTORY_KINDS; kind++) {
        if (step % store_kinds[kind].ms == 0)
            found = kind;
    }
    return found;
}

int plan_points(const struct plan_sources *sources, const struct history_question *question,
                struct plan *plan, struct error *err)
{
    struct plan_span span;
    if (check_span(sources, question, &span, err) < 0)
        return -1;
    int64_t step = question->step_ms ? round_step(question->step_ms)
                                     : choose_step(&span, least_step(sources, &span), PLAN_POINTS);
    if (points(&span, step) > PLAN_POINTS_MAX)
        step = choose_step(&span, step, PLAN_POINTS_MAX);
    size_t count = points(&span, step);
    *plan = (struct plan){
        .from_ms = floor_to(span.from_ms, step),
        .step_ms = step,
        .count = count < PLAN_POINTS_MAX ? count : PLAN_POINTS_MAX,
        .kind = kind_of_step(sources, step),
    };
    return 0;
}

int plan_span(const struct plan_sources *sources, const struct history_question *question,
              struct plan_span *span, struct error *err)
{
    if (check_span(sources, question, span, err) < 0)
        return -1;
    int64_t first = store_kinds[finest(sources, span->from_ms)].ms;
    int64_t last = store_kinds[finest(sources, span->to_ms)].ms;
    span->from_ms = floor_to(span->from_ms, first);
    span->to_ms = floor_to(span->to_ms + last - 1, last);
    return 0;
}

bool plan_next(struct plan_span *span, struct plan_span *part, enum history_kind *kind)
{
    if (span->from_ms >= span->to_ms)
        return false;
    int64_t from = span->from_ms, to = span->to_ms;
    int k = HISTORY_DAYS;
    while (k > HISTORY_MINUTES && (from % store_kinds[k].ms || from + store_kinds[k].ms > to))
        k--;
    int64_t end = floor_to(to, store_kinds[k].ms);
    if (k < HISTORY_DAYS) {
        /* Up to where a longer kind can go on, if it can. */
        int64_t longer = store_kinds[k + 1].ms, next = floor_to(from + longer - 1, longer);
        if (next > from && next + longer <= to)
            end = next;
    }
    if (end <= from) /* less than a minute, at the end */
        end = from + store_kinds[k].ms;
    *part = (struct plan_span){from, end};
    *kind = (enum history_kind)k;
    span->from_ms = end;
    return true;
}
