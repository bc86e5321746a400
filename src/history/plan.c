#include "history/plan.h"

/* Steps that people think in, in seconds. */
static const uint32_t steps[] = {1,     2,     5,      10,     15,      30,      60,    120,
                                 300,   600,   900,    1800,   3600,    7200,    10800, 21600,
                                 43200, 86400, 172800, 604800, 2592000, 31536000};
enum {
    STEPS = sizeof steps / sizeof *steps,
    END_PART = 16 /* of the longer kind: see is_finer_than */
};

static int check_span(const struct plan_sources *sources, const struct history_question *question,
                      struct plan_span *span, struct error *err)
{
    span->from_ms = question->from_ms;
    span->to_ms = question->to_ms ? question->to_ms : sources->now_ms;
    if (span->from_ms < 0 || span->to_ms > HISTORY_END_MS || span->from_ms > span->to_ms)
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

static int64_t next(const struct plan_sources *sources, int kind, int64_t from_ms)
{
    return sources->next(sources->ctx, sources->what, (enum history_kind)kind, from_ms);
}

/* --- points --------------------------------------------------------------------------------- */

/* True when wherever there are roll-ups of the longer kind there are some of the shorter one, too.
 * Where the span has just an end of the first one they do not matter: they may just be going. */
static bool is_finer_than(const struct plan_sources *sources, const struct plan_span *span,
                          int kind, enum history_kind longer)
{
    int64_t at = kind_start(longer, span->from_ms);
    while ((at = next(sources, (int)longer, at)) < span->to_ms) {
        int64_t end = kind_end(longer, at);
        bool matters = end - span->from_ms > kind_ms[longer] / END_PART;
        if (matters && next(sources, kind, at) >= end)
            return false;
        at = end;
    }
    return true;
}

static bool is_finest(const struct plan_sources *sources, const struct plan_span *span, int kind)
{
    /* Steps of so long a span are longer anyway. */
    if (points(span, kind_ms[kind + 1]) > PLAN_POINTS)
        return false;
    for (int longer = kind + 1; longer < HISTORY_KINDS; longer++) {
        if (!is_finer_than(sources, span, kind, (enum history_kind)longer))
            return false;
    }
    return true;
}

/* The least step for which there is data from the span's beginning on. Before the seconds in memory
 * there are minutes if there is a database; a moment that is missing does not matter. */
static int64_t least_step(const struct plan_sources *sources, const struct plan_span *span)
{
    if (!sources->on_disk || span->from_ms >= sources->seconds_from_ms - kind_ms[HISTORY_MINUTES])
        return 0;
    int kind = HISTORY_MINUTES;
    while (kind < HISTORY_DAYS && !is_finest(sources, span, kind))
        kind++;
    return kind_ms[kind];
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

static int kind_of_step(const struct plan_sources *sources, int64_t step)
{
    int found = PLAN_SECONDS;
    for (int kind = 0; sources->on_disk && kind < HISTORY_KINDS; kind++) {
        if (step % kind_ms[kind] == 0)
            found = kind;
    }
    return found;
}

/* True when something is there, of that kind or a shorter one. */
static bool has_any(const struct plan_sources *sources, const struct plan_span *span, int kind)
{
    if (kind == PLAN_SECONDS)
        return span->to_ms > sources->seconds_from_ms;
    for (; kind >= 0; kind--) {
        if (next(sources, kind, kind_start((enum history_kind)kind, span->from_ms)) < span->to_ms)
            return true;
    }
    return false;
}

/* A step of the caller's choice in whole seconds, minutes, hours or days; longer when just longer
 * roll-ups are there. */
static int64_t round_step(const struct plan_sources *sources, const struct plan_span *span,
                          uint64_t wanted)
{
    int64_t step = wanted < (uint64_t)HISTORY_END_MS ? (int64_t)wanted : HISTORY_END_MS;
    int64_t unit = 1000;
    for (int kind = 0; kind < HISTORY_KINDS; kind++) {
        if (step >= kind_ms[kind])
            unit = kind_ms[kind];
    }
    step = (step + unit - 1) / unit * unit;
    int kind = kind_of_step(sources, step);
    if (!sources->on_disk || has_any(sources, span, kind))
        return step;
    for (kind++; kind < HISTORY_KINDS; kind++) {
        if (has_any(sources, span, kind))
            return kind_ms[kind];
    }
    return step;
}

int plan_points(const struct plan_sources *sources, const struct history_question *question,
                struct query_plan *plan, struct error *err)
{
    struct plan_span span;
    if (check_span(sources, question, &span, err) < 0)
        return -1;
    int64_t step = question->step_ms ? round_step(sources, &span, question->step_ms)
                                     : choose_step(&span, least_step(sources, &span), PLAN_POINTS);
    if (points(&span, step) > PLAN_POINTS_MAX)
        step = choose_step(&span, step, PLAN_POINTS_MAX);
    size_t count = points(&span, step);
    *plan = (struct query_plan){
        .from_ms = floor_to(span.from_ms, step),
        .step_ms = step,
        .count = count < PLAN_POINTS_MAX ? count : PLAN_POINTS_MAX,
        .kind = kind_of_step(sources, step),
    };
    return 0;
}

/* --- spans ---------------------------------------------------------------------------------- */

static int64_t minute_end(int64_t ms)
{
    int64_t start = kind_start(HISTORY_MINUTES, ms);
    return start < ms ? kind_end(HISTORY_MINUTES, ms) : ms;
}

/* True when a roll-up shorter than `kind` begins in the span. */
static bool has_shorter(const struct plan_sources *sources, int kind, int64_t from_ms,
                        int64_t to_ms)
{
    while (--kind >= 0) {
        if (next(sources, kind, from_ms) < to_ms)
            return true;
    }
    return false;
}

/*
 * An end of a span that lies in a longer roll-up moves to that one's when on the way there nothing
 * shorter is there: then either nothing came there, or the shorter ones have gone. So a span that
 * ends now has today's roll-up, and not its hours and minutes.
 */
static void widen(const struct plan_sources *sources, struct plan_span *span, int kind)
{
    int64_t start = kind_start((enum history_kind)kind, span->from_ms);
    if (start < span->from_ms && next(sources, kind, start) == start &&
        !has_shorter(sources, kind, start, span->from_ms))
        span->from_ms = start;
    start = kind_start((enum history_kind)kind, span->to_ms);
    int64_t end = kind_end((enum history_kind)kind, span->to_ms);
    if (start < span->to_ms && next(sources, kind, start) == start &&
        !has_shorter(sources, kind, span->to_ms, end))
        span->to_ms = end;
}

int plan_span(const struct plan_sources *sources, const struct history_question *question,
              struct plan_span *span, struct error *err)
{
    if (check_span(sources, question, span, err) < 0)
        return -1;
    span->from_ms = kind_start(HISTORY_MINUTES, span->from_ms);
    span->to_ms = minute_end(span->to_ms);
    for (int kind = HISTORY_HOURS; sources->on_disk && kind < HISTORY_ALL_KINDS; kind++)
        widen(sources, span, kind);
    return 0;
}

int64_t plan_asked_end(const struct plan_sources *sources, const struct history_question *question)
{
    return minute_end(question->to_ms ? question->to_ms : sources->now_ms);
}

int64_t plan_end(const struct plan_sources *sources, const struct history_question *question,
                 int64_t end_ms)
{
    int64_t most = question->to_ms > sources->now_ms ? question->to_ms : sources->now_ms;
    return end_ms < most ? end_ms : most;
}
