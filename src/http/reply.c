/* Replies that say what went wrong. */
#include <stdarg.h>
#include <stdio.h>

#include "http/json.h"
#include "http/route.h"

void http_fail(struct http_reply *reply, unsigned status, const char *format, ...)
{
    char text[512];
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
