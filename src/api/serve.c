#include "api/serve.h"

#include "base/nearest.h"
#include "conf/option.h"

enum {
    TRIES = 4, /* the last is torn */
    NAMES_TEXT_MAX = 256,
};

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

static size_t count_rows(const struct api_parameter *rows)
{
    size_t count = 0;
    while (rows && rows[count].name)
        count++;
    return count;
}

static const char *row_name(const void *rows, size_t i)
{
    return ((const struct api_parameter *)rows)[i].name;
}

static void refuse_unknown(const struct api_route *route, struct span name, struct api_reply *reply)
{
    const struct api_parameter *rows = route->parameters;
    struct option_shown shown = option_show(name);
    const char *near = nearest_name(name, row_name, rows, count_rows(rows));
    char names[NAMES_TEXT_MAX];
    if (!rows)
        api_fail(reply, 400, "unknown parameter '%s': %s takes none", shown.text, route->path);
    else if (near)
        api_fail(reply, 400, "unknown parameter '%s'; did you mean '%s'?", shown.text, near);
    else
        api_fail(reply, 400, "unknown parameter '%s'%s", shown.text,
                 option_list_names(row_name, rows, names, sizeof names));
}

/* True when the route takes all of them, each given once. If not, the reply is a 400 that names the
 * first that it does not take. */
static bool accepts(const struct api_route *route, const struct parameters *parameters,
                    struct api_reply *reply)
{
    const struct api_parameter *rows = route->parameters;
    size_t count = count_rows(rows);
    uint64_t seen = 0; /* a bit for each row */
    for (size_t n = 0; n < parameters->count; n++) {
        struct span name = parameters->at[n].name;
        size_t i = 0;
        while (i < count && !span_equal(name, span_str(rows[i].name)))
            i++;
        if (i == count) {
            refuse_unknown(route, name, reply);
            return false;
        }
        if (seen & UINT64_C(1) << i) {
            api_fail(reply, 400, "parameter '%s' is given more than once", rows[i].name);
            return false;
        }
        seen |= UINT64_C(1) << i;
    }
    return true;
}

void api_refuse_many(struct api_reply *reply)
{
    api_fail(reply, 414, "more than %d parameters", PARAMETERS_MAX);
}

void api_serve(struct api_request *request, char *query, size_t len, struct api_reply *reply)
{
    const struct api_route *route = request->route;
    struct parameters parameters;
    if (!parameters_fit(span_of(query, len))) {
        api_refuse_many(reply);
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
    if (route->ignores_unknown || accepts(route, &parameters, reply))
        api_answer(request, reply);
    request->parameters = NULL;
}
