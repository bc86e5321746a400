/*
 * SVCB and HTTPS parameters (RFC 9460) as text: "alpn=h2,h3 port=8443", one row a key.
 *
 * As ldns does, a value is put in quotes only when it holds white space, and a comma inside an
 * ALPN identifier gets one backslash.
 */
#include "base/encode.h"
#include "base/put.h"
#include "wire/dns_fields.h"

/* Writes a value that is not empty; fails the cursor when the value does not fit its key. */
typedef char *svcb_put(char *p, struct cursor *value);

static char *put_key(char *p, uint16_t key);

static char *put_key_list(char *p, struct cursor *value)
{
    p = put_key(p, cursor_be16(value));
    while (cursor_left(value))
        p = put_key(put_char(p, ','), cursor_be16(value));
    return p;
}

static bool has_space(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == ' ' || text.ptr[i] - 9u < 5)
            return true;
    }
    return false;
}

static char *put_text(char *p, struct cursor *value)
{
    struct span text = cursor_rest(value);
    bool quoted = has_space(text);
    if (quoted)
        *p++ = '"';
    for (size_t i = 0; i < text.len; i++)
        p = dns_char_put(p, text.ptr[i]);
    return quoted ? put_char(p, '"') : p;
}

static char *put_string(char *p, struct cursor *value)
{
    struct span id = cursor_take(value, cursor_u8(value));
    for (size_t i = 0; i < id.len; i++) {
        if (id.ptr[i] == ',')
            *p++ = '\\';
        p = dns_char_put(p, id.ptr[i]);
    }
    return p;
}

static char *put_strings(char *p, struct cursor *value)
{
    struct cursor ids = *value;
    bool quoted = false;
    while (cursor_left(&ids))
        quoted |= has_space(cursor_take(&ids, cursor_u8(&ids)));
    if (quoted)
        *p++ = '"';
    p = put_string(p, value);
    while (cursor_left(value))
        p = put_string(put_char(p, ','), value);
    return quoted ? put_char(p, '"') : p;
}

static char *put_nothing(char *p, struct cursor *value)
{
    cursor_fail(value);
    return p;
}

static char *put_port(char *p, struct cursor *value)
{
    return put_u16(p, cursor_be16(value));
}

/* Addresses of `size` bytes, with commas between. */
static char *put_addresses(char *p, struct cursor *value, size_t size,
                           char *(*put)(char *, const uint8_t *))
{
    while (cursor_has(value, size)) {
        p = put(p, cursor_take(value, size).ptr);
        if (cursor_left(value) == 0)
            break;
        *p++ = ',';
    }
    return p;
}

static char *put_ipv4_list(char *p, struct cursor *value)
{
    return put_addresses(p, value, 4, put_ipv4);
}

static char *put_ipv6_list(char *p, struct cursor *value)
{
    return put_addresses(p, value, 16, put_ipv6);
}

static char *put_base64_value(char *p, struct cursor *value)
{
    return put_base64(p, cursor_rest(value));
}

/* TLS named groups, by number: draft-ietf-tls-key-share-prediction. */
static char *put_groups(char *p, struct cursor *value)
{
    p = put_u16(p, cursor_be16(value));
    while (cursor_left(value))
        p = put_u16(put_char(p, ','), cursor_be16(value));
    return p;
}

static const struct {
    const char *name;
    svcb_put *put;
} keys[] = {
    {"mandatory", put_key_list},      /* RFC 9460 section 8 */
    {"alpn", put_strings},            /* RFC 9460 7.1 */
    {"no-default-alpn", put_nothing}, /* RFC 9460 7.1 */
    {"port", put_port},               /* RFC 9460 7.2 */
    {"ipv4hint", put_ipv4_list},      /* RFC 9460 7.3 */
    {"ech", put_base64_value},        /* RFC 9848 */
    {"ipv6hint", put_ipv6_list},      /* RFC 9460 7.3 */
    {"dohpath", put_text},            /* RFC 9461 */
    {"ohttp", put_nothing},           /* RFC 9540 */
    {"tls-supported-groups", put_groups},
    {"docpath", put_strings}, /* RFC 9953 */
    {"pvd", put_text},        /* registered without a form of its own, as the next */
    {"oots", put_text},
};

enum {
    KEYS = sizeof keys / sizeof *keys,
    KEY_TEXT_MAX = sizeof "tls-supported-groups=", /* in a list of keys, for two bytes of data */
};

static char *put_key(char *p, uint16_t key)
{
    return key < KEYS ? put_str(p, keys[key].name) : put_u16(PUT_LIT(p, "key"), key);
}

char *dns_svcb_put(struct dns_fields *f, char *p)
{
    while (p && cursor_left(&f->in)) {
        uint16_t key = cursor_be16(&f->in);
        struct cursor value = cursor_sub(&f->in, cursor_be16(&f->in));
        p = dns_fields_room(f, p, KEY_TEXT_MAX * (cursor_left(&value) / 2 + 1));
        if (!p)
            break;
        p = put_key(p, key);
        if (cursor_left(&value))
            p = (key < KEYS ? keys[key].put : put_text)(put_char(p, '='), &value);
        if (value.failed || cursor_left(&value))
            cursor_fail(&f->in);
        if (cursor_left(&f->in))
            *p++ = ' ';
    }
    return p;
}
