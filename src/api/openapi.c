#include "api/openapi.h"

#include "api/route.h"
#include "api/shape.h"

static const char *const method_keys[API_METHODS] = {
    [API_GET] = "get", [API_DELETE] = "delete", [API_POST] = "post"};

/* The kinds of credentials, of which any one will do. */
static const struct {
    const char *name, *definition;
} ways_in[] = {
    {"basic", "{\"type\":\"http\",\"scheme\":\"basic\"}"},
    {"bearer", "{\"type\":\"http\",\"scheme\":\"bearer\"}"},
    {"key", "{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-API-Key\"}"},
};
enum { WAYS_IN = sizeof ways_in / sizeof *ways_in };

static void put_object(struct json *j, const char *key)
{
    json_key(j, key);
    json_object(j);
}

static void put_parameters(struct json *j, const struct api_parameter *parameter)
{
    json_key(j, "parameters");
    json_array(j);
    for (; parameter && parameter->name; parameter++) {
        json_object(j);
        json_put_str(j, "name", parameter->name);
        json_put_str(j, "in", "query");
        json_put_str(j, "description", parameter->doc);
        if (parameter->required)
            json_put_bool(j, "required", true);
        put_object(j, "schema");
        json_put_str(j, "type", parameter->type);
        json_object_end(j);
        json_object_end(j);
    }
    json_array_end(j);
}

/* "200": {"description": ..., "content": {"application/json": {"schema": ...}}}; without a shape
 * the content is text, which needs no more words. */
static int put_response(struct json *j, const char *status, const char *doc, const char *shape)
{
    int result = 0;
    put_object(j, status);
    json_put_str(j, "description", doc);
    if (shape) {
        put_object(j, "content");
        put_object(j, "application/json");
        json_key(j, "schema");
        result = shape_schema(j, shape);
        json_object_end(j);
        json_object_end(j);
    }
    json_object_end(j);
    return result;
}

/* What every route may answer with instead; of the API itself always the shape Error. */
static const struct {
    const char *status, *doc;
    bool guarded;  /* only where not everybody may ask */
    bool commands; /* only where the program is told to do something */
} failures[] = {
    {"401", "Credentials are missing or wrong.", .guarded = true},
    {"403", "Who asks may not do so from there, or not under that name.", .guarded = true},
    {"404", "There is no such path or stream, or what would know is off."},
    {"405", "The path does not take that method."},
    {"409", "The program cannot do so now; the error says why.", .commands = true},
    {"413", "The path takes no body, or none that is so long or comes in pieces."},
    {"414", "The target is too long, or has too many parameters."},
};

static void put_failures(struct json *j, const struct api_route *route)
{
    bool native = api_path_is_native(span_str(route->path));
    if (route->parameters || !route->ignores_unknown)
        put_response(j, "400",
                     "A parameter is unknown, is given twice, or has a value that it cannot have.",
                     "Error");
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        if ((!failures[i].guarded || route->access != ACCESS_OPEN) &&
            (!failures[i].commands || route->commands))
            put_response(j, failures[i].status, failures[i].doc, native ? "Error" : NULL);
}

static int put_responses(struct json *j, const struct api_route *route)
{
    bool silent = route->method == API_DELETE && !route->schema; /* there is nothing to say */
    put_object(j, "responses");
    if (put_response(j, silent ? "204" : "200", route->doc, route->schema) < 0)
        return -1;
    put_failures(j, route);
    json_object_end(j);
    return 0;
}

static int put_operation(struct json *j, const struct api_route *route)
{
    put_object(j, method_keys[route->method]);
    json_put_str(j, "summary", route->doc);
    put_parameters(j, route->parameters);
    if (put_responses(j, route) < 0)
        return -1;
    if (route->access == ACCESS_OPEN) {
        json_key(j, "security");
        json_array(j);
        json_array_end(j);
    }
    json_object_end(j);
    return 0;
}

/* A path is written where it stands first, with all its methods; the page's files are no API. */
static bool is_first(const struct api_route *const *route)
{
    if (!api_route_is_documented(*route))
        return false;
    for (const struct api_route *const *before = api_routes; before < route; before++)
        if (strcmp((*before)->path, (*route)->path) == 0)
            return false;
    return true;
}

static int put_paths(struct json *j)
{
    put_object(j, "paths");
    for (const struct api_route *const *route = api_routes; *route; route++) {
        if (!is_first(route))
            continue;
        put_object(j, (*route)->path);
        for (const struct api_route *const *same = route; *same; same++)
            if (strcmp((*same)->path, (*route)->path) == 0 && put_operation(j, *same) < 0)
                return -1;
        json_object_end(j);
    }
    json_object_end(j);
    return 0;
}

static int put_components(struct json *j)
{
    put_object(j, "components");
    put_object(j, "schemas");
    for (const struct api_shape *shape = api_shapes; shape->name; shape++) {
        json_key(j, shape->name);
        if (shape_schema(j, shape->shape) < 0)
            return -1;
    }
    json_object_end(j);
    put_object(j, "securitySchemes");
    for (size_t i = 0; i < WAYS_IN; i++) {
        json_key(j, ways_in[i].name);
        json_raw(j, span_str(ways_in[i].definition));
    }
    json_object_end(j);
    json_object_end(j);
    return 0;
}

static void put_security(struct json *j)
{
    json_key(j, "security");
    json_array(j);
    for (size_t i = 0; i < WAYS_IN; i++) {
        json_object(j);
        json_key(j, ways_in[i].name);
        json_array(j);
        json_array_end(j);
        json_object_end(j);
    }
    json_array_end(j);
}

int openapi_write(struct buf *out)
{
    struct json j = json_begin(out);
    json_object(&j);
    json_put_str(&j, "openapi", "3.1.0");
    put_object(&j, "info");
    json_put_str(&j, "title", "Spile");
    json_put_str(&j, "version", SPILE_VERSION);
    json_put_str(&j, "description",
                 "DNS telemetry: statistics, tables, time series and live events. Times are Unix "
                 "milliseconds, durations seconds; names are in the presentation form of RFC 1035, "
                 "in lower case.");
    json_object_end(&j);
    put_security(&j);
    if (put_paths(&j) < 0 || put_components(&j) < 0)
        return -1;
    json_object_end(&j);
    return out->failed ? -1 : 0;
}
