/* What changes something in a running program: its connections, outputs, configuration, end. */
#include <time.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/log.h"

enum { DRAIN_SECONDS = 10, DRAIN_LOOK_MS = 2 };

/* A parameter that must be there, into `text`. False: the reply says so. */
static bool needed(const struct api_request *request, struct api_reply *reply, const char *name,
                   struct span *text)
{
    *text = api_parameter(request, name);
    if (text->len == 0)
        api_fail(reply, 400, "parameter '%s' is missing", name);
    return text->len > 0;
}

/* --- connections ---------------------------------------------------------------------------- */

static void close_handle(const struct api_request *request, struct api_reply *reply)
{
    struct span text;
    uint64_t id = 0;
    if (!needed(request, reply, "id", &text) ||
        !api_number(request, reply, "id", 1, UINT32_MAX, &id))
        return;
    if (!engine_dismiss(request->context->engine, (uint32_t)id)) {
        api_fail(reply, 404, "there is no connection %llu", (unsigned long long)id);
        return;
    }
    struct json j = api_begin(reply);
    json_put_u64(&j, "closed", id);
    api_end(&j, reply);
}

const struct api_route api_connections_close = {
    .path = "/api/v1/connections/close",
    .method = API_POST,
    .commands = true,
    .plain = true,
    .doc = "Closes a connection. Its server may connect again.",
    .parameters =
        (const struct api_parameter[]){
            {"id", "integer", "Which, as /api/v1/connections has it. It must be given.", true},
            {0}},
    .schema = "{closed: int (its id)}",
    .handle = close_handle,
};

/* --- outputs -------------------------------------------------------------------------------- */

/* The parameter `name` as an output's name; NULL: the reply says what is wrong. */
static const char *output_name(const struct api_request *request, struct api_reply *reply,
                               char name[CONFIG_NAME_MAX + 1])
{
    struct span text;
    if (!needed(request, reply, "name", &text))
        return NULL;
    size_t len = text.len < CONFIG_NAME_MAX ? text.len : CONFIG_NAME_MAX;
    memcpy(name, text.ptr, len);
    name[len] = '\0';
    return name;
}

static void refuse_name(struct api_reply *reply, const char *name)
{
    api_fail(reply, 404, "there is no output '%s'", option_show(span_str(name)).text);
}

static void put_output(struct api_reply *reply, const char *name, const char *done)
{
    struct json j = api_begin(reply);
    json_put_str(&j, "output", name);
    json_put_str(&j, "done", done);
    api_end(&j, reply);
}

static void act(const struct api_request *request, struct api_reply *reply, enum engine_act what,
                const char *done, const char *cannot)
{
    char space[CONFIG_NAME_MAX + 1];
    const char *name = output_name(request, reply, space);
    if (!name)
        return;
    switch (engine_act(request->context->engine, name, what)) {
    case ENGINE_ACTS:
        put_output(reply, name, done);
        break;
    case ENGINE_NO_OUTPUT:
        refuse_name(reply, name);
        break;
    case ENGINE_CANNOT:
        api_fail(reply, 409, "output '%s' %s", name, cannot);
    }
}

static const char no_queue[] = "has no queue, has not begun, or is about to end";

static void pause_handle(const struct api_request *request, struct api_reply *reply)
{
    act(request, reply, ENGINE_PAUSES, "paused", no_queue);
}

static void resume_handle(const struct api_request *request, struct api_reply *reply)
{
    act(request, reply, ENGINE_RESUMES, "resumed", no_queue);
}

static void rotate_handle(const struct api_request *request, struct api_reply *reply)
{
    act(request, reply, ENGINE_ROTATES, "rotated",
        "has no file to rotate, has not begun, or is about to end");
}

/* The output of that name that is at work. */
static bool find_output(struct engine *engine, const char *name, struct engine_output *view)
{
    for (size_t i = 0; engine_output(engine, i, view); i++) {
        if (!view->gone && strcmp(view->name, name) == 0)
            return true;
    }
    return false;
}

static uint64_t settled(const struct ledger *ledger)
{
    return counter_get(&ledger->received) - ledger_waiting(ledger);
}

static void drain_handle(const struct api_request *request, struct api_reply *reply)
{
    const struct timespec rest = {.tv_nsec = DRAIN_LOOK_MS * (long)CLOCK_MS_NS};
    const uint64_t until = clock_after(DRAIN_SECONDS * CLOCK_SECOND_NS);
    struct engine *engine = request->context->engine;
    struct engine_output view;
    char space[CONFIG_NAME_MAX + 1];
    const char *name = output_name(request, reply, space);
    if (!name)
        return;
    bool there = find_output(engine, name, &view);
    uint64_t wanted = counter_get(&view.ledger.received);
    while (there && !view.paused && settled(&view.ledger) < wanted && clock_ns() < until) {
        nanosleep(&rest, NULL);
        there = find_output(engine, name, &view);
    }
    if (!there)
        refuse_name(reply, name);
    else if (settled(&view.ledger) >= wanted)
        put_output(reply, name, "drained");
    else if (view.paused)
        api_fail(reply, 409, "output '%s' is paused", name);
    else
        api_fail(reply, 503, "output '%s' has not written all in %d seconds: %llu records wait",
                 name, DRAIN_SECONDS, (unsigned long long)ledger_waiting(&view.ledger));
}

static const struct api_parameter of_an_output[] = {
    {"name", "string", "Which, as /api/v1/outputs has it. It must be given.", true}, {0}};

#define OUTPUT_ROUTE(verb, seconds, words)                                                         \
    const struct api_route api_outputs_##verb = {                                                  \
        .path = "/api/v1/outputs/" #verb,                                                          \
        .method = API_POST,                                                                        \
        .commands = true,                                                                          \
        .waits = (seconds),                                                                        \
        .plain = true,                                                                             \
        .doc = (words),                                                                            \
        .parameters = of_an_output,                                                                \
        .schema = "{output: text, done: text}",                                                    \
        .handle = verb##_handle,                                                                   \
    }

OUTPUT_ROUTE(pause, false,
             "Has an output write nothing until it is resumed, or the program ends: what comes "
             "waits in its queue, and when that is full, when-full says what happens.");
OUTPUT_ROUTE(resume, false, "Has a paused output go on.");
OUTPUT_ROUTE(drain, true,
             "Waits until an output has written what it has received until now, ten seconds at "
             "most.");
OUTPUT_ROUTE(rotate, false, "Has an output of files begin a new one now.");

/* --- log ------------------------------------------------------------------------------------ */

static const char *const levels[] = {[LOG_ERROR] = "error",
                                     [LOG_WARNING] = "warning",
                                     [LOG_INFO] = "info",
                                     [LOG_DEBUG] = "debug",
                                     NULL};

static void log_handle(const struct api_request *request, struct api_reply *reply)
{
    unsigned level = LOG_INFO;
    struct span text;
    if (!needed(request, reply, "level", &text) ||
        !api_word(request, reply, "level", levels, &level))
        return;
    log_set_level((enum log_level)level);
    struct json j = api_begin(reply);
    json_put_str(&j, "level", levels[level]);
    api_end(&j, reply);
}

const struct api_route api_log = {
    .path = "/api/v1/log",
    .method = API_POST,
    .commands = true,
    .plain = true,
    .doc = "How much is said on standard error from now on.",
    .parameters =
        (const struct api_parameter[]){
            {"level", "string",
             "error, warning, info or debug: that and what is worse. It must be given.", true},
            {0}},
    .schema = "{level: text}",
    .handle = log_handle,
};

/* --- configuration and end ------------------------------------------------------------------ */

static bool takes_commands(const struct api_request *request, struct api_reply *reply)
{
    if (!request->context->commands)
        api_fail(reply, 409, "this program is not told so");
    return request->context->commands;
}

static void put_lines(struct json *j, const char *key, struct span lines)
{
    json_key(j, key);
    json_array(j);
    while (lines.len > 0) {
        const uint8_t *end = memchr(lines.ptr, '\n', lines.len);
        size_t len = end ? (size_t)(end - lines.ptr) : lines.len, used = end ? len + 1 : len;
        json_text(j, span_of(lines.ptr, len));
        lines = span_of(lines.ptr + used, lines.len - used);
    }
    json_array_end(j);
}

static void reload_handle(const struct api_request *request, struct api_reply *reply)
{
    static const char *const words[] = {"false", "true", NULL};
    struct buf changes = {0}, later = {0};
    struct error err = {0};
    char line[1024];
    unsigned dry = 0;
    if (!takes_commands(request, reply) || !api_word(request, reply, "dry-run", words, &dry))
        return;
    const struct api_commands *commands = request->context->commands;
    if (commands->reload(commands->arg, dry, &changes, &later, &err) == 0) {
        struct json j = api_begin(reply);
        json_put_bool(&j, "dry-run", dry);
        put_lines(&j, "changes", buf_span(&changes));
        put_lines(&j, "later", buf_span(&later));
        api_end(&j, reply);
    } else {
        api_fail(reply, 409, "%s", error_line(&err, line, sizeof line));
    }
    buf_free(&changes);
    buf_free(&later);
}

const struct api_route api_reload = {
    .path = "/api/v1/reload",
    .method = API_POST,
    .commands = true,
    .waits = true,
    .plain = true,
    .doc =
        "Reads the configuration again and goes over to it, as SIGHUP does. The answer comes when "
        "it is in force and what is no more has ended; a 409 says what is wrong, and then all is "
        "as it was.",
    .parameters = (const struct api_parameter[]){{"dry-run", "boolean",
                                                  "true: says what would change, and changes "
                                                  "nothing; files and addresses are not tried."},
                                                 {0}},
    .schema = "{dry-run: bool, changes: [text] (a line each, as config diff has them), "
              "later: [text] (names of what changes at the next start alone)}",
    .handle = reload_handle,
};

static void stop_handle(const struct api_request *request, struct api_reply *reply)
{
    struct error err = {0};
    if (!takes_commands(request, reply))
        return;
    const struct api_commands *commands = request->context->commands;
    if (commands->stop(commands->arg, &err) < 0) {
        api_fail(reply, 409, "%s", err.text);
        return;
    }
    struct json j = api_begin(reply);
    json_put_str(&j, "status", "ending");
    api_end(&j, reply);
}

const struct api_route api_stop = {
    .path = "/api/v1/stop",
    .method = API_POST,
    .commands = true,
    .waits = true,
    .plain = true,
    .doc = "Drains and ends the program, as SIGTERM does. The answer comes when that has begun.",
    .schema = "{status: text}",
    .handle = stop_handle,
};
