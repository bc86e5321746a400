#include "history/squeeze.h"

#include <pthread.h>
#include <zstd.h>

#include "history/counts.h"

enum { LEVEL = 1 }; /* a part of ten seconds has dozens of lists */

/* A thread's own, kept until it ends: to make one takes ten times as long as what is done with it,
 * since most of what is compressed is short. */
struct contexts {
    ZSTD_CCtx *in;
    ZSTD_DCtx *out;
};

static _Thread_local struct contexts contexts;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_end;
static int no_key;

static void contexts_free(void *arg)
{
    struct contexts *c = arg;
    ZSTD_freeCCtx(c->in);
    ZSTD_freeDCtx(c->out);
    *c = (struct contexts){0};
}

static void make_key(void)
{
    no_key = pthread_key_create(&at_end, contexts_free);
}

/* This thread's, each NULL when memory is short. */
static const struct contexts *contexts_get(void)
{
    struct contexts *c = &contexts;
    pthread_once(&once, make_key);
    if (no_key || pthread_setspecific(at_end, c) != 0)
        return c;
    if (!c->in)
        c->in = ZSTD_createCCtx();
    if (!c->out)
        c->out = ZSTD_createDCtx();
    return c;
}

void squeeze(struct buf *out, struct span bytes)
{
    ZSTD_CCtx *context = contexts_get()->in;
    size_t room = ZSTD_compressBound(bytes.len);
    char *p = context ? buf_reserve(out, room) : NULL;
    size_t len = p ? ZSTD_compressCCtx(context, p, room, bytes.ptr, bytes.len, LEVEL) : 0;
    if (!context || (p && ZSTD_isError(len)))
        out->failed = true;
    else if (p)
        buf_commit(out, p + len);
}

int unsqueeze(struct buf *out, struct span bytes, size_t max)
{
    ZSTD_DCtx *context = contexts_get()->out;
    unsigned long long len = ZSTD_getFrameContentSize(bytes.ptr, bytes.len);
    if (len > max) /* unknown and error are the largest numbers there are */
        return READ_DAMAGED;
    char *p = context ? buf_reserve(out, len ? len : 1) : NULL;
    if (!p)
        return READ_NO_MEMORY;
    if (ZSTD_decompressDCtx(context, p, len, bytes.ptr, bytes.len) != len)
        return READ_DAMAGED;
    buf_commit(out, p + len);
    return 0;
}
