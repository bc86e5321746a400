#include "http/stream_reply.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"

enum { BLOCK = 16 << 10, BEAT_SECONDS = 15 };

/* A comment of server-sent events: proxies see that we live, and we see whether the client does. */
static const char sign_of_life[] = ":\n\n";

enum reply_state {
    REPLY_READING, /* what is put from now on may be missed by the read */
    REPLY_WOKEN,   /* there is something to read */
    REPLY_ASLEEP,  /* the connection is suspended */
};

/* One for each stream that is being sent. Owner: its response. */
struct stream_reply {
    struct api_waiter waiter; /* first: the stream's way to us */
    struct stream_replies *owner;
    struct stream_reply *next, **link; /* under the owner's lock */
    struct api_endless *stream;
    struct MHD_Connection *connection;
    int fd;
    pthread_mutex_t lock; /* of the state, and around suspending and resuming */
    enum reply_state state;
    atomic_bool ended;    /* the client has left, or the server stops */
    atomic_bool beat_due; /* a sign of life is to be sent */
    uint64_t beat_at;     /* when the next one will be; the sweep's */
};

void stream_replies_init(struct stream_replies *replies)
{
    *replies = (struct stream_replies){0};
    pthread_mutex_init(&replies->lock, NULL);
}

void stream_replies_destroy(struct stream_replies *replies)
{
    pthread_mutex_destroy(&replies->lock);
}

/* Sets REPLY_READING or REPLY_WOKEN; a connection that sleeps is woken by it. */
static void set_state(struct stream_reply *reply, enum reply_state state)
{
    pthread_mutex_lock(&reply->lock);
    if (reply->state == REPLY_ASLEEP)
        MHD_resume_connection(reply->connection);
    reply->state = state;
    pthread_mutex_unlock(&reply->lock);
}

/* True when the connection sleeps now, false when somebody has called meanwhile. */
static bool fall_asleep(struct stream_reply *reply)
{
    pthread_mutex_lock(&reply->lock);
    bool asleep = reply->state == REPLY_READING;
    if (asleep) {
        reply->state = REPLY_ASLEEP;
        MHD_suspend_connection(reply->connection);
    }
    pthread_mutex_unlock(&reply->lock);
    return asleep;
}

static void wake(struct api_waiter *waiter)
{
    set_state((struct stream_reply *)waiter, REPLY_WOKEN);
}

static long read_some(struct stream_reply *reply, char *out, size_t size)
{
    set_state(reply, REPLY_READING);
    if (atomic_load(&reply->ended))
        return -1;
    long len = reply->stream->read(reply->stream, out, size);
    if (len == 0 && size >= sizeof sign_of_life && atomic_exchange(&reply->beat_due, false)) {
        len = sizeof sign_of_life - 1;
        memcpy(out, sign_of_life, (size_t)len);
    }
    return len;
}

/* MHD_ContentReaderCallback */
static ssize_t read_on(void *cls, uint64_t pos, char *out, size_t size)
{
    struct stream_reply *reply = cls;
    long len;
    (void)pos;
    do
        len = read_some(reply, out, size);
    while (len == 0 && !fall_asleep(reply));
    return len < 0 ? MHD_CONTENT_READER_END_OF_STREAM : len;
}

/* MHD_ContentReaderFreeCallback. Once the stream is closed nobody calls any more. */
static void free_reply(void *cls)
{
    struct stream_reply *reply = cls;
    reply->stream->close(reply->stream);
    pthread_mutex_lock(&reply->owner->lock);
    *reply->link = reply->next;
    if (reply->next)
        reply->next->link = reply->link;
    pthread_mutex_unlock(&reply->owner->lock);
    pthread_mutex_destroy(&reply->lock);
    free(reply);
}

static void add_reply(struct stream_replies *replies, struct stream_reply *reply)
{
    pthread_mutex_lock(&replies->lock);
    reply->ended = replies->stopping;
    reply->next = replies->first;
    reply->link = &replies->first;
    if (reply->next)
        reply->next->link = &reply->next;
    replies->first = reply;
    pthread_mutex_unlock(&replies->lock);
    atomic_exchange(&reply->stream->waiter, &reply->waiter); /* api_endless_wake */
}

struct MHD_Response *stream_reply_begin(struct stream_replies *replies, struct api_endless *stream,
                                        struct MHD_Connection *connection, int fd)
{
    struct stream_reply *reply = calloc(1, sizeof *reply);
    struct MHD_Response *response =
        reply
            ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_on, reply, free_reply)
            : NULL;
    if (!response) {
        stream->close(stream);
        free(reply);
        return NULL;
    }
    pthread_mutex_init(&reply->lock, NULL);
    reply->waiter.wake = wake;
    reply->owner = replies;
    reply->stream = stream;
    reply->connection = connection;
    reply->fd = fd;
    reply->beat_at = clock_after(BEAT_SECONDS * CLOCK_SECOND_NS);
    add_reply(replies, reply);
    return response;
}

static bool client_left(const struct stream_reply *reply)
{
    struct pollfd pfd = {.fd = reply->fd, .events = POLLRDHUP};
    return poll(&pfd, 1, 0) > 0;
}

void stream_replies_sweep(struct stream_replies *replies, uint64_t now)
{
    pthread_mutex_lock(&replies->lock);
    for (struct stream_reply *reply = replies->first; reply; reply = reply->next) {
        bool left = client_left(reply), beat = reply->beat_at <= now;
        if (left)
            atomic_store(&reply->ended, true);
        if (beat) {
            reply->beat_at = now + BEAT_SECONDS * CLOCK_SECOND_NS;
            atomic_store(&reply->beat_due, true);
        }
        if (left || beat)
            set_state(reply, REPLY_WOKEN);
    }
    pthread_mutex_unlock(&replies->lock);
}

void stream_replies_stop(struct stream_replies *replies)
{
    pthread_mutex_lock(&replies->lock);
    replies->stopping = true;
    for (struct stream_reply *reply = replies->first; reply; reply = reply->next) {
        atomic_store(&reply->ended, true);
        set_state(reply, REPLY_WOKEN);
    }
    pthread_mutex_unlock(&replies->lock);
}
