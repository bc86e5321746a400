#include "base/escape.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/put.h"

#define EACH_BYTE(b) ((b)*0x0101010101010101ULL)
#define HIGH_BITS EACH_BYTE(0x80ULL)

/* Marks the bytes of `word` that are zero; bytes above the first marked one may be marked in error.
 */
static inline uint64_t zero_bytes(uint64_t word)
{
    return (word - EACH_BYTE(1ULL)) & ~word & HIGH_BITS;
}

/* Not zero when any of eight bytes is below `lowest`, above 0x7e, a backslash, or `quote`. */
static inline uint64_t special_bytes(uint64_t word, uint8_t lowest, uint8_t quote)
{
    uint64_t below = (word - EACH_BYTE((uint64_t)lowest)) & ~word;
    uint64_t above = (word + EACH_BYTE(1ULL)) | word;
    return ((below | above) & HIGH_BITS) | zero_bytes(word ^ EACH_BYTE((uint64_t)'\\')) |
           zero_bytes(word ^ EACH_BYTE((uint64_t)quote));
}

#ifdef __SSE2__
/* A bit for each of sixteen bytes that is special. */
static inline unsigned special_mask(__m128i block, char lowest, char quote)
{
    __m128i low = _mm_cmplt_epi8(block, _mm_set1_epi8(lowest)); /* signed: those above 0x7f, too */
    __m128i del = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f));
    __m128i backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
    __m128i end = _mm_cmpeq_epi8(block, _mm_set1_epi8(quote));
    return (unsigned)_mm_movemask_epi8(
        _mm_or_si128(_mm_or_si128(low, del), _mm_or_si128(backslash, end)));
}
#endif

static inline bool special_byte(uint8_t byte, uint8_t lowest, uint8_t quote)
{
    return byte < lowest || byte > 0x7e || byte == '\\' || byte == quote;
}

enum { WORD = sizeof(uint64_t) };

/* True when none of the eight bytes from `i` is special; they are copied then. */
static inline bool take_word(char *p, const uint8_t *bytes, size_t i, uint8_t lowest, uint8_t quote)
{
    uint64_t word;
    memcpy(&word, bytes + i, WORD);
    if (special_bytes(word, lowest, quote))
        return false;
    if (p)
        memcpy(p + i, &word, WORD);
    return true;
}

/*
 * How many bytes at the front are not special. They are copied to `p` on the way, unless that is
 * NULL; up to `len` bytes may be written there.
 */
static inline size_t scan_plain(char *p, const uint8_t *bytes, size_t len, uint8_t lowest,
                                uint8_t quote)
{
    size_t i = 0;
#ifdef __SSE2__
    /* The last block of sixteen ends where the bytes end, and so may overlap the one before it. */
    for (__m128i block; len >= sizeof block;) {
        block = _mm_loadu_si128((const void *)(bytes + i));
        unsigned special = special_mask(block, (char)lowest, (char)quote);
        if (p)
            _mm_storeu_si128((void *)(p + i), block);
        if (special)
            return i + (size_t)__builtin_ctz(special);
        if (i + sizeof block == len)
            return len;
        i = len - i >= 2 * sizeof block ? i + sizeof block : len - sizeof block;
    }
#endif
    while (len - i >= WORD && take_word(p, bytes, i, lowest, quote))
        i += WORD;
    /* The rest, in one overlapping word. */
    if (len - i < WORD && len >= WORD && take_word(p, bytes, len - WORD, lowest, quote))
        return len;
    for (; i < len && !special_byte(bytes[i], lowest, quote); i++)
        if (p)
            p[i] = (char)bytes[i];
    return i;
}

static char *put_decimal_escape(char *p, uint8_t byte)
{
    *p++ = '\\';
    return put_digits(p, byte, 3);
}

char *escape_text(char *p, struct span bytes, unsigned flags)
{
    for (size_t i = 0;; i++) {
        size_t plain = scan_plain(p, bytes.ptr + i, bytes.len - i, 0x21, '\\');
        p += plain;
        i += plain;
        if (i >= bytes.len)
            return p;
        if (bytes.ptr[i] != '\\')
            p = put_decimal_escape(p, bytes.ptr[i]);
        else
            p = flags & ESCAPE_PRESENTED ? put_char(p, '\\') : PUT_LIT(p, "\\\\");
    }
}

/* The sequence at the front, RFC 3629: its length and code point; 0 when it is not well formed. */
static size_t utf8_sequence(const uint8_t *bytes, size_t len, uint32_t *code)
{
    static const struct {
        uint8_t mask, lead;
        uint32_t least; /* code point that needs this length */
    } shapes[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t more = 0; more < 4 && more < len; more++) {
        if ((bytes[0] & shapes[more].mask) != shapes[more].lead)
            continue;
        uint32_t value = bytes[0] & (uint8_t)~shapes[more].mask;
        for (size_t i = 1; i <= more; i++) {
            if ((bytes[i] & 0xc0) != 0x80)
                return 0;
            value = value << 6 | (bytes[i] & 0x3f);
        }
        bool surrogate = value >= 0xd800 && value <= 0xdfff;
        *code = value;
        return value < shapes[more].least || value > 0x10ffff || surrogate ? 0 : more + 1;
    }
    return 0;
}

/* Code points that are never written as themselves: controls, and what breaks lines, reorders or
 * hides text, or is no character at all (YAML forbids those). */
static bool is_hidden(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } hidden[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},
        {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
        {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0xe0fff},
    };
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (code >= hidden[i].first && code <= hidden[i].last)
            return true;
    return false;
}

/* Beyond 16 bits, as a surrogate pair. */
static char *put_unicode_escape(char *p, uint32_t code, unsigned flags)
{
    const uint8_t bytes[4] = {0, (uint8_t)(code >> 16), (uint8_t)(code >> 8), (uint8_t)code};
    if (code <= 0xffff)
        return put_hex(PUT_LIT(p, "\\u"), bytes + 2, 2);
    if (flags & ESCAPE_YAML)
        return put_hex(PUT_LIT(p, "\\U"), bytes, 4);
    p = put_unicode_escape(p, 0xd800 + ((code - 0x10000) >> 10), flags);
    return put_unicode_escape(p, 0xdc00 + (code & 0x3ff), flags);
}

/* What stands at the front and is special; *used gets its length. */
static char *put_special(char *p, struct span bytes, unsigned flags, size_t *used)
{
    uint32_t code;
    *used = utf8_sequence(bytes.ptr, bytes.len, &code);
    if (*used == 0 || (flags & ESCAPE_BYTES && is_hidden(code))) {
        *used = 1;
        *p++ = '\\';
        return put_decimal_escape(p, bytes.ptr[0]);
    }
    if (code == '"')
        return PUT_LIT(p, "\\\"");
    if (code == '\\')
        return flags & ESCAPE_PRESENTED ? PUT_LIT(p, "\\\\") : PUT_LIT(p, "\\\\\\\\");
    if (is_hidden(code) || flags & ESCAPE_COLUMN)
        return put_unicode_escape(p, code, flags);
    return put_bytes(p, bytes.ptr, *used);
}

char *escape_json(char *p, struct span bytes, unsigned flags)
{
    uint8_t lowest = flags & ESCAPE_COLUMN ? 0x21 : 0x20;
    for (;;) {
        size_t used = scan_plain(p, bytes.ptr, bytes.len, lowest, '"');
        p += used;
        bytes = span_of(bytes.ptr + used, bytes.len - used);
        if (bytes.len == 0)
            return p;
        p = put_special(p, bytes, flags, &used);
        bytes = span_of(bytes.ptr + used, bytes.len - used);
    }
}

size_t escape_json_plain(struct span bytes)
{
    return scan_plain(NULL, bytes.ptr, bytes.len, 0x20, '"');
}

size_t escape_mask(char *text, size_t len)
{
    size_t kept = 0;
    for (size_t i = 0, used; i < len; i += used) {
        const uint8_t *at = (const uint8_t *)text + i;
        uint32_t code;
        used = utf8_sequence(at, len - i, &code);
        bool shown = used > 0 && !is_hidden(code);
        used += used == 0;
        memmove(text + kept, shown ? (const char *)at : "?", shown ? used : 1);
        kept += shown ? used : 1;
    }
    return kept;
}
