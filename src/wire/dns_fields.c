/* The kinds of fields, one small function each, and the table from letters to functions. */
#include "wire/dns_fields.h"

#include "base/encode.h"
#include "base/put.h"

static char *put_quoted(char *p, struct span text)
{
    *p++ = '"';
    for (size_t i = 0; i < text.len; i++)
        p = dns_char_put(p, text.ptr[i]);
    return put_char(p, '"');
}

/* A string with its length in front, one byte. */
static struct span take_counted(struct cursor *in)
{
    return cursor_take(in, cursor_u8(in));
}

static char *put_byte(struct dns_fields *f, char *p)
{
    return put_u8(p, cursor_u8(&f->in));
}

static char *put_half(struct dns_fields *f, char *p)
{
    return put_u16(p, cursor_be16(&f->in));
}

/* KEY's flags. Two of them say that there is no key, RFC 2535 3.1.2: then no parser would read the
 * one that stands there all the same. (RFC 3445 has receivers ignore
 * them, so the wire is sound.) */
static char *put_key_flags(struct dns_fields *f, char *p)
{
    enum { NO_KEY = 0xc000 };
    uint16_t flags = cursor_be16(&f->in);
    if ((flags & NO_KEY) == NO_KEY)
        cursor_fail(&f->in);
    return put_u16(p, flags);
}

static char *put_word(struct dns_fields *f, char *p)
{
    return put_u64(p, cursor_be32(&f->in));
}

static char *put_quad(struct dns_fields *f, char *p)
{
    return put_u64(p, cursor_be64(&f->in));
}

/* TSIG's 48 bits of seconds; ldns writes a blank more behind them. */
static char *put_seconds48(struct dns_fields *f, char *p)
{
    uint64_t high = cursor_be16(&f->in);
    p = put_u64(p, high << 32 | cursor_be32(&f->in));
    return put_char(p, ' ');
}

/* CH A's address: 16 bits, in octal. */
static char *put_octal(struct dns_fields *f, char *p)
{
    uint16_t address = cursor_be16(&f->in);
    unsigned shift = 15;
    while (shift > 0 && address >> shift == 0)
        shift -= 3;
    for (; shift > 0; shift -= 3)
        *p++ = (char)('0' + (address >> shift & 7));
    return put_char(p, (char)('0' + (address & 7)));
}

/* YYYYMMDDHHMMSS. The 32 bits are taken as seconds since 1970, up to 2106: to read them in serial
 * arithmetic (RFC 4034 3.1.5) would make the text depend on today's date. */
static char *put_date(struct dns_fields *f, char *p)
{
    uint32_t sec = cursor_be32(&f->in);
    int64_t year;
    unsigned month, day;
    civil_from_days(sec / 86400, &year, &month, &day);
    p = put_2digits(p, (uint32_t)year / 100);
    p = put_2digits(p, (uint32_t)year % 100);
    p = put_2digits(p, month);
    p = put_2digits(p, day);
    p = put_2digits(p, sec % 86400 / 3600);
    p = put_2digits(p, sec % 3600 / 60);
    return put_2digits(p, sec % 60);
}

static char *put_type(struct dns_fields *f, char *p)
{
    return dns_type_put(p, cursor_be16(&f->in));
}

/* The certificate types of RFC 4398 2.1. */
static char *put_cert_type(struct dns_fields *f, char *p)
{
    static const char names[][8] = {[1] = "PKIX", "SPKI", "PGP",    "IPKIX",
                                    "ISPKI",      "IPGP", "ACPKIX", "IACPKIX"};
    uint16_t type = cursor_be16(&f->in);
    if (type == 253)
        return PUT_LIT(p, "URI");
    if (type == 254)
        return PUT_LIT(p, "OID");
    if (type - 1u < sizeof names / sizeof *names - 1)
        return put_str(p, names[type]);
    return put_u16(p, type);
}

/* The one scheme of RFC 9859 that has a name. */
static char *put_dsync_scheme(struct dns_fields *f, char *p)
{
    uint8_t scheme = cursor_u8(&f->in);
    return scheme == 1 ? PUT_LIT(p, "NOTIFY") : put_u8(p, scheme);
}

static char *put_name(struct dns_fields *f, char *p)
{
    uint8_t space[DNS_NAME_MAX];
    struct dns_name name;
    size_t end;
    int found = dns_name_decode(f->msg, dns_fields_at(f), space, &name, &end);
    return dns_fields_seek(f, found, end) ? dns_name_put(p, name) : p;
}

static char *put_names(struct dns_fields *f, char *p)
{
    p = put_name(f, p);
    while (cursor_left(&f->in))
        p = put_name(f, put_char(p, ' '));
    return p;
}

static char *put_ipv4_field(struct dns_fields *f, char *p)
{
    struct span addr = cursor_take(&f->in, 4);
    return addr.ptr ? put_ipv4(p, addr.ptr) : p;
}

static char *put_ipv6_field(struct dns_fields *f, char *p)
{
    struct span addr = cursor_take(&f->in, 16);
    return addr.ptr ? put_ipv6(p, addr.ptr) : p;
}

/* A gateway or relay: nothing, an address, or a name, as IPSECKEY and AMTRELAY number them. */
static char *put_gateway_of(struct dns_fields *f, char *p, unsigned type)
{
    switch (type) {
    case 0:
        return put_char(p, '.');
    case 1:
        return put_ipv4_field(f, p);
    case 2:
        return put_ipv6_field(f, p);
    case 3:
        return put_name(f, p);
    default:
        cursor_fail(&f->in);
        return p;
    }
}

/* IPSECKEY's gateway, RFC 4025: its type is the second byte of the data. */
static char *put_gateway(struct dns_fields *f, char *p)
{
    return put_gateway_of(f, p, f->data.ptr[1]);
}

/* AMTRELAY's discovery bit, type and relay, RFC 8777. */
static char *put_relay(struct dns_fields *f, char *p)
{
    uint8_t byte = cursor_u8(&f->in);
    p = put_char(put_char(p, (char)('0' + (byte >> 7))), ' ');
    p = put_char(put_u8(p, byte & 0x7f), ' ');
    return put_gateway_of(f, p, byte & 0x7f);
}

static char *put_string(struct dns_fields *f, char *p)
{
    return put_quoted(p, take_counted(&f->in));
}

static char *put_quoted_rest(struct dns_fields *f, char *p)
{
    return put_quoted(p, cursor_rest(&f->in));
}

/* What is left, for texts that have no word for nothing. */
static struct span take_some(struct dns_fields *f)
{
    if (cursor_left(&f->in) == 0)
        cursor_fail(&f->in);
    return cursor_rest(&f->in);
}

/* CAA's tag: letters and digits. */
static char *put_tag(struct dns_fields *f, char *p)
{
    struct span tag = take_counted(&f->in);
    return put_bytes(p, tag.ptr, tag.len);
}

static char *put_hex_span(char *p, struct span bytes)
{
    return put_hex(p, bytes.ptr, bytes.len);
}

static char *put_hex_rest(struct dns_fields *f, char *p)
{
    return put_hex_span(p, take_some(f));
}

static char *put_nsap(struct dns_fields *f, char *p)
{
    return put_hex_rest(f, PUT_LIT(p, "0x"));
}

/* NSEC3's salt, "-" when empty; ldns writes a blank more behind it. */
static char *put_salt(struct dns_fields *f, char *p)
{
    struct span salt = take_counted(&f->in);
    p = salt.len ? put_hex_span(p, salt) : put_char(p, '-');
    return put_char(p, ' ');
}

/* NSEC3's hash. RFC 5155 3.3 has it without padding, some programs read it only with: the hashes
 * that there are (SHA-1, 20 bytes) need none. */
static char *put_base32hex_counted(struct dns_fields *f, char *p)
{
    enum { WHOLE = 5 }; /* bytes that fill eight letters */
    struct span hash = take_counted(&f->in);
    if (hash.len % WHOLE != 0)
        cursor_fail(&f->in);
    return put_base32hex(p, hash);
}

static char *put_base64_rest(struct dns_fields *f, char *p)
{
    return put_base64(p, take_some(f));
}

/* A length of 16 bits and that many bytes: TSIG's and TKEY's. */
static char *put_base64_counted(struct dns_fields *f, char *p)
{
    uint16_t len = cursor_be16(&f->in);
    p = put_char(put_u16(p, len), ' ');
    return put_base64(p, cursor_take(&f->in, len));
}

/* HIP's algorithm, host identity tag and public key, RFC 8005 section 5. */
static char *put_hip(struct dns_fields *f, char *p)
{
    uint8_t tag_len = cursor_u8(&f->in);
    p = put_char(put_u8(p, cursor_u8(&f->in)), ' ');
    uint16_t key_len = cursor_be16(&f->in);
    if (tag_len == 0 || key_len == 0)
        cursor_fail(&f->in);
    p = put_char(put_hex_span(p, cursor_take(&f->in, tag_len)), ' ');
    return put_base64(p, cursor_take(&f->in, key_len));
}

/* Hexadecimal in groups: EUI48, EUI64, and the locators of ILNP. */
static char *put_groups(struct dns_fields *f, char *p, size_t len, size_t group, char separator)
{
    struct span bytes = cursor_take(&f->in, len);
    for (size_t i = 0; i < bytes.len; i += group) {
        if (i > 0)
            *p++ = separator;
        p = put_hex(p, bytes.ptr + i, group);
    }
    return p;
}

static char *put_eui48(struct dns_fields *f, char *p)
{
    return put_groups(f, p, 6, 1, '-');
}

static char *put_eui64(struct dns_fields *f, char *p)
{
    return put_groups(f, p, 8, 1, '-');
}

static char *put_locator(struct dns_fields *f, char *p)
{
    return put_groups(f, p, 8, 2, ':');
}

/* The numbers of the bits that are set, from the left, with a blank behind each. */
static char *put_bits(struct dns_fields *f, char *p, struct span bits, unsigned base,
                      char *(*put)(char *, uint16_t))
{
    p = dns_fields_room(f, p, bits.len * 8 * sizeof "TYPE65535");
    for (size_t i = 0; p && i < bits.len; i++) {
        for (unsigned byte = bits.ptr[i], bit = 0; byte & 0xff; byte <<= 1, bit++) {
            if (byte & 0x80)
                p = put_char(put(p, (uint16_t)(base + 8 * i + bit)), ' ');
        }
    }
    return p;
}

/* The type bitmap of NSEC and its kin, RFC 4034 4.1.2. */
static char *put_bitmap(struct dns_fields *f, char *p)
{
    do {
        unsigned window = cursor_u8(&f->in);
        p = put_bits(f, p, take_counted(&f->in), window << 8, dns_type_put);
    } while (p && cursor_left(&f->in));
    return p;
}

/* NXT's one bitmap of the types up to 127, RFC 2535 5.2. Its first bit would say that it is none.
 */
static char *put_nxt_bitmap(struct dns_fields *f, char *p)
{
    struct span bits = cursor_rest(&f->in);
    if (bits.ptr[0] & 0x80) {
        cursor_fail(&f->in);
        return p;
    }
    return put_bits(f, p, bits, 0, dns_type_put);
}

/* WKS's protocol and ports, RFC 1035 3.4.2. Ports are shown as numbers: their names differ from
 * one machine's /etc/services to another's. The list would not give back zeros behind its bits. */
static char *put_services(struct dns_fields *f, char *p)
{
    uint8_t protocol = cursor_u8(&f->in);
    p = protocol == 6    ? PUT_LIT(p, "tcp")
        : protocol == 17 ? PUT_LIT(p, "udp")
                         : put_u8(p, protocol);
    p = put_char(p, ' ');
    struct span bits = take_some(f);
    if (bits.len > 0 && bits.ptr[bits.len - 1] == 0)
        cursor_fail(&f->in);
    return put_bits(f, p, bits, 0, put_u16);
}

/* One item of RFC 3123: family, prefix length, negation, and the beginning of an address. */
static char *put_prefix(struct dns_fields *f, char *p)
{
    uint16_t family = cursor_be16(&f->in);
    uint8_t prefix = cursor_u8(&f->in);
    uint8_t len = cursor_u8(&f->in);
    struct span part = cursor_take(&f->in, len & 0x7f);
    if (family != 1 && family != 2) {
        cursor_fail(&f->in);
        return p;
    }
    uint8_t addr[16] = {0};
    memcpy(addr, part.ptr, part.len);
    if (len & 0x80)
        *p++ = '!';
    p = put_char(put_u16(p, family), ':');
    for (size_t i = 0; family == 2 && i < 16; i += 2)
        p = put_char(put_hex(p, addr + i, 2), i < 14 ? ':' : '/');
    if (family == 1)
        p = put_char(put_ipv4(p, addr), '/');
    return put_char(put_u8(p, prefix), ' ');
}

static char *put_prefixes(struct dns_fields *f, char *p)
{
    while (p && cursor_left(&f->in)) {
        p = put_prefix(f, p);
        p = dns_fields_room(f, p, 0);
    }
    return p;
}

/* LOC's degrees, minutes and seconds from thousandths of a second around 2^31, RFC 1876. */
static char *put_angle(char *p, uint32_t value, char above, char below)
{
    bool is_above = value > 1u << 31;
    uint32_t angle = is_above ? value - (1u << 31) : (1u << 31) - value;
    uint32_t degrees = angle / 3600000;
    p = degrees < 100 ? put_2digits(p, degrees) : put_u64(p, degrees);
    p = put_char(p, ' ');
    p = put_2digits(p, angle / 60000 % 60);
    p = put_char(p, ' ');
    p = put_u64(p, angle / 1000 % 60);
    p = put_char(p, '.');
    p = put_digits(p, angle % 1000, 3);
    p = put_char(p, ' ');
    return put_char(put_char(p, is_above ? above : below), ' ');
}

/* Centimetres around 100 km below the ellipsoid, as metres. */
static char *put_altitude(char *p, uint32_t value)
{
    int64_t cm = (int64_t)value - 10000000;
    if (cm < 0) {
        *p++ = '-';
        cm = -cm;
    }
    p = put_u64(p, (uint64_t)cm / 100);
    if (cm % 100)
        p = put_2digits(put_char(p, '.'), (uint32_t)(cm % 100));
    return put_char(p, 'm');
}

/* A mantissa and a power of ten, in centimetres. Nothing times a power of ten would be read back as
 * nothing alone. */
static char *put_precision(struct dns_fields *f, char *p, uint8_t value)
{
    unsigned mantissa = value >> 4;
    unsigned power = value & 15;
    if (mantissa == 0 && power > 0) {
        cursor_fail(&f->in);
        return p;
    }
    *p++ = ' ';
    if (power < 2) {
        p = put_2digits(PUT_LIT(p, "0."), power ? mantissa * 10 : mantissa);
    } else {
        *p++ = (char)('0' + mantissa);
        for (; power > 2; power--)
            *p++ = '0';
    }
    return put_char(p, 'm');
}

static char *put_location(struct dns_fields *f, char *p)
{
    struct span loc = cursor_rest(&f->in);
    if (loc.ptr[0] != 0) { /* 0 is the only version that there is */
        cursor_fail(&f->in);
        return p;
    }
    p = put_angle(p, load_be32(loc.ptr + 4), 'N', 'S');
    p = put_angle(p, load_be32(loc.ptr + 8), 'E', 'W');
    p = put_altitude(p, load_be32(loc.ptr + 12));
    for (size_t i = 1; i <= 3; i++)
        p = put_precision(f, p, loc.ptr[i]);
    return p;
}

static const struct field_kind {
    dns_field_put *put;
    dns_field_fit *fit; /* NULL: to read it tells: fields of a fixed size, and names */
    uint8_t size;       /* 0: not the same for all */
} kinds[128] = {
    /* fields of so many bytes */
    ['b'] = {put_byte, .size = 1},
    ['h'] = {put_half, .size = 2},
    ['w'] = {put_word, .size = 4},
    ['q'] = {put_quad, .size = 8},
    ['u'] = {put_seconds48, .size = 6},    /* TSIG */
    ['t'] = {put_date, .size = 4},         /* seconds */
    ['y'] = {put_type, .size = 2},         /* a type's number */
    ['c'] = {put_cert_type, .size = 2},    /* CERT */
    ['j'] = {put_dsync_scheme, .size = 1}, /* DSYNC */
    ['d'] = {put_key_flags, .size = 2},    /* KEY */
    ['a'] = {put_octal, .size = 2},        /* A of class CH */
    ['4'] = {put_ipv4_field, .size = 4},
    ['6'] = {put_ipv6_field, .size = 16},
    ['e'] = {put_eui48, .size = 6},   /* EUI48 */
    ['f'] = {put_eui64, .size = 8},   /* EUI64 */
    ['l'] = {put_locator, .size = 8}, /* NID, L64 */
    /* fields whose bytes say where they end */
    ['n'] = {put_name},                              /* a name */
    ['v'] = {put_gateway, dns_fit_gateway},          /* IPSECKEY */
    ['r'] = {put_relay, dns_fit_relay},              /* AMTRELAY */
    ['s'] = {put_string, dns_fit_counted},           /* a character-string */
    ['g'] = {put_tag, dns_fit_tag},                  /* CAA */
    ['x'] = {put_salt, dns_fit_counted},             /* NSEC3 */
    ['o'] = {put_base32hex_counted, dns_fit_hash},   /* NSEC3 */
    ['k'] = {put_base64_counted, dns_fit_counted16}, /* TSIG */
    ['p'] = {put_hip, dns_fit_hip},                  /* HIP */
    /* fields that take the rest */
    ['A'] = {put_nsap, dns_fit_rest},             /* NSAP */
    ['B'] = {put_base64_rest, dns_fit_rest},      /* keys, signatures */
    ['H'] = {put_hex_rest, dns_fit_rest},         /* digests */
    ['L'] = {put_location, dns_fit_location},     /* LOC */
    ['N'] = {put_names, dns_fit_names},           /* HIP */
    ['P'] = {put_prefixes, dns_fit_prefixes},     /* APL */
    ['Q'] = {put_quoted_rest, dns_fit_rest},      /* CAA */
    ['T'] = {put_bitmap, dns_fit_bitmap},         /* NSEC */
    ['U'] = {put_quoted_rest, dns_fit_target},    /* URI */
    ['V'] = {dns_svcb_put, dns_svcb_fit},         /* SVCB */
    ['W'] = {put_services, dns_fit_services},     /* WKS */
    ['X'] = {put_nxt_bitmap, dns_fit_nxt_bitmap}, /* NXT */
    /* the same, of EDNS options: only who writes them looks whether they fit */
    ['C'] = {dns_edns_put_subnet, dns_fit_rest},  /* ECS */
    ['E'] = {dns_edns_put_error, dns_fit_rest},   /* EDE */
    ['I'] = {dns_edns_put_id, dns_fit_rest},      /* NSID */
    ['K'] = {dns_edns_put_tenths, dns_fit_rest},  /* TCP-KEEPALIVE */
    ['O'] = {dns_edns_put_cookie, dns_fit_rest},  /* COOKIE */
    ['R'] = {dns_edns_put_version, dns_fit_rest}, /* ZONEVERSION */
    ['Z'] = {dns_edns_put_padding, dns_fit_rest}, /* PADDING */
};

/* Where a layout goes on behind a character that is no field; NULL where it ends, as it does when
 * what may be absent is. Behind a plus the field before it comes again, as long as anything is
 * left.
 */
static inline const char *go_on(const char *at, bool is_left)
{
    if (*at == 0 || (*at == '?' && !is_left))
        return NULL;
    return *at == '+' && is_left ? at - 1 : at + 1;
}

static inline bool fit_all(struct dns_fields *f, const char *layout)
{
    for (const char *at = layout; at;) {
        const struct field_kind *kind = &kinds[(uint8_t)*at];
        if (kind->size) {
            if (cursor_left(&f->in) < kind->size)
                return false;
            f->in.pos += kind->size;
            at++;
        } else if (kind->put) {
            if (kind->fit)
                kind->fit(f);
            else
                dns_fit_name(f);
            if (f->in.failed)
                return false;
            at++;
        } else {
            at = go_on(at, cursor_left(&f->in) > 0);
        }
    }
    return cursor_left(&f->in) == 0;
}

bool dns_fields_fit(struct span msg, struct span data, const char *layout, uint32_t *work)
{
    struct dns_fields f = {.msg = msg, .data = data, .in = cursor_of(data)};
    bool fits = fit_all(&f, layout);
    *work += f.work;
    return fits;
}

static bool put_field(struct dns_fields *f, const struct field_kind *kind)
{
    if (kind->fit) {
        const uint8_t *start = f->in.pos;
        kind->fit(f);
        if (f->in.failed)
            return false;
        f->in.pos = start;
    }
    char *p = buf_reserve(f->out, DNS_FIELD_ROOM + 8 * cursor_left(&f->in));
    if (p && f->in.pos > f->data.ptr)
        *p++ = ' ';
    p = p ? kind->put(f, p) : NULL;
    if (!p || f->in.failed)
        return false;
    buf_commit(f->out, p);
    return true;
}

static bool put_all(struct dns_fields *f, const char *layout)
{
    for (const char *at = layout; at;) {
        const struct field_kind *kind = &kinds[(uint8_t)*at];
        if (!kind->put)
            at = go_on(at, cursor_left(&f->in) > 0);
        else if (put_field(f, kind))
            at++;
        else
            return false;
    }
    return cursor_left(&f->in) == 0;
}

int dns_fields_put(struct buf *out, struct span msg, struct span data, const char *layout)
{
    struct dns_fields f = {.out = out, .msg = msg, .data = data, .in = cursor_of(data)};
    size_t mark = out->len;
    if (put_all(&f, layout))
        return 0;
    out->len = mark;
    return -1;
}
