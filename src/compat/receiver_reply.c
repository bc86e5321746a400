#include "compat/receiver_reply.h"

#include "base/put.h"
#include "compat/pyjson.h"

void receiver_put_text(struct buf *b, struct span text)
{
    char *p = buf_reserve(b, PYJSON_MAX * text.len + 2);
    if (p)
        buf_commit(b, put_char(pyjson_put(put_char(p, '"'), text), '"'));
}

void receiver_put_comma(struct buf *b, bool *first)
{
    if (!*first)
        buf_str(b, ", ");
    *first = false;
}

void receiver_put_key(struct buf *b, bool *first, struct span key)
{
    receiver_put_comma(b, first);
    receiver_put_text(b, key);
    buf_str(b, ": ");
}

struct receiver_scope receiver_scope_of(const struct http_request *request,
                                        const struct stats_snapshot *snapshot)
{
    struct receiver_scope scope = {.name = request->parameter(request, "stream")};
    int found = scope.name.ptr ? stats_snapshot_find(snapshot, scope.name) : STATS_ALL;
    scope.stream = stats_snapshot_at(snapshot, found, STATS_CLIENT);
    scope.known = found != STATS_ALL || !scope.name.ptr;
    scope.asked.stream = scope.stream->id;
    return scope;
}

void receiver_put_scope(struct buf *b, const struct receiver_scope *scope, const char *key)
{
    buf_str(b, "{\"stream\": ");
    if (scope->name.ptr)
        receiver_put_text(b, scope->name);
    else
        buf_str(b, "null");
    buf_printf(b, ", \"%s\": {", key);
}
