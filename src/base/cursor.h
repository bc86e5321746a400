/*
 * A bounded reading position with a sticky error.
 *
 * Every parser of untrusted bytes reads through a cursor: a read past the end returns zero, marks
 * the cursor as failed and moves it to its end, so a parser may read a whole record and ask once,
 * at the end, whether it was all there. Every length that was read makes a sub-cursor.
 */
#ifndef SPILE_BASE_CURSOR_H
#define SPILE_BASE_CURSOR_H

#include <endian.h>

#include "base/span.h"

/* Owner: the stack of one function. Borrows the bytes. */
struct cursor {
    const uint8_t *pos;
    const uint8_t *end;
    bool failed;
};

static inline struct cursor cursor_of(struct span bytes)
{
    return (struct cursor){.pos = bytes.ptr, .end = bytes.ptr ? bytes.ptr + bytes.len : NULL};
}

static inline size_t cursor_left(const struct cursor *c)
{
    return (size_t)(c->end - c->pos);
}

static inline void cursor_fail(struct cursor *c)
{
    c->failed = true;
    c->pos = c->end;
}

/* True when `want` bytes are there; otherwise marks the cursor as failed. */
static inline bool cursor_has(struct cursor *c, uint64_t want)
{
    if (__builtin_expect(want <= cursor_left(c), 1))
        return true;
    cursor_fail(c);
    return false;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
    return cursor_has(c, 1) ? *c->pos++ : 0;
}

static inline uint16_t load_be16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return be16toh(v);
}

static inline uint32_t load_be32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return be32toh(v);
}

static inline uint64_t load_be64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return be64toh(v);
}

static inline uint32_t load_le32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return le32toh(v);
}

static inline uint64_t load_le64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return le64toh(v);
}

static inline void store_be16(uint8_t *p, uint16_t v)
{
    v = htobe16(v);
    memcpy(p, &v, sizeof v);
}

static inline void store_be32(uint8_t *p, uint32_t v)
{
    v = htobe32(v);
    memcpy(p, &v, sizeof v);
}

static inline uint16_t cursor_be16(struct cursor *c)
{
    if (!cursor_has(c, 2))
        return 0;
    c->pos += 2;
    return load_be16(c->pos - 2);
}

static inline uint32_t cursor_be32(struct cursor *c)
{
    if (!cursor_has(c, 4))
        return 0;
    c->pos += 4;
    return load_be32(c->pos - 4);
}

static inline uint64_t cursor_be64(struct cursor *c)
{
    if (!cursor_has(c, 8))
        return 0;
    c->pos += 8;
    return load_be64(c->pos - 8);
}

static inline uint32_t cursor_le32(struct cursor *c)
{
    if (!cursor_has(c, 4))
        return 0;
    c->pos += 4;
    return load_le32(c->pos - 4);
}

/* The next `len` bytes, or an absent span and a failed cursor. */
static inline struct span cursor_take(struct cursor *c, uint64_t len)
{
    if (!cursor_has(c, len))
        return (struct span){0};
    c->pos += len;
    return span_of(c->pos - len, (size_t)len);
}

static inline struct cursor cursor_sub(struct cursor *c, uint64_t len)
{
    struct cursor sub = cursor_of(cursor_take(c, len));
    sub.failed = c->failed;
    return sub;
}

static inline struct span cursor_rest(struct cursor *c)
{
    return cursor_take(c, cursor_left(c));
}

#endif
