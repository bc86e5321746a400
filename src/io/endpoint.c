#include "io/endpoint.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hostport.h"

static const struct {
    const char *prefix;
    enum endpoint_kind kind;
} kinds[] = {
    {"unix:", ENDPOINT_UNIX},
    {"tcp:", ENDPOINT_TCP},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

_Static_assert(sizeof((struct endpoint *)0)->address > HOSTPORT_HOST_MAX, "room for every host");

bool endpoint_looks_like(const char *text)
{
    for (size_t i = 0; i < KINDS; i++)
        if (strncmp(text, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
            return true;
    return false;
}

static int parse_unix(struct endpoint *endpoint, const char *path, struct error *err)
{
    if (!*path)
        return error_set(err, "unix: needs a path behind it");
    if (strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path)
        return error_set(err, "%s: the path is too long for a unix socket", path);
    snprintf(endpoint->address, sizeof endpoint->address, "%s", path);
    return 0;
}

static int parse_tcp(struct endpoint *endpoint, const char *text, struct error *err)
{
    struct hostport there;
    switch (hostport_parse(&there, span_str(text))) {
    case HOSTPORT_FINE:
        break;
    case HOSTPORT_NO_BRACKETS:
        return error_set(err, "tcp:%s: write an IPv6 address in brackets: tcp:[ADDRESS]:PORT",
                         text);
    case HOSTPORT_BAD_PORT:
        return error_set(err, "tcp:%s: the port is a number from 0 to 65535", text);
    default:
        return error_set(err, "tcp:%s: expected tcp:HOST:PORT", text);
    }
    memcpy(endpoint->address, there.host.ptr, there.host.len);
    endpoint->address[there.host.len] = 0;
    endpoint->port = there.port;
    return 0;
}

int endpoint_parse(struct endpoint *endpoint, const char *text, struct error *err)
{
    for (size_t i = 0; i < KINDS; i++) {
        size_t len = strlen(kinds[i].prefix);
        if (strncmp(text, kinds[i].prefix, len) != 0)
            continue;
        struct endpoint parsed = {.kind = kinds[i].kind};
        int status = parsed.kind == ENDPOINT_UNIX ? parse_unix(&parsed, text + len, err)
                                                  : parse_tcp(&parsed, text + len, err);
        if (status == 0)
            *endpoint = parsed;
        return status;
    }
    return error_set(err, "%s: expected unix:PATH or tcp:HOST:PORT", text);
}

const char *endpoint_text(const struct endpoint *endpoint, char *out)
{
    char there[HOSTPORT_TEXT_MAX];
    if (endpoint->kind == ENDPOINT_UNIX)
        snprintf(out, ENDPOINT_TEXT_MAX, "unix:%s", endpoint->address);
    else
        snprintf(out, ENDPOINT_TEXT_MAX, "tcp:%s",
                 hostport_text(there, endpoint->address, endpoint->port));
    return out;
}

static int64_t now_ms(void)
{
    return (int64_t)(clock_ns() / CLOCK_MS_NS);
}

/* Waits for a connection under way; 0 or an errno value. */
static int await_connected(int fd, int64_t deadline_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int64_t left = deadline_ms - now_ms();
    int ready = poll(&p, 1, left > 0 ? (int)left : 0);
    if (ready < 0)
        return errno;
    if (ready == 0)
        return ETIMEDOUT;
    int problem = 0;
    socklen_t len = sizeof problem;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &len) == 0 ? problem : errno;
}

/* One address; a descriptor, or -1 with errno. A unix socket with a full backlog says EAGAIN: that
 * is a failure like any other, for the caller to try again later. */
static int connect_address(const struct sockaddr *address, socklen_t len, int64_t deadline_ms)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int problem = connect(fd, address, len) == 0 ? 0 : errno;
    if (problem == EINPROGRESS)
        problem = await_connected(fd, deadline_ms);
    if (problem == 0)
        return fd;
    close(fd);
    errno = problem;
    return -1;
}

static int connect_unix(const struct endpoint *endpoint, int64_t deadline_ms)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, endpoint->address,
           strnlen(endpoint->address, sizeof address.sun_path - 1));
    return connect_address((struct sockaddr *)&address, sizeof address, deadline_ms);
}

/* -1 with errno, or with *lookup set to what the name service said. */
static int connect_tcp(const struct endpoint *endpoint, int64_t deadline_ms, const char **lookup)
{
    char port[8];
    snprintf(port, sizeof port, "%u", endpoint->port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int status = getaddrinfo(endpoint->address, port, &hints, &found);
    if (status != 0) {
        *lookup = gai_strerror(status);
        return -1;
    }
    int fd = -1;
    for (const struct addrinfo *ai = found; ai && fd < 0; ai = ai->ai_next)
        fd = connect_address(ai->ai_addr, ai->ai_addrlen, deadline_ms);
    int saved = errno;
    freeaddrinfo(found);
    errno = saved;
    return fd;
}

int endpoint_connect(const struct endpoint *endpoint, int timeout_ms, struct error *err)
{
    int64_t deadline_ms = now_ms() + timeout_ms;
    const char *lookup = NULL;
    int fd = endpoint->kind == ENDPOINT_UNIX ? connect_unix(endpoint, deadline_ms)
                                             : connect_tcp(endpoint, deadline_ms, &lookup);
    if (fd >= 0)
        return fd;
    const char *reason = lookup ? lookup : strerror(errno);
    char text[ENDPOINT_TEXT_MAX];
    return error_set(err, "%s: cannot connect: %s", endpoint_text(endpoint, text), reason);
}
