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

/* Passes over the owner's name. Most owners are nothing but a pointer. */
static bool pass_owner(const struct dns_walk *walk, size_t *end)
{
    enum { POINTER = 0xc0, POINTER_LEN = 2 };
    *end = walk->pos + POINTER_LEN;
    if (walk->again && *end <= walk->msg.len && walk->msg.ptr[walk->pos] >= POINTER)
        return true;
    return dns_name_skip(walk->msg, walk->pos, end) == 0;
}

static bool read_record(struct dns_walk *walk, struct dns_rr *rr)
{
    size_t end;
    if (!pass_owner(walk, &end))
        return false;
    struct cursor c = cursor_of(walk->msg);
    c.pos += end;
    rr->owner = walk->pos;
    rr->type = cursor_be16(&c);
    rr->class = cursor_be16(&c);
    rr->ttl = cursor_be32(&c);
    rr->rdata = cursor_take(&c, cursor_be16(&c));
    walk->pos = (size_t)(c.pos - walk->msg.ptr);
    return !c.failed;
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
