#include "history/counts.h"

#include <stdlib.h>

#include "wire/protobuf.h"

enum { COUNTS_MAX = 1 << 17 }; /* far more than there are series; a database may be damaged */

void counts_free(struct counts *counts)
{
    free(counts->items);
    *counts = (struct counts){0};
}

/* Room for `need` items in all. */
static bool reserve(struct counts *counts, uint32_t need)
{
    if (need <= counts->max)
        return true;
    uint32_t max = need + need / 2 + 16;
    struct count *items =
        need > COUNTS_MAX ? NULL : realloc(counts->items, max * sizeof *counts->items);
    if (!items) {
        counts->failed = true;
        return false;
    }
    counts->items = items;
    counts->max = max;
    return true;
}

uint32_t counts_from(const struct counts *counts, uint32_t id)
{
    uint32_t low = 0, high = counts->len;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (counts->items[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* What a damaged database says may be more than there are numbers. */
static uint64_t sum(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

void counts_put(struct counts *counts, uint32_t id, uint64_t n)
{
    if (n == 0)
        return;
    bool behind = counts->len == 0 || counts->items[counts->len - 1].id < id;
    uint32_t at = behind ? counts->len : counts_from(counts, id);
    if (!behind && counts->items[at].id == id) {
        counts->items[at].n = sum(counts->items[at].n, n);
        return;
    }
    if (!reserve(counts, counts->len + 1))
        return;
    memmove(counts->items + at + 1, counts->items + at, (counts->len - at) * sizeof *counts->items);
    counts->items[at] = (struct count){id, n};
    counts->len++;
}

/* How many ids of `from` are not in `into`. */
static uint32_t missing(const struct counts *into, const struct counts *from)
{
    uint32_t count = 0;
    for (uint32_t i = 0, j = 0; j < from->len; j++) {
        while (i < into->len && into->items[i].id < from->items[j].id)
            i++;
        count += i == into->len || into->items[i].id != from->items[j].id;
    }
    return count;
}

void counts_add(struct counts *into, const struct counts *from)
{
    into->failed |= from->failed;
    uint32_t len = into->len + missing(into, from);
    if (!reserve(into, len))
        return;
    /* Merged from behind, in place. */
    uint32_t i = into->len, j = from->len;
    for (uint32_t at = len; j > 0;) {
        const struct count *next = &from->items[j - 1];
        if (i > 0 && into->items[i - 1].id >= next->id) {
            into->items[--at] = into->items[--i];
            if (into->items[at].id == next->id) {
                into->items[at].n = sum(into->items[at].n, next->n);
                j--;
            }
        } else {
            into->items[--at] = *next;
            j--;
        }
    }
    into->len = len;
}

uint64_t counts_get(const struct counts *counts, uint32_t id)
{
    uint32_t at = counts_from(counts, id);
    return at < counts->len && counts->items[at].id == id ? counts->items[at].n : 0;
}

void counts_encode(const struct counts *counts, struct buf *out)
{
    uint32_t before = 0;
    for (uint32_t i = 0; i < counts->len; i++) {
        pb_put_varint(out, counts->items[i].id - before);
        pb_put_varint(out, counts->items[i].n);
        before = counts->items[i].id;
    }
}

int counts_decode(struct counts *into, struct span bytes)
{
    struct counts read = {0};
    struct cursor c = cursor_of(bytes);
    uint64_t id = 0;
    while (cursor_left(&c) > 0 && !read.failed) {
        uint64_t gap = pb_varint(&c), n = pb_varint(&c);
        if (gap > UINT32_MAX - id)
            cursor_fail(&c);
        if (c.failed)
            break;
        id += gap;
        counts_put(&read, (uint32_t)id, n);
    }
    int rc = read.failed ? READ_NO_MEMORY : c.failed ? READ_DAMAGED : 0;
    bool fine = !into->failed;
    if (rc == 0)
        counts_add(into, &read);
    if (fine && into->failed)
        rc = READ_NO_MEMORY;
    counts_free(&read);
    return rc;
}
