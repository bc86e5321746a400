/* Replies that say what went wrong, and waking who sends one without end. */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "http/json.h"
#include "http/route.h"

void http_fail(struct http_reply *reply, unsigned status, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_free(&reply->body);
    *reply = (struct http_reply){.status = status};
    struct json j = json_begin(&reply->body);
    json_object(&j);
    json_put_text(&j, "error", span_str(text));
    json_object_end(&j);
}

/* Reading the pointer here and setting it where sending begins are both read-modify-writes: either
 * the caller sees the waiter, or the waiter's first read sees what the caller has put. */
void http_stream_wake(struct http_stream *stream)
{
    struct http_waiter *waiter = atomic_fetch_add(&stream->waiter, 0);
    if (waiter)
        waiter->wake(waiter);
}

bool http_path_is_native(struct span path)
{
    size_t len = strlen(HTTP_API_ROOT);
    return path.len >= len && memcmp(path.ptr, HTTP_API_ROOT, len) == 0 &&
           (path.len == len || path.ptr[len] == '/');
}

#define REFUSAL(code, phrase, why)                                                                 \
    {                                                                                              \
        code, #code ": " phrase "\n", "{\"error\":\"" why "\"}"                                    \
    }
static const struct {
    unsigned status;
    const char *line, *json;
} refusals[] = {
    REFUSAL(400, "Bad Request",
            "the header Host must be there once, as a name or an address with or without a port, "
            "and no header may have a NUL in it"),
    REFUSAL(401, "Unauthorized", "credentials are missing or wrong"),
    REFUSAL(403, "Forbidden",
            "not allowed from there: without credentials only this machine may ask, by a name of "
            "loopback, and no page of another site may change anything"),
    REFUSAL(404, "Not Found",
            "there is no such path; " HTTP_API_ROOT " lists those that there are"),
    REFUSAL(405, "Method Not Allowed", "this path does not take that method; see the header Allow"),
    REFUSAL(413, "Content Too Large", "no path takes a request with a body"),
    REFUSAL(503, "Service Unavailable",
            "no memory for the reply, or too many replies wait for their readers"),
};

void http_refuse(struct http_reply *reply, unsigned status, enum http_manner manner)
{
    size_t i = 0;
    while (refusals[i].status != status)
        i++;
    *reply = (struct http_reply){.status = status};
    reply->fixed = span_str(manner == MANNER_JSON ? refusals[i].json : refusals[i].line);
    reply->fixed.len -= manner == MANNER_BARE;
    reply->content_type = manner == MANNER_JSON ? NULL : "text/plain; charset=utf-8";
}
