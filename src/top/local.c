#include "top/local.h"

#include "api/serve.h"

/* As if they had come in a query string. */
static void put_parameters(struct parameters *to, const struct top_parameter *from)
{
    to->count = 0;
    for (; from->name && to->count < PARAMETERS_MAX; from++)
        to->at[to->count++] = (struct parameter){span_str(from->name), from->value};
}

static int ask(void *state, enum api_method method, const char *path,
               const struct top_parameter *parameters, struct buf *body, struct error *err)
{
    const struct api_route *route = api_route_for(path, api_method_names[method]);
    const struct top_local *local = state;
    struct parameters given;
    struct api_request request = {
        .context = &local->context,
        .route = route,
        .parameters = &given,
        .path = span_str(path),
    };
    struct api_reply reply = {0};
    if (!route)
        return error_set(err, "there is no %s", path);
    put_parameters(&given, parameters);
    api_answer(&request, &reply);
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
    return ask(state, API_GET, path, parameters, body, err);
}

static int reset(void *state, enum stats_window_id window, struct error *err)
{
    const struct top_parameter parameters[] = {TOP_RESET_PARAMETER(window), {NULL, {0}}};
    struct buf body = {0};
    int result = ask(state, API_DELETE, TOP_RESET_PATH, parameters, &body, err);
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
