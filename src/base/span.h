/* Borrowed bytes: a pointer and a length, owned by somebody else. */
#ifndef SPILE_BASE_SPAN_H
#define SPILE_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Owner: whoever holds the bytes. Lifetime: as the bytes. Absent is ptr == NULL; empty is len == 0.
 */
struct span {
    const uint8_t *ptr;
    size_t len;
};

static inline struct span span_of(const void *ptr, size_t len)
{
    return (struct span){.ptr = ptr, .len = len};
}

static inline struct span span_str(const char *text)
{
    return span_of(text, strlen(text));
}

/* Terminated texts; NULL is like no text but NULL. */
static inline bool text_equal(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Takes the first line off a text, without its newline; false: there is none left. */
static inline bool span_line(struct span *text, struct span *line)
{
    if (text->len == 0)
        return false;
    const uint8_t *end = memchr(text->ptr, '\n', text->len);
    size_t len = end ? (size_t)(end - text->ptr) : text->len, used = end ? len + 1 : len;
    *line = span_of(text->ptr, len);
    *text = span_of(text->ptr + used, text->len - used);
    return true;
}

#endif
