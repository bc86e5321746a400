#include "in/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

/* Reads of one connection in a row, so that a busy one does not starve the others. */
enum { READS_AT_ONCE = 4, PROBLEM_LINES_PER_SECOND = 5 };
/* When the pipeline drains: how long a connection is heard at the most, and without a byte. */
enum { DRAIN_MS = 300, DRAIN_IDLE_MS = 20 };
/* Between two hints of one listener. */
enum { HINT_PAUSE_S = 60 };

struct connection {
    struct worker_item item;
    struct feed feed;
    struct connection_rules *rules;
    uv_poll_t poll;
    uv_timer_t timer;
    uint64_t peer_key;
    uint64_t delay_ms;
    uint64_t drain_until_ms;  /* of the loop's clock; 0: the pipeline does not drain */
    uint64_t frames_at_check; /* what `feed.to.frames` was when the idle timer last looked */
    unsigned handles;         /* of libuv, not closed yet */
    int fd;
    bool streaming; /* START came, and no STOP since */
    bool silent;    /* counted as silent: the stream has begun long ago and brought nothing */
    bool closing;
};

static struct connection *of_item(struct worker_item *item)
{
    return (struct connection *)((char *)item - offsetof(struct connection, item));
}

static void handle_closed(uv_handle_t *handle)
{
    struct connection *c = handle->data;
    if (--c->handles > 0)
        return;
    close(c->fd);
    atomic_fetch_sub(&c->rules->open, 1);
    feed_destroy(&c->feed);
    worker_detach(c->feed.to.worker, &c->item);
    free(c);
}

static void count_silent(struct connection *c, bool silent)
{
    if (c->silent != silent)
        counter_add_shared(&c->rules->counters->silent, silent ? 1 : (uint64_t)-1);
    c->silent = silent;
}

/* Ends the connection; memory and descriptor go when libuv has let go of its handles. */
static void end(struct connection *c)
{
    if (c->closing)
        return;
    c->closing = true;
    count_silent(c, false);
    c->rules->ended(c->rules, c->peer_key, c->feed.to.frames > 0);
    uv_close((uv_handle_t *)&c->poll, handle_closed);
    uv_close((uv_handle_t *)&c->timer, handle_closed);
}

static void end_broken(struct connection *c, const char *why)
{
    static _Thread_local struct log_limit limit;
    unsigned held;
    counter_add_shared(&c->rules->counters->errors, 1);
    if (log_limit_pass(&limit, PROBLEM_LINES_PER_SECOND, &held)) {
        if (held > 0)
            log_warning("%u more connections ended badly", held);
        log_warning("%s: closed %s: %s", c->rules->listener, c->feed.to.origin.peer, why);
    }
    end(c);
}

static void timer_fired(uv_timer_t *timer)
{
    struct connection *c = timer->data;
    if (feed_end(&c->feed) == FSTRM_STOPPED) {
        end(c);
        return;
    }
    if (!c->streaming) {
        end_broken(c, "no START came in time (handshake-timeout)");
        return;
    }
    if (c->feed.to.frames == c->frames_at_check) {
        end_broken(c, "idle for too long (idle-timeout)");
        return;
    }
    c->frames_at_check = c->feed.to.frames;
    uv_timer_start(timer, timer_fired, c->rules->idle_timeout_ns / 1000000, 0);
}

static void watch_handshake(struct connection *c)
{
    uv_timer_start(&c->timer, timer_fired, c->rules->handshake_timeout_ns / 1000000, 0);
}

static void watch_idle(struct connection *c, uint64_t passed_ns)
{
    uint64_t idle_ns = c->rules->idle_timeout_ns;
    if (idle_ns > 0)
        uv_timer_start(&c->timer, timer_fired, (idle_ns - passed_ns) / 1000000, 0);
    else
        uv_timer_stop(&c->timer);
}

/* One line for all connections of a listener that are silent now. */
static void hint(struct connection *c)
{
    uint64_t now = clock_ns(), due = atomic_load(&c->rules->hint_not_before_ns);
    uint64_t next = now + HINT_PAUSE_S * CLOCK_SECOND_NS;
    if (now >= due && atomic_compare_exchange_strong(&c->rules->hint_not_before_ns, &due, next))
        log_info("hint: %s: %s has connected and begun its stream, but sends "
                 "nothing: " CONNECTION_SILENT_ADVICE,
                 c->rules->listener, c->feed.to.origin.peer);
}

static void silence_noticed(uv_timer_t *timer)
{
    struct connection *c = timer->data;
    if (c->feed.to.frames == 0) {
        count_silent(c, true);
        hint(c);
    }
    watch_idle(c, c->rules->hint_after_ns);
}

/* The stream has started: the handshake's timer is over. A first look whether it brings anything,
 * and the idle timer if there is one. */
static void watch_stream(struct connection *c)
{
    uint64_t hint_ns = c->rules->hint_after_ns, idle_ns = c->rules->idle_timeout_ns;
    if (hint_ns > 0 && c->feed.to.frames == 0 && (idle_ns == 0 || hint_ns < idle_ns))
        uv_timer_start(&c->timer, silence_noticed, hint_ns / 1000000, 0);
    else
        watch_idle(c, 0);
}

static int send_reply(struct feed *feed, struct span bytes)
{
    struct connection *c = (struct connection *)((char *)feed - offsetof(struct connection, feed));
    ssize_t sent = send(c->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    /* An answer has some forty bytes and the socket is empty: it goes whole or the peer is gone. A
     * peer that is gone (unbound does not wait for FINISH) may still have left bytes to read. */
    if (sent == (ssize_t)bytes.len || errno == EPIPE || errno == ECONNRESET)
        return 0;
    return -1;
}

/* A read brought nothing: there is nothing now (`got` < 0 with EAGAIN), or never will be. */
static void read_nothing(struct connection *c, ssize_t got)
{
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    /* Servers leave without STOP (dnsdist), and die: the end of a stream is no error, but what was
     * cut is. */
    if (feed_end(&c->feed) == FSTRM_ERR_TRUNCATED)
        end_broken(c, "the peer left in the middle of a frame");
    else
        end(c);
}

/* The stream's timers after a read: a server that has said START may be silent for as long as it
 * has nothing to report; one that has said STOP has to begin anew in time, or leave. */
static void watch_time(struct connection *c)
{
    bool streaming = fstrm_rx_end(&c->feed.rx, 0) == FSTRM_ERR_NO_STOP;
    if (streaming == c->streaming)
        return;
    c->streaming = streaming;
    if (streaming)
        watch_stream(c);
    else
        watch_handshake(c);
}

enum read_result { READ_NOTHING, READ_SHORT, READ_FULL };

static enum read_result read_once(struct connection *c)
{
    size_t size;
    uint8_t *space = feed_space(&c->feed, &size);
    if (!space) {
        end_broken(c, feed_status_text(FEED_NO_MEMORY));
        return READ_NOTHING;
    }
    ssize_t got = read(c->fd, space, size);
    if (got <= 0) {
        read_nothing(c, got);
        return READ_NOTHING;
    }
    int status = feed_bytes(&c->feed, (size_t)got);
    if (status < 0) {
        end_broken(c, feed_status_text(status));
        return READ_NOTHING;
    }
    if (c->silent && c->feed.to.frames > 0)
        count_silent(c, false);
    if (c->drain_until_ms == 0)
        watch_time(c);
    if ((size_t)got == size && !c->feed.to.enough)
        return READ_FULL;
    worker_short_read(c->feed.to.worker, (size_t)got);
    return READ_SHORT;
}

static void drained(uv_timer_t *timer)
{
    end(timer->data);
}

/* While the pipeline drains: ends the connection when nothing has come for a moment, or time is up.
 */
static void watch_drain(struct connection *c)
{
    if (worker_late(c->feed.to.worker) ||
        uv_now(worker_loop(c->feed.to.worker)) >= c->drain_until_ms)
        end(c);
    else if (!c->closing)
        uv_timer_start(&c->timer, drained, DRAIN_IDLE_MS, 0);
}

static void readable(uv_poll_t *poll, int status, int events)
{
    struct connection *c = poll->data;
    (void)status; /* an error shows in the read */
    (void)events;
    for (int i = 0; i < READS_AT_ONCE && read_once(c) == READ_FULL; i++)
        ;
    if (c->drain_until_ms > 0)
        watch_drain(c);
}

/*
 * The pipeline drains: what the peer has sent is still taken. The socket holds most of it, but a
 * sender over TCP that has said all and left may have more than our window on its own side. A busy
 * one goes on for ever: it is heard for a moment only.
 */
static void stop(struct worker_item *item)
{
    struct connection *c = of_item(item);
    if (c->closing)
        return;
    c->drain_until_ms = uv_now(worker_loop(c->feed.to.worker)) + DRAIN_MS;
    uv_poll_start(&c->poll, UV_READABLE, readable);
    watch_drain(c);
}

static void poke(struct worker_item *item)
{
    struct connection *c = of_item(item);
    if (!c->closing && atomic_load(&c->feed.partial.evicted))
        end_broken(c, feed_status_text(FEED_NO_MEMORY));
}

static void serve(uv_timer_t *timer)
{
    struct connection *c = timer->data;
    watch_handshake(c);
    uv_poll_start(&c->poll, UV_READABLE, readable);
}

/* The system has no room for another watched descriptor. */
static void discard(struct connection *c)
{
    log_warning("%s: cannot serve %s", c->rules->listener, c->feed.to.origin.peer);
    c->handles = 1;
    handle_closed((uv_handle_t *)&c->timer);
}

/* On the worker's thread. */
static void begin(struct worker *worker, void *arg)
{
    struct connection *c = arg;
    uv_loop_t *loop = worker_loop(worker);
    struct origin origin = c->feed.to.origin;
    feed_init(&c->feed, worker, c->rules->counters);
    c->feed.to.origin = origin;
    handover_list(&c->feed.to);
    c->feed.reply = send_reply;
    c->timer.data = c->poll.data = c;
    worker_attach(worker, &c->item);
    if (uv_poll_init(loop, &c->poll, c->fd) < 0) {
        discard(c);
        return;
    }
    uv_timer_init(loop, &c->timer);
    c->handles = 2;
    if (c->delay_ms > 0)
        uv_timer_start(&c->timer, serve, c->delay_ms, 0);
    else
        serve(&c->timer);
}

int connection_start(struct connection_rules *rules, struct worker *worker, int fd,
                     const struct origin *origin, uint64_t peer_key, uint64_t delay_ms)
{
    struct connection *c = calloc(1, sizeof *c);
    if (!c) {
        close(fd);
        return -1;
    }
    c->item = (struct worker_item){.stop = stop, .poke = poke};
    c->rules = rules;
    c->fd = fd;
    c->peer_key = peer_key;
    c->delay_ms = delay_ms;
    c->feed.to.origin = *origin;
    atomic_fetch_add(&rules->open, 1);
    if (worker_post(worker, begin, c) == 0)
        return 0;
    atomic_fetch_sub(&rules->open, 1);
    close(fd);
    free(c);
    return -1;
}
