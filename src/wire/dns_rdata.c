/* Records as text: by their type's layout, or in the generic form of RFC 3597. */
#include "base/put.h"
#include "wire/dns_fields.h"

static int put_generic(struct buf *out, struct span data)
{
    char *p = buf_reserve(out, 3 + PUT_U64_MAX + 1 + 2 * data.len);
    if (!p)
        return -1;
    p = put_u64(PUT_LIT(p, "\\# "), data.len);
    if (data.len)
        p = put_hex(put_char(p, ' '), data.ptr, data.len);
    buf_commit(out, p);
    return 0;
}

/* The class that says how the data is laid out. In an update, class NONE means "delete this one"
 * and the data is that of the zone's class, RFC 2136 2.5.4. */
static uint16_t class_of_data(struct span msg, const struct dns_rr *rr)
{
    uint8_t space[DNS_NAME_MAX];
    struct dns_header header;
    struct dns_question zone;
    if (rr->class != DNS_CLASS_NONE || !dns_header_decode(msg, &header) ||
        dns_opcode(&header) != DNS_OPCODE_UPDATE || dns_question_decode(msg, space, &zone) < 0)
        return rr->class;
    return zone.class;
}

int dns_rdata_put(struct buf *out, struct span msg, const struct dns_rr *rr)
{
    const char *layout = rr->rdata.len ? dns_data_layout(rr->type, class_of_data(msg, rr)) : NULL;
    if (layout && dns_fields_put(out, msg, rr->rdata, layout) == 0)
        return 0;
    return out->failed ? -1 : put_generic(out, rr->rdata);
}

int dns_rr_put(struct buf *out, struct span msg, const struct dns_rr *rr)
{
    uint8_t space[DNS_NAME_MAX];
    struct dns_name owner = {0};
    size_t end;
    if (dns_name_decode(msg, rr->owner, space, &owner, &end) < 0)
        owner.len = 0; /* not from a walk, which checks: shown as nothing */
    char *p = buf_reserve(out, DNS_NAME_TEXT_MAX + 2 * DNS_WORD_MAX + PUT_U64_MAX + 4);
    if (!p)
        return -1;
    p = put_char(dns_name_put(p, owner), '\t');
    p = put_char(put_u64(p, rr->ttl), '\t');
    p = put_char(dns_class_put(p, rr->class), '\t');
    p = put_char(dns_type_put(p, rr->type), '\t');
    buf_commit(out, p);
    return dns_rdata_put(out, msg, rr);
}
