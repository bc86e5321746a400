#include "compat/pyyaml_resolve.h"

/* Sets of characters, as bits. */
enum {
    SIGN = 1 << 0,
    BINARY = 1 << 1, /* 0 1 _ */
    OCTAL = 1 << 2,  /* 0 to 7 _ */
    DIGIT = 1 << 3,
    DIGITS = 1 << 4, /* 0 to 9 _ */
    HEX = 1 << 5,    /* 0 to 9 a to f A to F _ */
    SIXTY = 1 << 6,  /* 0 to 5: tens of minutes */
    BLANK = 1 << 7,
    DIGIT_0_1 = BINARY | OCTAL | DIGIT | DIGITS | HEX | SIXTY,
    DIGIT_2_5 = DIGIT_0_1 & ~BINARY,
    DIGIT_6_7 = DIGIT_2_5 & ~SIXTY,
    DIGIT_8_9 = DIGIT_6_7 & ~OCTAL,
};

static const uint8_t sets[256] = {
    ['+'] = SIGN,
    ['-'] = SIGN,
    ['0' ... '1'] = DIGIT_0_1,
    ['2' ... '5'] = DIGIT_2_5,
    ['6' ... '7'] = DIGIT_6_7,
    ['8' ... '9'] = DIGIT_8_9,
    ['a' ... 'f'] = HEX,
    ['A' ... 'F'] = HEX,
    ['_'] = BINARY | OCTAL | DIGITS | HEX,
    [' '] = BLANK,
};

struct yaml_scan {
    const uint8_t *p, *end;
};

static bool at_end(const struct yaml_scan *s)
{
    return s->p == s->end;
}

/* Passes over one character of the set, or over that very character. */
static bool one(struct yaml_scan *s, unsigned set)
{
    if (at_end(s) || !(sets[*s->p] & set))
        return false;
    s->p++;
    return true;
}

static bool literal(struct yaml_scan *s, char c)
{
    if (at_end(s) || *s->p != (uint8_t)c)
        return false;
    s->p++;
    return true;
}

/* Passes over as many of the set as there are, at most `max`; says how many. */
static unsigned many(struct yaml_scan *s, unsigned set, unsigned max)
{
    unsigned n = 0;
    while (n < max && one(s, set))
        n++;
    return n;
}

static bool equal(struct span text, const char *word)
{
    return span_equal(text, span_str(word));
}

/* Lower case, Capital, or UPPER: the three spellings that the words of YAML 1.1 have. */
static bool word(struct span text, const char *lower)
{
    size_t len = strlen(lower), upper = 0;
    if (text.len != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if ((text.ptr[i] | 0x20) != lower[i])
            return false;
        upper += !(text.ptr[i] & 0x20);
    }
    return upper == 0 || upper == len || (upper == 1 && !(text.ptr[0] & 0x20));
}

static bool is_word(struct span text)
{
    static const char *const words[] = {"yes", "no", "true", "false", "on", "off", "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (word(text, words[i]))
            return true;
    return false;
}

/* (:[0-5]?[0-9])*, how many. */
static unsigned sixties(struct yaml_scan *s)
{
    unsigned n = 0;
    struct yaml_scan next = *s;
    while (literal(&next, ':')) {
        if (one(&next, SIXTY))
            one(&next, DIGIT);
        else if (!one(&next, DIGIT))
            break;
        *s = next;
        n++;
    }
    return n;
}

/* ([eE][-+][0-9]+)? up to the end. */
static bool exponent(struct yaml_scan *s)
{
    if (at_end(s))
        return true;
    return (literal(s, 'e') || literal(s, 'E')) && one(s, SIGN) && many(s, DIGIT, -1u) && at_end(s);
}

/* .5 .5e+3 -.inf .nan */
static bool is_pointed(struct yaml_scan s, bool sign)
{
    struct yaml_scan rest = s;
    if (!sign && one(&s, DIGIT)) {
        many(&s, DIGITS, -1u);
        return exponent(&s);
    }
    struct span name = span_of(rest.p, (size_t)(rest.end - rest.p));
    /* nan has spellings of its own: NaN, not Nan */
    return word(name, "inf") ||
           (!sign && (equal(name, "nan") || equal(name, "NaN") || equal(name, "NAN")));
}

/* 0b101 0x1F 017: the digits behind a zero. */
static bool is_radix(struct yaml_scan s)
{
    if (literal(&s, 'b'))
        return many(&s, BINARY, -1u) && at_end(&s);
    if (literal(&s, 'x'))
        return many(&s, HEX, -1u) && at_end(&s);
    many(&s, OCTAL, -1u);
    return at_end(&s);
}

/* 12 1_000 1.5 1.5e+3 1:20 1:20.5, signed or not. */
static bool is_number(struct span text)
{
    struct yaml_scan s = {text.ptr, text.ptr + text.len};
    bool sign = one(&s, SIGN);
    if (literal(&s, '.'))
        return is_pointed(s, sign);
    struct yaml_scan digits = s;
    if (!one(&s, DIGIT))
        return false;
    bool zero = *digits.p == '0';
    if (zero && is_radix(s))
        return true;
    many(&s, DIGITS, -1u);
    unsigned minutes = sixties(&s);
    if (at_end(&s))
        return !zero; /* with a leading zero it was octal, or nothing */
    if (!literal(&s, '.'))
        return false;
    many(&s, DIGITS, -1u);
    return minutes ? at_end(&s) : exponent(&s);
}

/* (Z|[-+][0-9][0-9]?(:[0-9][0-9])?)? up to the end. */
static bool is_zone(struct yaml_scan *s)
{
    many(s, BLANK, -1u);
    if (literal(s, 'Z'))
        return at_end(s);
    if (!one(s, SIGN) || !many(s, DIGIT, 2))
        return false;
    return at_end(s) || (literal(s, ':') && many(s, DIGIT, 2) == 2 && at_end(s));
}

/* 1:02:03.5, then perhaps a zone, up to the end. */
static bool is_clock(struct yaml_scan *s)
{
    if (!many(s, DIGIT, 2) || !literal(s, ':') || many(s, DIGIT, 2) != 2)
        return false;
    if (!literal(s, ':') || many(s, DIGIT, 2) != 2)
        return false;
    if (literal(s, '.'))
        many(s, DIGIT, -1u);
    return at_end(s) || is_zone(s);
}

/* 2023-01-01, or with a time of day 2023-1-1 1:02:03.5 +1:00. */
static bool is_time(struct span text)
{
    struct yaml_scan s = {text.ptr, text.ptr + text.len};
    if (many(&s, DIGIT, 4) != 4 || !literal(&s, '-'))
        return false;
    unsigned month = many(&s, DIGIT, 2);
    if (!month || !literal(&s, '-'))
        return false;
    unsigned day = many(&s, DIGIT, 2);
    if (at_end(&s))
        return month == 2 && day == 2;
    bool apart = literal(&s, 'T') || literal(&s, 't') || many(&s, BLANK, -1u);
    return day && apart && is_clock(&s);
}

bool pyyaml_resolves(struct span text)
{
    if (text.len == 0)
        return true;
    uint8_t first = text.ptr[0];
    if (sets[first] & (SIGN | DIGIT) || first == '.')
        return is_number(text) || is_time(text);
    if (first >= 'A')
        return text.len == 1 ? first == '~' : text.len <= 5 && is_word(text);
    return equal(text, "<<") || equal(text, "=");
}
