#include "compat/pyjson.h"

#include "base/put.h"
#include "compat/pyutf8.h"

static char *put_unit(char *p, uint32_t unit)
{
    static const char digits[] = "0123456789abcdef";
    p = PUT_LIT(p, "\\u");
    for (int shift = 12; shift >= 0; shift -= 4)
        *p++ = digits[unit >> shift & 15];
    return p;
}

/* \uXXXX, two of them (a surrogate pair) past U+FFFF. */
static char *put_code(char *p, uint32_t code)
{
    if (code < 0x10000)
        return put_unit(p, code);
    code -= 0x10000;
    return put_unit(put_unit(p, 0xd800 | code >> 10), 0xdc00 | (code & 0x3ff));
}

static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c <= 0x7e && c != '"' && c != '\\';
}

static char *put_escaped(char *p, const uint8_t *in, unsigned len)
{
    static const char letters[256] = {
        ['"'] = '"',  ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r',
        ['\t'] = 't', ['\b'] = 'b',  ['\f'] = 'f',
    };
    if (letters[*in])
        return put_char(put_char(p, '\\'), letters[*in]);
    return put_code(p, pyutf8_code(in, len));
}

char *pyjson_put(char *p, struct span text)
{
    const uint8_t *in = text.ptr, *end = in + text.len;
    while (in < end) {
        if (is_plain(*in)) {
            *p++ = (char)*in++;
            continue;
        }
        unsigned len = pyutf8_sequence(in, end);
        if (len > 0)
            p = put_escaped(p, in, len);
        in += len ? len : 1;
    }
    return p;
}
