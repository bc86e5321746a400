/* The dashboard's files as routes: complete, packed only for who can unpack, tagged by content. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <zlib.h>

#include "http/page.h"

static struct span accepted; /* what the request says it accepts */

static struct span header(const struct api_request *request, const char *name)
{
    (void)request;
    assert_string_equal(name, "Accept-Encoding");
    return accepted;
}

static struct api_reply ask(const struct api_route *route, const char *accept)
{
    struct api_request request = {.route = route, .header = header};
    struct api_reply reply = {0};
    accepted = accept ? span_str(accept) : (struct span){0};
    route->handle(&request, &reply);
    return reply;
}

static const struct api_route *find(const char *path)
{
    for (const struct api_route *const *route = api_routes; *route; route++)
        if (strcmp((*route)->path, path) == 0 && (*route)->method == API_GET)
            return *route;
    fail_msg("no route for %s", path);
    return NULL;
}

static void unpack(struct span packed, struct span wanted)
{
    uint8_t *out = malloc(wanted.len + 1);
    z_stream z = {.next_in = (Bytef *)(uintptr_t)packed.ptr,
                  .avail_in = (uInt)packed.len,
                  .next_out = out,
                  .avail_out = (uInt)wanted.len + 1};
    assert_non_null(out);
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_true(span_equal(span_of(out, z.total_out), wanted));
    inflateEnd(&z);
    free(out);
}

static void packed_is_the_same(void **state)
{
    size_t packed = 0, pages = 0;
    (void)state;
    for (const struct api_route *const *route = api_routes; *route; route++) {
        if ((*route)->handle != page_handle)
            continue;
        struct api_reply plain = ask(*route, NULL), small = ask(*route, "gzip, deflate, br");
        assert_int_equal((*route)->access, ACCESS_BROWSER);
        assert_true(plain.fixed.len > 0);
        assert_null(plain.encoding);
        assert_true(plain.etag[0] == '"' && plain.etag[strlen(plain.etag) - 1] == '"');
        assert_non_null(strstr(plain.csp, "script-src 'self';"));
        assert_null(strstr(plain.csp, "unsafe"));
        pages++;
        if (!small.encoding)
            continue;
        assert_string_equal(small.encoding, "gzip");
        assert_string_not_equal(small.etag, plain.etag);
        assert_true(small.fixed.len < plain.fixed.len);
        unpack(small.fixed, plain.fixed);
        packed++;
    }
    assert_true(pages > 10 && packed > 5);
}

static void who_can_unpack(void **state)
{
    static const struct {
        const char *accept;
        bool packed;
    } rows[] = {
        {NULL, false},
        {"", false},
        {"gzip", true},
        {"GZip", true},
        {"deflate, gzip;q=1.0, *;q=0.5", true},
        {"br,gzip", true},
        {"gzip;q=0", false},
        {"gzip; q=0.000", false},
        {"gzip; q=0.001", true},
        {"identity", false},
        {"gzipped", false},
        {"x-gzip-like", false},
        {",,,", false},
        {"gzip;q=0, identity, a-coding-with-a-name-that-is-very-long-indeed-gzip", false},
    };
    const struct api_route *route = find("/web/chart.js");
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(ask(route, rows[i].accept).encoding != NULL, rows[i].packed);
}

/* Whatever the page and its modules name is there. */
static void nothing_is_missing(void **state)
{
    size_t found = 0;
    (void)state;
    for (const struct api_route *const *route = api_routes; *route; route++) {
        if ((*route)->handle != page_handle || strcmp((*route)->path, "/web/chart.js") == 0)
            continue;
        struct span body = ask(*route, NULL).fixed;
        bool html = strcmp((*route)->path, "/") == 0;
        const char *mark = html ? "=\"web/" : "from \"./";
        const uint8_t *at = body.ptr, *end = body.ptr + body.len;
        while ((at = memmem(at, (size_t)(end - at), mark, strlen(mark)))) {
            char path[64] = "/web/";
            at += strlen(mark);
            const uint8_t *quote = memchr(at, '"', (size_t)(end - at));
            assert_true(quote && quote - at < 50);
            strncat(path, (const char *)at, (size_t)(quote - at));
            assert_ptr_equal(find(path)->handle, page_handle);
            found++;
        }
    }
    assert_true(found > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_is_the_same),
        cmocka_unit_test(who_can_unpack),
        cmocka_unit_test(nothing_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
