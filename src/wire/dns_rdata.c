/* Record data: whether it fits its type, and as text: by their type's layout, or in the generic
 * form of RFC 3597. */
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

/* In an update, class NONE means "delete this one" and the data is laid out as that of the zone's
 * class, RFC 2136 2.5.4. */
static uint16_t class_of_deleted(struct span msg)
{
    uint8_t space[DNS_NAME_MAX];
    struct dns_header header;
    struct dns_question zone;
    if (!dns_header_decode(msg, &header) || dns_opcode(&header) != DNS_OPCODE_UPDATE ||
        dns_question_decode(msg, space, &zone) < 0)
        return DNS_CLASS_NONE;
    return zone.class;
}

static inline const char *layout_of(struct span msg, const struct dns_rr *rr)
{
    bool deleted = rr->class == DNS_CLASS_NONE;
    return dns_data_layout(rr->type, deleted ? class_of_deleted(msg) : rr->class);
}

/* What an update says of a type as a whole, and not of data, comes without any: as a prerequisite
 * in the first section behind the zone or as a deletion in the second, RFC 2136 2.4 and 2.5. */
static bool may_be_empty(const struct dns_rr *rr)
{
    return (rr->class == DNS_CLASS_NONE || rr->class == DNS_CLASS_ANY) &&
           rr->section != DNS_ADDITIONAL;
}

bool dns_rr_sound(struct span msg, const struct dns_rr *rr, uint32_t *work)
{
    if (rr->rdata.len == 0 && may_be_empty(rr))
        return true;
    const char *layout = layout_of(msg, rr);
    return !layout || dns_fields_fit(msg, rr->rdata, layout, work);
}

int dns_rdata_put(struct buf *out, struct span msg, const struct dns_rr *rr)
{
    const char *layout = rr->rdata.len ? layout_of(msg, rr) : NULL;
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
