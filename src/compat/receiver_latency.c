/*
 * Latency as dnstap-receiver 4.7.0 computes it: a response's time less that of the last query with
 * the same query address, port and DNS id, in doubles. Who sent the message, its type and the query
 * time that it carries play no part. One worker sees all events in order of arrival.
 */
#include "base/clock.h"
#include "base/cursor.h"
#include "compat/pyfloat.h"
#include "compat/receiver_cache.h"
#include "compat/receiver_record.h"
#include "core/format.h"
#include "core/stage.h"

enum { ENTRIES = 1000000 };
static const uint64_t lifetime_ns = UINT64_C(60) * 1000000000;

static int latency_open(void **state, const struct stage_options *options, uint32_t *needs,
                        struct error *err)
{
    (void)options;
    *needs = FACET_DNSTAP;
    *state = receiver_cache_new(ENTRIES, lifetime_ns);
    return *state ? 0 : error_set(err, "no memory to remember queries");
}

static void latency_close(void *state)
{
    receiver_cache_free(state);
}

/* False: such a message is neither remembered nor matched. */
static bool key_of(const struct event *ev, const struct receiver_head *head,
                   struct receiver_key *key)
{
    struct span address = ev->tap.query_address;
    if (address.len == 0 || ev->tap.query_port == 0)
        return false;
    *key = (struct receiver_key){.port = ev->tap.query_port,
                                 .id = load_be16(head->dns.ptr),
                                 .address_len = (uint16_t)address.len};
    memcpy(key->address, address.ptr, address.len);
    return true;
}

static int64_t nanoseconds(double seconds)
{
    double ns = seconds * 1e9;
    if (ns >= 0x1p63)
        return INT64_MAX;
    return ns <= -0x1p63 ? INT64_MIN : (int64_t)ns;
}

static enum stage_verdict latency_event(void *state, unsigned worker, struct event *ev)
{
    struct receiver_head head;
    struct receiver_key key;
    double asked;
    (void)worker;
    if (receiver_head_read(&head, ev) != FORMAT_WRITTEN || !key_of(ev, &head, &key))
        return STAGE_PASS;
    uint64_t now_ns = clock_ns();
    if (head.query) {
        receiver_cache_set(state, &key, head.timestamp, now_ns);
    } else if (receiver_cache_get(state, &key, now_ns, &asked)) {
        ev->latency_s = pyfloat_round3(head.timestamp - asked);
        ev->latency_ns = nanoseconds(ev->latency_s);
        ev->has_latency = true;
    }
    return STAGE_PASS;
}

static const struct stage_hooks latency_hooks = {
    .provides = FACET_LATENCY,
    .suits = settings_same_latency,
    .open = latency_open,
    .event = latency_event,
    .close = latency_close,
};

const struct module receiver_latency = {
    .name = "latency",
    .kind = MODULE_STAGE,
    .compat = "dnstap-receiver",
    .doc =
        "Latency as dnstap-receiver 4.7.0 computes it: matched by query address, port and DNS id "
        "among the last million queries of the last 60 seconds, rounded to milliseconds.",
    .common = &stage_common,
    .hooks = &latency_hooks,
};
