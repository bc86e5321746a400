#include "api/parameters.h"

const char *const http_method_names[HTTP_METHODS] = {
    [HTTP_GET] = "GET", [HTTP_DELETE] = "DELETE", [HTTP_POST] = "POST"};

bool http_route_is_api(const struct http_route *route)
{
    return strncmp(route->path, "/web/", 5) != 0;
}

bool http_path_is_native(struct span path)
{
    size_t len = strlen(HTTP_API_ROOT);
    return path.len >= len && memcmp(path.ptr, HTTP_API_ROOT, len) == 0 &&
           (path.len == len || path.ptr[len] == '/');
}

const struct http_route *http_route_find(struct span path)
{
    if (span_equal(path, span_str(HTTP_API_ROOT "/")))
        path.len--;
    for (size_t i = 0; http_routes[i]; i++) {
        if (span_equal(path, span_str(http_routes[i]->path)))
            return http_routes[i];
    }
    return NULL;
}

const struct http_route *http_route_for(const char *path, const char *method)
{
    if (strcmp(method, "HEAD") == 0)
        method = http_method_names[HTTP_GET];
    for (size_t i = 0; http_routes[i]; i++) {
        if (strcmp(http_routes[i]->path, path) == 0 &&
            strcmp(http_method_names[http_routes[i]->method], method) == 0)
            return http_routes[i];
    }
    return NULL;
}

struct span http_parameter(const struct http_request *request, const char *name)
{
    return parameters_find(request->parameters, name);
}

struct span http_header(const struct http_request *request, const char *name)
{
    return request->header ? request->header(request, name) : (struct span){0};
}
