#include "cli/gen_exchange.h"

#include "base/cursor.h"
#include "cli/gen_random.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum {
    NAME_OCTAVES = 18,   /* 262,143 names */
    CLIENT_OCTAVES = 14, /* 16,383 clients */
    SERVER_OCTAVES = 12,
};

static const struct gen_producer producers[] = {
    {"resolver-1.ams.example", "unbound 1.17.1", false, false},
    {"ns2.fra.example", "Knot DNS 3.2.6", true, false},
    {"edge-3.lon.example", "dnsdist 1.7.3", true, false},
    {"auth4.lab.example", "BIND 9.18.49", true, true},
};

/* clang-format off */
static const struct gen_role roles[] = {
    /* weight   answer nodata nxdomain servfail refused truncated referral
                 UDP  TCP DOT DOH DNSCryptUDP DNSCryptTCP DOQ
                 type                     recursive authoritative zone remote */
    {600, {      780,    60,     120,      20,     10,       10,       0},
          {      850,    50,  40, 30,      10,      5,       15},
          DNSTAP_CLIENT_QUERY,        true,   false,    false, false},
    {180, {      450,    50,      80,      15,      5,       10,     390},
          {      930,    70},
          DNSTAP_RESOLVER_QUERY,      false,  true,     true,  true},
    {120, {      680,    80,     150,       0,     40,       10,      40},
          {      900,   100},
          DNSTAP_AUTH_QUERY,          false,  true,     true,  false},
    { 40, {      800,    60,     110,      20,      0,       10,       0},
          {      700,    50, 250},
          DNSTAP_FORWARDER_QUERY,     true,   false,    true,  true},
    { 20, {      800,    60,     130,      10,      0,        0,       0},
          {     1000},
          DNSTAP_STUB_QUERY,          true,   false,    false, true},
    { 20, {      850,    50,      80,      10,     10,        0,       0},
          {      800,   100,  50, 50},
          DNSTAP_TOOL_QUERY,          true,   false,    false, true},
    { 20, {      900,     0,       0,      20,     80,        0,       0},
          {      600,   400},
          DNSTAP_UPDATE_QUERY,        false,  false,    true,  false},
};
/* clang-format on */

static const struct {
    uint16_t weight; /* per mille */
    uint16_t type;
    const char *service; /* labels in front of the domain */
} questions[] = {
    {460, DNS_A, NULL},   {200, DNS_AAAA, NULL},   {90, DNS_HTTPS, NULL},
    {60, DNS_PTR, NULL},  {30, DNS_TXT, NULL},     {30, DNS_MX, ""},
    {20, DNS_NS, ""},     {20, DNS_TXT, "_dmarc"}, {20, DNS_SRV, "_sip._tcp"},
    {15, DNS_SOA, ""},    {15, DNS_DS, ""},        {10, DNS_CNAME, NULL},
    {10, DNS_DNSKEY, ""}, {10, DNS_CAA, ""},       {10, DNS_TLSA, "_443._tcp.www"},
};

/* How long answers take, in microseconds. */
struct delay {
    uint16_t weight; /* per mille */
    uint32_t min_us, max_us;
};

static const struct delay near_delays[] = {
    {700, 60, 900}, {250, 3000, 60000}, {50, 80000, 1800000}};
static const struct delay far_delays[] = {
    {850, 2500, 45000}, {130, 45000, 250000}, {20, 250000, 1900000}};

static const uint16_t ports[] = {
    [DNSTAP_UDP] = 53,  [DNSTAP_TCP] = 53,           [DNSTAP_DOT] = 853,
    [DNSTAP_DOH] = 443, [DNSTAP_DNSCRYPT_UDP] = 443, [DNSTAP_DNSCRYPT_TCP] = 443,
    [DNSTAP_DOQ] = 853,
};

static const uint16_t udp_sizes[] = {1232, 1232, 1232, 4096, 1400, 512};

/* 10.0.0.0/8 and 2001:db8:c::/48 hold the clients, 198.18.0.0/15 and 2001:db8:53::/48 the servers:
 * private, documentation and benchmark space. */
static void put_address(uint8_t *out, bool v6, bool server, uint32_t number)
{
    uint64_t host = gen_mix(number);
    if (v6) {
        static const uint8_t prefix[] = {0x20, 0x01, 0x0d, 0xb8, 0x00};
        memcpy(out, prefix, sizeof prefix);
        out[5] = server ? 0x53 : 0x0c;
        out[6] = 0;
        out[7] = (uint8_t)(host >> 40);
        memset(out + 8, 0, 4);
        store_be32(out + 12, server ? number : (uint32_t)host);
    } else {
        uint32_t prefix = server ? 0xc6120000 : 0x0a000000;
        store_be32(out, prefix | ((uint32_t)host & (server ? 0x1ffff : 0xffffff)));
    }
}

static void expand_question(struct gen_exchange *x, struct gen_random *r)
{
    unsigned drawn = (unsigned)gen_below(r, 1000);
    unsigned i = 0;
    while (drawn >= questions[i].weight)
        drawn -= questions[i++].weight;
    x->qtype = questions[i].type;
    gen_name_host(&x->name, gen_zipf(r, NAME_OCTAVES));
    if (questions[i].service &&
        (*questions[i].service || x->name.len - x->name.zone >= GEN_NAME_MIN))
        gen_name_service(&x->name, questions[i].service);
    if (x->qtype == DNS_PTR) {
        uint8_t address[16];
        bool v6 = gen_chance(r, 200);
        put_address(address, v6, false, gen_zipf(r, CLIENT_OCTAVES));
        gen_name_reverse(&x->name, span_of(address, v6 ? 16 : 4));
    }
    if (x->role->type == DNSTAP_UPDATE_QUERY)
        x->qtype = DNS_SOA;
    x->signed_zone = gen_mix(x->name.wire[x->name.zone + 1] + 256u * x->name.len) % 5 < 2;
}

/* EDNS and its options; a question too short to make 40 bytes gets EDNS in any case. */
static void expand_edns(struct gen_exchange *x, struct gen_random *r)
{
    enum { SHORT_NAME = 40 - 12 - 4 };
    if (x->name.len >= SHORT_NAME && gen_chance(r, 180))
        return;
    x->udp_size = udp_sizes[gen_below(r, COUNT(udp_sizes))];
    x->dnssec = gen_chance(r, x->role->remote ? 900 : 350) && x->role->type != DNSTAP_UPDATE_QUERY;
    x->subnet = gen_chance(r, x->role->remote ? 60 : 150);
    x->cookie = gen_chance(r, 200);
}

static void expand_addresses(struct gen_exchange *x, struct gen_random *r)
{
    uint32_t asker = gen_zipf(r, CLIENT_OCTAVES);
    uint32_t server = x->role->remote ? gen_zipf(r, SERVER_OCTAVES) : 1 + (uint32_t)gen_below(r, 4);
    /* A client keeps to its family. */
    bool v6 = gen_mix(asker) % 10 < 3;
    x->address_len = v6 ? 16 : 4;
    put_address(x->query_address, v6, x->role->remote, x->role->remote ? 9 : asker);
    put_address(x->response_address, v6, true, server);
    x->query_port = (uint16_t)gen_between(r, 1024, 65535);
    x->response_port = ports[x->protocol];
}

static uint64_t draw_delay(struct gen_random *r, const struct delay *delays)
{
    unsigned drawn = (unsigned)gen_below(r, 1000);
    while (drawn >= delays->weight)
        drawn -= delays++->weight;
    return gen_between(r, delays->min_us * UINT64_C(1000), delays->max_us * UINT64_C(1000));
}

static const struct gen_role *draw_role(struct gen_random *r)
{
    unsigned drawn = (unsigned)gen_below(r, 1000);
    const struct gen_role *role = roles;
    while (drawn >= role->weight)
        drawn -= role++->weight;
    return role;
}

void gen_exchange_expand(struct gen_exchange *x, uint64_t seed, uint64_t query_ns)
{
    struct gen_random r = {seed};
    x->seed = seed;
    x->query_ns = query_ns;
    x->role = draw_role(&r);
    x->producer = &producers[gen_below(&r, COUNT(producers))];
    x->protocol = (uint8_t)(DNSTAP_UDP + gen_pick(&r, x->role->protocols, DNSTAP_DOQ));
    x->outcome = gen_pick(&r, x->role->outcomes, GEN_OUTCOMES);
    if (x->outcome == GEN_TRUNCATED && x->protocol != DNSTAP_UDP)
        x->outcome = GEN_ANSWER;
    x->udp_size = 0;
    x->dnssec = x->subnet = x->cookie = false;
    expand_addresses(x, &r);
    expand_question(x, &r);
    expand_edns(x, &r);
    x->id = (uint16_t)gen_next(&r);
    x->checking_disabled = gen_chance(&r, 30);
    x->answered = !gen_chance(&r, 15);
    x->latency_ns = draw_delay(&r, x->role->remote ? far_delays : near_delays);
}
