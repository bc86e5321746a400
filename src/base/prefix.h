/* Prefixes of addresses, of both families: those of IPv4 are kept v4-mapped, with 96 added to their
 * bits. */
#ifndef SPILE_BASE_PREFIX_H
#define SPILE_BASE_PREFIX_H

#include "base/address.h"

struct prefix {
    uint8_t address[ADDRESS_BYTES]; /* no bit is set behind the prefix's own */
    uint8_t bits;                   /* 0 to 128 */
};

enum { PREFIX_TEXT_BYTES = ADDRESS_TEXT_BYTES + 4 };

enum prefix_fault {
    PREFIX_FINE,
    PREFIX_BAD,  /* the text is none */
    PREFIX_LONG, /* bits are set behind its length */
};

/* From "ADDRESS/BITS", or an address alone, which is a prefix of all its bits. On a fault *prefix
 * is untouched. */
enum prefix_fault prefix_parse(struct prefix *prefix, struct span text);
/* "192.0.2.0/24", terminated: `text` is of PREFIX_TEXT_BYTES. Returns it. */
char *prefix_text(char *text, const struct prefix *prefix);
bool prefix_holds(const struct prefix *prefix, const uint8_t *address);

#endif
