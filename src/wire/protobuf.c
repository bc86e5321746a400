#include "wire/protobuf.h"

enum { GROUP_DEPTH_MAX = 32 };

struct pb_varint_end pb_varint_slow(const uint8_t *pos, const uint8_t *end)
{
    struct pb_varint_end read = {0};
    for (unsigned i = 0; i < PB_VARINT_MAX && pos < end; i++) {
        uint8_t byte = *pos++;
        read.value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            read.pos = pos;
            break;
        }
    }
    return read;
}

static void skip_plain(struct cursor *c, uint32_t tag)
{
    switch (tag & 7) {
    case PB_VARINT:
        pb_varint(c);
        break;
    case PB_FIXED64:
        cursor_take(c, 8);
        break;
    case PB_BYTES:
        pb_bytes(c);
        break;
    case PB_FIXED32:
        cursor_take(c, 4);
        break;
    default:
        cursor_fail(c);
    }
}

/* Groups nest; the numbers of those that are open are kept, so that each end meets its start. */
void pb_skip(struct cursor *c, uint32_t tag)
{
    uint32_t open[GROUP_DEPTH_MAX];
    unsigned depth = 0;
    for (;;) {
        if ((tag & 7) == PB_GROUP && depth < GROUP_DEPTH_MAX)
            open[depth++] = tag >> 3;
        else if ((tag & 7) == PB_ENDGROUP && depth > 0 && open[depth - 1] == tag >> 3)
            depth--;
        else
            skip_plain(c, tag);
        if (depth == 0 || c->failed)
            return;
        tag = pb_tag(c);
        if (c->failed)
            return;
    }
}

void pb_put_varint(struct buf *b, uint64_t value)
{
    char *p = buf_reserve(b, PB_VARINT_MAX);
    if (!p)
        return;
    for (; value >= 0x80; value >>= 7)
        *p++ = (char)(value | 0x80);
    *p++ = (char)value;
    buf_commit(b, p);
}

void pb_put_tag(struct buf *b, uint32_t field, enum pb_wire wire)
{
    pb_put_varint(b, field << 3 | wire);
}

void pb_put_bytes(struct buf *b, uint32_t field, struct span bytes)
{
    pb_put_tag(b, field, PB_BYTES);
    pb_put_varint(b, bytes.len);
    buf_put(b, bytes.ptr, bytes.len);
}

void pb_put_fixed32(struct buf *b, uint32_t field, uint32_t value)
{
    pb_put_tag(b, field, PB_FIXED32);
    buf_put(b, &value, sizeof value); /* little-endian, as the machine (cursor.h) */
}
