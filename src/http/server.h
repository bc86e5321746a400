/* The web server, on libmicrohttpd: who may ask, how much, for how long; then routes. */
#ifndef SPILE_HTTP_SERVER_H
#define SPILE_HTTP_SERVER_H

#include "http/settings.h"

struct http_server;

/* Descriptors that the server needs to start, a few connections among them. */
enum { HTTP_DESCRIPTORS = 40, HTTP_CONNECTIONS_LEAST = 16 };
/* How many all its connections may take. */
size_t http_connection_descriptors(const struct http_settings *settings);

/* For api_context: whether /metrics has dnstap-receiver's names. */
bool http_legacy_metrics(const struct http_settings *settings, bool compat);

/* Sets err: listening there without credentials would let others in, and what to do. Returns -1. */
int http_refuse_open(const struct option_hostport *where, struct error *err);
/* Listens, but serves nobody yet: who connects waits. `settings` and `context` must outlive the
 * server; the latter is looked at from http_server_start on. NULL: err. */
struct http_server *http_server_open(const struct http_settings *settings,
                                     const struct api_context *context, struct error *err);
/* Serves, on threads of its own. -1: err; what is left is to stop it. */
int http_server_start(struct http_server *server, struct error *err);
/* "http://127.0.0.1:8080/", with the port that was got when 0 was asked for. */
const char *http_server_url(const struct http_server *server);
/* What it has seen; any thread. */
struct http_server_counts {
    uint64_t open, accepted, refused, displaced, late; /* connections: http/clients.h */
    uint64_t wrong_credentials;                        /* requests */
};
struct http_server_counts http_server_counts(const struct http_server *server);
/* Ends at once: open requests are cut. NULL is fine. */
void http_server_stop(struct http_server *server);

#endif
