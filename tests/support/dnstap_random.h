/*
 * Random protobuf messages that look like dnstap: mostly known fields with their own wire type, in
 * any order, some twice, some unknown, some of another wire type, now and then a group. For tests.
 */
#ifndef SPILE_TESTS_DNSTAP_RANDOM_H
#define SPILE_TESTS_DNSTAP_RANDOM_H

#include "random.h"
#include "wire/protobuf.h"

enum dnstap_random_level { LEVEL_DNSTAP, LEVEL_MESSAGE, LEVEL_POLICY, LEVELS };

/* Wire type by field number; '-' is no field, 'm' the message of the next level. */
static const char *const dnstap_random_wires[LEVELS] = {
    [LEVEL_DNSTAP] = "-222----------m0",
    [LEVEL_MESSAGE] = "-00022000522052m0",
    [LEVEL_POLICY] = "-22002",
};

static inline void dnstap_random_fields(struct random *r, int level, struct buf *out);

static inline void dnstap_random_bytes(struct random *r, uint32_t field, struct buf *out)
{
    uint8_t bytes[200];
    size_t len = random_below(r, 8) ? random_below(r, 20) : random_below(r, sizeof bytes);
    random_bytes(r, bytes, len);
    pb_put_bytes(out, field, span_of(bytes, len));
}

static inline void dnstap_random_nested(struct random *r, uint32_t field, int level,
                                        struct buf *out)
{
    struct buf inside = {0};
    dnstap_random_fields(r, level, &inside);
    pb_put_bytes(out, field, buf_span(&inside));
    buf_free(&inside);
}

static inline void dnstap_random_value(struct random *r, uint32_t field, char wire, int level,
                                       struct buf *out)
{
    uint64_t value = random_magnitude(r);
    switch (wire) {
    case '0':
        pb_put_tag(out, field, PB_VARINT);
        pb_put_varint(out, random_below(r, 4) ? value % 20 : value);
        break;
    case '1':
        pb_put_tag(out, field, PB_FIXED64);
        buf_put(out, &value, 8);
        break;
    case '2':
        dnstap_random_bytes(r, field, out);
        break;
    case '3':
        pb_put_tag(out, field, PB_GROUP);
        dnstap_random_bytes(r, 1, out);
        pb_put_tag(out, field, PB_ENDGROUP);
        break;
    case '5':
        pb_put_fixed32(out, field, (uint32_t)value);
        break;
    case 'm':
        dnstap_random_nested(r, field, level + 1, out);
        break;
    }
}

static inline void dnstap_random_one(struct random *r, int level, struct buf *out)
{
    const char *wires = dnstap_random_wires[level];
    uint32_t field = 1 + (uint32_t)random_below(r, strlen(wires) - 1);
    char wire = wires[field];
    if (wire == '-' || random_below(r, 16) == 0) {
        field = random_below(r, 2) ? field : 1 + (uint32_t)(random_magnitude(r) >> 36);
        wire = "0122550122555013"[random_below(r, 16)];
        if (wire == '2' && field < strlen(wires) && wires[field] == 'm')
            wire = 'm'; /* not a message of noise */
    }
    dnstap_random_value(r, field, wire, level, out);
}

/* The fields of one level: the required ones first, nearly always. */
static inline void dnstap_random_fields(struct random *r, int level, struct buf *out)
{
    if (level < LEVEL_POLICY && random_below(r, 16))
        dnstap_random_value(r, level == LEVEL_DNSTAP ? 15 : 1, '0', level, out);
    for (size_t n = random_below(r, level == LEVEL_MESSAGE ? 16 : 6); n > 0; n--)
        dnstap_random_one(r, level, out);
}

/* One of the things that happen to bytes on their way. `bytes` has room for one more. */
static inline size_t random_damage(struct random *r, uint8_t *bytes, size_t len)
{
    size_t at = len ? random_below(r, len) : 0;
    switch (random_below(r, len ? 5 : 1)) {
    case 0: /* one more */
        memmove(bytes + at + 1, bytes + at, len - at);
        bytes[at] = (uint8_t)random_u64(r);
        return len + 1;
    case 1: /* one less */
        memmove(bytes + at, bytes + at + 1, len - at - 1);
        return len - 1;
    case 2: /* one bit */
        bytes[at] ^= (uint8_t)(1 << random_below(r, 8));
        return len;
    case 3: /* one byte */
        bytes[at] = (uint8_t)random_u64(r);
        return len;
    default: /* the end */
        return random_below(r, 8) ? len : at;
    }
}

#endif
