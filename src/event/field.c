#include "event/field.h"

#include "event/field_rows.h"
#include "event/structure.h"

#define AT(member) offsetof(struct event, member)

enum {
    HEADER_FLAGS = DNS_FLAG_QR | DNS_FLAG_AA | DNS_FLAG_TC | DNS_FLAG_RD | DNS_FLAG_RA |
                   DNS_FLAG_Z | DNS_FLAG_AD | DNS_FLAG_CD
};
enum { MATCH_CLIENT_IP = 2, MATCH_RESPONSE_IP = 3, MATCH_NS_IP = 5 }; /* Policy.Match */

/* Getters. The plain ones are told by their row where the value lies. */

static inline const void *at(const struct field *self, const struct event *ev)
{
    return (const char *)ev + self->at;
}

static inline bool get_u32(const struct field *self, const struct event *ev, struct field_value *v)
{
    v->number = *(const uint32_t *)at(self, ev);
    return true;
}

static inline bool get_u16(const struct field *self, const struct event *ev, struct field_value *v)
{
    v->number = *(const uint16_t *)at(self, ev);
    return true;
}

static inline bool get_span(const struct field *self, const struct event *ev, struct field_value *v)
{
    v->text = *(const struct span *)at(self, ev);
    return true;
}

static bool get_tap_u32(const struct field *self, const struct event *ev, struct field_value *v)
{
    return ev->tap.has & self->has && get_u32(self, ev, v);
}

static bool get_tap_text(const struct field *self, const struct event *ev, struct field_value *v)
{
    return ev->tap.has & self->has && get_span(self, ev, v);
}

static bool get_tap_length(const struct field *self, const struct event *ev, struct field_value *v)
{
    v->number = ((const struct span *)at(self, ev))->len;
    return ev->tap.has & self->has;
}

static bool get_direction(const struct field *self, const struct event *ev, struct field_value *v)
{
    (void)self;
    v->number = !dnstap_is_query(&ev->tap);
    return dnstap_has_direction(&ev->tap);
}

static bool get_side(const struct field *self, const struct event *ev, struct field_value *v)
{
    v->number = ev->side;
    return ev->tap.has & self->has && v->number != DNSTAP_SIDE_UNKNOWN;
}

static bool get_address(const struct field *self, const struct event *ev, struct field_value *v)
{
    return get_span(self, ev, v) && v->text.len > 0;
}

static bool get_family(const struct field *self, const struct event *ev, struct field_value *v)
{
    v->number = ev->family;
    return ev->tap.has & self->has;
}

/* Sets a time. A second or more of nanoseconds is carried into the seconds, unless these would
 * overflow. */
static inline bool set_time(bool present, uint64_t sec, uint32_t nsec, struct field_value *v)
{
    enum { SECOND = 1000000000 };
    if (__builtin_expect(nsec >= SECOND, 0)) {
        uint64_t carry = nsec / SECOND;
        sec = sec > UINT64_MAX - carry ? UINT64_MAX : sec + carry;
        nsec %= SECOND;
    }
    v->time.sec = sec;
    v->time.nsec = nsec;
    return present;
}

static bool get_own_time(const struct field *self, const struct event *ev, struct field_value *v)
{
    (void)self;
    uint64_t sec;
    uint32_t nsec;
    bool present = event_time(ev, &sec, &nsec);
    return set_time(present, sec, nsec, v);
}

static bool get_query_time(const struct field *self, const struct event *ev, struct field_value *v)
{
    return set_time(ev->tap.has & self->has, ev->tap.query_sec, ev->tap.query_nsec, v);
}

static bool get_response_time(const struct field *self, const struct event *ev,
                              struct field_value *v)
{
    return set_time(ev->tap.has & self->has, ev->tap.response_sec, ev->tap.response_nsec, v);
}

static bool get_latency(const struct field *self, const struct event *ev, struct field_value *v)
{
    (void)self;
    v->duration_ns = ev->latency_ns;
    return ev->has_latency;
}

static bool get_peer(const struct field *self, const struct event *ev, struct field_value *v)
{
    (void)self;
    if (!ev->origin)
        return false;
    v->text = span_str(ev->origin->peer);
    return true;
}

/* A name where the bytes are one whole name in wire form, else text. */
static bool set_name_or_text(struct span bytes, struct field_value *v)
{
    uint8_t space[DNS_NAME_MAX];
    struct dns_name name;
    size_t end;
    v->as = FIELD_TEXT;
    v->text = bytes;
    if (dns_name_decode(bytes, 0, space, &name, &end) == 0 && name.wire == bytes.ptr &&
        name.len == bytes.len) {
        v->as = FIELD_NAME;
        v->name = name;
    }
    return true;
}

static bool get_query_zone(const struct field *self, const struct event *ev, struct field_value *v)
{
    return ev->tap.has & self->has && set_name_or_text(ev->tap.query_zone, v);
}

static bool get_own_length(const struct field *self, const struct event *ev, struct field_value *v)
{
    (void)self;
    struct span payload = event_payload(ev);
    v->number = payload.len;
    return payload.ptr;
}

static bool get_header_u16(const struct field *self, const struct event *ev, struct field_value *v)
{
    return !(ev->bad & FACET_HEADER) && get_u16(self, ev, v);
}

static bool get_rcode(const struct field *self, const struct event *ev, struct field_value *v)
{
    (void)self;
    v->number = ev->rcode;
    return !(ev->bad & FACET_RCODE);
}

static bool get_flag(const struct field *self, const struct event *ev, struct field_value *v)
{
    v->number = (ev->header.flags & self->has) != 0;
    return !(ev->bad & FACET_HEADER);
}

static bool get_opcode(const struct field *self, const struct event *ev, struct field_value *v)
{
    (void)self;
    v->number = dns_opcode(&ev->header);
    return !(ev->bad & FACET_HEADER);
}

static inline bool has_question(const struct event *ev)
{
    return !(ev->bad & FACET_QUESTION) && ev->question.name.len > 0;
}

static bool get_qname(const struct field *self, const struct event *ev, struct field_value *v)
{
    (void)self;
    v->name = ev->question.name;
    return has_question(ev);
}

static bool get_question_u16(const struct field *self, const struct event *ev,
                             struct field_value *v)
{
    return has_question(ev) && get_u16(self, ev, v);
}

static bool get_edns_version(const struct field *self, const struct event *ev,
                             struct field_value *v)
{
    (void)self;
    v->number = ev->edns.version;
    return ev->edns.present;
}

static bool get_edns_u16(const struct field *self, const struct event *ev, struct field_value *v)
{
    return ev->edns.present && get_u16(self, ev, v);
}

static bool get_edns_flag(const struct field *self, const struct event *ev, struct field_value *v)
{
    v->number = ev->edns.present && ev->edns.flags & self->has;
    return ev->edns.present;
}

/* The bits that are set of those that the row names, from the highest on. */
static bool next_flag(const struct field *self, const struct event *ev, struct field_walk *walk,
                      struct field_value *v)
{
    uint32_t flags = *(const uint16_t *)at(self, ev) & self->has & UINT32_C(0xffff) >> walk->at;
    if (flags == 0)
        return false;
    walk->at = (uint32_t)__builtin_clz(flags) - 15;
    v->number = UINT32_C(0x10000) >> walk->at;
    return true;
}

static bool get_answers(const struct field *self, const struct event *ev, struct field_value *v)
{
    struct dns_walk walk;
    (void)self, (void)v;
    return event_section(ev, DNS_ANSWER, &walk);
}

static bool next_answer_address(const struct field *self, const struct event *ev,
                                struct field_walk *walk, struct field_value *v)
{
    struct dns_rr rr;
    (void)self;
    if (walk->at++ == 0)
        event_section(ev, DNS_ANSWER, &walk->records);
    while (dns_walk_next(&walk->records, &rr)) {
        bool a = rr.type == DNS_TYPE_A && rr.rdata.len == 4;
        bool aaaa = rr.type == DNS_TYPE_AAAA && rr.rdata.len == 16;
        v->text = rr.rdata;
        if (rr.class == DNS_CLASS_IN && (a || aaaa))
            return true;
    }
    return false;
}

/* An option that has bits behind its prefix, or is cut short, has none. */
static bool get_client_prefix(const struct field *self, const struct event *ev,
                              struct field_value *v)
{
    struct dns_edns_option option;
    char text[PREFIX_TEXT_BYTES];
    (void)self;
    if (!structure_find_subnet(ev, &option))
        return false;
    struct cursor c = cursor_of(option.data);
    uint16_t family = cursor_be16(&c);
    uint8_t bits = cursor_u8(&c), address[ADDRESS_BYTES] = {0};
    cursor_u8(&c); /* the scope */
    struct span part = cursor_rest(&c);
    size_t size = family == 1 ? 4 : family == 2 ? ADDRESS_BYTES : 0;
    if (c.failed || size == 0 || bits > 8 * size || part.len != (bits + 7u) / 8)
        return false;
    memcpy(address, part.ptr, part.len);
    char *p = family == 1 ? put_ipv4(text, address) : put_ipv6(text, address);
    p = put_u8(put_char(p, '/'), bits);
    return prefix_parse(&v->prefix, span_of(text, (size_t)(p - text))) == PREFIX_FINE;
}

static inline bool has_policy(const struct field *self, const struct event *ev)
{
    return !(ev->bad & FACET_POLICY) && ev->policy.has & self->has;
}

static bool get_policy_text(const struct field *self, const struct event *ev, struct field_value *v)
{
    return has_policy(self, ev) && get_span(self, ev, v);
}

static bool get_policy_u32(const struct field *self, const struct event *ev, struct field_value *v)
{
    return has_policy(self, ev) && get_u32(self, ev, v);
}

/* RPZ keeps the owner name of the rule here. */
static bool get_policy_rule(const struct field *self, const struct event *ev, struct field_value *v)
{
    return has_policy(self, ev) && set_name_or_text(ev->policy.rule, v);
}

/* What matched: an address or a name, as `match` says; bytes that are neither are text. */
static bool get_policy_value(const struct field *self, const struct event *ev,
                             struct field_value *v)
{
    const struct dnstap_policy *policy = &ev->policy;
    if (!has_policy(self, ev))
        return false;
    set_name_or_text(policy->value, v);
    bool wants_address = policy->has & DNSTAP_POLICY_HAS_MATCH &&
                         (policy->match == MATCH_CLIENT_IP || policy->match == MATCH_RESPONSE_IP ||
                          policy->match == MATCH_NS_IP);
    struct span address = dnstap_address(policy->value);
    if (wants_address && address.len > 0) {
        v->as = FIELD_ADDRESS;
        v->text = address;
    }
    return true;
}

/* What is wrong with an event: `malformed` names the first of these that is. */

enum malformed {
    MALFORMED_MESSAGE,
    MALFORMED_ADDRESS,
    MALFORMED_HEADER,
    MALFORMED_QUESTION,
    MALFORMED_RECORDS,
    MALFORMED_POLICY,
    MALFORMED_EDNS,
    MALFORMED_KINDS
};

static bool bad_length(struct span address)
{
    return address.len != 0 && dnstap_address(address).len == 0;
}

static bool cut_options(const struct event *ev)
{
    struct cursor options = cursor_of(ev->edns.options);
    struct dns_edns_option option;
    while (dns_edns_option_next(&options, &option))
        ;
    return options.failed;
}

/* Looks at messages of which all parts can be read. A question behind the first is not looked at
 * (RFC 9619: there is at most one). */
static bool is_wrong(const struct event *ev, enum malformed part)
{
    switch (part) {
    case MALFORMED_MESSAGE:
        return !dnstap_has_direction(&ev->tap);
    case MALFORMED_ADDRESS:
        return bad_length(ev->tap.query_address) || bad_length(ev->tap.response_address);
    case MALFORMED_QUESTION:
        return !(ev->bad & FACET_HEADER) && ev->header.qdcount > 1;
    case MALFORMED_RECORDS:
        return ev->flaws & FLAW_RECORDS;
    case MALFORMED_EDNS:
        return ev->flaws & FLAW_OPT || (ev->edns.present && cut_options(ev));
    default:
        return false;
    }
}

static bool get_malformed(const struct field *self, const struct event *ev, struct field_value *v)
{
    (void)self;
    static const uint32_t facets[MALFORMED_KINDS] = {[MALFORMED_HEADER] = FACET_HEADER,
                                                     [MALFORMED_QUESTION] = FACET_QUESTION,
                                                     [MALFORMED_RECORDS] = FACET_RECORDS,
                                                     [MALFORMED_POLICY] = FACET_POLICY};
    /* No DNS message at all is not a malformed one. */
    uint32_t bad = event_payload(ev).ptr ? ev->bad : ev->bad & FACET_POLICY;
    for (v->number = 0; v->number < MALFORMED_KINDS; v->number++)
        if (bad & facets[v->number] || is_wrong(ev, (enum malformed)v->number))
            return true;
    return false;
}

static char *word_malformed(char *p, uint64_t code)
{
    static const char *const words[MALFORMED_KINDS] = {
        [MALFORMED_MESSAGE] = "message", [MALFORMED_ADDRESS] = "address",
        [MALFORMED_HEADER] = "header",   [MALFORMED_QUESTION] = "question",
        [MALFORMED_RECORDS] = "records", [MALFORMED_POLICY] = "policy",
        [MALFORMED_EDNS] = "edns"};
    return code < MALFORMED_KINDS ? put_str(p, words[code]) : p;
}

static bool get_truncated(const struct field *self, const struct event *ev, struct field_value *v)
{
    (void)self;
    v->number = ev->cut;
    return ev->cut != CUT_NOT;
}

static char *word_truncated(char *p, uint64_t code)
{
    static const char *const words[CUT_KINDS] = {
        [CUT_RECORD_MAX] = "record-max", [CUT_DECODING] = "decoding"};
    return code != CUT_NOT && code < CUT_KINDS ? put_str(p, words[code]) : p;
}

/* Mnemonics; an unknown code is its number, behind a prefix where the registry is IANA's. */

static char *put_word(char *p, const char *word, const char *prefix, uint64_t code)
{
    return word ? put_str(p, word) : put_u64(put_str(p, prefix), code);
}

static char *word_content(char *p, uint64_t code)
{
    return put_word(p, dnstap_type_name((uint32_t)code), "", code);
}

static char *word_message_type(char *p, uint64_t code)
{
    return put_word(p, dnstap_message_type_name((uint32_t)code), "", code);
}

static char *word_direction(char *p, uint64_t code)
{
    return put_str(p, code ? "response" : "query");
}

static char *word_side(char *p, uint64_t code)
{
    return put_word(p, dnstap_side_name((uint32_t)code), "", code);
}

static char *word_family(char *p, uint64_t code)
{
    return put_word(p, dnstap_family_name((uint32_t)code), "", code);
}

static char *word_protocol(char *p, uint64_t code)
{
    return put_word(p, dnstap_protocol_name((uint32_t)code), "", code);
}

static char *word_http_protocol(char *p, uint64_t code)
{
    return put_word(p, dnstap_http_protocol_name((uint32_t)code), "", code);
}

static char *word_policy_action(char *p, uint64_t code)
{
    return put_word(p, dnstap_policy_action_name((uint32_t)code), "", code);
}

static char *word_policy_match(char *p, uint64_t code)
{
    return put_word(p, dnstap_policy_match_name((uint32_t)code), "", code);
}

static char *word_flag(char *p, uint64_t code)
{
    static const char names[16][3] = {[15] = "qr", [10] = "aa", [9] = "tc", [8] = "rd",
                                      [7] = "ra",  [6] = "z",   [5] = "ad", [4] = "cd"};
    bool one = code != 0 && code <= UINT16_MAX && !(code & (code - 1));
    return one ? put_str(p, names[__builtin_ctzll(code)]) : p;
}

static char *word_opcode(char *p, uint64_t code)
{
    return put_word(p, dns_opcode_name((unsigned)code), "OPCODE", code);
}

static char *word_type(char *p, uint64_t code)
{
    return dns_type_put(p, (uint16_t)code);
}

static char *word_class(char *p, uint64_t code)
{
    return dns_class_put(p, (uint16_t)code);
}

const struct field own_fields[] = {
    /* The keys of dnstap-receiver, in its order. */
    {"dnstap.identity", "identity", FIELD_TEXT, .needs = FACET_DNSTAP, .get = get_tap_text,
     .at = AT(tap.identity), .has = DNSTAP_HAS_IDENTITY, .column = 2,
     .doc = "identity of the DNS server, as it calls itself"},
    {"dns.qname", "qname", FIELD_NAME, .needs = FACET_QUESTION, .get = get_qname, .column = 10,
     .doc = "name of the first question"},
    {"dns.qtype", "rrtype", FIELD_WORD, .needs = FACET_QUESTION, .get = get_question_u16,
     .at = AT(question.type), .word = word_type, .column = 11, .doc = "type of the first question"},
    {"query.address", "query-ip", FIELD_ADDRESS, .needs = FACET_DNSTAP, .get = get_address,
     .at = AT(query_address), .column = 5, .doc = "address of who sent the query"},
    {"query.port", "query-port", FIELD_UINT, .needs = FACET_DNSTAP, .get = get_tap_u32,
     .at = AT(tap.query_port), .has = DNSTAP_HAS_QUERY_PORT, .column = 6,
     .doc = "port of who sent the query"},
    {"response.address", "response-ip", FIELD_ADDRESS, .needs = FACET_DNSTAP, .get = get_address,
     .at = AT(response_address), .doc = "address of who answers"},
    {"response.port", "response-port", FIELD_UINT, .needs = FACET_DNSTAP, .get = get_tap_u32,
     .at = AT(tap.response_port), .has = DNSTAP_HAS_RESPONSE_PORT, .doc = "port of who answers"},
    {"dnstap.latency", "latency", FIELD_DURATION, .needs = FACET_LATENCY, .get = get_latency,
     .column = 12, .doc = "seconds from the server's receipt of the query to its answer"},
    {"dnstap.type", "message", FIELD_WORD, .needs = FACET_DNSTAP, .get = get_tap_u32,
     .at = AT(tap.message_type), .has = DNSTAP_HAS_MESSAGE_TYPE, .word = word_message_type,
     .column = 3, .doc = "type of the message: CLIENT_QUERY, RESOLVER_RESPONSE, ..."},
    {"dnstap.family", "family", FIELD_WORD, .needs = FACET_DNSTAP, .get = get_family,
     .has = DNSTAP_HAS_FAMILY, .word = word_family, .column = 7,
     .doc = "INET or INET6, as the addresses are where there are any"},
    {"dnstap.protocol", "protocol", FIELD_WORD, .needs = FACET_DNSTAP, .get = get_tap_u32,
     .at = AT(tap.protocol), .has = DNSTAP_HAS_PROTOCOL, .word = word_protocol, .column = 8,
     .doc = "how the message travelled: UDP, TCP, DOT, DOH, DOQ, ..."},
    {"dns.length", "length", FIELD_UINT, .shown_as = SHOWN_LENGTH, .needs = FACET_DNSTAP,
     .get = get_own_length, .column = 9, .doc = "bytes of the DNS message"},
    {"dnstap.timestamp", "timestamp", FIELD_TIME, .shown_as = SHOWN_EPOCH, .needs = FACET_DNSTAP,
     .get = get_own_time, .doc = "time of the message in seconds since 1970"},
    {"dnstap.direction", "type", FIELD_WORD, .needs = FACET_DNSTAP, .get = get_direction,
     .word = word_direction, .doc = "query or response"},
    {"dns.rcode", "rcode", FIELD_WORD, .needs = FACET_RCODE, .get = get_rcode, .word = field_rcode,
     .column = 4, .doc = "response code, with the extended bits that EDNS has"},
    {"dns.id", "id", FIELD_UINT, .needs = FACET_HEADER, .get = get_header_u16, .at = AT(header.id),
     .doc = "id of the DNS message"},
    {"dnstap.time", "datetime", FIELD_TIME, .needs = FACET_DNSTAP, .get = get_own_time, .column = 1,
     .doc = "time of the message"},
    /* And more. */
    {"dnstap.side", "side", FIELD_WORD, .needs = FACET_DNSTAP, .get = get_side,
     .has = DNSTAP_HAS_MESSAGE_TYPE, .word = word_side,
     .doc = "client (the server was asked: CLIENT, AUTH, UPDATE) or upstream (it asks: RESOLVER, "
            "FORWARDER, STUB, TOOL)"},
    {"dns.opcode", "opcode", FIELD_WORD, .needs = FACET_HEADER, .get = get_opcode,
     .word = word_opcode, .doc = "operation: QUERY, NOTIFY, UPDATE, ..."},
    {"dns.qclass", "class", FIELD_WORD, .needs = FACET_QUESTION, .get = get_question_u16,
     .at = AT(question.class), .word = word_class, .doc = "class of the first question"},
    {"dns.flags", "flags", FIELD_LIST, .of = FIELD_WORD, .needs = FACET_HEADER,
     .get = get_header_u16, .at = AT(header.flags), .has = HEADER_FLAGS, .next = next_flag,
     .word = word_flag, .put = structure_list, .doc = "flags of the header that are set"},
    {"dns.flags.qr", "qr", FIELD_BOOL, .needs = FACET_HEADER, .get = get_flag, .has = DNS_FLAG_QR,
     .part = true, .doc = "flag: response"},
    {"dns.flags.aa", "aa", FIELD_BOOL, .needs = FACET_HEADER, .get = get_flag, .has = DNS_FLAG_AA,
     .part = true, .doc = "flag: authoritative answer"},
    {"dns.flags.tc", "tc", FIELD_BOOL, .needs = FACET_HEADER, .get = get_flag, .has = DNS_FLAG_TC,
     .part = true, .doc = "flag: truncated"},
    {"dns.flags.rd", "rd", FIELD_BOOL, .needs = FACET_HEADER, .get = get_flag, .has = DNS_FLAG_RD,
     .part = true, .doc = "flag: recursion desired"},
    {"dns.flags.ra", "ra", FIELD_BOOL, .needs = FACET_HEADER, .get = get_flag, .has = DNS_FLAG_RA,
     .part = true, .doc = "flag: recursion available"},
    {"dns.flags.z", "z", FIELD_BOOL, .needs = FACET_HEADER, .get = get_flag, .has = DNS_FLAG_Z,
     .part = true, .doc = "flag: reserved"},
    {"dns.flags.ad", "ad", FIELD_BOOL, .needs = FACET_HEADER, .get = get_flag, .has = DNS_FLAG_AD,
     .part = true, .doc = "flag: authentic data"},
    {"dns.flags.cd", "cd", FIELD_BOOL, .needs = FACET_HEADER, .get = get_flag, .has = DNS_FLAG_CD,
     .part = true, .doc = "flag: checking disabled"},
    {"dns.qdcount", "qdcount", FIELD_UINT, .needs = FACET_HEADER, .get = get_header_u16,
     .at = AT(header.qdcount), .doc = "number of questions that the header promises"},
    {"dns.ancount", "ancount", FIELD_UINT, .needs = FACET_HEADER, .get = get_header_u16,
     .at = AT(header.ancount), .doc = "number of answer records that the header promises"},
    {"dns.nscount", "nscount", FIELD_UINT, .needs = FACET_HEADER, .get = get_header_u16,
     .at = AT(header.nscount), .doc = "number of authority records that the header promises"},
    {"dns.arcount", "arcount", FIELD_UINT, .needs = FACET_HEADER, .get = get_header_u16,
     .at = AT(header.arcount), .doc = "number of additional records that the header promises"},
    {"dns.answer", "answers", FIELD_TREE, .needs = FACET_RECORDS, .put = structure_answers,
     .doc = "records of the answer section; of a message that breaks off, those before the break"},
    {"dns.answer-addresses", "answer-ips", FIELD_LIST, .of = FIELD_ADDRESS, .needs = FACET_RECORDS,
     .get = get_answers, .next = next_answer_address, .put = structure_list, .part = true,
     .doc = "addresses of the answer section: of its A and AAAA records"},
    {"dns.authority", "authority", FIELD_TREE, .needs = FACET_RECORDS, .put = structure_authority,
     .doc = "records of the authority section, likewise"},
    {"dns.additional", "additional", FIELD_TREE, .needs = FACET_RECORDS,
     .put = structure_additional,
     .doc = "records of the additional section, likewise, without EDNS"},
    {"edns", "edns", FIELD_TREE, .needs = FACET_EDNS, .put = structure_edns,
     .doc = "EDNS: all of it"},
    {"edns.version", "edns-version", FIELD_UINT, .needs = FACET_EDNS, .get = get_edns_version,
     .part = true, .doc = "EDNS version"},
    {"edns.udp-size", "edns-udp-size", FIELD_UINT, .needs = FACET_EDNS, .get = get_edns_u16,
     .at = AT(edns.udp_size), .part = true, .doc = "bytes that the sender takes over UDP"},
    {"edns.do", "edns-do", FIELD_BOOL, .needs = FACET_EDNS, .get = get_edns_flag,
     .has = EVENT_EDNS_DO, .part = true, .doc = "DNSSEC records are wanted"},
    {"edns.flags", "edns-flags", FIELD_LIST, .of = FIELD_WORD, .needs = FACET_EDNS,
     .get = get_edns_u16, .at = AT(edns.flags), .has = UINT16_MAX, .next = next_flag,
     .word = structure_edns_flag, .put = structure_list, .part = true,
     .doc = "EDNS flags that are set: do, co (compact answers are fine), others as 0x2000"},
    {"edns.rcode", "edns-rcode", FIELD_WORD, .needs = FACET_EDNS, .get = get_edns_u16,
     .at = AT(edns.rcode), .word = field_rcode, .part = true,
     .doc = "response code with its extended bits"},
    {"edns.client-subnet", "edns-client-subnet", FIELD_TREE, .needs = FACET_EDNS,
     .put = structure_client_subnet, .part = true, .doc = "client subnet: prefix and scope"},
    {"edns.client-prefix", "edns-client-prefix", FIELD_PREFIX, .needs = FACET_EDNS,
     .get = get_client_prefix, .part = true,
     .doc = "client subnet: the prefix alone, where it is one"},
    {"edns.options", "edns-options", FIELD_TREE, .needs = FACET_EDNS, .put = structure_edns_options,
     .part = true, .doc = "all EDNS options"},
    {"dnstap.query-zone", "query-zone", FIELD_DATA, .needs = FACET_DNSTAP, .get = get_query_zone,
     .has = DNSTAP_HAS_QUERY_ZONE, .doc = "zone that a resolver asked about"},
    {"dnstap.http-protocol", "http-protocol", FIELD_WORD, .needs = FACET_DNSTAP, .get = get_tap_u32,
     .at = AT(tap.http_protocol), .has = DNSTAP_HAS_HTTP_PROTOCOL, .word = word_http_protocol,
     .doc = "HTTP1, HTTP2 or HTTP3, of DOH"},
    {"policy", "policy", FIELD_TREE, .needs = FACET_POLICY, .put = structure_policy,
     .doc = "policy that was applied: all of it"},
    {"policy.type", "policy-type", FIELD_TEXT, .needs = FACET_POLICY, .get = get_policy_text,
     .at = AT(policy.type), .has = DNSTAP_POLICY_HAS_TYPE, .part = true,
     .doc = "kind of policy, such as RPZ"},
    {"policy.rule", "policy-rule", FIELD_DATA, .needs = FACET_POLICY, .get = get_policy_rule,
     .has = DNSTAP_POLICY_HAS_RULE, .part = true, .doc = "rule that matched"},
    {"policy.action", "policy-action", FIELD_WORD, .needs = FACET_POLICY, .get = get_policy_u32,
     .at = AT(policy.action), .has = DNSTAP_POLICY_HAS_ACTION, .word = word_policy_action,
     .part = true, .doc = "what was done: NXDOMAIN, DROP, LOCAL_DATA, ..."},
    {"policy.match", "policy-match", FIELD_WORD, .needs = FACET_POLICY, .get = get_policy_u32,
     .at = AT(policy.match), .has = DNSTAP_POLICY_HAS_MATCH, .word = word_policy_match,
     .part = true, .doc = "what was compared: QNAME, CLIENT_IP, ..."},
    {"policy.value", "policy-value", FIELD_DATA, .needs = FACET_POLICY, .get = get_policy_value,
     .has = DNSTAP_POLICY_HAS_VALUE, .part = true, .doc = "value that matched"},
    {"dnstap.version", "version", FIELD_TEXT, .needs = FACET_DNSTAP, .get = get_tap_text,
     .at = AT(tap.version), .has = DNSTAP_HAS_VERSION, .doc = "version of the DNS server"},
    {"dnstap.extra", "extra", FIELD_TEXT, .needs = FACET_DNSTAP, .get = get_tap_text,
     .at = AT(tap.extra), .has = DNSTAP_HAS_EXTRA, .doc = "what the server added"},
    {"input.peer", "peer", FIELD_TEXT, .get = get_peer,
     .doc = "who sent the frame: address and port, a socket, or a file"},
    {"dnstap.query-time", "query-time", FIELD_TIME, .needs = FACET_DNSTAP, .get = get_query_time,
     .has = DNSTAP_HAS_QUERY_SEC, .doc = "time of the query"},
    {"dnstap.response-time", "response-time", FIELD_TIME, .needs = FACET_DNSTAP,
     .get = get_response_time, .has = DNSTAP_HAS_RESPONSE_SEC, .doc = "time of the response"},
    {"dnstap.query-length", "query-message-length", FIELD_UINT, .shown_as = SHOWN_LENGTH,
     .needs = FACET_DNSTAP, .get = get_tap_length, .at = AT(tap.query_message),
     .has = DNSTAP_HAS_QUERY_MESSAGE,
     .doc = "bytes of the DNS query, where the message carries it"},
    {"dnstap.response-length", "response-message-length", FIELD_UINT, .shown_as = SHOWN_LENGTH,
     .needs = FACET_DNSTAP, .get = get_tap_length, .at = AT(tap.response_message),
     .has = DNSTAP_HAS_RESPONSE_MESSAGE,
     .doc = "bytes of the DNS response, where the message carries it"},
    {"dnstap.unknown", "unknown", FIELD_TREE, .needs = FACET_POLICY, .put = structure_unknown,
     .doc = "protobuf fields that this version does not know, by number"},
    {"dnstap.content", "content", FIELD_WORD, .needs = FACET_DNSTAP, .get = get_tap_u32,
     .at = AT(tap.type), .has = DNSTAP_HAS_TYPE, .word = word_content, .part = true,
     .doc = "what the frame is: MESSAGE; another kind by its number"},
    {"dnstap.malformed", "malformed", FIELD_WORD,
     .needs = FACET_POLICY | FACET_RECORDS | FACET_EDNS, .get = get_malformed,
     .word = word_malformed,
     .doc =
         "the first part that is wrong: message (it has no type), address (neither 4 nor 16 "
         "bytes), header, question (or more than one), records (cut, malformed, bytes behind "
         "the last one, or a TSIG that is not the last), policy, or edns (options cut, or an OPT "
         "record too many or out of place)"},
    {FIELD_TRUNCATED, "truncated", FIELD_WORD, .get = get_truncated, .word = word_truncated,
     .part = true,
     .doc = "why the record does not show all of the event: record-max (the output's limit), or "
            "decoding (the message has more in it than it is given time for: names that are longer "
            "by far than what stands for them). JSON and YAML have the key then alone"},
    {0},
};

const size_t own_field_count = sizeof own_fields / sizeof *own_fields - 1;
