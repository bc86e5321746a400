#include "app/control.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "api/serve.h"
#include "api/wait.h"
#include "app/control_request.h"
#include "app/control_socket.h"
#include "base/clock.h"
#include "base/thread.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

enum {
    REQUEST_SECONDS = 5, /* for a request to come */
    REPLY_SECONDS = 10,  /* and for its reply to be taken */
    STREAMS = 16,        /* replies without end, at most */
    GROUPS = 1024,
    PIECE = 16 << 10,
    REST_MS = 100,       /* after there was no descriptor left */
    SETTLE_SECONDS = 10, /* for all who have asked one that is replaced */
    SETTLE_LOOK_MS = 2,
};

enum call_state { CALL_ASKS, CALL_WAITS, CALL_IS_ANSWERED, CALL_STREAMS };

/* A connection. */
struct call {
    struct api_waiter waiter; /* of a stream */
    struct control *control;
    int fd; /* -1: nobody's */
    enum call_state state;
    uint64_t until_ns;
    struct buf in, out;
    size_t sent; /* of `out` */
    struct api_endless *stream;
    struct api_wait wait; /* of one that waits */
};

/* Its own thread, but for what is atomic, and `wake`. */
struct control {
    const struct api_context *context;
    struct control_socket socket;
    int wake;
    pthread_t thread;
    bool started;
    atomic_bool stopping;
    atomic_bool
        leaving; /* another one has taken over: who is there is answered, and nobody comes */
    atomic_bool settled; /* and all are */
    bool left;           /* all who had come by then have been let in, by the one or the other */
    uint64_t rests_until_ns;
    size_t streams;
    size_t waits;
    size_t size;
    struct call calls[CONTROL_CONNECTIONS];
};

/* --- replies -------------------------------------------------------------------------------- */

/* The type without its parameters, since a space ends it. */
static void put_head(struct buf *out, const struct api_reply *reply, size_t len)
{
    const char *type = reply->content_type ? reply->content_type : "application/json";
    buf_printf(out, "%u %.*s ", reply->status ? reply->status : 200, (int)strcspn(type, "; "),
               type);
    if (reply->stream)
        buf_str(out, "-\n");
    else
        buf_printf(out, "%zu\n", len);
}

/* Takes what the reply owns. */
static void put_reply(struct call *call, struct api_reply *reply)
{
    struct span body = reply->body.len > 0 ? buf_span(&reply->body) : reply->fixed;
    put_head(&call->out, reply, body.len);
    if (!reply->stream && body.len > 0)
        buf_put(&call->out, body.ptr, body.len);
    buf_free(&reply->body);
    call->state = reply->stream ? CALL_STREAMS : CALL_IS_ANSWERED;
    call->until_ns = clock_after(REPLY_SECONDS * CLOCK_SECOND_NS);
}

static void refuse(struct call *call, unsigned status, const char *text)
{
    struct api_reply reply = {0};
    api_fail(&reply, status, "%s", text);
    put_reply(call, &reply);
}

/* --- streams -------------------------------------------------------------------------------- */

static void wake(const struct control *control)
{
    uint64_t one = 1;
    ssize_t written = write(control->wake, &one, sizeof one);
    (void)written; /* it fails when it is to wake already */
}

static void wake_for(struct api_waiter *waiter)
{
    wake(((struct call *)waiter)->control);
}

static void begin_stream(struct call *call, struct api_endless *stream)
{
    call->stream = stream;
    call->control->streams++;
    call->waiter.wake = wake_for;
    atomic_exchange(&stream->waiter, &call->waiter);
}

/* Reads on when all has been sent. False: it is at its end. */
static bool refill(struct call *call)
{
    char piece[PIECE];
    long len = 0;
    if (call->sent < call->out.len)
        return true;
    call->out.len = call->sent = 0;
    len = call->stream->read(call->stream, piece, sizeof piece);
    if (len > 0)
        buf_put(&call->out, piece, (size_t)len);
    return len >= 0;
}

/* --- replies that take their time ------------------------------------------------------------ */

static void wake_control(void *control)
{
    wake(control);
}

static void begin_wait(struct call *call, const struct api_request *request,
                       const struct control_request *asked)
{
    struct control *control = call->control;
    struct error err;
    call->wait = (struct api_wait){.request = *request,
                                   .query = asked->query,
                                   .query_len = asked->query_len,
                                   .wake = wake_control,
                                   .arg = control};
    if (!api_wait_fits(request->route, control->waits)) {
        refuse(call, 503, "too many wait already");
    } else if (api_wait_begin(&call->wait, &err) < 0) {
        refuse(call, 503, err.text);
    } else {
        call->state = CALL_WAITS;
        control->waits++;
    }
}

static void end_wait(struct call *call)
{
    api_wait_end(&call->wait);
    call->control->waits--;
    put_reply(call, &call->wait.reply);
}

/* --- a call --------------------------------------------------------------------------------- */

static void end(struct call *call)
{
    if (call->state == CALL_WAITS)
        end_wait(call);
    if (call->stream) {
        call->stream->close(call->stream);
        call->control->streams--;
    }
    close(call->fd);
    buf_free(&call->in);
    buf_free(&call->out);
    *call = (struct call){.control = call->control, .fd = -1};
}

/* The route of a request; NULL: the call has been refused. */
static const struct api_route *route_of(struct call *call, const struct control_request *asked)
{
    const struct api_route *route = api_route_for(asked->path, asked->method);
    if (!route || !api_route_is_documented(route)) {
        bool there = !route && api_route_find(span_str(asked->path));
        refuse(call, there ? 405 : 404,
               there ? "this path does not take that method" : "there is no such path");
        return NULL;
    }
    if (asked->body.len > 0 && !route->takes_body) {
        refuse(call, 413, "this path takes no body");
        return NULL;
    }
    return route;
}

static void answer(struct call *call, struct control_request *asked)
{
    struct control *control = call->control;
    const struct api_route *route = route_of(call, asked);
    struct api_reply reply = {0};
    if (!route)
        return;
    struct api_request request = {.context = control->context,
                                  .route = route,
                                  .path = span_str(route->path),
                                  .body = asked->body};
    if (route->waits) {
        begin_wait(call, &request, asked);
        return;
    }
    api_serve(&request, asked->query, asked->query_len, &reply);
    struct api_endless *stream = reply.stream;
    if (stream && control->streams >= STREAMS) {
        stream->close(stream);
        refuse(call, 503, "too many look on already");
        return;
    }
    put_reply(call, &reply);
    if (stream)
        begin_stream(call, stream);
}

/* False: the call is over. */
static bool hear(struct call *call)
{
    struct control_request asked;
    struct error err;
    char piece[PIECE];
    ssize_t len = recv(call->fd, piece, sizeof piece, 0);
    if (len <= 0)
        return len < 0 && (errno == EAGAIN || errno == EINTR);
    if (call->state != CALL_ASKS)
        return true; /* one request, and no more */
    buf_put(&call->in, piece, (size_t)len);
    if (call->in.failed)
        return false;
    switch (control_request_read(&asked, (char *)call->in.data, call->in.len, &err)) {
    case CONTROL_WHOLE:
        answer(call, &asked);
        break;
    case CONTROL_WRONG:
        refuse(call, 400, err.text);
        break;
    case CONTROL_MORE:
        break;
    }
    return true;
}

/* False: the call is over. */
static bool tell(struct call *call)
{
    while (call->stream ? refill(call) : true) {
        size_t left = call->out.len - call->sent;
        if (call->out.failed || (left == 0 && !call->stream))
            return false;
        if (left == 0)
            return true;
        ssize_t len = send(call->fd, call->out.data + call->sent, left, MSG_NOSIGNAL);
        if (len < 0)
            return errno == EAGAIN || errno == EINTR;
        call->sent += (size_t)len;
    }
    return false;
}

/* --- who comes ------------------------------------------------------------------------------ */

static bool is_member(int fd, gid_t primary, gid_t group)
{
    static gid_t groups[GROUPS];
    socklen_t len = sizeof groups;
    if (group == (gid_t)-1 || primary == group)
        return group != (gid_t)-1;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
        return false;
    for (size_t i = 0; i < len / sizeof *groups; i++) {
        if (groups[i] == group)
            return true;
    }
    return false;
}

static bool may_ask(const struct control *control, int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return false;
    return peer.uid == 0 || peer.uid == geteuid() || is_member(fd, peer.gid, control->socket.group);
}

static struct call *free_call(struct control *control)
{
    for (size_t i = 0; i < control->size; i++) {
        if (control->calls[i].fd < 0)
            return &control->calls[i];
    }
    return NULL;
}

/* Says why, as far as it can be said without waiting, and ends it. */
static void turn_away(struct control *control, int fd, unsigned status, const char *text)
{
    struct call call = {.control = control, .fd = fd};
    refuse(&call, status, text);
    tell(&call);
    end(&call);
}

static void admit(struct control *control, int fd)
{
    struct call *call = free_call(control);
    if (!may_ask(control, fd)) {
        turn_away(control, fd, 403,
                  "root, the user that the program runs as, and members of "
                  "control: {group} may ask, and nobody else");
    } else if (!call) {
        turn_away(control, fd, 503, "too many ask at once");
    } else {
        call->fd = fd;
        call->until_ns = clock_after(REQUEST_SECONDS * CLOCK_SECOND_NS);
    }
}

static void accept_all(struct control *control)
{
    int fd;
    while ((fd = accept4(control->socket.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        admit(control, fd);
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
        control->rests_until_ns = clock_after(REST_MS * CLOCK_MS_NS);
}

/* --- the thread ----------------------------------------------------------------------------- */

static short wants(const struct call *call)
{
    bool tells = call->sent < call->out.len;
    return tells ? POLLIN | POLLOUT : POLLIN;
}

/* Whether it has to be done with by then. */
static bool is_timed(const struct call *call)
{
    return call->state == CALL_ASKS || call->state == CALL_IS_ANSWERED;
}

/* The wake-up, the listener, then the calls: poll passes over those without a descriptor. Returns
 * how long to wait, in milliseconds. */
static int prepare(const struct control *control, struct pollfd *fds)
{
    uint64_t now = clock_ns(), until = UINT64_MAX;
    bool rests = now < control->rests_until_ns;
    if (rests)
        until = control->rests_until_ns;
    fds[0] = (struct pollfd){.fd = control->wake, .events = POLLIN};
    fds[1] =
        (struct pollfd){.fd = rests || control->left ? -1 : control->socket.fd, .events = POLLIN};
    for (size_t i = 0; i < control->size; i++) {
        const struct call *call = &control->calls[i];
        bool waits = call->state == CALL_WAITS; /* a wake-up ends it, and not who hangs up */
        fds[i + 2] = (struct pollfd){.fd = waits ? -1 : call->fd, .events = wants(call)};
        if (call->fd >= 0 && is_timed(call) && call->until_ns < until)
            until = call->until_ns;
    }
    if (until == UINT64_MAX)
        return -1;
    return until > now ? (int)((until - now) / CLOCK_MS_NS) + 1 : 0;
}

/* What has come is heard before the time is looked at: another's request may have taken long. */
static void attend(struct call *call, short events)
{
    if (call->state == CALL_WAITS && atomic_load(&call->wait.done))
        end_wait(call);
    bool goes_on = !(events & (POLLIN | POLLHUP | POLLERR)) || hear(call);
    if (goes_on && (call->state == CALL_IS_ANSWERED || call->state == CALL_STREAMS))
        goes_on = tell(call);
    bool late = is_timed(call) && clock_ns() >= call->until_ns;
    if (!goes_on || late)
        end(call);
}

static void serve(struct control *control)
{
    struct pollfd fds[CONTROL_CONNECTIONS + 2];
    int wait_ms = prepare(control, fds);
    if (poll(fds, control->size + 2, wait_ms) < 0)
        return;
    if (fds[0].revents) {
        uint64_t count;
        ssize_t got = read(control->wake, &count, sizeof count);
        (void)got; /* it is for waking alone */
    }
    for (size_t i = 0; i < control->size; i++) {
        if (control->calls[i].fd >= 0)
            attend(&control->calls[i], fds[i + 2].revents);
    }
    bool leaving = atomic_load(&control->leaving);
    if (leaving ? !control->left && !control->socket.shared : fds[1].revents)
        accept_all(control);
    control->left = leaving;
}

/* Streams keep nobody waiting. */
static bool is_settled(const struct control *control)
{
    bool asked = !control->left;
    for (size_t i = 0; i < control->size; i++)
        asked |= control->calls[i].fd >= 0 && control->calls[i].state != CALL_STREAMS;
    return !asked;
}

static void *run(void *arg)
{
    struct control *control = arg;
    thread_begin("control", 0);
    while (!atomic_load(&control->stopping)) {
        serve(control);
        if (is_settled(control))
            atomic_store(&control->settled, true);
    }
    for (size_t i = 0; i < control->size; i++) {
        if (control->calls[i].fd >= 0)
            end(&control->calls[i]);
    }
    return NULL;
}

/* --- beginning and end ---------------------------------------------------------------------- */

int control_start(struct control *control, struct error *err)
{
    control->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (control->wake < 0)
        return error_set(err, "control: %s", strerror(errno));
    int rc = pthread_create(&control->thread, NULL, run, control);
    control->started = rc == 0;
    if (rc == 0)
        return 0;
    close(control->wake);
    return error_set(err, "control: cannot start a thread: %s", strerror(rc));
}

struct control *control_open(const struct control_settings *settings, size_t connections,
                             const struct api_context *context, const struct control *before,
                             struct error *err)
{
    struct control *control = calloc(1, sizeof *control);
    if (!control) {
        error_set(err, "no memory");
        return NULL;
    }
    control->context = context;
    control->size = connections < CONTROL_CONNECTIONS ? connections : CONTROL_CONNECTIONS;
    for (size_t i = 0; i < control->size; i++)
        control->calls[i] = (struct call){.control = control, .fd = -1};
    if (control_socket_open(&control->socket, settings, before ? &before->socket : NULL, err) == 0)
        return control;
    free(control);
    return NULL;
}

bool control_is(const struct control *control, const struct control_settings *settings)
{
    return control_socket_is(&control->socket, settings);
}

void control_leave(struct control *control, struct control *next)
{
    if (next)
        control_socket_follow(&next->socket, &control->socket);
    else
        control_socket_leave(&control->socket);
    atomic_store(&control->leaving, true);
    if (control->started)
        wake(control);
}

void control_settle(struct control *control, const atomic_bool *hurry)
{
    const struct timespec rest = {.tv_nsec = SETTLE_LOOK_MS * (long)CLOCK_MS_NS};
    uint64_t until = clock_after(SETTLE_SECONDS * CLOCK_SECOND_NS);
    while (control->started && !atomic_load(&control->settled) && !atomic_load(hurry) &&
           clock_ns() < until)
        nanosleep(&rest, NULL);
}

void control_stop(struct control *control)
{
    if (!control)
        return;
    if (control->started) {
        atomic_store(&control->stopping, true);
        wake(control);
        pthread_join(control->thread, NULL);
        close(control->wake);
    }
    control_socket_close(&control->socket);
    free(control);
}
