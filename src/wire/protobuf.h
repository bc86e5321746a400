/*
 * Protocol Buffers wire format by cursor: varints, tags, skipping. Source: the encoding page of the
 * protobuf documentation. A tag and a length are varints of at most five bytes, as the reference
 * implementation has it.
 */
#ifndef SPILE_WIRE_PROTOBUF_H
#define SPILE_WIRE_PROTOBUF_H

#include "base/buf.h"
#include "base/cursor.h"

enum pb_wire {
    PB_VARINT = 0,
    PB_FIXED64 = 1,
    PB_BYTES = 2,
    PB_GROUP = 3,
    PB_ENDGROUP = 4,
    PB_FIXED32 = 5
};

enum { PB_VARINT_MAX = 10, PB_WORD_MAX = 5 /* bytes of a tag, of a length, of today's seconds */ };

/* Any varint. By value: no pointer to the caller's cursor, so that it can stay in registers. */
struct pb_varint_end {
    uint64_t value;
    const uint8_t *pos; /* behind the varint; NULL when it is cut or of more than ten bytes */
};
struct pb_varint_end pb_varint_slow(const uint8_t *pos, const uint8_t *end);

/* A varint of more than ten bytes fails the cursor; bits past the 64th are lost. */
static inline uint64_t pb_varint(struct cursor *c)
{
    if (__builtin_expect(cursor_left(c) >= PB_WORD_MAX, 1)) {
        uint64_t value = 0;
#pragma GCC unroll 5
        for (unsigned i = 0; i < PB_WORD_MAX; i++) {
            uint64_t byte = c->pos[i];
            value |= (byte & 0x7f) << (7 * i);
            if (byte < 0x80) {
                c->pos += i + 1;
                return value;
            }
        }
    }
    struct pb_varint_end read = pb_varint_slow(c->pos, c->end);
    if (!read.pos) {
        cursor_fail(c);
        return 0;
    }
    c->pos = read.pos;
    return read.value;
}

/* A varint of at most five bytes: up to 35 bits. */
static inline uint64_t pb_word(struct cursor *c)
{
    const uint8_t *start = c->pos;
    uint64_t value = pb_varint(c);
    if (c->pos - start > PB_WORD_MAX)
        cursor_fail(c);
    return value;
}

/* A tag: field number (from 1) times 8, and wire type. 0, and a failed cursor, when it is
 * malformed. */
static inline uint32_t pb_tag(struct cursor *c)
{
    uint64_t tag = pb_word(c);
    if (tag > UINT32_MAX || tag >> 3 == 0)
        cursor_fail(c);
    return c->failed ? 0 : (uint32_t)tag;
}

/* A length and that many bytes. */
static inline struct span pb_bytes(struct cursor *c)
{
    return cursor_take(c, pb_word(c));
}

/* Passes over the value of the field with that tag. Groups are passed to their end; a value that is
 * cut, or groups nested too deep, fail the cursor. */
void pb_skip(struct cursor *c, uint32_t tag);

void pb_put_varint(struct buf *b, uint64_t value);
void pb_put_tag(struct buf *b, uint32_t field, enum pb_wire wire);
void pb_put_bytes(struct buf *b, uint32_t field, struct span bytes);
void pb_put_fixed32(struct buf *b, uint32_t field, uint32_t value);

#endif
