/* Reading for an answer: from memory and from the database, so that each portion is read just once.
 */
#ifndef SPILE_HISTORY_GATHER_H
#define SPILE_HISTORY_GATHER_H

#include "history/ask.h"
#include "history/plan.h"

/* One question being answered. Owner: the caller's stack. */
struct gatherer {
    struct history *history;
    struct history_reader *held; /* of the history's; NULL: none is needed */
    bool reads;                  /* the database can be read */
    uint64_t until_ns;
};

void gather_begin(struct gatherer *gather, const struct ask *ask);
void gather_end(struct gatherer *gather);

/* What a question about records of that kind, `what`, can be answered from now. */
struct plan_sources gather_sources(struct gatherer *gather, unsigned what);

/*
 * `take` is called for each portion in memory: with `seconds` those of single seconds, else those
 * that are not in the database yet. Else, too, the database is seen from here to gather_end as it
 * is now, so no portion is missed or counted twice. When it cannot be read, the answer is what
 * memory knows. -1: err.
 */
int gather_memory(struct gatherer *gather, bool seconds,
                  void (*take)(void *ctx, const struct portion *portion), void *ctx,
                  struct error *err);
/*
 * Calls `take` for records of the database that make up a span, each portion in just one of them:
 * where there is one those of `span->kind`, else, where there are, shorter ones, and only such as
 * lie in the span as a whole. Those of a kind come in order of time, the longest kind first. -1:
 * err.
 */
int gather_span(struct gatherer *gather, const struct reader_span *span,
                bool (*take)(void *ctx, int64_t start_ms, struct span bytes), void *ctx,
                struct error *err);

/* True when `word` is one of the words between commas, or of the family that one of them names;
 * an absent list has all. */
bool gather_wants(struct span list, struct span word);

#endif
