#include "event/scalar.h"

#include <strings.h>

/* Words that YAML 1.1 readers take for something else than a string. */
static bool means_more_in_yaml(struct span word)
{
    static const char *const taken[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strlen(taken[i]) == word.len &&
            strncasecmp(taken[i], (const char *)word.ptr, word.len) == 0)
            return true;
    return false;
}

static bool is_letter(uint8_t byte)
{
    return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
}

char *scalar_word(char *p, struct span word, enum scalar_style style)
{
    if (style == SCALAR_YAML && word.len > 0 && is_letter(word.ptr[0]) && !means_more_in_yaml(word))
        style = SCALAR_BARE;
    p = scalar_quote(p, style);
    p = put_short(p, word.ptr, word.len);
    return scalar_quote(p, style);
}

char *scalar_text(char *p, struct span bytes, enum scalar_style style)
{
    if (style == SCALAR_BARE)
        return bytes.len > 0 ? escape_text(p, bytes, 0) : put_char(p, '-');
    p = scalar_quote(p, style);
    p = escape_json(p, bytes, scalar_escape(style));
    return scalar_quote(p, style);
}

/* The name was written at `start` and needs escapes. */
__attribute__((noinline)) static char *rewrite_name(char *start, size_t len,
                                                    enum scalar_style style)
{
    char text[DNS_NAME_TEXT_MAX];
    memcpy(text, start, len);
    return escape_json(start, span_of(text, len), ESCAPE_PRESENTED | scalar_escape(style));
}

char *scalar_name(char *p, struct dns_name name, enum scalar_style style)
{
    char *start = p = scalar_quote(p, style);
    p = dns_name_put(p, name);
    if (style == SCALAR_BARE)
        return p;
    size_t len = (size_t)(p - start);
    if (escape_json_plain(span_of(start, len)) != len)
        p = rewrite_name(start, len, style);
    return scalar_quote(p, style);
}

char *scalar_address(char *p, struct span bytes, enum scalar_style style)
{
    p = scalar_quote(p, style);
    p = bytes.len == 4 ? put_ipv4(p, bytes.ptr) : put_ipv6(p, bytes.ptr);
    return scalar_quote(p, style);
}

char *scalar_prefix(char *p, const struct prefix *prefix, enum scalar_style style)
{
    char text[PREFIX_TEXT_BYTES];
    return scalar_quote(put_str(scalar_quote(p, style), prefix_text(text, prefix)), style);
}

char *scalar_bool(char *p, bool value)
{
    return value ? PUT_LIT(p, "true") : PUT_LIT(p, "false");
}

char *scalar_time(char *p, uint64_t sec, uint32_t nsec, struct put_time_cache *cache,
                  enum scalar_style style)
{
    p = scalar_quote(p, style);
    p = put_time(p, sec, nsec, cache);
    return scalar_quote(p, style);
}

char *scalar_epoch(char *p, uint64_t sec, uint32_t nsec)
{
    p = put_u64(p, sec);
    *p++ = '.';
    return put_9digits(p, nsec);
}

char *scalar_latency(char *p, int64_t latency_ns)
{
    uint64_t ns = latency_ns < 0 ? 0 - (uint64_t)latency_ns : (uint64_t)latency_ns;
    uint64_t us = ns / 1000 + (ns % 1000 >= 500);
    if (latency_ns < 0 && us > 0)
        *p++ = '-';
    p = put_u64(p, us / 1000000);
    *p++ = '.';
    return put_6digits(p, (uint32_t)(us % 1000000));
}
