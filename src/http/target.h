/* What a request line asks for, before anything is decoded: RFC 9112 section 3.2. */
#ifndef SPILE_HTTP_TARGET_H
#define SPILE_HTTP_TARGET_H

#include "base/span.h"

struct http_target {
    struct span path;      /* as it was sent: percent signs and dots mean nothing here */
    struct span authority; /* of the absolute form: it stands for the Host header; else absent */
};

/* The spans are views into `uri`. It never fails: nonsense becomes a path that no route has. */
struct http_target target_split(struct span uri);

/* "host:port", "[v6]:port" or without a port: the host, without brackets. */
struct span target_host(struct span authority);
/* Whether it is as RFC 9110 7.2 and RFC 3986 3.2 have it for http: nothing, or a name or an address
 * with or without a port; no user, no blanks, no bytes that are not printed. */
bool target_is_authority(struct span text);

#endif
