/*
 * PyYAML decides on a style by looking over the whole text once, then writes it in that style:
 * plain where a reader gets the same string back, single-quoted where printable, double-quoted
 * otherwise. All three break lines longer than 80 columns, each by rules of its own.
 */
#include "compat/pyyaml.h"

#include "base/put.h"
#include "compat/pyutf8.h"
#include "compat/pyyaml_resolve.h"

enum { WIDTH = 80 };

enum style { PLAIN, SINGLE_QUOTED, DOUBLE_QUOTED };

/* Properties of a byte of the text. */
enum {
    SPECIAL = 1 << 0, /* not printable ASCII: double quotes */
    FIRST = 1 << 1,   /* an indicator when it comes first: quotes */
    LOOK = 1 << 2,    /* a colon, a hash sign, a space or a line feed: its neighbours decide */
};

static const uint8_t properties[256] = {
    [0x00 ... 0x09] = SPECIAL,
    ['\n'] = LOOK,
    [0x0b ... 0x1f] = SPECIAL,
    [0x7f ... 0xff] = SPECIAL,
    [' '] = LOOK,
    [':'] = LOOK,
    ['#'] = LOOK | FIRST,
    [','] = FIRST,
    ['['] = FIRST,
    [']'] = FIRST,
    ['{'] = FIRST,
    ['}'] = FIRST,
    ['&'] = FIRST,
    ['*'] = FIRST,
    ['!'] = FIRST,
    ['|'] = FIRST,
    ['>'] = FIRST,
    ['"'] = FIRST,
    ['%'] = FIRST,
    ['@'] = FIRST,
    ['\''] = FIRST,
    ['`'] = FIRST,
};

static bool is_white(uint8_t c)
{
    return c == ' ' || c == '\n';
}

/* What the character at `i`, one of those with LOOK, and its neighbours ask for. */
static enum style look(struct span text, size_t i)
{
    uint8_t c = text.ptr[i];
    uint8_t before = i > 0 ? text.ptr[i - 1] : 0;
    uint8_t after = i + 1 < text.len ? text.ptr[i + 1] : 0;
    switch (c) {
    case ':':
        return after == 0 || is_white(after) ? SINGLE_QUOTED : PLAIN;
    case '#':
        return is_white(before) ? SINGLE_QUOTED : PLAIN;
    case '\n':
        return before == ' ' || after == ' ' ? DOUBLE_QUOTED : SINGLE_QUOTED;
    default:
        return before == 0 || after == 0 ? SINGLE_QUOTED : PLAIN;
    }
}

/* What the text's beginning asks for. */
static enum style style_of_start(struct span text)
{
    if (properties[text.ptr[0]] & FIRST)
        return SINGLE_QUOTED;
    bool lone = text.len == 1 || is_white(text.ptr[1]);
    if (lone && (text.ptr[0] == '-' || text.ptr[0] == '?'))
        return SINGLE_QUOTED;
    bool marker =
        text.len >= 3 && (memcmp(text.ptr, "---", 3) == 0 || memcmp(text.ptr, "...", 3) == 0);
    return marker ? SINGLE_QUOTED : PLAIN;
}

static enum style style_of(struct span text)
{
    if (text.len == 0)
        return SINGLE_QUOTED;
    enum style style = style_of_start(text);
    for (size_t i = 0; i < text.len; i++) {
        unsigned property = properties[text.ptr[i]];
        if (property & SPECIAL)
            return DOUBLE_QUOTED;
        if (property & LOOK) {
            enum style asked = look(text, i);
            style = asked > style ? asked : style;
        }
    }
    return style == PLAIN && pyyaml_resolves(text) ? SINGLE_QUOTED : style;
}

/* Where on the page the next character comes: the column, with a pointer to write at. */
struct page {
    char *p;
    size_t column;
};

static void write_bytes(struct page *page, const void *bytes, size_t len)
{
    page->p = put_bytes(page->p, bytes, len);
    page->column += len;
}

/* A new line, indented under the key. */
static void write_break(struct page *page)
{
    page->p = PUT_LIT(page->p, "\n  ");
    page->column = 2;
}

/* How many of the character stand at `i`. */
static size_t run_of(struct span text, size_t i, uint8_t c)
{
    size_t n = 0;
    while (i + n < text.len && text.ptr[i + n] == c)
        n++;
    return n;
}

/* A single space past the width, inside of the text, becomes a line break; others are written. */
static size_t write_spaces(struct page *page, struct span text, size_t i)
{
    size_t n = run_of(text, i, ' ');
    if (n == 1 && page->column > WIDTH && i != 0 && i + n != text.len)
        write_break(page);
    else
        write_bytes(page, text.ptr + i, n);
    return n;
}

/* Up to the next space, or all. */
static size_t write_word(struct page *page, struct span text, size_t i)
{
    const uint8_t *space = memchr(text.ptr + i, ' ', text.len - i);
    size_t n = space ? (size_t)(space - (text.ptr + i)) : text.len - i;
    write_bytes(page, text.ptr + i, n);
    return n;
}

static void write_plain(struct page *page, struct span text)
{
    for (size_t i = 0; i < text.len;)
        i += text.ptr[i] == ' ' ? write_spaces(page, text, i) : write_word(page, text, i);
}

/* Line feeds: the first one is doubled, since a reader folds a single one into a space. */
static size_t write_feeds(struct page *page, struct span text, size_t i)
{
    size_t n = run_of(text, i, '\n');
    *page->p++ = '\n';
    for (size_t k = 1; k < n; k++)
        *page->p++ = '\n';
    write_break(page);
    return n;
}

static void write_single_quoted(struct page *page, struct span text)
{
    write_bytes(page, "'", 1);
    for (size_t i = 0; i < text.len;) {
        uint8_t c = text.ptr[i];
        if (c == ' ') {
            i += write_spaces(page, text, i);
        } else if (c == '\n') {
            i += write_feeds(page, text, i);
        } else {
            if (c == '\'')
                write_bytes(page, "'", 1);
            write_bytes(page, &c, 1);
            i++;
        }
    }
    write_bytes(page, "'", 1);
}

/* The letter that stands for a code point behind a backslash; 0 when there is none. */
static char escape_letter(uint32_t code)
{
    static const char letters[256] = {
        [0x00] = '0',  [0x07] = 'a', [0x08] = 'b', [0x09] = 't', [0x0a] = 'n',
        [0x0b] = 'v',  [0x0c] = 'f', [0x0d] = 'r', [0x1b] = 'e', ['"'] = '"',
        ['\\'] = '\\', [0x85] = 'N', [0xa0] = '_',
    };
    if (code < 256)
        return letters[code];
    return code == 0x2028 ? 'L' : code == 0x2029 ? 'P' : 0;
}

static void write_escape(struct page *page, uint32_t code)
{
    static const char digits[] = "0123456789ABCDEF";
    char escape[10] = {'\\', escape_letter(code)};
    unsigned len = 2;
    if (!escape[1]) {
        unsigned width = code <= 0xff ? 2 : code <= 0xffff ? 4 : 8;
        escape[1] = width == 2 ? 'x' : width == 4 ? 'u' : 'U';
        while (width > 0)
            escape[len++] = digits[code >> 4 * --width & 15];
    }
    write_bytes(page, escape, len);
}

/*
 * Ends the line when what was gathered since `start`, up to the character `at`, goes past the
 * width: writes it, a backslash and a break, and shields a space that comes next by another
 * backslash. Behind an escape `start` is one character ahead of `at`, and PyYAML counts that back.
 * Returns the start of what is gathered from here on.
 */
static const uint8_t *fold(struct page *page, const uint8_t *start, const uint8_t *at)
{
    size_t gathered = start < at ? (size_t)(at - start) : 0;
    if (page->column + gathered - (start > at) <= WIDTH)
        return start;
    write_bytes(page, start, gathered);
    write_bytes(page, "\\", 1);
    write_break(page);
    start += gathered;
    write_bytes(page, "\\", *start == ' ');
    return start;
}

static bool is_escaped(uint8_t c)
{
    return c == '"' || c == '\\' || c < 0x20 || c > 0x7e;
}

/* PyYAML gathers printable characters, and may end the line at every space and behind every escape,
 * but for the first and the last character. */
static void write_double_quoted(struct page *page, struct span text)
{
    write_bytes(page, "\"", 1);
    const uint8_t *start = text.ptr, *end = text.ptr + text.len;
    for (const uint8_t *at = start, *next; at < end; at = next) {
        unsigned len = pyutf8_sequence(at, end);
        next = at + (len ? len : 1);
        if (is_escaped(*at)) {
            write_bytes(page, start, (size_t)(at - start));
            write_escape(page, len ? pyutf8_code(at, len) : 0xfffd);
            start = next;
        }
        bool inside = at > text.ptr && next < end;
        if (inside && (*at == ' ' || start >= at))
            start = fold(page, start, at);
    }
    write_bytes(page, start, (size_t)(end - start));
    write_bytes(page, "\"", 1);
}

char *pyyaml_put(char *p, struct span text, unsigned column)
{
    struct page page = {put_char(p, ' '), column + 1};
    switch (style_of(text)) {
    case PLAIN:
        write_plain(&page, text);
        break;
    case SINGLE_QUOTED:
        write_single_quoted(&page, text);
        break;
    case DOUBLE_QUOTED:
        write_double_quoted(&page, text);
        break;
    }
    return page.p;
}
