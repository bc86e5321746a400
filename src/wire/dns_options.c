/* The options of EDNS(0), one row each, and an option as text. */
#include "wire/dns_fields.h"

struct option_row {
    uint16_t code;
    const char *name;
    const char *layout; /* see dns_fields.h */
};

static const struct option_row options[] = {
    {1, "LLQ", "hhhqw"},            /* version, opcode, error, id, lease: RFC 8764 */
    {2, "UL", "w?w"},               /* lease, key lease: RFC 9664 */
    {3, "NSID", "?I"},              /* RFC 5001 */
    {5, "DAU", "b+"},               /* RFC 6975 */
    {6, "DHU", "b+"},               /* RFC 6975 */
    {7, "N3U", "b+"},               /* RFC 6975 */
    {8, "ECS", "C"},                /* RFC 7871 */
    {9, "EXPIRE", "?w"},            /* RFC 7314 */
    {10, "COOKIE", "O"},            /* RFC 7873 */
    {11, "TCP-KEEPALIVE", "?K"},    /* RFC 7828 */
    {12, "PADDING", "?Z"},          /* RFC 7830 */
    {13, "CHAIN", "n"},             /* RFC 7901 */
    {14, "KEY-TAG", "h+"},          /* RFC 8145 */
    {15, "EDE", "E"},               /* RFC 8914 */
    {16, "CLIENT-TAG", "h"},        /* draft-bellis-dnsop-edns-tags */
    {17, "SERVER-TAG", "h"},        /* the same */
    {18, "REPORT-CHANNEL", "n"},    /* RFC 9567 */
    {19, "ZONEVERSION", "bR"},      /* RFC 9660 */
    {20, "MQTYPE-QUERY", "y+"},     /* RFC 10029 */
    {21, "MQTYPE-RESPONSE", "y+"},  /* the same */
    {20292, "UMBRELLA-IDENT", "H"}, /* Cisco */
    {26946, "DEVICEID", "?I"},      /* Cisco */
};

static const struct option_row *option_of(uint16_t code)
{
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (options[i].code == code)
            return &options[i];
    }
    return NULL;
}

const char *dns_edns_option_name(uint16_t code)
{
    const struct option_row *row = option_of(code);
    return row ? row->name : NULL;
}

int dns_edns_option_put(struct buf *out, const struct dns_edns_option *option)
{
    const struct option_row *row = option_of(option->code);
    if (row && dns_fields_put(out, option->data, option->data, row->layout) == 0)
        return 0;
    if (out->failed)
        return -1;
    return dns_fields_put(out, option->data, option->data, "?H");
}
