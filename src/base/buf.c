#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

uint8_t *buf_grow(struct buf *b, size_t need)
{
    if (need > UINT32_MAX - b->len) {
        b->failed = true;
        return NULL;
    }
    size_t cap = b->cap ? b->cap : 256;
    while (cap - b->len < need)
        cap *= 2;
    uint8_t *data = realloc(b->data, cap);
    if (!data) {
        b->failed = true;
        return NULL;
    }
    b->data = data;
    b->cap = cap;
    return b->data + b->len;
}

void buf_trim(struct buf *b, size_t keep)
{
    size_t cap = b->len > keep ? b->len : keep;
    uint8_t *data = cap < b->cap ? realloc(b->data, cap) : NULL;
    if (!data)
        return;
    b->data = data;
    b->cap = cap;
}

void buf_free(struct buf *b)
{
    free(b->data);
    *b = (struct buf){0};
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int need = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *p = need < 0 ? NULL : buf_reserve(b, (size_t)need + 1);
    if (!p)
        return;
    va_start(args, format);
    vsnprintf(p, (size_t)need + 1, format, args);
    va_end(args);
    b->len += (size_t)need;
}
