/*
 * Modules: inputs, stages, formats and outputs, each one constant descriptor with its option rows.
 *
 * A new module is one file that defines its descriptor, and one line in src/registry.c. The core
 * does the rest: allocates the private struct, fills it from the configuration, names it in the
 * example and the manual.
 */
#ifndef SPILE_CORE_MODULE_H
#define SPILE_CORE_MODULE_H

#include "core/option.h"

/* A section is a mapping of its own at the top of the configuration: `web:`, `history:`. It is
 * there or not, once; its hooks may be NULL. */
enum module_kind { MODULE_INPUT, MODULE_STAGE, MODULE_FORMAT, MODULE_OUTPUT, MODULE_SECTION };

struct module {
    const char *name; /* as in the configuration */
    enum module_kind kind;
    const char *compat; /* of formats and stages: the program whose variant it is; NULL: our own */
    const char *doc;    /* what it does: a sentence or a short paragraph for the manual */
    size_t size;        /* of the private struct */
    const struct option *options; /* NULL: none */
    const void
        *hooks; /* struct input_hooks, stage_hooks, format_hooks, output_hooks, section_hooks */
};

struct section_hooks {
    /* What rows cannot check alone: options that need or exclude each other. -1: err. */
    int (*check)(const void *priv, struct error *err);
};

/* All modules; ends with NULL. Defined in src/registry.c alone. */
extern const struct module *const registry[];

/* The module of that kind and name; for `compat` not NULL its variant if there is one, else our
 * own. NULL when there is none. */
const struct module *module_find(enum module_kind kind, struct span name, const char *compat);
/* The n-th of a kind in registry order, our own variants only; NULL behind the last. */
const struct module *module_at(enum module_kind kind, size_t n);
/* The nearest name of that kind to a mistyped one, or NULL. */
const char *module_nearest(enum module_kind kind, struct span wrong);

#endif
