/*
 * Portions that wait to be written: the seconds until the writer has its turn, or as long as a disk
 * is in trouble, four hours of them. Each has a number, from one on, by which readers know whether
 * the database has it (history/gather.c).
 *
 * It has no lock: callers have that of the history. The writer alone, which claims some, reads
 * those without it.
 */
#ifndef SPILE_HISTORY_WAITING_H
#define SPILE_HISTORY_WAITING_H

#include "history/record.h"

enum {
    WAITING_MAX = 240,        /* portions, one a minute: then the oldest go */
    WAITING_BYTES = 16 << 20, /* and of so many bytes */
};

/* Oldest first: a ring. Zeroed is empty. */
struct waiting_portions {
    struct portion portions[WAITING_MAX];
    size_t first, count, bytes;
    size_t busy; /* the first so many are being written */
    uint64_t lost;
    uint64_t numbered; /* the last number that was given */
    uint64_t written;  /* the last number that has left because it is in the database */
};

/* The i-th of them. */
static inline const struct portion *waiting_at(const struct waiting_portions *waiting, size_t i)
{
    return &waiting->portions[(waiting->first + i) % WAITING_MAX];
}
/* Takes the portion's bytes over. */
void waiting_put(struct waiting_portions *waiting, struct portion *portion);
/* How many are to be written now, at most so many; they stay where they are until waiting_settle,
 * whatever comes. */
size_t waiting_claim(struct waiting_portions *waiting, size_t most);
/* So many of those that were claimed are written, and leave; the others wait on. */
void waiting_settle(struct waiting_portions *waiting, size_t written);
/* The database has all up to that number. None is claimed. */
void waiting_forget(struct waiting_portions *waiting, uint64_t written);
/* Calls `take` for those whose numbers are behind `written`. */
void waiting_each(const struct waiting_portions *waiting, uint64_t written,
                  void (*take)(void *ctx, const struct portion *portion), void *ctx);
void waiting_free(struct waiting_portions *waiting);

#endif
