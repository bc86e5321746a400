/* EDNS: the OPT record's fields, the walk over options, and every registered option as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/hex.h"
#include "../support/json_check.h"
#include "base/escape.h"
#include "wire/dns.h"

static const struct {
    uint16_t code;
    const char *name;
    const char *data;
    const char *text;
} samples[] = {
    {1, "LLQ", "0001 0002 0003 0000000000000004 00000e10", "1 2 3 4 3600"},
    {1, "LLQ", "0001 0002 0003 0000000000000004 000e10", "0001000200030000000000000004000e10"},
    {2, "UL", "00000e10", "3600"},
    {2, "UL", "00000e10 00093a80", "3600 604800"},
    {2, "UL", "00000e10 00", "00000e1000"},
    {3, "NSID", "6e7331", "6e7331 (ns1)"},
    {3, "NSID", "", ""},
    {3, "NSID", "22 5c 7f 20 ff", "225c7f20ff (\"\\\\\x7f \xff)"},
    {5, "DAU", "08 0d 0f", "8 13 15"},
    {5, "DAU", "", ""},
    {6, "DHU", "01 02 04", "1 2 4"},
    {7, "N3U", "01", "1"},
    {8, "ECS", "0001 18 00 c00002", "192.0.2.0/24/0"},
    {8, "ECS", "0001 14 18 c00002", "192.0.2.0/20/24"},
    {8, "ECS", "0001 00 00", "0.0.0.0/0/0"},
    {8, "ECS", "0002 38 30 20010db8000000", "2001:db8::/56/48"},
    {8, "ECS", "0002 80 80 20010db8000000000000000000000001", "2001:db8::1/128/128"},
    {8, "ECS", "0001 18 00 c0000201", "00011800c0000201"}, /* a byte too many */
    {8, "ECS", "0001 18 00 c000", "00011800c000"},         /* one too few */
    {8, "ECS", "0001 21 00 c000020100", "00012100c000020100"},
    {8, "ECS", "0001 18 21 c00002", "00011821c00002"},
    {8, "ECS", "0003 08 00 c0", "00030800c0"},
    {8, "ECS", "0000 00 00", "0/0/0"}, /* dig +subnet=0 */
    {8, "ECS", "0000 00 18", "00000018"},
    {8, "ECS", "0000 08 00 c0", "00000800c0"},
    {8, "ECS", "0000 00", "000000"},
    {8, "ECS", "", ""},
    {8, "ECS", "0001 18", "000118"},
    {9, "EXPIRE", "", ""},
    {9, "EXPIRE", "00093a80", "604800"},
    {10, "COOKIE", "0102030405060708", "0102030405060708"},
    {10, "COOKIE", "0102030405060708 1112131415161718", "0102030405060708 1112131415161718"},
    {10, "COOKIE", "01020304050607", "01020304050607"},
    {10, "COOKIE", "0102030405060708 11", "010203040506070811"},
    {11, "TCP-KEEPALIVE", "", ""},
    {11, "TCP-KEEPALIVE", "04d2", "123.4s"},
    {11, "TCP-KEEPALIVE", "0401d2", "0401d2"},
    {12, "PADDING", "", ""},
    {12, "PADDING", "000000", "3"},
    {12, "PADDING", "000100", "3 (000100)"},
    {12, "PADDING", "ff", "1 (ff)"},
    {13, "CHAIN", "026672 00", "fr."},
    {13, "CHAIN", "c000", "c000"},
    {14, "KEY-TAG", "4f66 ffff", "20326 65535"},
    {14, "KEY-TAG", "4f66 ff", "4f66ff"},
    {15, "EDE", "000f", "15 (Blocked)"},
    {15, "EDE", "0007 6578 70 22", "7 (Signature Expired): exp\""},
    {15, "EDE", "ffff c3a9", "65535: \xc3\xa9"},
    {15, "EDE", "0018 5a6f6e6500", "24 (Invalid Data): Zone"},
    {15, "EDE", "0018 00", "24 (Invalid Data)"},
    {15, "EDE", "0018 5c 31 39 35", "24 (Invalid Data): \\\\195"},
    {15, "EDE", "00", "00"},
    {16, "CLIENT-TAG", "0102", "258"},
    {17, "SERVER-TAG", "0102", "258"},
    {18, "REPORT-CHANNEL", "0161 076578616d706c65 00", "a.example."},
    {18, "REPORT-CHANNEL", "0161", "0161"},
    {19, "ZONEVERSION", "", ""},
    {19, "ZONEVERSION", "02 00 78a48db7", "2 SOA-SERIAL 2024050103"},
    {19, "ZONEVERSION", "02 07 0102", "2 7 0102"},
    {19, "ZONEVERSION", "02", "02"},
    {20, "MQTYPE-QUERY", "0001 001c 0041", "A AAAA HTTPS"},
    {21, "MQTYPE-RESPONSE", "001c ff00", "AAAA TYPE65280"},
    {20292, "UMBRELLA-IDENT", "4f444e53 01", "4f444e5301"},
    {26946, "DEVICEID", "6162", "6162 (ab)"},
    {4, NULL, "0102", "0102"},
    {65001, NULL, "6162", "6162"},
};

static void options_print_as_listed(void **state)
{
    (void)state;
    struct buf out = {0};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct dns_edns_option option = {samples[i].code, hex_new(samples[i].data)};
        const char *name = dns_edns_option_name(samples[i].code);
        out.len = 0;
        assert_int_equal(dns_edns_option_put(&out, &option), 0);
        buf_byte(&out, 0);
        assert_string_equal((char *)out.data, samples[i].text);
        assert_string_equal(name ? name : "", samples[i].name ? samples[i].name : "");
        hex_free(option.data);
    }
    buf_free(&out);
}

/* Free text as strangers sent it, and what JSON and a column of a line make of it. */
static void texts_are_escaped_where_they_go(void **state)
{
    static const struct {
        const char *data, *json, *text;
    } texts[] = {
        {"0018 5a6f6e65", "24 (Invalid Data): Zone", "24\\032(Invalid\\032Data):\\032Zone"},
        /* one NUL closes the text, RFC 8914 2; others are in it */
        {"0018 5a6f6e65 00", "24 (Invalid Data): Zone", "24\\032(Invalid\\032Data):\\032Zone"},
        {"03e8 5a 00 00", "1000: Z\\u0000", "1000:\\032Z\\000"},
        {"03e8 00 5a", "1000: \\u0000Z", "1000:\\032\\000Z"},
        {"03e8 00", "1000", "1000"},
        {"03e8 c3bc e282ac f09f9880", "1000: \xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80",
         "1000:\\032\\195\\188\\226\\130\\172\\240\\159\\152\\128"},
        /* no UTF-8, and half of it */
        {"03e8 fc c3", "1000: \\\\252\\\\195", "1000:\\032\\252\\195"},
        /* nothing that a terminal obeys, no end of a string, no escape that was none */
        {"03e8 1b5b324a 0a 7f c29b", "1000: \\u001b[2J\\u000a\\u007f\\u009b",
         "1000:\\032\\027[2J\\010\\127\\194\\155"},
        {"03e8 22 5c313935", "1000: \\\"\\\\\\\\195", "1000:\\032\"\\\\195"},
        {"03e8 e280ae", "1000: \\u202e", "1000:\\032\\226\\128\\174"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct dns_edns_option option = {15, hex_new(texts[i].data)};
        struct buf out = {0};
        char shown[400];
        assert_int_equal(dns_edns_option_put(&out, &option), 0);
        *escape_json(shown, buf_span(&out), ESCAPE_PRESENTED) = '\0';
        assert_string_equal(shown, texts[i].json);
        *escape_text(shown, buf_span(&out), ESCAPE_PRESENTED) = '\0';
        assert_string_equal(shown, texts[i].text);
        buf_free(&out);
        hex_free(option.data);
    }
}

/* Any code, any data of some lengths: what is shown of it is one JSON string, and one column. */
static void any_option_is_safe(void **state)
{
    (void)state;
    struct buf out = {0};
    char shown[1000] = "\"";
    for (unsigned code = 0; code < 40; code++) {
        for (unsigned fill = 0; fill < 256; fill++) {
            for (size_t len = 0; len < 24; len++) {
                uint8_t *data = memset(malloc(len ? len : 1), (int)fill, len);
                struct dns_edns_option option = {(uint16_t)code, span_of(data, len)};
                out.len = 0;
                assert_int_equal(dns_edns_option_put(&out, &option), 0);
                char *end = escape_json(shown + 1, buf_span(&out), ESCAPE_PRESENTED);
                *end++ = '"';
                assert_true(json_check(shown, (size_t)(end - shown)));
                end = escape_text(shown + 1, buf_span(&out), ESCAPE_PRESENTED);
                for (char *p = shown + 1; p < end; p++)
                    assert_in_range(*p, 0x21, 0x7e);
                free(data);
            }
        }
    }
    buf_free(&out);
}

static void options_are_walked(void **state)
{
    (void)state;
    struct span data = hex_new("000a 0002 0102 fde8 0000 0003 0001 61");
    struct cursor c = cursor_of(data);
    struct dns_edns_option option;
    assert_true(dns_edns_option_next(&c, &option));
    assert_int_equal(option.code, 10);
    assert_int_equal(option.data.len, 2);
    assert_true(dns_edns_option_next(&c, &option));
    assert_int_equal(option.code, 65000);
    assert_int_equal(option.data.len, 0);
    assert_true(dns_edns_option_next(&c, &option));
    assert_int_equal(option.data.ptr[0], 'a');
    assert_false(dns_edns_option_next(&c, &option));
    assert_false(c.failed);
    hex_free(data);
}

static void cut_option_fails(void **state)
{
    static const char *const cut[] = {"00", "0003", "000300", "0003 0001", "0003 ffff 01"};
    (void)state;
    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
        struct span data = hex_new(cut[i]);
        struct cursor c = cursor_of(data);
        struct dns_edns_option option = {.code = 7};
        assert_false(dns_edns_option_next(&c, &option));
        assert_true(c.failed);
        assert_int_equal(option.code, 7);
        assert_false(dns_edns_option_next(&c, &option));
        hex_free(data);
    }
}

static void opt_record_is_read(void **state)
{
    (void)state;
    struct dns_header h = {.flags = 0x8183};
    struct dns_rr rr = {.type = DNS_TYPE_OPT, .class = 1232, .ttl = 0x01028001, .rdata = {0}};
    struct dns_edns edns;
    edns = dns_edns_of(&rr, &h);
    assert_true(edns.present);
    assert_int_equal(edns.version, 2);
    assert_int_equal(edns.udp_size, 1232);
    assert_int_equal(edns.flags, 0x8001);
    assert_int_equal(edns.rcode, 0x13);
    assert_int_equal(edns.options.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_print_as_listed),
        cmocka_unit_test(texts_are_escaped_where_they_go),
        cmocka_unit_test(any_option_is_safe),
        cmocka_unit_test(options_are_walked),
        cmocka_unit_test(cut_option_fails),
        cmocka_unit_test(opt_record_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
