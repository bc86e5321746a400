/*
 * Endpoints on the command line: unix:PATH, tcp:HOST:PORT, tcp:[V6]:PORT. HOST may be a name.
 */
#ifndef SPILE_IO_ENDPOINT_H
#define SPILE_IO_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { ENDPOINT_TEXT_MAX = 300 };

enum endpoint_kind { ENDPOINT_UNIX, ENDPOINT_TCP };

struct endpoint {
    enum endpoint_kind kind;
    uint16_t port;     /* of ENDPOINT_TCP; 0 is allowed: a listener gets any free port */
    char address[256]; /* the host without brackets, or the path */
};

/* True when `text` begins as an endpoint does ("unix:", "tcp:"), so that it is not taken for the
 * name of a file. */
bool endpoint_looks_like(const char *text);

/* 0, or -1 with err. Names are not looked up yet. */
int endpoint_parse(struct endpoint *endpoint, const char *text, struct error *err);

/* The endpoint as endpoint_parse takes it, into out[0..ENDPOINT_TEXT_MAX). Returns out. */
const char *endpoint_text(const struct endpoint *endpoint, char *out);

/*
 * Returns a connected stream socket, non-blocking and close-on-exec, which is the caller's. Every
 * address that the name stands for is tried in turn until `timeout_ms` are over; looking up a name
 * may block longer. -1: err says why.
 */
int endpoint_connect(const struct endpoint *endpoint, int timeout_ms, struct error *err);

#endif
