/* What comes on the control socket, in pieces as it may: it is one request or none, wherever it is
 * cut; all parts lie in it, and none overlap. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/control_request.h"
#include "fuzz.h"

/* Reads the first `len` bytes, from a copy in *space, which is the caller's to free. */
static enum control_progress read_part(const uint8_t *bytes, size_t len, char **space,
                                       struct control_request *request)
{
    struct error err;
    *space = malloc(len + 1);
    if (!*space)
        abort();
    memcpy(*space, bytes, len);
    return control_request_read(request, *space, len, &err);
}

static void check_whole(const struct control_request *request, const char *text, size_t len)
{
    const char *end = text + len;
    size_t method = strlen(request->method), path = strlen(request->path);
    assert(request->method == text && method > 0);
    assert(request->path == text + method + 1 && request->path[0] == '/');
    assert(request->query >= request->path + path);
    assert(request->query + request->query_len < end);
    assert(!request->body.ptr ||
           ((const char *)request->body.ptr > request->query + request->query_len &&
            (const char *)request->body.ptr + request->body.len <= end));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct control_request request, part;
    char *text, *less;
    enum control_progress progress = read_part(bytes, len, &text, &request);
    if (progress == CONTROL_WHOLE)
        check_whole(&request, text, len);
    else if (progress == CONTROL_MORE)
        assert(memcmp(text, bytes, len) == 0);
    /* What is short of this is not whole where this is not, and not wrong where this is right. */
    enum control_progress before = read_part(bytes, len / 2, &less, &part);
    assert(before != CONTROL_WHOLE || progress == CONTROL_WHOLE);
    assert(before != CONTROL_WRONG || progress == CONTROL_WRONG);
    free(text);
    free(less);
    return 0;
}
