/* What fields say of themselves beyond how they are printed: words by name, lists value by value,
 * prefixes, and what modules contribute. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/frame.h"
#include "core/format.h"
#include "event/field.h"

extern const struct module fmt_text, fmt_json, fmt_yaml;

static const struct field added[] = {
    {"gate.weight", "gate-weight", FIELD_UINT, .get = field_slot_get, .doc = "a number"},
    {"gate.tag", "gate-tag", FIELD_TEXT, .get = field_slot_get, .doc = "a text"},
    {"gate.from", "gate-from", FIELD_ADDRESS, .get = field_slot_get, .part = true,
     .doc = "an address, where it is asked for"},
    {0},
};
static const struct module stage_gate = {
    .name = "gate", .kind = MODULE_STAGE, .doc = "Adds fields.", .fields = added};

const struct module *const registry[] = {&fmt_text, &fmt_json, &fmt_yaml, &stage_gate, NULL};

static const struct field *field(const char *name)
{
    const struct field *found = field_find(span_str(name), NULL);
    if (!found)
        fail_msg("there is no field %s", name);
    return found;
}

/* --- words ---------------------------------------------------------------------------------- */

static void words_have_their_codes(void **state)
{
    static const struct {
        const char *field, *word;
        uint64_t code;
    } rows[] = {
        {"dns.rcode", "NXDOMAIN", 3},
        {"dns.rcode", "nxdomain", 3},
        {"dns.rcode", "RCODE3841", 3841},
        {"dns.rcode", "3", 3},
        {"dns.qtype", "AAAA", 28},
        {"dns.qtype", "TYPE65280", 65280},
        {"dns.qclass", "IN", 1},
        {"dns.opcode", "UPDATE", 5},
        {"dnstap.type", "CLIENT_QUERY", 5},
        {"dnstap.protocol", "dot", 3},
        {"dnstap.direction", "response", 1},
        {"dnstap.side", "upstream", 1},
        {"dnstap.family", "INET6", 2},
        {"dns.flags", "aa", 0x400},
        {"edns.flags", "do", 0x8000},
        {"edns.flags", "0x2000", 0x2000},
        {"dnstap.malformed", "question", 3},
        {"dnstap.type", "4000000000", 4000000000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t code = 0;
        if (!field_code(field(rows[i].field), span_str(rows[i].word), &code))
            fail_msg("%s has no word %s", rows[i].field, rows[i].word);
        assert_int_equal(code, rows[i].code);
    }
}

static void what_is_no_word_has_no_code(void **state)
{
    static const char *const rows[][2] = {{"dns.rcode", "NXDOMAI"},    {"dns.rcode", "NXDOMAINS"},
                                          {"dns.rcode", ""},           {"dns.rcode", "-1"},
                                          {"dns.rcode", "4294967296"}, {"dns.flags", "qr,aa"},
                                          {"dnstap.truncated", "no"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t code = 42;
        assert_false(field_code(field(rows[i][0]), span_str(rows[i][1]), &code));
        assert_int_equal(code, 42);
    }
}

/* Each word leads back to a code that has that word. */
static void words_and_codes_agree(void **state)
{
    const struct field *f;
    (void)state;
    for (size_t i = 0; (f = field_at(i)); i++) {
        for (uint64_t code = 0; f->word && code < 300; code++) {
            char word[FIELD_WORD_MAX], again[FIELD_WORD_MAX];
            size_t len = (size_t)(f->word(word, code) - word);
            uint64_t found;
            if (len == 0)
                continue;
            assert_true(field_code(f, span_of(word, len), &found));
            assert_int_equal(f->word(again, found) - again, len);
            assert_memory_equal(again, word, len);
        }
    }
}

/* --- lists and prefixes --------------------------------------------------------------------- */

/* An event of that message; frame and key live as long as the test. */
static struct event event_of(const struct dnstap *tap, struct buf *frame)
{
    struct event ev;
    dnstap_encode(tap, frame);
    event_init(&ev, buf_span(frame), NULL);
    return ev;
}

/* Header flags as codes, addresses as bytes, in order; then the end, again and again. */
static void lists_are_walked(void **state)
{
    static const uint64_t flags[] = {DNS_FLAG_QR, DNS_FLAG_AA, DNS_FLAG_RD, DNS_FLAG_RA};
    static const char *const addresses[] = {"\xc0\x00\x02\x01", "\xc0\x00\x02\x02"};
    struct buf frame = {0};
    struct dnstap tap = frame_response();
    struct event ev = event_of(&tap, &frame);
    struct field_walk walk = {.at = 0};
    struct field_value value;
    const struct field *list = field("dns.flags");
    (void)state;
    assert_int_equal(list->type, FIELD_LIST);
    assert_int_equal(list->of, FIELD_WORD);
    assert_true(field_get(list, &ev, &value));
    for (size_t i = 0; i < 4; i++) {
        assert_true(list->next(list, &ev, &walk, &value));
        assert_int_equal(value.number, flags[i]);
    }
    assert_false(list->next(list, &ev, &walk, &value));
    assert_false(list->next(list, &ev, &walk, &value));
    list = field("dns.answer-addresses");
    walk = (struct field_walk){.at = 0};
    assert_int_equal(list->of, FIELD_ADDRESS);
    assert_true(field_get(list, &ev, &value));
    for (size_t i = 0; i < 2; i++) {
        assert_true(list->next(list, &ev, &walk, &value));
        assert_int_equal(value.text.len, 4);
        assert_memory_equal(value.text.ptr, addresses[i], 4);
    }
    assert_false(list->next(list, &ev, &walk, &value));
    buf_free(&frame);
}

/* All flags of the header, but neither opcode nor response code. */
static void flags_are_no_codes(void **state)
{
    struct buf frame = {0};
    struct dnstap tap = frame_query();
    tap.query_message = BYTES("\0\1\xff\xff\0\0\0\0\0\0\0\0");
    struct event ev = event_of(&tap, &frame);
    struct field_walk walk = {.at = 0};
    struct field_value value;
    const struct field *list = field("dns.flags");
    unsigned all = 0;
    (void)state;
    assert_true(field_get(list, &ev, &value));
    while (list->next(list, &ev, &walk, &value))
        all |= (unsigned)value.number;
    assert_int_equal(all, 0x87f0);
    buf_free(&frame);
}

/* A query with one option, client subnet, of these bytes. */
static bool client_prefix(struct span option, struct prefix *prefix)
{
    uint8_t message[64] = "\x12\x34\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01"
                          "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00";
    struct buf frame = {0};
    struct dnstap tap = frame_query();
    struct field_value value;
    uint8_t *p = message + 22;
    *p++ = (uint8_t)(option.len + 4);
    memcpy(p, "\0\x08\0", 3);
    p[3] = (uint8_t)option.len;
    memcpy(p + 4, option.ptr, option.len);
    tap.query_message = span_of(message, (size_t)(p + 4 - message) + option.len);
    struct event ev = event_of(&tap, &frame);
    bool has = field_get(field("edns.client-prefix"), &ev, &value);
    if (has)
        *prefix = value.prefix;
    buf_free(&frame);
    return has;
}

static void subnets_are_prefixes(void **state)
{
    static const struct {
        struct span option;
        const char *prefix; /* NULL: it is none */
    } rows[] = {
        {BYTES_INIT("\0\x01\x18\x00\xc6\x33\x64"), "198.51.100.0/24"},
        {BYTES_INIT("\0\x01\x14\x10\xc6\x33\x60"), "198.51.96.0/20"},
        {BYTES_INIT("\0\x01\x00\x00"), "0.0.0.0/0"},
        {BYTES_INIT("\0\x01\x20\x00\xc6\x33\x64\x07"), "198.51.100.7/32"},
        {BYTES_INIT("\0\x02\x20\x00\x20\x01\x0d\xb8"), "2001:db8::/32"},
        {BYTES_INIT("\0\x02\x00\x00"), "::/0"},
        {BYTES_INIT("\0\x01\x14\x10\xc6\x33\x64"), NULL},         /* bits behind it */
        {BYTES_INIT("\0\x01\x18\x00\xc6\x33"), NULL},             /* cut */
        {BYTES_INIT("\0\x01\x18\x00\xc6\x33\x64\x00"), NULL},     /* too long */
        {BYTES_INIT("\0\x01\x21\x00\xc6\x33\x64\x07\x00"), NULL}, /* more bits than there are */
        {BYTES_INIT("\0\x03\x00\x00"), NULL},                     /* no such family */
        {BYTES_INIT("\0\x00\x00\x00"), NULL},
        {BYTES_INIT("\0\x01\x18"), NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct prefix prefix;
        char text[PREFIX_TEXT_BYTES];
        bool has = client_prefix(rows[i].option, &prefix);
        assert_int_equal(has, rows[i].prefix != NULL);
        if (has)
            assert_string_equal(prefix_text(text, &prefix), rows[i].prefix);
    }
}

/* --- what modules contribute ---------------------------------------------------------------- */

static void contributed_fields_are_fields(void **state)
{
    (void)state;
    assert_ptr_equal(field("gate.tag"), &added[1]);
    assert_ptr_equal(field("gate-weight"), &added[0]);
    assert_true(field_is_contributed(&added[2]));
    assert_false(field_is_contributed(field("dns.qname")));
    size_t count = 0;
    while (field_at(count))
        count++;
    assert_ptr_equal(field_at(count - 3), &added[0]);
    assert_ptr_equal(field_at(count - 1), &added[2]);
    assert_null(field_at(count + 1));
    const char *hint = NULL;
    assert_null(field_find(span_str("gate.tga"), &hint));
    assert_string_equal(hint, "gate.tag");
}

static void a_slot_is_a_fields_own(void **state)
{
    struct event ev;
    struct field_value value;
    (void)state;
    event_init(&ev, span_str("frame"), NULL);
    assert_false(field_get(&added[0], &ev, &value));
    field_slot(&ev, &added[1])->text = span_str("red");
    field_slot(&ev, &added[0])->number = 7;
    field_slot(&ev, &added[0])->number += 1;
    assert_true(field_get(&added[0], &ev, &value));
    assert_int_equal(value.number, 8);
    assert_true(field_get(&added[1], &ev, &value));
    assert_true(span_equal(value.text, span_str("red")));
    assert_false(field_get(&added[2], &ev, &value));
    event_init(&ev, span_str("frame"), NULL);
    assert_false(field_get(&added[0], &ev, &value));
}

enum { REFUSED = 1000 };

static const char *tag = "a \"tag\"";

/* What a format makes of an event, with the fields above if the weight is not 0. REFUSED: the
 * format refuses the limit. */
static int print(const struct module *module, const char *list, uint64_t record_max,
                 uint64_t weight, struct buf *out)
{
    const struct format_hooks *hooks = module->hooks;
    const struct format_spec spec = {.module = module, .fields = list, .record_max = record_max};
    const struct dnstap tap = frame_query();
    struct buf frame = {0};
    struct error err;
    void *format;
    uint32_t needs;
    if (hooks->open(&spec, &format, &needs, &err) < 0)
        return REFUSED;
    struct event ev = event_of(&tap, &frame);
    event_need(&ev, needs);
    if (weight > 0) {
        field_slot(&ev, &added[0])->number = weight;
        field_slot(&ev, &added[1])->text = span_str(tag);
        field_slot(&ev, &added[2])->text = span_of("\xc0\0\2\1", 4);
    }
    out->len = 0;
    int result = hooks->event(format, &ev, out);
    buf_byte(out, '\0');
    hooks->close(format);
    buf_free(&frame);
    return result;
}

/* JSON and YAML have them behind all others, of events that have them; else they are as ever. */
static void contributed_fields_are_printed_where_they_are(void **state)
{
    static const char json[] = ", \"gate-weight\": 100, \"gate-tag\": \"a \\\"tag\\\"\"}\n";
    static const char yaml[] = "gate-weight: 100\ngate-tag: \"a \\\"tag\\\"\"\n";
    struct buf without = {0}, with = {0};
    (void)state;
    assert_int_equal(print(&fmt_json, NULL, 0, 0, &without), FORMAT_WRITTEN);
    assert_null(strstr((char *)without.data, "gate"));
    assert_int_equal(print(&fmt_json, NULL, 0, 100, &with), FORMAT_WRITTEN);
    size_t len = strlen((char *)without.data) - strlen("}\n");
    assert_memory_equal(with.data, without.data, len);
    assert_string_equal((char *)with.data + len, json);
    assert_int_equal(print(&fmt_yaml, NULL, 0, 0, &without), FORMAT_WRITTEN);
    assert_null(strstr((char *)without.data, "gate"));
    assert_int_equal(print(&fmt_yaml, NULL, 0, 100, &with), FORMAT_WRITTEN);
    assert_non_null(strstr((char *)with.data, yaml));
    assert_int_equal(print(&fmt_text, NULL, 0, 0, &without), FORMAT_WRITTEN);
    assert_int_equal(print(&fmt_text, NULL, 0, 100, &with), FORMAT_WRITTEN);
    assert_string_equal((char *)with.data, (char *)without.data);
    buf_free(&without);
    buf_free(&with);
}

/* Who asks for them has them in their place, of each event. */
static void contributed_fields_may_be_asked_for(void **state)
{
    struct buf out = {0};
    (void)state;
    print(&fmt_text, "gate.from,dns.id,gate.weight,gate.tag", 0, 8, &out);
    assert_string_equal((char *)out.data, "192.0.2.1 4660 8 a\\032\"tag\"\n");
    print(&fmt_text, "gate.from,dns.id,gate.weight,gate.tag", 0, 0, &out);
    assert_string_equal((char *)out.data, "- 4660 - -\n");
    print(&fmt_json, "dns.id,gate.weight", 0, 0, &out);
    assert_string_equal((char *)out.data, "{\"id\": 4660, \"gate-weight\": null}\n");
    buf_free(&out);
}

/* In a record that is cut they go before what it has besides, or are not there; no limit that was
 * fine without them is too low. */
static void contributed_fields_keep_within_limits(void **state)
{
    struct buf whole = {0}, out = {0};
    unsigned with = 0, without = 0;
    (void)state;
    print(&fmt_json, NULL, 0, 100, &whole);
    for (size_t max = whole.len;; max--) {
        int result = print(&fmt_json, NULL, max, 100, &out);
        if (result == REFUSED)
            break;
        size_t len = strlen((char *)out.data);
        assert_true(len <= max);
        assert_int_equal(result, max + 1 < whole.len ? FORMAT_CUT : FORMAT_WRITTEN);
        assert_memory_equal(out.data + len - 2, "}\n", 2);
        bool has =
            strstr((char *)out.data, "\"gate-weight\": 100, \"gate-tag\": \"a \\\"tag\\\"\"");
        assert_int_equal(!has, !strstr((char *)out.data, "gate"));
        with += has;
        without += !has;
        assert_true(has || with > 0); /* from some limit on they are there */
        assert_true(!has || without == 0);
    }
    assert_true(with > 20 && without > 20);
    buf_free(&whole);
    buf_free(&out);
}

/* A text that is longer than any record may be is left out, with its key. */
static void contributed_texts_may_be_too_long(void **state)
{
    enum { MAX = 4096 };
    static char text[2 * MAX];
    const char *before = tag;
    struct buf out = {0};
    (void)state;
    tag = memset(text, 'x', sizeof text - 1);
    assert_int_equal(print(&fmt_json, NULL, MAX, 100, &out), FORMAT_CUT);
    assert_non_null(
        strstr((char *)out.data, ", \"gate-weight\": 100, \"truncated\": \"record-max\"}\n"));
    assert_int_equal(print(&fmt_yaml, NULL, MAX, 100, &out), FORMAT_CUT);
    assert_non_null(strstr((char *)out.data, "\ngate-weight: 100\ntruncated: record-max\n"));
    assert_null(strstr((char *)out.data, "gate-tag"));
    tag = before;
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_have_their_codes),
        cmocka_unit_test(what_is_no_word_has_no_code),
        cmocka_unit_test(words_and_codes_agree),
        cmocka_unit_test(lists_are_walked),
        cmocka_unit_test(flags_are_no_codes),
        cmocka_unit_test(subnets_are_prefixes),
        cmocka_unit_test(contributed_fields_are_fields),
        cmocka_unit_test(a_slot_is_a_fields_own),
        cmocka_unit_test(contributed_fields_are_printed_where_they_are),
        cmocka_unit_test(contributed_fields_may_be_asked_for),
        cmocka_unit_test(contributed_fields_keep_within_limits),
        cmocka_unit_test(contributed_texts_may_be_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
