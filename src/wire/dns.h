/*
 * DNS messages (RFC 1035 and its successors), read lazily from borrowed bytes: header, first
 * question, then sections record by record. Nothing is allocated; nothing is decoded twice.
 */
#ifndef SPILE_WIRE_DNS_H
#define SPILE_WIRE_DNS_H

#include "base/buf.h"
#include "base/cursor.h"
#include "base/siphash.h"

enum {
    DNS_HEADER_LEN = 12,
    DNS_MESSAGE_MAX = 65535,  /* RFC 1035 4.2.2: its length has 16 bits, even over TCP */
    DNS_NAME_MAX = 255,       /* wire bytes of a name, root label included */
    DNS_NAME_TEXT_MAX = 1024, /* bytes of a name as text: each may be \DDD, and dots */
    DNS_WORD_MAX = 12,        /* bytes that dns_type_put and dns_class_put may write */
};

/* Types that code has to know by number; dns_types.c has all. */
enum {
    DNS_TYPE_A = 1,
    DNS_TYPE_SIG = 24,
    DNS_TYPE_AAAA = 28,
    DNS_TYPE_OPT = 41,
    DNS_TYPE_TSIG = 250,
};

/* Classes likewise; dns_codes.c has all. */
enum {
    DNS_CLASS_IN = 1,
    DNS_CLASS_CH = 3,
    DNS_CLASS_NONE = 254,
    DNS_CLASS_ANY = 255,
};

/* Opcodes and rcodes likewise. */
enum {
    DNS_OPCODE_QUERY = 0,
    DNS_OPCODE_UPDATE = 5,
    DNS_OPCODE_DSO = 6, /* RFC 8490 */
    DNS_RCODE_NOERROR = 0,
    DNS_RCODE_FORMERR = 1,
    DNS_RCODE_SERVFAIL = 2,
    DNS_RCODE_NXDOMAIN = 3,
    DNS_RCODE_REFUSED = 5,
};

enum dns_flag {
    DNS_FLAG_QR = 0x8000,
    DNS_FLAG_AA = 0x0400,
    DNS_FLAG_TC = 0x0200,
    DNS_FLAG_RD = 0x0100,
    DNS_FLAG_RA = 0x0080,
    DNS_FLAG_Z = 0x0040,
    DNS_FLAG_AD = 0x0020,
    DNS_FLAG_CD = 0x0010,
};

struct dns_header {
    uint16_t id;
    uint16_t flags; /* as on the wire: QR to RCODE */
    uint16_t qdcount;
    uint16_t ancount;
    uint16_t nscount;
    uint16_t arcount;
};

static inline unsigned dns_opcode(const struct dns_header *h)
{
    return h->flags >> 11 & 15;
}

static inline unsigned dns_rcode(const struct dns_header *h)
{
    return h->flags & 15;
}

/* False when fewer than twelve bytes are there. */
static inline bool dns_header_decode(struct span msg, struct dns_header *h)
{
    if (msg.len < DNS_HEADER_LEN)
        return false;
    h->id = load_be16(msg.ptr);
    h->flags = load_be16(msg.ptr + 2);
    h->qdcount = load_be16(msg.ptr + 4);
    h->ancount = load_be16(msg.ptr + 6);
    h->nscount = load_be16(msg.ptr + 8);
    h->arcount = load_be16(msg.ptr + 10);
    return true;
}

/* A name in wire form without pointers, root label included. Borrowed from the message when the
 * message holds it uncompressed, else from `space` that the caller gave. */
struct dns_name {
    const uint8_t *wire;
    uint8_t len; /* 1 to 255; 0: absent */
};

/* The length of the name at `p` when it stands there in full, without pointers, within `room`
 * bytes; else 0. Inline: nearly every question has such a name. */
static inline size_t dns_name_plain(const uint8_t *p, size_t room)
{
    enum { LABEL_MAX = 63 };
    size_t stop = room < DNS_NAME_MAX ? room : DNS_NAME_MAX;
    for (size_t at = 0; at < stop; at += 1u + p[at]) {
        if (p[at] == 0)
            return at + 1;
        if (p[at] > LABEL_MAX)
            break;
    }
    return 0;
}

/*
 * The name at `offset` of `msg`; *end gets the offset behind it (behind the pointer, where it was
 * compressed). `space` has DNS_NAME_MAX bytes. Returns 0, or -1: past the end, a label type other
 * than 00 and 11, over 255 bytes, a pointer that does not point to before the labels it ends (so
 * loops cannot be), or more than 127 pointers.
 */
int dns_name_decode(struct span msg, size_t offset, uint8_t *space, struct dns_name *name,
                    size_t *end);
/* Checks a name as dns_name_decode does, and only says where it ends. */
int dns_name_skip(struct span msg, size_t offset, size_t *end);
/* The offset behind a name of which only the labels at `offset` are looked at, and not where a
 * pointer leads; 0 when they end in neither root nor pointer. */
size_t dns_name_pass(struct span msg, size_t offset);

/*
 * Work: what names cost that are longer than the bytes they stand in. A pointer of two bytes may
 * stand for a name of 255, so that a message can ask for many times the work of reading its bytes;
 * work counts the bytes of the names that pointers lead to, and something for each pointer.
 */
enum { WORK_OF_NAME_MAX = DNS_NAME_MAX + 128 * 4 };
/* As dns_name_skip, and adds the name's work to *work: none when it stands there in full. */
int dns_name_weigh(struct span msg, size_t offset, size_t *end, uint32_t *work);
/* The most work that a message of so many bytes is given: 64 names of full length a kilobyte, five
 * times what the densest zone transfer takes, and as much again for a message of any size. */
static inline uint32_t dns_work_max(size_t len)
{
    enum { NAMES_A_KILOBYTE = 64 };
    uint64_t max = NAMES_A_KILOBYTE * DNS_NAME_MAX * (1 + (uint64_t)len / 1024);
    return max < UINT32_MAX ? (uint32_t)max : UINT32_MAX;
}

/* The name as text with its final dot, escaped per RFC 1035 5.1 and RFC 4343 2.1 so that a zone
 * file reads it back: \. \; \( \) \" \\ and, for bytes outside 0x21..0x7e, \DDD. An absent name is
 * no text. Writes at most DNS_NAME_TEXT_MAX bytes at `p`; returns the byte behind the last. */
char *dns_name_put(char *p, struct dns_name name);

/* The wire form in lower case of a name's text, with or without its final dot, escapes as
 * dns_name_put writes them. `wire` has DNS_NAME_MAX bytes. Its length; 0 when it is no name. */
size_t dns_name_parse(struct span text, uint8_t *wire);
/* True when the name is the domain or below it; both in wire form, and of the same case. */
bool dns_name_is_under(struct span name, struct span domain);

/* Writes the name's wire form in lower case (RFC 4343) to `lower`, which has DNS_NAME_MAX + 1
 * bytes, and returns siphash_bytes of it. The name must not be absent. */
uint64_t dns_name_hash(const struct siphash_key *key, struct dns_name name, uint8_t *lower);

struct dns_question {
    struct dns_name name;
    uint16_t type;
    uint16_t class;
    uint16_t end; /* offset behind the question; valid for messages up to DNS_MESSAGE_MAX bytes */
};

/* The first question. 0, or -1 when it is absent or malformed. `space` as in dns_name_decode. */
int dns_question_decode(struct span msg, uint8_t *space, struct dns_question *q);

enum dns_section { DNS_QUESTION, DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL };

/* A resource record. Borrows the message. */
struct dns_rr {
    enum dns_section section;
    uint16_t type;
    uint16_t class;
    uint32_t ttl;
    size_t owner;      /* offset of the owner name */
    struct span rdata; /* inside the message, so that its names can be expanded */
};

/* A walk over the records behind the questions: answers, authority, additional. */
struct dns_walk {
    struct span msg;
    size_t pos;
    uint32_t work, work_max; /* of owners, and of what the reader adds; see dns_work_max */
    uint16_t left[4];        /* records still to come, by section */
    bool failed;             /* the message ended or broke before its counts were met */
    bool spent;              /* there was more work in it than it is given: the rest is not read */
    bool again; /* these records have been walked before: where the pointers of their owners
            lead is known to be sound, and not looked at again */
};

/* Begins behind the question section; -1 when that cannot be passed: it is malformed, or there is
 * too much work in it (walk->spent). */
int dns_walk_init(struct dns_walk *walk, struct span msg, const struct dns_header *h);
/* The next record: true, or false at the end, at a malformed one (walk->failed), or when the work
 * is more than the message is given (walk->spent). */
bool dns_walk_next(struct dns_walk *walk, struct dns_rr *rr);
/* Finds the first OPT record of the additional section; `pos` is where the message's records begin.
 * Returns the offset of its type; 0 when there is none; -1 when a record before it is malformed.
 * Reads nothing behind it, and does not follow the pointers of owners' names. */
long dns_opt_find(struct span msg, size_t pos, const struct dns_header *h);
/* That record, but for its owner. */
static inline struct dns_rr dns_opt_at(struct span msg, size_t type)
{
    const uint8_t *p = msg.ptr + type;
    return (struct dns_rr){.section = DNS_ADDITIONAL,
                           .type = DNS_TYPE_OPT,
                           .class = load_be16(p + 2),
                           .ttl = load_be32(p + 4),
                           .rdata = span_of(p + 10, load_be16(p + 8))};
}

/*
 * Whether the record's data is what RFCs demand of its type in its class, to the last byte, its
 * names included. Types without a layout take anything, and so does what is left to later
 * definition (another version of LOC). In classes NONE and ANY, where an update says something of
 * a whole type (RFC 2136 2.4 and 2.5), there may be no data at all. Data that fits need not have a
 * text of its own. Allocates nothing, and adds the work of its names, of which no type has more
 * than two, to *work.
 */
bool dns_rr_sound(struct span msg, const struct dns_rr *rr, uint32_t *work);

/*
 * The record's data as ldns prints it (tests/differential/dns_ldns.c lists where not, and why), so
 * that a zone file reads it back as the same bytes. What has no such text comes in RFC 3597 form,
 * \# LEN HEX: types without a text of their own, data that is not sound, and data that would not
 * come back the same from a zone file's words (a digest without a byte). Data of class NONE in an
 * update is that of the zone's class (RFC 2136 2.5.4), which `msg` tells. Names inside are expanded
 * against `msg`. The text is printable ASCII. Returns 0; -1 only when memory is short
 * (out->failed).
 */
int dns_rdata_put(struct buf *out, struct span msg, const struct dns_rr *rr);
/* owner TAB ttl TAB class TAB type TAB rdata, as ldns prints a record, without a newline. */
int dns_rr_put(struct buf *out, struct span msg, const struct dns_rr *rr);

/* Mnemonics of the IANA registries. NULL when there is none: print TYPE123 or CLASS123 (RFC 3597),
 * or the number. */
const char *dns_type_name(uint16_t type);
const char *dns_class_name(uint16_t class);
const char *dns_opcode_name(unsigned opcode);
/* Takes up to 12 bits, so it knows the extended codes, too: BADVERS, BADCOOKIE, ... */
const char *dns_rcode_name(unsigned rcode);
/* The same with its length, for hot writers; absent when there is none. */
struct span dns_type_span(uint16_t type);
struct span dns_rcode_span(unsigned rcode);
/* Mnemonic or RFC 3597 form. May write DNS_WORD_MAX bytes; returns the byte behind the text. */
char *dns_type_put(char *p, uint16_t type);
char *dns_class_put(char *p, uint16_t class);
/* The number that a mnemonic or RFC 3597 form stands for, in any case; -1 when it is neither. */
int dns_type_parse(struct span text);

/* EDNS(0), RFC 6891. */
struct dns_edns {
    bool present;
    uint8_t version;
    uint16_t udp_size;
    uint16_t flags; /* DO is 0x8000 */
    uint16_t rcode; /* twelve bits: extended bits and the header's */
    struct span options;
};

/* The twelve bits of a response code: the header's and, before these, the OPT record's. */
static inline uint16_t dns_extended_rcode(const struct dns_rr *opt, const struct dns_header *h)
{
    return (uint16_t)(opt->ttl >> 24 << 4 | dns_rcode(h));
}

/* Decodes the OPT record `rr`. */
static inline struct dns_edns dns_edns_of(const struct dns_rr *rr, const struct dns_header *h)
{
    return (struct dns_edns){
        .present = true,
        .version = (uint8_t)(rr->ttl >> 16),
        .udp_size = rr->class,
        .flags = (uint16_t)rr->ttl,
        .rcode = dns_extended_rcode(rr, h),
        .options = rr->rdata,
    };
}

struct dns_edns_option {
    uint16_t code;
    struct span data;
};

/* Takes the next option off `options`; false at the end. An option that is cut short fails the
 * cursor. */
bool dns_edns_option_next(struct cursor *options, struct dns_edns_option *option);
/* "ECS", "COOKIE", "EDE", ...: every registered code; NULL when there is none. */
const char *dns_edns_option_name(uint16_t code);
/* "Blocked", "Stale Answer", ...: the info-codes of Extended DNS Errors, RFC 8914; or NULL. */
const char *dns_ede_name(uint16_t code);
/*
 * The option's data as text for people and JSON ("192.0.2.0/24/0", hex of a cookie, "15 (Blocked):
 * text"); in plain hexadecimal when it does not fit its code. In presentation form (base/escape.h):
 * free text inside is the stranger's own bytes with backslashes doubled, for escape_text or
 * escape_json with ESCAPE_PRESENTED to finish. 0; -1 when memory is short (out->failed).
 */
int dns_edns_option_put(struct buf *out, const struct dns_edns_option *option);

#endif
