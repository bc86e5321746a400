#include "top/local.h"

#include "http/api_scope.h"

static struct span parameter(const struct http_request *request, const char *name)
{
    for (const struct top_parameter *p = request->priv; p->name; p++)
        if (strcmp(p->name, name) == 0)
            return p->value;
    return (struct span){0};
}

static struct span no_header(const struct http_request *request, const char *name)
{
    (void)request, (void)name;
    return (struct span){0};
}

static int ask(void *state, enum http_method method, const char *path,
               const struct top_parameter *parameters, struct buf *body, struct error *err)
{
    const struct http_route *route = http_route_for(path, http_method_names[method]);
    const struct top_local *local = state;
    struct http_request request = {
        .context = &local->context,
        .route = route,
        .parameter = parameter,
        .header = no_header,
        .path = span_str(path),
        .priv = (void *)parameters,
    };
    struct http_reply reply = {0};
    if (!route)
        return error_set(err, "there is no %s", path);
    api_answer(route, &request, &reply);
    struct span text = reply.fixed.ptr ? reply.fixed : buf_span(&reply.body);
    int result = 0;
    if (reply.status != 0 && reply.status != 200)
        result = error_set(err, "%s: %.*s", path, (int)text.len, (const char *)text.ptr);
    else
        buf_put(body, text.ptr, text.len);
    buf_free(&reply.body);
    return body->failed ? error_set(err, "no memory") : result;
}

static int get(void *state, const char *path, const struct top_parameter *parameters,
               struct buf *body, struct error *err)
{
    return ask(state, HTTP_GET, path, parameters, body, err);
}

static int reset(void *state, enum stats_window_id window, struct error *err)
{
    const struct top_parameter parameters[] = {TOP_RESET_PARAMETER(window), {NULL, {0}}};
    struct buf body = {0};
    int result = ask(state, HTTP_DELETE, TOP_RESET_PATH, parameters, &body, err);
    buf_free(&body);
    return result;
}

static void amend(void *state, struct top_view *view)
{
    const struct top_local *local = state;
    top_recording_show(local->recording, view);
}

struct top_origin top_local(struct top_local *local)
{
    return (struct top_origin){
        .state = local, .get = get, .reset = reset, .amend = local->recording ? amend : NULL};
}
