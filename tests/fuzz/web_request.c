/* What the web server makes of a request line and the headers that decide who may pass. The input
 * is seven lines: target, Host, X-API-Key, Authorization, Origin, Sec-Fetch-Site, Accept; an empty
 * line is a header that was not sent. Whoever passes must have sent one of the credentials
 * literally. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/exposition.h"
#include "fuzz.h"
#include "http/guard.h"
#include "http/target.h"

static struct span take_line(struct span *rest)
{
    const uint8_t *end = rest->len ? memchr(rest->ptr, '\n', rest->len) : NULL;
    size_t len = end ? (size_t)(end - rest->ptr) : rest->len, used = end ? len + 1 : len;
    struct span line = span_of(len ? rest->ptr : NULL, len);
    *rest = span_of(rest->ptr + used, rest->len - used);
    return line;
}

static bool holds(struct span text, const char *part)
{
    return text.len && memmem(text.ptr, text.len, part, strlen(part));
}

static bool holds_word(struct span text, const char *part)
{
    for (size_t i = 0, len = strlen(part); i + len <= text.len; i++)
        if (strncasecmp((const char *)text.ptr + i, part, len) == 0)
            return true;
    return false;
}

static void check(bool true_always)
{
    if (!true_always)
        abort();
}

static bool lies_in(struct span part, struct span whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct guard locked = {.api_key = (char *)"key",
                                  .basic = (char *)"bWU6d29yZA==",
                                  .bearer = (char *)"token",
                                  .host = (char *)"h"};
    static struct guard open = {.host = (char *)"127.0.0.1"};
    struct span rest = span_of(bytes, len), uri = take_line(&rest);
    struct http_target target = target_split(uri);
    struct guard_request request = {.local = true, .changes = len & 1};
    request.host = take_line(&rest);
    request.api_key = take_line(&rest);
    request.authorization = take_line(&rest);
    request.origin = take_line(&rest);
    request.site = take_line(&rest);
    check(lies_in(target.authority, uri) &&
          (lies_in(target.path, uri) || span_equal(target.path, span_str("/"))));
    check(lies_in(target_host(request.host), request.host));
    if (target_is_authority(request.host)) /* then nothing in it can be taken for something else */
        check(request.host.len == 0 || (!memchr(request.host.ptr, 0, request.host.len) &&
                                        !memchr(request.host.ptr, '@', request.host.len) &&
                                        !memchr(request.host.ptr, '/', request.host.len)));
    struct span accept = take_line(&rest);
    check(!exposition_wants_openmetrics(accept) || holds_word(accept, "application/openmetrics"));
    if (guard_judge(&locked, &request) == GUARD_PASS)
        check(span_equal(request.api_key, span_str("key")) ||
              holds(request.authorization, "bWU6d29yZA==") ||
              holds(request.authorization, "token"));
    if (guard_judge(&open, &request) == GUARD_PASS)
        check(target_host(request.host).len == 0 || holds(request.host, "1") ||
              target_host(request.host).len == strlen("localhost"));
    request.local = false;
    check(guard_judge(&open, &request) == GUARD_FOREIGN);
    return 0;
}
