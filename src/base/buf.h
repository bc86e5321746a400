/*
 * A growing byte buffer with a sticky out-of-memory mark.
 *
 * Hot writers reserve the most they can need, write through a plain pointer, and commit where they
 * stopped: one check for many bytes. A failed reservation hands out NULL and marks the buffer; the
 * owner drops what was written since its last mark and counts the loss.
 */
#ifndef SPILE_BASE_BUF_H
#define SPILE_BASE_BUF_H

#include "base/span.h"

/* Owner: one thread. `data` is malloc'ed and freed by buf_free. */
struct buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    bool failed;
};

/* Cold path of buf_reserve: NULL when memory is short; the bytes so far stay as they are. */
uint8_t *buf_grow(struct buf *b, size_t need);
void buf_free(struct buf *b);
/* Gives back memory beyond what is written, and beyond `keep` bytes. */
void buf_trim(struct buf *b, size_t keep);

/* At least `need` writable bytes behind what is there, or NULL. */
static inline char *buf_reserve(struct buf *b, size_t need)
{
    if (__builtin_expect(b->cap - b->len >= need, 1))
        return (char *)b->data + b->len;
    return (char *)buf_grow(b, need);
}

/* Ends a write begun by buf_reserve: everything before `end` now belongs to the buffer. */
static inline void buf_commit(struct buf *b, const char *end)
{
    b->len = (size_t)((const uint8_t *)end - b->data);
}

static inline void buf_put(struct buf *b, const void *bytes, size_t len)
{
    char *p = len ? buf_reserve(b, len) : NULL;
    if (p) {
        memcpy(p, bytes, len);
        b->len += len;
    }
}

static inline void buf_str(struct buf *b, const char *text)
{
    buf_put(b, text, strlen(text));
}

static inline void buf_byte(struct buf *b, uint8_t byte)
{
    buf_put(b, &byte, 1);
}

/* printf into the buffer: for cold paths only. */
__attribute__((format(printf, 2, 3))) void buf_printf(struct buf *b, const char *format, ...);

static inline struct span buf_span(const struct buf *b)
{
    return span_of(b->data, b->len);
}

#endif
