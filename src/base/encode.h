/* Writers of bytes as base64 and base32hex. As in base/put.h, the caller has reserved the room
 * (base64_len, base32_len); each returns the byte behind the last written, and terminates nothing.
 */
#ifndef SPILE_BASE_ENCODE_H
#define SPILE_BASE_ENCODE_H

#include "base/span.h"

static inline size_t base64_len(size_t len)
{
    return (len + 2) / 3 * 4;
}

static inline size_t base32_len(size_t len)
{
    return (len + 4) / 5 * 8;
}

/* RFC 4648 section 4, padded. */
char *put_base64(char *p, struct span bytes);
/* RFC 4648 section 7 ("extended hex") in lower case, padded. */
char *put_base32hex(char *p, struct span bytes);

#endif
