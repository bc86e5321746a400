/* "Did you mean": which of some names a mistyped one is near to. */
#ifndef SPILE_BASE_NEAREST_H
#define SPILE_BASE_NEAREST_H

#include <stddef.h>

#include "base/span.h"

/* The nearest of `count` names (given by a getter) to a mistyped one, or NULL: by slips of the
 * finger, few for its length, or as a part of it. Of up to two letters only those count that are
 * swapped or cut short ("qn" for "qname"). */
const char *nearest_name(struct span wrong, const char *(*name)(const void *ctx, size_t i),
                         const void *ctx, size_t count);

#endif
