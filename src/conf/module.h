/*
 * Modules: inputs, stages, formats and outputs, each one constant descriptor with its option rows.
 *
 * A new module is one file that defines its descriptor, and one line in src/app/registry.c. The
 * core does the rest: allocates the struct of the options, fills it from the configuration, names
 * it in the example and the manual. From then on options are constant; what a module that is at
 * work has to remember is its state, which is another struct.
 */
#ifndef SPILE_CONF_MODULE_H
#define SPILE_CONF_MODULE_H

#include "conf/option.h"

/* A section is a mapping of its own at the top of the configuration: `web:`, `history:`. It is
 * there or not, once; it has no hooks. */
enum module_kind { MODULE_INPUT, MODULE_STAGE, MODULE_FORMAT, MODULE_OUTPUT, MODULE_SECTION };

/* What `check` and `probe` say of a module's options. */
enum module_verdict {
    MODULE_FINE = 0,
    MODULE_WARNS = 1,    /* it would say so at start, and go on */
    MODULE_BUSY = 2,     /* the place of its exclusive option is in use; err names that alone */
    MODULE_LACKS = 3,    /* what it needs is missing, and somebody may make it before a start: a
                            program that runs does not go over to it */
    MODULE_SPARES = 4,   /* as MODULE_BUSY, but it would say so at start, and go on */
    MODULE_REFUSES = -1, /* it would not start */
};

/* The verdict of a function that returns 0 for yes, -1 for no, 1 for a warning, PLACE_BUSY and
 * PLACE_LACKS (io/place.h). */
static inline enum module_verdict module_verdict_of(int status)
{
    return status < 0 ? MODULE_REFUSES : (enum module_verdict)status;
}

struct config;
struct config_item;
struct field;

/* Options that several modules have besides their own, in a struct apart. */
struct option_group {
    size_t size; /* of the struct */
    const struct option *options;
    /* Optional, as a module's `check`: what these options mean together, with the module's own and
     * with what else the configuration says. -1: err, which says all, and *wrong points to the
     * option that is to blame. */
    int (*check)(const struct config *config, const struct config_item *item, const void **wrong,
                 struct error *err);
};

struct module {
    const char *name; /* as in the configuration */
    enum module_kind kind;
    bool once;           /* of stages: there may be one of them, not several */
    const char *compat;  /* of formats and stages: the program whose variant it is; NULL: our own */
    const char *doc;     /* what it does: a sentence or a short paragraph for the manual */
    size_t options_size; /* of the struct that its options are in */
    const struct option *options; /* NULL: none */
    size_t state_size; /* of what one that is at work remembers, zeroed at first; 0: nothing */
    const struct option_group *common; /* NULL: none */
    const struct field *fields; /* that events may have by it (event/field.h); NULL: none; else
                                   ends with a row without a name */
    const void *hooks; /* struct input_hooks, stage_hooks, format_hooks, output_hooks; NULL */
    /* Both optional; they read the parsed options, change nothing anywhere, and may be called at
     * any time. Unless all is fine *err says what is wrong and what to do, and *wrong points to
     * the member of the options that is to blame, or is left alone when the module as a whole is.
     *
     * `check` is called before every start and by `spile config check`. It finds what can never be
     * right, such as options that need or exclude each other, from the options alone. Of formats
     * no options are written: they are opened for a moment, for each output that names one
     * (core/output.c).
     *
     * `probe` is called by `spile config check`, and when a running program is to go over to what
     * can be opened only later, or is asked whether it would, or could not. It finds what opening
     * would find at this moment: it looks at files, and looks up names and addresses. */
    enum module_verdict (*check)(const void *options, const void **wrong, struct error *err);
    enum module_verdict (*probe)(const void *options, const void **wrong, struct error *err);
};

/* All modules; ends with NULL. Defined in src/app/registry.c alone. */
extern const struct module *const registry[];

/* The module of that kind and name; for `compat` not NULL its variant if there is one, else our
 * own. NULL when there is none. */
const struct module *module_find(enum module_kind kind, struct span name, const char *compat);
/* The n-th of a kind in registry order, our own variants only; NULL behind the last. */
const struct module *module_at(enum module_kind kind, size_t n);
/* The nearest name of that kind to a mistyped one, or NULL. */
const char *module_nearest(enum module_kind kind, struct span wrong);
/* "input", "output", ... */
const char *module_kind_word(enum module_kind kind);
/* Sets "unknown format 'txt'; did you mean 'text'?", or else what there is; returns -1. */
int module_unknown(enum module_kind kind, struct span name, struct error *err);

#endif
