/*
 * A listener: a bound stream socket on the main loop. Accepts, checks, and hands each connection to
 * a worker. The address family's own part (binding, naming the peer) belongs to tcp.c and unix.c.
 */
#ifndef SPILE_IN_LISTENER_H
#define SPILE_IN_LISTENER_H

#include <sys/socket.h>

#include "core/input.h"
#include "in/connection.h"

/* Options that every listener has. First member of the module's private struct. */
struct listener_options {
    uint64_t connections_max;
    uint64_t connections_peer;
    uint64_t handshake_timeout_ns;
    uint64_t idle_timeout_ns;
    uint64_t hint_after_ns;
    uint64_t backlog;
    bool required;
};

#define LISTENER_OPTION_ROWS(holder, member)                                                       \
    {.name = "max-connections",                                                                    \
     .type = OPTION_UINT,                                                                          \
     .offset = offsetof(holder, member.connections_max),                                           \
     .fallback = "2048",                                                                           \
     .min = 1,                                                                                     \
     .max = 1000000,                                                                               \
     .doc = "connections at once, the last sixteenth for peers that have none yet; one more "      \
            "takes the place of a silent one of the peer that has most, but of none that has "     \
            "fewer than its own; else it is refused"},                                             \
        {.name = "max-connections-peer",                                                           \
         .type = OPTION_UINT,                                                                      \
         .offset = offsetof(holder, member.connections_peer),                                      \
         .fallback = "1024",                                                                       \
         .min = 1,                                                                                 \
         .max = 1000000,                                                                           \
         .doc = "of these from one peer: an IPv4 address, an IPv6 /64 (twice as many from a /56, " \
                "four times from a /48, but no more than half of all), or a user of this "         \
                "machine; one more takes the place of a silent one of that peer; loopback has no " \
                "such limit"},                                                                     \
        {.name = "handshake-timeout",                                                              \
         .type = OPTION_DURATION,                                                                  \
         .offset = offsetof(holder, member.handshake_timeout_ns),                                  \
         .fallback = "5s",                                                                         \
         .min = 1000000,                                                                           \
         .doc = "how long a new connection may take until its stream has begun (START)"},          \
        {.name = "idle-timeout",                                                                   \
         .type = OPTION_DURATION,                                                                  \
         .offset = offsetof(holder, member.idle_timeout_ns),                                       \
         .fallback = "off",                                                                        \
         .doc = "close a connection that brings nothing for so long"},                             \
        {.name = "hint-after",                                                                     \
         .type = OPTION_DURATION,                                                                  \
         .offset = offsetof(holder, member.hint_after_ns),                                         \
         .fallback = "5s",                                                                         \
         .doc = "say so when a stream has begun and brings nothing for so long; off: never"},      \
        {.name = "backlog",                                                                        \
         .type = OPTION_UINT,                                                                      \
         .offset = offsetof(holder, member.backlog),                                               \
         .fallback = "4096",                                                                       \
         .min = 1,                                                                                 \
         .max = 65535,                                                                             \
         .doc = "connections that may wait to be accepted (somaxconn of the kernel is a limit, "   \
                "too)"},                                                                           \
    {                                                                                              \
        .name = "required", .type = OPTION_BOOL, .offset = offsetof(holder, member.required),      \
        .fallback = "true",                                                                        \
        .doc = "whether failing to listen ends the program; otherwise it says so and goes on"      \
    }

/* What a probe says of the place, by a function as in io/place.h. */
enum module_verdict listener_verdict(const struct listener_options *options, int status);
/* For `open` of an input that could not listen, for what err says: 0 where it is done without,
 * which is told; else -1, and err stays. */
int listener_spare(struct input *in, const struct listener_options *options, struct error *err);

struct listener {
    struct connection_rules rules;
    struct input *input;
    uv_poll_t poll;
    uv_timer_t pause; /* while nothing is accepted, for want of descriptors or memory */
    /* Describes the peer of `fd`; false refuses it. */
    bool (*admit)(struct listener *listener, int fd, const struct sockaddr_storage *address,
                  struct peer *peer);
    char name[INPUT_PLACE_MAX + CONFIG_NAME_MAX + 3]; /* for log lines: the caller sets the place;
                                                         an input's name is put before it */
    int fd;
    bool active; /* not stopped yet */
};

/* Begins the gate that all sockets of the input share. -1: err. */
int listener_gate(struct gate *gate, const struct input *in, const struct listener_options *options,
                  struct error *err);
/* Puts the bound descriptor to listening on the main loop; closes it on failure. */
int listener_start(struct listener *listener, struct input *in, struct gate *gate,
                   const struct listener_options *options, int fd, struct error *err);
/* For the inputs' hook `hint`: tells of servers that are connected but send nothing. */
bool listener_hint(const struct listener *listener, char *text);
/* Takes no new connections. */
void listener_stop(struct listener *listener);

#endif
