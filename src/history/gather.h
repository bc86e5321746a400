/* Reading for an answer: from memory and from the database, so that each portion is read just once.
 */
#ifndef SPILE_HISTORY_GATHER_H
#define SPILE_HISTORY_GATHER_H

#include "history/history_priv.h"
#include "history/plan.h"

/* One question being answered. Owner: the caller's stack. */
struct gather {
    struct history *history;
    struct reader *reader; /* NULL: there is no database to read now */
    uint64_t until_ns;
};

/* What a question can be answered from now. Any thread. */
struct plan_sources gather_sources(struct history *history);

/*
 * Begins an answer. `take` is called for each portion in memory: with `seconds` those of single
 * seconds, else those that are not in the database yet. From the same moment to gather_end the
 * database is seen as it is now, so no portion is missed or counted twice. When no database can be
 * read, the answer is what memory knows. -1: err.
 */
int gather_begin(struct gather *gather, struct history *history, bool seconds,
                 void (*take)(void *ctx, const struct portion *portion), void *ctx,
                 struct error *err);
/* Calls `take` for each record of the database in that span, in order of time. -1: err. */
int gather_each(struct gather *gather, const struct reader_span *span,
                bool (*take)(void *ctx, int64_t start_ms, struct span bytes), void *ctx,
                struct error *err);
void gather_end(struct gather *gather);

/* True when `word` is one of the words between commas, or of the family that one of them names;
 * an absent list has all. */
bool gather_wants(struct span list, struct span word);

#endif
