/*
 * Replies as dnstap-receiver 4.7.0 writes them: the JSON of Python's json.dumps, key by key in its
 * order, no line end.
 */
#ifndef SPILE_COMPAT_RECEIVER_REPLY_H
#define SPILE_COMPAT_RECEIVER_REPLY_H

#include "api/scope.h"

/* A string, quotes included. */
void receiver_put_text(struct buf *b, struct span text);
/* ", " but before the first. */
void receiver_put_comma(struct buf *b, bool *first);
/* ", " (but before the first) and `"KEY": `. */
void receiver_put_key(struct buf *b, bool *first, struct span key);

/* Which stream a request is about, and, but under --compat, which side and window, which 4.7.0 does
 * not know. */
struct receiver_scope {
    struct span name; /* as asked; ptr NULL: not asked, all streams */
    bool known;       /* false: asked, but there is none of that name; then it is about all */
    struct stats_scope asked;
    const struct stats_snapshot *snapshot; /* of that window */
    const struct stats_stream *stream;     /* or the total */
};
/* False: the reply says why. Else it is to be closed. */
bool receiver_scope_open(const struct api_request *request, struct api_reply *reply,
                         struct receiver_scope *scope);
void receiver_scope_close(struct receiver_scope *scope);

#define RECEIVER_SCOPE_PARAMETERS                                                                  \
    {"side", "string", "client or upstream, client if not given; not under --compat"},             \
    {                                                                                              \
        "window", "string", "1m, 5m, 1h, 1d or all, all if not given; not under --compat"          \
    }
/* `{"stream": NAME OR null, "KEY": {` */
void receiver_put_scope(struct buf *b, const struct receiver_scope *scope, const char *key);

#endif
