/* The one place that sees every module. A new module: its line here, in the order of the manual. */
#include "core/module.h"

#define MODULES(X)                                                                                 \
    X(output_stdout)                                                                               \
    X(output_null)

#define DECLARE(name) extern const struct module name;
#define LIST(name) &name,

MODULES(DECLARE)

const struct module *const registry[] = {MODULES(LIST) NULL};
