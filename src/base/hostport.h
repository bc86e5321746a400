/* HOST:PORT as text: a name, an IPv4 address, or an IPv6 address in brackets (RFC 3986 3.2.2), and
 * a port behind the last colon. */
#ifndef SPILE_BASE_HOSTPORT_H
#define SPILE_BASE_HOSTPORT_H

#include "base/span.h"

enum {
    HOSTPORT_HOST_MAX = 255, /* RFC 1035: octets of a name; addresses are shorter */
    HOSTPORT_TEXT_MAX = HOSTPORT_HOST_MAX + sizeof "[]:65535",
};

enum hostport_fault {
    HOSTPORT_FINE,
    HOSTPORT_NO_PORT,     /* a host, or brackets with one, and nothing behind it */
    HOSTPORT_NO_BRACKETS, /* an IPv6 address without them: where its port begins is in doubt */
    HOSTPORT_BAD_HOST,
    HOSTPORT_BAD_PORT, /* the host is fine */
};

struct hostport {
    struct span host; /* without brackets; of the text that was parsed */
    uint16_t port;
};

/* `to->host` is set with HOSTPORT_FINE, HOSTPORT_NO_PORT and HOSTPORT_NO_BRACKETS, `to->port` with
 * the first alone. Names are not looked up. */
enum hostport_fault hostport_parse(struct hostport *to, struct span text);

/* The text of both into out[0..HOSTPORT_TEXT_MAX); returns out. A host that is too long is cut. */
char *hostport_text(char *out, const char *host, uint16_t port);

#endif
