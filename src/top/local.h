/* Statistics in this process as an origin: the API's own handlers, without a server between. */
#ifndef SPILE_TOP_LOCAL_H
#define SPILE_TOP_LOCAL_H

#include "http/route.h"
#include "top/gather.h"

/* Good as long as the context. */
struct top_origin top_local(const struct http_context *context);

#endif
