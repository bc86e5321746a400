/* Frames for tests: a dnstap message from its parts. */
#ifndef SPILE_TESTS_FRAME_H
#define SPILE_TESTS_FRAME_H

#include "bytes.h"
#include "event/event.h"

/* dns.qname www.example. A IN, id 0x1234, RD: a query without EDNS. */
#define FRAME_QUERY                                                                                \
    BYTES("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"                                       \
          "\x03www\x07"                                                                            \
          "example\x00\x00\x01\x00\x01")

/* Its answer: QR AA RD RA, two A records, one NS, and OPT with DO, client subnet and a cookie. */
#define FRAME_RESPONSE                                                                             \
    BYTES("\x12\x34\x85\x80\x00\x01\x00\x02\x00\x01\x00\x01"                                       \
          "\x03www\x07"                                                                            \
          "example\x00\x00\x01\x00\x01"                                                            \
          "\xc0\x0c\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04\xc0\x00\x02\x01"                       \
          "\xc0\x0c\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04\xc0\x00\x02\x02"                       \
          "\xc0\x10\x00\x02\x00\x01\x00\x00\x0e\x10\x00\x05\x02ns\xc0\x10"                         \
          "\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x17"                                           \
          "\x00\x08\x00\x07\x00\x01\x18\x00\xc6\x33\x64"                                           \
          "\x00\x0a\x00\x08\x01\x02\x03\x04\x05\x06\x07\x08")

/* A client query as a server would send it. */
static inline struct dnstap frame_query(void)
{
    return (struct dnstap){
        .has = DNSTAP_HAS_IDENTITY | DNSTAP_HAS_VERSION | DNSTAP_HAS_MESSAGE | DNSTAP_HAS_TYPE |
               DNSTAP_HAS_MESSAGE_TYPE | DNSTAP_HAS_FAMILY | DNSTAP_HAS_PROTOCOL |
               DNSTAP_HAS_QUERY_ADDRESS | DNSTAP_HAS_QUERY_PORT | DNSTAP_HAS_RESPONSE_ADDRESS |
               DNSTAP_HAS_RESPONSE_PORT | DNSTAP_HAS_QUERY_SEC | DNSTAP_HAS_QUERY_NSEC |
               DNSTAP_HAS_QUERY_MESSAGE,
        .type = 1,
        .message_type = DNSTAP_CLIENT_QUERY,
        .family = DNSTAP_INET,
        .protocol = DNSTAP_UDP,
        .identity = BYTES("ns1"),
        .version = BYTES("server 1.0"),
        .query_address = BYTES("\xc6\x33\x64\x07"),
        .query_port = 40000,
        .response_address = BYTES("\xc0\x00\x02\x35"),
        .response_port = 53,
        .query_sec = 1795251042,
        .query_nsec = 992910123,
        .query_message = FRAME_QUERY,
    };
}

/* The client response to it. */
static inline struct dnstap frame_response(void)
{
    struct dnstap tap = frame_query();
    tap.has &= ~(uint32_t)DNSTAP_HAS_QUERY_MESSAGE;
    tap.has |= DNSTAP_HAS_RESPONSE_SEC | DNSTAP_HAS_RESPONSE_NSEC | DNSTAP_HAS_RESPONSE_MESSAGE;
    tap.message_type = DNSTAP_CLIENT_RESPONSE;
    tap.query_message = (struct span){0};
    tap.response_sec = 1795251042;
    tap.response_nsec = 994144123;
    tap.response_message = FRAME_RESPONSE;
    return tap;
}

#endif
