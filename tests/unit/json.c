/* The JSON writer: commas, any bytes, sane numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>

#include "../support/json_check.h"
#include "../support/random.h"
#include "base/json.h"

/* What the writer wrote, terminated. */
static const char *text_of(struct buf *out)
{
    buf_byte(out, '\0');
    return (const char *)out->data;
}

static void commas_come_by_themselves(void **state)
{
    (void)state;
    struct buf out = {0};
    struct json j = json_begin(&out);
    json_object(&j);
    json_put_u64(&j, "a", 1);
    json_key(&j, "b"), json_array(&j);
    json_array_end(&j);
    json_key(&j, "c"), json_array(&j);
    json_u64(&j, 1), json_bool(&j, true), json_null(&j);
    json_object(&j), json_object_end(&j);
    json_object(&j), json_put_bool(&j, "d", false), json_put_null(&j, "e"), json_object_end(&j);
    json_array_end(&j);
    json_put_str(&j, "f", "x");
    json_object_end(&j);
    assert_string_equal(text_of(&out), "{\"a\":1,\"b\":[],\"c\":[1,true,null,{},"
                                       "{\"d\":false,\"e\":null}],\"f\":\"x\"}");
    buf_free(&out);
}

static void spaces_are_a_choice(void **state)
{
    (void)state;
    struct buf out = {0};
    struct json j = {.out = &out, .spaced = true};
    json_object(&j);
    json_put_u64(&j, "a", 1);
    json_text_key(&j, span_str("b")), json_array(&j);
    json_u64(&j, 1), json_null(&j);
    json_array_end(&j);
    json_object_end(&j);
    assert_string_equal(text_of(&out), "{\"a\": 1, \"b\": [1, null]}");
    buf_free(&out);
}

static void strings_by_what_they_are(void **state)
{
    (void)state;
    struct buf out = {0};
    struct json j = json_begin(&out);
    json_array(&j);
    json_text(&j, span_str("a\\.b\"")); /* in presentation form: the backslash is its own */
    json_bytes(&j, span_str("a\\b"));   /* a stranger's */
    json_bytes(&j, span_of("\xff\n", 2));
    json_text(&j, span_of("", 0));
    json_text(&j, (struct span){0});
    json_str(&j, NULL);
    json_array_end(&j);
    assert_string_equal(text_of(&out), "[\"a\\\\.b\\\"\",\"a\\\\\\\\b\",\"\\\\255\\u000a\",\"\","
                                       "null,null]");
    buf_free(&out);
}

static void numbers(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "0"},
        {1, "1"},
        {-3, "-3"},
        {0.1, "0.1"},
        {1.0 / 3, "0.333333333"},
        {1234567.891, "1234567.89"},
        {9007199254740992.0, "9007199254740992"},
        {1e300, "1e+300"},
        {2.5e-7, "2.5e-07"},
        {NAN, "null"},
        {INFINITY, "null"},
        {-INFINITY, "null"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = {0};
        struct json j = json_begin(&out);
        json_double(&j, cases[i].value);
        assert_string_equal(text_of(&out), cases[i].text);
        buf_free(&out);
    }
    struct buf out = {0};
    struct json j = json_begin(&out);
    json_array(&j);
    json_u64(&j, UINT64_MAX), json_i64(&j, INT64_MIN);
    json_array_end(&j);
    assert_string_equal(text_of(&out), "[18446744073709551615,-9223372036854775808]");
    buf_free(&out);
}

/* Whatever bytes and numbers come, the result is JSON. */
static void anything_is_json(void **state)
{
    (void)state;
    struct random random = {.state = 7};
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[48];
        double number;
        struct buf out = {0};
        struct json j = json_begin(&out);
        random_bytes(&random, bytes, sizeof bytes);
        memcpy(&number, bytes, sizeof number);
        size_t len = random_below(&random, sizeof bytes);
        json_object(&j);
        json_text_key(&j, span_of(bytes, len)), json_bytes(&j, span_of(bytes, len));
        json_put_text(&j, "text", span_of(bytes, len));
        json_put_double(&j, "number", number);
        json_object_end(&j);
        assert_true(json_check((const char *)out.data, out.len));
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_come_by_themselves), cmocka_unit_test(spaces_are_a_choice),
        cmocka_unit_test(strings_by_what_they_are),  cmocka_unit_test(numbers),
        cmocka_unit_test(anything_is_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
