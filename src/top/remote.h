/* A daemon as an origin: its API over HTTP. */
#ifndef SPILE_TOP_REMOTE_H
#define SPILE_TOP_REMOTE_H

#include "top/gather.h"

struct top_remote;

struct top_remote_options {
    /* http://HOST:PORT/ or https://; what follows goes before the API's paths. A login in it,
     * USER:PASSWORD@, is sent as HTTP Basic. */
    const char *url;
    const char *api_key;      /* NULL: none */
    const char *bearer_token; /* likewise; in the place of a login */
    const char *ca_cert; /* of https: a file of certificates to trust instead of the system's */
};

/* True when the text begins as a URL that this can ask. */
bool top_remote_looks_like(const char *text);
/* Whether it is one, as a whole: host, port, and no longer than is taken. -1: err, which does not
 * show it, as there may be a password in it. */
int top_remote_check(const char *url, struct error *err);
/* The login that the text, a URL, has in front of its host; empty: none. */
struct span top_remote_login(const char *url);
/* Connects to nobody yet. NULL: err. */
struct top_remote *top_remote_new(const struct top_remote_options *options, struct error *err);
void top_remote_free(struct top_remote *remote);
/* Good as long as the remote. A request takes some seconds at most. */
struct top_origin top_remote_origin(struct top_remote *remote);
/* The URL without a password in it. */
const char *top_remote_name(const struct top_remote *remote);

#endif
