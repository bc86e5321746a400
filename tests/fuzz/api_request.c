/* What strangers ask the API: the first byte chooses the route, then come what every header is, a
 * byte of zero, and the query string. Whatever they are, the answer has a status that the route may
 * have, and where it is JSON, is well-formed. Parameters are views of the query string, one behind
 * the other. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../support/json_check.h"
#include "api/serve.h"
#include "app/service.h"
#include "base/log.h"
#include "conf/config.h"
#include "fuzz.h"

/* A program that nobody has sent anything yet. */
static const char configuration[] = "threads: 1\n"
                                    "inputs: [tcp: {listen: '127.0.0.1:0'}]\n"
                                    "outputs: ['null': {}]\n"
                                    "history: {}\n"
                                    "statistics: {memory: 4M, streams: 4}\n"
                                    "web: {listen: '127.0.0.1:0'}\n";
static struct service service;
static struct api_context context;

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
    context = parts_context(&service.parts, &service.frame, &config);
}

static struct span header(const struct api_request *request, const char *name)
{
    (void)name;
    return *(const struct span *)request->priv;
}

/* Each parameter lies in the query string, behind those before it. */
static void check_parameters(char *query, size_t len)
{
    struct parameters parameters;
    const uint8_t *at = (const uint8_t *)query, *end = at + len;
    parameters_read(&parameters, query, len);
    for (size_t i = 0; i < parameters.count; i++) {
        const struct parameter *p = &parameters.at[i];
        assert(p->name.ptr >= at && p->name.ptr + p->name.len <= end);
        at = p->name.ptr + p->name.len;
        assert(!p->value.ptr || (p->value.ptr > at && p->value.ptr + p->value.len <= end));
        at = p->value.ptr ? p->value.ptr + p->value.len : at;
    }
}

static void check(const struct api_route *route, struct api_reply *reply)
{
    static const unsigned statuses[] = {0, 200, 204, 400, 404, 414, 503};
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

static const struct api_route *route_at(uint8_t number)
{
    size_t count = 0;
    while (api_routes[count])
        count++;
    return api_routes[number % count];
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (!service.engine)
        start();
    if (len == 0)
        return 0;
    const struct api_route *route = route_at(bytes[0]);
    const uint8_t *zero = memchr(bytes + 1, 0, len - 1);
    struct span asked = span_of(bytes + 1, zero ? (size_t)(zero - bytes) - 1 : len - 1);
    size_t size = zero ? len - asked.len - 2 : 0;
    char *query = malloc(size + 1);
    struct api_request request = {.context = &context,
                                  .route = route,
                                  .header = header,
                                  .path = span_str(route->path),
                                  .priv = &asked};
    struct api_reply reply = {0};
    if (!query)
        return 0;
    memcpy(query, bytes + len - size, size);
    if (route->method == API_GET) { /* resets wait for the next second */
        api_serve(&request, query, size, &reply);
        check(route, &reply);
    }
    memcpy(query, bytes + len - size, size);
    check_parameters(query, size);
    free(query);
    return 0;
}
