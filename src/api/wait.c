#include "api/wait.h"

#include <string.h>

#include "api/serve.h"
#include "base/thread.h"

static void *run(void *arg)
{
    struct api_wait *wait = arg;
    thread_begin("api-wait", 0);
    api_serve(&wait->request, wait->query, wait->query_len, &wait->reply);
    atomic_store(&wait->done, true);
    wait->wake(wait->arg);
    return NULL;
}

bool api_wait_fits(const struct api_route *route, size_t waiting)
{
    return waiting < API_WAITS_MAX + (route->ends ? 1U : 0U);
}

int api_wait_begin(struct api_wait *wait, struct error *err)
{
    atomic_store(&wait->done, false);
    int rc = pthread_create(&wait->thread, NULL, run, wait);
    return rc == 0 ? 0 : error_set(err, "cannot start a thread: %s", strerror(rc));
}

void api_wait_end(struct api_wait *wait)
{
    pthread_join(wait->thread, NULL);
}
