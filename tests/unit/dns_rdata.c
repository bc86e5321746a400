/*
 * Record data as text: what the comparison with ldns cannot show, because ldns does not know the
 * type, refuses the record, or prints it otherwise (its reasons are in
 * tests/differential/dns_ldns.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/hex.h"
#include "wire/dns.h"

static const struct {
    const char *type;
    const char *data;
    const char *text;
    uint16_t class; /* 0: IN */
    bool fits;      /* it has no text, but is sound all the same */
} samples[] = {
    /* no data at all, as in updates (RFC 2136) */
    {"A", "", "\\# 0"},
    {"TXT", "", "\\# 0"},
    {"TYPE65400", "", "\\# 0", .fits = true},
    {"TYPE65400", "00ff10", "\\# 3 00ff10", .fits = true},
    /* too short, too long */
    {"A", "c00002", "\\# 3 c00002"},
    {"A", "c0000201ff", "\\# 5 c0000201ff"},
    {"AAAA", "20010db80000000000000000000000", "\\# 15 20010db80000000000000000000000"},
    {"NS", "0161", "\\# 2 0161"},
    {"NS", "0161 00 ff", "\\# 4 016100ff"},
    {"NS", "4161 00", "\\# 3 416100"},
    {"MX", "00", "\\# 1 00"},
    {"MX", "000a", "\\# 2 000a"},
    {"SOA", "00 00 00000001 00000002 00000003 00000004 000000",
     "\\# 21 000000000001000000020000000300000004000000"},
    {"TXT", "0361", "\\# 2 0361"},
    {"TXT", "0161 01", "\\# 3 016101"},
    {"HINFO", "0161", "\\# 2 0161"},
    {"TXT", "06 09 00 7f ff 22 5c", "\"\\009\\000\\127\\255\\\"\\\\\""},
    {"ISDN", "0161", "\"a\""},
    {"ISDN", "0161 0162", "\"a\" \"b\""},
    {"ISDN", "0161 0162 00", "\\# 5 0161016200"},
    {"RRSIG", "0001 05 02 00000e10 5f5e1000 5f5e1000 abcd",
     "\\# 18 0001050200000e105f5e10005f5e1000abcd"},
    {"DNSKEY", "0100 03", "\\# 3 010003"},
    {"NSEC3", "01 00 000a 00 05 aa", "\\# 7 0100000a0005aa"},
    {"NSEC3", "01 00 000a 01", "\\# 5 0100000a01"},
    {"SRV", "0001 0002 0003", "\\# 6 000100020003"},
    {"EUI48", "0102030405", "\\# 5 0102030405"},
    {"TSIG", "00 000000000000 0000 0001", "\\# 11 0000000000000000000001"},
    /* dates stay where they are, whatever the clock says */
    {"RRSIG", "0001 05 02 00000000 ffffffff 80000000 0001 00 aa",
     "A 5 2 0 21060207062815 20380119031408 1 . qg=="},
    /* services by number */
    {"WKS", "c0000201 06 0000004080", "192.0.2.1 tcp 25 32 "},
    {"WKS", "c0000201 11 00000000000004", "192.0.2.1 udp 53 "},
    {"WKS", "c0000201 02 80", "192.0.2.1 2 0 "},
    {"WKS", "c0000201 06", "\\# 5 c000020106", .fits = true},
    {"WKS", "c0000201 06 00", "\\# 6 c00002010600", .fits = true},
    {"WKS", "c0000201 11 0000000000000400", "\\# 13 c0000201110000000000000400", .fits = true},
    {"NSAP-PTR", "0161 00", "a."},
    {"NXT", "0162 00 60000000 00000002", "b. A NS CSYNC "},
    {"NXT", "0162 00", "\\# 3 016200"},
    {"NXT", "0162 00 e0", "\\# 4 016200e0", .fits = true},
    {"NXT", "0162 00 6000", "\\# 5 0162006000"},
    {"SINK", "01 02 03 0405", "1 2 3 BAU="},
    {"SINK", "01 02 03", "\\# 3 010203", .fits = true},
    /* bitmaps */
    {"NSEC", "00 0000", "\\# 3 000000"},
    {"NSEC", "00 0021 00", "\\# 4 00002100"},
    {"NSEC", "00 0001", "\\# 3 000001"},
    {"NSEC", "00 00", "\\# 2 0000"},
    {"NSEC", "00 0001 40 ff01 01", ". A TYPE65287 "},
    {"NSEC", "00 ff01 01 0001 40", "\\# 7 00ff0101000140"}, /* not in order */
    {"NSEC", "00 0001 40 0001 20", "\\# 7 00000140000120"},
    {"NSEC", "00 0002 4000", "\\# 5 0000024000"}, /* a zero behind it */
    {"NSEC", "0161 00", "\\# 3 016100"},          /* not even itself */
    {"NSEC3", "01 00 000a 00 05 0102030405", "1 0 10 -  04106105"},
    {"NSEC3", "01 00 000a 00 05 0102030405 0001 40", "1 0 10 -  04106105 A "},
    {"NSEC3", "01 00 000a 00 04 01020304 0001 40", "\\# 13 0100000a000401020304000140",
     .fits = true},
    {"NSEC3", "01 00 000a 00 00 0001 40", "\\# 9 0100000a0000000140"},
    {"CSYNC", "00000001 0003", "\\# 6 000000010003"},
    {"CSYNC", "00000001 0003 0001", "\\# 8 0000000100030001"},
    /* prefixes */
    {"APL", "0001 21 04 c0000201", "\\# 8 00012104c0000201"},
    {"APL", "0001 20 05 c000020101", "\\# 9 00012005c000020101"},
    {"APL", "0002 80 91 20010db8000000000000000000000000 01",
     "\\# 21 0002809120010db800000000000000000000000001"},
    {"APL", "0003 04 01 aa", "\\# 5 00030401aa", .fits = true},
    {"APL", "0001 18 04 c0000200", "\\# 8 00011804c0000200"}, /* a zero behind it */
    {"APL", "0001 18 83 c00002 0002 00 00",
     "!1:192.0.2.0/24 2:0000:0000:0000:0000:0000:0000:0000:0000/0 "},
    /* locations: digits above nine are not defined */
    {"LOC", "00 a0 10 10 80000000 80000000 00989680", "\\# 16 00a01010800000008000000000989680"},
    {"LOC", "00 10 1a 10 80000000 80000000 00989680", "\\# 16 00101a10800000008000000000989680"},
    {"LOC", "00 05 10 10 80000000 80000000 00989680", "\\# 16 00051010800000008000000000989680",
     .fits = true},
    {"LOC", "00 00 10 10 80000000 80000000 00989680",
     "00 00 0.000 S 00 00 0.000 W 0m 0.00m 0.01m 0.01m"},
    {"LOC", "01 12 16 13 80000000 80000000 00989680", "\\# 16 01121613800000008000000000989680",
     .fits = true},
    {"LOC", "00 12 16 13 934fd900 a69fb200 ffffffff",
     "90 00 0.000 N 180 00 0.000 E 42849672.95m 1m 10000m 10m"},
    {"LOC", "00 12 16 13 934fd901 80000000 00989680", "\\# 16 00121613934fd9018000000000989680"},
    {"LOC", "00 12 16 13 80000000 59604dff 00989680", "\\# 16 001216138000000059604dff00989680"},
    {"LOC", "00", "\\# 1 00"},
    /* gateways and relays */
    {"IPSECKEY", "0a 00 02 aa", "10 0 2 . qg=="},
    {"IPSECKEY", "0a 01 02 c0000201 aa", "10 1 2 192.0.2.1 qg=="},
    {"IPSECKEY", "0a 00 00", "\\# 3 0a0000", .fits = true},
    {"IPSECKEY", "0a 01 02 c0000201", "\\# 7 0a0102c0000201", .fits = true},
    {"IPSECKEY", "0a 03 02 c001 aa", "\\# 6 0a0302c001aa"},
    {"IPSECKEY", "0a 04 02 aa", "\\# 4 0a0402aa", .fits = true},
    {"IPSECKEY", "0a 01", "\\# 2 0a01"},
    {"AMTRELAY", "0a 00", "10 0 0 ."},
    {"AMTRELAY", "0a 81 cb007101", "10 1 1 203.0.113.1"},
    {"AMTRELAY", "0a 02 20010db8000000000000000000000015", "10 0 2 2001:db8::15"},
    {"AMTRELAY", "80 83 0361 6d74 00", "128 1 3 amt."},
    {"AMTRELAY", "0a 04 00", "\\# 3 0a0400", .fits = true},
    {"HIP", "02 ff 0001 aabb cc", "255 aabb zA=="},
    {"HIP", "00 02 0001 cc 0161 00", "\\# 8 00020001cc016100", .fits = true},
    {"HIP", "01 02 0000 aa 0161 00", "\\# 8 01020000aa016100", .fits = true},
    {"HIP", "01 02 0001 aa cc 0161 00 00", "2 aa zA== a. ."},
    {"HIP", "01 02 0001 aa cc 0161 00 c006", "\\# 11 01020001aacc016100c006"},
    /* certification authority authorization */
    {"CAA", "00 00 61", "\\# 3 000061"},
    {"CAA", "00 01 2d 61", "\\# 4 00012d61"},
    {"CAA", "80 05 6973737565", "128 issue \"\""},
    {"CAA", "80 05 6973737565 22", "128 issue \"\\\"\""},
    {"URI", "000a 0001 61", "10 1 \"a\""},
    {"URI", "000a 0001", "\\# 4 000a0001"},
    /* keys, digests and the like that are not there */
    {"DNSKEY", "0101 03 08", "\\# 4 01010308", .fits = true},
    {"CDNSKEY", "0000 03 00 00", "0 3 0 AA=="},
    {"KEY", "0100 03 08", "\\# 4 01000308", .fits = true},
    {"KEY", "bfff 03 08 aa", "49151 3 8 qg=="},
    {"KEY", "c000 03 08 aa", "\\# 5 c0000308aa", .fits = true}, /* "no key" */
    {"KEY", "c100 03 08", "\\# 4 c1000308", .fits = true},
    {"RKEY", "0100 03 08", "\\# 4 01000308", .fits = true},
    {"RRSIG", "0001 05 02 00000e10 5f5e1000 5f5e1000 abcd 00",
     "\\# 19 0001050200000e105f5e10005f5e1000abcd00", .fits = true},
    {"DS", "0001 08 02", "\\# 4 00010802", .fits = true},
    {"CDS", "0000 00 00 00", "0 0 0 00"},
    {"SSHFP", "01 02", "\\# 2 0102", .fits = true},
    {"TLSA", "03 01 01", "\\# 3 030101", .fits = true},
    {"SMIMEA", "03 01 01", "\\# 3 030101", .fits = true},
    {"ZONEMD", "00000001 01 01", "\\# 6 000000010101", .fits = true},
    {"CERT", "0001 0002 08", "\\# 5 0001000208", .fits = true},
    {"DOA", "00000001 00000002 03 00", "\\# 10 00000001000000020300", .fits = true},
    {"DLV", "0001 08 02", "\\# 4 00010802", .fits = true},
    /* BIND and ldns take each other's text of an address of format 0 for another one */
    {"ATMA", "00 39246f", "\\# 4 0039246f", .fits = true},
    /* names must stand a zone file: a quote begins a string there */
    {"NS", "0361 2262 0122 00", "a\\\"b.\\\"."},
    /* other classes */
    {"A", "0000", "\\# 2 0000", 3},
    {"A", "076578616d706c65 03636f6d 00 0104", "example.com. 404", 3},
    {"A", "00 0000", ". 0", 3},
    {"A", "00 ffff", ". 177777", 3},
    {"A", "00 0008", ". 10", 3},
    {"A", "00 1000", ". 10000", 3},
    {"A", "c0000201", "\\# 4 c0000201", 3},
    {"A", "c0000201", "\\# 4 c0000201", 4, .fits = true},
    {"A", "c0000201", "\\# 4 c0000201", 254, .fits = true},
    {"A", "c0000201", "\\# 4 c0000201", 2, .fits = true},
    {"AAAA", "20010db8000000000000000000000001", "\\# 16 20010db8000000000000000000000001", 3,
     .fits = true},
    {"SRV", "0001 0002 0003 00", "\\# 7 00010002000300", 4, .fits = true},
    {"WKS", "c0000201 06 04", "\\# 6 c00002010604", 3, .fits = true},
    {"APL", "0001 18 03 c00002", "\\# 7 00011803c00002", 3, .fits = true},
    {"HTTPS", "0001 00", "\\# 3 000100", 65280, .fits = true},
    {"NS", "0161 00", "a.", 3},
    {"CNAME", "0161 00", "a.", 4},
    {"SOA", "00 00 00000001 00000002 00000003 00000004 00000005", ". . 1 2 3 4 5", 65280},
    {"PTR", "0161 00", "a.", 254},
    {"MX", "000a 0161 00", "10 a.", 3},
    {"TXT", "0161", "\"a\"", 3},
    {"HINFO", "0161 0162", "\"a\" \"b\"", 255},
    {"TXT", "", "\\# 0", 255, .fits = true},
    {"TSIG", "00 000000000001 012c 0000 0004 0010 0000", ". 1  300 0  4 16 0 ", 255},
    /* service parameters */
    {"SVCB", "0001 00 0000", "\\# 5 0001000000"},
    {"SVCB", "0001 00 0003 0001 01", "\\# 8 0001000003000101"},
    {"SVCB", "0001 00 0003 0003 010203", "\\# 10 00010000030003010203"},
    {"SVCB", "0001 00 0001 0002 0361", "\\# 9 000100000100020361"},
    {"SVCB", "0001 00 0002 0001 00", "\\# 8 0001000002000100"},
    {"SVCB", "0001 00 0000 0003 000100", "\\# 10 00010000000003000100"},
    {"SVCB", "0001 00 0004 0005 c000020101", "\\# 12 00010000040005c000020101"},
    {"SVCB", "0001 00 0006 0004 c0000201", "\\# 11 00010000060004c0000201"},
    {"SVCB", "0001 00 0008 0000 000d 0001 61", "1 . ohttp key13=a"},
    {"SVCB", "0001 00 0008 0001 00", "\\# 8 0001000008000100"},
    {"SVCB", "0001 00 0009 0004 001d 0017 000a 0004 0161 012c",
     "1 . tls-supported-groups=29,23 docpath=a,\\\\,"},
    {"SVCB", "0001 00 0009 0001 00", "\\# 8 0001000009000100"},
    {"SVCB", "0001 00 000b 0001 61 000c 0000", "1 . pvd=a oots"},
    {"SVCB", "0001 00 0000 0004 0008fffe 0008 0000 fffe 0000",
     "1 . mandatory=ohttp,key65534 ohttp key65534"},
    {"HTTPS", "0001 00 0001 0006 02 6832 02 632c", "1 . alpn=h2,c\\\\,"},
    /* RFC 9460 appendix D, figures 2 to 9 */
    {"HTTPS", "0000 03666f6f 076578616d706c65 03636f6d 00", "0 foo.example.com."},
    {"SVCB", "0001 00", "1 ."},
    {"SVCB", "0010 03666f6f 076578616d706c65 03636f6d 00 0003 0002 0035",
     "16 foo.example.com. port=53"},
    {"SVCB", "0001 03666f6f 076578616d706c65 03636f6d 00 029b 0005 68656c6c6f",
     "1 foo.example.com. key667=hello"},
    {"SVCB", "0001 03666f6f 076578616d706c65 03636f6d 00 029b 0009 68656c6c6fd2716f6f",
     "1 foo.example.com. key667=hello\\210qoo"},
    {"SVCB",
     "0001 03666f6f 076578616d706c65 03636f6d 00 0006 0020 20010db8000000000000000000000001 "
     "20010db8000000000000000000530001",
     "1 foo.example.com. ipv6hint=2001:db8::1,2001:db8::53:1"},
    {"SVCB",
     "0001 03666f6f 076578616d706c65 03636f6d 00 0006 0010 20010db8012203440000 0000c0000221",
     "1 foo.example.com. ipv6hint=2001:db8:122:344::c000:221"},
    {"SVCB",
     "0010 03666f6f 076578616d706c65 03636f6d 00 0000 0004 00010004 0001 0009 026832 0568332d3139 "
     "0004 0004 c0000201",
     "16 foo.example.com. mandatory=alpn,ipv4hint alpn=h2,h3-19 ipv4hint=192.0.2.1"},
    /* lists within strings, RFC 9460 appendix A.1 and figure 10 */
    {"HTTPS", "0010 03666f6f 076578616d706c65 036f7267 00 0001 000c 08 665c6f6f2c626172 02 6832",
     "16 foo.example.org. alpn=f\\\\\\\\oo\\\\,bar,h2"},
    {"HTTPS", "0001 00 0001 0002 01 22", "1 . alpn=\"\\\"\""},
    {"HTTPS", "0001 00 0001 0004 03 3b2829", "1 . alpn=\";()\""},
    {"HTTPS", "0001 00 0001 0003 02 00ff", "1 . alpn=\\000\\255"},
    {"HTTPS", "0001 00 0001 0001 00", "\\# 8 0001000001000100"}, /* an item without a byte */
    {"HTTPS", "0001 00 0001 0000", "\\# 7 00010000010000"},      /* a list without an item */
    {"HTTPS", "0001 00 000a 0000", "1 . docpath"},
    {"HTTPS", "0001 00 000a 0001 00", "\\# 8 000100000a000100"},
    {"HTTPS", "0001 00 0004 0000", "\\# 7 00010000040000"},
    {"HTTPS", "0001 00 0005 0000", "\\# 7 00010000050000"},
    {"HTTPS", "0001 00 0006 0000", "\\# 7 00010000060000"},
    {"HTTPS", "0001 00 0007 0000", "\\# 7 00010000070000"},
    {"HTTPS", "0001 00 0007 0008 2f717b3f646e737d", "1 . dohpath=/q{?dns}"},
    {"HTTPS", "0001 00 029b 0003 613b62 029c 0002 6120", "1 . key667=\"a;b\" key668=\"a \""},
    /* RFC 9460 2.2: keys in order, each once; 7.1.1: alpn with no-default-alpn; 8: mandatory ones
     * in order, there, and not mandatory itself */
    {"SVCB", "0001 00 0003 0002 0001 0001 0002 0161", "\\# 15 000100000300020001000100020161"},
    {"SVCB", "0001 00 029b 0000 029b 0000", "\\# 11 000100029b0000029b0000"},
    {"SVCB", "0001 00 0002 0000", "\\# 7 00010000020000"},
    {"SVCB", "0001 00 0001 0002 0161 0002 0000", "1 . alpn=a no-default-alpn"},
    {"SVCB", "0001 00 0000 0002 0003", "\\# 9 000100000000020003"},
    {"SVCB", "0001 00 0000 0002 0000", "\\# 9 000100000000020000"},
    {"SVCB", "0001 00 0000 0003 000300 0003 0002 0001", "\\# 16 00010000000003000300000300020001"},
    {"SVCB", "0001 00 0000 0004 00040003 0003 0002 0001 0004 0004 c0000201",
     "\\# 25 00010000000004000400030003000200010004"
     "0004c0000201"},
    {"SVCB", "0001 00 0000 0004 00030004 0003 0002 0001 0004 0004 c0000201",
     "1 . mandatory=port,ipv4hint port=1 ipv4hint=192.0.2.1"},
    {"HTTPS", "0001 00 0001 0008 02 6832 04 6120 2262", "1 . alpn=\"h2,a \\\"b\""},
    /* registered since */
    {"DSYNC", "003b 01 14ef 0163 00", "CDS NOTIFY 5359 c."},
    {"DSYNC", "003b 80 14ef 0163 00", "CDS 128 5359 c."},
    {"HHIT", "0102", "AQI="},
    {"BRID", "0102", "AQI="},
    {"RESINFO", "08 716e616d656d696e 01 61", "\"qnamemin\" \"a\""},
    {"WALLET", "0161 0162", "\"a\" \"b\""},
    {"CLA", "0161", "\"a\""},
    {"AVC", "0161", "\"a\""},
    {"NINFO", "0161", "\"a\""},
    {"IPN", "ffffffffffffffff", "18446744073709551615"},
    {"IPN", "ffffffffffffff", "\\# 7 ffffffffffffff"},
    {"DOA", "00000001 00000002 03 0161 ffff", "1 2 3 \"a\" //8="},
    {"RKEY", "0001 02 03 aa", "1 2 3 qg=="},
    {"TA", "0001 02 03 aa", "1 2 3 aa"},
    {"UINFO", "0161", "\\# 2 0161", .fits = true},
    {"NXNAME", "0161", "\\# 2 0161", .fits = true},
    {"ANY", "01", "\\# 1 01", .fits = true},
};

/* Data on its own, as a message without a header: names in it can point into it only. */
static void put(struct buf *out, uint16_t type, uint16_t class, struct span data)
{
    struct dns_rr rr = {.type = type, .class = class ? class : DNS_CLASS_IN, .rdata = data};
    out->len = 0;
    assert_int_equal(dns_rdata_put(out, data, &rr), 0);
    buf_byte(out, 0);
}

static void samples_print_as_listed(void **state)
{
    (void)state;
    struct buf out = {0};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct span data = hex_new(samples[i].data);
        int type = dns_type_parse(span_str(samples[i].type));
        assert_true(type >= 0);
        put(&out, (uint16_t)type, samples[i].class, data);
        if (strcmp((char *)out.data, samples[i].text) != 0)
            fprintf(stderr, "%s %s\n", samples[i].type, samples[i].data);
        assert_string_equal((char *)out.data, samples[i].text);
        hex_free(data);
    }
    buf_free(&out);
}

/* Data with a text is sound, of course; of other data the list says whether it is. */
static void samples_are_sound_as_listed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct span data = hex_new(samples[i].data);
        struct dns_rr rr = {.type = (uint16_t)dns_type_parse(span_str(samples[i].type)),
                            .class = samples[i].class ? samples[i].class : DNS_CLASS_IN,
                            .rdata = data};
        bool sound = samples[i].fits || strncmp(samples[i].text, "\\#", 2) != 0;
        uint32_t work = 0;
        bool found = dns_rr_sound(data, &rr, &work);
        if (found != sound)
            fprintf(stderr, "%s %s\n", samples[i].type, samples[i].data);
        assert_int_equal(found, sound);
        hex_free(data);
    }
}

/* Every type over the same bytes, cut at every length: sanitizers watch, and the text is printable.
 */
static void any_data_is_printable(void **state)
{
    static const uint8_t patterns[][2] = {{0, 0}, {0xff, 0xff}, {1, 'a'},
                                          {0, 1}, {0xc0, 0},    {3, 32}};
    (void)state;
    struct buf out = {0};
    for (unsigned type = 0; type < 270; type++) {
        for (size_t p = 0; p < sizeof patterns / sizeof *patterns; p++) {
            for (size_t len = 0; len < 40; len++) {
                uint8_t *data = malloc(len ? len : 1);
                for (size_t i = 0; i < len; i++)
                    data[i] = patterns[p][i % 2];
                put(&out, (uint16_t)type, (uint16_t)(len % 6), span_of(data, len));
                for (size_t i = 0; i + 1 < out.len; i++)
                    assert_in_range(out.data[i], 0x20, 0x7e);
                free(data);
            }
        }
    }
    buf_free(&out);
}

/* The largest data of the types that grow most. */
static void large_data_fits(void **state)
{
    static const char *const types[] = {"TXT",  "NSEC", "WKS",    "APL", "HIP",
                                        "SVCB", "NXT",  "DNSKEY", "NULL"};
    (void)state;
    struct buf out = {0};
    uint8_t *data = malloc(65535);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        for (unsigned fill = 0; fill < 256; fill += 17) {
            memset(data, (int)fill, 65535);
            put(&out, (uint16_t)dns_type_parse(span_str(types[i])), 0, span_of(data, 65535));
            assert_true(out.len > 65535);
            assert_true(out.len < (size_t)65535 * 80);
        }
    }
    free(data);
    buf_free(&out);
}

/* As many mandatory keys as there is room for, each of which then has to follow: what grows most of
 * all parameters. */
static void many_keys_fit(void **state)
{
    (void)state;
    struct buf out = {0};
    enum { KEYS = 10900, FIRST = 10000, LIST = 7, BEHIND = LIST + 2 * KEYS };
    static const char key[] = "key10000";
    uint8_t *data = calloc(1, BEHIND + 4 * KEYS);
    store_be16(data + 5, 2 * KEYS);
    for (unsigned i = 0; i < KEYS; i++) {
        store_be16(data + LIST + 2 * i, (uint16_t)(FIRST + i));
        store_be16(data + BEHIND + 4 * i, (uint16_t)(FIRST + i));
    }
    put(&out, 64, 0, span_of(data, BEHIND + 4 * KEYS));
    assert_int_equal(out.len, sizeof "0 . mandatory" + 2 * KEYS * sizeof key);
    free(data);
    buf_free(&out);
}

static void names_inside_are_expanded(void **state)
{
    (void)state;
    struct span msg = hex_new("0565787061 6e00 000a 0161 c000");
    struct dns_rr rr = {.type = 15, .class = 1, .rdata = span_of(msg.ptr + 7, 6)};
    struct buf out = {0};
    assert_int_equal(dns_rdata_put(&out, msg, &rr), 0);
    buf_byte(&out, 0);
    assert_string_equal((char *)out.data, "10 a.expan.");
    /* A name that goes on behind the data is none of its own. */
    rr.rdata.len = 5;
    out.len = 0;
    assert_int_equal(dns_rdata_put(&out, msg, &rr), 0);
    buf_byte(&out, 0);
    assert_string_equal((char *)out.data, "\\# 5 000a0161c0");
    buf_free(&out);
    hex_free(msg);
}

/* RFC 2136 2.5.4: class NONE stands for the zone's class there, and nowhere else. */
static void deleted_data_is_of_the_zone(void **state)
{
    static const struct {
        const char *message, *text;
    } updates[] = {
        {"0000 2800 0001 0000 0001 0000 00 0006 0001 00 0001 00fe 00000000 0004 c0000201",
         "192.0.2.1"},
        {"0000 2800 0001 0000 0001 0000 00 0006 0003 00 0001 00fe 00000000 0003 00 0104", ". 404"},
        {"0000 0000 0001 0000 0001 0000 00 0006 0001 00 0001 00fe 00000000 0004 c0000201",
         "\\# 4 c0000201"},
        {"0000 2800 0001 0000 0001 0000 00 0006 0001 00 0001 00ff 00000000 0000", "\\# 0"},
        {"0000 2800 0001 0000 0001 0000 00 0006 0001 00 0010 00fe 00000000 0002 0161", "\"a\""},
    };
    (void)state;
    struct buf out = {0};
    for (size_t i = 0; i < sizeof updates / sizeof *updates; i++) {
        struct span msg = hex_new(updates[i].message);
        struct dns_header header;
        struct dns_walk walk;
        struct dns_rr rr;
        assert_true(dns_header_decode(msg, &header));
        assert_int_equal(dns_walk_init(&walk, msg, &header), 0);
        assert_true(dns_walk_next(&walk, &rr));
        out.len = 0;
        assert_int_equal(dns_rdata_put(&out, msg, &rr), 0);
        buf_byte(&out, 0);
        assert_string_equal((char *)out.data, updates[i].text);
        hex_free(msg);
    }
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_print_as_listed),
        cmocka_unit_test(samples_are_sound_as_listed),
        cmocka_unit_test(any_data_is_printable),
        cmocka_unit_test(large_data_fits),
        cmocka_unit_test(many_keys_fit),
        cmocka_unit_test(names_inside_are_expanded),
        cmocka_unit_test(deleted_data_is_of_the_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
