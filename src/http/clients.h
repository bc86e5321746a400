/*
 * Connections, their places and their deadlines. libmicrohttpd counts only silence, so whoever
 * drips a byte a second would stay for ever; here each connection has a moment by which it must
 * have come further. A late one's socket is shut down, which the library notices as the client's
 * going.
 *
 * Places are for those who come. Where all are taken, or all that one address may have, one makes
 * room: of *strangers*, whose last request brought no credentials that let them in, whatever they
 * are doing; of others one that waits for a request, or is slow to take its reply. It is always the
 * oldest of the network (an IPv4 address, a /64 of IPv6) that has most. Strangers cannot push
 * others out while they have half of the places.
 *
 * Thread-safe. The lock is held for a look at the table, never for a client.
 */
#ifndef SPILE_HTTP_CLIENTS_H
#define SPILE_HTTP_CLIENTS_H

#include <sys/socket.h>

#include "base/account.h"
#include "base/counter.h"
#include "base/error.h"
#include "base/span.h"

struct clients;
struct client;

struct clients_limits {
    size_t all;         /* connections */
    size_t address;     /* from one address, /64 of IPv6; not of loopback */
    size_t streams;     /* replies without end */
    uint64_t header_ns; /* from the first byte of a request, or connecting, to its last */
    uint64_t idle_ns;   /* between requests */
};

/* What has happened to connections; several tables may count into it. */
struct clients_counts {
    counter open; /* that there are now */
    counter accepted;
    counter refused;   /* there was no place */
    counter displaced; /* they made room */
    counter late;      /* a deadline went by */
};

/* `counts` must outlive the table. */
struct clients *clients_new(const struct clients_limits *limits, struct clients_counts *counts,
                            struct error *err);
void clients_free(struct clients *clients);
/* How many have been accepted into this table. */
uint64_t clients_accepted(struct clients *clients);
/* True when some client waits for an answer, takes one, or has begun to ask; `patient`: or has come
 * and not said anything yet. */
bool clients_ask(struct clients *clients, bool patient);

/* A new connection on `fd`, which must stay open until client_remove: a stranger's. NULL: there is
 * no place for it, all are busy with others that are not slow, and its socket is shut down already.
 */
struct client *clients_add(struct clients *clients, int fd, const struct sockaddr *address);
void client_remove(struct client *client);
/* The request line has come: the rest of the request may take header_ns. */
void client_begins(struct client *client);
/* The whole request has come: what follows is the server's time, not the client's. */
void client_has_asked(struct client *client);
/* A reply of `size` bytes is on its way: a client may be slow, but must take it in the end. */
void client_answers(struct client *client, size_t size);
/* Whether its request has been let in: else it is a stranger's. */
void client_admit(struct client *client, bool admitted);
bool client_is_admitted(struct client *client);
/* By which things are shared out among clients. */
struct account client_account(const struct client *client);
/* A reply without end is on its way: its client must go on taking it. Where there are as many as
 * there may be, another makes room: the one whose client has taken nothing longest, else the oldest
 * of the network that has most. */
void client_streams(struct client *client);
/* Replies that wait for their clients are more than there may be: the slowest one is cut. */
void clients_relieve(struct clients *clients);
/* The reply is sent, and the connection is kept: it waits for its next request. */
void client_rests(struct client *client);

/* Shuts down all that are late at this moment, except who waits for the server to read what it has
 * sent; returns how many connections there are. */
size_t clients_sweep(struct clients *clients, uint64_t now);
/* Sleeps until `until_ns` by clock_ns; `idle`: for as long as there is no connection and as many
 * have been accepted as `accepted` says. True, and at once, after clients_end, which any thread may
 * call. */
bool clients_sleep(struct clients *clients, uint64_t until_ns, bool idle, uint64_t accepted);
void clients_end(struct clients *clients);

#endif
