/*
 * The web server, on libmicrohttpd: who may ask, how much, for how long; then routes.
 *
 * One never changes: where its settings do, another one follows it. That takes over its socket, or
 * opens one beside it, and serves; then the one before leaves, and ends when it has answered.
 */
#ifndef SPILE_HTTP_SERVER_H
#define SPILE_HTTP_SERVER_H

#include "http/settings.h"

struct http_record;
struct http_server;

/* Descriptors that the server needs to start, a few connections among them. */
enum { HTTP_DESCRIPTORS = 40, HTTP_CONNECTIONS_LEAST = 16 };
/* How many all its connections may take. */
size_t http_connection_descriptors(const struct http_settings *settings);

/* For api_context: whether /metrics has dnstap-receiver's names. */
bool http_legacy_metrics(const struct http_settings *settings, bool compat);

/* Sets err: listening there without credentials would let others in, and what to do. Returns -1. */
int http_refuse_open(const struct option_hostport *where, struct error *err);
/* What servers that follow each other have in common: what they have seen, and who guesses
 * credentials. It must outlive them. NULL: err. */
struct http_record *http_record_new(struct error *err);
void http_record_free(struct http_record *record);
/* Listens, but serves nobody yet: who connects waits. `settings` and `context` must outlive the
 * server; the latter is looked at from http_server_start on. It is to follow the server `before`,
 * which is at work (NULL: none is), and takes over its socket when it is to listen there. NULL:
 * err. */
struct http_server *http_server_open(const struct http_settings *settings,
                                     const struct api_context *context, struct http_record *record,
                                     struct http_server *before, struct error *err);
/* True when what both have read of files is the same: credentials, certificate and its key. */
bool http_server_agree(const struct http_server *a, const struct http_server *b);
/* Serves, on threads of its own. -1: err; what is left is to stop it. */
int http_server_start(struct http_server *server, struct error *err);
/* It takes no connection any more, and its address is free, but where `stays`
 * (NULL: none does) is at work there, too. Waits for nobody. */
void http_server_leave(struct http_server *server, const struct http_server *stays);
/* Of one that has left: waits until all are answered who have asked, for some seconds at most, and
 * as long as nobody is in a hurry. */
void http_server_settle(struct http_server *server, const atomic_bool *hurry);
/* "http://127.0.0.1:8080/", with the port that was got when 0 was asked for. */
const char *http_server_url(const struct http_server *server);
/* What has been seen; any thread. False: no server is at work. */
struct http_counts {
    uint64_t open, accepted, refused, displaced, late; /* connections: http/clients.h */
    uint64_t wrong_credentials;                        /* requests */
};
bool http_counts(const struct http_record *record, struct http_counts *counts);
/* Ends at once: open requests are cut. NULL is fine. */
void http_server_stop(struct http_server *server);

#endif
