/* The OpenAPI 3.1 text, made of the routes' rows and the shapes. */
#ifndef SPILE_API_OPENAPI_H
#define SPILE_API_OPENAPI_H

#include "base/buf.h"

/* -1: no memory, or a row's shape is not well formed. */
int openapi_write(struct buf *out);

#endif
