/* Bytes of strangers in text and JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "../support/bytes.h"
#include "base/escape.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct {
    struct span in;
    const char *text, *json;
} samples[] = {
    {BYTES_INIT("ns1.example"), "ns1.example", "ns1.example"},
    {BYTES_INIT("two words"), "two\\032words", "two words"},
    {BYTES_INIT("a\nb\r\tc"), "a\\010b\\013\\009c", "a\\u000ab\\u000d\\u0009c"},
    {BYTES_INIT("\x1b[31m\x7f\0"), "\\027[31m\\127\\000", "\\u001b[31m\\u007f\\u0000"},
    {BYTES_INIT("say \"x\""), "say\\032\"x\"", "say \\\"x\\\""},
    {BYTES_INIT("back\\slash"), "back\\\\slash", "back\\\\\\\\slash"},
    {BYTES_INIT("caf\xc3\xa9"), "caf\\195\\169", "caf\xc3\xa9"},
    {BYTES_INIT("\xf0\x9f\x8d\xba\xe2\x82\xac"), "\\240\\159\\141\\186\\226\\130\\172",
     "\xf0\x9f\x8d\xba\xe2\x82\xac"},
    /* Not UTF-8: a stray byte, a cut one, an overlong one, a surrogate, one too high. */
    {BYTES_INIT("\xff"), "\\255", "\\\\255"},
    {BYTES_INIT("x\xe2\x82"), "x\\226\\130", "x\\\\226\\\\130"},
    {BYTES_INIT("\xc0\xaf"), "\\192\\175", "\\\\192\\\\175"},
    {BYTES_INIT("\xed\xa0\x80"), "\\237\\160\\128", "\\\\237\\\\160\\\\128"},
    {BYTES_INIT("\xf4\x90\x80\x80"), "\\244\\144\\128\\128", "\\\\244\\\\144\\\\128\\\\128"},
    /* C1 controls, line and paragraph separators, right-to-left override, byte order mark. */
    {BYTES_INIT("\xc2\x85\xc2\x9b"), "\\194\\133\\194\\155", "\\u0085\\u009b"},
    {BYTES_INIT("\xe2\x80\xa8\xe2\x80\xa9"), "\\226\\128\\168\\226\\128\\169", "\\u2028\\u2029"},
    /* a soft hyphen, and a letter of the tags that no font shows */
    {BYTES_INIT("\xc2\xad\xf3\xa0\x81\xa1"), "\\194\\173\\243\\160\\129\\161",
     "\\u00ad\\udb40\\udc61"},
    {BYTES_INIT("\xe2\x80\xae\xef\xbb\xbf"), "\\226\\128\\174\\239\\187\\191", "\\u202e\\ufeff"},
};

static struct span run(char *(*escape)(char *, struct span, unsigned), struct span in,
                       unsigned flags, char *out)
{
    return span_of(out, (size_t)(escape(out, in, flags) - out));
}

static void test_samples(void **state)
{
    (void)state;
    char out[256];
    for (size_t i = 0; i < COUNT(samples); i++) {
        assert_true(span_equal(run(escape_text, samples[i].in, 0, out), span_str(samples[i].text)));
        assert_true(span_equal(run(escape_json, samples[i].in, 0, out), span_str(samples[i].json)));
    }
}

/* What is escaped already keeps its backslashes; a space may have to go. */
static void test_flags(void **state)
{
    (void)state;
    char out[64];
    struct span in = BYTES("a\\.b \\032c\"");
    assert_true(
        span_equal(run(escape_json, in, ESCAPE_PRESENTED, out), span_str("a\\\\.b \\\\032c\\\"")));
    assert_true(span_equal(run(escape_json, in, ESCAPE_PRESENTED | ESCAPE_COLUMN, out),
                           span_str("a\\\\.b\\u0020\\\\032c\\\"")));
    assert_true(
        span_equal(run(escape_text, in, ESCAPE_PRESENTED, out), span_str("a\\.b\\032\\032c\"")));
}

/* A special byte is seen wherever it stands, whatever stands around it. */
static void test_every_byte_at_every_place(void **state)
{
    (void)state;
    char out[256], alone[16];
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t in[33];
        struct span one = {in, 1};
        in[0] = (uint8_t)byte;
        struct span escaped = run(escape_json, one, 0, alone);
        for (size_t at = 0; at < sizeof in; at++) {
            memset(in, 'x', sizeof in);
            in[at] = (uint8_t)byte;
            struct span got = run(escape_json, span_of(in, sizeof in), 0, out);
            assert_int_equal(got.len, sizeof in - 1 + escaped.len);
            assert_memory_equal(got.ptr + at, escaped.ptr, escaped.len);
            bool plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
            assert_int_equal(escape_json_plain(span_of(in, sizeof in)), plain ? sizeof in : at);
            in[0] = (uint8_t)byte;
        }
    }
}

static unsigned hex_digit(uint8_t digit)
{
    return digit <= '9' ? digit - (unsigned)'0' : digit - (unsigned)'a' + 10;
}

/* JSON's own escapes undone; the result is UTF-8 in presentation form. */
static size_t undo_json(const uint8_t *in, size_t len, uint8_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        if (in[i] != '\\') {
            out[n++] = in[i++];
        } else if (in[i + 1] != 'u') {
            out[n++] = in[i + 1];
            i += 2;
        } else {
            unsigned code = 0;
            for (int k = 2; k < 6; k++)
                code = code * 16 + hex_digit(in[i + (size_t)k]);
            if (code >= 0x800)
                out[n++] = (uint8_t)(0xe0 | code >> 12);
            if (code >= 0x80)
                out[n++] = (uint8_t)(code >= 0x800 ? 0x80 | (code >> 6 & 0x3f) : 0xc0 | code >> 6);
            out[n++] = (uint8_t)(code >= 0x80 ? 0x80 | (code & 0x3f) : code);
            i += 6;
        }
    }
    return n;
}

static size_t undo_presentation(const uint8_t *in, size_t len, uint8_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len; n++) {
        bool decimal = in[i] == '\\' && in[i + 1] != '\\';
        if (decimal)
            out[n] = (uint8_t)((in[i + 1] - '0') * 100 + (in[i + 2] - '0') * 10 + in[i + 3] - '0');
        else
            out[n] = in[i] == '\\' ? '\\' : in[i];
        i += decimal ? 4 : in[i] == '\\' ? 2 : 1;
    }
    return n;
}

/* Nothing is lost: undoing the escapes gives the bytes again. */
static void test_nothing_is_lost(void **state)
{
    (void)state;
    static const char likely[] = "\\\"\n\xc3\xa9\xe2\x80\xa8 ab\xff\xf0\x9f\x8d\xba";
    uint8_t in[64], json[64 * ESCAPE_JSON_MAX], text[64 * ESCAPE_TEXT_MAX], middle[512], back[512];
    srand(1);
    for (int round = 0; round < 20000; round++) {
        size_t len = (size_t)rand() % sizeof in;
        for (size_t i = 0; i < len; i++)
            in[i] = (uint8_t)(rand() % 3 ? likely[(size_t)rand() % (sizeof likely - 1)] : rand());
        struct span j = run(escape_json, span_of(in, len), 0, (char *)json);
        size_t n = undo_presentation(middle, undo_json(j.ptr, j.len, middle), back);
        assert_int_equal(n, len);
        assert_memory_equal(back, in, len);
        struct span t = run(escape_text, span_of(in, len), 0, (char *)text);
        n = undo_presentation(t.ptr, t.len, back);
        assert_int_equal(n, len);
        assert_memory_equal(back, in, len);
    }
}

/* One question mark for each thing that must not reach a terminal. */
static void test_masks(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"", ""},
        {"plain, \xc3\xa9 and \xf0\x9f\x8d\xba", "plain, \xc3\xa9 and \xf0\x9f\x8d\xba"},
        {"a\x1b[2J\nb\x7f", "a?[2J?b?"},
        {"\xc2\x9b"
         "31m",
         "?31m"}, /* CSI of C1 */
        {"ab\xe2\x80\xae"
         "dc\xe2\x80\xa8"
         "e",
         "ab?dc?e"}, /* U+202E, U+2028 */
        {"\xff\xc3"
         "x\xe2\x80",
         "??x??"}, /* no UTF-8 */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64];
        memcpy(text, rows[i].from, strlen(rows[i].from));
        size_t len = escape_mask(text, strlen(rows[i].from));
        assert_int_equal(len, strlen(rows[i].to));
        assert_memory_equal(text, rows[i].to, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_every_byte_at_every_place),
        cmocka_unit_test(test_nothing_is_lost),
        cmocka_unit_test(test_masks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
