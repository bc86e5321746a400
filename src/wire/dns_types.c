/*
 * Record types: one row each, with the mnemonic of the IANA registry and the layout of the data.
 *
 * Most layouts hold in every class. Those of types that RFC 1035 3.4 and later ones define for the
 * Internet hold in class IN alone: other classes give these numbers another layout (CH A is a name
 * and an address of the Chaosnet) or none, and then the data is shown in the form of RFC 3597.
 */
#include <strings.h>

#include "base/number.h"
#include "base/put.h"
#include "wire/dns_fields.h"

struct type_row {
    char name[11];
    uint8_t len;
    bool internet;      /* the layout holds in class IN alone */
    const char *layout; /* see dns_fields.h; NULL: shown in the form of RFC 3597 */
};

#define ROW(mnemonic, data_layout, in_internet)                                                    \
    {                                                                                              \
        .name = mnemonic, .len = sizeof(mnemonic) - 1, .internet = in_internet,                    \
        .layout = data_layout                                                                      \
    }
#define TYPE(mnemonic, data_layout) ROW(mnemonic, data_layout, false)
#define TYPE_IN(mnemonic, data_layout) ROW(mnemonic, data_layout, true)

enum {
    DENSE = 265,        /* types below have a row at their number */
    SPARSE_BASE = 32768 /* TA and DLV follow */
};

static const struct type_row rows[] = {
    [1] = TYPE_IN("A", "4"),
    [2] = TYPE("NS", "n"),
    [3] = TYPE("MD", "n"),
    [4] = TYPE("MF", "n"),
    [5] = TYPE("CNAME", "n"),
    [6] = TYPE("SOA", "nnwwwww"),
    [7] = TYPE("MB", "n"),
    [8] = TYPE("MG", "n"),
    [9] = TYPE("MR", "n"),
    [10] = TYPE("NULL", NULL),
    [11] = TYPE_IN("WKS", "4W"),
    [12] = TYPE("PTR", "n"),
    [13] = TYPE("HINFO", "ss"),
    [14] = TYPE("MINFO", "nn"),
    [15] = TYPE("MX", "hn"),
    [16] = TYPE("TXT", "s+"),
    [17] = TYPE("RP", "nn"),
    [18] = TYPE("AFSDB", "hn"),
    [19] = TYPE("X25", "s"),
    [20] = TYPE("ISDN", "s?s"),
    [21] = TYPE("RT", "hn"),
    [22] = TYPE_IN("NSAP", "A"),
    [23] = TYPE_IN("NSAP-PTR", "n"),
    [24] = TYPE("SIG", "ybbwtthnB"),
    [25] = TYPE("KEY", "dbbB"),
    [26] = TYPE_IN("PX", "hnn"),
    [27] = TYPE("GPOS", "sss"),
    [28] = TYPE_IN("AAAA", "6"),
    [29] = TYPE("LOC", "L"),
    [30] = TYPE("NXT", "nX"),
    [31] = TYPE_IN("EID", "H"),
    [32] = TYPE_IN("NIMLOC", "H"),
    [33] = TYPE_IN("SRV", "hhhn"),
    [34] = TYPE_IN("ATMA", NULL),
    [35] = TYPE("NAPTR", "hhsssn"),
    [36] = TYPE_IN("KX", "hn"),
    [37] = TYPE("CERT", "chbB"),
    [38] = TYPE_IN("A6", NULL),
    [39] = TYPE("DNAME", "n"),
    [40] = TYPE("SINK", "bbbB"),
    [41] = TYPE("OPT", NULL),
    [42] = TYPE_IN("APL", "P"),
    [43] = TYPE("DS", "hbbH"),
    [44] = TYPE("SSHFP", "bbH"),
    [45] = TYPE("IPSECKEY", "bbbvB"),
    [46] = TYPE("RRSIG", "ybbwtthnB"),
    [47] = TYPE("NSEC", "nT"),
    [48] = TYPE("DNSKEY", "hbbB"),
    [49] = TYPE_IN("DHCID", "B"),
    [50] = TYPE("NSEC3", "bbhxo?T"),
    [51] = TYPE("NSEC3PARAM", "bbhx"),
    [52] = TYPE("TLSA", "bbbH"),
    [53] = TYPE("SMIMEA", "bbbH"),
    [55] = TYPE("HIP", "p?N"),
    [56] = TYPE("NINFO", "s+"),
    [57] = TYPE("RKEY", "hbbB"),
    [58] = TYPE("TALINK", "nn"),
    [59] = TYPE("CDS", "hbbH"),
    [60] = TYPE("CDNSKEY", "hbbB"),
    [61] = TYPE("OPENPGPKEY", "B"),
    [62] = TYPE("CSYNC", "whT"),
    [63] = TYPE("ZONEMD", "wbbH"),
    [64] = TYPE_IN("SVCB", "hn?V"),
    [65] = TYPE_IN("HTTPS", "hn?V"),
    [66] = TYPE("DSYNC", "yjhn"),
    [67] = TYPE("HHIT", "B"),
    [68] = TYPE("BRID", "B"),
    [99] = TYPE("SPF", "s+"),
    [100] = TYPE("UINFO", NULL),
    [101] = TYPE("UID", NULL),
    [102] = TYPE("GID", NULL),
    [103] = TYPE("UNSPEC", NULL),
    [104] = TYPE("NID", "hl"),
    [105] = TYPE("L32", "h4"),
    [106] = TYPE("L64", "hl"),
    [107] = TYPE("LP", "hn"),
    [108] = TYPE("EUI48", "e"),
    [109] = TYPE("EUI64", "f"),
    [128] = TYPE("NXNAME", NULL),
    [249] = TYPE("TKEY", "ntthhkk"),
    [250] = TYPE("TSIG", "nuhkhhk"),
    [251] = TYPE("IXFR", NULL),
    [252] = TYPE("AXFR", NULL),
    [253] = TYPE("MAILB", NULL),
    [254] = TYPE("MAILA", NULL),
    [255] = TYPE("ANY", NULL),
    [256] = TYPE("URI", "hhU"),
    [257] = TYPE("CAA", "bgQ"),
    [258] = TYPE("AVC", "s+"),
    [259] = TYPE("DOA", "wwbsB"),
    [260] = TYPE("AMTRELAY", "br"),
    [261] = TYPE("RESINFO", "s+"),
    [262] = TYPE("WALLET", "s+"),
    [263] = TYPE("CLA", "s+"),
    [264] = TYPE("IPN", "q"),
    [DENSE + 0] = TYPE("TA", "hbbH"),  /* 32768 */
    [DENSE + 1] = TYPE("DLV", "hbbH"), /* 32769 */
};

enum { ROWS = sizeof rows / sizeof *rows };

/* Types without a row get row 0, which is empty. */
static inline const struct type_row *row_of(uint16_t type)
{
    unsigned sparse = (unsigned)type - SPARSE_BASE;
    if (type < DENSE)
        return &rows[type];
    return &rows[sparse < ROWS - DENSE ? sparse + DENSE : 0];
}

const char *dns_type_name(uint16_t type)
{
    const struct type_row *row = row_of(type);
    return row->len ? row->name : NULL;
}

struct span dns_type_span(uint16_t type)
{
    const struct type_row *row = row_of(type);
    return row->len ? span_of(row->name, row->len) : (struct span){0};
}

const char *dns_data_layout(uint16_t type, uint16_t class)
{
    enum { TYPE_A = 1 };
    const struct type_row *row = row_of(type);
    if (class == DNS_CLASS_IN || !row->internet)
        return row->layout;
    if (type == TYPE_A && class == DNS_CLASS_CH)
        return "na"; /* RFC 1035 3.4.1, and how BIND has always read its note */
    return NULL;
}

char *dns_type_put(char *p, uint16_t type)
{
    const struct type_row *row = row_of(type);
    if (__builtin_expect(row->len == 0, 0))
        return put_u16(PUT_LIT(p, "TYPE"), type);
    memcpy(p, row->name, sizeof row->name); /* a fixed size is quicker than the right one */
    return p + row->len;
}

/* A decimal of 16 bits behind `prefix`, any case; -1 when `text` is something else. */
static int parse_generic(struct span text, const char *prefix, size_t prefix_len)
{
    if (text.len <= prefix_len || strncasecmp((const char *)text.ptr, prefix, prefix_len) != 0)
        return -1;
    uint64_t value;
    struct span digits = span_of(text.ptr + prefix_len, text.len - prefix_len);
    return number_parse(digits, UINT16_MAX, &value) ? (int)value : -1;
}

int dns_type_parse(struct span text)
{
    for (unsigned i = 0; i < ROWS; i++) {
        if (rows[i].len && rows[i].len == text.len &&
            strncasecmp(rows[i].name, (const char *)text.ptr, text.len) == 0)
            return (int)(i < DENSE ? i : i - DENSE + SPARSE_BASE);
    }
    return parse_generic(text, "TYPE", 4);
}
