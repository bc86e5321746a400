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
} samples[] = {
    /* no data at all, as in updates (RFC 2136) */
    {"A", "", "\\# 0"},
    {"TXT", "", "\\# 0"},
    {"TYPE65400", "", "\\# 0"},
    {"TYPE65400", "00ff10", "\\# 3 00ff10"},
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
    {"RRSIG", "0001 05 02 00000000 ffffffff 80000000 0001 00",
     "A 5 2 0 21060207062815 20380119031408 1 ."},
    /* services by number */
    {"WKS", "c0000201 06 0000004080", "192.0.2.1 tcp 25 32 "},
    {"WKS", "c0000201 11 0000000000000400", "192.0.2.1 udp 53 "},
    {"WKS", "c0000201 02 80", "192.0.2.1 2 0 "},
    {"NSAP-PTR", "0161 00", "a."},
    {"NXT", "0162 00 60000000 00000002", "b. A NS CSYNC "},
    {"SINK", "01 02 030405", "1 2 AwQF"},
    /* bitmaps */
    {"NSEC", "00 0000", "\\# 3 000000"},
    {"NSEC", "00 0021 00", "\\# 4 00002100"},
    {"NSEC", "00 0001", "\\# 3 000001"},
    {"NSEC", "00 00", "\\# 2 0000"},
    {"NSEC", "00 ff01 01 0001 40", ". TYPE65287 A "},
    {"CSYNC", "00000001 0003 0001", "\\# 8 0000000100030001"},
    /* prefixes */
    {"APL", "0001 21 04 c0000201", "\\# 8 00012104c0000201"},
    {"APL", "0001 20 05 c000020101", "\\# 9 00012005c000020101"},
    {"APL", "0002 80 91 20010db8000000000000000000000000 01",
     "\\# 21 0002809120010db800000000000000000000000001"},
    {"APL", "0003 04 01 aa", "\\# 5 00030401aa"},
    {"APL", "0001 18 83 c00002 0002 00 00",
     "!1:192.0.2.0/24 2:0000:0000:0000:0000:0000:0000:0000:0000/0 "},
    /* locations: digits above nine are not defined */
    {"LOC", "00 a0 10 10 80000000 80000000 00989680", "\\# 16 00a01010800000008000000000989680"},
    {"LOC", "00 10 1a 10 80000000 80000000 00989680", "\\# 16 00101a10800000008000000000989680"},
    {"LOC", "00", "\\# 1 00"},
    /* gateways and relays */
    {"IPSECKEY", "0a 00 00", "10 0 0 ."},
    {"IPSECKEY", "0a 01 02 c0000201", "10 1 2 192.0.2.1"},
    {"IPSECKEY", "0a 03 02 c001 aa", "\\# 6 0a0302c001aa"},
    {"IPSECKEY", "0a 04 02 aa", "\\# 4 0a0402aa"},
    {"IPSECKEY", "0a 01", "\\# 2 0a01"},
    {"AMTRELAY", "0a 00", "10 0 0 ."},
    {"AMTRELAY", "0a 81 cb007101", "10 1 1 203.0.113.1"},
    {"AMTRELAY", "0a 02 20010db8000000000000000000000015", "10 0 2 2001:db8::15"},
    {"AMTRELAY", "80 83 0361 6d74 00", "128 1 3 amt."},
    {"AMTRELAY", "0a 04 00", "\\# 3 0a0400"},
    {"HIP", "02 ff 0001 aabb cc", "255 aabb zA=="},
    {"HIP", "01 02 0001 aa cc 0161 00 00", "2 aa zA== a. ."},
    {"HIP", "01 02 0001 aa cc 0161 00 c006", "\\# 11 01020001aacc016100c006"},
    /* certification authority authorization */
    {"CAA", "00 00 61", "\\# 3 000061"},
    {"CAA", "00 01 2d 61", "\\# 4 00012d61"},
    {"CAA", "80 05 6973737565", "128 issue"},
    {"CAA", "80 05 6973737565 22", "128 issue \"\\\"\""},
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
     "1 . tls-supported-groups=29,23 docpath=a,\\,"},
    {"SVCB", "0001 00 0009 0001 00", "\\# 8 0001000009000100"},
    {"SVCB", "0001 00 000b 0001 61 000c 0000", "1 . pvd=a oots"},
    {"SVCB", "0001 00 0000 0004 0008fffe", "1 . mandatory=ohttp,key65534"},
    {"HTTPS", "0001 00 0001 0006 02 6832 02 632c", "1 . alpn=h2,c\\,"},
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
    {"UINFO", "0161", "\\# 2 0161"},
    {"NXNAME", "0161", "\\# 2 0161"},
    {"ANY", "01", "\\# 1 01"},
};

/* Data on its own, as a message without a header: names in it can point into it only. */
static void put(struct buf *out, uint16_t type, struct span data)
{
    struct dns_rr rr = {.type = type, .class = 1, .rdata = data};
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
        put(&out, (uint16_t)type, data);
        if (strcmp((char *)out.data, samples[i].text) != 0)
            fprintf(stderr, "%s %s\n", samples[i].type, samples[i].data);
        assert_string_equal((char *)out.data, samples[i].text);
        hex_free(data);
    }
    buf_free(&out);
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
                put(&out, (uint16_t)type, span_of(data, len));
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
            put(&out, (uint16_t)dns_type_parse(span_str(types[i])), span_of(data, 65535));
            assert_true(out.len > 65535);
            assert_true(out.len < (size_t)65535 * 80);
        }
    }
    free(data);
    buf_free(&out);
}

/* Lists of the longest key, in as few bytes as can be: what grows most of all parameters. */
static void longest_keys_fit(void **state)
{
    (void)state;
    struct buf out = {0};
    enum { KEYS = 32764 };
    uint8_t *data = calloc(1, 7 + 2 * KEYS);
    store_be16(data + 5, 2 * KEYS);
    for (size_t i = 0; i < KEYS; i++)
        data[7 + 2 * i + 1] = 9;
    put(&out, 64, span_of(data, 7 + 2 * KEYS));
    assert_int_equal(out.len, sizeof "0 . mandatory=" - 1 + KEYS * sizeof "tls-supported-groups");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_print_as_listed),   cmocka_unit_test(any_data_is_printable),
        cmocka_unit_test(large_data_fits),           cmocka_unit_test(longest_keys_fit),
        cmocka_unit_test(names_inside_are_expanded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
