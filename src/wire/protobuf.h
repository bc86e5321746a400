/* Protocol Buffers wire format by cursor: varints, tags, skipping. Source: protobuf encoding spec.
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

/* A varint of more than ten bytes fails the cursor. */
uint64_t pb_varint_slow(struct cursor *c);

static inline uint64_t pb_varint(struct cursor *c)
{
    if (__builtin_expect(c->pos < c->end && *c->pos < 0x80, 1))
        return *c->pos++;
    return pb_varint_slow(c);
}

/* A tag: field number (from 1) and wire type. 0, and a failed cursor, for what is none. */
uint32_t pb_tag(struct cursor *c);

/* Passes over one field's value; groups are followed to their end, to a bounded depth. */
void pb_skip(struct cursor *c, uint32_t tag);

void pb_put_varint(struct buf *b, uint64_t value);
void pb_put_tag(struct buf *b, uint32_t field, enum pb_wire wire);
void pb_put_bytes(struct buf *b, uint32_t field, struct span bytes);
void pb_put_fixed32(struct buf *b, uint32_t field, uint32_t value);

#endif
