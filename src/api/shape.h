/*
 * Shapes: what a JSON reply looks like, in a notation short enough for a route's row, from which
 * the OpenAPI text gets its JSON Schema.
 *
 *     {name: text, rate: num? (events a second), rows: [Row], rcodes: {*int}, by?: text}
 *
 *     int      a whole number that is not negative      text   a string
 *     num      any number                               bool   true or false
 *     time     Unix milliseconds                        any    whatever
 *     [S]      an array of S                            {*S}   an object: any keys, each with S
 *     S?       S or null                                k?: S  a key that may be missing
 *     Name     a shape of api_shapes                   (...)  behind a member: what it means
 */
#ifndef SPILE_API_SHAPE_H
#define SPILE_API_SHAPE_H

#include "base/json.h"

/* A shape with a name, for what occurs more than once. */
struct api_shape {
    const char *name; /* begins with a capital letter */
    const char *shape;
};

/* Ends with a row whose name is NULL. In api_shapes.c. */
extern const struct api_shape api_shapes[];

/* Writes the JSON Schema of a shape. -1: it is not well formed (what was written is then of no
 * use): a mistake in a constant, so a test finds it. */
int shape_schema(struct json *j, const char *shape);

#endif
