/* The frame of a message: its first question, and its records one by one. */
#include "wire/dns.h"

enum { QUESTION_TAIL = 4 }; /* type and class */

static inline int set_question(struct span msg, struct dns_name name, size_t end,
                               struct dns_question *q)
{
    if (msg.len - end < QUESTION_TAIL)
        return -1;
    q->name = name;
    q->type = load_be16(msg.ptr + end);
    q->class = load_be16(msg.ptr + end + 2);
    q->end = (uint16_t)(end + QUESTION_TAIL);
    return 0;
}

static __attribute__((noinline)) int decode_packed(struct span msg, uint8_t *space,
                                                   struct dns_question *q)
{
    struct dns_name name;
    size_t end;
    if (dns_name_decode(msg, DNS_HEADER_LEN, space, &name, &end) < 0)
        return -1;
    return set_question(msg, name, end, q);
}

int dns_question_decode(struct span msg, uint8_t *space, struct dns_question *q)
{
    if (msg.len < DNS_HEADER_LEN || load_be16(msg.ptr + 4) == 0)
        return -1;
    const uint8_t *first = msg.ptr + DNS_HEADER_LEN;
    size_t len = dns_name_plain(first, msg.len - DNS_HEADER_LEN);
    if (len == 0)
        return decode_packed(msg, space, q);
    return set_question(msg, (struct dns_name){first, (uint8_t)len}, DNS_HEADER_LEN + len, q);
}

int dns_walk_init(struct dns_walk *walk, struct span msg, const struct dns_header *h)
{
    *walk = (struct dns_walk){.msg = msg,
                              .pos = DNS_HEADER_LEN,
                              .work_max = dns_work_max(msg.len),
                              .left = {0, h->ancount, h->nscount, h->arcount}};
    for (unsigned i = 0; i < h->qdcount; i++) {
        if (dns_name_weigh(msg, walk->pos, &walk->pos, &walk->work) < 0 ||
            msg.len - walk->pos < QUESTION_TAIL)
            return -1;
        walk->pos += QUESTION_TAIL;
        walk->spent = walk->work > walk->work_max;
        if (walk->spent)
            return -1;
    }
    return 0;
}

/* Passes over the owner's name. Most owners are nothing but a pointer, and most of these lead to
 * the name behind the header: that is the first that a walk passes, so it is known to be sound. */
static inline bool pass_owner(struct dns_walk *walk, size_t *end)
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
    return dns_name_weigh(walk->msg, pos, end, &walk->work) == 0;
}

enum { FIXED = 10 }; /* bytes of type, class, ttl, and the length of what follows */

static inline bool read_record(struct dns_walk *walk, struct dns_rr *rr)
{
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
    walk->spent = walk->work > walk->work_max;
    if (walk->spent)
        return false;
    rr->section = section;
    walk->left[section]--;
    walk->failed = !read_record(walk, rr);
    return !walk->failed;
}

/* Passes over the owner at `pos`, without a look at where a pointer leads, and says where the type
 * of the record stands; 0 when the record ends before its data does begin. */
static inline size_t type_at(struct span msg, size_t pos)
{
    enum { POINTER = 0xc0, POINTER_LEN = 2 };
    size_t left = msg.len - pos;
    if (left < 1 + FIXED)
        return 0;
    if (msg.ptr[pos] == 0)
        return pos + 1;
    if (msg.ptr[pos] >= POINTER)
        return left < POINTER_LEN + FIXED ? 0 : pos + POINTER_LEN;
    size_t end = dns_name_pass(msg, pos);
    return end == 0 || msg.len - end < FIXED ? 0 : end;
}

/* Where the record ends of which type_at has found the type. */
static inline size_t end_of(struct span msg, size_t type)
{
    return type + FIXED + load_be16(msg.ptr + type + FIXED - 2);
}

/* The search from the record at `pos` on; the first `others` of `left` are of other sections. */
static __attribute__((noinline)) long find_on(struct span msg, size_t pos, unsigned others,
                                              unsigned left)
{
    for (; left > 0; left--) {
        size_t type = type_at(msg, pos);
        if (type == 0)
            return -1;
        pos = end_of(msg, type);
        if (pos > msg.len)
            return -1;
        if (others > 0)
            others--;
        else if (load_be16(msg.ptr + type) == DNS_TYPE_OPT)
            return (long)type;
    }
    return 0;
}

/* Most messages have nothing behind the question but OPT, which is told without a search. */
long dns_opt_find(struct span msg, size_t pos, const struct dns_header *h)
{
    unsigned others = (unsigned)h->ancount + h->nscount;
    if (others == 0 && h->arcount > 0 && msg.len - pos >= 1 + FIXED && msg.ptr[pos] == 0 &&
        load_be16(msg.ptr + pos + 1) == DNS_TYPE_OPT)
        return end_of(msg, pos + 1) <= msg.len ? (long)pos + 1 : -1;
    return find_on(msg, pos, others, others + h->arcount);
}
