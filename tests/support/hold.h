/*
 * A worker whose thread waits for the test. Meanwhile the test may do in its stead what belongs on
 * that thread, and what comes for the worker gathers.
 */
#ifndef SPILE_TESTS_HOLD_H
#define SPILE_TESTS_HOLD_H

#include <semaphore.h>
#include <stdlib.h>

#include "core/worker.h"

struct hold {
    struct worker_item item;
    struct worker *worker;
    sem_t held, go, gone;
};

static void hold_stop(struct worker_item *item)
{
    (void)item;
}

static inline void await_semaphore(sem_t *semaphore)
{
    while (sem_wait(semaphore) < 0) {
    }
}

static void hold_begin(struct worker_item *item, struct worker *worker)
{
    struct hold *hold = (struct hold *)item;
    sem_post(&hold->held);
    await_semaphore(&hold->go);
    worker_detach(worker, &hold->item);
    sem_post(&hold->gone);
}

static inline struct hold *hold_worker(struct worker *worker)
{
    struct hold *hold = malloc(sizeof *hold);
    *hold = (struct hold){.item = {.begin = hold_begin, .stop = hold_stop}, .worker = worker};
    sem_init(&hold->held, 0, 0);
    sem_init(&hold->go, 0, 0);
    sem_init(&hold->gone, 0, 0);
    worker_begin(worker, &hold->item);
    await_semaphore(&hold->held);
    return hold;
}

static inline void hold_release(struct hold *hold)
{
    sem_post(&hold->go);
    await_semaphore(&hold->gone);
    sem_destroy(&hold->held);
    sem_destroy(&hold->go);
    sem_destroy(&hold->gone);
    free(hold);
}

#endif
