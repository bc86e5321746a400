#include "cli/gen_traffic.h"

#include "base/cursor.h"
#include "base/put.h"

static const uint64_t SECOND = 1000000000;

enum {
    EPOCH = 1767225600,   /* 2026-01-01: the earliest first second */
    YEAR = 365 * 86400,   /* the seed chooses a second of it */
    QUERY_GAP_NS = 50000, /* on average */
};

void gen_traffic_init(struct gen_traffic *t, uint64_t seed)
{
    *t = (struct gen_traffic){.random = {gen_mix(seed)}};
    t->clock_ns = (EPOCH + gen_below(&t->random, YEAR)) * SECOND + gen_below(&t->random, SECOND);
}

void gen_traffic_free(struct gen_traffic *t)
{
    buf_free(&t->policy);
}

/* The heap of responses to come. Ties are broken by seed: the order must not depend on the heap. */
static bool earlier(const struct gen_pending *a, const struct gen_pending *b)
{
    return a->response_ns != b->response_ns ? a->response_ns < b->response_ns : a->seed < b->seed;
}

static void pending_push(struct gen_traffic *t, struct gen_pending item)
{
    size_t at = t->pending_count++;
    while (at > 0 && earlier(&item, &t->pending[(at - 1) / 2])) {
        t->pending[at] = t->pending[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    t->pending[at] = item;
}

static struct gen_pending pending_pop(struct gen_traffic *t)
{
    struct gen_pending top = t->pending[0];
    struct gen_pending item = t->pending[--t->pending_count];
    size_t at = 0;
    for (size_t child = 1; child < t->pending_count; child = 2 * at + 1) {
        if (child + 1 < t->pending_count && earlier(&t->pending[child + 1], &t->pending[child]))
            child++;
        if (!earlier(&t->pending[child], &item))
            break;
        t->pending[at] = t->pending[child];
        at = child;
    }
    t->pending[at] = item;
    return top;
}

static void set_span(struct dnstap *tap, enum dnstap_has bit, struct span *field, struct span value)
{
    tap->has |= bit;
    *field = value;
}

static void set_number(struct dnstap *tap, enum dnstap_has bit, uint32_t *field, uint32_t value)
{
    tap->has |= bit;
    *field = value;
}

static void set_common(struct dnstap *tap, const struct gen_exchange *x)
{
    const struct gen_producer *p = x->producer;
    set_span(tap, DNSTAP_HAS_IDENTITY, &tap->identity, span_str(p->identity));
    set_span(tap, DNSTAP_HAS_VERSION, &tap->version, span_str(p->version));
    set_number(tap, DNSTAP_HAS_TYPE, &tap->type, 1);
    set_number(tap, DNSTAP_HAS_FAMILY, &tap->family,
               x->address_len == 16 ? DNSTAP_INET6 : DNSTAP_INET);
    set_number(tap, DNSTAP_HAS_PROTOCOL, &tap->protocol, x->protocol);
    set_span(tap, DNSTAP_HAS_QUERY_ADDRESS, &tap->query_address,
             span_of(x->query_address, x->address_len));
    set_span(tap, DNSTAP_HAS_RESPONSE_ADDRESS, &tap->response_address,
             span_of(x->response_address, x->address_len));
    set_number(tap, DNSTAP_HAS_QUERY_PORT, &tap->query_port, x->query_port);
    set_number(tap, DNSTAP_HAS_RESPONSE_PORT, &tap->response_port, x->response_port);
    if (x->role->zone)
        set_span(tap, DNSTAP_HAS_QUERY_ZONE, &tap->query_zone,
                 span_of(x->name.wire + x->name.zone, (size_t)x->name.len - x->name.zone));
    if (x->protocol == DNSTAP_DOH)
        set_number(tap, DNSTAP_HAS_HTTP_PROTOCOL, &tap->http_protocol,
                   x->seed % 8 == 0 ? DNSTAP_HTTP3 : DNSTAP_HTTP2);
}

static void set_query_time(struct dnstap *tap, uint64_t ns)
{
    tap->has |= DNSTAP_HAS_QUERY_SEC | DNSTAP_HAS_QUERY_NSEC;
    tap->query_sec = ns / SECOND;
    tap->query_nsec = (uint32_t)(ns % SECOND);
}

static void set_query_message(struct gen_traffic *t, struct dnstap *tap)
{
    gen_message_query(&t->query, &t->x);
    set_span(tap, DNSTAP_HAS_QUERY_MESSAGE, &tap->query_message,
             span_of(t->query.bytes, t->query.len));
}

static void set_query(struct gen_traffic *t, struct dnstap *tap)
{
    set_number(tap, DNSTAP_HAS_MESSAGE_TYPE, &tap->message_type, t->x.role->type);
    set_query_time(tap, t->x.query_ns);
    set_query_message(t, tap);
}

/* A client's NXDOMAIN is now and then a response policy's doing: then the message says so. */
static void set_policy(struct gen_traffic *t, struct dnstap *tap)
{
    const struct gen_exchange *x = &t->x;
    if (x->outcome != GEN_NXDOMAIN || x->role->type != DNSTAP_CLIENT_QUERY || x->seed % 32 != 0)
        return;
    struct dnstap_policy policy = {
        .has = DNSTAP_POLICY_HAS_TYPE | DNSTAP_POLICY_HAS_RULE | DNSTAP_POLICY_HAS_ACTION |
               DNSTAP_POLICY_HAS_MATCH | DNSTAP_POLICY_HAS_VALUE,
        .action = 1, /* NXDOMAIN */
        .match = 1,  /* QNAME */
        .type = span_str("RPZ"),
        .rule = span_of(x->name.wire + x->name.zone, (size_t)x->name.len - x->name.zone),
        .value = span_of(x->name.wire, x->name.len),
    };
    t->policy.len = 0;
    dnstap_policy_encode(&policy, &t->policy);
    set_span(tap, DNSTAP_HAS_POLICY, &tap->policy, buf_span(&t->policy));
}

static void set_response(struct gen_traffic *t, struct dnstap *tap, uint64_t response_ns)
{
    const struct gen_exchange *x = &t->x;
    set_number(tap, DNSTAP_HAS_MESSAGE_TYPE, &tap->message_type, x->role->type + 1);
    tap->has |= DNSTAP_HAS_RESPONSE_SEC | DNSTAP_HAS_RESPONSE_NSEC;
    tap->response_sec = response_ns / SECOND;
    tap->response_nsec = (uint32_t)(response_ns % SECOND);
    gen_message_response(&t->response, x);
    set_span(tap, DNSTAP_HAS_RESPONSE_MESSAGE, &tap->response_message,
             span_of(t->response.bytes, t->response.len));
    if (x->producer->query_time)
        set_query_time(tap, x->query_ns);
    if (x->producer->query_message)
        set_query_message(t, tap);
    set_policy(t, tap);
}

/* The query that comes next; its response, if it gets one, is put on the heap. */
static void next_query(struct gen_traffic *t, struct dnstap *tap)
{
    struct gen_exchange *x = &t->x;
    gen_exchange_expand(x, gen_next(&t->random), t->clock_ns);
    t->clock_ns += 1 + gen_below(&t->random, 2 * QUERY_GAP_NS);
    if (x->answered && t->pending_count < GEN_PENDING)
        pending_push(t, (struct gen_pending){x->query_ns + x->latency_ns, x->query_ns, x->seed});
    set_query(t, tap);
}

static void next_response(struct gen_traffic *t, struct dnstap *tap)
{
    struct gen_pending p = pending_pop(t);
    gen_exchange_expand(&t->x, p.seed, p.query_ns);
    set_response(t, tap, p.response_ns);
}

void gen_traffic_next(struct gen_traffic *t, struct buf *out)
{
    struct dnstap tap = {0};
    char extra[sizeof "seq=" + PUT_U64_MAX] = "seq=";
    char *end = put_u64(extra + strlen("seq="), t->sequence++);
    set_span(&tap, DNSTAP_HAS_EXTRA, &tap.extra, span_of(extra, (size_t)(end - extra)));
    if (t->pending_count > 0 && t->pending[0].response_ns <= t->clock_ns)
        next_response(t, &tap);
    else
        next_query(t, &tap);
    set_common(&tap, &t->x);
    tap.has |= DNSTAP_HAS_MESSAGE;

    size_t word = out->len;
    buf_put(out, &(uint32_t){0}, sizeof(uint32_t));
    dnstap_encode(&tap, out);
    if (!out->failed)
        store_be32(out->data + word, (uint32_t)(out->len - word - sizeof(uint32_t)));
}
