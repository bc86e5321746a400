/* The frame of a message: its first question, and its records one by one. */
#include "wire/dns.h"

enum { QUESTION_TAIL = 4 }; /* type and class */

int dns_question_decode(struct span msg, uint8_t *space, struct dns_question *q)
{
    struct dns_name name;
    size_t end;
    if (msg.len < DNS_HEADER_LEN || load_be16(msg.ptr + 4) == 0 ||
        dns_name_decode(msg, DNS_HEADER_LEN, space, &name, &end) < 0 ||
        msg.len - end < QUESTION_TAIL)
        return -1;
    q->name = name;
    q->type = load_be16(msg.ptr + end);
    q->class = load_be16(msg.ptr + end + 2);
    q->end = (uint16_t)(end + QUESTION_TAIL);
    return 0;
}

int dns_walk_init(struct dns_walk *walk, struct span msg, const struct dns_header *h)
{
    size_t pos = DNS_HEADER_LEN;
    for (unsigned i = 0; i < h->qdcount; i++) {
        if (dns_name_skip(msg, pos, &pos) < 0 || msg.len - pos < QUESTION_TAIL)
            return -1;
        pos += QUESTION_TAIL;
    }
    *walk =
        (struct dns_walk){.msg = msg, .pos = pos, .left = {0, h->ancount, h->nscount, h->arcount}};
    return 0;
}

/* Passes over the owner's name. Most owners are nothing but a pointer, and most of these lead to
 * the name behind the header: that is the first that a walk passes, so it is known to be sound. */
static inline bool pass_owner(const struct dns_walk *walk, size_t *end)
{
    enum { POINTER = 0xc0, POINTER_LEN = 2, TO_FIRST = POINTER << 8 | DNS_HEADER_LEN };
    size_t pos = walk->pos;
    if (walk->msg.len - pos >= POINTER_LEN) {
        const uint8_t *p = walk->msg.ptr + pos;
        *end = pos + POINTER_LEN;
        if (*p >= POINTER && (walk->again || (load_be16(p) == TO_FIRST && pos > DNS_HEADER_LEN)))
            return true;
        *end = pos + 1;
        if (*p == 0)
            return true;
    }
    return dns_name_skip(walk->msg, pos, end) == 0;
}

static inline bool read_record(struct dns_walk *walk, struct dns_rr *rr)
{
    enum { FIXED = 10 }; /* type, class, ttl, and the length of what follows */
    size_t end;
    if (!pass_owner(walk, &end) || walk->msg.len - end < FIXED)
        return false;
    const uint8_t *p = walk->msg.ptr + end;
    size_t left = walk->msg.len - end - FIXED, len = load_be16(p + 8);
    if (len > left)
        return false;
    rr->owner = walk->pos;
    rr->type = load_be16(p);
    rr->class = load_be16(p + 2);
    rr->ttl = load_be32(p + 4);
    rr->rdata = span_of(p + FIXED, len);
    walk->pos = end + FIXED + len;
    return true;
}

bool dns_walk_next(struct dns_walk *walk, struct dns_rr *rr)
{
    enum dns_section section = DNS_ANSWER;
    while (section <= DNS_ADDITIONAL && walk->left[section] == 0)
        section++;
    if (section > DNS_ADDITIONAL || walk->failed)
        return false;
    rr->section = section;
    walk->left[section]--;
    walk->failed = !read_record(walk, rr);
    return !walk->failed;
}

int dns_opt_find(struct dns_walk walk, struct dns_rr *opt)
{
    struct dns_rr rr;
    unsigned before = walk.left[DNS_ANSWER] + walk.left[DNS_AUTHORITY];
    unsigned count = before + walk.left[DNS_ADDITIONAL];
    for (unsigned i = 0; i < count; i++) {
        if (!read_record(&walk, &rr))
            return -1;
        if (rr.type == DNS_TYPE_OPT && i >= before) {
            rr.section = DNS_ADDITIONAL;
            *opt = rr;
            return 1;
        }
    }
    return 0;
}
