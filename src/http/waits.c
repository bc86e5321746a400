#include "http/waits.h"

void waits_init(struct waits *waits)
{
    *waits = (struct waits){0};
    pthread_mutex_init(&waits->lock, NULL);
    pthread_cond_init(&waits->none, NULL);
}

void waits_destroy(struct waits *waits)
{
    pthread_cond_destroy(&waits->none);
    pthread_mutex_destroy(&waits->lock);
}

static void wake(void *arg)
{
    struct wait *wait = arg;
    struct waits *waits = wait->owner;
    pthread_mutex_lock(&waits->lock);
    MHD_resume_connection(wait->connection);
    if (--waits->count == 0)
        pthread_cond_broadcast(&waits->none);
    pthread_mutex_unlock(&waits->lock);
}

int wait_begin(struct waits *waits, struct wait *wait, struct MHD_Connection *connection,
               const struct api_request *request, char *query, size_t len, struct error *err)
{
    *wait = (struct wait){.owner = waits, .connection = connection};
    wait->api = (struct api_wait){
        .request = *request, .query = query, .query_len = len, .wake = wake, .arg = wait};
    pthread_mutex_lock(&waits->lock);
    if (waits->stopping || !api_wait_fits(request->route, waits->count))
        error_set(err, "too many wait already");
    else
        wait->begun = api_wait_begin(&wait->api, err) == 0;
    if (wait->begun) {
        waits->count++;
        MHD_suspend_connection(connection);
    }
    pthread_mutex_unlock(&waits->lock);
    return wait->begun ? 0 : -1;
}

struct api_reply wait_end(struct wait *wait)
{
    api_wait_end(&wait->api);
    wait->begun = false;
    return wait->api.reply;
}

void waits_stop(struct waits *waits)
{
    pthread_mutex_lock(&waits->lock);
    waits->stopping = true;
    while (waits->count > 0)
        pthread_cond_wait(&waits->none, &waits->lock);
    pthread_mutex_unlock(&waits->lock);
}
