/* How one configuration differs from another, a line each. */
#include <stdio.h>
#include <stdlib.h>

#include "conf/show.h"

/* What differs, and in what. Owner: config_diff. */
struct diff {
    struct buf *out;
    size_t lines;
    const char *owner; /* "output archive (file)"; NULL: settings */
};

enum { OWNER_MAX = CONFIG_NAME_MAX + 64, PATH_MAX_SHOWN = 200 };

static void put_side(struct diff *d, const struct option *row, const void *base, size_t i, bool one)
{
    if (i >= option_count(row, base))
        buf_str(d->out, "(absent)");
    else if (one)
        config_put_one(d->out, row, base, i);
    else
        config_put_value(d->out, row, base);
}

/* "~ output archive (file): path: /a -> /b"; of one struct of a list with `one`. */
static void put_change(struct diff *d, const char *name, const struct option *row, const void *a,
                       const void *b, size_t i, bool one)
{
    buf_printf(d->out, "~ %s%s%s: ", d->owner ? d->owner : "", d->owner ? ": " : "", name);
    put_side(d, row, a, i, one);
    buf_str(d->out, " -> ");
    put_side(d, row, b, i, one);
    buf_byte(d->out, '\n');
    d->lines++;
}

static void diff_options(struct diff *d, const char *prefix, const struct option *table,
                         const void *a, const void *b);

/* Structs one by one: those that both have, by what differs in them. */
static void diff_nested(struct diff *d, const char *name, const struct option *row, const void *a,
                        const void *b)
{
    bool list = option_is_list(row);
    size_t in_a = option_count(row, a), in_b = option_count(row, b);
    for (size_t i = 0; i < in_a || i < in_b; i++) {
        char each[PATH_MAX_SHOWN];
        snprintf(each, sizeof each, list ? "%.150s[%zu]" : "%.150s", name, i + 1);
        if (i >= in_a || i >= in_b) {
            put_change(d, each, row, a, b, i, true);
            continue;
        }
        snprintf(each + strlen(each), 2, ".");
        diff_options(d, each, row->rows, option_nested(row, a, i), option_nested(row, b, i));
    }
}

static void diff_options(struct diff *d, const char *prefix, const struct option *table,
                         const void *a, const void *b)
{
    for (const struct option *row = table; row && row->name; row++) {
        char name[PATH_MAX_SHOWN];
        snprintf(name, sizeof name, "%s%s", prefix, row->name);
        if (option_equal(row, a, b))
            continue;
        if (row->rows)
            diff_nested(d, name, row, a, b);
        else
            put_change(d, name, row, a, b, 0, false);
    }
}

static void diff_items(struct diff *d, const char *owner, const struct config_item *a,
                       const struct config_item *b)
{
    d->owner = owner;
    diff_options(d, "", a->module->options, a->options, b->options);
    diff_options(d, "", config_common_options(a->module), a->common, b->common);
    d->owner = NULL;
}

static void put_line(struct diff *d, const char *sign, const char *owner)
{
    buf_printf(d->out, "%s %s\n", sign, owner);
    d->lines++;
}

/* Items of one kind. */
struct items {
    const struct config_item *items;
    size_t count;
    char (*names)[CONFIG_NAME_MAX + 1];
};

static struct items items_of(const struct config_item *items, size_t count, struct buf *out)
{
    struct items list = {items, count, calloc(count + 1, sizeof *list.names)};
    out->failed |= !list.names;
    for (size_t i = 0; list.names && i < count; i++)
        config_name(items, i, list.names[i]);
    return list;
}

/* The one of that name and module; `count`: there is none. */
static size_t find(const struct items *list, const char *name, const struct module *module)
{
    size_t i = 0;
    while (i < list->count &&
           (list->items[i].module != module || strcmp(list->names[i], name) != 0))
        i++;
    return i;
}

static const char *owner_of(const struct items *list, size_t i, char *out, size_t size)
{
    const struct module *module = list->items[i].module;
    const char *kind = module_kind_word(module->kind);
    if (strcmp(list->names[i], module->name) == 0)
        snprintf(out, size, "%s %s", kind, module->name);
    else
        snprintf(out, size, "%s %s (%s)", kind, list->names[i], module->name);
    return out;
}

/* Whatever stands in both stands there in the same order; else the first that does not is told. */
static void diff_order(struct diff *d, const struct items *a, const struct items *b)
{
    char owner[OWNER_MAX];
    size_t last = 0;
    for (size_t i = 0; i < a->count; i++) {
        size_t at = find(b, a->names[i], a->items[i].module);
        if (at < b->count && at + 1 < last) {
            buf_printf(d->out, "~ %s: comes earlier\n", owner_of(a, i, owner, sizeof owner));
            d->lines++;
            return;
        }
        if (at < b->count)
            last = at + 1;
    }
}

static void diff_lists(struct diff *d, const struct items *a, const struct items *b)
{
    char owner[OWNER_MAX];
    for (size_t i = 0; i < a->count; i++) {
        size_t at = find(b, a->names[i], a->items[i].module);
        owner_of(a, i, owner, sizeof owner);
        if (at < b->count)
            diff_items(d, owner, &a->items[i], &b->items[at]);
        else
            put_line(d, "-", owner);
    }
    for (size_t i = 0; i < b->count; i++) {
        if (find(a, b->names[i], b->items[i].module) == a->count)
            put_line(d, "+", owner_of(b, i, owner, sizeof owner));
    }
}

static void diff_kind(struct diff *d, const struct config_item *from, size_t from_count,
                      const struct config_item *to, size_t to_count, bool ordered)
{
    struct items a = items_of(from, from_count, d->out), b = items_of(to, to_count, d->out);
    if (a.names && b.names) {
        diff_lists(d, &a, &b);
        if (ordered)
            diff_order(d, &a, &b);
    }
    free(a.names);
    free(b.names);
}

size_t config_diff(const struct config *from, const struct config *to, struct buf *out)
{
    struct diff d = {.out = out};
    diff_options(&d, "", settings_options, &from->settings, &to->settings);
    diff_kind(&d, from->inputs, from->input_count, to->inputs, to->input_count, false);
    diff_kind(&d, from->stages, from->stage_count, to->stages, to->stage_count, true);
    diff_kind(&d, from->outputs, from->output_count, to->outputs, to->output_count, false);
    diff_kind(&d, from->sections, from->section_count, to->sections, to->section_count, false);
    return d.lines;
}
