/* dnstap-receiver's YAML: what PyYAML's yaml.dump makes of its dictionary, keys in alphabetical
 * order, and an empty line behind it. Control characters never come out raw, so a terminal needs
 * no care. */
#include "compat/pyfloat.h"
#include "compat/pyyaml.h"
#include "compat/receiver_format.h"

/* "key: text", quoted as PyYAML would. */
#define PUT_TEXT(p, key, text) put_char(pyyaml_put(PUT_LIT(p, key ":"), text, sizeof key), '\n')

static struct span word_span(const struct receiver_word *word)
{
    return span_of(word->text, word->len);
}

static struct span address_span(const struct receiver_address *address)
{
    return span_of(address->text, address->len);
}

/* A float as PyYAML writes it: 1e+16 is none to a YAML 1.1 reader, 1.0e+16 is. */
static char *put_float(char *p, double value)
{
    char *end = pyfloat_put(p, value);
    char *mark = memchr(p, 'e', (size_t)(end - p));
    if (!mark || memchr(p, '.', (size_t)(end - p)))
        return end;
    memmove(mark + 2, mark, (size_t)(end - mark));
    memcpy(mark, ".0", 2);
    return end + 2;
}

_Static_assert(PYYAML_MAX(1) <= RECEIVER_BYTE_MAX + RECEIVER_TEXT_MAX, "there is room");

static char *put_record(char *p, const struct receiver_format *format)
{
    const struct receiver_record *r = &format->record;
    p = put_bytes(PUT_LIT(p, "datetime: '"), r->datetime, r->datetime_len);
    p = receiver_put_word(PUT_LIT(p, "'\nfamily: "), r->family);
    p = put_u64(PUT_LIT(p, "\nid: "), r->id);
    p = PUT_TEXT(put_char(p, '\n'), "identity", r->head.identity);
    p = PUT_LIT(p, "latency: ");
    p = r->has_latency ? put_float(p, r->latency) : PUT_LIT(p, "'-'");
    p = put_u64(PUT_LIT(p, "\nlength: "), r->head.dns.len);
    p = receiver_put_word(PUT_LIT(p, "\nmessage: "), r->message);
    p = receiver_put_word(PUT_LIT(p, "\nprotocol: "), r->protocol);
    p = PUT_TEXT(put_char(p, '\n'), "qname", r->qname);
    p = PUT_TEXT(p, "query-ip", address_span(&r->query_ip));
    p = receiver_put_port(PUT_LIT(p, "query-port: "), r->query_port, "'-'");
    p = PUT_TEXT(put_char(p, '\n'), "rcode", word_span(r->rcode));
    p = PUT_TEXT(p, "response-ip", address_span(&r->response_ip));
    p = receiver_put_port(PUT_LIT(p, "response-port: "), r->response_port, "'-'");
    p = PUT_TEXT(put_char(p, '\n'), "rrtype", word_span(r->rrtype));
    p = put_float(PUT_LIT(p, "timestamp: "), r->head.timestamp);
    p = PUT_LIT(p, "\ntype: ");
    p = r->head.query ? PUT_LIT(p, "query") : PUT_LIT(p, "response");
    return PUT_LIT(p, "\n\n");
}

static int yaml_event(void *state, struct event *ev, struct buf *out)
{
    return receiver_format_event(state, ev, out, put_record);
}

static const struct format_hooks yaml_hooks = {
    .open = receiver_format_open,
    .close = receiver_format_close,
    .event = yaml_event,
};

const struct module receiver_yaml = {
    .name = "yaml",
    .kind = MODULE_FORMAT,
    .compat = "dnstap-receiver",
    .doc = "The YAML documents of dnstap-receiver 4.7.0, byte for byte.",
    .hooks = &yaml_hooks,
};
