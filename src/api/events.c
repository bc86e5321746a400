/* Live events, filtered. */
#include "api/live.h"
#include "api/scope.h"

enum { RATE_MAX = 10000 };

static void events_handle(const struct api_request *request, struct api_reply *reply)
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
        !api_address(request, reply, "client", address, &filter.client) ||
        !api_rcode(request, reply, "rcode", &filter.rcode) ||
        !api_type(request, reply, "type", &filter.qtype) ||
        !api_direction(request, reply, "direction", &filter.direction) ||
        !api_number(request, reply, "rate", 1, RATE_MAX, &rate))
        return;
    if (api_parameter(request, "side").ptr)
        filter.side = scope.side;
    filter.under = span_of(under.wire_len ? under.wire : NULL, under.wire_len);
    filter.max_per_second = (unsigned)rate;
    if (!request->context->live) {
        api_fail(reply, 404, "there is no live view here");
        return;
    }
    reply->content_type = "text/event-stream";
    reply->stream = live_open(request->context->live, &filter);
    if (!reply->stream)
        api_fail(reply, 503, "too many viewers already");
}

static const struct api_parameter parameters[] = {
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

const struct api_route api_events = {
    .path = "/api/v1/events",
    .plain = true,
    .doc =
        "Events as they happen, as server-sent events: the data of each is an object Event; "
        "now and then one called `lost` has {\"lost\": how many matched and were left out}. Of 32 "
        "viewers the slowest makes room for one more, else the oldest of the address that has "
        "most.",
    .parameters = parameters,
    .handle = events_handle,
};
