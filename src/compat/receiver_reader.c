/*
 * Samples for the statistics as dnstap-receiver 4.7.0 counts: what its decoder makes of an event,
 * keyed by the name's text in lower case. What its counters do not know (EDNS, sound records) is
 * counted as everywhere else.
 */
#include "compat/receiver_reader.h"

#include <libpsl.h>
#include <math.h>

#include "base/cursor.h"
#include "compat/pyutf8.h"
#include "compat/receiver_record.h"
#include "core/format.h"

/* The rounded latency in whole milliseconds: the limits of its classes are inclusive. */
static int64_t latency_ns(double seconds)
{
    double ms = seconds * 1e3;
    if (ms >= 0x1p43)
        return INT64_MAX;
    return ms <= -0x1p43 ? INT64_MIN : llround(ms) * 1000000;
}

/* A message without a question is about the name "-"; one that ends within it has the type 0. */
static void read_name(const struct receiver_head *head, uint8_t *space, struct stats_sample *sample)
{
    struct span question;
    sample->name = span_of("-", 1);
    sample->kind.has_qtype = receiver_question(head, &question);
    if (!sample->kind.has_qtype)
        return;
    size_t len = receiver_put_qname((char *)space, SAMPLE_NAME_MAX, question, &sample->qtype);
    sample->name = span_of(space, pyutf8_lower(space, len));
}

/* A sample's addresses are never NULL: an absent one is an empty span. */
static struct span address_of(struct span bytes)
{
    return bytes.len ? bytes : span_of("", 0);
}

static bool receiver_read(struct event *ev, uint8_t *space, struct stats_sample *sample)
{
    struct receiver_head head;
    if (receiver_head_read(&head, ev) != FORMAT_WRITTEN)
        return false;
    stats_native_fill(ev, sample);
    sample->identity = head.identity;
    sample->client = address_of(head.query_address);
    sample->server = address_of(head.response_address);
    sample->length = (uint32_t)head.dns.len;
    sample->kind.direction = head.query ? STATS_QUERY : STATS_RESPONSE;
    sample->kind.side = STATS_CLIENT;
    sample->kind.message_type = (uint8_t)head.message_type;
    sample->kind.transport = (uint8_t)head.protocol;
    sample->kind.family = (uint8_t)head.family;
    sample->kind.has_header = true;
    sample->kind.flags = load_be16(head.dns.ptr + 2);
    sample->kind.rcode = sample->kind.flags & 15;
    sample->ticks = false; /* latencies are 0 where none is known: no clock can be told by them */
    sample->latency_ns = ev->has_latency ? latency_ns(ev->latency_s) : 0;
    read_name(&head, space, sample);
    sample->name_hash = siphash_bytes(ev->key, sample->name);
    sample->client_hash = siphash_bytes(ev->key, sample->client);
    return true;
}

static char *receiver_put_name(char *p, struct span key)
{
    return put_bytes(p, key.ptr, key.len);
}

bool receiver_is_tld(struct span label)
{
    char text[64]; /* terminated */
    if (label.len == 0 || label.len >= sizeof text || memchr(label.ptr, '.', label.len) ||
        memchr(label.ptr, '\0', label.len) || !pyutf8_ascii(label))
        return false;
    *put_bytes(text, label.ptr, label.len) = '\0';
    return psl_is_public_suffix2(psl_builtin(), text, PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE);
}

/* The bytes before and behind the last dot; without one, nothing is behind. */
static struct span cut_last(struct span text, struct span *rest)
{
    const uint8_t *dot = text.len ? memrchr(text.ptr, '.', text.len) : NULL;
    size_t at = dot ? (size_t)(dot - text.ptr) : 0;
    *rest = span_of(text.ptr, at);
    return dot ? span_of(dot + 1, text.len - at - 1) : text;
}

/*
 * There the name is split at its last two dots, and the last of the parts that is a TLD counts. The
 * final dot is one of them, so that for two labels the first one may count: of "museum.lan." the
 * TLD is "museum".
 */
static struct span receiver_tld(struct span text)
{
    struct span rest;
    for (int parts = 0; parts < 2; parts++) {
        struct span label = cut_last(text, &rest);
        if (receiver_is_tld(label))
            return label;
        text = rest;
    }
    return receiver_is_tld(text) ? text : span_of(NULL, 0);
}

const struct stats_reader receiver_stats_reader = {
    .needs =
        FACET_QUESTION | FACET_EDNS | FACET_RCODE | FACET_LATENCY, /* those of stats_native_fill */
    .read = receiver_read,
    .one_side = true,
    .put_name = receiver_put_name,
    .tld = receiver_tld,
};
