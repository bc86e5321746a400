#include "compat/receiver_words.h"

#define WORD(literal)                                                                              \
    {                                                                                              \
        sizeof(literal) - 1, literal                                                               \
    }

const struct receiver_word receiver_absent = WORD("-");

const struct receiver_word receiver_message_types[] = {
    [1] = WORD("AUTH_QUERY"),      [2] = WORD("AUTH_RESPONSE"),
    [3] = WORD("RESOLVER_QUERY"),  [4] = WORD("RESOLVER_RESPONSE"),
    [5] = WORD("CLIENT_QUERY"),    [6] = WORD("CLIENT_RESPONSE"),
    [7] = WORD("FORWARDER_QUERY"), [8] = WORD("FORWARDER_RESPONSE"),
    [9] = WORD("STUB_QUERY"),      [10] = WORD("STUB_RESPONSE"),
    [11] = WORD("TOOL_QUERY"),     [12] = WORD("TOOL_RESPONSE"),
    [13] = WORD("UPDATE_QUERY"),   [14] = WORD("UPDATE_RESPONSE"),
};

const struct receiver_word receiver_families[] = {[1] = WORD("INET"), [2] = WORD("INET6")};

const struct receiver_word receiver_protocols[] = {
    [1] = WORD("UDP"),         [2] = WORD("TCP"),         [3] = WORD("DOT"), [4] = WORD("DOH"),
    [5] = WORD("DNSCryptUDP"), [6] = WORD("DNSCryptTCP"), [7] = WORD("DOQ"),
};

static const struct receiver_word rcodes[] = {
    [0] = WORD("NOERROR"), [1] = WORD("FORMERR"), [2] = WORD("SERVFAIL"), [3] = WORD("NXDOMAIN"),
    [4] = WORD("NOIMP"),   [5] = WORD("REFUSED"), [6] = WORD("YXDOMAIN"), [7] = WORD("YXRRSET"),
    [8] = WORD("NXRRSET"), [9] = WORD("NOTAUTH"), [10] = WORD("NOTZONE"), [11] = WORD("DSOTYPENI"),
};

const struct receiver_word *receiver_rcode(unsigned rcode)
{
    return rcode < sizeof rcodes / sizeof *rcodes ? &rcodes[rcode] : &receiver_absent;
}

static const struct receiver_word rrtypes[] = {
    [0] = WORD("NONE"),        [1] = WORD("A"),       [2] = WORD("NS"),
    [3] = WORD("MD"),          [4] = WORD("MF"),      [5] = WORD("CNAME"),
    [6] = WORD("SOA"),         [7] = WORD("MB"),      [8] = WORD("MG"),
    [9] = WORD("MR"),          [10] = WORD("NULL"),   [11] = WORD("WKS"),
    [12] = WORD("PTR"),        [13] = WORD("HINFO"),  [14] = WORD("MINFO"),
    [15] = WORD("MX"),         [16] = WORD("TXT"),    [17] = WORD("RP"),
    [18] = WORD("AFSDB"),      [19] = WORD("X25"),    [20] = WORD("ISDN"),
    [21] = WORD("RT"),         [22] = WORD("NSAP"),   [23] = WORD("NSAP_PTR"),
    [24] = WORD("SIG"),        [25] = WORD("KEY"),    [26] = WORD("PX"),
    [27] = WORD("GPOS"),       [28] = WORD("AAAA"),   [29] = WORD("LOC"),
    [30] = WORD("NXT"),        [33] = WORD("SRV"),    [35] = WORD("NAPTR"),
    [36] = WORD("KX"),         [37] = WORD("CERT"),   [38] = WORD("A6"),
    [39] = WORD("DNAME"),      [41] = WORD("OPT"),    [42] = WORD("APL"),
    [43] = WORD("DS"),         [44] = WORD("SSHFP"),  [45] = WORD("IPSECKEY"),
    [46] = WORD("RRSIG"),      [47] = WORD("NSEC"),   [48] = WORD("DNSKEY"),
    [49] = WORD("DHCID"),      [50] = WORD("NSEC3"),  [51] = WORD("NSEC3PARAM"),
    [52] = WORD("TSLA"),       [53] = WORD("SMIMEA"), [55] = WORD("HIP"),
    [56] = WORD("NINFO"),      [59] = WORD("CDS"),    [60] = WORD("CDNSKEY"),
    [61] = WORD("OPENPGPKEY"), [62] = WORD("CSYNC"),  [64] = WORD("SVCB"),
    [65] = WORD("HTTPS"),      [99] = WORD("SPF"),    [103] = WORD("UNSPEC"),
    [108] = WORD("EUI48"),     [109] = WORD("EUI64"), [249] = WORD("TKEY"),
    [250] = WORD("TSIG"),      [251] = WORD("IXFR"),  [252] = WORD("AXFR"),
    [253] = WORD("MAILB"),     [254] = WORD("MAILA"), [255] = WORD("ANY"),
    [256] = WORD("URI"),       [257] = WORD("CAA"),   [258] = WORD("AVC"),
    [259] = WORD("AMTRELAY"),
};

static const struct receiver_word rrtypes_32768[] = {
    [0] = WORD("TA"),
    [1] = WORD("DLV"),
};

const struct receiver_word *receiver_rrtype(uint16_t type)
{
    const struct receiver_word *word = &receiver_absent;
    if (type < sizeof rrtypes / sizeof *rrtypes)
        word = &rrtypes[type];
    else if (type == 32768 || type == 32769)
        word = &rrtypes_32768[type - 32768];
    return word->len ? word : &receiver_absent;
}

struct span receiver_word_lower(const struct receiver_word *word, char text[RECEIVER_WORD_MAX])
{
    for (size_t i = 0; i < RECEIVER_WORD_MAX; i++) {
        char c = word->text[i];
        text[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    return span_of(text, word->len);
}

bool receiver_word_is(const struct receiver_word *word, struct span lower)
{
    char text[RECEIVER_WORD_MAX];
    return word->len == lower.len && span_equal(receiver_word_lower(word, text), lower);
}

static int number_of(const struct receiver_word *words, size_t count, struct span lower)
{
    for (size_t i = 0; i < count; i++) {
        if (lower.len > 0 && receiver_word_is(&words[i], lower))
            return (int)i;
    }
    return -1;
}

int receiver_rcode_number(struct span lower)
{
    return number_of(rcodes, sizeof rcodes / sizeof *rcodes, lower);
}

int receiver_rrtype_number(struct span lower)
{
    int number = number_of(rrtypes, sizeof rrtypes / sizeof *rrtypes, lower);
    int beyond = number_of(rrtypes_32768, sizeof rrtypes_32768 / sizeof *rrtypes_32768, lower);
    return number < 0 && beyond >= 0 ? 32768 + beyond : number;
}
