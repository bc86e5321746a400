#include "http/stream_reply.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"

enum { BLOCK = 16 << 10, BEAT_SECONDS = 15 };

/* A comment of server-sent events: proxies see that we live, and we see whether the client does. */
static const char sign_of_life[] = ":\n\n";

enum flow_state {
    FLOW_READING, /* what is put from now on may be missed by the read */
    FLOW_WOKEN,   /* there is something to read */
    FLOW_ASLEEP,  /* the connection is suspended */
};

/* One for each stream that is being sent. Owner: its response. */
struct flow {
    struct http_waiter waiter; /* first: the stream's way to us */
    struct flows *owner;
    struct flow *next, **link; /* under the owner's lock */
    struct http_stream *stream;
    struct MHD_Connection *connection;
    int fd;
    pthread_mutex_t lock; /* of the state, and around suspending and resuming */
    enum flow_state state;
    atomic_bool ended;    /* the client has left, or the server stops */
    atomic_bool beat_due; /* a sign of life is to be sent */
    uint64_t beat_at;     /* when the next one will be; the sweep's */
};

void flows_init(struct flows *flows)
{
    *flows = (struct flows){0};
    pthread_mutex_init(&flows->lock, NULL);
}

void flows_destroy(struct flows *flows)
{
    pthread_mutex_destroy(&flows->lock);
}

/* Sets FLOW_READING or FLOW_WOKEN; a connection that sleeps is woken by it. */
static void set_state(struct flow *flow, enum flow_state state)
{
    pthread_mutex_lock(&flow->lock);
    if (flow->state == FLOW_ASLEEP)
        MHD_resume_connection(flow->connection);
    flow->state = state;
    pthread_mutex_unlock(&flow->lock);
}

/* True when the connection sleeps now, false when somebody has called meanwhile. */
static bool fall_asleep(struct flow *flow)
{
    pthread_mutex_lock(&flow->lock);
    bool asleep = flow->state == FLOW_READING;
    if (asleep) {
        flow->state = FLOW_ASLEEP;
        MHD_suspend_connection(flow->connection);
    }
    pthread_mutex_unlock(&flow->lock);
    return asleep;
}

static void wake(struct http_waiter *waiter)
{
    set_state((struct flow *)waiter, FLOW_WOKEN);
}

static long read_some(struct flow *flow, char *out, size_t size)
{
    set_state(flow, FLOW_READING);
    if (atomic_load(&flow->ended))
        return -1;
    long len = flow->stream->read(flow->stream, out, size);
    if (len == 0 && size >= sizeof sign_of_life && atomic_exchange(&flow->beat_due, false)) {
        len = sizeof sign_of_life - 1;
        memcpy(out, sign_of_life, (size_t)len);
    }
    return len;
}

/* MHD_ContentReaderCallback */
static ssize_t read_flow(void *cls, uint64_t pos, char *out, size_t size)
{
    struct flow *flow = cls;
    long len;
    (void)pos;
    do
        len = read_some(flow, out, size);
    while (len == 0 && !fall_asleep(flow));
    return len < 0 ? MHD_CONTENT_READER_END_OF_STREAM : len;
}

/* MHD_ContentReaderFreeCallback. Once the stream is closed nobody calls any more. */
static void free_flow(void *cls)
{
    struct flow *flow = cls;
    flow->stream->close(flow->stream);
    pthread_mutex_lock(&flow->owner->lock);
    *flow->link = flow->next;
    if (flow->next)
        flow->next->link = flow->link;
    pthread_mutex_unlock(&flow->owner->lock);
    pthread_mutex_destroy(&flow->lock);
    free(flow);
}

static void add_flow(struct flows *flows, struct flow *flow)
{
    pthread_mutex_lock(&flows->lock);
    flow->ended = flows->stopping;
    flow->next = flows->first;
    flow->link = &flows->first;
    if (flow->next)
        flow->next->link = &flow->next;
    flows->first = flow;
    pthread_mutex_unlock(&flows->lock);
    atomic_exchange(&flow->stream->waiter, &flow->waiter); /* http_stream_wake */
}

struct MHD_Response *flow_response(struct flows *flows, struct http_stream *stream,
                                   struct MHD_Connection *connection, int fd)
{
    struct flow *flow = calloc(1, sizeof *flow);
    struct MHD_Response *response =
        flow
            ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_flow, flow, free_flow)
            : NULL;
    if (!response) {
        stream->close(stream);
        free(flow);
        return NULL;
    }
    pthread_mutex_init(&flow->lock, NULL);
    flow->waiter.wake = wake;
    flow->owner = flows;
    flow->stream = stream;
    flow->connection = connection;
    flow->fd = fd;
    flow->beat_at = clock_after(BEAT_SECONDS * CLOCK_SECOND_NS);
    add_flow(flows, flow);
    return response;
}

static bool client_left(const struct flow *flow)
{
    struct pollfd pfd = {.fd = flow->fd, .events = POLLRDHUP};
    return poll(&pfd, 1, 0) > 0;
}

void flows_sweep(struct flows *flows, uint64_t now)
{
    pthread_mutex_lock(&flows->lock);
    for (struct flow *flow = flows->first; flow; flow = flow->next) {
        bool left = client_left(flow), beat = flow->beat_at <= now;
        if (left)
            atomic_store(&flow->ended, true);
        if (beat) {
            flow->beat_at = now + BEAT_SECONDS * CLOCK_SECOND_NS;
            atomic_store(&flow->beat_due, true);
        }
        if (left || beat)
            set_state(flow, FLOW_WOKEN);
    }
    pthread_mutex_unlock(&flows->lock);
}

void flows_stop(struct flows *flows)
{
    pthread_mutex_lock(&flows->lock);
    flows->stopping = true;
    for (struct flow *flow = flows->first; flow; flow = flow->next) {
        atomic_store(&flow->ended, true);
        set_state(flow, FLOW_WOKEN);
    }
    pthread_mutex_unlock(&flows->lock);
}
