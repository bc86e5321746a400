/* EDNS(0): the OPT record taken apart, and those fields that only its options have. */
#include "wire/dns_fields.h"

bool dns_edns_option_next(struct cursor *options, struct dns_edns_option *option)
{
    if (cursor_left(options) == 0)
        return false;
    uint16_t code = cursor_be16(options);
    struct span data = cursor_take(options, cursor_be16(options));
    if (options->failed)
        return false;
    *option = (struct dns_edns_option){code, data};
    return true;
}

/* Free text in presentation form; the caller says which characters may be shown. */
static char *put_text(char *p, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\\')
            *p++ = '\\';
        *p++ = (char)text.ptr[i];
    }
    return p;
}

/* Opaque bytes that are often a name in plain letters: both forms. */
char *dns_edns_put_id(struct dns_fields *f, char *p)
{
    struct span id = cursor_rest(&f->in);
    p = put_hex(p, id.ptr, id.len);
    p = put_text(PUT_LIT(p, " ("), id);
    return put_char(p, ')');
}

/* How long padding is. Its bytes must be zero, RFC 7830 section 3; those that are not are shown. */
char *dns_edns_put_padding(struct dns_fields *f, char *p)
{
    struct span bytes = cursor_rest(&f->in);
    p = put_u64(p, bytes.len);
    size_t zeros = 0;
    while (zeros < bytes.len && bytes.ptr[zeros] == 0)
        zeros++;
    if (zeros == bytes.len)
        return p;
    return put_char(put_hex(PUT_LIT(p, " ("), bytes.ptr, bytes.len), ')');
}

/* address/source/scope, RFC 7871 section 6: the address is cut behind the source prefix. Who wants
 * no subnet sent may leave the family out, too: that is 0/0/0, as dig has it. */
char *dns_edns_put_subnet(struct dns_fields *f, char *p)
{
    uint16_t family = cursor_be16(&f->in);
    uint8_t source = cursor_u8(&f->in);
    uint8_t scope = cursor_u8(&f->in);
    struct span part = cursor_rest(&f->in);
    size_t size = family == 1 ? 4 : family == 2 ? 16 : 0;
    if (family == 0 && source == 0 && scope == 0 && part.len == 0 && !f->in.failed)
        return PUT_LIT(p, "0/0/0");
    if (size == 0 || part.len != (source + 7u) / 8 || source > 8 * size || scope > 8 * size) {
        cursor_fail(&f->in);
        return p;
    }
    uint8_t addr[16] = {0};
    memcpy(addr, part.ptr, part.len);
    p = family == 1 ? put_ipv4(p, addr) : put_ipv6(p, addr);
    p = put_u8(put_char(p, '/'), source);
    return put_u8(put_char(p, '/'), scope);
}

/* The client's eight bytes and, in answers, the server's 8 to 32, RFC 7873. */
char *dns_edns_put_cookie(struct dns_fields *f, char *p)
{
    struct span client = cursor_take(&f->in, 8);
    p = put_hex(p, client.ptr, client.len);
    struct span server = cursor_rest(&f->in);
    if (server.len == 0)
        return p;
    if (server.len < 8 || server.len > 32)
        cursor_fail(&f->in);
    return put_hex(put_char(p, ' '), server.ptr, server.len);
}

/* RFC 7828: the idle time-out in tenths of a second. */
char *dns_edns_put_tenths(struct dns_fields *f, char *p)
{
    uint16_t tenths = cursor_be16(&f->in);
    p = put_char(put_u16(p, tenths / 10), '.');
    return put_char(put_u8(p, tenths % 10), 's');
}

/* "15 (Blocked): text", RFC 8914; its section 2 lets senders close the text with a NUL. */
char *dns_edns_put_error(struct dns_fields *f, char *p)
{
    uint16_t code = cursor_be16(&f->in);
    const char *name = dns_ede_name(code);
    struct span text = cursor_rest(&f->in);
    if (text.len > 0 && text.ptr[text.len - 1] == 0)
        text.len--;
    p = put_u16(p, code);
    if (name)
        p = put_char(put_str(PUT_LIT(p, " ("), name), ')');
    return text.len ? put_text(PUT_LIT(p, ": "), text) : p;
}

/* The kind of a zone's version, and the version, RFC 9660: for now that is a SOA serial. */
char *dns_edns_put_version(struct dns_fields *f, char *p)
{
    uint8_t type = cursor_u8(&f->in);
    if (type == 0 && cursor_left(&f->in) == 4)
        return put_u64(PUT_LIT(p, "SOA-SERIAL "), cursor_be32(&f->in));
    p = put_char(put_u8(p, type), ' ');
    struct span version = cursor_rest(&f->in);
    return put_hex(p, version.ptr, version.len);
}
