/* Protobuf by cursor: fields one by one, policies, and that every step gets on. */
#include <assert.h>

#include "fuzz.h"
#include "wire/dnstap.h"
#include "wire/protobuf.h"

static void walk_fields(struct span bytes)
{
    struct cursor c = cursor_of(bytes);
    while (cursor_left(&c) > 0) {
        const uint8_t *before = c.pos;
        uint32_t tag = pb_tag(&c);
        if (c.failed)
            break;
        assert(tag >= 8);
        pb_skip(&c, tag);
        assert(c.pos > before && c.pos <= bytes.ptr + bytes.len);
    }
    assert(!c.failed || cursor_left(&c) == 0);
}

/* A varint reads the same with and without bytes behind it, and is written in no more bytes. */
static void check_varint(struct span bytes)
{
    struct cursor c = cursor_of(bytes);
    struct buf out = {0};
    uint64_t value = pb_varint(&c);
    if (c.failed)
        return;
    size_t len = (size_t)(c.pos - bytes.ptr);
    struct cursor exact = cursor_of(span_of(bytes.ptr, len));
    assert(pb_varint(&exact) == value && !exact.failed && cursor_left(&exact) == 0);
    pb_put_varint(&out, value);
    assert(out.len <= len);
    struct cursor again = cursor_of(buf_span(&out));
    assert(pb_varint(&again) == value);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct span all = span_of(bytes, len);
    struct dnstap_policy policy;
    walk_fields(all);
    check_varint(all);
    if (dnstap_policy_decode(all, &policy) == 0)
        assert(!(policy.has & DNSTAP_POLICY_HAS_RULE) || policy.rule.ptr);
    return 0;
}
