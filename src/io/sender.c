#include "io/sender.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "base/log.h"
#include "io/interrupt.h"

static const uint64_t MS = 1000000;

void sender_init(struct sender *sender, const struct endpoint *endpoint, bool bidirectional,
                 uint64_t retry_ns)
{
    *sender = (struct sender){
        .endpoint = *endpoint, .bidirectional = bidirectional, .retry_ns = retry_ns, .fd = -1};
}

static void hang_up(struct sender *sender)
{
    if (sender->fd >= 0)
        close(sender->fd);
    sender->fd = -1;
}

void sender_close(struct sender *sender)
{
    hang_up(sender);
    buf_free(&sender->control);
}

/* Waits for the socket. After an interrupt what has begun is still ended properly, so then it waits
 * on, though not for long. Returns the events, 0 when the time is up. */
static int await(const struct sender *sender, short events, uint64_t until_ns)
{
    int shown = interrupt_wait(sender->fd, events, until_ns);
    if (shown || !interrupt_seen())
        return shown;
    struct pollfd p = {.fd = sender->fd, .events = events};
    return poll(&p, 1, SENDER_TIMEOUT_MS) > 0 ? p.revents : 0;
}

/* Writes as much as the peer takes before `until_ns`. Less than all: errno says why. */
static size_t push(struct sender *sender, struct span bytes, uint64_t until_ns)
{
    size_t done = 0;
    while (done < bytes.len) {
        ssize_t n = send(sender->fd, bytes.ptr + done, bytes.len - done, MSG_NOSIGNAL);
        if (n >= 0) {
            done += (size_t)n;
        } else if (errno == EAGAIN) {
            if (!await(sender, POLLOUT, until_ns)) {
                errno = ETIMEDOUT;
                break;
            }
        } else if (errno != EINTR) {
            break;
        }
    }
    return done;
}

/* "DEST: what: why" into err; the connection is given up. */
static int broken(struct sender *sender, const char *what, const char *why, struct error *err)
{
    char text[ENDPOINT_TEXT_MAX];
    hang_up(sender);
    return error_set(err, "%s: %s: %s", endpoint_text(&sender->endpoint, text), what, why);
}

static int push_control(struct sender *sender, const char *what, uint64_t until_ns,
                        struct error *err)
{
    struct span bytes = buf_span(&sender->control);
    if (sender->control.failed)
        return broken(sender, what, "no memory", err);
    size_t done = push(sender, bytes, until_ns);
    sender->control.len = 0;
    return done == bytes.len ? 0 : broken(sender, what, strerror(errno), err);
}

/* More bytes of the peer's answer, behind buf[*len]. 0, or -1 with the connection given up. */
static int receive(struct sender *sender, uint8_t *buf, size_t *len, size_t cap, const char *what,
                   uint64_t until_ns, struct error *err)
{
    if (!await(sender, POLLIN, until_ns))
        return broken(sender, what, "no answer in time", err);
    ssize_t n = recv(sender->fd, buf + *len, cap - *len, 0);
    if (n == 0)
        return broken(sender, what, "the receiver closed the connection", err);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return broken(sender, what, strerror(errno), err);
    *len += n > 0 ? (size_t)n : 0;
    return 0;
}

/* Reads the peer's control frames until one makes the stream `wanted`. */
static int converse(struct sender *sender, enum fstrm_tx_status wanted, const char *what,
                    struct error *err)
{
    uint8_t buf[2 * (FSTRM_CONTROL_MAX + 2 * sizeof(uint32_t))];
    size_t len = 0;
    uint64_t until_ns = clock_ns() + SENDER_TIMEOUT_MS * MS;
    for (;;) {
        if (receive(sender, buf, &len, sizeof buf, what, until_ns, err) != 0)
            return -1;
        size_t used = 0;
        enum fstrm_tx_status status =
            fstrm_tx_feed(&sender->tx, span_of(buf, len), &used, &sender->control);
        if (status == wanted)
            return push_control(sender, what, until_ns, err);
        if (status == FSTRM_TX_REFUSED)
            return broken(sender, what, "the receiver does not take " FSTRM_DNSTAP_TYPE, err);
        if (status != FSTRM_TX_MORE || (used == 0 && len == sizeof buf))
            return broken(sender, what, "the receiver does not speak Frame Streams", err);
        memmove(buf, buf + used, len - used);
        len -= used;
    }
}

/* One attempt: connect, READY, ACCEPT, START; or just START. */
static int try_open(struct sender *sender, struct error *err)
{
    sender->fd = endpoint_connect(&sender->endpoint, SENDER_TIMEOUT_MS, err);
    if (sender->fd < 0)
        return -1;
    if (sender->prompt && sender->endpoint.kind == ENDPOINT_TCP)
        setsockopt(sender->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    sender->control.len = 0;
    fstrm_tx_init(&sender->tx, span_str(FSTRM_DNSTAP_TYPE), sender->bidirectional);
    fstrm_tx_open(&sender->tx, &sender->control);
    uint64_t until_ns = clock_ns() + SENDER_TIMEOUT_MS * MS;
    if (push_control(sender, "handshake", until_ns, err) != 0)
        return -1;
    if (sender->bidirectional && converse(sender, FSTRM_TX_OPEN, "handshake", err) != 0)
        return -1;
    sender->connections++;
    return 0;
}

/* Waits before the next attempt. */
static void rest(struct sender *sender)
{
    if (sender->pause_ns > sender->retry_ns)
        sender->pause_ns = sender->retry_ns;
    interrupt_wait(-1, 0, clock_ns() + sender->pause_ns);
    sender->pause_ns *= 2;
}

int sender_open(struct sender *sender, struct error *err)
{
    bool told = false;
    while (try_open(sender, err) != 0) {
        if (sender->retry_ns == 0 || interrupt_seen())
            return -1;
        if (!told)
            log_warning("%s; trying again", err->text);
        told = true;
        rest(sender);
    }
    if (told)
        log_info("connected");
    return 0;
}

/* The bytes of those frames at the front of `run` that lie within its first `done` bytes. */
static size_t whole_frames(struct span run, size_t done, uint64_t *count)
{
    size_t end = 0;
    *count = 0;
    while (end < done) {
        size_t frame = sizeof(uint32_t) + load_be32(run.ptr + end);
        if (done - end < frame)
            break;
        end += frame;
        ++*count;
    }
    return end;
}

static void account(struct sender *sender, uint64_t frames, size_t bytes)
{
    sender->frames += frames;
    sender->bytes += bytes;
}

int sender_write(struct sender *sender, struct span run, uint64_t count, struct error *err)
{
    for (;;) {
        errno = ENOTCONN;
        size_t done = sender->fd < 0 ? 0 : push(sender, run, UINT64_MAX);
        if (done == run.len) {
            account(sender, count, run.len);
            sender->pause_ns = SENDER_PAUSE_MIN_MS * MS;
            return 0;
        }
        broken(sender, "connection lost", strerror(errno), err);
        uint64_t sent;
        size_t end = whole_frames(run, done, &sent);
        account(sender, sent, end);
        run = span_of(run.ptr + end, run.len - end);
        count -= sent;
        if (sender->retry_ns == 0)
            return -1;
        log_warning("%s; connecting again", err->text);
        rest(sender);
        if (sender_open(sender, err) != 0)
            return -1;
    }
}

void sender_wait(struct sender *sender, uint64_t until_ns)
{
    /* Nothing is due from the peer before STOP: if something shows, let the next write find out. */
    if (interrupt_wait(sender->fd, POLLRDHUP, until_ns) & (POLLRDHUP | POLLHUP | POLLERR))
        hang_up(sender);
}

int sender_finish(struct sender *sender, struct error *err)
{
    if (sender->fd < 0)
        return error_set(err, "the connection was lost before the end");
    uint64_t until_ns = clock_ns() + SENDER_TIMEOUT_MS * MS;
    sender->control.len = 0;
    fstrm_tx_stop(&sender->tx, &sender->control);
    int status = push_control(sender, "STOP", until_ns, err);
    if (status == 0 && sender->bidirectional)
        status = converse(sender, FSTRM_TX_FINISHED, "FINISH", err);
    hang_up(sender);
    return status;
}
