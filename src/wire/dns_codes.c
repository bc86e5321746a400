/* The small registries of the message header: opcodes, response codes, classes. */
#include "base/put.h"
#include "wire/dns.h"

#define WORD(text)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

static const struct span opcodes[] = {
    [0] = WORD("QUERY"),  [1] = WORD("IQUERY"), [2] = WORD("STATUS"),
    [4] = WORD("NOTIFY"), [5] = WORD("UPDATE"), [6] = WORD("DSO"),
};

/* 16 is BADSIG where TSIG says it, BADVERS in a message's own code. */
static const struct span rcodes[] = {
    [0] = WORD("NOERROR"),   [1] = WORD("FORMERR"),    [2] = WORD("SERVFAIL"),
    [3] = WORD("NXDOMAIN"),  [4] = WORD("NOTIMP"),     [5] = WORD("REFUSED"),
    [6] = WORD("YXDOMAIN"),  [7] = WORD("YXRRSET"),    [8] = WORD("NXRRSET"),
    [9] = WORD("NOTAUTH"),   [10] = WORD("NOTZONE"),   [11] = WORD("DSOTYPENI"),
    [16] = WORD("BADVERS"),  [17] = WORD("BADKEY"),    [18] = WORD("BADTIME"),
    [19] = WORD("BADMODE"),  [20] = WORD("BADNAME"),   [21] = WORD("BADALG"),
    [22] = WORD("BADTRUNC"), [23] = WORD("BADCOOKIE"),
};

/* Info-codes of Extended DNS Errors. */
static const struct span errors[] = {
    [0] = WORD("Other Error"),
    [1] = WORD("Unsupported DNSKEY Algorithm"),
    [2] = WORD("Unsupported DS Digest Type"),
    [3] = WORD("Stale Answer"),
    [4] = WORD("Forged Answer"),
    [5] = WORD("DNSSEC Indeterminate"),
    [6] = WORD("DNSSEC Bogus"),
    [7] = WORD("Signature Expired"),
    [8] = WORD("Signature Not Yet Valid"),
    [9] = WORD("DNSKEY Missing"),
    [10] = WORD("RRSIGs Missing"),
    [11] = WORD("No Zone Key Bit Set"),
    [12] = WORD("NSEC Missing"),
    [13] = WORD("Cached Error"),
    [14] = WORD("Not Ready"),
    [15] = WORD("Blocked"),
    [16] = WORD("Censored"),
    [17] = WORD("Filtered"),
    [18] = WORD("Prohibited"),
    [19] = WORD("Stale NXDomain Answer"),
    [20] = WORD("Not Authoritative"),
    [21] = WORD("Not Supported"),
    [22] = WORD("No Reachable Authority"),
    [23] = WORD("Network Error"),
    [24] = WORD("Invalid Data"),
    [25] = WORD("Signature Expired before Valid"),
    [26] = WORD("Too Early"),
    [27] = WORD("Unsupported NSEC3 Iterations Value"),
    [28] = WORD("Unable to conform to policy"),
    [29] = WORD("Synthesized"),
    [30] = WORD("Invalid Query Type"),
    [31] = WORD("Rate Limited"),
    [32] = WORD("Over Quota"),
    [33] = WORD("Negative Trust Anchor"),
    [34] = WORD("New Delegation Only"),
};

static const struct {
    uint16_t number;
    struct span name;
} classes[] = {
    {1, WORD("IN")}, {3, WORD("CH")}, {4, WORD("HS")}, {254, WORD("NONE")}, {255, WORD("ANY")},
};

static inline struct span pick(const struct span *words, size_t count, unsigned index)
{
    return index < count ? words[index] : (struct span){0};
}

struct span dns_rcode_span(unsigned rcode)
{
    return pick(rcodes, sizeof rcodes / sizeof *rcodes, rcode);
}

const char *dns_rcode_name(unsigned rcode)
{
    return (const char *)dns_rcode_span(rcode).ptr;
}

const char *dns_opcode_name(unsigned opcode)
{
    return (const char *)pick(opcodes, sizeof opcodes / sizeof *opcodes, opcode).ptr;
}

const char *dns_ede_name(uint16_t code)
{
    return (const char *)pick(errors, sizeof errors / sizeof *errors, code).ptr;
}

static inline struct span class_span(uint16_t class)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (classes[i].number == class)
            return classes[i].name;
    }
    return (struct span){0};
}

const char *dns_class_name(uint16_t class)
{
    return (const char *)class_span(class).ptr;
}

char *dns_class_put(char *p, uint16_t class)
{
    struct span name = class_span(class);
    if (name.ptr)
        return put_bytes(p, name.ptr, name.len);
    return put_u16(PUT_LIT(p, "CLASS"), class);
}
