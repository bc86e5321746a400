#include "compat/pyutf8.h"

#include <locale.h>
#include <pthread.h>
#include <wctype.h>

/*
 * What may follow a first byte (the table of RFC 3629, section 4): the range of the second byte
 * says where overlong forms, surrogates, and code points past U+10FFFF begin.
 */
static const struct lead {
    uint8_t first, last; /* first bytes of the row */
    uint8_t low, high;   /* second byte */
    uint8_t len;
} leads[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

unsigned pyutf8_sequence(const uint8_t *p, const uint8_t *end)
{
    if (*p < 0x80)
        return 1;
    const struct lead *lead = leads;
    while (*p > lead->last)
        if (++lead == leads + sizeof leads / sizeof *leads)
            return 0;
    if (*p < lead->first || end - p < lead->len || p[1] < lead->low || p[1] > lead->high)
        return 0;
    for (unsigned i = 2; i < lead->len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return lead->len;
}

uint32_t pyutf8_code(const uint8_t *p, unsigned len)
{
    static const uint8_t mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = p[0] & mask[len];
    for (unsigned i = 1; i < len; i++)
        code = code << 6 | (p[i] & 0x3f);
    return code;
}

bool pyutf8_ascii(struct span text)
{
    const uint8_t *p = text.ptr;
    size_t left = text.len;
    uint64_t bits = 0, word;
    for (; left >= sizeof word; left -= sizeof word, p += sizeof word) {
        memcpy(&word, p, sizeof word);
        bits |= word;
    }
    for (; left > 0; left--)
        bits |= *p++;
    return !(bits & UINT64_C(0x8080808080808080));
}

bool pyutf8_valid(struct span text)
{
    if (pyutf8_ascii(text))
        return true;
    const uint8_t *p = text.ptr, *end = p + text.len;
    while (p < end) {
        unsigned len = pyutf8_sequence(p, end);
        if (len == 0)
            return false;
        p += len;
    }
    return true;
}

/* Python leaves out the longest beginning of a sequence at once; its further bytes could not begin
 * one, so leaving out byte by byte comes to the same. */
size_t pyutf8_ignore(uint8_t *text, size_t len)
{
    if (pyutf8_ascii(span_of(text, len)))
        return len;
    const uint8_t *p = text, *end = text + len;
    uint8_t *out = text;
    while (p < end) {
        unsigned n = pyutf8_sequence(p, end);
        for (unsigned i = 0; i < n; i++)
            *out++ = p[i];
        p += n ? n : 1;
    }
    return (size_t)(out - text);
}

static locale_t unicode; /* (locale_t)0 where there is no such locale */

static void find_unicode(void)
{
    unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static uint32_t lower_code(uint32_t code)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_unicode);
    return unicode ? (uint32_t)towlower_l((wint_t)code, unicode) : code;
}

static unsigned put_code(uint8_t *p, uint32_t code)
{
    static const uint8_t first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    unsigned len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (unsigned i = len - 1; i > 0; i--, code >>= 6)
        p[i] = (uint8_t)(0x80 | (code & 0x3f));
    p[0] = (uint8_t)(first[len] | code);
    return len;
}

static struct span lower_ascii(uint8_t *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        text[i] = (uint8_t)(text[i] + (text[i] >= 'A' && text[i] <= 'Z' ? 'a' - 'A' : 0));
    return span_of(text, len);
}

size_t pyutf8_lower(uint8_t *text, size_t len)
{
    if (pyutf8_ascii(lower_ascii(text, len)))
        return len;
    const uint8_t *p = text, *end = text + len;
    uint8_t *out = text;
    while (p < end) {
        uint8_t lower[4];
        unsigned n = pyutf8_sequence(p, end);
        unsigned lower_len = put_code(lower, lower_code(pyutf8_code(p, n)));
        bool fits = lower_len <= n;
        memmove(out, fits ? lower : p, fits ? lower_len : n);
        out += fits ? lower_len : n;
        p += n;
    }
    return (size_t)(out - text);
}
