/* A dnstap frame: what is taken survives encoding, its unknown fields too; walks end in any case.
 */
#include <assert.h>

#include "fuzz.h"
#include "wire/dnstap.h"

static size_t count_unknown(struct span frame)
{
    struct dnstap_unknown walk = {0};
    size_t count = 0;
    while (dnstap_unknown_next(frame, &walk)) {
        assert(walk.encoded.ptr >= frame.ptr && walk.encoded.len > 0);
        assert(walk.encoded.ptr + walk.encoded.len <= frame.ptr + frame.len);
        assert(++count <= frame.len);
    }
    return count;
}

static bool same(struct span a, struct span b)
{
    return (a.ptr != NULL) == (b.ptr != NULL) && span_equal(a, b);
}

static void check_policy(struct span encoded)
{
    struct dnstap_policy policy, again;
    struct buf out = {0};
    if (dnstap_policy_decode(encoded, &policy) < 0)
        return;
    dnstap_policy_encode(&policy, &out);
    assert(dnstap_policy_decode(buf_span(&out), &again) == 0);
    assert(again.has == (policy.has & ~(uint32_t)DNSTAP_POLICY_HAS_UNKNOWN) &&
           again.action == policy.action && again.match == policy.match);
    assert(same(again.type, policy.type) && same(again.rule, policy.rule) &&
           same(again.value, policy.value));
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct span frame = span_of(bytes, len);
    struct dnstap tap, again;
    struct buf out = {0};
    size_t unknown = count_unknown(frame);
    if (dnstap_decode(frame, &tap) < 0)
        return 0;
    assert((unknown > 0) == ((tap.has & DNSTAP_HAS_UNKNOWN) != 0));
    dnstap_encode_over(&tap, frame, &out);
    assert(dnstap_decode(buf_span(&out), &again) == 0);
    assert(memcmp(&tap, &again, offsetof(struct dnstap, identity)) == 0);
    assert(same(tap.identity, again.identity) && same(tap.version, again.version));
    assert(same(tap.extra, again.extra) && same(tap.query_zone, again.query_zone));
    assert(same(tap.query_address, again.query_address));
    assert(same(tap.response_address, again.response_address));
    assert(same(tap.query_message, again.query_message));
    assert(same(tap.response_message, again.response_message));
    assert(same(tap.policy, again.policy));
    assert(count_unknown(buf_span(&out)) == unknown);
    if (tap.has & DNSTAP_HAS_POLICY)
        check_policy(tap.policy);
    buf_free(&out);
    return 0;
}
