#include "compat/receiver_record.h"

#include "base/cursor.h"
#include "compat/pyfloat.h"
#include "compat/pyutf8.h"
#include "core/format.h"

/* protobuf gives an absent or unknown enum value its default, the first member. */
static uint32_t enum_or_first(const struct dnstap *tap, uint32_t bit, uint32_t value, uint32_t last)
{
    return (tap->has & bit) && value >= 1 && value <= last ? value : 1;
}

/* An address of four bytes may come in sixteen (CoreDNS): the last four count. False: 4.7.0 has no
 * text for such a length. */
static bool address_of(struct span bytes, uint32_t family, struct span *address)
{
    if (family == DNSTAP_INET && bytes.len == 16)
        bytes = span_of(bytes.ptr + 12, 4);
    *address = bytes;
    return bytes.len == 0 || bytes.len == (family == DNSTAP_INET ? 4 : 16);
}

/* The policy is not shown, but a malformed one makes the whole message malformed. */
static bool policy_sound(const struct dnstap *tap)
{
    struct dnstap_policy policy;
    return !(tap->has & DNSTAP_HAS_POLICY) || dnstap_policy_decode(tap->policy, &policy) == 0;
}

int receiver_head_read(struct receiver_head *head, struct event *ev)
{
    const struct dnstap *tap = &ev->tap;
    if (event_need(ev, FACET_DNSTAP) || !policy_sound(tap))
        return DROP_MALFORMED;
    head->message_type =
        enum_or_first(tap, DNSTAP_HAS_MESSAGE_TYPE, tap->message_type, RECEIVER_MESSAGE_TYPES);
    head->family = enum_or_first(tap, DNSTAP_HAS_FAMILY, tap->family, RECEIVER_FAMILIES);
    head->protocol = enum_or_first(tap, DNSTAP_HAS_PROTOCOL, tap->protocol, RECEIVER_PROTOCOLS);
    head->query = head->message_type & 1;
    head->identity = tap->identity.len ? tap->identity : span_of("-", 1);
    if (!pyutf8_valid(head->identity) ||
        !address_of(tap->query_address, head->family, &head->query_address) ||
        !address_of(tap->response_address, head->family, &head->response_address))
        return DROP_MALFORMED;
    head->dns = head->query ? tap->query_message : tap->response_message;
    if (head->dns.len < DNS_HEADER_LEN)
        return DROP_SHORT;
    head->timestamp = head->query ? pyfloat_seconds(tap->query_sec, tap->query_nsec)
                                  : pyfloat_seconds(tap->response_sec, tap->response_nsec);
    return FORMAT_WRITTEN;
}

static void read_address(struct receiver_address *text, struct span address)
{
    char *end = address.len == 0   ? put_char(text->text, '-')
                : address.len == 4 ? put_ipv4(text->text, address.ptr)
                                   : put_ipv6(text->text, address.ptr);
    text->len = (uint8_t)(end - text->text);
}

bool receiver_question(const struct receiver_head *head, struct span *question)
{
    *question = span_of(head->dns.ptr + DNS_HEADER_LEN, head->dns.len - DNS_HEADER_LEN);
    return load_be16(head->dns.ptr + 4) != 0;
}

/*
 * Labels joined by dots: in the text every label's length byte but the first has become a dot, and
 * so has the terminator. Any length byte is taken as such, be it a pointer elsewhere; a label that
 * runs past the end is cut there.
 */
size_t receiver_put_qname(char *text, size_t size, struct span question, uint16_t *type)
{
    size_t at = 0;
    if (question.len > 0)
        memcpy(text, question.ptr + 1, question.len - 1 < size ? question.len - 1 : size);
    while (at < question.len && question.ptr[at] != 0) {
        at += (size_t)question.ptr[at] + 1;
        if (at > question.len)
            at = question.len;
        if (at <= size)
            text[at - 1] = '.';
    }
    size_t len = at == 0 ? 1 : at <= size ? at : size;
    text[len - 1] = '.'; /* of the root, or of what was cut */
    *type = question.len - at > 4 ? load_be16(question.ptr + at + 1) : 0;
    return pyutf8_ignore((uint8_t *)text, len);
}

static int read_question(struct receiver_record *record, struct span question)
{
    struct buf *space = &record->name_space;
    uint16_t type;
    space->len = 0;
    char *text = buf_reserve(space, question.len + 1);
    if (!text)
        return DROP_MEMORY;
    record->qname = span_of(text, receiver_put_qname(text, question.len + 1, question, &type));
    record->rrtype = receiver_rrtype(type);
    return FORMAT_WRITTEN;
}

/* Fraction digits are left out altogether when there is none. */
static bool read_datetime(struct receiver_record *record)
{
    uint64_t sec;
    uint32_t usec;
    if (!pyfloat_split(record->head.timestamp, &sec, &usec))
        return false;
    char *p = record->datetime;
    if (record->second.len == 0 || record->second.second != sec) {
        char whole[PUT_TIME_MAX];
        put_time(whole, sec, 0, &record->second);
    }
    p = put_bytes(p, record->second.text, record->second.len);
    if (usec)
        p = put_digits(put_char(p, '.'), usec, 6);
    p = PUT_LIT(p, "+00:00");
    record->datetime_len = (uint8_t)(p - record->datetime);
    return true;
}

int receiver_record_read(struct receiver_record *record, struct event *ev)
{
    struct receiver_head *head = &record->head;
    int drop = receiver_head_read(head, ev);
    if (drop != FORMAT_WRITTEN)
        return drop;
    if (!read_datetime(record))
        return DROP_MALFORMED; /* no date past the year 9999: there the output dies of it */
    record->message = &receiver_message_types[head->message_type];
    record->family = &receiver_families[head->family];
    record->protocol = &receiver_protocols[head->protocol];
    record->query_port = ev->tap.query_port;
    record->response_port = ev->tap.response_port;
    read_address(&record->query_ip, head->query_address);
    read_address(&record->response_ip, head->response_address);
    record->has_latency = ev->has_latency;
    record->latency = ev->latency_s;
    record->id = load_be16(head->dns.ptr);
    record->rcode = receiver_rcode(head->dns.ptr[3] & 15);
    record->qname = span_of("-", 1);
    record->rrtype = &receiver_absent;
    struct span question;
    return receiver_question(head, &question) ? read_question(record, question) : FORMAT_WRITTEN;
}

void receiver_record_free(struct receiver_record *record)
{
    if (record)
        buf_free(&record->name_space);
}
