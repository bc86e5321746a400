/* The engine at work: inputs, stages, outputs, the ledger; whether it is alive and ready. */
#include <math.h>
#include <stdio.h>

#include "api/connections.h"
#include "api/scope.h"
#include "base/clock.h"
#include "core/input.h"
#include "core/stages.h"
#include "stats/stats.h"

/* --- inputs --------------------------------------------------------------------------------- */

/* "total: N, by reason: {NAME: N}". */
static void put_reasons(struct json *j, const char *total, const char *by_reason,
                        const counter *counts, size_t count, const char *(*name)(size_t))
{
    json_put_u64(j, total, counter_sum(counts, count));
    json_key(j, by_reason);
    json_object(j);
    for (size_t i = 0; i < count; i++)
        json_put_u64(j, name(i), counter_get(&counts[i]));
    json_object_end(j);
}

static void put_input(struct json *j, const struct engine_input *input)
{
    const struct input_counters *counters = &input->counters;
    json_object(j);
    json_put_str(j, "name", input->name);
    json_put_str(j, "module", input->module);
    json_put_str(j, "place", input->place[0] ? input->place : NULL);
    json_put_bool(j, "open", counter_get(&counters->open) > 0);
    json_put_u64(j, "connections", counter_get(&counters->connections));
    put_reasons(j, "refused", "refusals", counters->refused, INPUT_REFUSALS, input_refusal_name);
    put_reasons(j, "cut", "cuts", counters->cut, INPUT_CUTS, input_cut_name);
    json_put_u64(j, "frames", counter_get(&counters->frames));
    json_put_u64(j, "bytes", counter_get(&counters->bytes));
    json_put_u64(j, "malformed", counter_get(&counters->malformed));
    json_put_u64(j, "errors", counter_get(&counters->errors));
    json_object_end(j);
}

static void inputs_handle(const struct api_request *request, struct api_reply *reply)
{
    struct engine_input input;
    struct json j = api_begin(reply);
    json_key(&j, "inputs");
    json_array(&j);
    for (size_t i = 0; engine_input(request->context->engine, i, &input); i++)
        put_input(&j, &input);
    json_array_end(&j);
    api_end(&j, reply);
}

const struct api_route api_inputs = {
    .path = "/api/v1/inputs",
    .plain = true,
    .doc = "Inputs and what came by them.",
    .schema = "{inputs: [{name: text, module: text, "
              "place: text? (where DNS servers connect: unix:PATH or tcp:HOST:PORT), "
              "open: bool (it listens, or its files are not at their end), "
              "connections: int (accepted since the start), refused: int, "
              "refusals: {*int} (the same by reason: the option that says so, or reconnecting), "
              "cut: int (connections closed though they had not ended or broken their streams), "
              "cuts: {*int} (the same by reason), frames: int, bytes: int, "
              "malformed: int (frames that are no dnstap messages), "
              "errors: int (connections or files that ended in a stream error)}]}",
    .handle = inputs_handle,
};

/* --- stages --------------------------------------------------------------------------------- */

static void stages_handle(const struct api_request *request, struct api_reply *reply)
{
    struct engine *engine = request->context->engine;
    struct stage_view stage;
    struct json j = api_begin(reply);
    json_key(&j, "stages");
    json_array(&j);
    for (size_t i = 0; engine_stage(engine, i, &stage); i++) {
        json_object(&j);
        json_put_str(&j, "name", stage.name);
        json_put_str(&j, "module", stage.module);
        json_put_bool(&j, "configured", !stage.implied);
        json_put_u64(&j, "passed", stage.passed);
        json_put_u64(&j, "dropped", stage.dropped);
        json_put_u64(&j, "changed", stage.changed);
        json_object_end(&j);
    }
    json_array_end(&j);
    api_end(&j, reply);
}

const struct api_route api_stages = {
    .path = "/api/v1/stages",
    .plain = true,
    .doc =
        "Stages in the order in which events pass them, and what each made of those that came to "
        "it.",
    .schema = "{stages: [{name: text, module: text, "
              "configured: bool (false: it runs because somebody needs what it provides), "
              "passed: int (changed ones, too), "
              "dropped: int (which outputs count as filtered), changed: int}]}",
    .handle = stages_handle,
};

/* --- outputs -------------------------------------------------------------------------------- */

static void put_ledger(struct json *j, const struct engine_output *output)
{
    const struct ledger *ledger = &output->ledger;
    json_object(j);
    json_put_str(j, "output", output->name);
    json_put_str(j, "place", output->place[0] ? output->place : NULL);
    json_put_u64(j, "received", counter_get(&ledger->received));
    json_put_u64(j, "delivered", counter_get(&ledger->delivered));
    json_put_u64(j, "filtered", counter_get(&ledger->filtered));
    json_put_u64(j, "dropped", ledger_dropped(ledger));
    json_put_u64(j, "in-flight", ledger_waiting(ledger));
    json_put_u64(j, "truncated", counter_get(&ledger->truncated));
    json_put_u64(j, "bytes", counter_get(&ledger->bytes));
    json_key(j, "reasons");
    json_object(j);
    for (int i = DROP_FIRST; i < DROP_REASONS; i++)
        json_put_u64(j, drop_reason_name(i), counter_get(&ledger->dropped[i]));
    json_object_end(j);
    json_object_end(j);
}

static void put_output(struct json *j, const struct engine_output *output)
{
    json_object(j);
    json_put_str(j, "name", output->name);
    json_put_str(j, "module", output->module);
    json_put_str(j, "place", output->place[0] ? output->place : NULL);
    json_put_str(j, "format", output->format);
    json_put_bool(j, "open", output->open);
    json_put_bool(j, "paused", output->paused);
    json_key(j, "queue");
    if (output->queued) {
        json_object(j);
        json_put_u64(j, "bytes", output->queue_bytes);
        json_put_u64(j, "limit", output->queue_limit);
        json_put_u64(j, "records", output->queue_records);
        json_object_end(j);
    } else {
        json_null(j);
    }
    json_key(j, "ledger");
    put_ledger(j, output);
    json_object_end(j);
}

/* `gone`: those too that are no more. */
static void each_output(const struct api_request *request, struct api_reply *reply, bool gone,
                        void (*put)(struct json *j, const struct engine_output *output))
{
    struct engine_output output;
    struct json j = api_begin(reply);
    json_key(&j, "outputs");
    json_array(&j);
    for (size_t i = 0; engine_output(request->context->engine, i, &output); i++) {
        if (gone || !output.gone)
            put(&j, &output);
    }
    json_array_end(&j);
    api_end(&j, reply);
}

static void outputs_handle(const struct api_request *request, struct api_reply *reply)
{
    each_output(request, reply, false, put_output);
}

const struct api_route api_outputs = {
    .path = "/api/v1/outputs",
    .plain = true,
    .doc = "Outputs with their queues and what became of the events they got.",
    .schema = "{outputs: [{name: text, module: text, place: text? (the path of its file), "
              "format: text?, open: bool (false: it could not be opened yet, and is tried again), "
              "paused: bool, "
              "queue: {bytes: int, limit: int, records: int}? (null: it has none), "
              "ledger: Ledger}]}",
    .handle = outputs_handle,
};

static void ledger_handle(const struct api_request *request, struct api_reply *reply)
{
    each_output(request, reply, true, put_ledger);
}

const struct api_route api_ledger = {
    .path = "/api/v1/ledger",
    .plain = true,
    .doc = "What became of every event, by output: received = delivered + filtered + dropped + "
           "in-flight; of outputs, too, that a reload has taken away: the first thousand by their "
           "names, what more there are together, as (others).",
    .schema = "{outputs: [Ledger]}",
    .handle = ledger_handle,
};

/* --- health --------------------------------------------------------------------------------- */

static void health_handle(const struct api_request *request, struct api_reply *reply)
{
    (void)request;
    reply->fixed = span_str("{\"status\":\"ok\"}");
}

const struct api_route api_health = {
    .path = "/api/v1/health",
    .plain = true,
    .access = ACCESS_OPEN,
    .doc = "200 as long as the process answers.",
    .schema = "{status: text}",
    .handle = health_handle,
};

static bool some_input_open(struct engine *engine)
{
    struct engine_input input;
    for (size_t i = 0; engine_input(engine, i, &input); i++) {
        if (counter_get(&input.counters.open) > 0)
            return true;
    }
    return false;
}

static const char is_ready[] = "ready";

/* How it stands, in a few words. */
static const char *readiness(struct engine *engine)
{
    if (engine_draining(engine))
        return "ending";
    return some_input_open(engine) ? is_ready : "no input is open";
}

static void ready_handle(const struct api_request *request, struct api_reply *reply)
{
    const char *status = readiness(request->context->engine);
    struct json j = api_begin(reply);
    json_put_str(&j, "status", status);
    api_end(&j, reply);
    reply->status = status == is_ready ? 200 : 503;
}

const struct api_route api_ready = {
    .path = "/api/v1/ready",
    .plain = true,
    .access = ACCESS_OPEN,
    .doc = "200 while events can come in; 503 at the end, and when no input is open.",
    .schema = "{status: text}",
    .handle = ready_handle,
};

/* --- status --------------------------------------------------------------------------------- */

static void put_input_hints(struct json *j, struct engine *engine)
{
    struct engine_input input;
    for (size_t i = 0; engine_input(engine, i, &input); i++) {
        char text[INPUT_HINT_MAX];
        if (!engine_input_hint(engine, i, text))
            continue;
        json_object(j);
        json_put_str(j, "input", input.name);
        json_put_str(j, "hint", text);
        json_object_end(j);
    }
}

static bool counts_before_stages(struct engine *engine)
{
    struct config *config = engine_config(engine);
    const struct stats_settings *settings = config_section(config, "statistics");
    bool before = settings && settings->before_stages;
    config_release(config);
    return before;
}

/* What a stage has dropped is in no number of the statistics, unless they stand before it. */
static void put_stage_hints(struct json *j, const struct api_context *context)
{
    struct engine *engine = context->engine;
    struct stage_view stage;
    if (!context->stats || counts_before_stages(engine))
        return;
    for (size_t i = 0; engine_stage(engine, i, &stage); i++) {
        char text[256];
        if (stage.implied || stage.dropped == 0)
            continue;
        snprintf(
            text, sizeof text,
            "the stage %s has dropped %.3g %% of its events since the start: statistics are of "
            "the others, and with 'statistics: {before-stages: true}' of all",
            stage.name, 100.0 * (double)stage.dropped / (double)(stage.dropped + stage.passed));
        json_object(j);
        json_put_str(j, "stage", stage.name);
        json_put_str(j, "hint", text);
        json_object_end(j);
    }
}

static void put_input_counts(struct json *j, struct engine *engine)
{
    struct engine_input input;
    uint64_t all = 0, open = 0;
    for (; engine_input(engine, (size_t)all, &input); all++)
        open += counter_get(&input.counters.open) > 0;
    json_key(j, "inputs");
    json_object(j);
    json_put_u64(j, "all", all);
    json_put_u64(j, "open", open);
    json_object_end(j);
}

/* Returns how many events outputs have dropped. */
static uint64_t put_output_counts(struct json *j, struct engine *engine)
{
    struct engine_output output;
    uint64_t all = 0, open = 0, paused = 0, dropped = 0;
    for (size_t i = 0; engine_output(engine, i, &output); i++) {
        dropped += ledger_dropped(&output.ledger);
        all += !output.gone;
        open += !output.gone && output.open;
        paused += !output.gone && output.paused;
    }
    json_key(j, "outputs");
    json_object(j);
    json_put_u64(j, "all", all);
    json_put_u64(j, "open", open);
    json_put_u64(j, "paused", paused);
    json_object_end(j);
    return dropped;
}

static double rate_of(const struct api_context *context)
{
    const struct stats_snapshot *snapshot =
        context->stats ? api_snapshot(context, WINDOW_ALL, NULL) : NULL;
    double rate = 0;
    if (!snapshot)
        return NAN;
    for (int side = 0; side < STATS_SIDES; side++) {
        for (int direction = 0; direction < STATS_DIRECTIONS; direction++)
            rate += snapshot->total[side].rates[direction].minute;
    }
    stats_release(snapshot);
    return rate;
}

static void put_events(struct json *j, const struct api_context *context, uint64_t dropped)
{
    struct ledger inputs;
    double rate = rate_of(context);
    engine_input_ledger(context->engine, &inputs);
    json_key(j, "events");
    json_object(j);
    json_put_u64(j, "received", counter_get(&inputs.received));
    json_put_u64(j, "malformed", counter_get(&inputs.dropped[DROP_MALFORMED]));
    json_put_u64(j, "dropped", dropped);
    json_put_double(j, "rate", rate);
    json_object_end(j);
}

static void put_status(struct json *j, const struct api_context *context,
                       const struct api_connections *c)
{
    struct engine *engine = context->engine;
    json_put_str(j, "status", readiness(engine));
    json_put_str(j, "version", SPILE_VERSION);
    json_put_time(j, "started", context->started_ms);
    json_put_u64(j, "uptime", (clock_ns() - engine_begun_ns(engine)) / CLOCK_SECOND_NS);
    json_put_time(j, "configured", engine_configured_ms(engine));
    put_input_counts(j, engine);
    json_put_u64(j, "connections", c->all);
    uint64_t dropped = put_output_counts(j, engine);
    put_events(j, context, dropped);
    json_key(j, "hints");
    json_array(j);
    put_input_hints(j, engine);
    put_stage_hints(j, context);
    api_put_shared_names(j, c);
    json_array_end(j);
}

static void status_handle(const struct api_request *request, struct api_reply *reply)
{
    struct api_connections c;
    if (api_connections_read(&c, request->context->engine, reply) < 0)
        return;
    if (api_connections_sort(&c, reply) == 0) {
        struct json j = api_begin(reply);
        put_status(&j, request->context, &c);
        api_end(&j, reply);
    }
    api_connections_free(&c);
}

const struct api_route api_status = {
    .path = "/api/v1/status",
    .plain = true,
    .doc = "How it stands: whether events can come in, what there is, and what keeps DNS servers "
           "from being heard, or apart.",
    .schema =
        "{status: text (ready, ending, or no input is open), version: text, started: time, "
        "uptime: int (seconds), "
        "configured: time (since when the configuration is in force), "
        "inputs: {all: int, open: int}, connections: int (that are open), "
        "outputs: {all: int, open: int, paused: int}, "
        "events: {received: int (frames, by all inputs), "
        "malformed: int (of these: no dnstap messages), "
        "dropped: int (by all outputs together, those too that are no more), "
        "rate: num? (events a second over the last minute; null: statistics are off)}, "
        "hints: [{input?: text, stream?: text (whose servers it is about), "
        "stage?: text (instead of the input), hint: text (what is likely wrong, and what to do)}]}",
    .handle = status_handle,
};
