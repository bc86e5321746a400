/* Options that have options: a struct by its own rows, and lists of such structs. */
#include <stdlib.h>

#include "conf/option_type.h"

enum { NESTED_MAX = 1000 /* items of a list whose row sets no limit */ };

/* --- groups --------------------------------------------------------------------------------- */

static int parse_none(const struct option *row, void *place, struct span text, struct error *err)
{
    (void)place;
    return option_refuse(row, text, err);
}

static void clear_group(const struct option *row, void *place)
{
    options_free(row->rows, place);
}

/* A group is there unless it lacks all that it requires. */
static size_t count_group(const struct option *row, const void *place)
{
    bool requires = false;
    for (const struct option *part = row->rows; part->name; part++) {
        if (part->required && !option_is_absent(part, place))
            return 1;
        requires |= part->required;
    }
    return !requires;
}

static int copy_group(const struct option *row, void *place, const void *from, struct error *err)
{
    return options_copy(row->rows, place, from, err);
}

static bool equal_group(const struct option *row, const void *a, const void *b)
{
    return options_equal(row->rows, a, b);
}

/* --- lists ---------------------------------------------------------------------------------- */

static void *item_of(const struct option *row, const struct option_list *list, size_t i)
{
    return (char *)list->items + i * row->size;
}

static size_t count_list(const struct option *row, const void *place)
{
    (void)row;
    return ((const struct option_list *)place)->count;
}

static void clear_list(const struct option *row, void *place)
{
    struct option_list *list = place;
    for (size_t i = 0; i < list->count; i++)
        options_free(row->rows, item_of(row, list, i));
    free(list->items);
    *list = (struct option_list){0};
}

/* Room for one more, zeroed, which does not count yet. */
static void *grow(const struct option *row, struct option_list *list, struct error *err)
{
    uint64_t most = row->max ? row->max : NESTED_MAX;
    if (list->count >= most) {
        error_set(err, "more than %llu items", (unsigned long long)most);
        return NULL;
    }
    void *items = realloc(list->items, (list->count + 1) * row->size);
    if (!items) {
        error_set(err, "out of memory");
        return NULL;
    }
    list->items = items;
    return memset(item_of(row, list, list->count), 0, row->size);
}

static int copy_list(const struct option *row, void *place, const void *from, struct error *err)
{
    const struct option_list *list = from;
    struct option_list *copy = place;
    while (copy->count < list->count) {
        void *item = grow(row, copy, err);
        if (!item || options_copy(row->rows, item, item_of(row, list, copy->count), err))
            return -1;
        copy->count++;
    }
    return 0;
}

static bool equal_list(const struct option *row, const void *a, const void *b)
{
    const struct option_list *x = a, *y = b;
    bool equal = x->count == y->count;
    for (size_t i = 0; equal && i < x->count; i++)
        equal = options_equal(row->rows, item_of(row, x, i), item_of(row, y, i));
    return equal;
}

const struct option_ops option_group_of = {.value = "OPTIONS",
                                           .words = "names with values",
                                           .parse = parse_none,
                                           .clear = clear_group,
                                           .count = count_group,
                                           .copy = copy_group,
                                           .equal = equal_group};
const struct option_ops option_list_of = {.size = sizeof(struct option_list),
                                          .value = "LIST",
                                          .words = "a list of names with values",
                                          .list = true,
                                          .parse = parse_none,
                                          .clear = clear_list,
                                          .count = count_list,
                                          .copy = copy_list,
                                          .equal = equal_list};

/* --- both ----------------------------------------------------------------------------------- */

void *option_nested(const struct option *row, const void *base, size_t i)
{
    const void *place = (const char *)base + row->offset;
    return row->type == OPTION_LIST_OF ? item_of(row, place, i) : (void *)place;
}

void *option_push(const struct option *row, void *base, struct error *err)
{
    struct option_list *list = (void *)((char *)base + row->offset);
    void *item = grow(row, list, err);
    if (!item || options_init(row->rows, item, err))
        return NULL;
    list->count++;
    return item;
}
