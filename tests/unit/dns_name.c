/* Names: label and length limits, pointers, and every byte's escape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "../support/hex.h"
#include "../support/random.h"
#include "wire/dns.h"

#define TEN "30313233343536373839"
#define LABEL_63 "3f" TEN TEN TEN TEN TEN TEN "303132"
#define LABEL_61 "3d" TEN TEN TEN TEN TEN TEN "30"

static const struct {
    const char *what;
    const char *msg;
    size_t offset;
    const char *text; /* NULL: refused */
    size_t end;
} names[] = {
    {"root", "00", 0, ".", 1},
    {"one label", "0161 00", 0, "a.", 3},
    {"two labels, not at the start", "ffff 0377 7777 0161 00 ff", 2, "www.a.", 9},
    {"63 bytes of label", LABEL_63 "00", 0,
     "012345678901234567890123456789012345678901234567890123456789012.", 65},
    {"64 bytes of label", "40" TEN TEN TEN TEN TEN TEN "30313233 00", 0, NULL, 0},
    {"label type 10", "8061 00", 0, NULL, 0},
    {"nothing", "", 0, NULL, 0},
    {"offset behind the end", "0161 00", 4, NULL, 0},
    {"no root", "0161", 0, NULL, 0},
    {"cut label", "0561", 0, NULL, 0},
    {"pointer", "0161 00 c000", 3, "a.", 5},
    {"labels and a pointer", "0161 00 0162 c000 ff", 3, "b.a.", 7},
    {"pointer to a pointer", "0161 00 0162 c000 0163 c003", 7, "c.b.a.", 11},
    {"pointer into a name", "0161 0162 00 0163 c002", 5, "c.b.", 9},
    {"pointer to root", "00 c000", 1, ".", 3},
    {"half a pointer", "0161 00 c0", 3, NULL, 0},
    {"pointer to itself", "c000", 0, NULL, 0},
    {"pointer ahead", "c002 0161 00", 0, NULL, 0},
    {"pointer behind the end", "c0ff", 0, NULL, 0},
    {"pointer to its own label", "0161 c000", 0, NULL, 0},
    {"two pointers to each other", "c002 c000", 2, NULL, 0},
    {"label type 01 behind a pointer", "41 00 0161 c000", 2, NULL, 0},
    {"cut label behind a pointer", "3f 0161 c000", 1, NULL, 0},
};

static void decode_follows_the_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct span msg = hex_new(names[i].msg);
        uint8_t space[DNS_NAME_MAX];
        char text[DNS_NAME_TEXT_MAX + 1] = "";
        struct dns_name name = {NULL, 77};
        size_t end = 77, skipped = 77;
        int status = dns_name_decode(msg, names[i].offset, space, &name, &end);
        assert_int_equal(dns_name_skip(msg, names[i].offset, &skipped), status);
        assert_int_equal(skipped, end);
        if (status == 0)
            *dns_name_put(text, name) = '\0';
        if ((status == 0) != (names[i].text != NULL))
            fprintf(stderr, "%s\n", names[i].what);
        assert_int_equal(status, names[i].text ? 0 : -1);
        assert_string_equal(text, names[i].text ? names[i].text : "");
        assert_int_equal(end, names[i].text ? names[i].end : 77);
        assert_int_equal(status == 0 || name.len == 77, 1);
        hex_free(msg);
    }
}

static int decode_hex(const char *hex, size_t offset, uint8_t *len)
{
    struct span msg = hex_new(hex);
    uint8_t space[DNS_NAME_MAX];
    struct dns_name name = {0};
    size_t end;
    int status = dns_name_decode(msg, offset, space, &name, &end);
    *len = name.len;
    hex_free(msg);
    return status;
}

static void length_limit_is_255(void **state)
{
    uint8_t len;
    (void)state;
    assert_int_equal(decode_hex(LABEL_63 LABEL_63 LABEL_63 LABEL_61 "00", 0, &len), 0);
    assert_int_equal(len, 255);
    assert_int_equal(decode_hex(LABEL_63 LABEL_63 LABEL_63 LABEL_63 "00", 0, &len), -1);
    assert_int_equal(decode_hex(LABEL_63 LABEL_63 LABEL_63 LABEL_61 "0130 00", 0, &len), -1);
    /* The same with the last label in front of a pointer. */
    assert_int_equal(decode_hex(LABEL_63 LABEL_63 LABEL_63 "00" LABEL_61 "c000", 193, &len), 0);
    assert_int_equal(len, 255);
    assert_int_equal(decode_hex(LABEL_63 LABEL_63 LABEL_63 "00" LABEL_63 "c000", 193, &len), -1);
}

/* A chain of bare pointers, each to the one before: bounded, not only by the message. */
static void pointers_are_bounded(void **state)
{
    (void)state;
    uint8_t msg[2 + 2 * 128] = {0, 0};
    for (unsigned i = 1; i <= 128; i++)
        store_be16(msg + 2 * i, (uint16_t)(0xc000 | (i == 1 ? 0 : 2 * (i - 1))));
    uint8_t space[DNS_NAME_MAX];
    struct dns_name name;
    size_t end;
    struct span all = span_of(msg, sizeof msg);
    assert_int_equal(dns_name_decode(all, (size_t)2 * 127, space, &name, &end), 0);
    assert_int_equal(name.len, 1);
    assert_int_equal(dns_name_decode(all, (size_t)2 * 128, space, &name, &end), -1);
}

/* An uncompressed name is borrowed, not copied. */
static void uncompressed_name_is_borrowed(void **state)
{
    (void)state;
    const uint8_t msg[] = {1, 'a', 0};
    struct dns_name name;
    size_t end;
    assert_int_equal(dns_name_decode(span_of(msg, sizeof msg), 0, NULL, &name, &end), 0);
    assert_ptr_equal(name.wire, msg);
}

/* What RFC 1035 5.1 and RFC 4343 2.1 make of one byte. */
static size_t escape(char *out, uint8_t byte)
{
    if (byte <= 0x20 || byte >= 0x7f)
        return (size_t)sprintf(out, "\\%03u", byte);
    return (size_t)sprintf(out, strchr("\".;()\\", byte) ? "\\%c" : "%c", byte);
}

/* Each byte at each place of names of every length that is copied in one of several ways. */
static void every_byte_is_escaped_everywhere(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 63; len++) {
        uint8_t wire[2 + 63 + 2] = {(uint8_t)len};
        for (size_t place = 1; place <= len; place++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                char expected[300], text[DNS_NAME_TEXT_MAX + 1];
                memset(wire + 1, 'x', len);
                wire[place] = (uint8_t)byte;
                memcpy(wire + 1 + len, "\1y", 3);
                memset(expected, 'x', place - 1);
                size_t used = place - 1 + escape(expected + place - 1, (uint8_t)byte);
                memset(expected + used, 'x', len - place);
                strcpy(expected + used + len - place, ".y.");
                *dns_name_put(text, (struct dns_name){wire, (uint8_t)(len + 4)}) = '\0';
                assert_string_equal(text, expected);
            }
        }
    }
}

static void longest_text_fits(void **state)
{
    (void)state;
    uint8_t wire[DNS_NAME_MAX] = {0};
    static const unsigned starts[] = {0, 64, 128, 192};
    for (size_t i = 0; i < 4; i++)
        wire[starts[i]] = i < 3 ? 63 : 61;
    char text[DNS_NAME_TEXT_MAX];
    char *end = dns_name_put(text, (struct dns_name){wire, 255});
    assert_int_equal(end - text, 250 * 4 + 4);
    assert_ptr_equal(dns_name_put(text, (struct dns_name){0}), text);
}

/* Of every length, in any case: what the bytes one by one say. Behind the name is nothing. */
static void hash_is_that_of_lower_case(void **state)
{
    (void)state;
    struct random random = {4711};
    const struct siphash_key key = {{random_u64(&random), random_u64(&random)}};
    for (size_t len = 1; len <= DNS_NAME_MAX; len++) {
        uint8_t *wire = malloc(len), expected[DNS_NAME_MAX], lower[DNS_NAME_MAX + 1];
        assert_non_null(wire);
        random_bytes(&random, wire, len);
        for (size_t i = 0; i < len; i++) {
            if (i % 2) /* half of them letters and what stands next to these */
                wire[i] = (uint8_t)("@AMZ[`amz{"[random_below(&random, 10)]);
            expected[i] = wire[i] >= 'A' && wire[i] <= 'Z' ? (uint8_t)(wire[i] + 32) : wire[i];
        }
        uint64_t hash = dns_name_hash(&key, (struct dns_name){wire, (uint8_t)len}, lower);
        assert_memory_equal(lower, expected, len);
        assert_true(hash == siphash_bytes(&key, span_of(expected, len)));
        free(wire);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_follows_the_rules),
        cmocka_unit_test(length_limit_is_255),
        cmocka_unit_test(pointers_are_bounded),
        cmocka_unit_test(uncompressed_name_is_borrowed),
        cmocka_unit_test(every_byte_is_escaped_everywhere),
        cmocka_unit_test(longest_text_fits),
        cmocka_unit_test(hash_is_that_of_lower_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
