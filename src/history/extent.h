/*
 * Extents: from when to when the numbers are that roll-ups have. One tells its span of the
 * calendar, though Spile may have begun in the midst of it; shorter ones beside it tell more, as
 * long as they count all that it does. Else some of them have been trimmed, and the longer one's
 * span is all that is known.
 */
#ifndef SPILE_HISTORY_EXTENT_H
#define SPILE_HISTORY_EXTENT_H

#include "history/plan.h"
#include "history/store.h"

/* When what a roll-up has begins, and when it ends: at its own ends, or at those of a shorter one.
 */
struct plan_span extent_of(struct reader *reader, enum stats_side side, enum history_kind kind,
                           int64_t start_ms);
/* The same of records `what` that make up a span (gather_span), which a question's span was widened
 * to: but what comes behind that one's end moves its end no farther than that. INT64_MAX and
 * asked->to_ms when there is nothing. */
struct plan_span extent_of_span(struct reader *reader, unsigned what, const struct plan_span *span,
                                int64_t asked_end_ms);

#endif
