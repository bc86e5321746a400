/* dnstap-receiver's text: twelve columns, one space between, names as they are. */
#include "compat/pyfloat.h"
#include "compat/receiver_format.h"

static char *put_word(char *p, const struct receiver_word *word)
{
    return put_char(receiver_put_word(p, word), ' ');
}

/*
 * How many of the bytes at `in` are to be escaped: 0, or the length of a control character. Onto a
 * terminal all go as \DDD, a byte each: those of ASCII, and U+0080 to U+009F, which some terminals
 * obey too and which all are C2 followed by their number. Elsewhere just what would end a line, for
 * who sends it could write lines of his own. (There they pass: compat-control has it so.)
 */
static unsigned to_escape(const uint8_t *in, const uint8_t *end, bool terminal)
{
    if (*in == '\n' || *in == '\r')
        return 1;
    if (!terminal)
        return 0;
    return *in < 0x20 || *in == 0x7f ? 1 : *in == 0xc2 && in + 1 < end && in[1] < 0xa0 ? 2 : 0;
}

static bool one_line(struct span text)
{
    return !memchr(text.ptr, '\n', text.len) && !memchr(text.ptr, '\r', text.len);
}

/* Text from the wire. */
static char *put_foreign(char *p, struct span text, const struct receiver_format *format)
{
    if (!format->terminal && (format->raw || one_line(text)))
        return put_bytes(p, text.ptr, text.len);
    const uint8_t *end = text.ptr + text.len;
    for (const uint8_t *in = text.ptr; in < end; in++) {
        unsigned n = to_escape(in, end, format->terminal);
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

static char *put_record(char *p, const struct receiver_format *format)
{
    const struct receiver_record *r = &format->record;
    p = put_char(put_bytes(p, r->datetime, r->datetime_len), ' ');
    p = put_char(put_foreign(p, r->head.identity, format), ' ');
    p = put_word(put_word(p, r->message), r->rcode);
    p = put_char(receiver_put_address(p, &r->query_ip), ' ');
    p = put_char(receiver_put_port(p, r->query_port, "-"), ' ');
    p = put_word(put_word(p, r->family), r->protocol);
    p = PUT_LIT(put_u64(p, r->head.dns.len), "b ");
    p = put_char(put_foreign(p, r->qname, format), ' ');
    p = put_word(p, r->rrtype);
    p = r->has_latency ? pyfloat_put(p, r->latency) : put_char(p, '-');
    return put_char(p, '\n');
}

static int text_event(void *state, struct event *ev, struct buf *out)
{
    return receiver_format_event(state, ev, out, put_record);
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
    .doc =
        "The lines of dnstap-receiver 4.7.0, byte for byte; but ends of lines inside an identity "
        "or a name are \\010 and \\013, unless compat-control is raw.",
    .hooks = &text_hooks,
};
