/* Events as Spile itself counts them. */
#include "stats/sample.h"

/* The key of a name is its wire form in lower case (RFC 4343). */
static struct span name_key(const struct dns_name *name, uint8_t *space)
{
    dns_name_lower(space, *name);
    return span_of(space, name->len);
}

static void read_header(struct event *ev, struct stats_sample *s)
{
    s->has_header = !(ev->bad & FACET_HEADER);
    if (!s->has_header) {
        s->marks = 1 << SAMPLE_NO_DNS;
        return;
    }
    s->flags = ev->header.flags;
    s->rcode = (uint16_t)dns_rcode(&ev->header);
    if (ev->bad & FACET_EDNS) {
        s->marks = ev->bad & FACET_QUESTION ? 1 << SAMPLE_BAD_QUESTION : 1 << SAMPLE_BAD_RECORDS;
    } else if (ev->edns.present) {
        s->rcode = ev->edns.rcode;
        s->marks =
            (uint8_t)(1 << SAMPLE_EDNS | (ev->edns.flags & EVENT_EDNS_DO ? 1 << SAMPLE_DO : 0));
    }
}

static uint8_t within(uint32_t value, uint8_t limit)
{
    return value < limit ? (uint8_t)value : 0;
}

static struct span address_of(struct span bytes)
{
    return bytes.len == 4 || bytes.len == 16 ? bytes : span_of("", 0);
}

static bool native_read(struct event *ev, uint8_t *space, struct stats_sample *sample)
{
    const struct dnstap *tap = &ev->tap;
    *sample = (struct stats_sample){
        .identity = tap->identity,
        .client = address_of(tap->query_address),
        .server = address_of(tap->response_address),
        .length = (uint32_t)event_payload(ev).len,
        .origin = ev->origin->id,
        .side = dnstap_is_query(tap) ? STATS_QUERY : STATS_RESPONSE,
        .message_type = within(tap->message_type, DNSTAP_UPDATE_RESPONSE + 1),
        .transport = within(tap->protocol, DNSTAP_DOQ + 1),
        .family = within(tap->family, DNSTAP_INET6 + 1),
        .has_latency = ev->has_latency,
        .latency_ns = ev->latency_ns,
    };
    read_header(ev, sample);
    if (!(ev->bad & FACET_QUESTION) && ev->question.name.len > 0) {
        sample->name = name_key(&ev->question.name, space);
        sample->qtype = ev->question.type;
        sample->has_qtype = true;
    }
    return true;
}

static char *native_put_name(char *p, struct span key)
{
    return dns_name_put(p, (struct dns_name){.wire = key.ptr, .len = (uint8_t)key.len});
}

const struct stats_reader stats_native_reader = {
    .needs = FACET_QUESTION | FACET_EDNS | FACET_LATENCY,
    .read = native_read,
    .wire_keys = true,
    .put_name = native_put_name,
};
