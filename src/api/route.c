#include "api/route.h"

#include "api/parameters.h"

const char *const api_method_names[API_METHODS] = {
    [API_GET] = "GET", [API_DELETE] = "DELETE", [API_POST] = "POST"};

bool api_route_is_documented(const struct api_route *route)
{
    return strncmp(route->path, "/web/", 5) != 0;
}

bool api_path_is_native(struct span path)
{
    size_t len = strlen(API_ROOT);
    return path.len >= len && memcmp(path.ptr, API_ROOT, len) == 0 &&
           (path.len == len || path.ptr[len] == '/');
}

const struct api_route *api_route_find(struct span path)
{
    if (span_equal(path, span_str(API_ROOT "/")))
        path.len--;
    for (size_t i = 0; api_routes[i]; i++) {
        if (span_equal(path, span_str(api_routes[i]->path)))
            return api_routes[i];
    }
    return NULL;
}

const struct api_route *api_route_for(const char *path, const char *method)
{
    if (strcmp(method, "HEAD") == 0)
        method = api_method_names[API_GET];
    for (size_t i = 0; api_routes[i]; i++) {
        if (strcmp(api_routes[i]->path, path) == 0 &&
            strcmp(api_method_names[api_routes[i]->method], method) == 0)
            return api_routes[i];
    }
    return NULL;
}

struct span api_parameter(const struct api_request *request, const char *name)
{
    return parameters_find(request->parameters, name);
}

struct span api_header(const struct api_request *request, const char *name)
{
    return request->header ? request->header(request, name) : (struct span){0};
}
