#include "base/curfew.h"

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t at_ns; /* under the lock, as is the next */
    bool watched;   /* there is a thread */
} curfew = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, UINT64_MAX, false};

/* Not even for whoever reads standard error. */
static void end(void)
{
    struct pollfd error = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&error, 1, 0) == 1)
        log_error("stopped with threads that do not end: a disk, or what is written to, is stuck");
    _exit(EXIT_FAILURE);
}

static void *watch(void *arg)
{
    thread_begin("curfew", 0);
    pthread_mutex_lock(&curfew.lock);
    while (clock_ns() < curfew.at_ns) {
        struct timespec at = clock_timespec(curfew.at_ns);
        pthread_cond_clockwait(&curfew.changed, &curfew.lock, CLOCK_MONOTONIC, &at);
    }
    pthread_mutex_unlock(&curfew.lock);
    end();
    return arg;
}

/* One on its own: nobody waits for it. */
static bool start(void)
{
    pthread_attr_t detached;
    pthread_t thread;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    bool started = pthread_create(&thread, &detached, watch, NULL) == 0;
    pthread_attr_destroy(&detached);
    return started;
}

void curfew_set(uint64_t at_ns)
{
    pthread_mutex_lock(&curfew.lock);
    curfew.at_ns = at_ns;
    if (!curfew.watched && at_ns != UINT64_MAX)
        curfew.watched = start();
    pthread_cond_signal(&curfew.changed);
    pthread_mutex_unlock(&curfew.lock);
}
