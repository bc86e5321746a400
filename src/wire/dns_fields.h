/*
 * Data made of fields, as text: the common engine of RDATA and of EDNS options.
 *
 * A layout is a string with one letter a field. Lower-case letters and digits stand for fields that
 * know their own length, upper-case letters for fields that take all that is left; what follows a
 * question mark may be absent. dns_fields.c lists the letters. A field's bytes must be recoverable
 * from its text. A field without such a text fails: one that is empty, say, where its kind has no
 * word for nothing.
 */
#ifndef SPILE_WIRE_DNS_FIELDS_H
#define SPILE_WIRE_DNS_FIELDS_H

#include "wire/dns.h"

/* Owner: the stack of one call. Borrows everything. */
struct dns_fields {
    struct buf *out;
    struct span msg;  /* what name pointers refer to */
    struct span data; /* inside msg */
    struct cursor in; /* over data */
};

/* Appends the fields with blanks between. 0; -1 with `out` as before when the data does not fit its
 * layout, to the last byte, or when memory is short (out->failed). */
int dns_fields_put(struct buf *out, struct span msg, struct span data, const char *layout);

/* Makes room for `need` more bytes at `p`, for fields whose text can be more than eight times as
 * long as their data. Returns `p`, which may have moved with the buffer; NULL when memory is short.
 */
char *dns_fields_room(struct dns_fields *f, char *p, size_t need);

/* Field kinds that other files implement. Each writes its field at `p`, where there is room for a
 * name and for eight bytes a byte of data, and returns the byte behind it; it fails f->in when the
 * data does not fit. */
typedef char *dns_field_put(struct dns_fields *f, char *p);
dns_field_put dns_svcb_put;         /* SVCB and HTTPS parameters */
dns_field_put dns_edns_put_bytes;   /* a list of 8-bit numbers */
dns_field_put dns_edns_put_halves;  /* a list of 16-bit numbers */
dns_field_put dns_edns_put_types;   /* a list of types */
dns_field_put dns_edns_put_id;      /* NSID */
dns_field_put dns_edns_put_length;  /* PADDING */
dns_field_put dns_edns_put_subnet;  /* ECS */
dns_field_put dns_edns_put_cookie;  /* COOKIE */
dns_field_put dns_edns_put_tenths;  /* TCP-KEEPALIVE */
dns_field_put dns_edns_put_error;   /* EDE */
dns_field_put dns_edns_put_version; /* ZONEVERSION */

/* A byte of a quoted or bare string: \" and \\ and, outside 0x20..0x7e, \DDD. */
char *dns_char_put(char *p, uint8_t byte);

/* The layout of a type's data in a class; NULL when it has none. */
const char *dns_data_layout(uint16_t type, uint16_t class);

#endif
