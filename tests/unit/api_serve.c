/* Asking without a web server: what parameters a query string has, and what becomes of a request.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "api/serve.h"

/* A query string and what is read from it, in brackets: "[n=1][x]". A NUL is shown as "NUL". */
struct read_case {
    const char *query, *shown;
};

static void show(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i])
            buf_byte(out, text.ptr[i]);
        else
            buf_str(out, "NUL");
    }
}

static void show_all(struct buf *out, const struct parameters *parameters)
{
    for (size_t i = 0; i < parameters->count; i++) {
        const struct parameter *parameter = &parameters->at[i];
        buf_byte(out, '[');
        show(out, parameter->name);
        if (parameter->value.ptr)
            buf_byte(out, '=');
        show(out, parameter->value);
        buf_byte(out, ']');
    }
    buf_byte(out, '\0');
}

static void reads_what_was_sent(void **state)
{
    static const struct read_case cases[] = {
        {"", ""},
        {"n", "[n]"},
        {"n=", "[n=]"},
        {"n=1", "[n=1]"},
        {"n=1&stream=a", "[n=1][stream=a]"},
        {"&&n=1&&&x&", "[n=1][x]"},
        {"=", "[=]"},
        {"=1", "[=1]"},
        {"n=1=2", "[n=1=2]"},
        {"a=b?c=d", "[a=b?c=d]"},
        {"%6e=%41%3d%26%2B", "[n=A=&+]"},
        {"a+b=c+d", "[a b=c d]"},
        {"n=%2f%2F%fF", "[n=//\xff]"},
        {"%00=%00", "[NUL=NUL]"},
        /* what is no escape stands for itself, */
        {"n=%&x=%4&y=%zz&z=%4g%", "[n=%][x=%4][y=%zz][z=%4g%]"},
        /* and is decoded once */
        {"n=%2541&x=%%34%31", "[n=%41][x=%41]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct parameters parameters;
        struct buf out = {0};
        char *query = strdup(cases[i].query);
        parameters_read(&parameters, query, strlen(query));
        show_all(&out, &parameters);
        assert_string_equal(out.data, cases[i].shown);
        buf_free(&out);
        free(query);
    }
}

static void finds_the_first_of_a_name(void **state)
{
    struct parameters parameters;
    char query[] = "x&N=0&n=1&n=2";
    (void)state;
    parameters_read(&parameters, query, strlen(query));
    assert_true(span_equal(parameters_find(&parameters, "n"), span_str("1")));
    assert_non_null(parameters_find(&parameters, "x").ptr);
    assert_int_equal(parameters_find(&parameters, "x").len, 0);
    assert_null(parameters_find(&parameters, "y").ptr);
}

/* --- requests ------------------------------------------------------------------------------- */

static void handle(const struct api_request *request, struct api_reply *reply)
{
    struct span n = api_parameter(request, "n");
    assert_null(api_header(request, "Accept").ptr);
    buf_printf(&reply->body, "n=%.*s", (int)n.len, (const char *)n.ptr);
}

static const struct api_parameter rows[] = {{.name = "n"}, {.name = "series"}, {0}};
static const struct api_route strict = {
    .path = "/strict", .plain = true, .parameters = rows, .handle = handle};
static const struct api_route lenient = {.path = "/lenient",
                                         .plain = true,
                                         .parameters = rows,
                                         .ignores_unknown = true,
                                         .handle = handle};

static void expect(const struct api_route *route, const char *query, unsigned status,
                   const char *body)
{
    struct api_request request = {.route = route, .path = span_str(route->path)};
    struct api_reply reply = {0};
    char *text = strdup(query);
    api_serve(&request, text, strlen(text), &reply);
    assert_int_equal(reply.status, status);
    assert_true(span_equal(buf_span(&reply.body), span_str(body)));
    buf_free(&reply.body);
    free(text);
}

static void serves_without_a_server(void **state)
{
    (void)state;
    expect(&strict, "", 0, "n=");
    expect(&strict, "series=a&n=%31", 0, "n=1");
    expect(&strict, "n=1&n=2", 400, "{\"error\":\"parameter 'n' is given more than once\"}");
    expect(&strict, "serie", 400,
           "{\"error\":\"unknown parameter 'serie'; did you mean 'series'?\"}");
    expect(&lenient, "n=1&n=2&whatever", 0, "n=1");
}

/* Where no parameter stands counts, too: it is work. */
static void bounds_their_number(void **state)
{
    static const char many[] = "{\"error\":\"more than 256 parameters\"}";
    char query[2 * PARAMETERS_MAX + 2] = "";
    (void)state;
    for (int i = 0; i < PARAMETERS_MAX; i++)
        strcat(query, i ? "&x" : "x");
    expect(&lenient, query, 0, "n=");
    strcat(query, "&");
    expect(&lenient, query, 414, many);
    expect(&strict, query, 414, many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_was_sent),
        cmocka_unit_test(finds_the_first_of_a_name),
        cmocka_unit_test(serves_without_a_server),
        cmocka_unit_test(bounds_their_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
