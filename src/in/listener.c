#include "in/listener.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

enum { ACCEPTS_AT_ONCE = 64, PAUSE_MS = 100, CROWDED_MS = 1, LINES_PER_SECOND = 2 };

static void refuse(struct listener *l, int fd, const char *who, enum input_refusal reason)
{
    static const char *const reasons[INPUT_REFUSALS] = {
        [REFUSED_ACCESS] = "not in the access list (allow)",
        [REFUSED_FULL] =
            "too many connections, and none is silent of a peer that has as many (max-connections)",
        [REFUSED_PEER_FULL] =
            "too many of this peer, and none of them is silent (max-connections-peer)",
        [REFUSED_LOOP] = "it keeps reconnecting, without bringing anything",
        [REFUSED_MEMORY] = "no memory",
    };
    static struct log_limit limit;
    unsigned held;
    counter_add_shared(&l->input->counters.refused[reason], 1);
    if (log_limit_pass(&limit, LINES_PER_SECOND, &held)) {
        if (held > 0)
            log_warning("%u more connections were refused", held);
        log_warning("%s: refused %s: %s", l->name, who, reasons[reason]);
    }
    close(fd);
}

static void take(struct listener *l, int fd, const struct sockaddr_storage *address)
{
    struct peer peer = {0};
    struct connection_ticket ticket = {.fd = fd, .peer = &peer, .input = l->input->index};
    struct worker *worker = engine_pick_worker(l->input->engine);
    int refusal = REFUSED_ACCESS;
    if (l->admit(l, fd, address, &peer))
        refusal =
            gate_admit(l->rules.gate, &peer.accounts, worker, &ticket.place, &ticket.delay_ms);
    if (refusal >= 0) {
        refuse(l, fd, peer.text, (enum input_refusal)refusal);
        return;
    }
    counter_add_shared(&l->input->counters.connections, 1);
    log_debug("%s: connection from %s%s", l->name, peer.text,
              ticket.delay_ms ? " (slowed down: it keeps reconnecting)" : "");
    if (connection_start(&l->rules, worker, &ticket) < 0)
        counter_add_shared(&l->input->counters.refused[REFUSED_MEMORY], 1);
}

static void acceptable(uv_poll_t *poll, int status, int events);

static void resume(uv_timer_t *timer)
{
    struct listener *l = timer->data;
    if (l->active)
        uv_poll_start(&l->poll, UV_READABLE, acceptable);
}

/* Whoever comes next stays in the backlog for so long. */
static void rest(struct listener *l, unsigned ms)
{
    uv_poll_stop(&l->poll);
    uv_timer_start(&l->pause, resume, ms, 0);
}

/* Out of descriptors or memory: the connection stays in the backlog, and so would the event. */
static void pause_accepting(struct listener *l, int error)
{
    static struct log_limit limit;
    unsigned held;
    engine_relieve(l->input->engine);
    if (log_limit_pass(&limit, 1, &held))
        log_warning("%s: cannot accept: %s; trying again", l->name, strerror(error));
    rest(l, PAUSE_MS);
}

static void acceptable(uv_poll_t *poll, int status, int events)
{
    struct listener *l = poll->data;
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        struct sockaddr_storage address = {0};
        socklen_t len = sizeof address;
        if (gate_crowded(l->rules.gate)) {
            rest(l, CROWDED_MS);
            return;
        }
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

int listener_gate(struct gate *gate, const struct input *in, const struct listener_options *options,
                  struct error *err)
{
    size_t most = places_within(engine_connection_descriptors(in->engine));
    struct places_limits limits = {.all = options->connections_max,
                                   .peer = options->connections_peer};
    if (limits.all > most) {
        limits.all = most;
        log_warning("%s: max-connections is %llu, but there are descriptors for %zu: raise the "
                    "limit (ulimit -n, or LimitNOFILE= of the service)",
                    in->name, (unsigned long long)options->connections_max, most);
    }
    return gate_init(gate, &limits, err);
}

enum module_verdict listener_verdict(const struct listener_options *options, int status)
{
    enum module_verdict verdict = module_verdict_of(status);
    if (options->required || verdict == MODULE_FINE)
        return verdict;
    return verdict == MODULE_BUSY ? MODULE_SPARES : MODULE_WARNS;
}

int listener_spare(struct input *in, const struct listener_options *options, struct error *err)
{
    if (options->required)
        return -1;
    log_warning("%s; going on without it", err->text);
    err->text[0] = '\0';
    in->absent = true;
    return 0;
}

/* "resolvers (tcp 127.0.0.1:6000)" for an input that has a name of its own. */
static void put_name(struct listener *l, const struct input *in)
{
    char place[INPUT_PLACE_MAX];
    if (!in->common || !in->common->name)
        return;
    snprintf(place, sizeof place, "%.*s", INPUT_PLACE_MAX - 1, l->name);
    snprintf(l->name, sizeof l->name, "%s (%s)", in->common->name, place);
}

int listener_start(struct listener *l, struct input *in, struct gate *gate,
                   const struct listener_options *options, int fd, struct error *err)
{
    put_name(l, in);
    if (listen(fd, (int)options->backlog) < 0) {
        close(fd);
        return error_set(err, "cannot listen on %s: %s", l->name, strerror(errno));
    }
    l->input = in;
    l->fd = fd;
    l->rules = (struct connection_rules){
        .listener = l->name,
        .handshake_timeout_ns = options->handshake_timeout_ns,
        .idle_timeout_ns = options->idle_timeout_ns,
        .hint_after_ns = options->hint_after_ns,
        .counters = &in->counters,
        .owner = &in->owner,
        .gate = gate,
    };
    uv_loop_t *loop = engine_loop(in->engine);
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
