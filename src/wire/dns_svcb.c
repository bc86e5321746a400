/*
 * SVCB and HTTPS parameters (RFC 9460) as text: "alpn=h2,h3 port=8443", one row a key.
 *
 * A value is put in quotes only when it holds what would else end or begin something. In a list,
 * a comma and a backslash within an item take a backslash (appendix A.1); then the list as a whole
 * is a character-string, in which each of these backslashes is doubled (appendix D, figure 10).
 *
 * Parameters that are not self-consistent make the whole record malformed (section 2.2), and no
 * zone file could say them: keys not in order, a mandatory one that is missing, values that do not
 * fit.
 */
#include "base/encode.h"
#include "base/put.h"
#include "wire/dns_fields.h"

/* Writes a value that fits its key and is not empty. */
typedef char *svcb_put(char *p, struct cursor *value);

static char *put_key(char *p, uint16_t key);

static char *put_key_list(char *p, struct cursor *value)
{
    p = put_key(p, cursor_be16(value));
    while (cursor_left(value))
        p = put_key(put_char(p, ','), cursor_be16(value));
    return p;
}

/* Whether a zone file would take the text for more than one word, when not in quotes. */
static bool needs_quotes(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (memchr(" \"();", text.ptr[i], 5))
            return true;
    }
    return false;
}

static char *put_text(char *p, struct cursor *value)
{
    struct span text = cursor_rest(value);
    bool quoted = needs_quotes(text);
    if (quoted)
        *p++ = '"';
    for (size_t i = 0; i < text.len; i++)
        p = dns_char_put(p, text.ptr[i]);
    return quoted ? put_char(p, '"') : p;
}

static char *put_item(char *p, struct cursor *value)
{
    struct span item = cursor_take(value, cursor_u8(value));
    for (size_t i = 0; i < item.len; i++) {
        if (item.ptr[i] == ',' || item.ptr[i] == '\\')
            p = PUT_LIT(p, "\\\\");
        p = dns_char_put(p, item.ptr[i]);
    }
    return p;
}

static char *put_items(char *p, struct cursor *value)
{
    struct cursor items = *value;
    bool quoted = false;
    while (cursor_left(&items))
        quoted |= needs_quotes(cursor_take(&items, cursor_u8(&items)));
    if (quoted)
        *p++ = '"';
    p = put_item(p, value);
    while (cursor_left(value))
        p = put_item(put_char(p, ','), value);
    return quoted ? put_char(p, '"') : p;
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

/* What a value is made of, by the size of its parts. */
enum {
    NOTHING = 0,
    BYTES = 1,
    HALVES = 2,
    IPV4 = 4,
    IPV6 = 16,
    ITEMS = 255 /* lengths and bytes */
};

static const struct svcb_key {
    const char *name;
    svcb_put *put;
    uint8_t parts;
    bool is_one; /* not a list of them */
    bool may_be_empty;
} keys[] = {
    {"mandatory", put_key_list, HALVES},                      /* RFC 9460 section 8 */
    {"alpn", put_items, ITEMS},                               /* RFC 9460 7.1 */
    {"no-default-alpn", NULL, NOTHING, .may_be_empty = true}, /* RFC 9460 7.1 */
    {"port", put_port, HALVES, .is_one = true},               /* RFC 9460 7.2 */
    {"ipv4hint", put_ipv4_list, IPV4},                        /* RFC 9460 7.3 */
    {"ech", put_base64_value, BYTES},                         /* RFC 9848 */
    {"ipv6hint", put_ipv6_list, IPV6},                        /* RFC 9460 7.3 */
    {"dohpath", put_text, BYTES},                             /* RFC 9461 */
    {"ohttp", NULL, NOTHING, .may_be_empty = true},           /* RFC 9540 */
    {"tls-supported-groups", put_groups, HALVES},
    {"docpath", put_items, ITEMS, .may_be_empty = true}, /* RFC 9953 */
    /* registered without a form of its own, as the next */
    {"pvd", put_text, BYTES, .may_be_empty = true},
    {"oots", put_text, BYTES, .may_be_empty = true},
};

static const struct svcb_key unknown = {NULL, put_text, BYTES, .may_be_empty = true};

enum {
    KEYS = sizeof keys / sizeof *keys,
    KEY_MANDATORY = 0,
    KEY_ALPN = 1,
    KEY_NO_DEFAULT_ALPN = 2,
    KEY_TEXT_MAX = sizeof "tls-supported-groups=", /* in a list of keys, for two bytes of data */
};

static const struct svcb_key *key_of(uint16_t key)
{
    return key < KEYS ? &keys[key] : &unknown;
}

static char *put_key(char *p, uint16_t key)
{
    return key < KEYS ? put_str(p, keys[key].name) : put_u16(PUT_LIT(p, "key"), key);
}

/* Whether `key` may stand behind `before` (-1: nothing). The keys are in order, and so must be
 * those that `mandatory` lists: each is taken off as it comes, and none may be passed over. */
static bool is_consistent(int key, int before, struct cursor *mandatory)
{
    if (key <= before || (key == KEY_NO_DEFAULT_ALPN && before != KEY_ALPN))
        return false;
    if (key == KEY_MANDATORY || cursor_left(mandatory) == 0)
        return true;
    struct cursor ahead = *mandatory;
    int next = cursor_be16(&ahead);
    if (next == key)
        *mandatory = ahead;
    return next >= key;
}

/* Whether all items have a byte at least. */
static bool are_items(struct span value)
{
    struct cursor items = cursor_of(value);
    while (cursor_left(&items)) {
        if (cursor_take(&items, cursor_u8(&items)).len == 0)
            return false;
    }
    return true;
}

static bool value_fits(const struct svcb_key *key, struct span value)
{
    if (value.len == 0)
        return key->may_be_empty;
    if (key->parts == ITEMS)
        return are_items(value);
    return key->parts != NOTHING && value.len % key->parts == 0 &&
           (!key->is_one || value.len == key->parts);
}

void dns_svcb_fit(struct dns_fields *f)
{
    struct cursor mandatory = {0};
    int before = -1;
    while (cursor_left(&f->in)) {
        uint16_t key = cursor_be16(&f->in);
        struct span value = cursor_take(&f->in, cursor_be16(&f->in));
        if (key == KEY_MANDATORY)
            mandatory = cursor_of(value);
        if (!is_consistent(key, before, &mandatory) || !value_fits(key_of(key), value))
            cursor_fail(&f->in);
        before = key;
    }
    if (cursor_left(&mandatory))
        cursor_fail(&f->in);
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
            p = key_of(key)->put(put_char(p, '='), &value);
        if (cursor_left(&f->in))
            *p++ = ' ';
    }
    return p;
}
