/* Addresses of both families in sixteen bytes: those of IPv4 as ::ffff:0:0/96, RFC 4291 2.5.5.2. */
#ifndef SPILE_BASE_ADDRESS_H
#define SPILE_BASE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/span.h"

enum {
    ADDRESS_BYTES = 16,
    ADDRESS_V4_AT = 12,      /* where the four bytes of IPv4 begin */
    ADDRESS_TEXT_BYTES = 46, /* the longest text, with the zero behind it */
};

static const uint8_t address_v4_prefix[ADDRESS_V4_AT] = {[10] = 0xff, [11] = 0xff};

static inline bool address_is_v4(const uint8_t *address)
{
    return memcmp(address, address_v4_prefix, ADDRESS_V4_AT) == 0;
}

/* `v4`: four bytes in network order. */
static inline void address_set_v4(uint8_t *address, const void *v4)
{
    memcpy(address, address_v4_prefix, ADDRESS_V4_AT);
    memcpy(address + ADDRESS_V4_AT, v4, ADDRESS_BYTES - ADDRESS_V4_AT);
}

/* From text as inet_pton takes it, and nothing else: no zone, no blanks. False: it is none, and
 * *address untouched. */
bool address_parse(uint8_t *address, struct span text);
/* As people write it, terminated: `text` is of ADDRESS_TEXT_BYTES. Returns it. */
char *address_text(char *text, const uint8_t *address);

/* Whether it means this machine alone: 127.0.0.0/8 and ::1. */
static inline bool address_is_loopback(const uint8_t *address)
{
    static const uint8_t v6[ADDRESS_BYTES] = {[15] = 1};
    return address_is_v4(address) ? address[ADDRESS_V4_AT] == 127
                                  : memcmp(address, v6, ADDRESS_BYTES) == 0;
}

#endif
