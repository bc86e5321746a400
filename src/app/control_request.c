#include "app/control_request.h"

#include <string.h>

#include "api/route.h"
#include "base/number.h"

static const char length_key[] = "Content-Length: ";

static enum control_progress wrong(struct error *err, const char *text)
{
    error_set(err, "%s", text);
    return CONTROL_WRONG;
}

static bool is_visible(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    }
    return len > 0;
}

/* "GET /api/v1/status?x=y", of which nothing is changed. */
static bool is_first_line(const char *line, size_t len)
{
    const char *space = memchr(line, ' ', len);
    size_t method = space ? (size_t)(space - line) : 0;
    return method > 0 && is_visible(line, method) && len > method + 1 && space[1] == '/' &&
           is_visible(space + 1, len - method - 1);
}

static bool read_length(const char *line, size_t len, uint64_t *length)
{
    size_t key = sizeof length_key - 1;
    return len > key && memcmp(line, length_key, key) == 0 &&
           number_parse(span_of(line + key, len - key), API_BODY_MAX, length);
}

static void cut(struct control_request *request, char *line, size_t len)
{
    char *space = memchr(line, ' ', len);
    char *mark = memchr(space, '?', len - (size_t)(space - line));
    line[len] = *space = '\0';
    request->method = line;
    request->path = space + 1;
    request->query = mark ? mark + 1 : line + len;
    request->query_len = (size_t)(line + len - request->query);
    if (mark)
        *mark = '\0';
}

enum control_progress control_request_read(struct control_request *request, char *text, size_t len,
                                           struct error *err)
{
    static const char too_long[] = "the request's head is too long";
    size_t look = len < CONTROL_HEAD_MAX ? len : CONTROL_HEAD_MAX;
    const char *end = memmem(text, look, "\n\n", 2);
    if (!end)
        return len < CONTROL_HEAD_MAX ? CONTROL_MORE : wrong(err, too_long);
    size_t head = (size_t)(end - text) + 2;
    size_t line = (size_t)((char *)memchr(text, '\n', head) - text);
    uint64_t length = 0;
    if (!is_first_line(text, line))
        return wrong(err, "the first line is not METHOD and TARGET");
    if (line + 2 < head && !read_length(text + line + 1, head - line - 3, &length))
        return wrong(err, "the second line is not Content-Length, or the body is too long");
    if (len - head < length)
        return CONTROL_MORE;
    *request = (struct control_request){0};
    cut(request, text, line);
    if (length > 0)
        request->body = span_of(text + head, (size_t)length);
    return CONTROL_WHOLE;
}
