#include "cli/retime.h"

#include "base/clock.h"
#include "wire/dnstap.h"

void retime_begin(struct retime *retime, uint64_t start_ns)
{
    *retime = (struct retime){.start_ns = start_ns};
}

/* Moves one time of a message; both of its parts are there afterwards. */
static bool move(const struct retime *retime, uint64_t *sec, uint32_t *nsec)
{
    uint64_t old_ns, new_ns;
    bool absurd = __builtin_mul_overflow(*sec, CLOCK_SECOND_NS, &old_ns) ||
                  __builtin_add_overflow(old_ns, *nsec, &old_ns);
    if (absurd || __builtin_add_overflow(retime->start_ns, old_ns, &new_ns) ||
        __builtin_sub_overflow(new_ns, retime->first_ns, &new_ns))
        return false;
    *sec = new_ns / CLOCK_SECOND_NS;
    *nsec = (uint32_t)(new_ns % CLOCK_SECOND_NS);
    return true;
}

bool retime_frame(struct retime *retime, struct span frame, struct buf *out)
{
    struct dnstap tap;
    if (dnstap_decode(frame, &tap) != 0)
        return false;
    if (retime->first_ns == 0 && (retime->first_ns = dnstap_time_ns(&tap)) == 0)
        return false;
    bool query = tap.has & DNSTAP_HAS_QUERY_SEC, response = tap.has & DNSTAP_HAS_RESPONSE_SEC;
    if ((!query && !response) || (query && !move(retime, &tap.query_sec, &tap.query_nsec)) ||
        (response && !move(retime, &tap.response_sec, &tap.response_nsec)))
        return false;
    tap.has |= (query ? (uint32_t)DNSTAP_HAS_QUERY_NSEC : 0) |
               (response ? (uint32_t)DNSTAP_HAS_RESPONSE_NSEC : 0);
    size_t before = out->len;
    dnstap_encode_over(&tap, frame, out);
    if (!out->failed)
        return true;
    out->len = before;
    out->failed = false;
    return false;
}
