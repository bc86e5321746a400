/* How a question is answered: how points and spans are cut. What is there decides, not what should
 * be: roll-ups that were trimmed, or came to be kept for longer only later, are missing. */
#ifndef SPILE_HISTORY_PLAN_H
#define SPILE_HISTORY_PLAN_H

#include "history/history.h"
#include "history/kind.h"

enum { PLAN_POINTS = 600, PLAN_POINTS_MAX = 1000, PLAN_SECONDS = -1 };

/* What is there. */
struct plan_sources {
    int64_t now_ms;
    int64_t seconds_from_ms; /* where the seconds in memory begin */
    bool on_disk;            /* there are longer kinds, too */
    unsigned what;           /* the records asked for: history/record.h */
    /* The start of the first record of a kind from a moment on; INT64_MAX: there is none. */
    int64_t (*next)(void *ctx, unsigned what, enum history_kind kind, int64_t from_ms);
    void *ctx;
};

/* Points of a series: the i-th begins at from_ms + i * step_ms. */
struct query_plan {
    int64_t from_ms, step_ms;
    size_t count;
    int kind; /* the longest that fits into a step, or PLAN_SECONDS: from memory */
};
/* -1: the span is empty or makes no sense; err says why. */
int plan_points(const struct plan_sources *sources, const struct history_question *question,
                struct query_plan *plan, struct error *err);

/* A whole span for lists, widened to what is kept: where there are no shorter roll-ups any more the
 * longer ones are taken as a whole. */
struct plan_span {
    int64_t from_ms, to_ms;
};
int plan_span(const struct plan_sources *sources, const struct history_question *question,
              struct plan_span *span, struct error *err);
/* Where the span ends that was asked for: with a minute. */
int64_t plan_asked_end(const struct plan_sources *sources, const struct history_question *question);
/* How far what ends there says anything: not beyond the present. */
int64_t plan_end(const struct plan_sources *sources, const struct history_question *question,
                 int64_t end_ms);

#endif
