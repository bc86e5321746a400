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

bool receiver_scope_open(const struct api_request *request, struct api_reply *reply,
                         struct receiver_scope *scope)
{
    struct api_scope asked = {.side = STATS_CLIENT};
    if (!request->context->compat && !api_scope(request, reply, &asked))
        return false;
    const struct stats_snapshot *snapshot = api_snapshot(request->context, asked.window, reply);
    if (!snapshot)
        return false;
    struct span name = api_parameter(request, "stream");
    int found = name.ptr ? stats_snapshot_find(snapshot, name) : STATS_ALL;
    *scope = (struct receiver_scope){.name = name,
                                     .known = found != STATS_ALL || !name.ptr,
                                     .snapshot = snapshot,
                                     .stream = stats_snapshot_at(snapshot, found, asked.side)};
    scope->asked = (struct stats_scope){
        .stream = scope->stream->id, .side = asked.side, .window = asked.window};
    return true;
}

void receiver_scope_close(struct receiver_scope *scope)
{
    stats_release(scope->snapshot);
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
