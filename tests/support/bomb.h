/* A message that asks for more than its bytes are worth: records whose names are pointers to a long
 * name of control bytes, each of which becomes five bytes of JSON. For test programs of one file.
 */
#ifndef SPILE_TESTS_BOMB_H
#define SPILE_TESTS_BOMB_H

#include "base/buf.h"
#include "base/cursor.h"
#include "bytes.h"

enum { BOMB_RECORD = 2 + 10 + 4, BOMB_MAX = 65535 };

static inline void bomb_u16(struct buf *out, size_t value)
{
    uint8_t bytes[2];
    store_be16(bytes, (uint16_t)value);
    buf_put(out, bytes, sizeof bytes);
}

/* A response with `answers` records of that type (two names of data: RP, MINFO) of which owner and
 * data point to the question's name. The caller frees it. */
static inline struct buf bomb_new(unsigned answers, uint16_t type)
{
    struct buf out = {0};
    struct span flags = BYTES("\x12\x34\x84\x00\x00\x01");
    buf_put(&out, flags.ptr, flags.len);
    bomb_u16(&out, answers);
    bomb_u16(&out, 0);
    bomb_u16(&out, 0);
    for (unsigned len = 0; len < 253; len += 64) {
        unsigned label = len + 64 < 253 ? 63 : 253 - len - 1;
        buf_byte(&out, (uint8_t)label);
        for (unsigned i = 0; i < label; i++)
            buf_byte(&out, 1);
    }
    buf_byte(&out, 0);
    bomb_u16(&out, type);
    bomb_u16(&out, 1);
    for (unsigned i = 0; i < answers; i++) {
        struct span fixed = BYTES("\0\1\0\0\1\0\0\4\xc0\x0c\xc0\x0c");
        bomb_u16(&out, 0xc00c);
        bomb_u16(&out, type);
        buf_put(&out, fixed.ptr, fixed.len);
    }
    return out;
}

#endif
