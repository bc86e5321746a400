/* Messages: header, question, the walk over records, and what damage does to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/hex.h"
#include "wire/dns.h"

#define QUESTION "0377777707657861 6d706c65 00 0001 0001" /* www.example. IN A: 17 bytes */
#define ANSWER "c00c 0001 0001 0000012c 0004 c0000201"
#define AUTHORITY "c010 0002 0001 00000e10 0005 026e73 c010"
#define OPT "00 0029 04d0 01 00 8000 0000"
#define RESPONSE "1234 8583 0001 0001 0001 0001" QUESTION ANSWER AUTHORITY OPT

static void header_is_read(void **state)
{
    (void)state;
    struct span msg = hex_new("1234 ad95 0001 0002 0003 0004");
    struct dns_header h = {.id = 7};
    assert_int_equal(dns_header_decode(span_of(msg.ptr, 11), &h), 0);
    assert_int_equal(h.id, 7);
    assert_int_equal(dns_header_decode(msg, &h), 1);
    assert_int_equal(h.id, 0x1234);
    assert_int_equal(h.flags,
                     DNS_FLAG_QR | 5 << 11 | DNS_FLAG_AA | DNS_FLAG_RD | DNS_FLAG_RA | 0x10 | 5);
    assert_int_equal(dns_opcode(&h), 5);
    assert_int_equal(dns_rcode(&h), 5);
    assert_int_equal(h.qdcount, 1);
    assert_int_equal(h.ancount, 2);
    assert_int_equal(h.nscount, 3);
    assert_int_equal(h.arcount, 4);
    hex_free(msg);
}

static void question_is_read(void **state)
{
    (void)state;
    struct span msg = hex_new(RESPONSE);
    uint8_t space[DNS_NAME_MAX];
    struct dns_question q;
    char text[DNS_NAME_TEXT_MAX + 1];
    assert_int_equal(dns_question_decode(msg, space, &q), 0);
    *dns_name_put(text, q.name) = '\0';
    assert_string_equal(text, "www.example.");
    assert_ptr_equal(q.name.wire, msg.ptr + DNS_HEADER_LEN);
    assert_int_equal(q.type, 1);
    assert_int_equal(q.class, 1);
    assert_int_equal(q.end, 29);
    for (size_t len = 0; len < 29; len++)
        assert_int_equal(dns_question_decode(span_of(msg.ptr, len), space, &q), -1);
    hex_free(msg);
}

static void question_may_be_absent(void **state)
{
    (void)state;
    uint8_t space[DNS_NAME_MAX];
    struct dns_question q;
    struct span none = hex_new("1234 0100 0000 0000 0000 0000" QUESTION);
    struct span itself = hex_new("1234 0100 0001 0000 0000 0000 c00c 0001 0001");
    struct span root = hex_new("1234 0100 0001 0000 0000 0000 00 0002 0003");
    assert_int_equal(dns_question_decode(none, space, &q), -1);
    assert_int_equal(dns_question_decode(itself, space, &q), -1);
    assert_int_equal(dns_question_decode(root, space, &q), 0);
    assert_int_equal(q.name.len, 1);
    assert_int_equal(q.type, 2);
    assert_int_equal(q.class, 3);
    hex_free(none);
    hex_free(itself);
    hex_free(root);
}

/* Prints all records, a line each; returns whether the walk ended well. */
static bool walk_text(struct span msg, char *out, size_t size)
{
    struct dns_header h;
    struct dns_walk walk;
    struct dns_rr rr;
    struct buf text = {0};
    *out = '\0';
    if (!dns_header_decode(msg, &h) || dns_walk_init(&walk, msg, &h) < 0)
        return false;
    while (dns_walk_next(&walk, &rr)) {
        buf_printf(&text, "%d ", rr.section);
        assert_int_equal(dns_rr_put(&text, msg, &rr), 0);
        buf_byte(&text, '\n');
    }
    snprintf(out, size, "%.*s", (int)text.len, (const char *)text.data);
    buf_free(&text);
    return !walk.failed;
}

static void walk_visits_every_record(void **state)
{
    (void)state;
    char text[1000];
    struct span msg = hex_new(RESPONSE);
    assert_true(walk_text(msg, text, sizeof text));
    assert_string_equal(text, "1 www.example.\t300\tIN\tA\t192.0.2.1\n"
                              "2 example.\t3600\tIN\tNS\tns.example.\n"
                              "3 .\t16809984\tCLASS1232\tOPT\t\\# 0\n");
    for (size_t len = 0; len < msg.len; len++) {
        struct span cut = span_of(memcpy(malloc(len + !len), msg.ptr, len), len);
        assert_false(walk_text(cut, text, sizeof text));
        hex_free(cut);
    }
    hex_free(msg);
}

static void walk_stops_at_damage(void **state)
{
    static const struct {
        const char *msg;
        const char *text;
    } damaged[] = {
        /* the owner points to itself */
        {"1234 8180 0001 0002 0000 0000" QUESTION "c01d 0001 0001 00000001 0000" ANSWER, ""},
        /* data longer than the message */
        {"1234 8180 0001 0001 0000 0000" QUESTION "c00c 0001 0001 00000001 0005 00000000", ""},
        /* fewer records than announced */
        {"1234 8180 0001 0002 0000 0000" QUESTION ANSWER,
         "1 www.example.\t300\tIN\tA\t192.0.2.1\n"},
        /* fewer questions than announced */
        {"1234 8180 ffff 0000 0000 0000" QUESTION, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        char text[1000];
        struct span msg = hex_new(damaged[i].msg);
        assert_false(walk_text(msg, text, sizeof text));
        assert_string_equal(text, damaged[i].text);
        hex_free(msg);
    }
}

static void walk_passes_any_number_of_questions(void **state)
{
    (void)state;
    char text[1000];
    struct span none = hex_new("1234 8180 0000 0001 0000 0000 00 0001 0001 00000001 0000");
    struct span two = hex_new("1234 8180 0002 0001 0000 0000" QUESTION "c00c 0001 0001" ANSWER);
    assert_true(walk_text(none, text, sizeof text));
    assert_string_equal(text, "1 .\t1\tIN\tA\t\\# 0\n");
    assert_true(walk_text(two, text, sizeof text));
    assert_string_equal(text, "1 www.example.\t300\tIN\tA\t192.0.2.1\n");
    hex_free(none);
    hex_free(two);
}

/* A walk that failed stays at its end. */
static void failed_walk_stays_failed(void **state)
{
    (void)state;
    struct span msg = hex_new("1234 8180 0000 0003 0000 0000 c0");
    struct dns_header h;
    struct dns_walk walk;
    struct dns_rr rr;
    assert_true(dns_header_decode(msg, &h));
    assert_int_equal(dns_walk_init(&walk, msg, &h), 0);
    for (int i = 0; i < 3; i++) {
        assert_false(dns_walk_next(&walk, &rr));
        assert_true(walk.failed);
    }
    hex_free(msg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_is_read),
        cmocka_unit_test(question_is_read),
        cmocka_unit_test(question_may_be_absent),
        cmocka_unit_test(walk_visits_every_record),
        cmocka_unit_test(walk_stops_at_damage),
        cmocka_unit_test(walk_passes_any_number_of_questions),
        cmocka_unit_test(failed_walk_stays_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
