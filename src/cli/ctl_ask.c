#include "cli/ctl_ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/number.h"

enum { REPLY_MAX = 64 << 20, LINE_MAX_BYTES = 1 << 20, HEAD_MAX = 256, PIECE = 64 << 10 };

static int no_reply(struct error *err, const char *path)
{
    return error_set(err, "%s: %s", path, errno ? strerror(errno) : "the reply is cut short");
}

static int connect_to(const char *path, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return error_set(err, "%.60s...: longer than a socket's path may be", path);
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    error_set(err, "cannot ask a program at %s: %s%s", path, strerror(errno),
              errno == ENOENT || errno == ECONNREFUSED ? " (is it running? --socket says where)"
                                                       : "");
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Whoever is turned away may have been before he has asked. */
static void send_all(int fd, const char *text)
{
    for (size_t len = strlen(text); len > 0;) {
        ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return;
        text += sent > 0 ? sent : 0;
        len -= sent > 0 ? (size_t)sent : 0;
    }
}

/* Reads more into `body`. Returns how much; 0: the end. */
static size_t read_more(struct ctl_reply *reply)
{
    char piece[PIECE];
    ssize_t len;
    do {
        errno = 0;
        len = recv(reply->fd, piece, sizeof piece, 0);
    } while (len < 0 && errno == EINTR);
    if (len > 0)
        buf_put(&reply->body, piece, (size_t)len);
    return len > 0 && !reply->body.failed ? (size_t)len : 0;
}

static void drop_front(struct buf *buf, size_t len)
{
    if (len == 0)
        return;
    memmove(buf->data, buf->data + len, buf->len - len);
    buf->len -= len;
}

/* "200 application/json 17"; *length is what is to follow. */
static int read_head(struct ctl_reply *reply, uint64_t *length)
{
    const uint8_t *end = NULL;
    while (!(end = reply->body.len ? memchr(reply->body.data, '\n', reply->body.len) : NULL)) {
        if (reply->body.len > HEAD_MAX || read_more(reply) == 0)
            return -1;
    }
    size_t line = (size_t)(end - reply->body.data);
    const uint8_t *first = memchr(reply->body.data, ' ', line);
    const uint8_t *last = memrchr(reply->body.data, ' ', line);
    uint64_t status;
    errno = 0;
    if (!first || first == last ||
        !number_parse(span_of(reply->body.data, (size_t)(first - reply->body.data)), 999, &status))
        return -1;
    struct span size = span_of(last + 1, (size_t)(end - last) - 1);
    reply->status = (unsigned)status;
    reply->endless = span_equal(size, span_str("-"));
    if (!reply->endless && !number_parse(size, REPLY_MAX, length))
        return -1;
    drop_front(&reply->body, line + 1);
    return 0;
}

int ctl_ask(struct ctl_reply *reply, const char *socket, const char *method, const char *target,
            struct error *err)
{
    char *text;
    uint64_t length = 0;
    *reply = (struct ctl_reply){.fd = connect_to(socket, err)};
    if (reply->fd < 0)
        return -1;
    if (asprintf(&text, "%s %s\n\n", method, target) < 0)
        return error_set(err, "no memory");
    send_all(reply->fd, text);
    free(text);
    if (read_head(reply, &length) < 0)
        return no_reply(err, socket);
    while (!reply->endless && reply->body.len < length) {
        if (read_more(reply) == 0)
            return no_reply(err, socket);
    }
    return 0;
}

const char *ctl_next_line(struct ctl_reply *reply)
{
    uint8_t *end = NULL;
    drop_front(&reply->body, reply->taken);
    reply->taken = 0;
    while (!(end = reply->body.len ? memchr(reply->body.data, '\n', reply->body.len) : NULL)) {
        if (reply->body.len > LINE_MAX_BYTES || read_more(reply) == 0)
            return NULL;
    }
    *end = '\0';
    reply->taken = (size_t)(end - reply->body.data) + 1;
    return (const char *)reply->body.data;
}

void ctl_free(struct ctl_reply *reply)
{
    if (reply->fd >= 0)
        close(reply->fd);
    buf_free(&reply->body);
    *reply = (struct ctl_reply){.fd = -1};
}
