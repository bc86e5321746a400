/*
 * One DNS query and what becomes of it, as a function of a seed: who asks whom for what, and how
 * that ends. An exchange is expanded twice, for its query and for its response, so that only its
 * seed has to wait for the response's time.
 */
#ifndef SPILE_CLI_GEN_EXCHANGE_H
#define SPILE_CLI_GEN_EXCHANGE_H

#include "cli/gen_name.h"
#include "wire/dnstap.h"

enum gen_outcome {
    GEN_ANSWER,
    GEN_NODATA,
    GEN_NXDOMAIN,
    GEN_SERVFAIL,
    GEN_REFUSED,
    GEN_TRUNCATED, /* UDP only */
    GEN_REFERRAL,
    GEN_OUTCOMES
};

enum {
    DNS_A = 1,
    DNS_NS = 2,
    DNS_CNAME = 5,
    DNS_SOA = 6,
    DNS_PTR = 12,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_SRV = 33,
    DNS_DS = 43,
    DNS_RRSIG = 46,
    DNS_NSEC = 47,
    DNS_DNSKEY = 48,
    DNS_TLSA = 52,
    DNS_HTTPS = 65,
    DNS_CAA = 257,
    DNS_OPT = 41
};

/* A DNS server that reports: what it calls itself, and what it leaves out. */
struct gen_producer {
    const char *identity;
    const char *version;
    bool query_time;    /* responses carry the query's time too */
    bool query_message; /* and the query */
};

/* What is alike in all exchanges of one kind. */
struct gen_role {
    uint16_t weight;                 /* per mille */
    uint16_t outcomes[GEN_OUTCOMES]; /* per mille */
    uint16_t protocols[DNSTAP_DOQ];  /* per mille, of UDP, TCP, ... */
    uint32_t type;                   /* of the query's message; the response's is one more */
    bool recursive;                  /* RD in queries, RA in responses */
    bool authoritative;              /* AA in responses */
    bool zone;                       /* the messages carry the query zone */
    bool remote;                     /* the answer comes from far away */
};

struct gen_exchange {
    uint64_t seed;
    const struct gen_role *role;
    const struct gen_producer *producer;
    uint8_t protocol; /* enum dnstap_protocol */
    uint8_t address_len;
    uint8_t query_address[16];
    uint8_t response_address[16];
    uint16_t query_port;
    uint16_t response_port;
    struct gen_name name;
    uint16_t qtype;
    uint16_t id;
    uint16_t udp_size; /* of EDNS; 0: no EDNS */
    bool dnssec;       /* DO */
    bool subnet;       /* ECS */
    bool cookie;
    bool checking_disabled;
    bool answered;
    bool signed_zone;
    enum gen_outcome outcome;
    uint64_t query_ns; /* since 1970 */
    uint64_t latency_ns;
};

void gen_exchange_expand(struct gen_exchange *x, uint64_t seed, uint64_t query_ns);

#endif
