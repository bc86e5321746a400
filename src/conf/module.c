#include "conf/module.h"

#include "base/nearest.h"

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

static const char *name_at(const void *kind, size_t n)
{
    const struct module *module = module_at(*(const enum module_kind *)kind, n);
    return module ? module->name : NULL;
}

const char *module_nearest(enum module_kind kind, struct span wrong)
{
    size_t count = 0;
    while (module_at(kind, count))
        count++;
    return nearest_name(wrong, name_at, &kind, count);
}

const char *module_kind_word(enum module_kind kind)
{
    static const char *const words[] = {
        [MODULE_INPUT] = "input",   [MODULE_STAGE] = "stage",     [MODULE_FORMAT] = "format",
        [MODULE_OUTPUT] = "output", [MODULE_SECTION] = "section",
    };
    return words[kind];
}

int module_unknown(enum module_kind kind, struct span name, struct error *err)
{
    const char *word = module_kind_word(kind), *near = module_nearest(kind, name);
    if (near)
        return error_set(err, "unknown %s '%s'; did you mean '%s'?", word, option_show(name).text,
                         near);
    char known[256];
    return error_set(err, "unknown %s '%s'%s", word, option_show(name).text,
                     option_list_names(name_at, &kind, known, sizeof known));
}
