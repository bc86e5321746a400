/* What strangers ask the API: the first byte chooses the route, then come parts between bytes of
 * zero: what every header is, then parameters, "name=value". Whatever they are, the answer has a
 * status that the route may have, and where it is JSON, is well-formed. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../support/json_check.h"
#include "app/service.h"
#include "base/log.h"
#include "conf/config.h"
#include "fuzz.h"

enum { PARTS = 16 };

/* What was asked, as handlers see it. */
struct asked {
    struct span header;
    struct span parts[PARTS];
    size_t count;
};

/* A program that nobody has sent anything yet. */
static const char configuration[] = "threads: 1\n"
                                    "inputs: [tcp: {listen: '127.0.0.1:0'}]\n"
                                    "outputs: ['null': {}]\n"
                                    "history: {}\n"
                                    "statistics: {memory: 4M, streams: 4}\n"
                                    "web: {listen: '127.0.0.1:0'}\n";
static struct service service;

static void start(void)
{
    static struct config config;
    static const struct service_options options = {.statistics = true};
    struct error err = {0};
    int rc = config_init(&config, &err);
    rc = rc ? rc : config_parse(&config, configuration, sizeof configuration - 1, "fuzz", &err);
    rc = rc ? rc : service_start(&service, &config, &options, &err);
    if (rc) {
        log_error("%s", err.text);
        abort();
    }
}

static struct span parameter(const struct http_request *request, const char *name)
{
    const struct asked *asked = request->priv;
    size_t len = strlen(name);
    for (size_t i = 0; i < asked->count; i++) {
        struct span part = asked->parts[i];
        if (part.len >= len && memcmp(part.ptr, name, len) == 0 &&
            (part.len == len || part.ptr[len] == '='))
            return part.len == len ? span_str("") : span_of(part.ptr + len + 1, part.len - len - 1);
    }
    return (struct span){0};
}

static struct span header(const struct http_request *request, const char *name)
{
    (void)name;
    return ((const struct asked *)request->priv)->header;
}

static struct span take_part(struct span *rest)
{
    const uint8_t *zero = memchr(rest->ptr, 0, rest->len);
    struct span part = span_of(rest->ptr, zero ? (size_t)(zero - rest->ptr) : rest->len);
    size_t used = part.len + (zero != NULL);
    *rest = span_of(rest->ptr + used, rest->len - used);
    return part;
}

static void check(const struct http_route *route, struct http_reply *reply)
{
    static const unsigned statuses[] = {0, 200, 204, 400, 404, 503};
    bool known = false;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        known |= reply->status == statuses[i];
    assert(known);
    bool json = route->schema && !reply->content_type && reply->body.len > 0;
    assert(!json || json_check((const char *)reply->body.data, reply->body.len));
    if (reply->stream)
        reply->stream->close(reply->stream);
    buf_free(&reply->body);
}

static const struct http_route *route_at(uint8_t number)
{
    size_t count = 0;
    while (http_routes[count])
        count++;
    return http_routes[number % count];
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (!service.stats)
        start();
    if (len == 0)
        return 0;
    const struct http_route *route = route_at(bytes[0]);
    struct span rest = span_of(bytes + 1, len - 1);
    struct asked asked = {.header = take_part(&rest)};
    while (rest.len > 0 && asked.count < PARTS)
        asked.parts[asked.count++] = take_part(&rest);
    struct http_request request = {.context = &service.context,
                                   .route = route,
                                   .parameter = parameter,
                                   .header = header,
                                   .path = span_str(route->path),
                                   .priv = &asked};
    struct http_reply reply = {0};
    if (route->method == HTTP_GET) { /* resets wait for the next second */
        route->handle(&request, &reply);
        check(route, &reply);
    }
    return 0;
}
