/* The one place that sees every module. Adding a module: declare its descriptor, add its line. */
#include "core/module.h"

const struct module *const registry[] = {
    NULL,
};
