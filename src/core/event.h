/*
 * An event: the lazy view of one frame. Facets are decoded when somebody needs them, once.
 *
 * An event lives on a worker's stack while its frame is in the read buffer; it never crosses
 * threads. A facet that cannot be decoded is marked in `bad`; the event still flows, and fields
 * that needed the facet are absent.
 */
#ifndef SPILE_CORE_EVENT_H
#define SPILE_CORE_EVENT_H

#include "base/span.h"
#include "wire/dns.h"
#include "wire/dnstap.h"

struct roster_seat;

/* What a field, a stage or a format needs decoded. A facet implies those above it in its chain. */
enum event_facet {
    FACET_DNSTAP = 1 << 0,   /* the protobuf */
    FACET_HEADER = 1 << 1,   /* the DNS header of the message's own side */
    FACET_QUESTION = 1 << 2, /* its first question */
    FACET_RECORDS = 1 << 3,  /* all records walked once: EDNS found, sections known to be sound */
    FACET_POLICY = 1 << 4,   /* dnstap policy */
    FACET_EDNS = 1 << 6,     /* the OPT record found, by a walk that looks at nothing else */
    FACET_LATENCY = 1 << 5,  /* set by the latency stage, which runs only if somebody needs it */
};

enum { EVENT_EDNS_DO = 0x8000 }; /* the flag of dns_edns.flags, RFC 3225 */

/* Where frames come from: one connection or one file. Immutable while any of its frames is in
 * flight. Owner: the input. */
struct origin {
    char peer[64];            /* "192.0.2.1:4711", "unix", a file's name: text for people */
    uint32_t input;           /* index of the input in the configuration */
    uint32_t id;              /* of the connection or file: no other one has it (core/roster.h) */
    struct roster_seat *seat; /* where it is listed; NULL: it is not */
};

struct event {
    struct span frame;
    const struct origin *origin;
    uint32_t have; /* facets decoded or tried */
    uint32_t bad;  /* facets that failed */
    struct dnstap tap;
    struct dnstap_policy policy;
    /* The message's own side: query_* of a query, response_* of a response. */
    struct span dns; /* absent when the message carries none */
    struct dns_header header;
    struct dns_question question; /* name.len is 0 when there is none */
    struct dns_edns edns;
    uint32_t section_at[4]; /* offsets of the sections, by enum dns_section; with FACET_RECORDS */
    uint64_t match;         /* the latency stage's own; 0 at first */
    int64_t latency_ns;     /* valid when has_latency */
    double latency_s;       /* the same as a double; set by the compatible latency stage alone */
    bool has_latency;
    uint8_t qname_space[DNS_NAME_MAX];
};

static inline void event_init(struct event *ev, struct span frame, const struct origin *origin)
{
    ev->frame = frame;
    ev->origin = origin;
    ev->have = 0;
    ev->bad = 0;
    ev->has_latency = false;
    ev->match = 0;
}

/* Cold side of event_need. */
void event_decode(struct event *ev, uint32_t facets);

/* Decodes what is missing of `facets` and returns those of them (or of what they imply) that are
 * bad: 0 when all is well. */
static inline uint32_t event_need(struct event *ev, uint32_t facets)
{
    if ((ev->have & facets) != facets)
        event_decode(ev, facets);
    return ev->bad & facets;
}

/* Begins a walk over the records of one section. Needs FACET_RECORDS, not bad. */
void event_section(const struct event *ev, enum dns_section section, struct dns_walk *walk);

/* The DNS message of the message's own side; absent when it carries none. */
static inline struct span event_payload(const struct event *ev)
{
    return dnstap_is_query(&ev->tap) ? ev->tap.query_message : ev->tap.response_message;
}

/* The time of the message's own side; false when the message carries none. */
static inline bool event_time(const struct event *ev, uint64_t *sec, uint32_t *nsec)
{
    const struct dnstap *tap = &ev->tap;
    bool query = dnstap_is_query(tap);
    *sec = query ? tap->query_sec : tap->response_sec;
    *nsec = query ? tap->query_nsec : tap->response_nsec;
    return tap->has & (query ? DNSTAP_HAS_QUERY_SEC : DNSTAP_HAS_RESPONSE_SEC);
}

#endif
