/* The routes themselves, as a list and as an OpenAPI document. */
#include "api/api.h"
#include "api/openapi.h"

static void index_handle(const struct api_request *request, struct api_reply *reply)
{
    struct json j = api_begin(reply);
    json_put_str(&j, "name", "spile");
    json_put_str(&j, "version", SPILE_VERSION);
    json_put_time(&j, "started", request->context->started_ms);
    json_put_bool(&j, "compat", request->context->compat);
    json_key(&j, "routes");
    json_array(&j);
    for (const struct api_route *const *route = api_routes; *route; route++) {
        json_object(&j);
        json_put_str(&j, "path", (*route)->path);
        json_put_str(&j, "method", api_method_names[(*route)->method]);
        json_put_str(&j, "doc", (*route)->doc);
        json_object_end(&j);
    }
    json_array_end(&j);
    api_end(&j, reply);
}

const struct api_route api_index = {
    .path = "/api/v1",
    .plain = true,
    .doc = "What this server answers to.",
    .schema = "{name: text, version: text, started: time, compat: bool (as dnstap-receiver), "
              "routes: [{path: text, method: text, doc: text}]}",
    .handle = index_handle,
};

static void openapi_handle(const struct api_request *request, struct api_reply *reply)
{
    (void)request;
    if (openapi_write(&reply->body) < 0)
        api_fail(reply, 503, "no memory for the answer");
}

const struct api_route api_openapi = {
    .path = "/api/v1/openapi.json",
    .plain = true,
    .doc = "This API as an OpenAPI 3.1 document.",
    .schema = "{openapi: text, info: any, security: any, paths: {*any}, components: any}",
    .handle = openapi_handle,
};
