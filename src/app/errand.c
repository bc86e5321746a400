#include "app/errand.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "base/thread.h"

static struct errand *take(struct errands *e)
{
    struct errand *errand = e->first;
    if (!errand)
        return NULL;
    e->first = errand->next;
    if (!e->first)
        e->last = &e->first;
    errand->state = ERRAND_RUNS;
    return errand;
}

/* One may pend at a time: who comes meanwhile runs, and finds what it is about at work. */
static void ran(struct errands *e, struct errand *errand, bool done)
{
    assert(done || !e->pending);
    errand->state = done ? ERRAND_DONE : ERRAND_PENDS;
    if (!done)
        e->pending = errand;
    pthread_cond_broadcast(&e->done);
}

static void woken(uv_async_t *wake)
{
    struct errands *e = wake->data;
    struct errand *errand;
    pthread_mutex_lock(&e->lock);
    while ((errand = take(e))) {
        pthread_mutex_unlock(&e->lock);
        bool done = errand->call(errand);
        pthread_mutex_lock(&e->lock);
        ran(e, errand, done);
    }
    pthread_mutex_unlock(&e->lock);
}

void errands_open(struct errands *e, uv_loop_t *loop)
{
    *e = (struct errands){.open = true};
    e->last = &e->first;
    pthread_mutex_init(&e->lock, NULL);
    thread_cond_init(&e->done);
    uv_async_init(loop, &e->wake, woken);
    e->wake.data = e;
}

void errands_close(struct errands *e)
{
    pthread_mutex_lock(&e->lock);
    e->open = false;
    pthread_cond_broadcast(&e->done);
    pthread_mutex_unlock(&e->lock);
    uv_close((uv_handle_t *)&e->wake, NULL);
}

void errands_free(struct errands *e)
{
    pthread_cond_destroy(&e->done);
    pthread_mutex_destroy(&e->lock);
}

void errands_settle(struct errands *e)
{
    pthread_mutex_lock(&e->lock);
    if (e->pending)
        e->pending->state = ERRAND_DONE;
    e->pending = NULL;
    pthread_cond_broadcast(&e->done);
    pthread_mutex_unlock(&e->lock);
}

bool errands_pend(struct errands *e)
{
    pthread_mutex_lock(&e->lock);
    bool pend = e->pending != NULL;
    pthread_mutex_unlock(&e->lock);
    return pend;
}

/* With the lock. */
static void queue(struct errands *e, struct errand *errand)
{
    errand->next = NULL;
    errand->state = ERRAND_QUEUED;
    *e->last = errand;
    e->last = &errand->next;
    if (e->open)
        uv_async_send(&e->wake);
}

void errands_again(struct errands *e)
{
    pthread_mutex_lock(&e->lock);
    if (e->pending)
        queue(e, e->pending);
    e->pending = NULL;
    pthread_mutex_unlock(&e->lock);
}

void errands_post(struct errands *e, struct errand *errand)
{
    pthread_mutex_lock(&e->lock);
    queue(e, errand);
    pthread_mutex_unlock(&e->lock);
}

/* Nobody is to find it any more. */
static void forget(struct errands *e, const struct errand *errand)
{
    struct errand **at = &e->first;
    if (e->pending == errand)
        e->pending = NULL;
    while (*at && *at != errand)
        at = &(*at)->next;
    if (*at)
        *at = errand->next;
    e->last = &e->first;
    while (*e->last)
        e->last = &(*e->last)->next;
}

/* Waits until it is done. One that runs must not be left alone. */
static bool wait_done(struct errands *e, const struct errand *errand, uint64_t until_ns)
{
    struct timespec until = clock_timespec(until_ns);
    int rc = 0;
    while (errand->state != ERRAND_DONE) {
        if (errand->state == ERRAND_RUNS)
            pthread_cond_wait(&e->done, &e->lock);
        else if (rc == ETIMEDOUT || !e->open)
            return false;
        else
            rc = pthread_cond_timedwait(&e->done, &e->lock, &until);
    }
    return true;
}

int errands_do(struct errands *e, struct errand *errand, uint64_t until_ns, struct error *err)
{
    pthread_mutex_lock(&e->lock);
    queue(e, errand);
    bool done = wait_done(e, errand, until_ns);
    if (!done)
        forget(e, errand);
    bool ends = !e->open;
    pthread_mutex_unlock(&e->lock);
    if (done)
        return 0;
    return error_set(err, "%s",
                     ends            ? "the program is about to end"
                     : errand->begun ? "it is under way still, and goes on"
                                     : "the program is busy and has not begun");
}
