/*
 * dnstap by table. One row a field serves three ways: the walk that expects fields in the order of
 * their numbers, as most senders write them (the compiler unrolls it, so that a row costs a
 * compare); the step that takes any one field, for what the walk does not expect; and the encoder.
 *
 * The walk is repeated as long as it gets on. So dnsdist, which writes 1, 3, 2, 4, 6, 5, 7, 8 and
 * so on, takes three walks, and the rare step is left to fields with long tags and to unknown ones.
 */
#include "wire/dnstap.h"

#include "wire/protobuf.h"

enum kind { KIND_U32, KIND_TIME, KIND_FIXED32, KIND_BYTES };

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

/* A row stands in the place of its number; an empty one is no field. */
enum { FIELD_MESSAGE = 14, MESSAGE_TAG = FIELD_MESSAGE << 3 | PB_BYTES };
static const struct row outer_rows[] = {
    [1] = ROW(dnstap, 1, KIND_BYTES, identity, DNSTAP_HAS_IDENTITY),
    [2] = ROW(dnstap, 2, KIND_BYTES, version, DNSTAP_HAS_VERSION),
    [3] = ROW(dnstap, 3, KIND_BYTES, extra, DNSTAP_HAS_EXTRA),
    [14] = ROW(dnstap, 14, KIND_BYTES, message, DNSTAP_HAS_MESSAGE),
    [15] = ROW(dnstap, 15, KIND_U32, type, DNSTAP_HAS_TYPE),
};

static const struct row message_rows[] = {
    [1] = ROW(dnstap, 1, KIND_U32, message_type, DNSTAP_HAS_MESSAGE_TYPE),
    [2] = ROW(dnstap, 2, KIND_U32, family, DNSTAP_HAS_FAMILY),
    [3] = ROW(dnstap, 3, KIND_U32, protocol, DNSTAP_HAS_PROTOCOL),
    [4] = ROW(dnstap, 4, KIND_BYTES, query_address, DNSTAP_HAS_QUERY_ADDRESS),
    [5] = ROW(dnstap, 5, KIND_BYTES, response_address, DNSTAP_HAS_RESPONSE_ADDRESS),
    [6] = ROW(dnstap, 6, KIND_U32, query_port, DNSTAP_HAS_QUERY_PORT),
    [7] = ROW(dnstap, 7, KIND_U32, response_port, DNSTAP_HAS_RESPONSE_PORT),
    [8] = ROW(dnstap, 8, KIND_TIME, query_sec, DNSTAP_HAS_QUERY_SEC),
    [9] = ROW(dnstap, 9, KIND_FIXED32, query_nsec, DNSTAP_HAS_QUERY_NSEC),
    [10] = ROW(dnstap, 10, KIND_BYTES, query_message, DNSTAP_HAS_QUERY_MESSAGE),
    [11] = ROW(dnstap, 11, KIND_BYTES, query_zone, DNSTAP_HAS_QUERY_ZONE),
    [12] = ROW(dnstap, 12, KIND_TIME, response_sec, DNSTAP_HAS_RESPONSE_SEC),
    [13] = ROW(dnstap, 13, KIND_FIXED32, response_nsec, DNSTAP_HAS_RESPONSE_NSEC),
    [14] = ROW(dnstap, 14, KIND_BYTES, response_message, DNSTAP_HAS_RESPONSE_MESSAGE),
    [15] = ROW(dnstap, 15, KIND_BYTES, policy, DNSTAP_HAS_POLICY),
    [16] = ROW(dnstap, 16, KIND_U32, http_protocol, DNSTAP_HAS_HTTP_PROTOCOL),
};

static const struct row policy_rows[] = {
    [1] = ROW(dnstap_policy, 1, KIND_BYTES, type, DNSTAP_POLICY_HAS_TYPE),
    [2] = ROW(dnstap_policy, 2, KIND_BYTES, rule, DNSTAP_POLICY_HAS_RULE),
    [3] = ROW(dnstap_policy, 3, KIND_U32, action, DNSTAP_POLICY_HAS_ACTION),
    [4] = ROW(dnstap_policy, 4, KIND_U32, match, DNSTAP_POLICY_HAS_MATCH),
    [5] = ROW(dnstap_policy, 5, KIND_BYTES, value, DNSTAP_POLICY_HAS_VALUE),
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
                                    [KIND_TIME] = PB_VARINT,
                                    [KIND_FIXED32] = PB_FIXED32,
                                    [KIND_BYTES] = PB_BYTES};
    return (uint32_t)row->number << 3 | wires[row->kind];
}

/* A position in the fields of one message. Owner: the stack of one function, and there it is never
 * pointed at, so that it stays in registers: what is rare works on a copy.
 *
 * Both are addresses as numbers, since a length may lead `at` past `end`. Nothing is read there:
 * the walk is over then, and has failed. So the one check before a field is that of the field
 * before. */
struct walk {
    uintptr_t at, end;
    uint32_t has;
};

ALWAYS_INLINE struct walk walk_of(struct span fields)
{
    uintptr_t start = (uintptr_t)fields.ptr;
    return (struct walk){.at = start, .end = start ? start + fields.len : 0};
}

ALWAYS_INLINE const uint8_t *here(const struct walk *w)
{
    return (const uint8_t *)w->at;
}

ALWAYS_INLINE void fail(struct walk *w)
{
    w->at = w->end + 1;
}

/* A varint of which one byte at least is there. One of more than `longest` bytes is a failure. Two
 * or three bytes, as of most ports and lengths, are pushed together. */
ALWAYS_INLINE uint64_t take_varint(struct walk *w, unsigned longest)
{
    const uint8_t *p = here(w);
    if (__builtin_expect(*p < 0x80, 1)) {
        w->at++;
        return *p;
    }
    if (__builtin_expect(w->end - w->at >= sizeof(uint32_t), 1)) {
        uint32_t x = load_le32(p), two = (x & 0x7f) | (x >> 1 & 0x3f80);
        if (!(x & 0x8000)) {
            w->at += 2;
            return two;
        }
        if (__builtin_expect(!(x & 0x800000), 1)) {
            w->at += 3;
            return two | (x >> 2 & 0x1fc000);
        }
    }
    struct pb_varint_end read = pb_varint_slow(p, (const uint8_t *)w->end);
    if (!read.pos || read.pos - p > longest) {
        fail(w);
        return 0;
    }
    w->at = (uintptr_t)read.pos;
    return read.value;
}

/* A time: seconds that the next thousand years will write in five bytes. These are looked at all at
 * once, and pushed together twice. */
ALWAYS_INLINE uint64_t take_time(struct walk *w)
{
    const uint64_t more = 0x8080808080, four_more = 0x80808080;
    if (__builtin_expect(w->end - w->at < sizeof(uint64_t), 0))
        return take_varint(w, PB_VARINT_MAX);
    uint64_t x = load_le64(here(w));
    if (__builtin_expect((x & more) != four_more, 0))
        return take_varint(w, PB_VARINT_MAX);
    w->at += PB_WORD_MAX;
    x = (x & 0x7f007f007f) | (x & 0x7f007f00) >> 1;
    return (x & 0x3fff) | (x & 0x3fff0000) >> 2 | (x & 0x7f00000000) >> 4;
}

ALWAYS_INLINE struct span take_bytes(struct walk *w)
{
    uint64_t len = take_varint(w, PB_WORD_MAX);
    struct span taken = span_of(here(w), (size_t)len);
    w->at += len;
    return taken;
}

/* Stores the value, of which one byte at least is there, where the row says. */
ALWAYS_INLINE void store(struct walk *w, const struct row *row, void *base)
{
    char *place = (char *)base + row->offset;
    w->has |= row->bit;
    switch ((enum kind)row->kind) {
    case KIND_U32: /* of more bits the lower 32 count, as protobuf has it */
        *(uint32_t *)place = (uint32_t)take_varint(w, PB_VARINT_MAX);
        break;
    case KIND_TIME:
        *(uint64_t *)place = take_time(w);
        break;
    case KIND_FIXED32:
        if (__builtin_expect(w->end - w->at >= sizeof(uint32_t), 1))
            *(uint32_t *)place = load_le32(here(w));
        w->at += sizeof(uint32_t);
        break;
    case KIND_BYTES:
        *(struct span *)place = take_bytes(w);
        break;
    }
}

/* Takes fields that come in the order of the rows, as far as they do. One byte at least is there;
 * of a field at least two. */
ALWAYS_INLINE void take_in_order(struct walk *w, const struct row *rows, size_t count, void *base)
{
    const uintptr_t last = w->end - 1;
    UNROLL
    for (size_t i = 1; i < count; i++) {
        uint32_t tag = row_tag(&rows[i]);
        bool possible = rows[i].number && tag < 0x80;
        if (possible && w->at < last && __builtin_expect(*here(w) == tag, 1)) {
            w->at++;
            store(w, &rows[i], base);
        }
    }
}

static const struct row *row_of(const struct row *rows, size_t count, uint32_t tag)
{
    uint32_t number = tag >> 3;
    return number < count && row_tag(&rows[number]) == tag ? &rows[number] : NULL;
}

/* What taking one field comes to: small enough for registers. */
struct step {
    uintptr_t at;
    uint32_t has;
};

/* Takes any one field. A known one of another wire type is an unknown one, as protobuf has it. */
static struct step take_any(uintptr_t at, uintptr_t end, const struct row *rows, size_t count,
                            void *base)
{
    struct walk w = {.at = at, .end = end};
    struct cursor c = cursor_of(span_of(here(&w), end - at));
    uint32_t tag = pb_tag(&c);
    const struct row *row = row_of(rows, count, tag);
    bool known = row && cursor_left(&c);
    if (!known) {
        pb_skip(&c, tag);
        w.has = DNSTAP_HAS_UNKNOWN;
    }
    w.at = (uintptr_t)c.pos;
    if (known)
        store(&w, row, base);
    else if (c.failed)
        fail(&w);
    return (struct step){w.at, w.has};
}

/* Takes fields in order or, where there is none of those expected, any one. */
ALWAYS_INLINE void take_some(struct walk *w, const struct row *rows, size_t count, void *base)
{
    uintptr_t before = w->at;
    take_in_order(w, rows, count, base);
    if (w->at == before) {
        struct step step = take_any(w->at, w->end, rows, count, base);
        w->at = step.at;
        w->has |= step.has;
    }
}

ALWAYS_INLINE struct walk take_all(struct span fields, const struct row *rows, size_t count,
                                   void *base)
{
    struct walk w = walk_of(fields);
    while (w.at < w.end)
        take_some(&w, rows, count, base);
    return w;
}

/* In pieces, of which compilers make vector stores: for the whole, gcc takes a slow `rep stos`. */
ALWAYS_INLINE void clear(struct dnstap *tap)
{
    enum { PIECE = 64, PIECES = sizeof *tap / PIECE };
    char *p = (char *)tap;
    UNROLL
    for (size_t i = 0; i < PIECES; i++)
        memset(p + i * PIECE, 0, PIECE);
    memset(p + PIECES * PIECE, 0, sizeof *tap % PIECE);
}

/* Whatever comes, field by field: slowly. A second message goes into the same struct: that merges
 * them. */
static __attribute__((noinline)) int decode_any(struct span frame, struct dnstap *tap)
{
    struct walk w = walk_of(frame);
    clear(tap);
    while (w.at < w.end) {
        struct step step = take_any(w.at, w.end, outer_rows, COUNT(outer_rows), tap);
        w.at = step.at;
        w.has |= step.has;
        if (!(step.has & DNSTAP_HAS_MESSAGE) || w.at > w.end)
            continue;
        struct walk message = walk_of(tap->message);
        while (message.at < message.end) {
            step = take_any(message.at, message.end, message_rows, COUNT(message_rows), tap);
            message.at = step.at;
            w.has |= step.has;
        }
        if (message.at > message.end)
            fail(&w);
    }
    tap->has = w.has;
    return w.at == w.end ? 0 : -1;
}

/* Nearly every message begins with its type, family and protocol, each in a byte. */
ALWAYS_INLINE void take_head(struct walk *w, struct dnstap *tap)
{
    const uint64_t tags = 0x001800100008, mask = 0x80ff80ff80ff;
    if (w->end - w->at < sizeof(uint64_t) || (load_le64(here(w)) & mask) != tags)
        return;
    const uint8_t *p = here(w);
    tap->message_type = p[1];
    tap->family = p[3];
    tap->protocol = p[5];
    w->has |= DNSTAP_HAS_MESSAGE_TYPE | DNSTAP_HAS_FAMILY | DNSTAP_HAS_PROTOCOL;
    w->at += 6;
}

/* The message is nearly always the last field but for the type: so it is walked through when all
 * around it has been. */
int dnstap_decode(struct span frame, struct dnstap *tap)
{
    struct walk w = walk_of(frame);
    clear(tap);
    while (w.at < w.end) {
        if (w.has & DNSTAP_HAS_MESSAGE)
            return decode_any(frame, tap); /* there may be another one */
        take_some(&w, outer_rows, COUNT(outer_rows), tap);
    }
    if (w.at != w.end)
        return -1;
    struct walk message = walk_of(tap->message);
    take_head(&message, tap);
    while (message.at < message.end)
        take_some(&message, message_rows, COUNT(message_rows), tap);
    tap->has = w.has | message.has;
    return message.at == message.end ? 0 : -1;
}

int dnstap_policy_decode(struct span encoded, struct dnstap_policy *policy)
{
    struct dnstap_policy decoded = {0};
    struct walk w = take_all(encoded, policy_rows, COUNT(policy_rows), &decoded);
    if (w.at > w.end)
        return -1;
    *policy = decoded;
    bool unknown = w.has & DNSTAP_HAS_UNKNOWN;
    policy->has =
        (w.has & ~(uint32_t)DNSTAP_HAS_UNKNOWN) | (unknown ? DNSTAP_POLICY_HAS_UNKNOWN : 0);
    return 0;
}

uint64_t dnstap_time_ns(const struct dnstap *tap)
{
    const uint64_t second = 1000000000;
    bool query = dnstap_is_query(tap);
    uint64_t sec = query ? tap->query_sec : tap->response_sec;
    uint32_t nsec = query ? tap->query_nsec : tap->response_nsec;
    return sec < UINT64_MAX / second - 4 ? sec * second + nsec
                                         : 0; /* 4: nsec may be a whole word */
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
    pb_put_varint(out,
                  row->kind == KIND_TIME ? *(const uint64_t *)place : *(const uint32_t *)place);
}

static void encode_rows(const struct row *rows, size_t count, const void *base, uint32_t has,
                        struct buf *out)
{
    for (size_t i = 1; i < count; i++)
        encode_row(&rows[i], base, has, out);
}

/* The fields of `source` that no row knows, of the message or of what is around it. */
static void encode_unknown(struct span source, bool in_message, struct buf *out)
{
    struct dnstap_unknown walk = {0};
    while (dnstap_unknown_next(source, &walk)) {
        if (walk.in_message == in_message)
            buf_put(out, walk.encoded.ptr, walk.encoded.len);
    }
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

void dnstap_encode_over(const struct dnstap *tap, struct span source, struct buf *out)
{
    const struct row *type = &outer_rows[FIELD_MESSAGE + 1];
    encode_rows(outer_rows, FIELD_MESSAGE, tap, tap->has, out);
    if (tap->has & DNSTAP_HAS_MESSAGE) {
        pb_put_tag(out, FIELD_MESSAGE, PB_BYTES);
        size_t start = out->len;
        encode_rows(message_rows, COUNT(message_rows), tap, tap->has, out);
        encode_unknown(source, true, out);
        prefix_length(out, start);
    }
    encode_row(type, tap, tap->has, out);
    encode_unknown(source, false, out);
}

void dnstap_encode(const struct dnstap *tap, struct buf *out)
{
    dnstap_encode_over(tap, (struct span){0}, out);
}

void dnstap_policy_encode(const struct dnstap_policy *policy, struct buf *out)
{
    encode_rows(policy_rows, COUNT(policy_rows), policy, policy->has, out);
}

/* --- unknown fields ------------------------------------------------------------------------- */

/* The row of a tag, in what the walk is in. */
static const struct row *known(const struct dnstap_unknown *walk, uint32_t tag)
{
    return walk->in_message ? row_of(message_rows, COUNT(message_rows), tag)
                            : row_of(outer_rows, COUNT(outer_rows), tag);
}

/* Takes the field at `next`; true when no row knows it. The message is entered, not passed over. */
static bool take_unknown(struct span frame, size_t end, struct dnstap_unknown *walk)
{
    struct cursor c = cursor_of(span_of(frame.ptr + walk->next, end - walk->next));
    const uint8_t *start = c.pos;
    uint32_t tag = pb_tag(&c);
    size_t inside = 0;
    bool enters = !walk->in_message && tag == MESSAGE_TAG;
    if (enters)
        inside = pb_bytes(&c).len;
    else
        pb_skip(&c, tag);
    if (c.failed) {
        walk->next = frame.len;
        walk->message_end = 0;
        return false;
    }
    walk->next = (size_t)(c.pos - frame.ptr) - inside;
    if (enters)
        walk->message_end = walk->next + inside;
    walk->field = tag >> 3;
    walk->encoded = span_of(start, (size_t)(c.pos - start));
    return !enters && !known(walk, tag);
}

bool dnstap_unknown_next(struct span frame, struct dnstap_unknown *walk)
{
    for (;;) {
        if (walk->next == walk->message_end)
            walk->message_end = 0;
        walk->in_message = walk->message_end > 0;
        size_t end = walk->in_message ? walk->message_end : frame.len;
        if (walk->next >= end)
            return false;
        if (take_unknown(frame, end, walk))
            return true;
    }
}

bool dnstap_policy_unknown_next(struct cursor *policy, uint32_t *field, struct span *encoded)
{
    while (cursor_left(policy)) {
        const uint8_t *start = policy->pos;
        uint32_t tag = pb_tag(policy);
        pb_skip(policy, tag);
        if (policy->failed)
            return false;
        if (row_of(policy_rows, COUNT(policy_rows), tag))
            continue;
        *field = tag >> 3;
        *encoded = span_of(start, (size_t)(policy->pos - start));
        return true;
    }
    return false;
}

/* --- message types and names ------------------------------------------------------------------ */

static const struct {
    const char *name;
    enum dnstap_side side;
} message_types[] = {
    [0] = {NULL, DNSTAP_SIDE_UNKNOWN},
    [DNSTAP_AUTH_QUERY] = {"AUTH_QUERY", DNSTAP_SIDE_CLIENT},
    [DNSTAP_AUTH_RESPONSE] = {"AUTH_RESPONSE", DNSTAP_SIDE_CLIENT},
    [DNSTAP_RESOLVER_QUERY] = {"RESOLVER_QUERY", DNSTAP_SIDE_UPSTREAM},
    [DNSTAP_RESOLVER_RESPONSE] = {"RESOLVER_RESPONSE", DNSTAP_SIDE_UPSTREAM},
    [DNSTAP_CLIENT_QUERY] = {"CLIENT_QUERY", DNSTAP_SIDE_CLIENT},
    [DNSTAP_CLIENT_RESPONSE] = {"CLIENT_RESPONSE", DNSTAP_SIDE_CLIENT},
    [DNSTAP_FORWARDER_QUERY] = {"FORWARDER_QUERY", DNSTAP_SIDE_UPSTREAM},
    [DNSTAP_FORWARDER_RESPONSE] = {"FORWARDER_RESPONSE", DNSTAP_SIDE_UPSTREAM},
    [DNSTAP_STUB_QUERY] = {"STUB_QUERY", DNSTAP_SIDE_UPSTREAM},
    [DNSTAP_STUB_RESPONSE] = {"STUB_RESPONSE", DNSTAP_SIDE_UPSTREAM},
    [DNSTAP_TOOL_QUERY] = {"TOOL_QUERY", DNSTAP_SIDE_UPSTREAM},
    [DNSTAP_TOOL_RESPONSE] = {"TOOL_RESPONSE", DNSTAP_SIDE_UPSTREAM},
    [DNSTAP_UPDATE_QUERY] = {"UPDATE_QUERY", DNSTAP_SIDE_CLIENT},
    [DNSTAP_UPDATE_RESPONSE] = {"UPDATE_RESPONSE", DNSTAP_SIDE_CLIENT},
};

enum dnstap_side dnstap_side(uint32_t message_type)
{
    return message_type < COUNT(message_types) ? message_types[message_type].side
                                               : DNSTAP_SIDE_UNKNOWN;
}

const char *dnstap_message_type_name(uint32_t value)
{
    return value < COUNT(message_types) ? message_types[value].name : NULL;
}

static const char *name_of(const char *const *names, size_t count, uint32_t value)
{
    return value < count ? names[value] : NULL;
}

const char *dnstap_side_name(uint32_t value)
{
    static const char *const names[] = {
        [DNSTAP_SIDE_CLIENT] = "client", [DNSTAP_SIDE_UPSTREAM] = "upstream"};
    return name_of(names, COUNT(names), value);
}

const char *dnstap_type_name(uint32_t value)
{
    return value == 1 ? "MESSAGE" : NULL;
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
