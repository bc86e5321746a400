/* Shapes as JSON Schema, and the OpenAPI text of all routes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../support/json_check.h"
#include "api/openapi.h"
#include "api/route.h"
#include "api/shape.h"

/* The schema of a shape, which the caller frees; NULL when it is not well formed. */
static char *schema_of(const char *shape)
{
    struct buf out = {0};
    struct json j = json_begin(&out);
    int result = shape_schema(&j, shape);
    buf_byte(&out, '\0');
    char *text = result == 0 ? strdup((const char *)out.data) : NULL;
    buf_free(&out);
    return text;
}

static void assert_schema(const char *shape, const char *schema)
{
    char *text = schema_of(shape);
    assert_non_null(text);
    assert_string_equal(text, schema);
    free(text);
}

static void scalars(void **state)
{
    (void)state;
    assert_schema("int", "{\"minimum\":0,\"type\":\"integer\"}");
    assert_schema("text?", "{\"type\":[\"string\",\"null\"]}");
    assert_schema(" num (of it)", "{\"type\":\"number\",\"description\":\"of it\"}");
    assert_schema("any", "{}");
}

static void nested(void **state)
{
    (void)state;
    assert_schema("[bool]", "{\"items\":{\"type\":\"boolean\"},\"type\":\"array\"}");
    assert_schema("{*[num?]}?",
                  "{\"additionalProperties\":{\"items\":{\"type\":[\"number\",\"null\"]},"
                  "\"type\":\"array\"},\"type\":[\"object\",\"null\"]}");
    assert_schema("{a-b: text (x, y), c?: bool}",
                  "{\"properties\":{\"a-b\":{\"type\":\"string\",\"description\":\"x, y\"},"
                  "\"c\":{\"type\":\"boolean\"}},\"required\":[\"a-b\"],\"type\":\"object\"}");
}

static void names(void **state)
{
    (void)state;
    assert_schema("Error", "{\"$ref\":\"#/components/schemas/Error\"}");
    assert_schema("Error?", "{\"anyOf\":[{\"$ref\":\"#/components/schemas/Error\"},"
                            "{\"type\":\"null\"}]}");
}

static void mistakes(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",          "integer",
                                        "[int",      "{a int}",
                                        "{a: int",   "{: int}",
                                        "int int",   "int (without end",
                                        "{a: int,}", "[[[[[[[[[[int]]]]]]]]]]",
                                        "Nobody"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char *text = schema_of(wrong[i]);
        assert_null(text);
        free(text);
    }
}

static void every_shape_is_well_formed(void **state)
{
    (void)state;
    for (const struct api_shape *shape = api_shapes; shape->name; shape++) {
        char *text = schema_of(shape->shape);
        if (!text)
            fail_msg("the shape %s", shape->name);
        free(text);
    }
    for (const struct api_route *const *route = api_routes; *route; route++) {
        char *text = (*route)->schema ? schema_of((*route)->schema) : NULL;
        if ((*route)->schema && !text)
            fail_msg("the shape of %s", (*route)->path);
        free(text);
    }
}

static void openapi_is_json(void **state)
{
    (void)state;
    struct buf out = {0};
    assert_int_equal(openapi_write(&out), 0);
    assert_true(json_check((const char *)out.data, out.len));
    buf_free(&out);
}

/* Two routes must not answer to the same thing, and each has something to say of itself. */
static void routes_differ(void **state)
{
    (void)state;
    for (const struct api_route *const *a = api_routes; *a; a++) {
        assert_true((*a)->path[0] == '/' && (*a)->doc && (*a)->doc[0]);
        for (const struct api_route *const *b = a + 1; *b; b++)
            assert_false((*a)->method == (*b)->method && strcmp((*a)->path, (*b)->path) == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars),
        cmocka_unit_test(nested),
        cmocka_unit_test(names),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(every_shape_is_well_formed),
        cmocka_unit_test(openapi_is_json),
        cmocka_unit_test(routes_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
