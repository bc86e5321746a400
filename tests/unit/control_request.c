/* Requests on the control socket, as they come: whole, in pieces, and wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/route.h"
#include "app/control_request.h"

struct whole_case {
    const char *text, *method, *path, *query, *body;
};

static enum control_progress read_text(struct control_request *request, char *text, size_t len,
                                       struct error *err)
{
    char *before = malloc(len + 1);
    memcpy(before, text, len);
    enum control_progress progress = control_request_read(request, text, len, err);
    if (progress == CONTROL_MORE)
        assert_memory_equal(before, text, len);
    free(before);
    return progress;
}

static void whole_ones_are_read_and_no_sooner(void **state)
{
    static const struct whole_case cases[] = {
        {"GET /api/v1/status\n\n", "GET", "/api/v1/status", "", ""},
        {"GET /x?a=b&c\n\n", "GET", "/x", "a=b&c", ""},
        {"GET /x?a=b?c\n\n", "GET", "/x", "a=b?c", ""},
        {"GET /?\n\n", "GET", "/", "", ""},
        {"G?T /x?y\n\n", "G?T", "/x", "y", ""},
        {"POST /x\nContent-Length: 0\n\n", "POST", "/x", "", ""},
        {"POST /x?y\nContent-Length: 5\n\na\n\nbc", "POST", "/x", "y", "a\n\nbc"},
        {"get /x\n\n", "get", "/x", "", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct control_request request;
        struct error err;
        char *text = strdup(cases[i].text);
        size_t len = strlen(text);
        for (size_t n = 0; n < len; n++)
            assert_int_equal(read_text(&request, text, n, &err), CONTROL_MORE);
        assert_int_equal(read_text(&request, text, len, &err), CONTROL_WHOLE);
        assert_string_equal(request.method, cases[i].method);
        assert_string_equal(request.path, cases[i].path);
        assert_true(
            span_equal(span_of(request.query, request.query_len), span_str(cases[i].query)));
        assert_true(span_equal(request.body, span_str(cases[i].body)));
        free(text);
    }
}

static void what_is_none_is_refused(void **state)
{
    static const char *const cases[] = {
        "\n\n",
        "GET\n\n",
        "GET \n\n",
        " /x\n\n",
        "GET x\n\n",
        "GET /x y\n\n",
        "GET  /x\n\n",
        "GET /x\r\n\n",
        "GET /\x01\n\n",
        "GET /\xc3\xa4\n\n",
        "GET /x\nHost: a\n\n",
        "GET /x\nContent-Length:5\n\n",
        "GET /x\nContent-Length: \n\n",
        "GET /x\nContent-Length: -1\n\n",
        "GET /x\nContent-Length: 1x\n\n",
        "GET /x\nContent-Length: 99999999999999999999\n\n",
        "GET /x\nContent-Length: 1\nContent-Length: 1\n\na",
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct control_request request;
        struct error err = {0};
        char *text = strdup(cases[i]);
        assert_int_equal(read_text(&request, text, strlen(text), &err), CONTROL_WRONG);
        assert_true(err.text[0]);
        free(text);
    }
}

static void heads_and_bodies_have_bounds(void **state)
{
    static char text[CONTROL_HEAD_MAX + 8];
    struct control_request request;
    struct error err;
    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text, "GET /", 5);
    assert_int_equal(read_text(&request, text, CONTROL_HEAD_MAX - 1, &err), CONTROL_MORE);
    assert_int_equal(read_text(&request, text, CONTROL_HEAD_MAX, &err), CONTROL_WRONG);
    memcpy(text + CONTROL_HEAD_MAX - 2, "\n\n", 2);
    assert_int_equal(read_text(&request, text, CONTROL_HEAD_MAX, &err), CONTROL_WHOLE);
    int len = snprintf(text, sizeof text, "POST /x\nContent-Length: %d\n\n", API_BODY_MAX);
    assert_int_equal(read_text(&request, text, (size_t)len, &err), CONTROL_MORE);
    len = snprintf(text, sizeof text, "POST /x\nContent-Length: %d\n\n", API_BODY_MAX + 1);
    assert_int_equal(read_text(&request, text, (size_t)len, &err), CONTROL_WRONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_ones_are_read_and_no_sooner),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(heads_and_bodies_have_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
