/* dnstap-receiver's JSON: what Python's json.dumps makes of its dictionary, in the order in which
 * the keys were added. */
#include "compat/pyfloat.h"
#include "compat/pyjson.h"
#include "compat/receiver_format.h"

#define PUT_WORD(p, key, word) receiver_put_word(PUT_LIT(p, key), word)

_Static_assert((int)PYJSON_MAX <= (int)RECEIVER_BYTE_MAX, "there is room");

static char *put_record(char *p, const struct receiver_format *format)
{
    const struct receiver_record *r = &format->record;
    p = pyjson_put(PUT_LIT(p, "{\"identity\": \""), r->head.identity);
    p = pyjson_put(PUT_LIT(p, "\", \"qname\": \""), r->qname);
    p = PUT_WORD(p, "\", \"rrtype\": \"", r->rrtype);
    p = receiver_put_address(PUT_LIT(p, "\", \"query-ip\": \""), &r->query_ip);
    p = receiver_put_port(PUT_LIT(p, "\", \"query-port\": "), r->query_port, "\"-\"");
    p = receiver_put_address(PUT_LIT(p, ", \"response-ip\": \""), &r->response_ip);
    p = receiver_put_port(PUT_LIT(p, "\", \"response-port\": "), r->response_port, "\"-\"");
    p = PUT_LIT(p, ", \"latency\": ");
    p = r->has_latency ? pyfloat_put(p, r->latency) : PUT_LIT(p, "\"-\"");
    p = PUT_WORD(p, ", \"message\": \"", r->message);
    p = PUT_WORD(p, "\", \"family\": \"", r->family);
    p = PUT_WORD(p, "\", \"protocol\": \"", r->protocol);
    p = put_u64(PUT_LIT(p, "\", \"length\": "), r->head.dns.len);
    p = pyfloat_put(PUT_LIT(p, ", \"timestamp\": "), r->head.timestamp);
    p = PUT_LIT(p, ", \"type\": \"");
    p = r->head.query ? PUT_LIT(p, "query") : PUT_LIT(p, "response");
    p = PUT_WORD(p, "\", \"rcode\": \"", r->rcode);
    p = put_u64(PUT_LIT(p, "\", \"id\": "), r->id);
    p = put_bytes(PUT_LIT(p, ", \"datetime\": \""), r->datetime, r->datetime_len);
    return PUT_LIT(p, "\"}\n");
}

static int json_event(void *state, struct event *ev, struct buf *out)
{
    return receiver_format_event(state, ev, out, put_record);
}

static const struct format_hooks json_hooks = {
    .open = receiver_format_open,
    .close = receiver_format_close,
    .event = json_event,
};

const struct module receiver_json = {
    .name = "json",
    .kind = MODULE_FORMAT,
    .compat = "dnstap-receiver",
    .doc = "The JSON objects of dnstap-receiver 4.7.0, byte for byte.",
    .hooks = &json_hooks,
};
