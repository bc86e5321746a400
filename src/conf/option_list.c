/* Options that are lists of texts. */
#include <stdlib.h>

#include "conf/option_type.h"

enum { LIST_MAX = 10000 /* items of a list whose row sets no limit */ };

/* Room for one more item behind `count` of `size` bytes; NULL and err when there is none. */
static void *list_grow(const struct option *row, void *items, size_t count, size_t size,
                       struct error *err)
{
    uint64_t most = row->type == OPTION_PREFIXES && row->max ? row->max : LIST_MAX;
    if (count >= most) {
        error_set(err, "more than %llu items", (unsigned long long)most);
        return NULL;
    }
    void *grown = realloc(items, (count + 1) * size);
    if (!grown)
        error_set(err, "out of memory");
    return grown;
}

static int parse_strings(const struct option *row, void *place, struct span text, struct error *err)
{
    if (option_check_text(row, text, row->min, row->max ? row->max : OPTION_STRING_MAX, err))
        return -1;
    struct option_strings *list = place;
    char **items = list_grow(row, list->items, list->count, sizeof *items, err);
    if (!items)
        return -1;
    list->items = items;
    items[list->count] = option_copy_text(text, err);
    if (!items[list->count])
        return -1;
    list->count++;
    return 0;
}

static int parse_prefixes(const struct option *row, void *place, struct span text,
                          struct error *err)
{
    struct prefix prefix;
    enum prefix_fault fault = prefix_parse(&prefix, text);
    if (fault == PREFIX_LONG)
        return error_set(err, "'%s' has bits set behind its prefix length", option_show(text).text);
    if (fault != PREFIX_FINE)
        return option_refuse(row, text, err);
    struct option_prefixes *list = place;
    struct prefix *items = list_grow(row, list->items, list->count, sizeof *items, err);
    if (!items)
        return -1;
    list->items = items;
    items[list->count++] = prefix;
    return 0;
}

static size_t count_strings(const struct option *row, const void *place)
{
    (void)row;
    return ((const struct option_strings *)place)->count;
}

static void clear_strings(const struct option *row, void *place)
{
    struct option_strings *list = place;
    (void)row;
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct option_strings){0};
}

static int copy_strings(const struct option *row, void *place, const void *from, struct error *err)
{
    const struct option_strings *list = from;
    struct option_strings *copy = place;
    (void)row;
    if (list->count == 0)
        return 0;
    copy->items = calloc(list->count, sizeof *copy->items);
    if (!copy->items)
        return error_set(err, "out of memory");
    for (; copy->count < list->count; copy->count++) {
        char *text = option_copy_text(span_str(list->items[copy->count]), err);
        if (!text)
            return -1;
        copy->items[copy->count] = text;
    }
    return 0;
}

static bool equal_strings(const struct option *row, const void *a, const void *b)
{
    const struct option_strings *x = a, *y = b;
    (void)row;
    bool equal = x->count == y->count;
    for (size_t i = 0; equal && i < x->count; i++)
        equal = strcmp(x->items[i], y->items[i]) == 0;
    return equal;
}

static void print_strings(const struct option *row, const void *place, size_t i, struct buf *out)
{
    (void)row;
    buf_str(out, ((const struct option_strings *)place)->items[i]);
}

static size_t count_prefixes(const struct option *row, const void *place)
{
    (void)row;
    return ((const struct option_prefixes *)place)->count;
}

static void clear_prefixes(const struct option *row, void *place)
{
    (void)row;
    free(((struct option_prefixes *)place)->items);
    *(struct option_prefixes *)place = (struct option_prefixes){0};
}

static int copy_prefixes(const struct option *row, void *place, const void *from, struct error *err)
{
    const struct option_prefixes *list = from;
    struct option_prefixes *copy = place;
    (void)row;
    if (list->count == 0)
        return 0;
    copy->items = malloc(list->count * sizeof *copy->items);
    if (!copy->items)
        return error_set(err, "out of memory");
    memcpy(copy->items, list->items, list->count * sizeof *copy->items);
    copy->count = list->count;
    return 0;
}

static bool equal_prefixes(const struct option *row, const void *a, const void *b)
{
    const struct option_prefixes *x = a, *y = b;
    (void)row;
    bool equal = x->count == y->count;
    for (size_t i = 0; equal && i < x->count; i++)
        equal = x->items[i].bits == y->items[i].bits &&
                memcmp(x->items[i].address, y->items[i].address, sizeof x->items[i].address) == 0;
    return equal;
}

static void print_prefixes(const struct option *row, const void *place, size_t i, struct buf *out)
{
    char text[PREFIX_TEXT_BYTES];
    (void)row;
    buf_str(out, prefix_text(text, &((const struct option_prefixes *)place)->items[i]));
}

const struct option_ops option_strings = {.size = sizeof(struct option_strings),
                                          .value = "TEXT",
                                          .words = "a text",
                                          .list = true,
                                          .parse = parse_strings,
                                          .clear = clear_strings,
                                          .count = count_strings,
                                          .copy = copy_strings,
                                          .equal = equal_strings,
                                          .print = print_strings};
const struct option_ops option_prefixes = {
    .size = sizeof(struct option_prefixes),
    .value = "PREFIX",
    .words = "an address or prefix as in 192.0.2.0/24 or 2001:db8::/32",
    .list = true,
    .parse = parse_prefixes,
    .clear = clear_prefixes,
    .count = count_prefixes,
    .copy = copy_prefixes,
    .equal = equal_prefixes,
    .print = print_prefixes};

bool option_prefixes_hold(const struct option_prefixes *list, const uint8_t *address)
{
    for (size_t i = 0; i < list->count; i++) {
        if (prefix_holds(&list->items[i], address))
            return true;
    }
    return list->count == 0;
}
