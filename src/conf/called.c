/* What items without a name of their own are called when a configuration follows another one. */
#include <stdio.h>
#include <stdlib.h>

#include "base/names.h"
#include "conf/config.h"

/* A list, and the one that it follows. Owner: config_call. */
struct naming {
    struct config_item *items;
    size_t count;
    const struct config_item *before;
    size_t before_count;
    bool *taken;        /* of `before`: an item has its name */
    struct names known; /* places in `items`, + 1, of those that have their name */
};

static const char *name_of(const struct config_item *item)
{
    const char *given = config_given_name(item);
    return given ? given : item->called;
}

static bool is_used(const struct naming *n, const char *name)
{
    struct names_walk walk = names_begin(&n->known, span_str(name));
    uint32_t number;
    while ((number = names_next(&n->known, &walk)) != 0) {
        if (strcmp(name_of(&n->items[number - 1]), name) == 0)
            return true;
    }
    return false;
}

static void know(struct naming *n, size_t i)
{
    struct names_walk walk = names_begin(&n->known, span_str(name_of(&n->items[i])));
    while (names_next(&n->known, &walk) != 0)
        ;
    names_add(&n->known, &walk, (uint32_t)i + 1);
}

static void call(struct naming *n, size_t i, const char *name)
{
    snprintf(n->items[i].called, sizeof n->items[i].called, "%s", name);
    know(n, i);
}

/* An item that was there before keeps its name; of some that are equal the first one does, but for
 * one whose name it would have by its place. */
static void keep_name(struct naming *n, size_t i)
{
    char own[CONFIG_NAME_MAX + 1], was[CONFIG_NAME_MAX + 1];
    size_t found = n->before_count;
    config_name(n->items, i, own);
    for (size_t j = 0; j < n->before_count; j++) {
        if (n->taken[j] || config_given_name(&n->before[j]) ||
            !config_item_equal(&n->items[i], &n->before[j]) ||
            is_used(n, config_name(n->before, j, was)))
            continue;
        bool same = strcmp(was, own) == 0;
        found = same || found == n->before_count ? j : found;
        if (same)
            break;
    }
    if (found == n->before_count)
        return;
    n->taken[found] = true;
    call(n, i, config_name(n->before, found, was));
}

static void find_name(struct naming *n, size_t i)
{
    char name[CONFIG_NAME_MAX + 1];
    config_name(n->items, i, name);
    for (unsigned number = 1; is_used(n, name); number++)
        config_number_name(n->items[i].module, number, name);
    call(n, i, name);
}

static int call_all(struct naming *n, struct error *err)
{
    if (names_init(&n->known, (uint32_t)n->count) < 0)
        return error_set(err, "no memory");
    for (size_t i = 0; i < n->count; i++) {
        if (config_given_name(&n->items[i]))
            know(n, i);
    }
    for (size_t i = 0; i < n->count; i++) {
        if (!config_given_name(&n->items[i]))
            keep_name(n, i);
    }
    for (size_t i = 0; i < n->count; i++) {
        if (!name_of(&n->items[i])[0])
            find_name(n, i);
    }
    names_free(&n->known);
    return 0;
}

int config_call(struct config_item *items, size_t count, const struct config_item *before,
                size_t before_count, struct error *err)
{
    struct naming n = {
        .items = items, .count = count, .before = before, .before_count = before_count};
    if (count > NAMES_MAX)
        return error_set(err, "more than %d of one kind", NAMES_MAX);
    n.taken = calloc(before_count + 1, sizeof *n.taken);
    int status = n.taken ? call_all(&n, err) : error_set(err, "no memory");
    free(n.taken);
    return status;
}
