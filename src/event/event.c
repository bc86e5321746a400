#include "event/event.h"

/* The family that a server names may be that of its socket, which takes IPv4 too. Numbers that we
 * do not know are left as they are. */
static inline uint32_t family_of(const struct event *ev)
{
    size_t len = ev->query_address.len ? ev->query_address.len : ev->response_address.len;
    if (len == 0 || (ev->tap.family != DNSTAP_INET && ev->tap.family != DNSTAP_INET6))
        return ev->tap.family;
    return len == 4 ? DNSTAP_INET : DNSTAP_INET6;
}

static int decode_dnstap(struct event *ev)
{
    if (dnstap_decode(ev->frame, &ev->tap) < 0)
        return -1;
    ev->query_address = dnstap_address(ev->tap.query_address);
    ev->response_address = dnstap_address(ev->tap.response_address);
    ev->family = family_of(ev);
    ev->side = (uint8_t)dnstap_side(ev->tap.message_type);
    return 0;
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
    ev->question.type = ev->question.class = 0;
    return ev->header.qdcount == 0 ? 0
                                   : dns_question_decode(ev->dns, ev->qname_space, &ev->question);
}

/* Passes over several questions. Not inlined: nobody asks more than one. */
static __attribute__((noinline)) long pass_questions(struct event *ev)
{
    struct dns_walk walk;
    int found = dns_walk_init(&walk, ev->dns, &ev->header);
    if (walk.spent)
        ev->flaws |= FLAW_WORK;
    return found < 0 ? -1 : (long)walk.pos;
}

/* Where the records begin, behind the question that has been read; -1 when that cannot be told. So
 * it is of a message that no server could have sent: a frame of dnstap may be larger by far. */
static inline long find_records(struct event *ev)
{
    if (__builtin_expect(ev->dns.len > DNS_MESSAGE_MAX, 0))
        return -1;
    if (__builtin_expect(ev->header.qdcount > 1, 0))
        return pass_questions(ev);
    return ev->header.qdcount ? ev->question.end : DNS_HEADER_LEN;
}

/* Signatures stand at the end: SIG(0), of which there may be several, and one TSIG. */
struct signatures {
    unsigned first, count; /* in the additional section; with count */
    unsigned tsigs;
};

static bool is_signature(const struct dns_rr *rr)
{
    return rr->type == DNS_TYPE_TSIG ||
           (rr->type == DNS_TYPE_SIG && rr->rdata.len >= 2 && load_be16(rr->rdata.ptr) == 0);
}

static void pass_signature(struct event *ev, const struct dns_rr *rr, struct signatures *s)
{
    if (rr->section != DNS_ADDITIONAL)
        ev->flaws |= FLAW_RECORDS;
    if (s->count++ == 0)
        s->first = ev->records[DNS_ADDITIONAL];
    s->tsigs += rr->type == DNS_TYPE_TSIG;
}

static void pass_opt(struct event *ev, const struct dns_rr *rr, bool *passed)
{
    if (*passed || rr->section != DNS_ADDITIONAL || ev->dns.ptr[rr->owner] != 0)
        ev->flaws |= FLAW_OPT;
    if (*passed || rr->section != DNS_ADDITIONAL)
        return;
    ev->edns = dns_edns_of(rr, &ev->header);
    *passed = true;
}

/* Checks what can be judged only once all of the message has been read. A DSO message (RFC 8490
 * 5.4) has no records, but data of its own behind the header. */
static void check_end(struct event *ev, const struct dns_walk *walk, const struct signatures *s)
{
    if (walk->pos < ev->dns.len && dns_opcode(&ev->header) != DNS_OPCODE_DSO)
        ev->flaws |= FLAW_RECORDS;
    if (s->count && (s->tsigs > 1 || s->first + s->count < ev->records[DNS_ADDITIONAL]))
        ev->flaws |= FLAW_RECORDS;
}

/* The walk ended before the counts were met. A message that has too much work in it is not
 * malformed: what could be read of it is shown, and that the rest is not. */
static int end_early(struct event *ev, const struct dns_walk *walk)
{
    if (walk->failed)
        return -1;
    ev->flaws |= FLAW_WORK;
    return 0;
}

/* Walks all records once: afterwards it is known how many of each section can be read and where
 * they begin, and the OPT record (RFC 6891 6.1.1: at most one, in the additional section) is found.
 */
static int decode_records(struct event *ev)
{
    const struct dns_header *h = &ev->header;
    struct dns_walk walk = {.msg = ev->dns,
                            .work_max = dns_work_max(ev->dns.len),
                            .left = {0, h->ancount, h->nscount, h->arcount}};
    struct dns_rr rr;
    struct signatures signatures = {0};
    bool opt = false;
    memset(ev->section_at, 0, sizeof ev->section_at);
    memset(ev->records, 0, sizeof ev->records);
    long begin = find_records(ev);
    if (begin < 0)
        return -1;
    walk.pos = (size_t)begin;
    for (int section = DNS_ANSWER; section <= DNS_ADDITIONAL; section++) {
        ev->section_at[section] = (uint32_t)walk.pos;
        for (unsigned left = walk.left[section]; left > 0; left--) {
            if (!dns_walk_next(&walk, &rr))
                return end_early(ev, &walk);
            if (rr.type == DNS_TYPE_OPT)
                pass_opt(ev, &rr, &opt);
            else if (!dns_rr_sound(ev->dns, &rr, &walk.work))
                ev->flaws |= FLAW_RECORDS;
            if (is_signature(&rr))
                pass_signature(ev, &rr, &signatures);
            ev->records[section]++;
        }
    }
    check_end(ev, &walk, &signatures);
    return 0;
}

/* Follows no pointers and checks no owners: most of a response is nothing to those who want its OPT
 * record. So an OPT record may be found behind a record that decode_records did not pass. */
static inline long find_opt(struct event *ev)
{
    long begin = find_records(ev);
    return begin < 0 ? -1 : dns_opt_find(ev->dns, (size_t)begin, &ev->header);
}

static int decode_edns(struct event *ev)
{
    bool read_all = ev->have & ~ev->bad & FACET_RECORDS && !(ev->flaws & FLAW_WORK);
    if (ev->edns.present || read_all)
        return 0;
    long found = find_opt(ev);
    if (found > 0) {
        struct dns_rr opt = dns_opt_at(ev->dns, (size_t)found);
        ev->edns = dns_edns_of(&opt, &ev->header);
    }
    return found < 0 ? -1 : 0;
}

/* RFC 6891 6.1.3. The OPT record is not taken apart here: lines of text have no other use for it.
 */
static int decode_rcode(struct event *ev)
{
    ev->rcode = (uint16_t)dns_rcode(&ev->header);
    if (ev->header.arcount == 0 || ev->bad & FACET_QUESTION)
        return 0;
    long found = ev->have & FACET_EDNS ? 0 : find_opt(ev);
    if (found > 0) {
        struct dns_rr opt = dns_opt_at(ev->dns, (size_t)found);
        ev->rcode = dns_extended_rcode(&opt, &ev->header);
    } else if (ev->edns.present) {
        ev->rcode = ev->edns.rcode;
    }
    return 0;
}

static int decode_hashes(struct event *ev)
{
    bool named = !(ev->bad & FACET_QUESTION) && ev->question.name.len > 0;
    if (!ev->key)
        return -1;
    ev->client_hash = siphash_bytes(ev->key, ev->query_address);
    ev->name_hash = named ? dns_name_hash(ev->key, ev->question.name, ev->qname_lower) : 0;
    return 0;
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
    {FACET_HEADER, FACET_DNSTAP,
     FACET_QUESTION | FACET_RECORDS | FACET_EDNS | FACET_RCODE | FACET_HASHES, decode_header},
    {FACET_QUESTION, FACET_HEADER, FACET_RECORDS | FACET_EDNS | FACET_RCODE | FACET_HASHES,
     decode_question},
    {FACET_RECORDS, FACET_QUESTION, 0, decode_records},
    {FACET_EDNS, FACET_QUESTION, 0, decode_edns},
    {FACET_RCODE, FACET_HEADER, 0, decode_rcode},
    {FACET_POLICY, FACET_DNSTAP, 0, decode_policy},
    {FACET_HASHES, FACET_DNSTAP, 0, decode_hashes},
};
enum { STEPS = sizeof steps / sizeof *steps };

uint32_t event_closure(uint32_t facets)
{
    uint32_t all = facets;
#pragma GCC unroll 8
    for (size_t i = 0; i < STEPS; i++)
        all |= facets & steps[i].implied_by ? steps[i].facet : 0;
    return all;
}

uint32_t event_decode_closed(struct event *ev, uint32_t facets)
{
    uint32_t todo = facets & ~ev->have;
    ev->have |= todo;
#pragma GCC unroll 8
    for (size_t i = 0; i < STEPS; i++) {
        if (todo & steps[i].facet && (ev->bad & steps[i].after || steps[i].decode(ev) < 0))
            ev->bad |= steps[i].facet;
    }
    return ev->bad & facets;
}

void event_decode(struct event *ev, uint32_t facets)
{
    event_decode_closed(ev, event_closure(facets));
}

static void set_has(struct dnstap *tap, uint32_t bit, bool has)
{
    tap->has = has ? tap->has | bit : tap->has & ~bit;
}

/* Addresses of both ends go to the wire in the one form, as the family then says of them. */
static void renew_addresses(struct event *ev)
{
    if (ev->query_address.len > 0)
        ev->tap.query_address = ev->query_address;
    if (ev->response_address.len > 0)
        ev->tap.response_address = ev->response_address;
    ev->family = ev->tap.family = family_of(ev);
}

void event_set_query_address(struct event *ev, struct span address)
{
    ev->query_address = ev->tap.query_address = address;
    set_has(&ev->tap, DNSTAP_HAS_QUERY_ADDRESS, address.len > 0);
    renew_addresses(ev);
}

void event_set_response_address(struct event *ev, struct span address)
{
    ev->response_address = ev->tap.response_address = address;
    set_has(&ev->tap, DNSTAP_HAS_RESPONSE_ADDRESS, address.len > 0);
    renew_addresses(ev);
}

void event_set_identity(struct event *ev, struct span identity)
{
    ev->tap.identity = identity;
    set_has(&ev->tap, DNSTAP_HAS_IDENTITY, identity.ptr);
}

void event_changed(struct event *ev)
{
    ev->changed = true;
    if (ev->have & ~ev->bad & FACET_HASHES)
        decode_hashes(ev);
}

bool event_section(const struct event *ev, enum dns_section section, struct dns_walk *walk)
{
    if (ev->bad & FACET_QUESTION || ev->section_at[DNS_ANSWER] == 0)
        return false;
    *walk = (struct dns_walk){.msg = ev->dns,
                              .pos = ev->section_at[section],
                              .work_max = UINT32_MAX, /* there are no more than were read */
                              .again = true};
    walk->left[section] = ev->records[section];
    return true;
}
