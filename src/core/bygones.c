#include "core/bygones.h"

#include <stdlib.h>

int bygones_reserve(struct bygones *b, size_t more)
{
    size_t room = b->count + more, most = BYGONES_MAX + BYGONES_KINDS;
    void *items = realloc(b->items, ((room < most ? room : most) + 1) * sizeof *b->items);
    if (!items)
        return -1;
    b->items = items;
    return b->names.slots ? 0 : names_init(&b->names, (uint32_t)most);
}

void bygones_free(struct bygones *b)
{
    names_free(&b->names);
    free(b->items);
}

/* As bygones_find; *walk is then at the name's place. */
static struct bygone *look_for(const struct bygones *b, enum module_kind kind, const char *name,
                               struct names_walk *walk)
{
    uint32_t number;
    *walk = names_begin(&b->names, span_str(name));
    while ((number = names_next(&b->names, walk)) != 0) {
        struct bygone *bygone = &b->items[number - 1];
        if (bygone->kind == kind && strcmp(bygone->name, name) == 0)
            return bygone;
    }
    return NULL;
}

struct bygone *bygones_find(const struct bygones *b, enum module_kind kind, const char *name)
{
    struct names_walk walk;
    return b->count > 0 ? look_for(b, kind, name, &walk) : NULL;
}

static struct bygone *add(struct bygones *b, enum module_kind kind, const char *module,
                          const char *name, const struct names_walk *walk)
{
    struct bygone *bygone = &b->items[b->count++];
    *bygone = (struct bygone){.kind = kind, .module = module};
    snprintf(bygone->name, sizeof bygone->name, "%s", name);
    names_add(&b->names, walk, (uint32_t)b->count);
    return bygone;
}

struct bygone *bygones_of(struct bygones *b, const struct module *module, const char *name)
{
    struct names_walk walk;
    struct bygone *bygone = look_for(b, module->kind, name, &walk);
    if (bygone)
        return bygone;
    if (b->named < BYGONES_MAX) {
        b->named++;
        return add(b, module->kind, module->name, name, &walk);
    }
    bygone = look_for(b, module->kind, BYGONES_OTHERS, &walk);
    return bygone ? bygone : add(b, module->kind, BYGONES_OTHERS, BYGONES_OTHERS, &walk);
}
