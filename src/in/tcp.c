/* Input `tcp`: Frame Streams over TCP. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/address.h"
#include "base/hostport.h"
#include "in/listener.h"
#include "io/place.h"

/* A name may stand for several addresses (localhost for two): each gets a socket. */
enum { TCP_SOCKETS_MAX = 8 };

struct tcp_options {
    struct listener_options common;
    struct option_hostport listen;
    struct option_prefixes allow;
};

struct tcp {
    struct gate gate;
    struct listener *sockets[TCP_SOCKETS_MAX];
    size_t count;
};

static const struct option tcp_rows[] = {
    {.name = "listen",
     .type = OPTION_HOSTPORT,
     .offset = offsetof(struct tcp_options, listen),
     .fallback = "127.0.0.1:6000",
     .exclusive = true,
     .doc = "address and port; [::]:6000 is every address of this machine"},
    {.name = "allow",
     .type = OPTION_PREFIXES,
     .offset = offsetof(struct tcp_options, allow),
     .example = "127.0.0.0/8,192.0.2.0/24,2001:db8::/32",
     .doc =
         "who may connect: addresses and prefixes; without it, everybody who can reach the port"},
    LISTENER_OPTION_ROWS(struct tcp_options, common),
    {0},
};

static uint16_t port_of(const struct sockaddr_storage *address)
{
    return ntohs(address->ss_family == AF_INET ? ((const struct sockaddr_in *)address)->sin_port
                                               : ((const struct sockaddr_in6 *)address)->sin6_port);
}

static bool admit(struct listener *l, int fd, const struct sockaddr_storage *address,
                  struct peer *peer)
{
    const struct tcp_options *options = l->input->options;
    uint8_t bytes[ADDRESS_BYTES] = {0};
    place_address((const struct sockaddr *)address, bytes);
    *peer = peer_of_address(bytes, port_of(address));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int));
    return option_prefixes_hold(&options->allow, bytes);
}

/* "tcp 127.0.0.1:6000" into `out`. */
static const char *tcp_name(const struct tcp_options *options, char *out, size_t size)
{
    char there[HOSTPORT_TEXT_MAX];
    snprintf(out, size, "tcp %s", hostport_text(there, options->listen.host, options->listen.port));
    return out;
}

/* A socket bound to the address, or -1 with errno. */
static int bound_socket(const struct addrinfo *ai)
{
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* A name may stand for an address that this machine has not, such as localhost for ::1 where there
 * is no IPv6: that one is passed over as long as another can be had. */
static bool dispensable(const struct tcp *tcp, const struct addrinfo *ai, int error)
{
    return (error == EAFNOSUPPORT || error == EADDRNOTAVAIL) && (ai->ai_next || tcp->count > 0);
}

static int listen_on(struct input *in, int fd, struct error *err)
{
    const struct tcp_options *options = in->options;
    struct tcp *tcp = in->state;
    struct listener *l = calloc(1, sizeof *l);
    if (!l) {
        close(fd);
        return error_set(err, "no memory");
    }
    tcp_name(in->options, l->name, sizeof l->name);
    l->admit = admit;
    if (listener_start(l, in, &tcp->gate, &options->common, fd, err) < 0) {
        free(l);
        return -1;
    }
    tcp->sockets[tcp->count++] = l;
    return 0;
}

static int open_socket(struct input *in, const struct addrinfo *ai, struct error *err)
{
    struct tcp *tcp = in->state;
    char name[sizeof tcp->sockets[0]->name];
    int fd = bound_socket(ai);
    if (fd >= 0)
        return listen_on(in, fd, err);
    if (dispensable(tcp, ai, errno))
        return 0;
    int error = errno;
    return error_set(err, "cannot listen on %s: %s", tcp_name(in->options, name, sizeof name),
                     strerror(error));
}

static int open_all(struct input *in, struct error *err)
{
    const struct tcp_options *options = in->options;
    const struct tcp *tcp = in->state;
    char port[8];
    snprintf(port, sizeof port, "%u", options->listen.port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *all;
    int failed = getaddrinfo(options->listen.host, port, &hints, &all);
    if (failed)
        return error_set(err, "cannot listen on tcp %s:%s: %s", options->listen.host, port,
                         gai_strerror(failed));
    int result = 0;
    for (struct addrinfo *ai = all; ai && result == 0 && tcp->count < TCP_SOCKETS_MAX;
         ai = ai->ai_next)
        result = open_socket(in, ai, err);
    freeaddrinfo(all);
    return result;
}

static void tcp_place(const struct input *in, char *text)
{
    tcp_name(in->options, text, INPUT_PLACE_MAX);
    text[strlen("tcp")] = ':';
}

/* All sockets of an input count together. */
static bool tcp_hint(const struct input *in, char *text)
{
    const struct tcp *tcp = in->state;
    return tcp->count > 0 && listener_hint(tcp->sockets[0], text);
}

static int tcp_open(struct input *in, struct error *err)
{
    const struct tcp_options *options = in->options;
    struct tcp *tcp = in->state;
    if (listener_gate(&tcp->gate, in, &options->common, err) == 0 && open_all(in, err) == 0)
        return 0;
    return listener_spare(in, &options->common, err);
}

static uint64_t tcp_relieve(struct input *in, bool tell)
{
    struct tcp *tcp = in->state;
    return gate_relieve(&tcp->gate, tell);
}

static void tcp_stop(struct input *in)
{
    struct tcp *tcp = in->state;
    for (size_t i = 0; i < tcp->count; i++)
        listener_stop(tcp->sockets[i]);
}

static void tcp_close(struct input *in)
{
    struct tcp *tcp = in->state;
    for (size_t i = 0; i < tcp->count; i++)
        free(tcp->sockets[i]);
    tcp->count = 0;
    gate_free(&tcp->gate);
}

/* Where the input is not required, starting would go on without it: that is only a warning. */
static enum module_verdict tcp_probe(const void *options, const void **wrong, struct error *err)
{
    const struct tcp_options *tcp = options;
    *wrong = &tcp->listen;
    return listener_verdict(&tcp->common, place_listen(tcp->listen.host, tcp->listen.port, err));
}

static const struct input_hooks tcp_hooks = {
    .open = tcp_open,
    .stop = tcp_stop,
    .close = tcp_close,
    .place = tcp_place,
    .hint = tcp_hint,
    .relieve = tcp_relieve,
};

const struct module input_tcp = {
    .name = "tcp",
    .kind = MODULE_INPUT,
    .doc = "Listens for Frame Streams over TCP. DNS servers connect and send dnstap.",
    .options_size = sizeof(struct tcp_options),
    .options = tcp_rows,
    .state_size = sizeof(struct tcp),
    .common = &input_common,
    .hooks = &tcp_hooks,
    .probe = tcp_probe,
};
