/*
 * Data made of fields, as text: the common engine of RDATA and of EDNS options.
 *
 * A layout is a string with one letter a field. Lower-case letters and digits stand for fields that
 * know their own length, upper-case letters for fields that take all that is left; what follows a
 * question mark may be absent, and a field with a plus behind it comes once or more, up to the end.
 * dns_fields.c lists the letters.
 *
 * A field fits when its bytes are what RFCs demand of the wire. Its text must give them back, so
 * there are fields that fit and have no text: one that is empty, say, where its kind has no word
 * for nothing.
 */
#ifndef SPILE_WIRE_DNS_FIELDS_H
#define SPILE_WIRE_DNS_FIELDS_H

#include "base/put.h"
#include "wire/dns.h"

/* Owner: the stack of one call. Borrows everything. */
struct dns_fields {
    struct buf *out;
    struct span msg;  /* what name pointers refer to */
    struct span data; /* inside msg */
    struct cursor in; /* over data */
    uint32_t work;    /* of names that were checked, see dns_work_max */
};

/* Whether the data is what its layout demands, to the last byte. Adds the work of its names. */
bool dns_fields_fit(struct span msg, struct span data, const char *layout, uint32_t *work);

/* Appends the fields with blanks between. 0; -1 with `out` as before when the data does not fit its
 * layout, when a field has no text, or when memory is short (out->failed). */
int dns_fields_put(struct buf *out, struct span msg, struct span data, const char *layout);

/* The offset in the message of what comes next. */
static inline size_t dns_fields_at(const struct dns_fields *f)
{
    return (size_t)(f->in.pos - f->msg.ptr);
}

/* Goes on behind a name, which ends at `end` of the message, as dns_name_skip and dns_name_decode
 * found it; fails f->in when they found none, or one that leaves the data. */
static inline bool dns_fields_seek(struct dns_fields *f, int found, size_t end)
{
    bool good = found == 0 && end <= (size_t)(f->in.end - f->msg.ptr);
    if (good)
        f->in.pos = f->msg.ptr + end;
    else
        cursor_fail(&f->in);
    return good;
}

enum {
    DNS_FIELD_ROOM = DNS_NAME_TEXT_MAX + 64, /* for any field, and 8 bytes a byte of data on top */
};

/* Makes room for `need` more bytes at `p`, for fields whose text can be more than eight times as
 * long as their data. Returns `p`, which may have moved with the buffer; NULL when memory is short.
 */
static inline char *dns_fields_room(struct dns_fields *f, char *p, size_t need)
{
    buf_commit(f->out, p);
    return buf_reserve(f->out, need + DNS_FIELD_ROOM + 8 * cursor_left(&f->in));
}

/* What passes over a field of its kind, and fails f->in when the field does not fit. */
typedef void dns_field_fit(struct dns_fields *f);
dns_field_fit dns_fit_name;
dns_field_fit dns_fit_names;     /* HIP */
dns_field_fit dns_fit_rest;      /* whatever is left, if anything */
dns_field_fit dns_fit_target;    /* URI */
dns_field_fit dns_fit_counted;   /* a character-string; NSEC3's salt */
dns_field_fit dns_fit_counted16; /* TSIG */
dns_field_fit dns_fit_hash;      /* NSEC3 */
dns_field_fit dns_fit_tag;       /* CAA */
dns_field_fit dns_fit_hip;
dns_field_fit dns_fit_gateway;    /* IPSECKEY */
dns_field_fit dns_fit_relay;      /* AMTRELAY */
dns_field_fit dns_fit_bitmap;     /* NSEC */
dns_field_fit dns_fit_nxt_bitmap; /* NXT */
dns_field_fit dns_fit_services;   /* WKS */
dns_field_fit dns_fit_prefixes;   /* APL */
dns_field_fit dns_fit_location;   /* LOC */
dns_field_fit dns_svcb_fit;       /* SVCB and HTTPS parameters */

/* What writes a field of its kind, one that fits, at `p`, where there is room for a name and for
 * eight bytes a byte of data. Returns the byte behind it; fails f->in when the field has no text,
 * and of EDNS options when it does not fit. These are those of other files. */
typedef char *dns_field_put(struct dns_fields *f, char *p);
dns_field_put dns_svcb_put;         /* SVCB and HTTPS parameters */
dns_field_put dns_edns_put_id;      /* NSID */
dns_field_put dns_edns_put_padding; /* PADDING */
dns_field_put dns_edns_put_subnet;  /* ECS */
dns_field_put dns_edns_put_cookie;  /* COOKIE */
dns_field_put dns_edns_put_tenths;  /* TCP-KEEPALIVE */
dns_field_put dns_edns_put_error;   /* EDE */
dns_field_put dns_edns_put_version; /* ZONEVERSION */

/* A byte of a quoted or bare string: \" and \\ and, outside 0x20..0x7e, \DDD. */
static inline char *dns_char_put(char *p, uint8_t byte)
{
    if (byte < 0x20 || byte > 0x7e) {
        *p++ = '\\';
        return put_digits(p, byte, 3);
    }
    if (byte == '"' || byte == '\\')
        *p++ = '\\';
    return put_char(p, (char)byte);
}

/* The layout of a type's data in a class; NULL when it has none. */
const char *dns_data_layout(uint16_t type, uint16_t class);

#endif
