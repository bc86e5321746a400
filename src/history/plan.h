/* How a question is answered: from which roll-ups, and how points and spans are cut. */
#ifndef SPILE_HISTORY_PLAN_H
#define SPILE_HISTORY_PLAN_H

#include "history/history.h"
#include "history/store.h"

enum { PLAN_POINTS = 600, PLAN_POINTS_MAX = 1000, PLAN_SECONDS = -1 };

/* What is there. */
struct plan_sources {
    int64_t now_ms;
    int64_t seconds_from_ms; /* where the seconds in memory begin */
    const struct history_settings *settings;
};

/* Points of a series: the i-th begins at from_ms + i * step_ms. */
struct plan {
    int64_t from_ms, step_ms;
    size_t count;
    int kind; /* enum history_kind, or PLAN_SECONDS: from memory */
};
/* -1: the span is empty or makes no sense; err says why. */
int plan_points(const struct plan_sources *sources, const struct history_question *question,
                struct plan *plan, struct error *err);

/* A whole span for lists, rounded to what is kept; then part by part. */
struct plan_span {
    int64_t from_ms, to_ms;
};
int plan_span(const struct plan_sources *sources, const struct history_question *question,
              struct plan_span *span, struct error *err);
/* The first part of the span that roll-ups of one kind make up. False: nothing is left. Then the
 * span begins behind that part. */
bool plan_next(struct plan_span *span, struct plan_span *part, enum history_kind *kind);

#endif
