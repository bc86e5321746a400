/*
 * An event: the lazy view of one frame. Each facet is decoded when somebody first needs it.
 *
 * An event lives on a worker's stack while its frame is in the read buffer; it never crosses
 * threads. A facet that cannot be decoded is marked in `bad`. The event still flows: what could be
 * read before the fault is there, and fields that need what could not be read are absent.
 */
#ifndef SPILE_EVENT_EVENT_H
#define SPILE_EVENT_EVENT_H

#include "base/account.h"
#include "base/siphash.h"
#include "base/span.h"
#include "wire/dns.h"
#include "wire/dnstap.h"

struct field;
struct roster_seat;

/* How many fields modules may contribute. */
enum { EVENT_SLOTS = 8 };

/* How many events take each step together, at most: enough for memory to answer meanwhile. */
enum { EVENT_BATCH = 16 };

/* What a field, a stage or a format needs decoded. A facet has those decoded too that it is read
 * from: HEADER needs DNSTAP, QUESTION needs HEADER, RECORDS and EDNS need QUESTION; POLICY needs
 * DNSTAP, RCODE needs HEADER. Where one of these is bad, what is read from it is bad as well.
 * HASHES has QUESTION decoded, but is bad only with DNSTAP: a message without a name has a client.
 */
enum event_facet {
    FACET_DNSTAP = 1 << 0,   /* the protobuf, and the addresses in their one form */
    FACET_HEADER = 1 << 1,   /* the DNS header of the message's own direction */
    FACET_QUESTION = 1 << 2, /* its first question */
    FACET_RECORDS = 1 << 3,  /* all records walked once, up to the first that is malformed */
    FACET_POLICY = 1 << 4,   /* dnstap policy */
    FACET_LATENCY = 1 << 5,  /* set by the latency stage, which runs only if somebody needs it */
    FACET_EDNS = 1 << 6,     /* the first OPT record; bad when the message breaks before any */
    FACET_RCODE = 1 << 7,    /* the response code: of the header, and of EDNS where it is there */
    FACET_LOSSES = 1 << 8,   /* nothing of the event: the latency stage keeps account of exchanges
                                that came by half (stage/loss.h) */
    FACET_HASHES = 1 << 9,   /* keyed hashes of the name and of the client, and the name in lower
                                case: once for all who look one up; bad without a key, too */
};

/* Those that are not decoded: a stage sees to them. */
enum { FACETS_OF_STAGES = FACET_LATENCY | FACET_LOSSES };

/* What may be wrong in a message though all of its records can be read: bits of event.flaws. */
enum event_flaw {
    FLAW_OPT = 1 << 0, /* a second OPT record, or one that is not in the additional section or not
                          owned by the root (RFC 6891 6.1.1, 6.1.2) */
    FLAW_RECORDS =
        1
        << 1, /* bytes behind the last record; data that does not fit its type; or a TSIG or SIG(0)
                 record that is not at the end, or a second TSIG (RFC 8945 5.1, RFC 2931 3.1) */
    FLAW_WORK = 1 << 2, /* names that are longer by far than the bytes they stand in: the records
                           behind are not read (dns_work_max) */
};

/* Why a record that is written does not show all of its event: struct event.cut. */
enum event_cut {
    CUT_NOT,
    CUT_RECORD_MAX, /* it would have been longer than the output's record-max */
    CUT_DECODING,   /* FLAW_WORK */
    CUT_KINDS
};

/* Flags of dns_edns.flags. */
enum {
    EVENT_EDNS_DO = 0x8000, /* RFC 3225 */
    EVENT_EDNS_CO = 0x4000, /* compact answers are fine, RFC 9824 */
};

/* Why a response whose query is known has no latency. */
enum event_left_out {
    LEFT_OUT_NOT,
    LEFT_OUT_NEGATIVE, /* the response came before its query: clocks disagree */
    LEFT_OUT_BEYOND,   /* it came later than the latency-window allows */
};

/* What other exchanges say of an event; bits of event.context. */
enum event_context {
    CONTEXT_AGAIN = 1 << 0,     /* a question to others: the same name and type had been asked for
                                   within the latency-window, and had no answer yet */
    CONTEXT_TRUNCATED = 1 << 1, /* a query over TCP, after a truncated answer over UDP to the same
                                   client about the same name and type within the window */
    CONTEXT_CACHED = 1 << 2,    /* a response to a client: nobody else was asked for its name and
                                   type while the client waited */
    CONTEXT_FETCHED = 1 << 3,   /* the same: somebody was, or his answer was awaited */
};

/* Where frames come from: one connection or one file. Immutable while any of its frames is in
 * flight. Owner: the input. */
struct origin {
    char peer[64];    /* "192.0.2.1:4711", "unix", a file's name: text for people */
    uint8_t host_len; /* so much of it names a machine or a process; 0: it is none */
    uint32_t input;   /* index of the input in the configuration */
    uint32_t id;      /* of the connection or file: no other one has it (core/roster.h) */
    bool charged;     /* there is an account that it is charged to: accounts_limited */
    struct account account;
    struct roster_seat *seat; /* where it is listed; NULL: it is not */
};

/* The value of a field that a module contributes (event/field.h): a number, or bytes that stay
 * there until the event is through. */
struct event_slot {
    const struct field *field;
    uint64_t number;
    struct span text;
};

struct event {
    struct span frame;
    const struct origin *origin;
    const struct siphash_key *key; /* of the hashes; the statistics' own where there are some */
    uint32_t have;                 /* facets decoded or tried */
    uint32_t bad;                  /* facets that failed */
    struct dnstap tap;             /* as on the wire; for addresses and the family see below */
    /* The addresses of who asked and of who answers, as dnstap_address has them: 4 bytes, 16, or
     * none. All read these and not those of `tap`; only src/compat/, where older programs read them
     * in ways of their own, looks at the bytes of the wire. */
    struct span query_address, response_address;
    uint32_t family; /* tap.family; where it is INET or INET6, that of the addresses */
    uint8_t side;    /* enum dnstap_side of the message's type; UNKNOWN without FACET_DNSTAP */
    struct dnstap_policy policy;
    /* The message's own direction: query_* of a query, response_* of a response. */
    struct span dns; /* absent when the message carries none */
    struct dns_header header;
    struct dns_question question; /* name.len is 0 when there is none */
    struct dns_edns edns;         /* of the first OPT record of the additional section */
    uint16_t rcode;               /* twelve bits, with FACET_RCODE */
    /* Of the sections, by enum dns_section, with FACET_RECORDS: where they begin, and how many
     * records of them were read. */
    uint32_t section_at[4];
    uint16_t records[4];
    uint64_t name_hash;   /* siphash_bytes of the name's wire form in lower case; 0: no name */
    uint64_t client_hash; /* siphash_bytes of query_address, of no bytes where it has none */
    uint64_t match;       /* the latency stage's own, as what follows; 0 at first */
    uint16_t match_stream;
    uint64_t recent;    /* set with match */
    int64_t latency_ns; /* with has_latency; neither negative nor beyond the window, except under
                           --compat */
    double latency_s;   /* the same as a double; set by the compatible latency stage alone */
    bool has_latency;
    uint8_t left_out; /* enum event_left_out; by the latency stage, as what follows */
    uint8_t context;  /* bits, enum event_context; with FACET_LOSSES */
    uint8_t flaws;    /* bits, enum event_flaw; with FACET_RECORDS */
    uint8_t nth;      /* its number among those that take each step with it: below EVENT_BATCH */
    bool changed;     /* a stage has changed it: `tap` is what counts, not the frame */
    uint8_t cut;      /* enum event_cut; set by a format while it writes a record that is cut */
    uint8_t slots_used;
    uint8_t qname_space[DNS_NAME_MAX];
    uint8_t qname_lower[DNS_NAME_MAX + 1]; /* with FACET_HASHES: question.name.len bytes */
    struct event_slot slots[EVENT_SLOTS];
};

/* Who wants FACET_HASHES sets `key`, too. */
static inline void event_init(struct event *ev, struct span frame, const struct origin *origin)
{
    ev->frame = frame;
    ev->origin = origin;
    ev->key = NULL;
    ev->have = 0;
    ev->bad = 0;
    ev->side = DNSTAP_SIDE_UNKNOWN;
    ev->has_latency = false;
    ev->left_out = LEFT_OUT_NOT;
    ev->context = 0;
    ev->flaws = 0;
    ev->nth = 0;
    ev->slots_used = 0;
    ev->changed = false;
    ev->cut = CUT_NOT;
    ev->edns.present = false;
    ev->match = 0;
}

/* Cold side of event_need. */
void event_decode(struct event *ev, uint32_t facets);

/* The facets, and those that they are decoded from. */
uint32_t event_closure(uint32_t facets);
/* As event_need, of facets that event_closure has returned: for who needs the same of every event.
 */
uint32_t event_decode_closed(struct event *ev, uint32_t facets);

/* Decodes what has not been decoded yet of `facets`, and returns those of them that are bad: 0 when
 * all is well. A facet is bad, too, when one that it is read from is. */
static inline uint32_t event_need(struct event *ev, uint32_t facets)
{
    if ((ev->have & facets) != facets)
        event_decode(ev, facets);
    return ev->bad & facets;
}

/* For stages, which then say that they have changed the event; with FACET_DNSTAP. Other bytes of
 * its own of what was on the wire, which must stay there; absent: none. An address is 4 or 16 bytes
 * in the one form: the family is then as the addresses are. */
void event_set_query_address(struct event *ev, struct span address);
void event_set_response_address(struct event *ev, struct span address);
void event_set_identity(struct event *ev, struct span identity);
/* A stage has changed `tap` and what was decoded from it, which agree: the event is marked, and its
 * hashes are those of what it is now. */
void event_changed(struct event *ev);

/* Begins a walk over the records of one section. Needs FACET_RECORDS to have been decoded, or
 * tried: of a message that breaks off or is malformed from some record on, the records before it
 * are walked. False, and `walk` untouched, when not even the first record could be looked for. */
bool event_section(const struct event *ev, enum dns_section section, struct dns_walk *walk);

/* The DNS message of the message's own direction; absent when it carries none. */
static inline struct span event_payload(const struct event *ev)
{
    return dnstap_is_query(&ev->tap) ? ev->tap.query_message : ev->tap.response_message;
}

/* The time of the message's own direction; false when the message carries none. */
static inline bool event_time(const struct event *ev, uint64_t *sec, uint32_t *nsec)
{
    const struct dnstap *tap = &ev->tap;
    bool query = dnstap_is_query(tap);
    *sec = query ? tap->query_sec : tap->response_sec;
    *nsec = query ? tap->query_nsec : tap->response_nsec;
    return tap->has & (query ? DNSTAP_HAS_QUERY_SEC : DNSTAP_HAS_RESPONSE_SEC);
}

#endif
