#include "app/errand.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "base/thread.h"

/* Behind the last of a list, be they one or a list themselves. */
static void append(struct errand **list, struct errand *errands)
{
    while (*list)
        list = &(*list)->next;
    *list = errands;
}

static void take_off(struct errand **list, const struct errand *errand)
{
    while (*list && *list != errand)
        list = &(*list)->next;
    if (*list)
        *list = errand->next;
}

static struct errand *take(struct errands *e)
{
    struct errand *errand = e->first;
    if (!errand)
        return NULL;
    e->first = errand->next;
    errand->next = NULL;
    errand->state = ERRAND_RUNS;
    return errand;
}

static void ran(struct errands *e, struct errand *errand, enum errand_state state)
{
    errand->state = state;
    assert(state != ERRAND_PENDS || !e->pending);
    if (state == ERRAND_WAITS)
        append(&e->waiting, errand);
    else if (state == ERRAND_PENDS)
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
        enum errand_state state = errand->call(errand);
        pthread_mutex_lock(&e->lock);
        ran(e, errand, state);
    }
    pthread_mutex_unlock(&e->lock);
}

void errands_open(struct errands *e, uv_loop_t *loop)
{
    *e = (struct errands){.open = true};
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

/* With the lock. */
static void queue(struct errands *e, struct errand *errands)
{
    append(&e->first, errands);
    if (e->open)
        uv_async_send(&e->wake);
}

void errands_again(struct errands *e)
{
    pthread_mutex_lock(&e->lock);
    queue(e, e->waiting);
    e->waiting = NULL;
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
    if (e->pending == errand)
        e->pending = NULL;
    take_off(&e->waiting, errand);
    take_off(&e->first, errand);
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
    errand->next = NULL;
    errand->state = ERRAND_QUEUED;
    queue(e, errand);
    bool done = wait_done(e, errand, until_ns), pends = errand->state == ERRAND_PENDS;
    if (!done)
        forget(e, errand);
    bool ends = !e->open;
    pthread_mutex_unlock(&e->lock);
    if (done)
        return 0;
    return error_set(err, "%s",
                     ends    ? "the program is about to end"
                     : pends ? "it is under way still, and goes on"
                             : "the program is busy and has not begun");
}
