#include "api/serve.h"

enum { TRIES = 4 /* the last is torn */ };

/* True when what was shown was of one moment. */
static bool is_settled(const struct api_context *context, const struct api_reply *reply)
{
    return reply->version == 0 || stats_is_now(context->stats, reply->version);
}

void api_answer(const struct api_request *request, struct api_reply *reply)
{
    const struct api_route *route = request->route;
    route->handle(request, reply);
    for (int i = 1; i < TRIES && !is_settled(request->context, reply); i++) {
        buf_free(&reply->body);
        *reply = (struct api_reply){.torn = i == TRIES - 1};
        route->handle(request, reply);
    }
}

void api_serve(struct api_request *request, char *query, size_t len, struct api_reply *reply)
{
    const struct api_route *route = request->route;
    struct parameters parameters;
    if (!parameters_fit(span_of(query, len))) {
        parameters_refuse_many(reply);
        return;
    }
    if (!route->plain && !request->context->stats) {
        api_fail(reply, 404,
                 "statistics are off: web: or history: in the configuration, or --web, "
                 "has them kept");
        return;
    }
    parameters_read(&parameters, query, len);
    request->parameters = &parameters;
    if (route->ignores_unknown || parameters_accept(&parameters, route, reply))
        api_answer(request, reply);
    request->parameters = NULL;
}
