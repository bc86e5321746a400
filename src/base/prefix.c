#include "base/prefix.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/number.h"

enum { MAPPED = 96, ALL = 128 };

static void mask(uint8_t *address, unsigned bits)
{
    for (unsigned i = 0; i < ADDRESS_BYTES; i++) {
        unsigned kept = bits > 8 * i ? bits - 8 * i : 0;
        address[i] &= kept >= 8 ? 0xff : (uint8_t)(0xff00u >> kept);
    }
}

enum prefix_fault prefix_parse(struct prefix *prefix, struct span text)
{
    const uint8_t *slash = text.len ? memchr(text.ptr, '/', text.len) : NULL;
    struct span address = span_of(text.ptr, slash ? (size_t)(slash - text.ptr) : text.len);
    struct prefix made, masked;
    if (!address_parse(made.address, address))
        return PREFIX_BAD;
    /* An IPv6 text may name a mapped address, too: then its bits are those of IPv6. */
    bool v6 = memchr(address.ptr, ':', address.len);
    uint64_t width = v6 ? ALL : ALL - MAPPED, bits = width;
    if (slash) {
        struct span digits = span_of(slash + 1, text.len - address.len - 1);
        if (!number_take(&digits, &bits) || digits.len || bits > width)
            return PREFIX_BAD;
    }
    made.bits = (uint8_t)(ALL - width + bits);
    masked = made;
    mask(masked.address, masked.bits);
    if (memcmp(masked.address, made.address, sizeof made.address) != 0)
        return PREFIX_LONG;
    *prefix = made;
    return PREFIX_FINE;
}

char *prefix_text(char *text, const struct prefix *prefix)
{
    char address[ADDRESS_TEXT_BYTES];
    bool v4 = prefix->bits >= MAPPED && address_is_v4(prefix->address);
    if (v4)
        address_text(address, prefix->address);
    else
        inet_ntop(AF_INET6, prefix->address, address, sizeof address);
    snprintf(text, PREFIX_TEXT_BYTES, "%s/%u", address, prefix->bits - (v4 ? MAPPED : 0u));
    return text;
}

bool prefix_holds(const struct prefix *prefix, const uint8_t *address)
{
    uint8_t masked[ADDRESS_BYTES];
    memcpy(masked, address, sizeof masked);
    mask(masked, prefix->bits);
    return memcmp(masked, prefix->address, sizeof masked) == 0;
}
