/* The one place that sees every route of the web server. A new route: its line here. */
#include "http/page.h"
#include "http/route.h"

#include "page_assets.h" /* made at build time: PAGE_ASSETS, the files of web/ */

#define ROUTES(X)

#define DECLARE(name) extern const struct http_route name;
#define LIST(name) &name,

#define DECLARE_ASSET(name) extern const struct page_asset name;
#define LIST_ASSET(name) &name.route,

ROUTES(DECLARE)
PAGE_ASSETS(DECLARE_ASSET)

const struct http_route *const http_routes[] = {ROUTES(LIST) PAGE_ASSETS(LIST_ASSET) NULL};
