#include "base/nearest.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

enum { NAME_MAX_COMPARED = 64 /* bytes: longer words are no slips of the finger */ };

static uint8_t folded(uint8_t c)
{
    return c == '_' ? '-' : (uint8_t)tolower(c);
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How many slips (a letter too many, missing, wrong, or two swapped) lie between two words of at
 * most NAME_MAX_COMPARED bytes: the optimal string alignment distance, a row of its table at a
 * time. */
static unsigned slips(struct span a, struct span b)
{
    unsigned rows[3][NAME_MAX_COMPARED + 1];
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b.len; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= a.len; i++) {
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            uint8_t x = folded(a.ptr[i - 1]), y = folded(b.ptr[j - 1]);
            now[j] = least(last[j - 1] + (x != y), least(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && x == folded(b.ptr[j - 2]) && y == folded(a.ptr[i - 2]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
        unsigned *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[b.len];
}

/* A word cut short ("form" for "format") or without what stands before its last dot ("qtype" for
 * "dns.qtype") counts as one slip. A single letter is a part of too many. */
static bool is_part(struct span wrong, struct span name)
{
    if (wrong.len < 2 || wrong.len >= name.len)
        return false;
    const uint8_t *tail = name.ptr + name.len - wrong.len;
    return slips(wrong, span_of(name.ptr, wrong.len)) == 0 ||
           (wrong.len > 2 && tail[-1] == '.' && slips(wrong, span_of(tail, wrong.len)) == 0);
}

/* Two letters the wrong way round. Any other slip leaves nothing of so short a word. */
static bool is_swap(struct span wrong, struct span name)
{
    return wrong.len == 2 && name.len == 2 && slips(wrong, name) == 1 &&
           folded(wrong.ptr[0]) == folded(name.ptr[1]);
}

static unsigned distance_of(struct span wrong, struct span name)
{
    if (is_part(wrong, name) || is_swap(wrong, name))
        return 1;
    unsigned distance = slips(wrong, name);
    return wrong.len > 2 || distance == 0 ? distance : UINT_MAX;
}

/* Fewer slips than this make a name a near one. What stands before the last dot is the same in many
 * names, so it allows for none. */
static unsigned too_many_slips(struct span wrong)
{
    const uint8_t *dot = memrchr(wrong.ptr, '.', wrong.len);
    size_t len = dot ? (size_t)(wrong.ptr + wrong.len - dot - 1) : wrong.len;
    return len < 3 ? 2 : 1 + (unsigned)(len + 1) / 3;
}

const char *nearest_name(struct span wrong, const char *(*name)(const void *ctx, size_t i),
                         const void *ctx, size_t count)
{
    const char *best = NULL;
    if (wrong.len == 0 || wrong.len > NAME_MAX_COMPARED)
        return NULL;
    unsigned best_slips = too_many_slips(wrong);
    for (size_t i = 0; i < count; i++) {
        struct span right = span_str(name(ctx, i));
        if (right.len > NAME_MAX_COMPARED)
            continue;
        unsigned distance = distance_of(wrong, right);
        if (distance < best_slips && distance < right.len) {
            best = name(ctx, i);
            best_slips = distance;
        }
    }
    return best;
}
