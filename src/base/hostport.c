#include "base/hostport.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>

#include "base/number.h"

/* Letters, digits and what else stands in host names and IPv4 addresses. */
static bool is_host_name(struct span host)
{
    for (size_t i = 0; i < host.len; i++) {
        if (!isalnum(host.ptr[i]) && !strchr("-._", host.ptr[i]))
            return false;
    }
    return host.len > 0 && host.len <= HOSTPORT_HOST_MAX && host.ptr[0] != '-' &&
           !memchr(host.ptr, 0, host.len);
}

/* An IPv6 address, perhaps with a zone behind '%', as it stands between brackets. */
static bool is_ipv6(struct span host)
{
    char text[INET6_ADDRSTRLEN + 1];
    const uint8_t *zone = host.len ? memchr(host.ptr, '%', host.len) : NULL;
    size_t len = zone ? (size_t)(zone - host.ptr) : host.len;
    if (len >= sizeof text || host.len > HOSTPORT_HOST_MAX)
        return false;
    if (zone && !is_host_name(span_of(zone + 1, host.len - len - 1)))
        return false;
    memcpy(text, host.ptr, len);
    text[len] = '\0';
    struct in6_addr address;
    return strlen(text) == len && inet_pton(AF_INET6, text, &address) == 1;
}

static bool parse_port(struct span digits, uint16_t *port)
{
    uint64_t value;
    if (!number_parse(digits, UINT16_MAX, &value))
        return false;
    *port = (uint16_t)value;
    return true;
}

/* What brackets hold; an absent span where there are none around the whole text. */
static struct span unbracketed(struct span text)
{
    bool both = text.len >= 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']';
    return both ? span_of(text.ptr + 1, text.len - 2) : span_of(NULL, 0);
}

/* Where no port can stand: a name, an address, or brackets with nothing behind them. */
static enum hostport_fault parse_alone(struct hostport *to, struct span text)
{
    struct span inside = unbracketed(text);
    if (!(inside.ptr ? is_ipv6(inside) : is_host_name(text)))
        return HOSTPORT_BAD_HOST;
    to->host = inside.ptr ? inside : text;
    return HOSTPORT_NO_PORT;
}

enum hostport_fault hostport_parse(struct hostport *to, struct span text)
{
    const uint8_t *colon = text.len ? memrchr(text.ptr, ':', text.len) : NULL;
    if (!colon || text.ptr[text.len - 1] == ']')
        return parse_alone(to, text);
    struct span host = span_of(text.ptr, (size_t)(colon - text.ptr));
    struct span digits = span_of(colon + 1, text.len - host.len - 1), inside = unbracketed(host);
    uint16_t port;
    bool ported = parse_port(digits, &port);
    if (is_ipv6(text) || (is_ipv6(host) && ported && text.len <= HOSTPORT_HOST_MAX)) {
        to->host = text;
        return HOSTPORT_NO_BRACKETS;
    }
    if (!(inside.ptr ? is_ipv6(inside) : is_host_name(host)))
        return HOSTPORT_BAD_HOST;
    if (!ported)
        return HOSTPORT_BAD_PORT;
    *to = (struct hostport){.host = inside.ptr ? inside : host, .port = port};
    return HOSTPORT_FINE;
}

char *hostport_text(char *out, const char *host, uint16_t port)
{
    snprintf(out, HOSTPORT_TEXT_MAX, strchr(host, ':') ? "[%.*s]:%u" : "%.*s:%u", HOSTPORT_HOST_MAX,
             host, port);
    return out;
}
