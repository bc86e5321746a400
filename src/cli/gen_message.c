#include "cli/gen_message.h"

#include "base/cursor.h"
#include "wire/dns.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum {
    RECORDS_END = 1240, /* records end here at the latest: the rest is for OPT and padding */
    POINTER = 0xc000,   /* of name compression */
    CLASS_IN = 1,
    COUNTS_AT = 4, /* offset of the four counts */
    OPCODE_UPDATE = 5 << 11,
    FLAG_DO = 0x8000,
};

enum { OPTION_NSID = 3, OPTION_ECS = 8, OPTION_COOKIE = 10, OPTION_PADDING = 12, OPTION_EDE = 15 };

static void put8(struct gen_message *m, unsigned value)
{
    m->bytes[m->len++] = (uint8_t)value;
}

static void put16(struct gen_message *m, unsigned value)
{
    store_be16(m->bytes + m->len, (uint16_t)value);
    m->len += 2;
}

static void put32(struct gen_message *m, uint32_t value)
{
    store_be32(m->bytes + m->len, value);
    m->len += 4;
}

static void put(struct gen_message *m, const void *bytes, size_t len)
{
    memcpy(m->bytes + m->len, bytes, len);
    m->len += len;
}

static void put_noise(struct gen_message *m, size_t len)
{
    for (size_t i = 0; i < len; i += sizeof(uint64_t)) {
        uint64_t noise = gen_next(&m->random);
        put(m, &noise, len - i < sizeof noise ? len - i : sizeof noise);
    }
}

static unsigned draw(struct gen_message *m, unsigned low, unsigned high)
{
    return (unsigned)gen_between(&m->random, low, high);
}

/* The registered domain of the question: as a pointer into it, or written out where a pointer is
 * not allowed (RRSIG, NSEC, SRV). */
static void put_zone(struct gen_message *m)
{
    put16(m, POINTER | (DNS_HEADER_LEN + m->x->name.zone));
}

static void put_zone_plain(struct gen_message *m)
{
    const struct gen_name *name = &m->x->name;
    put(m, name->wire + name->zone, (size_t)name->len - name->zone);
}

/* One label: a stem and a digit, "ns3". */
static void put_numbered(struct gen_message *m, const char *stem, unsigned number)
{
    size_t len = strlen(stem);
    put8(m, (unsigned)len + 1);
    put(m, stem, len);
    put8(m, '0' + number % 10);
}

/* Data of one record each. `n` counts the records of one set from 0. */

static void rdata_a(struct gen_message *m, unsigned n)
{
    put32(m, 0xcb007100 | (draw(m, 1, 25) * 10 + n)); /* 203.0.113.0/24 */
}

static void rdata_aaaa(struct gen_message *m, unsigned n)
{
    static const uint8_t prefix[] = {0x20, 0x01, 0x0d, 0xb8, 0, 0x80};
    put(m, prefix, sizeof prefix);
    put_noise(m, 8);
    put16(m, n + 1);
}

static void rdata_ptr(struct gen_message *m, unsigned n)
{
    put_numbered(m, "host", n + draw(m, 0, 9));
    put_zone(m);
}

static void rdata_cname(struct gen_message *m, unsigned n)
{
    put_numbered(m, "alias", n);
    put_zone(m);
}

static void rdata_ns(struct gen_message *m, unsigned n)
{
    put_numbered(m, "ns", n + 1);
    put_zone(m);
}

static void rdata_soa(struct gen_message *m, unsigned n)
{
    static const uint32_t timers[] = {7200, 3600, 1209600, 300};
    rdata_ns(m, n);
    put_numbered(m, "admin", n);
    put_zone(m);
    put32(m, 2026010100 + draw(m, 0, 99));
    for (size_t i = 0; i < COUNT(timers); i++)
        put32(m, timers[i]);
}

static void rdata_mx(struct gen_message *m, unsigned n)
{
    put16(m, 10 * (n + 1));
    put_numbered(m, "mx", n);
    put_zone(m);
}

static void rdata_txt(struct gen_message *m, unsigned n)
{
    static const char text[] =
        "v=spf1 include:_spf.mail.example ip4:192.0.2.0/24 ip6:2001:db8::/32 -all; "
        "k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt"
        "IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4"
        "OuKhi";
    _Static_assert(sizeof text - 1 <= 255, "a character string has a length byte");
    unsigned len = draw(m, 20, sizeof text - 1);
    put8(m, len);
    put(m, text, len);
    if (n == 1) {
        static const char odd[] = "quo\"te back\\slash caf\xc3\xa9";
        put8(m, sizeof odd - 1);
        put(m, odd, sizeof odd - 1);
    }
}

static void rdata_srv(struct gen_message *m, unsigned n)
{
    put16(m, 10 * (n + 1));
    put16(m, 50);
    put16(m, 5060 + n);
    put_numbered(m, "sip", n);
    put_zone_plain(m);
}

/* RFC 9460: priority, target ".", alpn h3 and h2, ipv4hint. */
static void rdata_https(struct gen_message *m, unsigned n)
{
    static const uint8_t alpn[] = {0, 1, 0, 6, 2, 'h', '3', 2, 'h', '2'};
    put16(m, n + 1);
    put8(m, 0);
    put(m, alpn, sizeof alpn);
    put16(m, 4);
    put16(m, 4);
    rdata_a(m, n);
}

static void rdata_ds(struct gen_message *m, unsigned n)
{
    put16(m, 20326 + n);
    put8(m, 13);
    put8(m, 2);
    put_noise(m, 32);
}

static void rdata_dnskey(struct gen_message *m, unsigned n)
{
    put16(m, n == 0 ? 257 : 256);
    put8(m, 3);
    put8(m, 13);
    put_noise(m, 64);
}

static void rdata_tlsa(struct gen_message *m, unsigned n)
{
    put8(m, 3);
    put8(m, n & 1);
    put8(m, 1);
    put_noise(m, 32);
}

static void rdata_caa(struct gen_message *m, unsigned n)
{
    static const char value[] = "issueca.example";
    put8(m, n & 1 ? 128 : 0);
    put8(m, 5);
    put(m, value, sizeof value - 1);
}

static void rdata_nsec(struct gen_message *m, unsigned n)
{
    /* Window 0, 9 bytes: A NS SOA MX TXT AAAA RRSIG NSEC DNSKEY TYPE65. */
    static const uint8_t types[] = {0, 9, 0x62, 0x01, 0x80, 0x08, 0, 0x03, 0x80, 0, 0x40};
    put_numbered(m, "next", n);
    put_zone_plain(m);
    put(m, types, sizeof types);
}

/* One row a type: how many records a set has, how long they live. */
static const struct set {
    uint16_t type;
    uint8_t most;
    uint32_t ttl;
    void (*rdata)(struct gen_message *m, unsigned n);
} sets[] = {
    {DNS_A, 5, 300, rdata_a},         {DNS_AAAA, 4, 300, rdata_aaaa},
    {DNS_HTTPS, 1, 300, rdata_https}, {DNS_PTR, 1, 86400, rdata_ptr},
    {DNS_TXT, 6, 3600, rdata_txt},    {DNS_MX, 5, 3600, rdata_mx},
    {DNS_NS, 6, 172800, rdata_ns},    {DNS_SRV, 4, 600, rdata_srv},
    {DNS_SOA, 1, 3600, rdata_soa},    {DNS_DS, 2, 86400, rdata_ds},
    {DNS_CNAME, 1, 120, rdata_cname}, {DNS_DNSKEY, 4, 3600, rdata_dnskey},
    {DNS_CAA, 3, 3600, rdata_caa},    {DNS_TLSA, 2, 3600, rdata_tlsa},
    {DNS_NSEC, 1, 300, rdata_nsec},
};

static const struct set *set_of(uint16_t type)
{
    const struct set *set = sets;
    while (set->type != type)
        set++;
    return set;
}

/* Begins a record behind its owner's name, which the caller has written. */
static void begin_record(struct gen_message *m, size_t record, uint16_t type, uint32_t ttl)
{
    m->record = record;
    put16(m, type);
    put16(m, CLASS_IN);
    put32(m, ttl);
    put16(m, 0);
    m->rdata = m->len;
}

/* Counts the record, or takes it back when it does not fit; false then. */
static bool end_record(struct gen_message *m, enum dns_section section)
{
    if (m->len > RECORDS_END) {
        m->len = m->record;
        return false;
    }
    store_be16(m->bytes + m->rdata - 2, (uint16_t)(m->len - m->rdata));
    uint8_t *count = m->bytes + COUNTS_AT + 2 * section;
    store_be16(count, (uint16_t)(load_be16(count) + 1));
    return true;
}

/* Where records are put, and whose: `owner` is an offset of the message. */
struct record_place {
    enum dns_section section;
    uint16_t owner;
    unsigned first; /* the number of the set's first record: aliases of a chain must differ */
};

static bool wants_signatures(const struct gen_exchange *x)
{
    return x->signed_zone && x->dnssec;
}

/* The labels of the name at an offset that this file has written. */
static unsigned labels_at(const struct gen_message *m, size_t offset)
{
    unsigned labels = 0;
    while (m->bytes[offset] != 0) {
        if (m->bytes[offset] >= POINTER >> 8) {
            offset = load_be16(m->bytes + offset) & ~POINTER;
        } else {
            offset += m->bytes[offset] + 1u;
            labels++;
        }
    }
    return labels;
}

static void add_rrsig(struct gen_message *m, struct record_place at, const struct set *set)
{
    uint32_t week = 7 * 86400;
    uint32_t inception = (uint32_t)(m->x->query_ns / 1000000000 / week) * week;
    size_t record = m->len;
    put16(m, POINTER | at.owner);
    begin_record(m, record, DNS_RRSIG, set->ttl);
    put16(m, set->type);
    put8(m, 13); /* ECDSA P-256 */
    put8(m, labels_at(m, at.owner));
    put32(m, set->ttl);
    put32(m, inception + 3 * week);
    put32(m, inception);
    put16(m, 34505);
    put_zone_plain(m);
    put_noise(m, 64);
    end_record(m, at.section);
}

/* A set of `count` records, and its signature where the asker wants one. */
static void add_set(struct gen_message *m, struct record_place at, uint16_t type, unsigned count)
{
    const struct set *set = set_of(type);
    for (unsigned n = 0; n < count; n++) {
        size_t record = m->len;
        put16(m, POINTER | at.owner);
        begin_record(m, record, type, set->ttl);
        set->rdata(m, at.first + n);
        if (!end_record(m, at.section))
            return;
        m->target = m->rdata;
    }
    if (wants_signatures(m->x))
        add_rrsig(m, at, set);
}

/* A chain of aliases, as content networks have them; returns the owner of what it leads to. */
static uint16_t add_chain(struct gen_message *m)
{
    static const uint16_t lengths[] = {700, 180, 80, 40};
    uint16_t owner = DNS_HEADER_LEN;
    if (m->x->qtype != DNS_A && m->x->qtype != DNS_AAAA)
        return owner;
    unsigned length = gen_pick(&m->random, lengths, COUNT(lengths));
    for (unsigned n = 0; n < length; n++) {
        add_set(m, (struct record_place){DNS_ANSWER, owner, n}, DNS_CNAME, 1);
        owner = (uint16_t)m->target;
    }
    return owner;
}

static void add_answer(struct gen_message *m)
{
    uint16_t owner = add_chain(m);
    unsigned most = set_of(m->x->qtype)->most;
    unsigned count = gen_chance(&m->random, 600) ? 1 : draw(m, 1, most);
    add_set(m, (struct record_place){DNS_ANSWER, owner, 0}, m->x->qtype, count);
}

/* Addresses of the zone's name servers. */
static void add_glue(struct gen_message *m, unsigned servers)
{
    for (unsigned n = 0; n < 2 * servers; n++) {
        const struct set *set = set_of(n & 1 ? DNS_AAAA : DNS_A);
        size_t record = m->len;
        rdata_ns(m, n / 2);
        begin_record(m, record, set->type, 172800);
        set->rdata(m, n);
        end_record(m, DNS_ADDITIONAL);
    }
}

static void add_referral(struct gen_message *m)
{
    struct record_place at = {DNS_AUTHORITY, (uint16_t)(DNS_HEADER_LEN + m->x->name.zone), 0};
    unsigned servers = draw(m, 2, 6);
    add_set(m, at, DNS_NS, servers);
    if (wants_signatures(m->x))
        add_set(m, at, DNS_DS, 1);
    add_glue(m, servers);
}

/* NODATA and NXDOMAIN: the zone's SOA, with proof where it is wanted (RFC 2308, RFC 4035). */
static void add_denial(struct gen_message *m)
{
    struct record_place at = {DNS_AUTHORITY, (uint16_t)(DNS_HEADER_LEN + m->x->name.zone), 0};
    add_set(m, at, DNS_SOA, 1);
    if (wants_signatures(m->x))
        add_set(m, at, DNS_NSEC, 1);
}

static void add_nothing(struct gen_message *m)
{
    (void)m;
}

/* One row an outcome. */
static const struct {
    uint16_t flags; /* and the response code */
    bool answers;   /* AA and AD make sense */
    void (*add)(struct gen_message *m);
} outcomes[] = {
    [GEN_ANSWER] = {0, true, add_answer},      [GEN_NODATA] = {0, true, add_denial},
    [GEN_NXDOMAIN] = {3, true, add_denial},    [GEN_SERVFAIL] = {2, false, add_nothing},
    [GEN_REFUSED] = {5, false, add_nothing},   [GEN_TRUNCATED] = {DNS_FLAG_TC, true, add_nothing},
    [GEN_REFERRAL] = {0, false, add_referral},
};

static void begin_option(struct gen_message *m, unsigned code, size_t len)
{
    put16(m, code);
    put16(m, (unsigned)len);
}

/* RFC 7871: the asker's network, 24 or 56 bits of it; the scope is 0 in queries. */
static void put_subnet(struct gen_message *m, bool response)
{
    bool v6 = m->x->address_len == 16;
    unsigned bits = v6 ? 56 : 24;
    begin_option(m, OPTION_ECS, 4 + bits / 8);
    put16(m, v6 ? 2 : 1);
    put8(m, bits);
    put8(m, response ? bits : 0);
    put(m, m->x->query_address, bits / 8);
}

/* RFC 7873 and 9018: the client's eight bytes, and the server's sixteen behind them. */
static void put_cookie(struct gen_message *m, bool response)
{
    uint64_t client = gen_mix(m->x->seed ^ 0x636f6f6b6965);
    begin_option(m, OPTION_COOKIE, response ? 24 : 8);
    put(m, &client, sizeof client);
    if (response)
        put_noise(m, 16);
}

static void put_error(struct gen_message *m)
{
    static const char text[] = "no reachable authority";
    begin_option(m, OPTION_EDE, 2 + sizeof text - 1);
    put16(m, 22);
    put(m, text, sizeof text - 1);
}

/* RFC 8467: encrypted queries are padded to a multiple of 128 bytes, responses to 468. */
static void put_padding(struct gen_message *m, bool response)
{
    size_t block = response ? 468 : 128;
    size_t bare = m->len + 4;
    size_t padding = (block - bare % block) % block;
    if (bare + padding > GEN_MESSAGE_MAX)
        padding = GEN_MESSAGE_MAX - bare;
    begin_option(m, OPTION_PADDING, padding);
    memset(m->bytes + m->len, 0, padding);
    m->len += padding;
}

static bool encrypted(const struct gen_exchange *x)
{
    return x->protocol == DNSTAP_DOT || x->protocol == DNSTAP_DOH || x->protocol == DNSTAP_DOQ;
}

static void add_opt(struct gen_message *m, bool response)
{
    static const char nsid[] = "gen-node-17";
    const struct gen_exchange *x = m->x;
    if (x->udp_size == 0)
        return;
    put8(m, 0);
    put16(m, DNS_OPT);
    put16(m, response ? 1232 : x->udp_size);
    put32(m, x->dnssec ? FLAG_DO : 0);
    put16(m, 0);
    size_t options = m->len;
    if (x->subnet)
        put_subnet(m, response);
    if (x->cookie)
        put_cookie(m, response);
    if (response && x->outcome == GEN_SERVFAIL)
        put_error(m);
    if (response && x->role->authoritative && gen_chance(&m->random, 50)) {
        begin_option(m, OPTION_NSID, sizeof nsid - 1);
        put(m, nsid, sizeof nsid - 1);
    }
    if (encrypted(x))
        put_padding(m, response);
    store_be16(m->bytes + options - 2, (uint16_t)(m->len - options));
    uint8_t *count = m->bytes + COUNTS_AT + 2 * DNS_ADDITIONAL;
    store_be16(count, (uint16_t)(load_be16(count) + 1));
}

/* Header and question. */
static void begin(struct gen_message *m, const struct gen_exchange *x, unsigned flags,
                  uint64_t salt)
{
    bool update = x->role->type == DNSTAP_UPDATE_QUERY;
    m->len = 0;
    m->x = x;
    m->random.state = gen_mix(x->seed + salt);
    put16(m, x->id);
    put16(m, flags |
                 (update               ? OPCODE_UPDATE
                  : x->role->recursive ? DNS_FLAG_RD
                                       : 0) |
                 (x->checking_disabled ? DNS_FLAG_CD : 0));
    put16(m, 1);
    put16(m, 0);
    put32(m, 0);
    put(m, x->name.wire, x->name.len);
    put16(m, x->qtype);
    put16(m, CLASS_IN);
}

void gen_message_query(struct gen_message *m, const struct gen_exchange *x)
{
    begin(m, x, 0, 1);
    if (x->role->type == DNSTAP_UPDATE_QUERY) /* RFC 2136: the update section is the authority's */
        add_set(m, (struct record_place){DNS_AUTHORITY, DNS_HEADER_LEN, 0}, DNS_A, draw(m, 1, 3));
    add_opt(m, false);
}

void gen_message_response(struct gen_message *m, const struct gen_exchange *x)
{
    bool update = x->role->type == DNSTAP_UPDATE_QUERY;
    bool answers = outcomes[x->outcome].answers && !update;
    unsigned flags = DNS_FLAG_QR | outcomes[x->outcome].flags;
    flags |= x->role->recursive ? DNS_FLAG_RA : 0;
    flags |= answers && x->role->authoritative ? DNS_FLAG_AA : 0;
    flags |= answers && x->role->recursive && wants_signatures(x) ? DNS_FLAG_AD : 0;
    begin(m, x, flags, 2);
    if (!update)
        outcomes[x->outcome].add(m);
    add_opt(m, true);
}
