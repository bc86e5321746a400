#include "in/listener.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

enum { ACCEPTS_AT_ONCE = 64, PAUSE_MS = 100, LINES_PER_SECOND = 2 };

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

static void connection_ended(struct connection_rules *rules, uint64_t peer_key, bool useful)
{
    struct listener *l = (struct listener *)((char *)rules - offsetof(struct listener, rules));
    penalty_note(&l->penalty, peer_key, useful, now_ms());
}

static void refuse(struct listener *l, int fd, const char *who, const char *why)
{
    static struct log_limit limit;
    unsigned held;
    counter_add_shared(&l->input->counters.refused, 1);
    if (log_limit_pass(&limit, LINES_PER_SECOND, &held)) {
        if (held > 0)
            log_warning("%u more connections were refused", held);
        log_warning("%s: refused %s: %s", l->name, who, why);
    }
    close(fd);
}

static void take(struct listener *l, int fd, const struct sockaddr_storage *address)
{
    struct peer peer = {0};
    if (!l->admit(l, fd, address, &peer)) {
        refuse(l, fd, peer.text, "not in the access list (allow)");
        return;
    }
    if (atomic_load(&l->rules.open) >= l->options->connections_max) {
        refuse(l, fd, peer.text, "too many connections (max-connections)");
        return;
    }
    uint64_t delay_ms;
    if (!penalty_admit(&l->penalty, peer.penalty_key, now_ms(), &delay_ms)) {
        refuse(l, fd, peer.text, "it keeps reconnecting, without bringing anything");
        return;
    }
    struct origin origin = {.input = l->input->index, .host_len = peer.host_len};
    snprintf(origin.peer, sizeof origin.peer, "%s", peer.text);
    counter_add_shared(&l->input->counters.connections, 1);
    log_debug("%s: connection from %s%s", l->name, peer.text,
              delay_ms ? " (slowed down: it keeps reconnecting)" : "");
    connection_start(&l->rules, pipeline_pick_worker(l->input->pipeline), fd, &origin,
                     peer.penalty_key, delay_ms);
}

static void acceptable(uv_poll_t *poll, int status, int events);

static void resume(uv_timer_t *timer)
{
    struct listener *l = timer->data;
    if (l->active)
        uv_poll_start(&l->poll, UV_READABLE, acceptable);
}

/* Out of descriptors or memory: the connection stays in the backlog, and so would the event. */
static void pause_accepting(struct listener *l, int error)
{
    static struct log_limit limit;
    unsigned held;
    if (log_limit_pass(&limit, 1, &held))
        log_warning("%s: cannot accept: %s; trying again", l->name, strerror(error));
    uv_poll_stop(&l->poll);
    uv_timer_start(&l->pause, resume, PAUSE_MS, 0);
}

static void acceptable(uv_poll_t *poll, int status, int events)
{
    struct listener *l = poll->data;
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        struct sockaddr_storage address = {0};
        socklen_t len = sizeof address;
        int fd = accept4(l->fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take(l, fd, &address);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        if (errno != EAGAIN)
            pause_accepting(l, errno);
        return;
    }
}

int listener_start(struct listener *l, struct input *in, const struct listener_options *options,
                   int fd, struct error *err)
{
    if (listen(fd, (int)options->backlog) < 0) {
        close(fd);
        return error_set(err, "cannot listen on %s: %s", l->name, strerror(errno));
    }
    l->input = in;
    l->options = options;
    l->fd = fd;
    l->rules = (struct connection_rules){
        .listener = l->name,
        .handshake_timeout_ns = options->handshake_timeout_ns,
        .idle_timeout_ns = options->idle_timeout_ns,
        .hint_after_ns = options->hint_after_ns,
        .counters = &in->counters,
        .ended = connection_ended,
    };
    penalty_init(&l->penalty);
    uv_loop_t *loop = pipeline_loop(in->pipeline);
    uv_poll_init(loop, &l->poll, fd);
    uv_timer_init(loop, &l->pause);
    l->poll.data = l->pause.data = l;
    l->active = true;
    counter_add_shared(&in->counters.open, 1);
    uv_poll_start(&l->poll, UV_READABLE, acceptable);
    log_info("listening on %s", l->name);
    return 0;
}

bool listener_hint(const struct listener *l, char *text)
{
    uint64_t silent = counter_get(&l->input->counters.silent);
    if (silent > 0)
        snprintf(text, INPUT_HINT_MAX, "%s: %llu %s: " CONNECTION_SILENT_ADVICE, l->name,
                 (unsigned long long)silent,
                 silent == 1 ? "connection has begun its stream, but sends nothing"
                             : "connections have begun their streams, but send nothing");
    return silent > 0;
}

static void listener_closed(uv_handle_t *handle)
{
    struct listener *l = handle->data;
    close(l->fd);
}

void listener_stop(struct listener *l)
{
    if (!l->active)
        return;
    l->active = false;
    counter_add_shared(&l->input->counters.open, (uint64_t)-1);
    uv_close((uv_handle_t *)&l->pause, NULL);
    uv_close((uv_handle_t *)&l->poll, listener_closed);
}
