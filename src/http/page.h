/* The dashboard's files, built into the program. tools/embed makes a row of each file in web/. */
#ifndef SPILE_HTTP_PAGE_H
#define SPILE_HTTP_PAGE_H

#include "api/route.h"

struct page_body {
    struct span bytes;
    const char *etag; /* of the content */
};

struct page_asset {
    struct api_route route; /* first: whoever has the route has the asset */
    const char *type;
    struct page_body plain;
    struct page_body gzip; /* absent bytes: packing is not worth it */
};

/* For the rows that tools/embed writes. */
// clang-format off
#define PAGE_ROUTE(where, what) {.path = (where), .access = ACCESS_BROWSER, .doc = (what), \
                                 .method = API_GET, .ignores_unknown = true, .handle = page_handle}
#define PAGE_BYTES(array) {(array), sizeof(array)}
// clang-format on

void page_handle(const struct api_request *request, struct api_reply *reply);

#endif
