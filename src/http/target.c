#include "http/target.h"

#include <ctype.h>
#include <strings.h>

static struct span skip(struct span text, size_t len)
{
    return span_of(text.ptr + len, text.len - len);
}

static struct span until(struct span text, const char *ends)
{
    size_t len = 0;
    while (len < text.len && (text.ptr[len] == '\0' || !strchr(ends, text.ptr[len])))
        len++;
    return span_of(text.ptr, len);
}

static bool begins(struct span text, const char *with)
{
    size_t len = strlen(with);
    return text.len >= len && strncasecmp((const char *)text.ptr, with, len) == 0;
}

struct http_target target_split(struct span uri)
{
    struct http_target target = {0};
    size_t scheme = begins(uri, "http://") ? 7 : begins(uri, "https://") ? 8 : 0;
    if (scheme) {
        uri = skip(uri, scheme);
        target.authority = until(uri, "/?#");
        uri = skip(uri, target.authority.len);
    }
    target.path = until(uri, "?");
    if (scheme && target.path.len == 0)
        target.path = span_str("/");
    return target;
}

struct span target_host(struct span authority)
{
    if (authority.len && authority.ptr[0] == '[') {
        struct span host = until(skip(authority, 1), "]");
        size_t end = host.len + 2;
        bool closed = end == authority.len || (end < authority.len && authority.ptr[end] == ':');
        return closed ? host : authority;
    }
    return until(authority, ":");
}

/* Unreserved characters and sub-delims of RFC 3986, and "%"; in brackets colons, too. */
static bool is_of_host(uint8_t c, bool bracketed)
{
    static const char others[] = ":-._~!$&'()*+,;=%";
    return c && (isalnum(c) || strchr(bracketed ? others : others + 1, c));
}

static bool is_port(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!isdigit(text.ptr[i]))
            return false;
    }
    return true;
}

bool target_is_authority(struct span text)
{
    bool bracketed = text.len && text.ptr[0] == '[';
    size_t begin = bracketed, end = begin;
    while (end < text.len && is_of_host(text.ptr[end], bracketed))
        end++;
    if (bracketed && (end == begin || end == text.len || text.ptr[end++] != ']'))
        return false;
    return end == text.len || (text.ptr[end] == ':' && is_port(skip(text, end + 1)));
}
