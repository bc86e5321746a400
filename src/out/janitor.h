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
    const struct output *out; /* its `interrupted` ends a compression */
    const char *path;
    uint64_t keep;
    enum compression how;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool started;
    bool wanted, stopping; /* under the lock */
};

/* Has it look after the files of out/path; the thread starts with the first call. A call while it
 * works has it look once more. */
void janitor_call(struct janitor *janitor);
/* Lets it finish what it was called for, unless the output is interrupted, and ends it. */
void janitor_end(struct janitor *janitor);

#endif
