/* Who may ask: the configured credentials, and what a request brings of them. */
#ifndef SPILE_HTTP_GUARD_H
#define SPILE_HTTP_GUARD_H

#include <sys/socket.h>

#include "http/settings.h"

/* Immutable once made. Texts that are NULL are not configured. */
struct guard {
    char *api_key;
    char *basic; /* base64 of "login:password": what is sent is compared as it comes */
    char *bearer;
    char *host; /* where we listen: a name for ourselves */
};

/* What a request says of itself. Absent spans were not sent. */
struct guard_request {
    struct span api_key;       /* X-API-Key */
    struct span authorization; /* Authorization */
    struct span host;          /* Host, or the authority of the target */
    struct span origin;        /* Origin */
    struct span site;          /* Sec-Fetch-Site */
    bool local;                /* the peer is of loopback */
    bool changes;              /* its method is not GET or HEAD */
    bool commands;             /* more than statistics */
};

enum guard_verdict {
    GUARD_PASS,
    GUARD_UNKNOWN, /* credentials are missing or wrong: 401 */
    GUARD_FOREIGN, /* requests from there are never allowed: 403 */
};

/* Copies the credentials, and reads the API key's file. -1: err. To be freed with guard_free, after
 * an error, too. */
int guard_init(struct guard *guard, const struct http_settings *settings, struct error *err);
/* Only looks whether the API key's file can be read and used. -1: err. */
int guard_probe(const struct http_settings *settings, struct error *err);
void guard_free(struct guard *guard);
/* True when both let in the same. */
bool guard_equal(const struct guard *a, const struct guard *b);
/* False: nobody beyond loopback may ask. */
bool guard_has_credentials(const struct guard *guard);

/*
 * Where credentials are configured, a request must bring at least one of them, and none that is
 * wrong. Each is compared in a time that depends on nothing but the length of what was sent.
 *
 * Where none are, nobody may command the program; the peer must be of loopback, and so must be the
 * host name that it used: otherwise a page whose name was made to mean 127.0.0.1 (DNS rebinding)
 * could read us through its visitor's browser. In both cases a request that changes something must
 * not come from another site's page.
 */
enum guard_verdict guard_judge(const struct guard *guard, const struct guard_request *request);

/* 127.0.0.0/8, ::1, and the former mapped into IPv6. */
bool guard_is_loopback(const struct sockaddr *address);

#endif
