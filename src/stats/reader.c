/* How events become samples where nothing is to be compatible: Spile's own view of them. */
#include "stats/sample.h"

static uint16_t dns_marks(const struct event *ev)
{
    if (ev->bad & FACET_HEADER)
        return 1 << SAMPLE_NO_DNS;
    if (ev->bad & FACET_EDNS)
        return ev->bad & FACET_QUESTION ? 1 << SAMPLE_BAD_QUESTION : 1 << SAMPLE_BAD_RECORDS;
    if (!ev->edns.present)
        return 0;
    return (uint16_t)(1 << SAMPLE_EDNS | (ev->edns.flags & EVENT_EDNS_DO ? 1 << SAMPLE_DO : 0));
}

/*
 * NOERROR without an answer means that there is nothing of the type, or, from a server that does
 * not know the name itself, that others are to be asked: a referral has an authority section, and
 * the server is neither an authority for the name (AA) nor does it ask others for the client (RA).
 * RFC 2308, section 2.2, tells the two apart by the records; this goes by the header.
 */
static uint16_t nodata_mark(const struct event *ev)
{
    const struct dns_header *h = &ev->header;
    const unsigned own = DNS_FLAG_AA | DNS_FLAG_RA, whole = DNS_FLAG_QR | DNS_FLAG_TC;
    bool nothing = ev->rcode == DNS_RCODE_NOERROR && h->ancount == 0 && h->qdcount > 0 &&
                   (h->flags & whole) == DNS_FLAG_QR && dns_opcode(h) == DNS_OPCODE_QUERY;
    return nothing && (h->flags & own || h->nscount == 0) ? 1 << SAMPLE_NODATA : 0;
}

static uint16_t left_out_mark(const struct event *ev)
{
    return ev->left_out ? (uint16_t)(1 << (SAMPLE_LEFT_OUT + ev->left_out - LEFT_OUT_NEGATIVE)) : 0;
}

static uint16_t context_marks(const struct event *ev)
{
    return (uint16_t)(ev->context << SAMPLE_CONTEXT);
}

static uint16_t truncated_mark(const struct event *ev)
{
    bool truncated = ev->header.flags & DNS_FLAG_TC && dnstap_is_datagram(&ev->tap);
    return (uint16_t)(truncated << SAMPLE_TRUNCATED);
}

static void read_header(struct event *ev, struct stats_sample *s)
{
    s->kind.has_header = !(ev->bad & FACET_HEADER);
    s->kind.marks = dns_marks(ev) | left_out_mark(ev) | context_marks(ev);
    s->kind.flags = s->kind.has_header ? ev->header.flags : 0;
    bool edns = s->kind.marks >> SAMPLE_EDNS & 1;
    s->kind.udp_size = edns ? ev->edns.udp_size : 0;
    s->kind.edns_version = edns ? ev->edns.version : 0;
    s->kind.rcode = s->kind.has_header ? ev->rcode : 0;
    if (s->kind.has_header && s->kind.direction == STATS_RESPONSE)
        s->kind.marks |= nodata_mark(ev) | truncated_mark(ev);
}

static uint8_t within(uint32_t value, uint8_t limit)
{
    return value < limit ? (uint8_t)value : 0;
}

/* Field by field: clearing the whole sample first costs as much as all the rest. */
void stats_native_fill(struct event *ev, struct stats_sample *sample)
{
    const struct dnstap *tap = &ev->tap;
    sample->identity = tap->identity;
    sample->client = ev->query_address;
    sample->server = ev->response_address;
    sample->length = (uint32_t)event_payload(ev).len;
    sample->origin = ev->origin->id;
    sample->kind.direction = dnstap_is_query(tap) ? STATS_QUERY : STATS_RESPONSE;
    sample->kind.side = ev->side == DNSTAP_SIDE_UPSTREAM ? STATS_UPSTREAM : STATS_CLIENT;
    sample->kind.message_type = within(tap->message_type, DNSTAP_UPDATE_RESPONSE + 1);
    sample->kind.transport = within(tap->protocol, DNSTAP_DOQ + 1);
    sample->kind.family = within(ev->family, DNSTAP_INET6 + 1);
    sample->has_latency = ev->has_latency;
    sample->latency_ns = ev->latency_ns;
    sample->time_ns = dnstap_time_ns(tap);
    sample->ticks = true;
    read_header(ev, sample);
    sample->kind.has_qtype = !(ev->bad & FACET_QUESTION) && ev->question.name.len > 0;
    sample->qtype = ev->question.type;
}

/* A message that is neither query nor response belongs to no direction, so it is not counted. */
static bool native_read(struct event *ev, uint8_t *space, struct stats_sample *sample)
{
    (void)space;
    if (!dnstap_has_direction(&ev->tap))
        return false;
    stats_native_fill(ev, sample);
    /* The key of a name is its wire form in lower case (RFC 4343). */
    sample->name = span_of(ev->qname_lower, sample->kind.has_qtype ? ev->question.name.len : 0);
    sample->name_hash = ev->name_hash;
    sample->client_hash = ev->client_hash;
    return true;
}

static char *native_put_name(char *p, struct span key)
{
    return dns_name_put(p, (struct dns_name){.wire = key.ptr, .len = (uint8_t)key.len});
}

const struct stats_reader stats_native_reader = {
    .needs =
        FACET_QUESTION | FACET_EDNS | FACET_RCODE | FACET_HASHES | FACET_LATENCY | FACET_LOSSES,
    .read = native_read,
    .wire_keys = true,
    .put_name = native_put_name,
};
