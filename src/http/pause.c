#include "http/pause.h"

#include <poll.h>

#include "base/clock.h"

void pauses_init(struct pauses *pauses)
{
    *pauses = (struct pauses){0};
    pthread_mutex_init(&pauses->lock, NULL);
}

void pauses_destroy(struct pauses *pauses)
{
    pthread_mutex_destroy(&pauses->lock);
}

bool pause_begin(struct pauses *pauses, struct pause *pause, struct MHD_Connection *connection,
                 int fd, uint64_t ns)
{
    pthread_mutex_lock(&pauses->lock);
    bool sleeps = !pauses->stopping;
    if (sleeps) {
        *pause = (struct pause){.next = pauses->first,
                                .link = &pauses->first,
                                .connection = connection,
                                .fd = fd,
                                .due = clock_after(ns)};
        if (pause->next)
            pause->next->link = &pause->next;
        pauses->first = pause;
        MHD_suspend_connection(connection);
    }
    pthread_mutex_unlock(&pauses->lock);
    return sleeps;
}

/* Under the lock. From here on it is the exchange's own again. */
static void wake(struct pause *pause)
{
    struct MHD_Connection *connection = pause->connection;
    *pause->link = pause->next;
    if (pause->next)
        pause->next->link = pause->link;
    MHD_resume_connection(connection);
}

/* In both directions, which a connection that sleeps does not notice. A client that has only said
 * its last word waits like others: it could else have its answer at once. */
static bool is_shut(const struct pause *pause)
{
    struct pollfd pfd = {.fd = pause->fd};
    return poll(&pfd, 1, 0) > 0;
}

void pauses_sweep(struct pauses *pauses, uint64_t now)
{
    pthread_mutex_lock(&pauses->lock);
    for (struct pause *pause = pauses->first, *next; pause; pause = next) {
        next = pause->next;
        if (pause->due <= now || is_shut(pause))
            wake(pause);
    }
    pthread_mutex_unlock(&pauses->lock);
}

void pauses_stop(struct pauses *pauses)
{
    pthread_mutex_lock(&pauses->lock);
    pauses->stopping = true;
    while (pauses->first)
        wake(pauses->first);
    pthread_mutex_unlock(&pauses->lock);
}
