/* The growing buffer and the bounded cursor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "../support/random.h"
#include "base/buf.h"
#include "base/cursor.h"

static void buffer_grows_and_keeps(void **state)
{
    struct random random = {1};
    struct buf buf = {0};
    static uint8_t model[1 << 20];
    size_t len = 0;
    while (len < sizeof model - 5000) {
        uint8_t bytes[5000];
        size_t n = random_magnitude(&random) % sizeof bytes;
        random_bytes(&random, bytes, n);
        memcpy(model + len, bytes, n);
        len += n;
        buf_put(&buf, bytes, n);
        assert_true(buf.cap >= buf.len);
    }
    assert_int_equal(buf.len, len);
    assert_memory_equal(buf.data, model, len);
    assert_false(buf.failed);
    buf_free(&buf);
    assert_null(buf.data);
    assert_int_equal(buf.cap, 0);
    (void)state;
}

static void buffer_commits_what_was_written(void **state)
{
    struct buf buf = {0};
    char *p = buf_reserve(&buf, 100);
    assert_non_null(p);
    memcpy(p, "abc", 3);
    assert_int_equal(buf.len, 0);
    buf_commit(&buf, p + 3);
    buf_str(&buf, "def");
    buf_byte(&buf, 'g');
    buf_put(&buf, NULL, 0);
    buf_printf(&buf, "-%d-%s", 42, "x");
    assert_true(span_equal(buf_span(&buf), span_str("abcdefg-42-x")));
    buf_free(&buf);
    (void)state;
}

/* What cannot be had leaves the bytes as they are, and the mark. */
static void buffer_refuses_the_impossible(void **state)
{
    struct buf buf = {0};
    buf_str(&buf, "kept");
    assert_null(buf_reserve(&buf, SIZE_MAX));
    assert_true(buf.failed);
    buf.failed = false;
    assert_null(buf_reserve(&buf, SIZE_MAX - 3)); /* would wrap when added to the length */
    assert_true(buf.failed);
    assert_true(span_equal(buf_span(&buf), span_str("kept")));
    buf_free(&buf);
    (void)state;
}

static void spans_compare(void **state)
{
    assert_true(span_equal((struct span){0}, span_str("")));
    assert_false(span_equal(span_str("a"), span_str("ab")));
    assert_false(span_equal(span_str("a"), span_str("b")));
    assert_true(span_equal(span_of("a\0b", 3), span_of("a\0b", 3)));
    (void)state;
}

static void cursor_reads_big_and_little(void **state)
{
    const uint8_t bytes[] = {1,    0x12, 0x34, 0x12, 0x34, 0x56, 0x78, 0x12, 0x34, 0x56,
                             0x78, 0x9a, 0xbc, 0xde, 0xf0, 0x78, 0x56, 0x34, 0x12};
    struct cursor c = cursor_of(span_of(bytes, sizeof bytes));
    assert_int_equal(cursor_u8(&c), 1);
    assert_int_equal(cursor_be16(&c), 0x1234);
    assert_int_equal(cursor_be32(&c), 0x12345678);
    assert_int_equal(cursor_be64(&c), UINT64_C(0x123456789abcdef0));
    assert_int_equal(cursor_le32(&c), 0x12345678);
    assert_int_equal(cursor_left(&c), 0);
    assert_false(c.failed);
    uint8_t stored[6];
    store_be16(stored, 0x1234);
    store_be32(stored + 2, 0x12345678);
    assert_memory_equal(stored, bytes + 1, 6);
    (void)state;
}

/* A read past the end returns nothing, and nothing can be read behind it. */
static void cursor_fails_for_good(void **state)
{
    struct {
        size_t width;
        uint64_t value;
    } seen[5];
    for (size_t len = 0; len < 8; len++) {
        uint8_t *exact = malloc(len ? len : 1);
        memset(exact, 0xff, len);
        for (size_t i = 0; i < 5; i++) {
            struct cursor c = cursor_of(span_of(exact, len));
            const size_t widths[] = {1, 2, 4, 8, 4};
            seen[i].width = widths[i];
            seen[i].value = i == 0   ? cursor_u8(&c)
                            : i == 1 ? cursor_be16(&c)
                            : i == 2 ? cursor_be32(&c)
                            : i == 3 ? cursor_be64(&c)
                                     : cursor_le32(&c);
            bool fits = seen[i].width <= len;
            assert_int_equal(c.failed, !fits);
            assert_int_equal(seen[i].value != 0, fits);
            if (!fits) {
                assert_int_equal(cursor_u8(&c), 0);
                assert_int_equal(cursor_left(&c), 0);
            }
        }
        free(exact);
    }
    (void)state;
}

static void cursor_takes_parts(void **state)
{
    struct cursor c = cursor_of(span_str("abcdef"));
    assert_true(span_equal(cursor_take(&c, 2), span_str("ab")));
    struct cursor sub = cursor_sub(&c, 2);
    assert_int_equal(cursor_u8(&sub), 'c');
    assert_int_equal(cursor_left(&sub), 1);
    assert_true(span_equal(cursor_take(&c, 0), span_str("")));
    assert_true(span_equal(cursor_rest(&c), span_str("ef")));
    assert_false(c.failed);
    assert_null(cursor_take(&c, 1).ptr);
    assert_true(c.failed);
    assert_true(cursor_sub(&c, 0).failed); /* of a failed cursor, so are its parts */
    struct cursor huge = cursor_of(span_str("abc"));
    assert_null(cursor_take(&huge, UINT64_MAX).ptr);
    assert_true(huge.failed);
    struct cursor none = cursor_of((struct span){0});
    assert_int_equal(cursor_left(&none), 0);
    assert_int_equal(cursor_be32(&none), 0);
    assert_true(none.failed);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffer_grows_and_keeps),
        cmocka_unit_test(buffer_commits_what_was_written),
        cmocka_unit_test(buffer_refuses_the_impossible),
        cmocka_unit_test(spans_compare),
        cmocka_unit_test(cursor_reads_big_and_little),
        cmocka_unit_test(cursor_fails_for_good),
        cmocka_unit_test(cursor_takes_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
