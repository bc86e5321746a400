/*
 * The janitor of one file output: a thread of low priority that tidies up behind rotations, so that
 * the writer never waits for a compression or a directory.
 */
#ifndef SPILE_OUT_JANITOR_H
#define SPILE_OUT_JANITOR_H

#include <pthread.h>
#include <stdbool.h>

#include "core/output.h"
#include "out/rotated.h"
#include "out/trouble.h"

/* Owner: the file output. Zeroed is one that was never called. */
struct janitor {
    const struct output *out; /* a compression gives up when its `interrupted` is set */
    const struct rotated *rotated;
    uint64_t keep;
    enum compression how;
    struct trouble trouble; /* the thread's */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool started;
    bool wanted, stopping; /* under the lock */
};

/* Has it tidy up the rotated files; the first call starts the thread. A call while it
 * works has it look once more afterwards. */
void janitor_call(struct janitor *janitor);
/* Lets it finish what it was called for, unless the output is interrupted, then ends and joins the
 * thread. */
void janitor_end(struct janitor *janitor);

#endif
