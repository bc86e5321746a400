/* The parameters of a request's target, as libmicrohttpd has cut and decoded them. */
#ifndef SPILE_HTTP_PARAMETERS_H
#define SPILE_HTTP_PARAMETERS_H

#include <microhttpd.h>

#include "http/route.h"

/* True when the target has no more parameters than a request may bring (256). If it has, all of
 * them are taken off it: of more than the library has room for it would make no request at all, and
 * close the connection without a word. So this is called before it looks at them. */
bool parameters_limit(char *uri);
/* The reply to a request that had too many. */
void parameters_refuse_many(struct http_reply *reply);

/* The first of that name, decoded; absent when there is none. Upper case is not lower case. */
struct span parameters_find(struct MHD_Connection *connection, const char *name);

/* True when the route takes all parameters of the request, each given once. If not, the reply is a
 * 400 that names the first that it does not take. Where nothing stands between two `&`, there is no
 * parameter. */
bool parameters_accept(struct MHD_Connection *connection, const struct http_route *route,
                       struct http_reply *reply);

#endif
