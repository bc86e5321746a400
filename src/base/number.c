#include "base/number.h"

bool number_take(struct span *text, uint64_t *value)
{
    uint64_t sum = 0;
    size_t used = 0;
    for (; used < text->len && text->ptr[used] >= '0' && text->ptr[used] <= '9'; used++) {
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)(text->ptr[used] - '0'), &sum))
            return false;
    }
    if (used == 0)
        return false;
    *text = span_of(text->ptr + used, text->len - used);
    *value = sum;
    return true;
}

bool number_parse(struct span text, uint64_t max, uint64_t *value)
{
    uint64_t whole;
    if (!number_take(&text, &whole) || text.len > 0 || whole > max)
        return false;
    *value = whole;
    return true;
}
