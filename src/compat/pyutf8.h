/* UTF-8 as CPython's decoder takes it: RFC 3629, so no surrogates, no overlong forms, nothing past
 * U+10FFFF. */
#ifndef SPILE_COMPAT_PYUTF8_H
#define SPILE_COMPAT_PYUTF8_H

#include "base/span.h"

/* Bytes of the well-formed sequence at `p`, 1 to 4; 0 when there is none. `p` is before `end`. */
unsigned pyutf8_sequence(const uint8_t *p, const uint8_t *end);

/* The code point of the well-formed sequence of `len` bytes at `p`. */
uint32_t pyutf8_code(const uint8_t *p, unsigned len);

bool pyutf8_ascii(struct span text);

/* What bytes.decode() accepts. */
bool pyutf8_valid(struct span text);

/* bytes.decode(errors="ignore"), in place: keeps the well-formed sequences. Returns the new length.
 */
size_t pyutf8_ignore(uint8_t *text, size_t len);

/* str.lower() of well-formed text, in place; returns the new length. Three letters whose lower case
 * takes more bytes (U+0130, U+023A, U+023E) stay, and a final sigma is one like any other. */
size_t pyutf8_lower(uint8_t *text, size_t len);

#endif
