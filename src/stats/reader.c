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
    s->marks = s->has_header ? 0 : 1 << SAMPLE_NO_DNS;
    s->flags = s->rcode = 0;
    if (!s->has_header)
        return;
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

/* Field by field: clearing the whole sample first costs as much as all the rest. */
static bool native_read(struct event *ev, uint8_t *space, struct stats_sample *sample)
{
    const struct dnstap *tap = &ev->tap;
    sample->identity = tap->identity;
    sample->client = address_of(tap->query_address);
    sample->server = address_of(tap->response_address);
    sample->length = (uint32_t)event_payload(ev).len;
    sample->origin = ev->origin->id;
    sample->side = dnstap_is_query(tap) ? STATS_QUERY : STATS_RESPONSE;
    sample->message_type = within(tap->message_type, DNSTAP_UPDATE_RESPONSE + 1);
    sample->transport = within(tap->protocol, DNSTAP_DOQ + 1);
    sample->family = within(tap->family, DNSTAP_INET6 + 1);
    sample->has_latency = ev->has_latency;
    sample->latency_ns = ev->latency_ns;
    read_header(ev, sample);
    sample->has_qtype = !(ev->bad & FACET_QUESTION) && ev->question.name.len > 0;
    sample->qtype = ev->question.type;
    sample->name = sample->has_qtype ? name_key(&ev->question.name, space) : span_of(space, 0);
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
