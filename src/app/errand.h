/*
 * Errands: what other threads have the main thread do, and wait for. The waiter's errand lies on
 * his stack; nobody looks at it once errands_do has returned.
 */
#ifndef SPILE_APP_ERRAND_H
#define SPILE_APP_ERRAND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"

enum errand_state { ERRAND_QUEUED, ERRAND_RUNS, ERRAND_PENDS, ERRAND_DONE };

struct errand {
    struct errand *next;
    /* Main thread. True: it is done, always where nobody waits; false: it is when errands_settle is
     * called, or is called once more after errands_again. */
    bool (*call)(struct errand *errand);
    enum errand_state state; /* under the lock */
    bool begun; /* set by `call` where it is false: what it is about goes on, whoever waits */
};

/* Owner: the host. */
struct errands {
    pthread_mutex_t lock;
    pthread_cond_t done;
    uv_async_t wake;
    struct errand *first, **last;
    struct errand *pending; /* done by errands_settle */
    bool open;
};

/* Main thread: begins to listen, on that loop; and ends: who waits is told, as is who comes. */
void errands_open(struct errands *errands, uv_loop_t *loop);
void errands_close(struct errands *errands);
/* No thread knows them any more. */
void errands_free(struct errands *errands);
/* Main thread: the errand that pends, if there is one, is done. */
void errands_settle(struct errands *errands);
/* Or it is called again, soon. */
void errands_again(struct errands *errands);
/* Main thread: there is one. Another one must not pend then. */
bool errands_pend(struct errands *errands);
/* Any other thread: has an errand done, which waits until that moment (clock_ns) at most. -1: err:
 * it has not been done, or not to its end. */
int errands_do(struct errands *errands, struct errand *errand, uint64_t until_ns,
               struct error *err);
/* Has one called, some time, for which nobody waits; it must last. */
void errands_post(struct errands *errands, struct errand *errand);

#endif
