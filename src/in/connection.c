#include "in/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/gather.h"
#include "core/turns.h"

/* Reads of one connection in a row, so that a busy one does not starve the others. */
enum { READS_AT_ONCE = 4, PROBLEM_LINES_PER_SECOND = 5, ROOM_LINES_PER_SECOND = 2 };
/*
 * A turn that took longer than this, a read or some in a row, is a long one; who has had one waits
 * with the next behind all others (core/turns.h). And as long as reads take longer he reads less at
 * a time: at the least what a large frame or some hundred small ones need.
 */
enum { TURN_NS = 1000000, READ_MIN = 16 * 1024 };
/* The most that a byte, and a read, is believed to have cost without looking closer. */
enum { BYTE_NS = 100, CALL_NS = 20000 };
/* When the engine drains: how long a connection is heard at the most, and without a byte. */
enum { DRAIN_MS = 300, DRAIN_IDLE_MS = 20 };
/* Between two hints of one listener. */
enum { HINT_PAUSE_S = 60 };

struct connection {
    struct worker_item item;
    struct turn turn;
    size_t read_max; /* bytes at a time; 0: as many as there is room for */
    size_t heard;    /* bytes read in this turn */
    bool long_turn;  /* the last turn was one */
    struct feed feed;
    struct connection_rules *rules;
    uv_poll_t poll;
    uv_timer_t timer;
    struct accounts accounts;
    struct place *place;
    uint64_t delay_ms;
    uint64_t drain_until_ms;  /* of the loop's clock; 0: the engine does not drain */
    uint64_t frames_at_check; /* what `feed.to.frames` was when the idle timer last looked */
    unsigned handles;         /* of libuv, not closed yet */
    int fd;
    bool served;    /* its reading has begun, for it may have to wait */
    bool useful;    /* it has brought dnstap */
    bool excused;   /* it was to leave or late, and its handshake had waited for us */
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
    gate_leave(c->rules->gate, &c->accounts, c->place, c->served);
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
    turns_leave(worker_turns(c->feed.to.worker), &c->turn);
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

static void count_cut(struct connection *c, enum input_cut reason)
{
    counter_add_shared(&c->rules->counters->cut[reason], 1);
}

static void end_late(struct connection *c, enum input_cut reason, const char *why)
{
    count_cut(c, reason);
    end_broken(c, why);
}

/* No memory for what it sends; or the budget that all share took it. */
static void end_without_memory(struct connection *c)
{
    if (atomic_load(&c->feed.partial.evicted))
        count_cut(c, CUT_PARTIAL);
    end_broken(c, feed_status_text(FEED_NO_MEMORY));
}

static bool hear(struct connection *c);
static void watch_handshake(struct connection *c);

/* A time is up. What has come by now counts, though it has not been read: a loop looks at its
 * timers before it looks at its sockets, and this thread may have had no processor. True: by that
 * the connection has ended, or its stream begun or ended, which has a time of its own. */
static bool catch_up(struct connection *c)
{
    bool streaming = c->streaming;
    hear(c);
    return c->closing || c->streaming != streaming;
}

/* Its handshake has waited for us: it was not `streaming`, and something of it was heard just now.
 * That excuses it once. */
static bool was_kept_waiting(struct connection *c, bool streaming)
{
    bool waited = !streaming && c->heard > 0 && !c->excused;
    c->excused |= waited;
    return waited;
}

static void timer_fired(uv_timer_t *timer)
{
    struct connection *c = timer->data;
    if (catch_up(c))
        return;
    if (feed_end(&c->feed) == FSTRM_STOPPED) {
        end(c);
        return;
    }
    if (was_kept_waiting(c, c->streaming)) {
        watch_handshake(c);
        return;
    }
    if (!c->streaming) {
        end_late(c, CUT_HANDSHAKE, "no START came in time (handshake-timeout)");
        return;
    }
    if (c->feed.to.frames == c->frames_at_check) {
        end_late(c, CUT_IDLE, "idle for too long (idle-timeout)");
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
    if (catch_up(c))
        return;
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
    if (sent != (ssize_t)bytes.len && errno != EPIPE && errno != ECONNRESET)
        return -1;
    /* Who has just sent something waits 40 ms with an acknowledgement, for what may go with it; and
     * a sender with Nagle's algorithm (RFC 9293, section 3.7.4) waits for that with its first frame
     * and with STOP. Nothing of ours will go. (A unix socket knows nothing of this.) */
    setsockopt(c->fd, IPPROTO_TCP, TCP_QUICKACK, &(int){1}, sizeof(int));
    return 0;
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

static void note_frames(struct connection *c)
{
    count_silent(c, false);
    if (!c->feed.to.dnstap)
        return;
    place_active(c->place, uv_now(worker_loop(c->feed.to.worker)));
    if (!c->useful)
        gate_note_use(c->rules->gate, &c->accounts, c->place);
    c->useful = true;
}

static void end_failed(struct connection *c, int status)
{
    if (status == FEED_NO_MEMORY)
        end_without_memory(c);
    else
        end_broken(c, feed_status_text(status));
}

enum read_result { READ_NOTHING, READ_SHORT, READ_FULL };

static enum read_result read_once(struct connection *c)
{
    size_t size;
    uint8_t *space = feed_space(&c->feed, &size);
    if (!space) {
        end_without_memory(c);
        return READ_NOTHING;
    }
    if (c->read_max > 0 && size > c->read_max)
        size = c->read_max;
    ssize_t got = recv(c->fd, space, size, 0);
    if (got <= 0) {
        read_nothing(c, got);
        return READ_NOTHING;
    }
    c->heard += (size_t)got;
    uint64_t frames = c->feed.to.frames;
    int status = feed_bytes(&c->feed, (size_t)got);
    if (c->feed.to.frames > frames)
        note_frames(c);
    if (status < 0) {
        end_failed(c, status);
        return READ_NOTHING;
    }
    if (c->drain_until_ms == 0)
        watch_time(c);
    return (size_t)got == size && !c->feed.to.enough ? READ_FULL : READ_SHORT;
}

/* A read took so long: less at a time, or more again. */
static void fit_reads(struct connection *c, uint64_t took_ns)
{
    size_t buffer;
    worker_buffer(c->feed.to.worker, &buffer);
    size_t now = c->read_max > 0 ? c->read_max : buffer;
    if (took_ns > TURN_NS)
        c->read_max = now / 2 > READ_MIN ? now / 2 : READ_MIN;
    else if (took_ns < TURN_NS / 4)
        c->read_max = now * 2 < buffer ? now * 2 : 0;
}

/* Reads some times in a row, but no longer than a turn. True: there may be more to read. Who sends
 * a large frame bit by bit is judged by what it costs when it is whole. */
static bool hear(struct connection *c)
{
    uint64_t frames = c->feed.to.frames, begin = clock_ns(), before = begin, now = begin;
    uint64_t thread = c->turn.measured ? clock_thread_ns() : 0;
    enum read_result result = READ_FULL;
    c->heard = 0;
    for (int i = 0; i < READS_AT_ONCE && result == READ_FULL && now - begin <= TURN_NS; i++) {
        result = read_once(c);
        now = clock_ns();
        fit_reads(c, now - before);
        before = now;
    }
    gather_turn(worker_gather(c->feed.to.worker), c->feed.to.frames - frames, c->heard,
                result == READ_FULL);
    thread = c->turn.measured ? clock_thread_ns() - thread : 0;
    uint64_t believed = CALL_NS + (uint64_t)c->heard * BYTE_NS;
    uint64_t took = turn_took(&c->turn, now - begin, believed, thread);
    turns_count(worker_turns(c->feed.to.worker), &c->turn, took);
    if (took > TURN_NS)
        c->long_turn = true;
    else if (c->feed.to.frames > frames)
        c->long_turn = false;
    return result == READ_FULL;
}

static bool has_unread(const struct connection *c)
{
    int unread = 0;
    return ioctl(c->fd, FIONREAD, &unread) == 0 && unread > 0;
}

static void watch_drain(struct connection *c);

/* Nothing was heard of it for a moment. That may be this thread's fault, as in catch_up. */
static void drained(uv_timer_t *timer)
{
    struct connection *c = timer->data;
    if (has_unread(c)) {
        hear(c);
        watch_drain(c);
    } else {
        end(c);
    }
}

/* While the engine drains: ends the connection when nothing has come for a moment, or time is up.
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
    if (c->drain_until_ms > 0) {
        hear(c);
        watch_drain(c);
    } else if (c->long_turn) {
        uv_poll_stop(poll);
        turns_wait(worker_turns(c->feed.to.worker), &c->turn);
    } else {
        hear(c);
    }
}

/* All others have been heard. */
static void take_turn(struct turn *turn)
{
    struct connection *c = (struct connection *)((char *)turn - offsetof(struct connection, turn));
    bool more = hear(c);
    if (c->closing)
        return;
    if (more && c->long_turn)
        turns_wait(worker_turns(c->feed.to.worker), turn);
    else
        uv_poll_start(&c->poll, UV_READABLE, readable);
}

/*
 * The engine drains: what the peer has sent is still taken. The socket holds most of it, but a
 * sender over TCP that has said all and left may have more than our window on its own side. A busy
 * one goes on for ever: it is heard for a moment only.
 */
static void stop(struct worker_item *item)
{
    struct connection *c = of_item(item);
    if (c->closing)
        return;
    turns_leave(worker_turns(c->feed.to.worker), &c->turn);
    c->drain_until_ms = uv_now(worker_loop(c->feed.to.worker)) + DRAIN_MS;
    uv_poll_start(&c->poll, UV_READABLE, readable);
    watch_drain(c);
}

static void end_silent(struct connection *c, enum input_cut reason)
{
    static _Thread_local struct log_limit limit;
    unsigned held;
    count_cut(c, reason);
    if (log_limit_pass(&limit, ROOM_LINES_PER_SECOND, &held)) {
        if (held > 0)
            log_warning("%u more silent connections made room", held);
        log_warning("%s: closed %s: it is silent, and another needs its place (%s)",
                    c->rules->listener, c->feed.to.origin.peer, input_cut_name(reason));
    }
    end(c);
}

/* What it has sent until now is heard. That is a reason to stay if it has brought frames; and once,
 * if its handshake had to wait for us. */
static bool has_excuse(struct connection *c)
{
    bool streaming = c->streaming;
    c->heard = 0;
    if (c->served)
        hear(c);
    return was_kept_waiting(c, streaming) ||
           place_is_active(c->place, uv_now(worker_loop(c->feed.to.worker)));
}

/* Another needs its place. */
static void make_room(struct connection *c, enum input_cut reason)
{
    uint64_t now = uv_now(worker_loop(c->feed.to.worker));
    bool excuse = has_excuse(c);
    if (c->closing || (excuse && places_keep(&c->rules->gate->places, c->place, now)))
        return;
    end_silent(c, reason);
}

static void end_asked(struct connection *c)
{
    count_cut(c, CUT_ASKED);
    log_info("%s: closed %s: asked to", c->rules->listener, c->feed.to.origin.peer);
    end(c);
}

static void poke(struct worker_item *item)
{
    struct connection *c = of_item(item);
    if (c->closing)
        return;
    int leave = place_wanted(c->place);
    if (atomic_load(&c->feed.partial.evicted))
        end_without_memory(c);
    else if (atomic_load(&c->feed.to.seat.dismissed))
        end_asked(c);
    else if (leave >= 0)
        make_room(c, (enum input_cut)leave);
}

static void serve(uv_timer_t *timer)
{
    struct connection *c = timer->data;
    c->served = true;
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
static void begin(struct worker_item *item, struct worker *worker)
{
    struct connection *c = of_item(item);
    uv_loop_t *loop = worker_loop(worker);
    struct origin origin = c->feed.to.origin;
    feed_init(&c->feed, worker, c->rules->counters, &c->accounts);
    c->feed.to.origin = origin;
    c->feed.to.seat.dismissible = true;
    handover_list(&c->feed.to);
    c->feed.reply = send_reply;
    c->timer.data = c->poll.data = c;
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
    poke(&c->item); /* it may have been told to leave before there was an item to poke */
}

static void fill(struct connection *c, struct connection_rules *rules,
                 const struct connection_ticket *ticket)
{
    const struct account *account = accounts_limited(&ticket->peer->accounts);
    struct origin *origin = &c->feed.to.origin;
    c->item =
        (struct worker_item){.owner = rules->owner, .begin = begin, .stop = stop, .poke = poke};
    c->turn.take = take_turn;
    c->rules = rules;
    c->fd = ticket->fd;
    c->accounts = ticket->peer->accounts;
    c->place = ticket->place;
    c->delay_ms = ticket->delay_ms;
    origin->input = ticket->input;
    origin->host_len = ticket->peer->host_len;
    if (account)
        origin->account = *account;
    origin->charged = account != NULL;
    memcpy(origin->peer, ticket->peer->text, sizeof ticket->peer->text);
}

int connection_start(struct connection_rules *rules, struct worker *worker,
                     const struct connection_ticket *ticket)
{
    struct connection *c = calloc(1, sizeof *c);
    if (!c) {
        gate_leave(rules->gate, &ticket->peer->accounts, ticket->place, false);
        close(ticket->fd);
        return -1;
    }
    fill(c, rules, ticket);
    worker_begin(worker, &c->item);
    return 0;
}
