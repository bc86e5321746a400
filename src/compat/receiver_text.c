/* dnstap-receiver's text: twelve columns, one space between, names as they are. */
#include "compat/pyfloat.h"
#include "compat/receiver_format.h"

static char *put_word(char *p, const struct receiver_word *word)
{
    return put_char(receiver_put_word(p, word), ' ');
}

static bool is_control(uint8_t c)
{
    return c < 0x20 || c == 0x7f;
}

/*
 * Text from the wire. Onto a terminal control characters go as \DDD, a byte each: those of ASCII,
 * and U+0080 to U+009F, which some terminals obey too and which all are C2 followed by their
 * number.
 */
static char *put_foreign(char *p, struct span text, bool terminal)
{
    if (!terminal)
        return put_bytes(p, text.ptr, text.len);
    const uint8_t *end = text.ptr + text.len;
    for (const uint8_t *in = text.ptr; in < end; in++) {
        unsigned n = is_control(*in) ? 1 : *in == 0xc2 && in + 1 < end && in[1] < 0xa0 ? 2 : 0;
        if (n == 0) {
            *p++ = (char)*in;
            continue;
        }
        for (unsigned i = 0; i < n; i++)
            p = put_digits(put_char(p, '\\'), in[i], 3);
        in += n - 1;
    }
    return p;
}

static int text_event(void *state, struct event *ev, struct buf *out)
{
    struct receiver_format *format = state;
    struct receiver_record *r = &format->record;
    int drop = receiver_record_read(r, ev);
    if (drop != FORMAT_WRITTEN)
        return drop;
    size_t foreign = r->head.identity.len + r->qname.len;
    char *p = buf_reserve(out, RECEIVER_FIXED_MAX + (format->terminal ? 4 * foreign : foreign));
    if (!p)
        return DROP_MEMORY;
    p = put_char(put_bytes(p, r->datetime, r->datetime_len), ' ');
    p = put_char(put_foreign(p, r->head.identity, format->terminal), ' ');
    p = put_word(put_word(p, r->message), r->rcode);
    p = put_char(receiver_put_address(p, &r->query_ip), ' ');
    p = put_char(receiver_put_port(p, r->query_port, "-"), ' ');
    p = put_word(put_word(p, r->family), r->protocol);
    p = PUT_LIT(put_u64(p, r->head.dns.len), "b ");
    p = put_char(put_foreign(p, r->qname, format->terminal), ' ');
    p = put_word(p, r->rrtype);
    p = r->has_latency ? pyfloat_put(p, r->latency) : put_char(p, '-');
    buf_commit(out, put_char(p, '\n'));
    return FORMAT_WRITTEN;
}

static const struct format_hooks text_hooks = {
    .open = receiver_format_open,
    .close = receiver_format_close,
    .event = text_event,
};

const struct module receiver_text = {
    .name = "text",
    .kind = MODULE_FORMAT,
    .compat = "dnstap-receiver",
    .doc = "The lines of dnstap-receiver 4.7.0, byte for byte.",
    .hooks = &text_hooks,
};
