/*
 * Whether a field's bytes are what its kind demands, one small function a kind: the RFCs' word on
 * the wire, not that on text. dns_fields.c has the table from letters to functions.
 *
 * So a key or digest without a byte fits, as do a LOC or a gateway of a kind yet to be defined:
 * nothing forbids them, though they have no text.
 */
#include "wire/dns_fields.h"

void dns_fit_name(struct dns_fields *f)
{
    size_t end;
    int found = dns_name_weigh(f->msg, dns_fields_at(f), &end, &f->work);
    dns_fields_seek(f, found, end);
}

/* Names up to the end. Each must stand there in full, as RFC 8005 5.6 demands: one message full of
 * pointers to a long name would else grow five-hundredfold as text. */
void dns_fit_names(struct dns_fields *f)
{
    do {
        struct span own = span_of(f->in.pos, cursor_left(&f->in));
        size_t end;
        if (dns_name_skip(own, 0, &end) < 0)
            cursor_fail(&f->in);
        else
            f->in.pos += end;
    } while (cursor_left(&f->in));
}

void dns_fit_rest(struct dns_fields *f)
{
    f->in.pos = f->in.end;
}

/* URI's target, which may not be empty: RFC 7553 4.4. */
void dns_fit_target(struct dns_fields *f)
{
    if (cursor_left(&f->in) == 0)
        cursor_fail(&f->in);
    dns_fit_rest(f);
}

/* A length of one byte and that many bytes. */
void dns_fit_counted(struct dns_fields *f)
{
    cursor_take(&f->in, cursor_u8(&f->in));
}

/* The same with a length of two bytes: TSIG's and TKEY's. */
void dns_fit_counted16(struct dns_fields *f)
{
    cursor_take(&f->in, cursor_be16(&f->in));
}

/* NSEC3's hash has a byte at least: RFC 5155 3.2. */
void dns_fit_hash(struct dns_fields *f)
{
    if (cursor_take(&f->in, cursor_u8(&f->in)).len == 0)
        cursor_fail(&f->in);
}

/* CAA's tag, RFC 8659 4.1: letters and digits, at least one. */
void dns_fit_tag(struct dns_fields *f)
{
    struct span tag = cursor_take(&f->in, cursor_u8(&f->in));
    bool good = tag.len > 0;
    for (size_t i = 0; i < tag.len; i++) {
        unsigned letter = (tag.ptr[i] | 0x20u) - 'a';
        unsigned digit = tag.ptr[i] - (unsigned)'0';
        good &= letter < 26 || digit < 10;
    }
    if (!good)
        cursor_fail(&f->in);
}

/* HIP's algorithm, host identity tag and public key, RFC 8005 section 5. */
void dns_fit_hip(struct dns_fields *f)
{
    size_t tag = cursor_u8(&f->in);
    cursor_u8(&f->in);
    cursor_take(&f->in, tag + cursor_be16(&f->in));
}

/* Of a gateway whose type is not defined nobody knows where it ends. */
static void fit_gateway_of(struct dns_fields *f, unsigned type)
{
    static const uint8_t sizes[] = {0, 4, 16};
    if (type < sizeof sizes)
        cursor_take(&f->in, sizes[type]);
    else if (type == 3)
        dns_fit_name(f);
    else
        dns_fit_rest(f);
}

/* IPSECKEY's gateway, RFC 4025: its type is the second byte of the data. */
void dns_fit_gateway(struct dns_fields *f)
{
    fit_gateway_of(f, f->data.ptr[1]);
}

/* AMTRELAY's discovery bit, type and relay, RFC 8777. */
void dns_fit_relay(struct dns_fields *f)
{
    fit_gateway_of(f, cursor_u8(&f->in) & 0x7f);
}

/* Whether a bitmap has 1 to `max` bytes and no zeros behind it. */
static bool is_tight(struct span bits, size_t max)
{
    return bits.len - 1 < max && bits.ptr[bits.len - 1] != 0;
}

/* The type bitmap of NSEC and its kin, RFC 4034 4.1.2: windows of up to 32 bytes, in order. */
void dns_fit_bitmap(struct dns_fields *f)
{
    int before = -1;
    do {
        int window = cursor_u8(&f->in);
        struct span bits = cursor_take(&f->in, cursor_u8(&f->in));
        if (!is_tight(bits, 32) || window <= before)
            cursor_fail(&f->in);
        before = window;
    } while (cursor_left(&f->in));
}

/* NXT's one bitmap of the types up to 127, RFC 2535 5.2, without zeros behind it. Its first bit
 * says that the bytes are something else. */
void dns_fit_nxt_bitmap(struct dns_fields *f)
{
    struct span bits = cursor_rest(&f->in);
    bool other = bits.len > 0 && bits.ptr[0] & 0x80;
    if (!other && !is_tight(bits, 128 / 8))
        cursor_fail(&f->in);
}

/* WKS's protocol and ports, RFC 1035 3.4.2: a bit for each port that there is, or for fewer. */
void dns_fit_services(struct dns_fields *f)
{
    cursor_u8(&f->in);
    if (cursor_rest(&f->in).len > 65536 / 8)
        cursor_fail(&f->in);
}

/* One item of RFC 3123 4: family, prefix length, negation, and an address that must come without
 * its last zeros. */
static void fit_prefix(struct dns_fields *f)
{
    uint16_t family = cursor_be16(&f->in);
    uint8_t prefix = cursor_u8(&f->in);
    struct span part = cursor_take(&f->in, cursor_u8(&f->in) & 0x7f);
    size_t size = family == 1 ? 4 : family == 2 ? 16 : 0;
    bool loose = part.len > 0 && part.ptr[part.len - 1] == 0;
    if (loose || (size > 0 && (part.len > size || prefix > size * 8)))
        cursor_fail(&f->in);
}

void dns_fit_prefixes(struct dns_fields *f)
{
    while (cursor_left(&f->in))
        fit_prefix(f);
}

/* Whether thousandths of a second around 2^31 are no more than so many degrees. */
static bool is_angle(uint32_t value, uint32_t degrees)
{
    enum { DEGREE = 3600000 };
    return value - (1u << 31) + degrees * DEGREE <= 2 * degrees * DEGREE;
}

/* LOC, RFC 1876 2: two digits each for size and precisions, and places that are on Earth. Of
 * versions other than 0 nothing is known. */
void dns_fit_location(struct dns_fields *f)
{
    struct span loc = cursor_rest(&f->in);
    if (loc.len > 0 && loc.ptr[0] != 0)
        return;
    bool good = loc.len == 16 && is_angle(load_be32(loc.ptr + 4), 90) &&
                is_angle(load_be32(loc.ptr + 8), 180);
    for (size_t i = 1; good && i <= 3; i++)
        good = loc.ptr[i] >> 4 <= 9 && (loc.ptr[i] & 15) <= 9;
    if (!good)
        cursor_fail(&f->in);
}
