/* The parameters of a request: its query string, cut at each "&" and decoded. */
#ifndef SPILE_API_PARAMETERS_H
#define SPILE_API_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

enum { PARAMETERS_MAX = 256 };

struct parameter {
    struct span name;
    struct span value; /* absent: there was no "=" */
};

/* Owner: the stack. The spans are views of what it was read from. */
struct parameters {
    struct parameter at[PARAMETERS_MAX];
    size_t count;
};

/* True when a query string (what stands behind the "?") has no more than a request may bring. */
bool parameters_fit(struct span query);

/* Decodes a query string that fits in its place: "+" is a space, "%41" an "A", and a "%" that two
 * hexadecimal digits do not follow stands for itself. Where nothing stands between two "&" there is
 * no parameter. */
void parameters_read(struct parameters *parameters, char *query, size_t len);

/* The first of that name; absent when there is none, empty when it has no value. Upper case is not
 * lower case. */
struct span parameters_find(const struct parameters *parameters, const char *name);

#endif
