/* Live events, filtered. */
#include <arpa/inet.h>
#include <stdio.h>

#include "http/api_scope.h"
#include "http/live.h"

enum { RATE_MAX = 10000, ADDRESS_TEXT_MAX = 64 };

/* "192.0.2.1" or "2001:db8::1" to 4 or 16 bytes, "-" (what lists call it) to none. */
static bool read_address(const struct http_request *request, struct http_reply *reply,
                         uint8_t *space, struct span *address)
{
    struct span text = request->parameter(request, "client");
    char terminated[ADDRESS_TEXT_MAX];
    if (!text.ptr)
        return true;
    if (span_equal(text, span_str("-"))) {
        *address = span_of(space, 0);
        return true;
    }
    snprintf(terminated, sizeof terminated, "%.*s", (int)(text.len % ADDRESS_TEXT_MAX),
             (const char *)text.ptr);
    int v4 = inet_pton(AF_INET, terminated, space) == 1;
    int v6 = inet_pton(AF_INET6, terminated, space) == 1;
    if (strlen(terminated) != text.len || !(v4 || v6)) { /* too long, or a NUL in it */
        api_refuse(request, reply, "client", "an address");
        return false;
    }
    *address = dnstap_address(span_of(space, v4 ? 4 : 16)); /* ::ffff:192.0.2.1 is IPv4 here too */
    return true;
}

static void events_handle(const struct http_request *request, struct http_reply *reply)
{
    uint8_t address[16];
    struct api_domain under;
    uint64_t rate = 0;
    struct api_identity identity;
    struct live_filter filter = {.stream = api_identity(request, &identity),
                                 .rcode = -1,
                                 .qtype = -1,
                                 .direction = -1,
                                 .side = -1};
    struct api_scope scope;
    if (!api_scope(request, reply, &scope) || !api_domain(request, reply, "under", &under) ||
        !read_address(request, reply, address, &filter.client) ||
        !api_rcode(request, reply, "rcode", &filter.rcode) ||
        !api_type(request, reply, "type", &filter.qtype) ||
        !api_direction(request, reply, "direction", &filter.direction) ||
        !api_number(request, reply, "rate", 1, RATE_MAX, &rate))
        return;
    if (request->parameter(request, "side").ptr)
        filter.side = scope.side;
    filter.under = span_of(under.wire_len ? under.wire : NULL, under.wire_len);
    filter.max_per_second = (unsigned)rate;
    reply->content_type = "text/event-stream";
    reply->stream = live_open(request->context->live, &filter);
    if (!reply->stream)
        http_fail(reply, 503, "too many viewers already");
}

static const struct http_parameter parameters[] = {
    {"stream", "string", "Identity of a stream."},
    {"under", "string", "A domain: it and what is below it."},
    {"client", "string", "Address of who asked; - for none."},
    {"rcode", "string", "A response code, by name or number."},
    {"type", "string", "Type of the question, by name or number; - for no question."},
    {"direction", "string", "query or response."},
    {"side", "string",
     "client: what servers were asked; upstream: what they asked others; absent: both."},
    {"rate", "integer", "Events a second at most, 1 to 10000; absent: 200. Others are counted."},
    {0},
};

const struct http_route api_events = {
    .path = "/api/v1/events",
    .doc =
        "Events as they happen, as server-sent events: the data of each is an object Event; "
        "now and then one called `lost` has {\"lost\": how many matched and were left out}. Of 32 "
        "viewers the slowest makes room for one more, else the oldest of the address that has "
        "most.",
    .parameters = parameters,
    .handle = events_handle,
};
