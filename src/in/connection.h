/*
 * A connection: one Frame Streams client on a stream socket, on one worker. It is born on the main
 * thread by a listener and lives and dies on its worker.
 */
#ifndef SPILE_IN_CONNECTION_H
#define SPILE_IN_CONNECTION_H

#include "in/feed.h"
#include "in/gate.h"
#include "in/peer.h"

/* What to look for where a server has connected and then says nothing. */
#define CONNECTION_SILENT_ADVICE                                                                   \
    "does the server get queries, and is it told which messages to log, as unbound is by "         \
    "dnstap-log-client-query-messages: yes?"

/* What a connection needs of its listener. Outlives every connection. Any thread. */
struct connection_rules {
    const char *listener; /* "tcp 127.0.0.1:6000": for log lines */
    uint64_t handshake_timeout_ns;
    uint64_t idle_timeout_ns;            /* 0: off */
    uint64_t hint_after_ns;              /* 0: off */
    _Atomic uint64_t hint_not_before_ns; /* the next hint about a silent stream, by clock_ns() */
    struct input_counters *counters;
    struct worker_owner *owner;
    struct gate *gate;
};

/* A connection that has been let in. */
struct connection_ticket {
    int fd; /* non-blocking */
    const struct peer *peer;
    uint32_t input; /* its index */
    struct place *place;
    uint64_t delay_ms; /* until it is served */
};

/* Takes descriptor and place over and serves the connection on `worker`. -1: no memory; the
 * descriptor is closed then, and the place free. */
int connection_start(struct connection_rules *rules, struct worker *worker,
                     const struct connection_ticket *ticket);

#endif
