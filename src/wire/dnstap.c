/*
 * dnstap by table. One row a field serves three ways: the walk that expects fields in the order of
 * their numbers, as every known sender writes them (the compiler unrolls it, so that a row costs a
 * compare and a load); the loop behind it, which takes fields in any order; and the encoder.
 */
#include "wire/dnstap.h"

#include "wire/protobuf.h"

enum kind { KIND_U32, KIND_U64, KIND_FIXED32, KIND_BYTES };

struct row {
    uint8_t number;
    uint8_t kind;
    uint16_t offset;
    uint32_t bit;
};

#define ROW(holder, number, kind, member, bit)                                                     \
    {                                                                                              \
        number, kind, offsetof(struct holder, member), bit                                         \
    }

/* Of Dnstap. The message itself (field 14) is not in the table: it is walked, not stored. */
enum { FIELD_MESSAGE = 14 };
static const struct row outer_rows[] = {
    ROW(dnstap, 1, KIND_BYTES, identity, DNSTAP_HAS_IDENTITY),
    ROW(dnstap, 2, KIND_BYTES, version, DNSTAP_HAS_VERSION),
    ROW(dnstap, 3, KIND_BYTES, extra, DNSTAP_HAS_EXTRA),
    ROW(dnstap, 15, KIND_U32, type, DNSTAP_HAS_TYPE),
};

static const struct row message_rows[] = {
    ROW(dnstap, 1, KIND_U32, message_type, DNSTAP_HAS_MESSAGE_TYPE),
    ROW(dnstap, 2, KIND_U32, family, DNSTAP_HAS_FAMILY),
    ROW(dnstap, 3, KIND_U32, protocol, DNSTAP_HAS_PROTOCOL),
    ROW(dnstap, 4, KIND_BYTES, query_address, DNSTAP_HAS_QUERY_ADDRESS),
    ROW(dnstap, 5, KIND_BYTES, response_address, DNSTAP_HAS_RESPONSE_ADDRESS),
    ROW(dnstap, 6, KIND_U32, query_port, DNSTAP_HAS_QUERY_PORT),
    ROW(dnstap, 7, KIND_U32, response_port, DNSTAP_HAS_RESPONSE_PORT),
    ROW(dnstap, 8, KIND_U64, query_sec, DNSTAP_HAS_QUERY_SEC),
    ROW(dnstap, 9, KIND_FIXED32, query_nsec, DNSTAP_HAS_QUERY_NSEC),
    ROW(dnstap, 10, KIND_BYTES, query_message, DNSTAP_HAS_QUERY_MESSAGE),
    ROW(dnstap, 11, KIND_BYTES, query_zone, DNSTAP_HAS_QUERY_ZONE),
    ROW(dnstap, 12, KIND_U64, response_sec, DNSTAP_HAS_RESPONSE_SEC),
    ROW(dnstap, 13, KIND_FIXED32, response_nsec, DNSTAP_HAS_RESPONSE_NSEC),
    ROW(dnstap, 14, KIND_BYTES, response_message, DNSTAP_HAS_RESPONSE_MESSAGE),
    ROW(dnstap, 15, KIND_BYTES, policy, DNSTAP_HAS_POLICY),
    ROW(dnstap, 16, KIND_U32, http_protocol, DNSTAP_HAS_HTTP_PROTOCOL),
};

static const struct row policy_rows[] = {
    ROW(dnstap_policy, 1, KIND_BYTES, type, DNSTAP_POLICY_HAS_TYPE),
    ROW(dnstap_policy, 2, KIND_BYTES, rule, DNSTAP_POLICY_HAS_RULE),
    ROW(dnstap_policy, 3, KIND_U32, action, DNSTAP_POLICY_HAS_ACTION),
    ROW(dnstap_policy, 4, KIND_U32, match, DNSTAP_POLICY_HAS_MATCH),
    ROW(dnstap_policy, 5, KIND_BYTES, value, DNSTAP_POLICY_HAS_VALUE),
};

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

ALWAYS_INLINE uint32_t row_tag(const struct row *row)
{
    static const uint8_t wires[] = {[KIND_U32] = PB_VARINT,
                                    [KIND_U64] = PB_VARINT,
                                    [KIND_FIXED32] = PB_FIXED32,
                                    [KIND_BYTES] = PB_BYTES};
    return (uint32_t)row->number << 3 | wires[row->kind];
}

/* Stores the value at the cursor where the row says. */
ALWAYS_INLINE void store(struct cursor *c, const struct row *row, void *base, uint32_t *has)
{
    char *place = (char *)base + row->offset;
    *has |= row->bit;
    switch ((enum kind)row->kind) {
    case KIND_U32: /* of more bits the lower 32 count, as protobuf has it */
        *(uint32_t *)place = (uint32_t)pb_varint(c);
        break;
    case KIND_U64:
        *(uint64_t *)place = pb_varint(c);
        break;
    case KIND_FIXED32:
        *(uint32_t *)place = cursor_le32(c);
        break;
    case KIND_BYTES:
        *(struct span *)place = cursor_take(c, pb_varint(c));
        break;
    }
}

/* Takes fields that come in the order of the rows, as far as they do. */
ALWAYS_INLINE void walk_in_order(struct cursor *c, const struct row *rows, size_t count, void *base,
                                 uint32_t *has)
{
    UNROLL
    for (size_t i = 0; i < count; i++) {
        uint32_t tag = row_tag(&rows[i]);
        if (tag < 0x80 && c->pos < c->end && *c->pos == tag) {
            c->pos++;
            store(c, &rows[i], base, has);
        }
    }
}

static const struct row *row_of(const struct row *rows, size_t count, uint32_t tag)
{
    for (size_t i = 0; i < count; i++) {
        if (row_tag(&rows[i]) == tag)
            return &rows[i];
    }
    return NULL;
}

/* Takes what is left, in any order. A known field of another wire type is an unknown one. */
static void walk_any_order(struct cursor *c, const struct row *rows, size_t count, void *base,
                           uint32_t *has, uint32_t unknown)
{
    while (c->pos < c->end) {
        uint32_t tag = pb_tag(c);
        if (c->failed)
            return;
        const struct row *row = row_of(rows, count, tag);
        if (row) {
            store(c, row, base, has);
        } else {
            pb_skip(c, tag);
            *has |= unknown;
        }
    }
}

static bool decode_message(struct cursor message, struct dnstap *tap)
{
    walk_in_order(&message, message_rows, COUNT(message_rows), tap, &tap->has);
    if (message.pos < message.end)
        walk_any_order(&message, message_rows, COUNT(message_rows), tap, &tap->has,
                       DNSTAP_HAS_UNKNOWN);
    return !message.failed;
}

int dnstap_decode(struct span frame, struct dnstap *tap)
{
    const uint32_t message_tag = FIELD_MESSAGE << 3 | PB_BYTES;
    struct cursor c = cursor_of(frame);
    *tap = (struct dnstap){0};
    walk_in_order(&c, outer_rows, 3, tap, &tap->has);
    while (c.pos < c.end) {
        uint32_t tag = pb_tag(&c);
        const struct row *row;
        if (c.failed)
            return -1;
        if (tag == message_tag) {
            tap->has |= DNSTAP_HAS_MESSAGE;
            if (!decode_message(cursor_sub(&c, pb_varint(&c)), tap))
                return -1;
        } else if ((row = row_of(outer_rows, COUNT(outer_rows), tag))) {
            store(&c, row, tap, &tap->has);
        } else {
            pb_skip(&c, tag);
            tap->has |= DNSTAP_HAS_UNKNOWN;
        }
    }
    return c.failed ? -1 : 0;
}

int dnstap_policy_decode(struct span encoded, struct dnstap_policy *policy)
{
    struct cursor c = cursor_of(encoded);
    struct dnstap_policy decoded = {0};
    walk_any_order(&c, policy_rows, COUNT(policy_rows), &decoded, &decoded.has, 0);
    if (c.failed)
        return -1;
    *policy = decoded;
    return 0;
}

/* --- encoding ------------------------------------------------------------------------------- */

static void encode_row(const struct row *row, const void *base, uint32_t has, struct buf *out)
{
    const char *place = (const char *)base + row->offset;
    if (!(has & row->bit))
        return;
    if (row->kind == KIND_BYTES) {
        pb_put_bytes(out, row->number, *(const struct span *)place);
        return;
    }
    if (row->kind == KIND_FIXED32) {
        pb_put_fixed32(out, row->number, *(const uint32_t *)place);
        return;
    }
    pb_put_varint(out, row_tag(row));
    pb_put_varint(out, row->kind == KIND_U64 ? *(const uint64_t *)place : *(const uint32_t *)place);
}

static void encode_rows(const struct row *rows, size_t count, const void *base, uint32_t has,
                        struct buf *out)
{
    for (size_t i = 0; i < count; i++)
        encode_row(&rows[i], base, has, out);
}

static unsigned varint_len(size_t value)
{
    unsigned len = 1;
    for (; value >= 0x80; value >>= 7)
        len++;
    return len;
}

/* Puts the length in front of what was appended since `start`. */
static void prefix_length(struct buf *out, size_t start)
{
    size_t len = out->len - start;
    unsigned prefix = varint_len(len);
    if (!buf_reserve(out, prefix))
        return;
    memmove(out->data + start + prefix, out->data + start, len);
    out->len = start;
    pb_put_varint(out, len);
    out->len += len;
}

void dnstap_encode(const struct dnstap *tap, struct buf *out)
{
    encode_rows(outer_rows, COUNT(outer_rows) - 1, tap, tap->has, out);
    if (tap->has & DNSTAP_HAS_MESSAGE) {
        pb_put_tag(out, FIELD_MESSAGE, PB_BYTES);
        size_t start = out->len;
        encode_rows(message_rows, COUNT(message_rows), tap, tap->has, out);
        prefix_length(out, start);
    }
    encode_row(&outer_rows[COUNT(outer_rows) - 1], tap, tap->has, out);
}

void dnstap_policy_encode(const struct dnstap_policy *policy, struct buf *out)
{
    encode_rows(policy_rows, COUNT(policy_rows), policy, policy->has, out);
}

/* --- unknown fields ------------------------------------------------------------------------- */

/* `next` counts bytes of the frame; inside the message, the walk enters it where it stands. */
static bool unknown_in(struct span frame, size_t end, const struct row *rows, size_t count,
                       struct dnstap_unknown *walk)
{
    struct cursor c = cursor_of(span_of(frame.ptr, end));
    c.pos += walk->next;
    while (c.pos < c.end) {
        const uint8_t *start = c.pos;
        uint32_t tag = pb_tag(&c);
        if (!walk->in_message && tag == (FIELD_MESSAGE << 3 | PB_BYTES)) {
            struct span message = cursor_take(&c, pb_varint(&c));
            walk->next = (size_t)(message.ptr - frame.ptr);
            walk->message_end = walk->next + message.len;
            return false;
        }
        pb_skip(&c, tag);
        if (c.failed)
            break;
        walk->next = (size_t)(c.pos - frame.ptr);
        if (!row_of(rows, count, tag)) {
            walk->field = tag >> 3;
            walk->encoded = span_of(start, (size_t)(c.pos - start));
            return true;
        }
    }
    walk->next = end;
    return false;
}

bool dnstap_unknown_next(struct span frame, struct dnstap_unknown *walk)
{
    while (walk->next < frame.len || walk->message_end) {
        walk->in_message = walk->message_end != 0;
        if (walk->in_message) {
            if (unknown_in(frame, walk->message_end, message_rows, COUNT(message_rows), walk))
                return true;
            walk->next = walk->message_end;
            walk->message_end = 0;
        } else if (unknown_in(frame, frame.len, outer_rows, COUNT(outer_rows), walk)) {
            return true;
        }
    }
    return false;
}

/* --- names ---------------------------------------------------------------------------------- */

static const char *name_of(const char *const *names, size_t count, uint32_t value)
{
    return value < count ? names[value] : NULL;
}

const char *dnstap_message_type_name(uint32_t value)
{
    static const char *const names[] = {
        [DNSTAP_AUTH_QUERY] = "AUTH_QUERY",
        [DNSTAP_AUTH_RESPONSE] = "AUTH_RESPONSE",
        [DNSTAP_RESOLVER_QUERY] = "RESOLVER_QUERY",
        [DNSTAP_RESOLVER_RESPONSE] = "RESOLVER_RESPONSE",
        [DNSTAP_CLIENT_QUERY] = "CLIENT_QUERY",
        [DNSTAP_CLIENT_RESPONSE] = "CLIENT_RESPONSE",
        [DNSTAP_FORWARDER_QUERY] = "FORWARDER_QUERY",
        [DNSTAP_FORWARDER_RESPONSE] = "FORWARDER_RESPONSE",
        [DNSTAP_STUB_QUERY] = "STUB_QUERY",
        [DNSTAP_STUB_RESPONSE] = "STUB_RESPONSE",
        [DNSTAP_TOOL_QUERY] = "TOOL_QUERY",
        [DNSTAP_TOOL_RESPONSE] = "TOOL_RESPONSE",
        [DNSTAP_UPDATE_QUERY] = "UPDATE_QUERY",
        [DNSTAP_UPDATE_RESPONSE] = "UPDATE_RESPONSE",
    };
    return name_of(names, COUNT(names), value);
}

const char *dnstap_family_name(uint32_t value)
{
    static const char *const names[] = {[DNSTAP_INET] = "INET", [DNSTAP_INET6] = "INET6"};
    return name_of(names, COUNT(names), value);
}

const char *dnstap_protocol_name(uint32_t value)
{
    static const char *const names[] = {
        [DNSTAP_UDP] = "UDP",
        [DNSTAP_TCP] = "TCP",
        [DNSTAP_DOT] = "DOT",
        [DNSTAP_DOH] = "DOH",
        [DNSTAP_DNSCRYPT_UDP] = "DNSCryptUDP",
        [DNSTAP_DNSCRYPT_TCP] = "DNSCryptTCP",
        [DNSTAP_DOQ] = "DOQ",
    };
    return name_of(names, COUNT(names), value);
}

const char *dnstap_http_protocol_name(uint32_t value)
{
    static const char *const names[] = {
        [DNSTAP_HTTP1] = "HTTP1", [DNSTAP_HTTP2] = "HTTP2", [DNSTAP_HTTP3] = "HTTP3"};
    return name_of(names, COUNT(names), value);
}

const char *dnstap_policy_action_name(uint32_t value)
{
    static const char *const names[] = {NULL,   "NXDOMAIN", "NODATA",    "PASS",
                                        "DROP", "TRUNCATE", "LOCAL_DATA"};
    return name_of(names, COUNT(names), value);
}

const char *dnstap_policy_match_name(uint32_t value)
{
    static const char *const names[] = {NULL,          "QNAME",   "CLIENT_IP",
                                        "RESPONSE_IP", "NS_NAME", "NS_IP"};
    return name_of(names, COUNT(names), value);
}
