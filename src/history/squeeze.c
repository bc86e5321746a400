#include "history/squeeze.h"

#include <zstd.h>

#include "history/counts.h"

enum { LEVEL = 3 };

void squeeze(struct buf *out, struct span bytes)
{
    size_t room = ZSTD_compressBound(bytes.len);
    char *p = buf_reserve(out, room);
    size_t len = p ? ZSTD_compress(p, room, bytes.ptr, bytes.len, LEVEL) : 0;
    if (p && ZSTD_isError(len))
        out->failed = true;
    else if (p)
        buf_commit(out, p + len);
}

int unsqueeze(struct buf *out, struct span bytes, size_t max)
{
    unsigned long long len = ZSTD_getFrameContentSize(bytes.ptr, bytes.len);
    if (len > max) /* unknown and error are the largest numbers there are */
        return READ_DAMAGED;
    char *p = buf_reserve(out, len ? len : 1);
    if (!p)
        return READ_NO_MEMORY;
    if (ZSTD_decompress(p, len, bytes.ptr, bytes.len) != len)
        return READ_DAMAGED;
    buf_commit(out, p + len);
    return 0;
}
