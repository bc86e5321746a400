/* A strict checker for one JSON value: the grammar of RFC 8259, in UTF-8, surrogates in pairs only.
 */
#ifndef SPILE_TESTS_JSON_CHECK_H
#define SPILE_TESTS_JSON_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* What is left to read. */
struct json_text {
    const unsigned char *pos, *end;
};

enum { JSON_DEPTH_MAX = 32 };

static inline bool json_take(struct json_text *t, unsigned char byte)
{
    if (t->pos == t->end || *t->pos != byte)
        return false;
    t->pos++;
    return true;
}

static inline bool json_word(struct json_text *t, const char *word)
{
    while (*word && json_take(t, (unsigned char)*word))
        word++;
    return *word == '\0';
}

static inline void json_space(struct json_text *t)
{
    while (json_take(t, ' '))
        ;
}

static inline bool json_digits(struct json_text *t)
{
    const unsigned char *start = t->pos;
    while (t->pos < t->end && *t->pos >= '0' && *t->pos <= '9')
        t->pos++;
    return t->pos > start;
}

/* Exponents come from Python's repr alone: 1e+16. */
static inline bool json_number(struct json_text *t)
{
    json_take(t, '-');
    if (!json_take(t, '0') && !json_digits(t))
        return false;
    if (json_take(t, '.') && !json_digits(t))
        return false;
    if (!json_take(t, 'e'))
        return true;
    return (json_take(t, '+') || json_take(t, '-')) && json_digits(t);
}

/* Four hexadecimal digits, lower case; more than 0xffff when they are not there. */
static inline unsigned json_unit(struct json_text *t)
{
    static const char digits[] = "0123456789abcdef";
    unsigned code = 0;
    for (int i = 0; i < 4; i++) {
        const char *digit = t->pos < t->end ? memchr(digits, *t->pos++, 16) : NULL;
        if (!digit)
            return 0x10000;
        code = code * 16 + (unsigned)(digit - digits);
    }
    return code;
}

/* Behind a backslash. */
static inline bool json_escape(struct json_text *t)
{
    if (!json_take(t, 'u'))
        return t->pos < t->end && memchr("\"\\/bfnrt", *t->pos++, 8);
    unsigned code = json_unit(t);
    if (code < 0xd800 || code > 0xdbff)
        return code < 0xd800 || (code > 0xdfff && code <= 0xffff);
    if (!json_take(t, '\\') || !json_take(t, 'u'))
        return false;
    code = json_unit(t);
    return code >= 0xdc00 && code <= 0xdfff;
}

/* One character of several bytes, RFC 3629. */
static inline bool json_utf8(struct json_text *t)
{
    unsigned lead = *t->pos++;
    unsigned more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    unsigned code = lead & (0x3fu >> more);
    static const unsigned least[] = {0, 0x80, 0x800, 0x10000};
    if (lead < 0xc2 || lead > 0xf4)
        return false;
    for (unsigned i = 0; i < more; i++) {
        if (t->pos == t->end || (*t->pos & 0xc0) != 0x80)
            return false;
        code = code << 6 | (*t->pos++ & 0x3f);
    }
    return code >= least[more] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

/* One character of a string, escaped or not. */
static inline bool json_character(struct json_text *t)
{
    if (*t->pos >= 0x80)
        return json_utf8(t);
    return json_take(t, '\\') ? json_escape(t) : *t->pos++ >= 0x20;
}

static inline bool json_string(struct json_text *t)
{
    if (!json_take(t, '"'))
        return false;
    while (t->pos < t->end && *t->pos != '"')
        if (!json_character(t))
            return false;
    return json_take(t, '"');
}

static inline bool json_value(struct json_text *t, int depth);

/* Members or elements up to the closing bracket, behind the opening one. */
static inline bool json_members(struct json_text *t, int depth, unsigned char close, bool named)
{
    json_space(t);
    if (json_take(t, close))
        return true;
    do {
        json_space(t);
        if (named && (!json_string(t) || !json_take(t, ':')))
            return false;
        json_space(t);
        if (!json_value(t, depth + 1))
            return false;
        json_space(t);
    } while (json_take(t, ','));
    return json_take(t, close);
}

static inline bool json_value(struct json_text *t, int depth)
{
    if (depth > JSON_DEPTH_MAX || t->pos == t->end)
        return false;
    switch (*t->pos) {
    case '{':
        t->pos++;
        return json_members(t, depth, '}', true);
    case '[':
        t->pos++;
        return json_members(t, depth, ']', false);
    case '"':
        return json_string(t);
    case 't':
        return json_word(t, "true");
    case 'f':
        return json_word(t, "false");
    case 'n':
        return json_word(t, "null");
    default:
        return json_number(t);
    }
}

/* True when the bytes are one JSON value and nothing else. */
static inline bool json_check(const char *bytes, size_t len)
{
    struct json_text t = {(const unsigned char *)bytes, (const unsigned char *)bytes + len};
    return json_value(&t, 0) && t.pos == t.end;
}

#endif
