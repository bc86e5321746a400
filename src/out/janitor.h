/*
 * The janitor of one file output: a thread of low priority that tidies up behind rotations, so that
 * the writer never waits for a compression or a directory.
 */
#ifndef SPILE_OUT_JANITOR_H
#define SPILE_OUT_JANITOR_H

#include <pthread.h>
#include <stdbool.h>

#include "core/output.h"
#include "out/compress.h"

/* Owner: the file output. Zeroed is one that was never called. */
struct janitor {
    const struct output *out; /* a compression gives up when its `interrupted` is set */
    const char *path;
    uint64_t keep;
    enum compression how;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool started;
    bool wanted, stopping; /* under the lock */
};

/* Has it tidy up the rotated files of `path`; the first call starts the thread. A call while it
 * works has it look once more afterwards. */
void janitor_call(struct janitor *janitor);
/* Lets it finish what it was called for, unless the output is interrupted, then ends and joins the
 * thread. */
void janitor_end(struct janitor *janitor);

#endif
