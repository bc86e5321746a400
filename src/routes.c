/* The one place that sees every route of the web server. A new route: its line here. */
#include "http/route.h"

#define ROUTES(X)

#define DECLARE(name) extern const struct http_route name;
#define LIST(name) &name,

ROUTES(DECLARE)

const struct http_route *const http_routes[] = {ROUTES(LIST) NULL};
