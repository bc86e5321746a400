#include "top/feed.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"

#define NEVER_NS (UINT64_MAX / 2)

struct top_feed {
    const struct top_origin *origin;
    const atomic_bool *ended;
    pthread_t thread;
    int fd;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    struct top_wish wish;
    unsigned interval_ms;
    bool hurry; /* the wish is new */
    bool stop;
    enum top_news news;
    struct top_view view;
    struct error problem;
};

/* Waits until it is time to gather; false: it is time to end. */
static bool wait_turn(struct top_feed *feed, uint64_t last_ns, struct top_wish *wish)
{
    pthread_mutex_lock(&feed->lock);
    while (!feed->stop && !feed->hurry) {
        uint64_t due = feed->interval_ms ? last_ns + feed->interval_ms * CLOCK_MS_NS : NEVER_NS;
        struct timespec until = clock_timespec(due);
        if (clock_ns() >= due)
            break;
        pthread_cond_timedwait(&feed->changed, &feed->lock, &until);
    }
    bool go = !feed->stop;
    feed->hurry = false;
    *wish = feed->wish;
    pthread_mutex_unlock(&feed->lock);
    return go;
}

static void publish(struct top_feed *feed, enum top_news news, struct top_view *view,
                    const struct error *problem)
{
    uint64_t one = 1;
    pthread_mutex_lock(&feed->lock);
    top_view_free(&feed->view);
    feed->view = *view;
    feed->problem = *problem;
    feed->news = news;
    pthread_mutex_unlock(&feed->lock);
    ssize_t written = write(feed->fd, &one, sizeof one);
    (void)written; /* EAGAIN: the reader knows already */
}

/* What was wished for since the last time. */
static int reset(struct top_feed *feed, const struct top_wish *wish, unsigned *resets,
                 struct error *err)
{
    const struct top_origin *origin = feed->origin;
    bool wanted = *resets != wish->resets;
    *resets = wish->resets;
    return wanted && origin->reset ? origin->reset(origin->state, wish->window, err) : 0;
}

static void *run(void *arg)
{
    struct top_feed *feed = arg;
    struct top_wish wish;
    unsigned resets = 0;
    uint64_t last_ns = 0;
    thread_begin("feed", 0);
    while (wait_turn(feed, last_ns, &wish)) {
        struct top_view view = {0};
        struct error problem = {0};
        last_ns = clock_ns();
        bool last = feed->ended && atomic_load(feed->ended);
        bool good = reset(feed, &wish, &resets, &problem) == 0 &&
                    top_gather(feed->origin, &wish, &view, &problem) == 0;
        publish(feed, good ? last ? TOP_LAST_VIEW : TOP_VIEW : TOP_PROBLEM, &view, &problem);
    }
    return NULL;
}

static int start(struct top_feed *feed)
{
    pthread_mutex_init(&feed->lock, NULL);
    thread_cond_init(&feed->changed);
    feed->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (feed->fd < 0)
        return -1;
    errno = pthread_create(&feed->thread, NULL, run, feed);
    if (errno)
        close(feed->fd);
    return errno ? -1 : 0;
}

struct top_feed *top_feed_start(const struct top_origin *origin, const atomic_bool *ended,
                                struct error *err)
{
    struct top_feed *feed = calloc(1, sizeof *feed);
    if (feed) {
        feed->origin = origin;
        feed->ended = ended;
    }
    if (feed && start(feed) == 0)
        return feed;
    error_set(err, "cannot start a thread: %s", strerror(feed ? errno : ENOMEM));
    free(feed);
    return NULL;
}

void top_feed_stop(struct top_feed *feed)
{
    if (!feed)
        return;
    pthread_mutex_lock(&feed->lock);
    feed->stop = true;
    pthread_cond_signal(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
    if (feed->origin->cancel)
        feed->origin->cancel(feed->origin->state);
    pthread_join(feed->thread, NULL);
    top_view_free(&feed->view);
    pthread_cond_destroy(&feed->changed);
    pthread_mutex_destroy(&feed->lock);
    close(feed->fd);
    free(feed);
}

static bool same(const struct top_wish *a, const struct top_wish *b)
{
    return strcmp(a->stream, b->stream) == 0 && a->side == b->side && a->window == b->window &&
           a->resets == b->resets && a->rows == b->rows && a->subject.kind == b->subject.kind &&
           strcmp(a->subject.text, b->subject.text) == 0 &&
           memcmp(a->by, b->by, sizeof a->by) == 0 &&
           memcmp(a->tables, b->tables, sizeof a->tables) == 0;
}

void top_feed_wish(struct top_feed *feed, const struct top_wish *wish, unsigned interval_ms)
{
    pthread_mutex_lock(&feed->lock);
    feed->hurry |= !same(&feed->wish, wish);
    feed->wish = *wish;
    feed->interval_ms = interval_ms;
    pthread_cond_signal(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
}

int top_feed_fd(const struct top_feed *feed)
{
    return feed->fd;
}

enum top_news top_feed_take(struct top_feed *feed, struct top_view *view, struct error *problem)
{
    uint64_t count;
    pthread_mutex_lock(&feed->lock);
    ssize_t got = read(feed->fd, &count, sizeof count);
    (void)got; /* EAGAIN: no news */
    enum top_news news = feed->news;
    if (news == TOP_PROBLEM)
        *problem = feed->problem;
    if (news == TOP_VIEW || news == TOP_LAST_VIEW) {
        top_view_free(view);
        *view = feed->view;
        feed->view = (struct top_view){0};
    }
    feed->news = TOP_NOTHING;
    pthread_mutex_unlock(&feed->lock);
    return news;
}
