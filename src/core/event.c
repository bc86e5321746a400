#include "core/event.h"

static int decode_dnstap(struct event *ev)
{
    return dnstap_decode(ev->frame, &ev->tap);
}

static int decode_header(struct event *ev)
{
    ev->dns = event_payload(ev);
    return dns_header_decode(ev->dns, &ev->header) ? 0 : -1;
}

/* No question at all is nothing bad: a SERVFAIL or a DSO message may have none. */
static int decode_question(struct event *ev)
{
    ev->question.name.len = 0;
    return ev->header.qdcount == 0 ? 0
                                   : dns_question_decode(ev->dns, ev->qname_space, &ev->question);
}

/* Begins a walk over all records, behind the question that has been read. A message that no server
 * could have sent is refused: names that point to a long one make text of 190 times their size, and
 * a frame of dnstap may be larger by far than a message. */
static inline int begin_walk(const struct event *ev, bool again, struct dns_walk *walk)
{
    const struct dns_header *h = &ev->header;
    if (ev->dns.len > DNS_MESSAGE_MAX)
        return -1;
    *walk = (struct dns_walk){
        .msg = ev->dns,
        .pos = h->qdcount ? ev->question.end : DNS_HEADER_LEN,
        .left = {0, h->ancount, h->nscount, h->arcount},
        .again = again,
    };
    return h->qdcount > 1 ? dns_walk_init(walk, ev->dns, h) : 0;
}

/* Walks all records once: afterwards they are known to be sound, where each section begins is
 * remembered, and the OPT record (RFC 6891 6.1.1: at most one, in the additional section) is found.
 */
static int decode_records(struct event *ev)
{
    struct dns_walk walk;
    struct dns_rr rr;
    ev->edns.present = false;
    if (begin_walk(ev, false, &walk) < 0)
        return -1;
    for (int section = DNS_ANSWER; section <= DNS_ADDITIONAL; section++) {
        ev->section_at[section] = (uint32_t)walk.pos;
        for (unsigned left = walk.left[section]; left > 0; left--) {
            if (!dns_walk_next(&walk, &rr))
                return -1;
            if (rr.type == DNS_TYPE_OPT && section == DNS_ADDITIONAL && !ev->edns.present)
                dns_edns_decode(&rr, &ev->header, &ev->edns);
        }
    }
    return 0;
}

/* Follows no pointers and checks no owners: most of a response is nothing to those who want its OPT
 * record. */
static int decode_edns(struct event *ev)
{
    if (ev->have & ~ev->bad & FACET_RECORDS)
        return 0;
    struct dns_walk walk;
    struct dns_rr opt;
    ev->edns.present = false;
    if (begin_walk(ev, true, &walk) < 0)
        return -1;
    int found = dns_opt_find(walk, &opt);
    if (found > 0)
        dns_edns_decode(&opt, &ev->header, &ev->edns);
    return found;
}

static int decode_policy(struct event *ev)
{
    ev->policy = (struct dnstap_policy){0};
    return ev->tap.has & DNSTAP_HAS_POLICY ? dnstap_policy_decode(ev->tap.policy, &ev->policy) : 0;
}

/* One row a facet, in the order of decoding. */
static const struct {
    uint32_t facet;
    uint32_t after; /* what it is decoded from: bad with it */
    uint32_t implied_by;
    int (*decode)(struct event *ev);
} steps[] = {
    {FACET_DNSTAP, 0, ~0u, decode_dnstap},
    {FACET_HEADER, FACET_DNSTAP, FACET_QUESTION | FACET_RECORDS | FACET_EDNS, decode_header},
    {FACET_QUESTION, FACET_HEADER, FACET_RECORDS | FACET_EDNS, decode_question},
    {FACET_RECORDS, FACET_QUESTION, 0, decode_records},
    {FACET_EDNS, FACET_QUESTION, 0, decode_edns},
    {FACET_POLICY, FACET_DNSTAP, 0, decode_policy},
};

void event_decode(struct event *ev, uint32_t facets)
{
#pragma GCC unroll 8
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        uint32_t facet = steps[i].facet;
        if (ev->have & facet || !(facets & (facet | steps[i].implied_by)))
            continue;
        ev->have |= facet;
        if (ev->bad & steps[i].after || steps[i].decode(ev) < 0)
            ev->bad |= facet;
    }
    ev->have |= facets & FACET_LATENCY;
}

void event_section(const struct event *ev, enum dns_section section, struct dns_walk *walk)
{
    const uint16_t counts[] = {0, ev->header.ancount, ev->header.nscount, ev->header.arcount};
    *walk = (struct dns_walk){.msg = ev->dns, .pos = ev->section_at[section], .again = true};
    walk->left[section] = counts[section];
}
