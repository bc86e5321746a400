/*
 * dnstap.proto as of 2025-02-01: decoded by cursor into borrowed spans and scalars, and encoded.
 * Unknown fields are passed over and can be listed; unknown enum values are kept as numbers.
 */
#ifndef SPILE_WIRE_DNSTAP_H
#define SPILE_WIRE_DNSTAP_H

#include "base/address.h"
#include "base/buf.h"
#include "base/cursor.h"

enum dnstap_message_type {
    DNSTAP_AUTH_QUERY = 1,
    DNSTAP_AUTH_RESPONSE,
    DNSTAP_RESOLVER_QUERY,
    DNSTAP_RESOLVER_RESPONSE,
    DNSTAP_CLIENT_QUERY,
    DNSTAP_CLIENT_RESPONSE,
    DNSTAP_FORWARDER_QUERY,
    DNSTAP_FORWARDER_RESPONSE,
    DNSTAP_STUB_QUERY,
    DNSTAP_STUB_RESPONSE,
    DNSTAP_TOOL_QUERY,
    DNSTAP_TOOL_RESPONSE,
    DNSTAP_UPDATE_QUERY,
    DNSTAP_UPDATE_RESPONSE,
};

/* Who asked, as the sender of the dnstap message sees it: others asked the sender, or the sender
 * asked others. */
enum dnstap_side { DNSTAP_SIDE_CLIENT, DNSTAP_SIDE_UPSTREAM, DNSTAP_SIDE_UNKNOWN };

enum { DNSTAP_INET = 1, DNSTAP_INET6 = 2 };

enum dnstap_protocol {
    DNSTAP_UDP = 1,
    DNSTAP_TCP,
    DNSTAP_DOT,
    DNSTAP_DOH,
    DNSTAP_DNSCRYPT_UDP,
    DNSTAP_DNSCRYPT_TCP,
    DNSTAP_DOQ,
};

enum { DNSTAP_HTTP1 = 1, DNSTAP_HTTP2, DNSTAP_HTTP3 };

/* Bits of `has`: which fields were on the wire. Spans are absent (NULL) without their bit. */
enum dnstap_has {
    DNSTAP_HAS_IDENTITY = 1 << 0,
    DNSTAP_HAS_VERSION = 1 << 1,
    DNSTAP_HAS_EXTRA = 1 << 2,
    DNSTAP_HAS_MESSAGE = 1 << 3,
    DNSTAP_HAS_TYPE = 1 << 4,
    DNSTAP_HAS_MESSAGE_TYPE = 1 << 5,
    DNSTAP_HAS_FAMILY = 1 << 6,
    DNSTAP_HAS_PROTOCOL = 1 << 7,
    DNSTAP_HAS_QUERY_ADDRESS = 1 << 8,
    DNSTAP_HAS_RESPONSE_ADDRESS = 1 << 9,
    DNSTAP_HAS_QUERY_PORT = 1 << 10,
    DNSTAP_HAS_RESPONSE_PORT = 1 << 11,
    DNSTAP_HAS_QUERY_SEC = 1 << 12,
    DNSTAP_HAS_QUERY_NSEC = 1 << 13,
    DNSTAP_HAS_QUERY_MESSAGE = 1 << 14,
    DNSTAP_HAS_QUERY_ZONE = 1 << 15,
    DNSTAP_HAS_RESPONSE_SEC = 1 << 16,
    DNSTAP_HAS_RESPONSE_NSEC = 1 << 17,
    DNSTAP_HAS_RESPONSE_MESSAGE = 1 << 18,
    DNSTAP_HAS_POLICY = 1 << 19,
    DNSTAP_HAS_HTTP_PROTOCOL = 1 << 20,
    DNSTAP_HAS_UNKNOWN = 1 << 21, /* some field that this table does not know */
};

/* One frame, decoded. Borrows the frame. Enum values are as on the wire, known or not. */
struct dnstap {
    uint32_t has;
    uint32_t type;         /* Dnstap.Type; MESSAGE is 1 */
    uint32_t message_type; /* enum dnstap_message_type */
    uint32_t family;
    uint32_t protocol;
    uint32_t http_protocol;
    uint32_t query_port;
    uint32_t response_port;
    uint32_t query_nsec;
    uint32_t response_nsec;
    uint64_t query_sec;
    uint64_t response_sec;
    struct span identity;
    struct span version;
    struct span extra;
    struct span query_address;
    struct span response_address;
    struct span query_message;
    struct span query_zone;
    struct span response_message;
    struct span policy;  /* still encoded: see dnstap_policy_decode */
    struct span message; /* all of Message, encoded; of several, the last */
};

enum {
    DNSTAP_POLICY_HAS_TYPE = 1 << 0,
    DNSTAP_POLICY_HAS_RULE = 1 << 1,
    DNSTAP_POLICY_HAS_ACTION = 1 << 2,
    DNSTAP_POLICY_HAS_MATCH = 1 << 3,
    DNSTAP_POLICY_HAS_VALUE = 1 << 4,
    DNSTAP_POLICY_HAS_UNKNOWN = 1 << 5, /* some field that this table does not know */
};

struct dnstap_policy {
    uint32_t has;
    uint32_t action;
    uint32_t match;
    struct span type;
    struct span rule;
    struct span value;
};

/* 0, or -1 when the frame is not a well-formed protobuf message; `tap` is then undefined. Repeated
 * fields: the last one wins, and messages merge, as protobuf demands; of a repeated policy, which
 * no sender writes, the last one stands. Required fields may be missing; 32-bit fields keep the
 * lower bits of longer ones; a known field of another wire type is an unknown one. */
int dnstap_decode(struct span frame, struct dnstap *tap);
/* The same of tap->policy, which dnstap_decode does not look into. `policy` is untouched on -1. */
int dnstap_policy_decode(struct span encoded, struct dnstap_policy *policy);

/* Appends the protobuf bytes of what `has` names, in field order; `tap->policy` verbatim. */
void dnstap_encode(const struct dnstap *tap, struct buf *out);
/* The same, followed by the fields that the table does not know, taken from `source`, the frame
 * that `tap` was decoded from. So a message can be changed and nothing of it is lost. */
void dnstap_encode_over(const struct dnstap *tap, struct span source, struct buf *out);
void dnstap_policy_encode(const struct dnstap_policy *policy, struct buf *out);

/* Walks the fields that the table does not know. Zero a walk, then call until it returns false. */
struct dnstap_unknown {
    uint32_t field;      /* number */
    bool in_message;     /* in Message rather than in Dnstap */
    struct span encoded; /* tag and value */
    size_t next;         /* private, as what follows */
    size_t message_end;
};
bool dnstap_unknown_next(struct span frame, struct dnstap_unknown *walk);
/* The same for a policy: begin with a cursor over tap->policy and call until it returns false. */
bool dnstap_policy_unknown_next(struct cursor *policy, uint32_t *field, struct span *encoded);

/* An address of query_address, response_address or a policy's value in its one form: 4 bytes are
 * IPv4, 16 are IPv6. An IPv4 address in sixteen bytes, ::ffff:0:0/96 (RFC 4291 2.5.5.2), becomes
 * its last four, whatever the family says: servers with a socket for both kinds send it so. Bytes
 * of any other length are no address: the span is then empty. */
static inline struct span dnstap_address(struct span bytes)
{
    if (bytes.len == ADDRESS_BYTES && address_is_v4(bytes.ptr))
        return span_of(bytes.ptr + ADDRESS_V4_AT, 4);
    return bytes.len == 4 || bytes.len == 16 ? bytes : span_of("", 0);
}

/* Whether the message says what it is, which the schema requires: without it nobody knows whether
 * it is a query or a response. */
static inline bool dnstap_has_direction(const struct dnstap *tap)
{
    return tap->has & DNSTAP_HAS_MESSAGE_TYPE && tap->message_type != 0;
}

/* Types of queries have odd numbers, those of responses even ones. */
static inline bool dnstap_is_query(const struct dnstap *tap)
{
    return tap->message_type & 1;
}

/* Over what answers are truncated that are too long. */
static inline bool dnstap_is_datagram(const struct dnstap *tap)
{
    return tap->protocol == DNSTAP_UDP || tap->protocol == DNSTAP_DNSCRYPT_UDP;
}

/* The message's own time, a query's query time or a response's response time, in nanoseconds since
 * 1970; 0 when it has none, or one that these cannot hold. */
uint64_t dnstap_time_ns(const struct dnstap *tap);

/* The side of a message type. One that is not known has none, though it has a direction. */
enum dnstap_side dnstap_side(uint32_t message_type);

/* Names of enum values, as "MESSAGE", "CLIENT_QUERY", "client", "INET6", "DNSCryptUDP", "HTTP2",
 * "NXDOMAIN" and "QNAME"; NULL when the value is unknown. */
const char *dnstap_type_name(uint32_t value);
const char *dnstap_message_type_name(uint32_t value);
const char *dnstap_side_name(uint32_t value);
const char *dnstap_family_name(uint32_t value);
const char *dnstap_protocol_name(uint32_t value);
const char *dnstap_http_protocol_name(uint32_t value);
const char *dnstap_policy_action_name(uint32_t value);
const char *dnstap_policy_match_name(uint32_t value);

#endif
