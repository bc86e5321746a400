/* Standard error while the screen is ours: its lines are kept, and given back at the end. */
#ifndef SPILE_TOP_STASH_H
#define SPILE_TOP_STASH_H

#include <stddef.h>

enum { STASH_MAX = 8192 };

/* Owner: one thread. */
struct stash {
    int real;             /* the true standard error; -1: nothing is held back */
    int fd;               /* what was written instead comes here */
    char kept[STASH_MAX]; /* the end of it */
    size_t len;
    char last[256]; /* the last whole line */
};

/* From now on standard error is held back. -1: it could not be, and stays as it is. */
int stash_begin(struct stash *stash);
/* Takes what has come. Returns whether `last` is new. */
int stash_read(struct stash *stash);
/* Standard error is itself again, and gets what was kept. */
void stash_end(struct stash *stash);

#endif
