#include "core/module.h"

const struct module *module_find(enum module_kind kind, struct span name, const char *compat)
{
    const struct module *own = NULL;
    for (size_t i = 0; registry[i]; i++) {
        const struct module *module = registry[i];
        if (module->kind != kind || !span_equal(span_str(module->name), name))
            continue;
        if (!module->compat)
            own = module;
        else if (compat && strcmp(module->compat, compat) == 0)
            return module;
    }
    return own;
}

const struct module *module_at(enum module_kind kind, size_t n)
{
    for (size_t i = 0; registry[i]; i++) {
        if (registry[i]->kind == kind && !registry[i]->compat && n-- == 0)
            return registry[i];
    }
    return NULL;
}

static const char *kind_name(const void *kind, size_t n)
{
    return module_at(*(const enum module_kind *)kind, n)->name;
}

const char *module_nearest(enum module_kind kind, struct span wrong)
{
    size_t count = 0;
    while (module_at(kind, count))
        count++;
    return nearest_name(wrong, kind_name, &kind, count);
}
