#include "base/encode.h"

#include "base/put.h"

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base32hex_digits[] = "0123456789abcdefghijklmnopqrstuv";

/* One group of four digits for one, two or three bytes. */
static char *put_base64_group(char *p, const uint8_t *b, size_t len)
{
    unsigned bits = (unsigned)b[0] << 16 | (len > 1 ? b[1] << 8 : 0) | (len > 2 ? b[2] : 0);
    p[0] = base64_digits[bits >> 18];
    p[1] = base64_digits[bits >> 12 & 63];
    p[2] = len > 1 ? base64_digits[bits >> 6 & 63] : '=';
    p[3] = len > 2 ? base64_digits[bits & 63] : '=';
    return p + 4;
}

char *put_base64(char *p, struct span bytes)
{
    size_t i = 0;
    for (; bytes.len - i >= 3; i += 3)
        p = put_base64_group(p, bytes.ptr + i, 3);
    return i < bytes.len ? put_base64_group(p, bytes.ptr + i, bytes.len - i) : p;
}

char *put_base32hex(char *p, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i += 5) {
        size_t take = bytes.len - i < 5 ? bytes.len - i : 5;
        uint64_t bits = 0;
        for (size_t j = 0; j < 5; j++)
            bits = bits << 8 | (j < take ? bytes.ptr[i + j] : 0);
        size_t digits = (take * 8 + 4) / 5;
        for (size_t j = 0; j < 8; j++)
            *p++ = j < digits ? base32hex_digits[bits >> (35 - 5 * j) & 31] : '=';
    }
    return p;
}
