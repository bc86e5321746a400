/* Protocol Buffers by cursor: varints, tags, lengths, skipping, groups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/hex.h"
#include "../support/random.h"
#include "wire/protobuf.h"

static void varints_come_back(void **state)
{
    struct random random = {1};
    for (int i = 0; i < 100000; i++) {
        uint64_t value = i < 64 ? UINT64_C(1) << i : random_magnitude(&random);
        struct buf buf = {0};
        pb_put_varint(&buf, value);
        assert_in_range(buf.len, 1, PB_VARINT_MAX);
        struct cursor c = cursor_of(buf_span(&buf)); /* short of the fast path's bytes */
        assert_int_equal(pb_varint(&c), value);
        assert_int_equal(cursor_left(&c), 0);
        assert_false(c.failed);
        buf_str(&buf, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
        c = cursor_of(buf_span(&buf)); /* with bytes behind it */
        assert_int_equal(pb_varint(&c), value);
        assert_int_equal(cursor_left(&c), 10);
        buf_free(&buf);
    }
    (void)state;
}

/* Reading fails exactly where `ok` says so; then nothing is left. */
static void check_varint(const char *hex, bool ok, uint64_t value)
{
    struct span bytes = hex_new(hex);
    struct cursor c = cursor_of(bytes);
    assert_int_equal(pb_varint(&c), value);
    assert_int_equal(c.failed, !ok);
    assert_int_equal(cursor_left(&c), 0);
    hex_free(bytes);
}

static void varint_limits(void **state)
{
    check_varint("", false, 0);
    check_varint("80", false, 0);
    check_varint("ffffffff", false, 0);
    check_varint("ffffffffff", false, 0);
    check_varint("ffffffffffffffffff", false, 0);
    check_varint("ffffffffffffffffff01", true, UINT64_MAX);
    check_varint("ffffffffffffffffff7f", true, UINT64_MAX); /* bits past the 64th are lost */
    check_varint("80808080808080808000", true, 0);          /* longer than need be */
    check_varint("ffffffffffffffffffff01", false, 0);
    check_varint("ffffffffffffffffffffffff", false, 0);
    (void)state;
}

static void tags(void **state)
{
    static const struct {
        const char *hex;
        uint32_t tag; /* 0: refused */
    } rows[] = {
        {"08", 8},
        {"8001", 128},
        {"80808000", 0}, /* field 0 */
        {"00", 0},
        {"07", 0},
        {"faffffff0f", 0xfffffffa},
        {"ffffffff0f", UINT32_MAX},
        {"ffffffff1f", 0}, /* 33 bits */
        {"888080808000", 0},
        /* six bytes */ {"8880808000", 8},
        {"80", 0},
        {"", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span bytes = hex_new(rows[i].hex);
        struct cursor c = cursor_of(bytes);
        assert_int_equal(pb_tag(&c), rows[i].tag);
        assert_int_equal(c.failed, rows[i].tag == 0);
        hex_free(bytes);
    }
    (void)state;
}

static void lengths(void **state)
{
    static const struct {
        const char *hex;
        int len; /* -1: refused */
    } rows[] = {
        {"00", 0},
        {"03616263", 3},
        {"036162", -1},
        {"8380808000616263", 3},
        {"838080808000616263", -1},
        {"ffffffff0f", -1},
        {"ffffffffffffffffff01", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span bytes = hex_new(rows[i].hex);
        struct cursor c = cursor_of(bytes);
        struct span taken = pb_bytes(&c);
        assert_int_equal(c.failed, rows[i].len < 0);
        assert_int_equal(taken.len, rows[i].len < 0 ? 0 : rows[i].len);
        hex_free(bytes);
    }
    (void)state;
}

/* How many bytes of a tag's value pb_skip takes; -1 when it fails. */
static long skipped(uint32_t tag, const char *hex)
{
    struct span bytes = hex_new(hex);
    struct cursor c = cursor_of(bytes);
    pb_skip(&c, tag);
    long taken = c.failed ? -1 : (long)(c.pos - bytes.ptr);
    hex_free(bytes);
    return taken;
}

static void values_are_skipped(void **state)
{
    assert_int_equal(skipped(8 | PB_VARINT, "ac02 ff"), 2);
    assert_int_equal(skipped(8 | PB_FIXED64, "0102030405060708 ff"), 8);
    assert_int_equal(skipped(8 | PB_FIXED64, "01020304050607"), -1);
    assert_int_equal(skipped(8 | PB_FIXED32, "01020304 ff"), 4);
    assert_int_equal(skipped(8 | PB_FIXED32, "010203"), -1);
    assert_int_equal(skipped(8 | PB_BYTES, "02 6162 ff"), 3);
    assert_int_equal(skipped(8 | PB_BYTES, "03 6162"), -1);
    assert_int_equal(skipped(8 | 6, "00"), -1);
    assert_int_equal(skipped(8 | 7, "00"), -1);
    assert_int_equal(skipped(8 | PB_ENDGROUP, "00"), -1);
    (void)state;
}

static void groups_are_skipped(void **state)
{
    assert_int_equal(skipped(8 | PB_GROUP, "0c ff"), 1);               /* empty */
    assert_int_equal(skipped(8 | PB_GROUP, "1001 13 1405 14 0c"), -1); /* 14 ends field 2 inside */
    assert_int_equal(skipped(8 | PB_GROUP, "1001 13 1005 14 0c ff"), 7);
    assert_int_equal(skipped(8 | PB_GROUP, "14"), -1);   /* the end of another */
    assert_int_equal(skipped(8 | PB_GROUP, "1001"), -1); /* no end */
    assert_int_equal(skipped(8 | PB_GROUP, "120161 0c"), 4);
    struct buf deep = {0};
    for (int depth = 1; depth <= 40; depth++) {
        deep.len = 0;
        for (int i = 1; i < depth; i++)
            buf_byte(&deep, 8 | PB_GROUP);
        for (int i = 0; i < depth; i++)
            buf_byte(&deep, 8 | PB_ENDGROUP);
        struct cursor c = cursor_of(buf_span(&deep));
        pb_skip(&c, 8 | PB_GROUP);
        assert_int_equal(c.failed, depth > 32);
        assert_int_equal(cursor_left(&c), 0);
    }
    buf_free(&deep);
    (void)state;
}

static void fields_are_written(void **state)
{
    struct buf buf = {0};
    struct span expected = hex_new("0a03 616263 8001 05 4d 78563412 1200");
    pb_put_bytes(&buf, 1, span_str("abc"));
    pb_put_tag(&buf, 16, PB_VARINT);
    pb_put_varint(&buf, 5);
    pb_put_fixed32(&buf, 9, 0x12345678);
    pb_put_bytes(&buf, 2, (struct span){0});
    assert_true(span_equal(buf_span(&buf), expected));
    hex_free(expected);
    buf_free(&buf);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(varints_come_back),
        cmocka_unit_test(varint_limits),
        cmocka_unit_test(tags),
        cmocka_unit_test(lengths),
        cmocka_unit_test(values_are_skipped),
        cmocka_unit_test(groups_are_skipped),
        cmocka_unit_test(fields_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
