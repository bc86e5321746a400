/* Mnemonics: there and back, and the numbers that have none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "wire/dns.h"

/* Some of each registry, from IANA's lists of 2025. */
static const struct {
    unsigned number;
    const char *name;
} types[] = {{0, NULL},        {1, "A"},       {2, "NS"},          {5, "CNAME"},
             {6, "SOA"},       {12, "PTR"},    {15, "MX"},         {16, "TXT"},
             {23, "NSAP-PTR"}, {28, "AAAA"},   {33, "SRV"},        {35, "NAPTR"},
             {41, "OPT"},      {43, "DS"},     {46, "RRSIG"},      {47, "NSEC"},
             {48, "DNSKEY"},   {50, "NSEC3"},  {51, "NSEC3PARAM"}, {52, "TLSA"},
             {54, NULL},       {55, "HIP"},    {61, "OPENPGPKEY"}, {63, "ZONEMD"},
             {64, "SVCB"},     {65, "HTTPS"},  {66, "DSYNC"},      {67, "HHIT"},
             {68, "BRID"},     {69, NULL},     {99, "SPF"},        {103, "UNSPEC"},
             {109, "EUI64"},   {110, NULL},    {128, "NXNAME"},    {249, "TKEY"},
             {250, "TSIG"},    {251, "IXFR"},  {252, "AXFR"},      {255, "ANY"},
             {256, "URI"},     {257, "CAA"},   {260, "AMTRELAY"},  {261, "RESINFO"},
             {262, "WALLET"},  {264, "IPN"},   {265, NULL},        {32767, NULL},
             {32768, "TA"},    {32769, "DLV"}, {32770, NULL},      {65535, NULL}},
  rcodes[] = {{0, "NOERROR"}, {1, "FORMERR"},  {2, "SERVFAIL"}, {3, "NXDOMAIN"},  {4, "NOTIMP"},
              {5, "REFUSED"}, {6, "YXDOMAIN"}, {9, "NOTAUTH"},  {10, "NOTZONE"},  {11, "DSOTYPENI"},
              {12, NULL},     {15, NULL},      {16, "BADVERS"}, {22, "BADTRUNC"}, {23, "BADCOOKIE"},
              {24, NULL},     {4095, NULL}},
  opcodes[] = {{0, "QUERY"},  {1, "IQUERY"}, {2, "STATUS"}, {3, NULL}, {4, "NOTIFY"},
               {5, "UPDATE"}, {6, "DSO"},    {7, NULL},     {15, NULL}},
  classes[] = {{0, NULL}, {1, "IN"},     {2, NULL},    {3, "CH"},
               {4, "HS"}, {254, "NONE"}, {255, "ANY"}, {256, NULL}},
  errors[] = {{0, "Other Error"},         {15, "Blocked"}, {18, "Prohibited"}, {24, "Invalid Data"},
              {30, "Invalid Query Type"}, {65535, NULL}};

static void assert_name(const char *found, const char *expected)
{
    assert_string_equal(found ? found : "(none)", expected ? expected : "(none)");
}

#define EACH(i, table) for (size_t i = 0; i < sizeof(table) / sizeof *(table); i++)

static void names_are_iana_s(void **state)
{
    (void)state;
    EACH(i, types)
    assert_name(dns_type_name((uint16_t)types[i].number), types[i].name);
    EACH(i, rcodes)
    assert_name(dns_rcode_name(rcodes[i].number), rcodes[i].name);
    EACH(i, opcodes)
    assert_name(dns_opcode_name(opcodes[i].number), opcodes[i].name);
    EACH(i, classes)
    assert_name(dns_class_name((uint16_t)classes[i].number), classes[i].name);
    EACH(i, errors)
    assert_name(dns_ede_name((uint16_t)errors[i].number), errors[i].name);
}

static void every_type_can_be_read_back(void **state)
{
    (void)state;
    for (unsigned type = 0; type <= UINT16_MAX; type++) {
        char text[DNS_WORD_MAX + 1], generic[20];
        char *end = dns_type_put(text, (uint16_t)type);
        struct span span = dns_type_span((uint16_t)type);
        const char *name = dns_type_name((uint16_t)type);
        assert_in_range(end - text, 1, DNS_WORD_MAX);
        assert_int_equal(dns_type_parse(span_of(text, (size_t)(end - text))), type);
        sprintf(generic, "tYpE%u", type);
        assert_int_equal(dns_type_parse(span_str(generic)), type);
        assert_int_equal(span.ptr != NULL, name != NULL);
        if (name)
            assert_int_equal(span_equal(span, span_str(name)), 1);
    }
}

static void class_is_written(void **state)
{
    char text[DNS_WORD_MAX + 1];
    (void)state;
    *dns_class_put(text, 1) = '\0';
    assert_string_equal(text, "IN");
    *dns_class_put(text, 254) = '\0';
    assert_string_equal(text, "NONE");
    *dns_class_put(text, 65280) = '\0';
    assert_string_equal(text, "CLASS65280");
}

static void what_is_no_type_is_refused(void **state)
{
    static const char *const words[] = {
        "",       "B",         "AA",         "TYPE",   "TYPE65536",
        "TYPE-1", "TYPE1x",    "TYPE 1",     "CLASS1", "TYPE99999999999",
        "AAAA ",  "NSEC3PARA", "NSEC3PARAMS"};
    (void)state;
    EACH(i, words)
    assert_int_equal(dns_type_parse(span_str(words[i])), -1);
    assert_int_equal(dns_type_parse(span_str("aaaa")), 28);
    assert_int_equal(dns_type_parse(span_str("Nsap-Ptr")), 23);
    assert_int_equal(dns_type_parse((struct span){0}), -1);
}

static void rcode_span_is_its_name(void **state)
{
    (void)state;
    for (unsigned rcode = 0; rcode < 4096; rcode++) {
        const char *name = dns_rcode_name(rcode);
        struct span span = dns_rcode_span(rcode);
        assert_int_equal(span.len, name ? strlen(name) : 0);
        assert_ptr_equal(span.ptr, name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_iana_s),       cmocka_unit_test(every_type_can_be_read_back),
        cmocka_unit_test(class_is_written),       cmocka_unit_test(what_is_no_type_is_refused),
        cmocka_unit_test(rcode_span_is_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
