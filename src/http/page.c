/*
 * Serves the dashboard: constant bytes, with an entity tag of their content and a policy that lets
 * the page load nothing but itself, run no script of a name that it shows, and ask no other server.
 */
#include <ctype.h>

#include "http/page.h"

static const char csp[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/* The next item of a list with commas; absent at the end. */
static struct span next_item(struct span *list)
{
    if (list->len == 0)
        return (struct span){0};
    const uint8_t *comma = memchr(list->ptr, ',', list->len);
    struct span item = span_of(list->ptr, comma ? (size_t)(comma - list->ptr) : list->len);
    size_t taken = item.len + (comma != NULL);
    *list = span_of(list->ptr + taken, list->len - taken);
    return item;
}

/* Whether an item of Accept-Encoding allows gzip: by name, and not with the weight 0 (RFC 9110,
 * 12.4.2: "q=0" with up to three zeros behind the point). */
static bool item_allows(struct span item)
{
    char text[32];
    size_t len = 0;
    for (size_t i = 0; i < item.len; i++)
        if (!isspace(item.ptr[i]) && len < sizeof(text) - 1)
            text[len++] = (char)tolower(item.ptr[i]);
    text[len] = '\0';
    if (strcmp(text, "gzip") == 0)
        return true;
    if (strncmp(text, "gzip;q=", 7) != 0)
        return false;
    return strspn(text + 7, "0.") != strlen(text + 7);
}

static bool accepts_gzip(struct span list)
{
    while (list.len > 0)
        if (item_allows(next_item(&list)))
            return true;
    return false;
}

void page_handle(const struct api_request *request, struct api_reply *reply)
{
    const struct page_asset *asset = (const struct page_asset *)request->route;
    bool packed = asset->gzip.bytes.ptr && accepts_gzip(api_header(request, "Accept-Encoding"));
    const struct page_body *body = packed ? &asset->gzip : &asset->plain;
    reply->content_type = asset->type;
    reply->fixed = body->bytes;
    reply->etag = body->etag;
    reply->encoding = packed ? "gzip" : NULL;
    reply->cache = "no-cache"; /* ask again, by the tag */
    reply->csp = csp;
}
