/* YAML 1.1's implicit types, by PyYAML's expressions. */
#ifndef SPILE_COMPAT_PYYAML_RESOLVE_H
#define SPILE_COMPAT_PYYAML_RESOLVE_H

#include "base/span.h"

/* True when a reader would take the plain text for a boolean, null, number, time, or another type
 * than a string. `text` is printable ASCII. */
bool pyyaml_resolves(struct span text);

#endif
