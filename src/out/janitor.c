#include "out/janitor.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/thread.h"

static void tidy(struct janitor *janitor)
{
    struct rotated_failure failure;
    char what[PATH_MAX + 32];
    if (rotated_tidy(janitor->rotated, janitor->keep, janitor->how, &janitor->out->interrupted,
                     &failure) == 0)
        return;
    int len = snprintf(what, sizeof what, "%s", failure.name);
    if (failure.more)
        snprintf(what + len, sizeof what - (size_t)len, " (and %u more)", failure.more);
    trouble_say(&janitor->trouble, janitor->out, failure.action, what, strerror(failure.error));
}

static void *run(void *arg)
{
    struct janitor *janitor = arg;
    thread_begin("janitor", 0);
    thread_background();
    pthread_mutex_lock(&janitor->lock);
    while (janitor->wanted || !janitor->stopping) {
        if (!janitor->wanted) {
            pthread_cond_wait(&janitor->changed, &janitor->lock);
            continue;
        }
        janitor->wanted = false;
        pthread_mutex_unlock(&janitor->lock);
        tidy(janitor);
        pthread_mutex_lock(&janitor->lock);
    }
    pthread_mutex_unlock(&janitor->lock);
    return NULL;
}

static bool start(struct janitor *janitor)
{
    if (janitor->started)
        return true;
    pthread_mutex_init(&janitor->lock, NULL);
    pthread_cond_init(&janitor->changed, NULL);
    int rc = pthread_create(&janitor->thread, NULL, run, janitor);
    janitor->started = rc == 0;
    if (rc)
        log_warning("%s: cannot start a thread for rotated files: %s", janitor->out->name,
                    strerror(rc));
    return janitor->started;
}

static void raise_flag(struct janitor *janitor, bool *flag)
{
    pthread_mutex_lock(&janitor->lock);
    *flag = true;
    pthread_cond_signal(&janitor->changed);
    pthread_mutex_unlock(&janitor->lock);
}

void janitor_call(struct janitor *janitor)
{
    if (start(janitor))
        raise_flag(janitor, &janitor->wanted);
}

void janitor_end(struct janitor *janitor)
{
    if (!janitor->started)
        return;
    raise_flag(janitor, &janitor->stopping);
    pthread_join(janitor->thread, NULL);
    pthread_cond_destroy(&janitor->changed);
    pthread_mutex_destroy(&janitor->lock);
    janitor->started = false;
}
