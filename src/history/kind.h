/* The kinds of roll-ups, as spans of the calendar (UTC). Weeks begin on Mondays. */
#ifndef SPILE_HISTORY_KIND_H
#define SPILE_HISTORY_KIND_H

#include "history/history.h"

/* Times that can be: from 1970 on, before the year 10000; Unix milliseconds. */
#define HISTORY_END_MS INT64_C(253402300800000)

/* Milliseconds; of a month those of the shortest. */
extern const int64_t kind_ms[HISTORY_ALL_KINDS];

/* The beginning of the span of that kind that a moment (Unix milliseconds) lies in. */
int64_t kind_start(enum history_kind kind, int64_t ms);
/* The end of that span: where the next begins. */
int64_t kind_end(enum history_kind kind, int64_t ms);

#endif
