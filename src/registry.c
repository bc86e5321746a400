/* The one place that sees every module. Adding a module: add its line, in the order of the manual. */
#include "core/module.h"

#define MODULES(X)                                                                                 \
    X(output_stdout)                                                                               \
    X(output_null)

#define DECLARE(module) extern const struct module module;
#define LIST(module) &module,

MODULES(DECLARE)

const struct module *const registry[] = {MODULES(LIST) NULL};
