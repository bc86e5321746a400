/* Replies that say what went wrong, and waking who sends one without end. */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "api/route.h"
#include "base/json.h"

void api_fail(struct api_reply *reply, unsigned status, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_free(&reply->body);
    *reply = (struct api_reply){.status = status};
    struct json j = json_begin(&reply->body);
    json_object(&j);
    json_put_text(&j, "error", span_str(text));
    json_object_end(&j);
}

/* Reading the pointer here and setting it where sending begins are both read-modify-writes: either
 * the caller sees the waiter, or the waiter's first read sees what the caller has put. */
void api_endless_wake(struct api_endless *stream)
{
    struct api_waiter *waiter = atomic_fetch_add(&stream->waiter, 0);
    if (waiter)
        waiter->wake(waiter);
}
